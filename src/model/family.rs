//! One chain of refresh tokens under a grant. Every use rewrites this one record.

mod judge;

use super::code::Code;
use super::epoch::Epochs;
use crate::base::master::{KeyedDigest, MasterSecret, Purpose, Sealed};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub use judge::{Policy, Shown, Verdict};

/// Families of one grant; a further one ends the longest idle.
pub const FAMILIES_MAX: usize = 50;
/// Keys of rotations before the last one that are still known. A client that comes back with an older one is taken for
/// a thief: it has refreshed more often since then, so that its key is no memory of a lost answer any more.
pub const SPENT_KEYS_MAX: usize = 16;

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
    Keyed {
        key: KeyedDigest,
        /// As in the receipt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kid: Option<String>,
    },
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

/// What the redemption of a code adds to what was approved.
pub struct Start {
    pub id: String,
    /// Of the first refresh token.
    pub live: KeyedDigest,
    pub jkt: Option<String>,
    pub idle: Duration,
    pub absolute: Duration,
}

/// One use of the live token.
pub struct Next {
    /// Of its successor.
    pub live: KeyedDigest,
    /// The key whose proof came with the request.
    pub jkt: Option<String>,
    pub how: How,
    pub idle: Duration,
}

impl Family {
    pub fn start(code: &Code, start: Start, now: Timestamp) -> Self {
        Self {
            organization: code.organization.clone(),
            grant: code.grant.clone(),
            id: start.id,
            client_id: code.client_id.clone(),
            user: code.user.clone(),
            scopes: code.scopes.clone(),
            resource: code.resource.clone(),
            jkt: start.jkt,
            stamps: code.stamps,
            epoch: 0,
            ended: false,
            created_at: now,
            used_at: now,
            idle_ends_at: now + start.idle,
            ends_at: now + start.absolute,
            counter: 0,
            live: start.live,
            rotation: None,
            spent_keys: Vec::new(),
        }
    }

    /// The live token gives way to its successor. The scopes stay: only access tokens may have fewer (RFC 6749 §6).
    pub fn rotate(&self, next: Next, now: Timestamp) -> Self {
        let mut spent_keys = self.spent_keys.clone();
        if let Some(key) = self.keyed_rotation() {
            spent_keys.push(SpentKey {
                counter: self.counter - 1,
                key: *key,
            });
            let surplus = spent_keys.len().saturating_sub(SPENT_KEYS_MAX);
            spent_keys.drain(..surplus);
        }
        Self {
            used_at: now,
            idle_ends_at: now + next.idle,
            counter: self.counter + 1,
            live: next.live,
            rotation: Some(Rotation {
                at: now,
                from: self.live,
                jkt: next.jkt,
                how: next.how,
            }),
            spent_keys,
            ..self.clone()
        }
    }

    /// The key of the last rotation, whose answer is in the receipt of the live token.
    pub fn keyed_rotation(&self) -> Option<&KeyedDigest> {
        match &self.rotation.as_ref()?.how {
            How::Keyed { key, .. } => Some(key),
            How::Plain { .. } => None,
        }
    }

    /// The receipt of the last rotation holds a token of this key. Answers with the kid.
    pub fn signed_by(&mut self, signer: &str) -> String {
        if let Some(Rotation {
            how: How::Keyed { kid, .. },
            ..
        }) = &mut self.rotation
        {
            *kid = Some(signer.to_owned());
        }
        signer.to_owned()
    }

    /// Whether this text is the live refresh token.
    pub fn is_live(&self, secret: &MasterSecret, token: &str) -> bool {
        secret.verify(Purpose::RefreshToken, token.as_bytes(), &self.live)
    }

    pub fn alive(&self, now: Timestamp) -> bool {
        !self.ended && now < self.ends_at && now < self.idle_ends_at
    }

    /// When it ends if it is not used again.
    pub fn expiry(&self) -> Timestamp {
        self.ends_at.min(self.idle_ends_at)
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
        Some(self.expiry())
    }
}
