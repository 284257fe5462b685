//! The answer to a token request with an `Idempotency-Key`, kept so that the same request gets the same bytes.

use crate::base::master::{KeyedDigest, Sealed};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

/// Of the body before it is sealed.
pub const BODY_BYTES_MAX: usize = 5 * 1024;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt {
    pub organization: String,
    pub grant: String,
    pub family: String,
    /// Of the refresh token in the answer.
    pub counter: u64,
    /// Digest of the `Idempotency-Key`.
    pub key: KeyedDigest,
    /// The whole body of the answer.
    pub body: Sealed,
    /// The key that signed the token in it, where nobody knows how long the receipt is needed: the public half stays
    /// published as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    pub expires_at: Timestamp,
}

impl Record for Receipt {
    fn key(&self) -> Key {
        keys::receipt(&self.organization, &self.grant, &self.family, self.counter)
    }

    fn index_keys(&self) -> Vec<Key> {
        let of_key = |kid| keys::receipt_of_key(kid, &self.key());
        self.kid.iter().map(|kid| of_key(kid)).collect()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
