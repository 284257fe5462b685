//! Records that were read and decoded before. Every request reads the same few; decoding them costs more than reading.
//!
//! Nothing revoked lives on in here. An entry is used only while the store says that nothing was committed since it was
//! last found right, or else once the store has said that the record still stands at the entry's version.

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
        let as_of = store.settled();
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
