//! Typed verbs over bytes: a record knows its key and its index keys, so no caller can forget one.

use super::{Batch, Check, Key, Seq, Store, StoreError, Stored, Write, codec};
use crate::base::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Something remembered under one key, found through further ones.
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    fn key(&self) -> Key;

    /// Keys under which the record's own key is stored as value. Kept in the same batch as the record.
    fn index_keys(&self) -> Vec<Key> {
        Vec::new()
    }

    /// When sweep may delete it; nothing else reads this.
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}

/// A record and the version of it that was read: what [`Batch::replace`] and [`Batch::remove`] insist on.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    pub value: T,
    pub version: Seq,
}

impl<T> std::ops::Deref for Versioned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

pub async fn load<R: Record>(store: &dyn Store, key: &Key) -> Result<Option<Versioned<R>>, StoreError> {
    let Some(stored) = store.get(key).await? else {
        return Ok(None);
    };
    decode(key, &stored).map(Some)
}

/// What was found under `key`.
pub fn decode<R: Record>(key: &Key, stored: &Stored) -> Result<Versioned<R>, StoreError> {
    let value: R = codec::decode(&stored.value)?;
    if value.key() != *key {
        return Err(StoreError::Corrupt(format!(
            "{key:?} holds the record of {:?}",
            value.key()
        )));
    }
    Ok(Versioned {
        value,
        version: stored.version,
    })
}

/// The record an index key points to.
pub async fn load_by_index<R: Record>(store: &dyn Store, index: &Key) -> Result<Option<Versioned<R>>, StoreError> {
    let Some(stored) = store.get(index).await? else {
        return Ok(None);
    };
    load(store, &Key(stored.value.to_vec())).await
}

/// How many records stand under a prefix, `limit` at most. None is decoded.
pub async fn count(store: &dyn Store, prefix: &Key, limit: u32) -> Result<usize, StoreError> {
    Ok(store.scan(prefix, None, limit).await?.len())
}

/// A page of the records that the index keys under a prefix point to, and the index key to go on after when there may
/// be more. What goes between the two reads is left out.
pub async fn list_by_index<R: Record>(
    store: &dyn Store,
    prefix: &Key,
    after: Option<&Key>,
    limit: u32,
) -> Result<(Vec<Versioned<R>>, Option<Key>), StoreError> {
    let rows = store.scan(prefix, after, limit).await?;
    let last = rows.last().filter(|_| rows.len() == limit as usize);
    let next = last.map(|(key, _)| key.clone());
    let mut records = Vec::with_capacity(rows.len());
    for (_, stored) in rows {
        records.extend(load(store, &Key(stored.value.to_vec())).await?);
    }
    Ok((records, next))
}

/// A page of records under a prefix, and the key to go on after when there may be more.
pub async fn list<R: Record>(
    store: &dyn Store,
    prefix: &Key,
    after: Option<&Key>,
    limit: u32,
) -> Result<(Vec<Versioned<R>>, Option<Key>), StoreError> {
    let rows = store.scan(prefix, after, limit).await?;
    let next = if rows.len() == limit as usize {
        rows.last().map(|(key, _)| key.clone())
    } else {
        None
    };
    let mut records = Vec::with_capacity(rows.len());
    for (_, stored) in rows {
        records.push(Versioned {
            value: codec::decode(&stored.value)?,
            version: stored.version,
        });
    }
    Ok((records, next))
}

impl Batch {
    /// A new record: its key and its index keys must be free.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<&mut Self, StoreError> {
        let key = record.key();
        for index in record.index_keys() {
            self.checks.push(Check::Absent(index.clone()));
            self.writes.push(Write::Put {
                key: index,
                value: key.0.clone(),
                expires_at: record.expires_at(),
            });
        }
        self.checks.push(Check::Absent(key.clone()));
        self.writes.push(Write::Put {
            key,
            value: codec::encode(record)?,
            expires_at: record.expires_at(),
        });
        Ok(self)
    }

    /// `new` in place of `old`, which must be unchanged; index keys follow.
    pub fn replace<R: Record>(&mut self, old: &Versioned<R>, new: &R) -> Result<&mut Self, StoreError> {
        let key = new.key();
        assert_eq!(old.value.key(), key, "a record never changes its key");
        let (before, after) = (old.value.index_keys(), new.index_keys());
        for index in before.iter().filter(|k| !after.contains(k)) {
            self.writes.push(Write::Delete { key: index.clone() });
        }
        for index in after {
            if !before.contains(&index) {
                self.checks.push(Check::Absent(index.clone()));
            } else if old.value.expires_at() == new.expires_at() {
                continue;
            }
            self.writes.push(Write::Put {
                key: index,
                value: key.0.clone(),
                expires_at: new.expires_at(),
            });
        }
        self.checks.push(Check::Unchanged(key.clone(), old.version));
        self.writes.push(Write::Put {
            key,
            value: codec::encode(new)?,
            expires_at: new.expires_at(),
        });
        Ok(self)
    }

    /// `old`, which must be unchanged, and its index keys, away.
    pub fn remove<R: Record>(&mut self, old: &Versioned<R>) -> &mut Self {
        let key = old.value.key();
        for index in old.value.index_keys() {
            self.writes.push(Write::Delete { key: index });
        }
        self.checks.push(Check::Unchanged(key.clone(), old.version));
        self.writes.push(Write::Delete { key });
        self
    }

    /// The decision rests on `record` as it was read.
    pub fn require<R: Record>(&mut self, record: &Versioned<R>) -> &mut Self {
        self.checks.push(Check::Unchanged(record.value.key(), record.version));
        self
    }

    /// The decision rests on nothing standing under `key`.
    pub fn require_absent(&mut self, key: Key) -> &mut Self {
        self.checks.push(Check::Absent(key));
        self
    }
}
