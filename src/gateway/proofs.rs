//! DPoP proofs that were used (RFC 9449 §11.1). A proof is remembered in memory before the request goes on, and in the
//! store shortly after: nobody waits for the disk. What a crash takes with it is the last moment's, and each of those
//! proofs could be shown once more, by whoever holds the token and saw the proof.

use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::used_once::UsedOnce;
use crate::store::records::{Record as _, load};
use crate::store::{Batch, Outcome, StoreError};
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longer than a proof can be shown.
const GENERATION: Duration = Duration::from_secs(400);
/// In each of two generations (16 MiB for both). Beyond it the store alone remembers, and is waited for.
const REMEMBERED_MAX: usize = 512 * 1024;
/// Writes that nobody waits for.
const WRITING_MAX: usize = 1024;

pub struct Proofs {
    hasher: RandomState,
    seen: Mutex<Seen>,
    writing: Arc<Semaphore>,
}

#[derive(Default)]
struct Seen {
    /// Hashes under a key of this process: two proofs that share one, which is next to impossible, look used.
    young: HashSet<u64>,
    old: HashSet<u64>,
    turned_at: Option<Timestamp>,
}

impl Default for Proofs {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            seen: Mutex::default(),
            writing: Arc::new(Semaphore::new(WRITING_MAX)),
        }
    }
}

impl Proofs {
    /// Uses it up; `false` where it had been used before.
    pub async fn take(&self, ctx: &Context, once: UsedOnce) -> Result<bool, StoreError> {
        let hash = self.hasher.hash_one(once.digest.as_bytes());
        let remembered = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            match seen.note(hash, ctx.now()) {
                Noted::Before => return Ok(false),
                Noted::Now => true,
                Noted::Full => false,
            }
        };
        // Before the last restart.
        if load::<UsedOnce>(&*ctx.store, &once.key()).await?.is_some() {
            return Ok(false);
        }
        let mut batch = Batch::new();
        batch.insert(&once)?;
        let permit = Arc::clone(&self.writing).try_acquire_owned();
        if let (true, Ok(permit)) = (remembered, permit) {
            let store = Arc::clone(&ctx.store);
            tokio::spawn(async move {
                if let Err(error) = store.commit(batch).await {
                    log::warn!("a used DPoP proof was not written: {error}");
                }
                drop(permit);
            });
            return Ok(true);
        }
        Ok(matches!(ctx.store.commit(batch).await?, Outcome::Committed(_)))
    }
}

enum Noted {
    Before,
    Now,
    Full,
}

impl Seen {
    fn note(&mut self, hash: u64, now: Timestamp) -> Noted {
        let turned_at = *self.turned_at.get_or_insert(now);
        if now.since(turned_at) >= GENERATION {
            self.old = std::mem::take(&mut self.young);
            self.turned_at = Some(now);
        }
        if self.old.contains(&hash) || self.young.contains(&hash) {
            return Noted::Before;
        }
        if self.young.len() >= REMEMBERED_MAX {
            return Noted::Full;
        }
        self.young.insert(hash);
        Noted::Now
    }
}
