//! An authorization code (RFC 6749 §4.1.2): what was approved, until it is redeemed once.

use super::epoch::Epochs;
use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a redeemed code is remembered, so that its replay is noticed (OAuth 2.1 §4.1.3).
pub const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Code {
    pub digest: KeyedDigest,
    pub client_id: String,
    pub organization: String,
    pub user: String,
    pub grant: String,
    pub scopes: Vec<String>,
    pub resource: String,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// S256 of the verifier (RFC 7636 §4.2).
    pub challenge: Option<String>,
    /// RFC 9449 §10.
    pub jkt: Option<String>,
    /// The counters at the approval, the grant's among them.
    pub stamps: Epochs,
    pub expires_at: Timestamp,
    pub redeemed: Option<Redeemed>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Redeemed {
    pub at: Timestamp,
    /// What the code made.
    pub family: String,
    /// Digest of the `Idempotency-Key` whose receipt answers a repeat.
    pub key: Option<KeyedDigest>,
    pub jkt: Option<String>,
}

impl Record for Code {
    fn key(&self) -> Key {
        keys::code(self.expires_at, &self.digest)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let redeemed_at = self.redeemed.as_ref().map(|redeemed| redeemed.at);
        Some(redeemed_at.map_or(self.expires_at, |at| at + REMEMBERED))
    }
}
