//! A key that signs tokens: next (published) → active → retired (published while a token may need it) → dropped.

use crate::base::jose::{Algorithm, Jwk};
use crate::base::master::Sealed;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far ahead of the tokens the watermark is moved: one write a day at most.
const WATERMARK_STEP: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, so that every verifier knows it before it signs.
    Next,
    Active,
    /// Signs nothing more; verifies what it signed.
    Retired,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningKeyRecord {
    /// The RFC 7638 thumbprint of the public key.
    pub kid: String,
    pub algorithm: Algorithm,
    pub state: KeyState,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    pub retired_at: Option<Timestamp>,
    /// No token it signed expires later. Written before such a token is answered.
    pub signed_until: Timestamp,
    pub public: Jwk,
    pub private: Sealed,
}

impl SigningKeyRecord {
    pub fn activate(&self, now: Timestamp) -> Self {
        Self {
            state: KeyState::Active,
            activated_at: Some(now),
            ..self.clone()
        }
    }

    pub fn retire(&self, now: Timestamp) -> Self {
        Self {
            state: KeyState::Retired,
            retired_at: Some(now),
            ..self.clone()
        }
    }

    /// Ready to sign tokens that end at `exp`: `None` when it is already.
    pub fn reaching(&self, exp: Timestamp) -> Option<Self> {
        (exp > self.signed_until).then(|| Self {
            signed_until: exp + WATERMARK_STEP,
            ..self.clone()
        })
    }

    /// Retired, and every token it signed has expired.
    pub fn spent(&self, now: Timestamp) -> bool {
        self.state == KeyState::Retired && self.signed_until < now
    }
}

impl Record for SigningKeyRecord {
    fn key(&self) -> Key {
        keys::signing_key(&self.kid)
    }
}
