//! Access tokens whose signature was found good before. Whether one still stands is asked every time: nothing revoked
//! lives on in here, and a token of a key that was revoked is verified anew, and refused.

use crate::base::digest::sha256;
use crate::context::Context;
use crate::oauth::access_token::{Verified, verify_with_key};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Locks: enough that two cores seldom meet.
const SHARDS: usize = 16;
/// Tokens in each; a full shard starts again from nothing (8 MiB for all, with long scopes).
const SHARD_TOKENS_MAX: usize = 512;

#[derive(Default)]
pub struct VerifiedTokens {
    shards: [Mutex<HashMap<[u8; 32], Arc<Verified>>>; SHARDS],
}

impl VerifiedTokens {
    /// As [`crate::oauth::access_token::verify`].
    pub fn verify(&self, ctx: &Context, token: &str) -> Result<Arc<Verified>, &'static str> {
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
        let verified = Arc::new(verify_with_key(ctx, token)?);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= SHARD_TOKENS_MAX {
            shard.clear();
        }
        shard.insert(digest, Arc::clone(&verified));
        Ok(verified)
    }
}
