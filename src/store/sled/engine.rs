//! The sled tree. This is the only file that names the sled crate.
//!
//! sled 0.34.7 is used as an ordered map, and trusted with nothing else: one tree, one thread at a time that writes; no
//! `transaction`, `apply_batch`, `generate_id`, `merge`, `watch_prefix` or `export`, and no reliance on its `flush`,
//! which does not survive a power cut. What it loses, the journal replays.
//!
//! ```text
//! a                            → first u64 ‖ last u64   the group applied last, perhaps in part
//! r ‖ key                      → version u64 ‖ expires_at u64 (MAX: never) ‖ value
//! x ‖ moment u64 (BE) ‖ key    → nothing                look at key once the moment has passed
//! ```
//! `x` is a reminder, not an index: it may come early (the record lives longer now) or in vain (it is gone), never too
//! late. So extending a record's life, which every rotation does, writes nothing there; sweep moves the reminder.

use crate::base::time::Timestamp;
use crate::store::{Key, Seq, StoreError, Stored, limits};
use std::ops::Bound;
use std::path::Path;

const APPLIED: &[u8] = b"a";
const RECORD: u8 = b'r';
const REMINDER: u8 = b'x';
const VALUE_HEADER_BYTES: usize = 16;
const NEVER: u64 = u64::MAX;

/// What checks and reminders need to know of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub version: Seq,
    pub expires_at: Option<Timestamp>,
}

/// The group of commits applied last, perhaps in part: its first and last Seq. All before it are there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    pub first: Seq,
    pub last: Seq,
}

/// Writes that reach the tree in this order, after the note of which group they are.
#[derive(Default)]
pub struct EngineBatch {
    applied: Option<Applied>,
    writes: Vec<EngineWrite>,
}

enum EngineWrite {
    Put(Key, Head, Vec<u8>),
    Delete(Key),
    Remind(Timestamp, Key),
    Forget(Timestamp, Key),
}

impl EngineBatch {
    pub fn put(&mut self, key: Key, version: Seq, expires_at: Option<Timestamp>, value: Vec<u8>) {
        let head = Head { version, expires_at };
        self.writes.push(EngineWrite::Put(key, head, value));
    }

    pub fn delete(&mut self, key: Key) {
        self.writes.push(EngineWrite::Delete(key));
    }

    pub fn remind(&mut self, at: Timestamp, key: &Key) {
        self.writes.push(EngineWrite::Remind(at, key.clone()));
    }

    pub fn forget(&mut self, at: Timestamp, key: &Key) {
        self.writes.push(EngineWrite::Forget(at, key.clone()));
    }

    pub fn applied(&mut self, applied: Applied) {
        self.applied = Some(applied);
    }
}

fn name_record(name: &mut Vec<u8>, key: &Key) {
    name.push(RECORD);
    name.extend_from_slice(&key.0);
}

fn name_reminder(name: &mut Vec<u8>, at: Timestamp, key: &Key) {
    name.push(REMINDER);
    name.extend_from_slice(&at.millis().to_be_bytes());
    name.extend_from_slice(&key.0);
}

fn record_key(key: &Key) -> Vec<u8> {
    let mut name = Vec::with_capacity(1 + key.0.len());
    name_record(&mut name, key);
    name
}

