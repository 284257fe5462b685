//! The store in memory: the reference the others are compared with, and the fastest one for tests.

use super::{Batch, Change, Check, Key, Outcome, Reply, Seq, Store, StoreError, Stored, Write};
use crate::base::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    records: BTreeMap<Key, Stored>,
    /// The last commit that wrote under a key, deletions too.
    written: BTreeMap<Key, Seq>,
    log: Vec<Change>,
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn commit(&mut self, batch: Batch) -> Result<Outcome, StoreError> {
        batch.validate()?;
        let holds = |check: &Check| match check {
            Check::Absent(key) => !self.records.contains_key(key),
            Check::Unchanged(key, version) => self.records.get(key).is_some_and(|s| s.version == *version),
        };
        if !batch.checks.iter().all(holds) {
            return Ok(Outcome::Conflict);
        }
        let seq = Seq(self.log.len() as u64 + 1);
        for write in &batch.writes {
            self.written.insert(write.parts().0.clone(), seq);
            match write.clone() {
                Write::Put { key, value, expires_at } => {
                    self.records.insert(
                        key,
                        Stored {
                            value: value.into(),
                            version: seq,
                            expires_at,
                        },
                    );
                }
                Write::Delete { key } => {
                    self.records.remove(&key);
                }
            }
        }
        self.log.push(Change {
            seq,
            writes: batch.writes,
        });
        Ok(Outcome::Committed(seq))
    }
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        Box::pin(async move { Ok(self.state().records.get(key).cloned()) })
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        Box::pin(async move {
            let state = self.state();
            let rows = state
                .records
                .range(prefix.clone()..)
                .take_while(|(key, _)| key.0.starts_with(&prefix.0));
            let rows = rows.filter(|(key, _)| after.is_none_or(|after| *key > after));
            Ok(rows
                .take(limit as usize)
                .map(|(key, stored)| (key.clone(), stored.clone()))
                .collect())
        })
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        Box::pin(async move { self.state().commit(batch) })
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        Box::pin(async move {
            let state = self.state();
            let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(state.log.len());
            Ok(state.log[from..].iter().take(limit as usize).cloned().collect())
        })
    }

    fn settled(&self, key: &Key) -> Option<Seq> {
        Some(self.state().written.get(key).copied().unwrap_or_default())
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        Box::pin(async move {
            let mut state = self.state();
            let expired = state
                .records
                .iter()
                .filter(|(_, s)| s.expires_at.is_some_and(|at| at <= now));
            let expired: Vec<_> = expired
                .take(limit as usize)
                .map(|(key, s)| (key.clone(), s.version))
                .collect();
            let swept = expired.len() as u32;
            for (key, version) in expired {
                let checks = vec![Check::Unchanged(key.clone(), version)];
                state.commit(Batch {
                    checks,
                    writes: vec![Write::Delete { key }],
                    ..Batch::default()
                })?;
            }
            Ok(swept)
        })
    }
}
