//! What may be used once and was: the `jti` of a DPoP proof (RFC 9449 §11.1) or of a client assertion (RFC 7523 §3).
//!
//! It is written in the batch of the decision it was shown for, so that it is used up when that stands, and only then.

use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UsedOnce {
    /// Of what was used and of what makes it unique, such as the client; each kind has a purpose of its own.
    pub digest: KeyedDigest,
    /// From then on it would be refused for its age.
    pub expires_at: Timestamp,
}

impl Record for UsedOnce {
    fn key(&self) -> Key {
        keys::used_once(self.expires_at, &self.digest)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