fn reminder_key(at: Timestamp, key: &Key) -> Vec<u8> {
    let mut name = Vec::with_capacity(9 + key.0.len());
    name_reminder(&mut name, at, key);
    name
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn head(bytes: &[u8]) -> Result<Head, StoreError> {
    let parse = || Some((word(bytes, 0)?, word(bytes, 8)?));
    let (version, expires) = parse().ok_or_else(|| StoreError::Corrupt("a stored record is too short".into()))?;
    let expires_at = (expires != NEVER).then_some(Timestamp::from_millis(expires));
    Ok(Head {
        version: Seq(version),
        expires_at,
    })
}

fn stored(bytes: &[u8]) -> Result<Stored, StoreError> {
    let Head { version, expires_at } = head(bytes)?;
    Ok(Stored {
        value: bytes[VALUE_HEADER_BYTES..].into(),
        version,
        expires_at,
    })
}

fn broken(e: &sled::Error) -> StoreError {
    StoreError::Corrupt(format!("sled: {e}"))
}

pub struct Engine {
    tree: sled::Db,
}

impl Engine {
    pub fn open(dir: &Path, cache_bytes: u64) -> Result<Self, String> {
        wait_until_closed(dir);
        let config = sled::Config::default().path(dir).cache_capacity(cache_bytes);
        let tree = config.open().map_err(|e| e.to_string())?;
        Ok(Self { tree })
    }

    pub fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        self.with(key, stored)
    }

    pub fn head(&self, key: &Key) -> Result<Option<Head>, StoreError> {
        self.with(key, head)
    }

    /// Every request reads a few records: the key is put together on the stack.
    fn with<T>(&self, key: &Key, f: fn(&[u8]) -> Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        let mut bytes = [RECORD; 1 + limits::KEY_BYTES_MAX];
        let end = 1 + key.0.len();
        // A longer key cannot have been written.
        let Some(room) = bytes.get_mut(1..end) else {
            return Ok(None);
        };
        room.copy_from_slice(&key.0);
        let found = self.tree.get(&bytes[..end]).map_err(|e| broken(&e))?;
        found.map(|bytes| f(&bytes)).transpose()
    }

    pub fn scan(&self, prefix: &Key, after: Option<&Key>, limit: u32) -> Result<Vec<(Key, Stored)>, StoreError> {
        let lowest = match after {
            Some(after) if after >= prefix => Bound::Excluded(record_key(after)),
            _ => Bound::Included(record_key(prefix)),
        };
        let mut rows = Vec::new();
        for row in self
            .tree
            .range((lowest, Bound::Excluded(vec![RECORD + 1])))
            .take(limit as usize)
        {
            let (key, value) = row.map_err(|e| broken(&e))?;
            if !key[1..].starts_with(&prefix.0) {
                break;
            }
            rows.push((Key(key[1..].to_vec()), stored(&value)?));
        }
        Ok(rows)
    }

    /// At most `limit` reminders whose moment has come.
    pub fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Key)>, StoreError> {
        let end = reminder_key(Timestamp::from_millis(now.millis().saturating_add(1)), &Key::default());
        let mut due = Vec::new();
        for row in self.tree.range(vec![REMINDER]..end).take(limit) {
            let (key, _) = row.map_err(|e| broken(&e))?;
            let Some(moment) = key.get(1..9).and_then(|b| b.try_into().ok()) else {
                return Err(StoreError::Corrupt("a reminder is too short".into()));
            };
            due.push((
                Timestamp::from_millis(u64::from_be_bytes(moment)),
                Key(key[9..].to_vec()),
            ));
        }
        Ok(due)
    }

    /// One write after the other: sled's `apply_batch` keeps every reader waiting until it is done. What a crash leaves
    /// half applied is applied again, as the note of the group comes first; and until the whole group is durable, a
    /// read that meets a part of it waits.
    pub fn apply(&self, batch: EngineBatch) -> Result<(), StoreError> {
        if let Some(Applied { first, last }) = batch.applied {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&first.0.to_le_bytes());
            bytes[8..].copy_from_slice(&last.0.to_le_bytes());
            self.tree.insert(APPLIED, &bytes).map_err(|e| broken(&e))?;
        }
        // What sled keeps it copies: the same two buffers serve all.
        let (mut name, mut bytes) = (Vec::new(), Vec::new());
        for write in &batch.writes {
            name.clear();
            bytes.clear();
            match write {
                EngineWrite::Put(key, head, value) => {
                    name_record(&mut name, key);
                    bytes.extend_from_slice(&head.version.0.to_le_bytes());
                    bytes.extend_from_slice(&head.expires_at.map_or(NEVER, Timestamp::millis).to_le_bytes());
                    bytes.extend_from_slice(value);
                }
                EngineWrite::Delete(key) => name_record(&mut name, key),
                EngineWrite::Remind(at, key) | EngineWrite::Forget(at, key) => name_reminder(&mut name, *at, key),
            }
            let done = match write {
                EngineWrite::Put(..) | EngineWrite::Remind(..) => self.tree.insert(&name, bytes.as_slice()),
                EngineWrite::Delete(_) | EngineWrite::Forget(..) => self.tree.remove(&name),
            };
            done.map_err(|e| broken(&e))?;
        }
        Ok(())
    }

    pub fn applied(&self) -> Result<Option<Applied>, StoreError> {
        let Some(bytes) = self.tree.get(APPLIED).map_err(|e| broken(&e))? else {
            return Ok(None);
        };
        let parse = || {
            Some(Applied {
                first: Seq(word(&bytes, 0)?),
                last: Seq(word(&bytes, 8)?),
            })
        };
        parse()
            .map(Some)
            .ok_or_else(|| StoreError::Corrupt("what was applied last cannot be read".into()))
    }

    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }
}

/// A tree just closed in this process lets go of its file a little later, on a thread of sled's. Other processes are
/// kept away by our own lock.
pub fn wait_until_closed(dir: &Path) {
    if let Ok(file) = std::fs::File::open(dir.join("db")) {
        // Without locks there is nothing to wait for; opening will say so.
        let _ = file.lock();
    }
}
