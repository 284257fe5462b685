//! Records that were read and decoded before. Every request reads the same few; decoding them costs more than reading.
//!
//! Nothing revoked lives on in here. An entry is used only while the store says that nothing was committed under its
//! key since it was last found right, or else once the store has said that the record still stands at the entry's
//! version.

use super::records::{Record, Versioned, decode};
use super::{Key, Seq, Store, StoreError};
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Locks: enough that two cores seldom meet.
const SHARDS: usize = 16;
/// Of records as the store holds them; a full shard starts again from nothing.
const SHARD_BYTES_MAX: usize = 128 * 1024;

#[derive(Default)]
pub struct RecordCache {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Key, Entry>,
    bytes: usize,
}

struct Entry {
    /// A `Versioned` of the type that was asked for.
    record: Arc<dyn Any + Send + Sync>,
    version: Seq,
    /// What [`Store::settled`] said before this was last read.
    as_of: Option<Seq>,
}

impl RecordCache {
    pub async fn load<R: Record + 'static>(
        &self,
        store: &dyn Store,
        key: &Key,
    ) -> Result<Option<Arc<Versioned<R>>>, StoreError> {
        let as_of = store.settled(key);
        let unchanged = |entry: &mut Entry| as_of.is_some() && entry.as_of == as_of;
        if let Some(known) = self.find(key, unchanged) {
            return Ok(Some(known));
        }
        let Some(stored) = store.get(key).await? else {
            return Ok(None);
        };
        let confirm = |entry: &mut Entry| {
            let same = entry.version == stored.version;
            if same {
                entry.as_of = as_of;
            }
            same
        };
        if let Some(known) = self.find(key, confirm) {
            return Ok(Some(known));
        }
        let record = Arc::new(decode::<R>(key, &stored)?);
        let entry = Entry {
            record: record.clone(),
            version: stored.version,
            as_of,
        };
        self.shard(key).insert(key, entry, stored.value.len());
        Ok(Some(record))
    }

    fn find<R: Record + 'static>(&self, key: &Key, good: impl FnOnce(&mut Entry) -> bool) -> Option<Arc<Versioned<R>>> {
        let mut shard = self.shard(key);
        let entry = shard.entries.get_mut(key)?;
        if !good(entry) {
            return None;
        }
        entry.record.clone().downcast().ok()
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        // The last letter of an id is random; behind it stands the zero that ends it.
        let letter = key.0.iter().rev().nth(1).copied().unwrap_or_default();
        let shard = &self.shards[usize::from(letter) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn insert(&mut self, key: &Key, entry: Entry, bytes: usize) {
        if self.bytes + bytes > SHARD_BYTES_MAX {
            *self = Self::default();
        }
        // A record that changes is counted again: then the shard only starts again sooner.
        self.bytes += bytes;
        self.entries.insert(key.clone(), entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::store::memory::MemoryStore;
    use crate::store::{Batch, Change, Outcome, Reply, Stored, Write};
    use serde::{Deserialize, Serialize};

    /// A store that cannot say whether anything changed, as one that others write to.
    struct Unsettled(MemoryStore);

    impl Store for Unsettled {
        fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
            self.0.get(key)
        }
        fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
            self.0.scan(prefix, after, limit)
        }
        fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
            self.0.commit(batch)
        }
        fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
            self.0.changes(after, limit)
        }
        fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
            self.0.sweep(now, limit)
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Counter {
        id: String,
        count: u64,
        padding: String,
    }

    impl Record for Counter {
        fn key(&self) -> Key {
            Key(format!("t{}\0", self.id).into_bytes())
        }
    }

    fn counter(id: &str, count: u64) -> Counter {
        Counter {
            id: id.to_owned(),
            count,
            padding: "p".repeat(100),
        }
    }

    async fn count(cache: &RecordCache, store: &dyn Store, id: &str) -> Option<u64> {
        let found = cache.load::<Counter>(store, &counter(id, 0).key()).await;
        found.expect("the store works").map(|found| found.count)
    }

    async fn commit(store: &dyn Store, fill: impl FnOnce(&mut Batch)) {
        let mut batch = Batch::new();
        fill(&mut batch);
        let outcome = store.commit(batch).await.expect("the store works");
        assert!(matches!(outcome, Outcome::Committed(_)));
    }

    #[tokio::test]
    async fn a_change_and_a_removal_are_seen_by_the_next_load() {
        for store in [
            Box::new(MemoryStore::new()) as Box<dyn Store>,
            Box::new(Unsettled(MemoryStore::new())),
        ] {
            let (cache, store) = (RecordCache::default(), &*store);
            assert_eq!(count(&cache, store, "1").await, None);
            commit(store, |batch| drop(batch.insert(&counter("1", 0)))).await;
            for next in 1..4 {
                assert_eq!(count(&cache, store, "1").await, Some(next - 1));
                assert_eq!(count(&cache, store, "1").await, Some(next - 1));
                let key = counter("1", 0).key();
                let old = cache.load::<Counter>(store, &key).await.unwrap().unwrap();
                commit(store, |batch| drop(batch.replace(&old, &counter("1", next)))).await;
            }
            let key = counter("1", 0).key();
            commit(store, |batch| batch.writes.push(Write::Delete { key })).await;
            assert_eq!(count(&cache, store, "1").await, None);
        }
    }

    #[tokio::test]
    async fn a_record_is_decoded_once_while_it_stays_the_same_whatever_else_changes() {
        let (cache, store) = (RecordCache::default(), MemoryStore::new());
        commit(&store, |batch| drop(batch.insert(&counter("1", 0)))).await;
        let key = counter("1", 0).key();
        let first = cache.load::<Counter>(&store, &key).await.unwrap().unwrap();
        commit(&store, |batch| drop(batch.insert(&counter("2", 0)))).await;
        let second = cache.load::<Counter>(&store, &key).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[tokio::test]
    async fn the_cache_is_bounded() {
        let (cache, store) = (RecordCache::default(), MemoryStore::new());
        for id in 0..20_000 {
            let id = format!("{id}a");
            commit(&store, |batch| drop(batch.insert(&counter(&id, 0)))).await;
            assert_eq!(count(&cache, &store, &id).await, Some(0));
        }
        let bytes: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().bytes).sum();
        assert!(
            bytes > 0 && bytes <= SHARD_BYTES_MAX,
            "{bytes} bytes in the one shard used"
        );
    }
}
