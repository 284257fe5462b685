//! A browser in which somebody is signed in.

use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long the secret before the present one still counts: for requests that were under way when it changed.
pub const PREVIOUS_SECRET_LIVES: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Names it in lists; the cookie holds it and the secret.
    pub id: String,
    pub user: String,
    /// Of the secret in the cookie, which changes at sign-in, at consent and with the organization.
    pub secret: KeyedDigest,
    pub previous: Option<PreviousSecret>,
    /// The user's counter and the global one at sign-in: a new password ends every session.
    pub user_epoch: u64,
    pub global_epoch: u64,
    /// The organization chosen last.
    pub organization: Option<String>,
    /// Digest of the authorization request for which the user signed in: `prompt=login` is content with it once.
    pub signed_in_for: Option<KeyedDigest>,
    pub signed_in_at: Timestamp,
    pub used_at: Timestamp,
    pub idle_ends_at: Timestamp,
    pub ends_at: Timestamp,
    /// What its browser calls itself, and where it last came from, for the user's own list.
    pub user_agent: String,
    pub address: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreviousSecret {
    pub secret: KeyedDigest,
    pub until: Timestamp,
}

impl Session {
    pub fn alive(&self, now: Timestamp) -> bool {
        now < self.ends_at && now < self.idle_ends_at
    }

    /// Another secret in the cookie, for the same session.
    pub fn with_secret(&self, secret: KeyedDigest, now: Timestamp) -> Self {
        Self {
            previous: Some(PreviousSecret {
                secret: self.secret,
                until: now + PREVIOUS_SECRET_LIVES,
            }),
            secret,
            ..self.clone()
        }
    }
}

impl Record for Session {
    fn key(&self) -> Key {
        keys::session(&self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        vec![keys::session_of_user(&self.user, &self.id)]
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.ends_at.min(self.idle_ends_at))
    }
}
