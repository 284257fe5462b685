//! A store in memory that holds one operation back until the test lets it go.

use grantd::base::time::Timestamp;
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, Change, Key, Outcome, Reply, Seq, Store, Stored};
use std::sync::Mutex;
use tokio::sync::Notify;

#[derive(Default)]
pub struct Gate {
    store: MemoryStore,
    scan: Mutex<Option<Key>>,
    commit: Mutex<bool>,
    held: Notify,
    released: Notify,
}

impl Gate {
    /// The next scan with this prefix has its rows and does not say them yet.
    pub fn hold_next_scan(&self, prefix: Key) {
        *self.scan.lock().expect("no panic") = Some(prefix);
    }

    /// The next commit has not been looked at yet.
    pub fn hold_next_commit(&self) {
        *self.commit.lock().expect("no panic") = true;
    }

    pub async fn held(&self) {
        self.held.notified().await;
    }

    pub fn release(&self) {
        self.released.notify_one();
    }

    async fn wait(&self) {
        self.held.notify_one();
        self.released.notified().await;
    }
}

impl Store for Gate {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        self.store.get(key)
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        Box::pin(async move {
            let rows = self.store.scan(prefix, after, limit).await;
            let hold = self
                .scan
                .lock()
                .expect("no panic")
                .take_if(|held| held == prefix)
                .is_some();
            if hold {
                self.wait().await;
            }
            rows
        })
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        Box::pin(async move {
            let hold = std::mem::take(&mut *self.commit.lock().expect("no panic"));
            if hold {
                self.wait().await;
            }
            self.store.commit(batch).await
        })
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        self.store.changes(after, limit)
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        self.store.sweep(now, limit)
    }
}
