//! An API key: an id and a secret that an organization's own systems show in two headers. It acts as whoever made it,
//! within the role they have, and ends with them.

use super::epoch::Epochs;
use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

pub const NAME_CHARS_MAX: usize = 60;
/// Of the names of all its scopes together.
pub const SCOPES_BYTES_MAX: usize = 5000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// Shown in the one header; no secret.
    pub id: String,
    pub organization: String,
    /// Of what is shown in the other header.
    pub digest: KeyedDigest,
    pub name: String,
    /// What it may do, as long as the role of its maker may.
    pub scopes: Vec<String>,
    /// The user id of its maker, as whom it acts.
    pub created_by: String,
    /// The counters when it was made, those of app, grant and family aside: once one has moved on, it is dead.
    pub stamps: Epochs,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// User and id of the personal access token that it was made with, and ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<(String, String)>,
    pub revoked: bool,
}

impl ApiKey {
    /// As far as the key itself says.
    pub fn live(&self, now: Timestamp) -> bool {
        !self.revoked && self.expires_at.is_none_or(|at| now < at)
    }
}

impl Record for ApiKey {
    fn key(&self) -> Key {
        keys::api_key(&self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        // In no list once it is revoked, so that lists stay short.
        if self.revoked {
            return Vec::new();
        }
        vec![keys::api_key_of_organization(&self.organization, &self.id)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::master::{MasterSecret, Purpose};
    use crate::base::random::SeededRandom;
    use crate::store::Batch;

    #[test]
    fn the_fullest_key_fits_into_one_record() {
        let secret = MasterSecret::generate(&SeededRandom::new(1));
        // Short names weigh most beside their own length.
        let scopes = vec!["ab".to_owned(); SCOPES_BYTES_MAX / 3];
        let key = ApiKey {
            id: "k".repeat(64),
            organization: "o".repeat(40),
            digest: secret.digest(Purpose::ApiKey, b"x"),
            name: "\u{1f600}".repeat(NAME_CHARS_MAX),
            scopes,
            created_by: "u".repeat(40),
            stamps: Epochs::from([u64::MAX; 7]),
            created_at: Timestamp::from_millis(u64::from(u32::MAX) * 1000),
            expires_at: Some(Timestamp::from_millis(u64::from(u32::MAX) * 1000)),
            made_with: Some(("u".repeat(40), "t".repeat(40))),
            revoked: true,
        };
        let mut batch = Batch::new();
        batch.insert(&key).unwrap();
        assert_eq!(batch.validate(), Ok(()));
    }

    #[test]
    fn a_key_lives_until_it_expires_or_is_revoked() {
        let secret = MasterSecret::generate(&SeededRandom::new(1));
        let key = ApiKey {
            id: "k".into(),
            organization: "o".into(),
            digest: secret.digest(Purpose::ApiKey, b"x"),
            name: "n".into(),
            scopes: Vec::new(),
            created_by: "u".into(),
            stamps: Epochs::default(),
            created_at: Timestamp::from_seconds(1),
            expires_at: Some(Timestamp::from_seconds(9)),
            made_with: None,
            revoked: false,
        };
        assert!(key.live(Timestamp::from_millis(8_999)) && !key.live(Timestamp::from_seconds(9)));
        assert!(!ApiKey { revoked: true, ..key }.live(Timestamp::from_seconds(2)));
    }
}
