//! A store in memory whose next commit fails as it is told to.

use grantd::base::time::Timestamp;
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, Change, Key, Outcome, Reply, Seq, Store, StoreError, Stored};
use std::sync::Mutex;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fail {
    #[default]
    Nothing,
    /// Nothing happened, and it says so.
    Away,
    /// Nobody knows whether it happened; it did.
    UnknownAndDone,
    /// Nobody knows whether it happened; it did not.
    UnknownAndNot,
}

impl Fail {
    pub fn of(roll: u64) -> Self {
        [Self::Away, Self::UnknownAndDone, Self::UnknownAndNot][usize::try_from(roll).expect("small")]
    }
}

#[derive(Default)]
pub struct Failing {
    inner: MemoryStore,
    next: Mutex<Fail>,
    failed: Mutex<bool>,
}

impl Failing {
    pub fn fail_next(&self, fail: Fail) {
        *self.next.lock().expect("no panic") = fail;
    }

    /// Whether a commit has failed since this was last asked.
    pub fn failed(&self) -> bool {
        std::mem::take(&mut *self.failed.lock().expect("no panic"))
    }
}

impl Store for Failing {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        self.inner.get(key)
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        Box::pin(async move {
            let fail = std::mem::take(&mut *self.next.lock().expect("no panic"));
            if fail == Fail::Nothing {
                return self.inner.commit(batch).await;
            }
            *self.failed.lock().expect("no panic") = true;
            if fail == Fail::UnknownAndDone {
                self.inner.commit(batch).await?;
            }
            Err(match fail {
                Fail::Away => StoreError::Unavailable("told so".into()),
                _ => StoreError::Unknown("told so".into()),
            })
        })
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        self.inner.changes(after, limit)
    }

    fn settled(&self, key: &Key) -> Option<Seq> {
        self.inner.settled(key)
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        self.inner.sweep(now, limit)
    }
}
