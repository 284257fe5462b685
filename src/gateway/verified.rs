//! Access tokens that were found good before, and whom they made out to be.
//!
//! Nothing revoked lives on in here. A signature that was good stays good; whether its token still stands is judged
//! anew once anything was written under a key that the judgement rests on, and a token of a key that was revoked is
//! verified anew, and refused.

use super::identity::Sender;
use crate::base::digest::sha256;
use crate::context::Context;
use crate::model::last_use::GRANT;
use crate::oauth::access_token::{Claims, Verified, rests_on, verify_with_key};
use crate::oauth::last_use;
use crate::oauth::standing::Judged;
use crate::platform::caller::Caller;
use crate::store::{Key, Seq};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Locks: enough that two cores seldom meet.
const SHARDS: usize = 16;
/// Tokens in each; a full shard starts again from nothing (16 MiB for all, with long scopes).
const SHARD_TOKENS_MAX: usize = 512;

#[derive(Default)]
pub struct VerifiedTokens {
    shards: [Mutex<HashMap<[u8; 32], Arc<VerifiedToken>>>; SHARDS],
}

impl VerifiedTokens {
    /// As [`crate::oauth::access_token::verify`].
    pub fn verify(&self, ctx: &Context, token: &str) -> Result<Arc<VerifiedToken>, &'static str> {
        let digest = sha256(token.as_bytes());
        let shard = &self.shards[usize::from(digest[0]) % SHARDS];
        let known = shard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&digest)
            .cloned();
        if let Some(known) = known.filter(|known| known.is_good(ctx)) {
            return Ok(known);
        }
        let verified = Arc::new(VerifiedToken::new(verify_with_key(ctx, token)?));
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= SHARD_TOKENS_MAX {
            shard.clear();
        }
        shard.insert(digest, Arc::clone(&verified));
        Ok(verified)
    }
}

/// A token whose signature was good.
pub struct VerifiedToken {
    verified: Verified,
    rests_on: Vec<Key>,
    last: Mutex<Option<Judgement>>,
}

/// Whom it was judged to be of, and what [`crate::store::Store::settled`] said before of each key it rests on.
struct Judgement {
    sender: Arc<Sender>,
    as_of: Vec<Seq>,
}

impl VerifiedToken {
    fn new(verified: Verified) -> Self {
        Self {
            rests_on: rests_on(&verified.claims),
            verified,
            last: Mutex::default(),
        }
    }

    pub fn claims(&self) -> &Claims {
        &self.verified.claims
    }

    /// Whether it has not ended and its key is one that still verifies.
    pub fn is_good(&self, ctx: &Context) -> bool {
        self.verified.is_good(ctx)
    }

    /// Who shows it, as everything stands now.
    pub async fn sender(&self, ctx: &Context) -> Judged<Arc<Sender>> {
        let sender = match self.judged_before(ctx) {
            Some(sender) => sender,
            None => match self.judge(ctx).await? {
                Ok(sender) => sender,
                Err(why) => return Ok(Err(why)),
            },
        };
        if let Some(grant) = &sender.grant {
            last_use::note(ctx, GRANT, grant);
        }
        Ok(Ok(sender))
    }

    fn judged_before(&self, ctx: &Context) -> Option<Arc<Sender>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.as_ref()?;
        let mut keys = self.rests_on.iter().zip(&last.as_of);
        let unchanged = keys.all(|(key, as_of)| ctx.store.settled(key) == Some(*as_of));
        unchanged.then(|| Arc::clone(&last.sender))
    }

    async fn judge(&self, ctx: &Context) -> Judged<Arc<Sender>> {
        // Asked before anything is read: what is written meanwhile is seen the next time.
        let as_of: Option<Vec<Seq>> = self.rests_on.iter().map(|key| ctx.store.settled(key)).collect();
        let sender = match Caller::of_access_token(ctx, self.claims()).await? {
            Ok(caller) => Arc::new(Sender::new(caller)),
            Err(why) => return Ok(Err(why)),
        };
        if let Some(as_of) = as_of {
            let judgement = Judgement {
                sender: Arc::clone(&sender),
                as_of,
            };
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(judgement);
        }
        Ok(Ok(sender))
    }
}
