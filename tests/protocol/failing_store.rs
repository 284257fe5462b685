//! A store that is away, or full, when told so.

use grantd::base::time::Timestamp;
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, Change, Key, Outcome, Reply, Seq, Store, StoreError, Stored, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
pub struct FailingStore {
    inner: MemoryStore,
    reads_fail: AtomicBool,
    commits_fail: AtomicBool,
    full: AtomicBool,
    /// Commits that remove this fail.
    held: Mutex<Option<Key>>,
}

impl FailingStore {
    pub fn fail_reads(&self, fail: bool) {
        self.reads_fail.store(fail, Ordering::SeqCst);
    }

    pub fn fail_commits(&self, fail: bool) {
        self.commits_fail.store(fail, Ordering::SeqCst);
    }

    /// From now on this record is removed by nobody, or every one may be.
    pub fn hold(&self, key: Option<Key>) {
        *self.held.lock().expect("nobody panics with it") = key;
    }

    fn holds(&self, batch: &Batch) -> bool {
        let held = self.held.lock().expect("nobody panics with it");
        let removes = |write: &Write| matches!(write, Write::Delete { key } if Some(key) == held.as_ref());
        batch.writes.iter().any(removes)
    }

    /// From now on only what revokes is written.
    pub fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }
}

fn or_away<'a, T: Send + 'a>(fails: &AtomicBool, reply: Reply<'a, T>) -> Reply<'a, T> {
    if fails.load(Ordering::SeqCst) {
        return Box::pin(async { Err(StoreError::Unavailable("the disk is on fire".into())) });
    }
    reply
}

impl Store for FailingStore {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        or_away(&self.reads_fail, self.inner.get(key))
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        or_away(&self.reads_fail, self.inner.scan(prefix, after, limit))
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        if self.full.load(Ordering::SeqCst) && !batch.revokes {
            return Box::pin(async { Err(StoreError::Full) });
        }
        let fails = AtomicBool::new(self.commits_fail.load(Ordering::SeqCst) || self.holds(&batch));
        or_away(&fails, self.inner.commit(batch))
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        or_away(&self.reads_fail, self.inner.changes(after, limit))
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        or_away(&self.commits_fail, self.inner.sweep(now, limit))
    }
}
