//! A personal access token: whoever holds it acts as its user, in one organization.

use super::epoch::Epochs;
use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub const NAME_CHARS_MAX: usize = 60;
/// All names of its scopes together.
pub const SCOPES_BYTES_MAX: usize = 4000;
/// Records one user may have.
pub const TOKENS_MAX: u32 = 50;
/// How long one that has expired is still shown.
const SHOWN_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Revoking it takes it away; what is left is the event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonalToken {
    /// Names it in lists, and is part of what the text says; no secret.
    pub id: String,
    pub user: String,
    pub organization: String,
    pub name: String,
    /// Of the whole text.
    pub digest: KeyedDigest,
    /// What was granted: names of the catalog, and of the scopes of the JSON API.
    pub scopes: Vec<String>,
    /// User id: an admin's, where the user cannot sign in.
    pub created_by: String,
    /// User and id of the token it was made with: it ends with that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<(String, String)>,
    pub created_at: Timestamp,
    /// `None` where the profile allows tokens that never end.
    pub expires_at: Option<Timestamp>,
    /// The counters of everything, the organization, the user and the member as they stood.
    pub stamps: Epochs,
}

impl PersonalToken {
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

impl Record for PersonalToken {
    fn key(&self) -> Key {
        keys::personal_token(&self.user, &self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        vec![keys::personal_token_of_organization(&self.organization, &self.id)]
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at.map(|at| at + SHOWN_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::master::{MasterSecret, Purpose};
    use crate::base::random::SeededRandom;
    use crate::model::scope::SCOPE_BYTES_MAX;
    use crate::store::Batch;

    #[test]
    fn the_longest_name_and_the_most_scopes_fit_into_one_record() {
        let secret = MasterSecret::generate(&SeededRandom::new(1));
        let id = || "o".repeat(40);
        for scope_bytes in [4, SCOPE_BYTES_MAX] {
            let token = PersonalToken {
                id: id(),
                user: id(),
                organization: id(),
                name: "\u{1f600}".repeat(NAME_CHARS_MAX),
                digest: secret.digest(Purpose::PersonalAccessToken, b"text"),
                scopes: vec!["s".repeat(scope_bytes); SCOPES_BYTES_MAX / scope_bytes],
                created_by: id(),
                made_with: Some((id(), id())),
                created_at: Timestamp::from_millis(u64::MAX),
                expires_at: Some(Timestamp::from_millis(u64::MAX)),
                stamps: Epochs::from([u64::MAX; 7]),
            };
            let mut batch = Batch::new();
            batch.insert(&token).unwrap();
            assert_eq!(batch.validate(), Ok(()));
        }
    }
}
