//! What is durable, and waiting for it: nobody learns of a commit that a power cut could still undo.

use crate::store::{Key, Seq, StoreError};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use tokio::sync::watch;

/// Keys share them: with so many, a record that never changes is seldom taken for one that has.
const SLOTS: usize = 4096;

/// Where it is noted when a key was last written.
#[derive(Clone, Copy)]
pub struct Slot(u16);

impl Slot {
    pub fn of(key: &Key) -> Self {
        Self((crc32c::crc32c(&key.0) as usize % SLOTS) as u16)
    }
}

pub struct Progress {
    /// The last commit that is durable.
    durable: AtomicU64,
    /// The last commit of the newest group that deleted something: a record not found may be missing because of it.
    pub deleted: AtomicU64,
    /// The last commit of the newest group that wrote a key of the slot.
    settled: Box<[AtomicU64; SLOTS]>,
    changed: watch::Receiver<u64>,
}

impl Progress {
    pub fn new(durable: u64, changed: watch::Receiver<u64>) -> Self {
        Self {
            durable: AtomicU64::new(durable),
            deleted: AtomicU64::new(0),
            settled: Box::new([const { AtomicU64::new(0) }; SLOTS]),
            changed,
        }
    }

    pub fn durable(&self) -> Seq {
        Seq(self.durable.load(Ordering::SeqCst))
    }

    /// A group that wrote keys of these slots, up to `last`, is in the tree and on the disk. The slots come first: once
    /// anybody may be told of the group, nobody takes what it replaced for what stands.
    pub fn reached(&self, written: &[Slot], last: Seq) {
        for slot in written {
            self.settled[usize::from(slot.0)].store(last.0, Ordering::SeqCst);
        }
        self.durable.store(last.0, Ordering::SeqCst);
    }

    /// See [`crate::store::Store::settled`].
    pub fn settled(&self, key: &Key) -> Seq {
        Seq(self.settled[usize::from(Slot::of(key).0)].load(Ordering::SeqCst))
    }

    /// Until it is durable that a record stands at `version`; that it does not stand, for `None`.
    pub async fn wait(&self, version: Option<Seq>) -> Result<(), StoreError> {
        let seen = version.map_or_else(|| self.deleted.load(Ordering::SeqCst), |version| version.0);
        if seen <= self.durable.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut changed = self.changed.clone();
        let reached = changed.wait_for(|durable| *durable >= seen).await;
        reached
            .map(|_| ())
            .map_err(|_| StoreError::Unavailable("the store is closed".into()))
    }

    /// The same for a thread of its own.
    pub fn wait_blocking(&self, version: Seq) -> Result<(), StoreError> {
        let mut waiting = pin!(self.wait(Some(version)));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match waiting.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread::park(),
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
