//! One chain of refresh tokens under a grant. Every use rewrites this one record.

use super::epoch::Epochs;
use crate::base::master::{KeyedDigest, Sealed};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Family {
    pub organization: String,
    pub grant: String,
    /// The claim `fid`.
    pub id: String,
    pub client_id: String,
    pub user: String,
    /// As approved: a refresh may ask for fewer, never for more (RFC 6749 §6).
    pub scopes: Vec<String>,
    /// The audience of its access tokens.
    pub resource: String,
    /// The key that the refresh tokens of a public client are bound to (RFC 9449 §5), as a thumbprint.
    pub jkt: Option<String>,
    /// The counters at the approval: the family is dead as soon as one has moved on.
    pub stamps: Epochs,
    /// Its own counter; the last of the claim `ep`.
    pub epoch: u64,
    /// Revoked by itself.
    pub ended: bool,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
    /// Not used until then, it ends.
    pub idle_ends_at: Timestamp,
    /// However often it is used, it ends then.
    pub ends_at: Timestamp,
    /// Number and digest of the one live refresh token; the first has the number 0.
    pub counter: u64,
    pub live: KeyedDigest,
    /// How the token before the live one was rotated.
    pub rotation: Option<Rotation>,
    /// Idempotency keys of earlier rotations, the newest last: a late repeat with one of them is no theft.
    pub spent_keys: Vec<SpentKey>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rotation {
    pub at: Timestamp,
    /// The token that was rotated.
    pub from: KeyedDigest,
    /// The key whose proof came with the request.
    pub jkt: Option<String>,
    pub how: How,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum How {
    /// The answer is in a receipt.
    Keyed { key: KeyedDigest },
    /// The answer can be made once more from this.
    Plain {
        /// The random part of the live refresh token.
        successor: Sealed,
        jti: String,
        issued_at: Timestamp,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpentKey {
    /// Of the token that was rotated.
    pub counter: u64,
    pub key: KeyedDigest,
}

impl Family {
    pub fn alive(&self, now: Timestamp) -> bool {
        !self.ended && now < self.ends_at && now < self.idle_ends_at
    }

    /// Revoked: its refresh tokens and the access tokens made with them are dead.
    pub fn end(&self) -> Self {
        Self {
            ended: true,
            epoch: self.epoch + 1,
            ..self.clone()
        }
    }
}

impl Record for Family {
    fn key(&self) -> Key {
        keys::family(&self.organization, &self.grant, &self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.ends_at.min(self.idle_ends_at))
    }
}
