//! Where the process ends itself.

use grantd::base::time::Timestamp;
use grantd::store::disk::Disk;
use grantd::store::sled::SledStore;
use grantd::store::{Batch, Change, Key, Outcome, Reply, Seq, Store, Stored};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Point {
    BeforeAppend,
    /// The frame is in the file and not synced.
    AfterAppend,
    AfterSync,
    /// Everything is done but the answer.
    AfterApply,
}

impl Point {
    pub const ALL: [Self; 4] = [Self::BeforeAppend, Self::AfterAppend, Self::AfterSync, Self::AfterApply];
}

fn die() -> ! {
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::KILL).expect("a process may kill itself");
    unreachable!("SIGKILL cannot be survived")
}

/// Ends the process at its point, once it is armed.
pub struct Trap {
    point: Option<Point>,
    armed: AtomicBool,
}

impl Trap {
    pub fn new(point: Option<Point>) -> Self {
        Self {
            point,
            armed: AtomicBool::new(false),
        }
    }

    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    fn pass(&self, point: Point) {
        if self.point == Some(point) && self.armed.load(Ordering::SeqCst) {
            die();
        }
    }
}

pub struct TrappedDisk(pub Arc<Trap>);

impl Disk for TrappedDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.pass(Point::BeforeAppend);
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.0.pass(Point::AfterAppend);
        file.sync_data()?;
        self.0.pass(Point::AfterSync);
        Ok(())
    }
}

pub struct TrappedStore {
    pub inner: SledStore,
    pub trap: Arc<Trap>,
}

impl Store for TrappedStore {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        self.inner.get(key)
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        let outcome = self.inner.commit(batch);
        Box::pin(async {
            let outcome = outcome.await;
            self.trap.pass(Point::AfterApply);
            outcome
        })
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        self.inner.changes(after, limit)
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        self.inner.sweep(now, limit)
    }

    fn settled(&self, key: &Key) -> Option<Seq> {
        self.inner.settled(key)
    }
}
