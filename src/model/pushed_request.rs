//! An authorization request that the client sent ahead (RFC 9126), until it is approved or expires.

use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

/// Of the form as it was sent.
pub const FORM_BYTES_MAX: usize = 6 * 1024;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PushedRequest {
    pub digest: KeyedDigest,
    pub client_id: String,
    /// The parameters, form-encoded, without the client's credentials.
    pub form: String,
    /// The key of the proof that came with it (RFC 9449 §10.1).
    pub jkt: Option<String>,
    pub expires_at: Timestamp,
}

impl Record for PushedRequest {
    fn key(&self) -> Key {
        keys::pushed_request(self.expires_at, &self.digest)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
