//! An access token that was revoked by itself, remembered until it would have expired.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

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

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
