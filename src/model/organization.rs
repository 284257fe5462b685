//! An organization: the tenant whose data the API serves.

use super::role::Role;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

pub const NAME_CHARS_MAX: usize = 100;

/// Apps in each list of a policy: the most with which the longest names and ids still fit into one record.
pub const LISTED_MAX: usize = 80;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Organization {
    /// Decimal digits in profiles with integer ids, else `o_…`.
    pub id: String,
    pub name: String,
    pub disabled: bool,
    pub epoch: u64,
    pub created_at: Timestamp,
    #[serde(default)]
    pub policy: ConsentPolicy,
}

/// Who may grant access to the organization's data, and to which apps. It judges consents when they are given: what
/// was granted before goes on until somebody takes it back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConsentPolicy {
    /// This role and those above it may consent.
    pub least_role: Role,
    pub apps: AppsAllowed,
    /// By client_id. Wins over `apps`.
    pub denied: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppsAllowed {
    Any,
    /// By client_id.
    Only(Vec<String>),
}

/// What of a policy stands against a consent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barred {
    App,
    Role,
}

impl Default for ConsentPolicy {
    fn default() -> Self {
        Self {
            least_role: Role::Member,
            apps: AppsAllowed::Any,
            denied: Vec::new(),
        }
    }
}

impl ConsentPolicy {
    /// Whether a member with this role may consent to this app. The app is looked at first: where it is barred, no
    /// other member could consent either.
    pub fn judge(&self, role: Role, client_id: &str) -> Result<(), Barred> {
        let listed = |list: &[String]| list.iter().any(|listed| listed == client_id);
        let allowed = match &self.apps {
            AppsAllowed::Any => true,
            AppsAllowed::Only(list) => listed(list),
        };
        if !allowed || listed(&self.denied) {
            return Err(Barred::App);
        }
        // From the most to the least powerful.
        if role > self.least_role {
            return Err(Barred::Role);
        }
        Ok(())
    }
}

impl Record for Organization {
    fn key(&self) -> Key {
        keys::organization(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Batch;

    #[test]
    fn the_longest_names_and_the_fullest_policy_fit_into_one_record() {
        // A prefix of 12, `_app_` and 20 random characters.
        let apps = || vec!["a".repeat(37); LISTED_MAX];
        let organization = Organization {
            id: "o".repeat(40),
            name: "\u{1f600}".repeat(NAME_CHARS_MAX),
            disabled: false,
            epoch: u64::MAX,
            created_at: Timestamp::from_seconds(u64::from(u32::MAX)),
            policy: ConsentPolicy {
                least_role: Role::Developer,
                apps: AppsAllowed::Only(apps()),
                denied: apps(),
            },
        };
        let mut batch = Batch::new();
        batch.insert(&organization).unwrap();
        assert_eq!(batch.validate(), Ok(()));
    }
}
