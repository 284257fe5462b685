//! An access token that was revoked by itself, remembered until it would have expired.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far ahead a clock may be for a while, until somebody puts it right.
const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevokedToken {
    pub jti: String,
    /// The token's `exp`.
    pub expires_at: Timestamp,
}

impl Record for RevokedToken {
    fn key(&self) -> Key {
        keys::revoked_token(self.expires_at, &self.jti)
    }

    /// A day longer than the token lives: what a sweep forgot while the clock was ahead would come alive again once the
    /// clock is right.
    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at + CLOCK_AHEAD_MAX)
    }
}
