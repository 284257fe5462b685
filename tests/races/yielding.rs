//! A store in memory that lets others go first, as often as its seed says: tasks of one thread meet in every order.

use grantd::base::random::{self, SeededRandom};
use grantd::base::time::Timestamp;
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, Change, Key, Outcome, Reply, Seq, Store, Stored};

/// Times at most that an operation stands back.
const YIELDS: u8 = 4;

pub struct Yielding {
    inner: MemoryStore,
    random: SeededRandom,
}

impl Yielding {
    pub fn new(seed: u64) -> Self {
        Self {
            inner: MemoryStore::new(),
            random: SeededRandom::new(seed),
        }
    }

    async fn stand_back(&self) {
        let [times] = random::bytes(&self.random);
        for _ in 0..times % YIELDS {
            tokio::task::yield_now().await;
        }
    }
}

impl Store for Yielding {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        Box::pin(async move {
            self.stand_back().await;
            self.inner.get(key).await
        })
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        Box::pin(async move {
            self.stand_back().await;
            self.inner.scan(prefix, after, limit).await
        })
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        Box::pin(async move {
            self.stand_back().await;
            self.inner.commit(batch).await
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
