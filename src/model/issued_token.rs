//! An access token that somebody made in the portal: what is known of it, but not the token.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

/// Of a label, in characters.
pub const LABEL_CHARS_MAX: usize = 100;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IssuedToken {
    pub jti: String,
    pub client_id: String,
    /// The organization it works in.
    pub organization: String,
    pub label: String,
    /// User id of whoever made it.
    pub by: String,
    pub scopes: Vec<String>,
    /// Its audience.
    pub resource: String,
    pub created_at: Timestamp,
    /// The token's `exp`.
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

impl IssuedToken {
    /// Neither expired nor revoked. Whether it works also depends on the app, its user and the epochs.
    pub fn live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

impl Record for IssuedToken {
    fn key(&self) -> Key {
        keys::issued_token(&self.client_id, &self.jti)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{codec, limits};

    #[test]
    fn the_fullest_one_fits_a_record() {
        // As many scopes as a request may name, at 64 bytes each, are too many for one record: the maker bounds them.
        let fullest = IssuedToken {
            jti: "j".repeat(24),
            client_id: "c".repeat(40),
            organization: "o".repeat(24),
            label: "\u{1f511}".repeat(LABEL_CHARS_MAX),
            by: "u".repeat(24),
            scopes: vec!["s".repeat(64); 80],
            resource: "r".repeat(250),
            created_at: Timestamp::from_seconds(1),
            expires_at: Timestamp::from_seconds(2),
            revoked_at: Some(Timestamp::from_seconds(2)),
        };
        assert!(codec::encode(&fullest).unwrap().len() <= limits::VALUE_BYTES_MAX);
    }
}
