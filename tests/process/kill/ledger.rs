//! What the clients were told, and what they had asked when the server was killed.

use crate::http::Client;
pub use grantd::model::role::Role;
use rand::{RngExt as _, rngs::StdRng};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Values by name. One that is being changed may be the old or the new one.
#[derive(Clone)]
pub struct Values<T> {
    known: BTreeMap<String, T>,
    under_way: Option<(String, T)>,
    undecided: BTreeMap<String, T>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            under_way: None,
            undecided: BTreeMap::new(),
        }
    }
}

impl<T: Clone + PartialEq + fmt::Debug> Values<T> {
    pub fn begin(&mut self, name: &str, value: T) {
        self.under_way = Some((name.to_owned(), value));
    }

    pub fn end(&mut self) {
        self.known.extend(self.under_way.take());
    }

    pub fn known(&self, name: &str) -> Option<T> {
        self.known.get(name).cloned()
    }

    fn add(&mut self, other: Self) {
        self.known.extend(other.known);
        self.undecided.extend(other.under_way);
    }

    /// `found` says what stands there; `none` is what stands where nothing was ever done. Decides what was undecided.
    fn check(&mut self, none: &T, found: impl Fn(&str) -> T) {
        for (name, value) in std::mem::take(&mut self.undecided) {
            let now = found(&name);
            let before = self.known.get(&name).unwrap_or(none);
            assert!(
                now == value || now == *before,
                "{name} is {now:?}, neither {before:?} nor {value:?}"
            );
            self.known.insert(name, now);
        }
        for (name, value) in &self.known {
            assert_eq!(found(name), *value, "{name} was acknowledged");
        }
    }
}

#[derive(Default)]
pub struct Ledger {
    /// Acknowledged, and never asked to be revoked.
    pub live: Vec<String>,
    /// Revocation acknowledged.
    pub revoked: Vec<String>,
    /// Ended by their app's epoch; the app can ask.
    pub ended: Vec<(Client, String)>,
    pub apps: Vec<String>,
    pub organizations: Vec<u64>,
    pub users: Vec<String>,
    pub rotated: Vec<String>,
    pub disabled: Values<bool>,
    /// How many secrets an app has.
    pub secrets: Values<usize>,
    /// By email; `None` is no member.
    pub roles: Values<Option<Role>>,
    /// How many tokens of each list were there at the last check.
    checked: (usize, usize),
}

impl Ledger {
    pub fn add(&mut self, other: Self) {
        self.live.extend(other.live);
        self.revoked.extend(other.revoked);
        self.ended.extend(other.ended);
        self.apps.extend(other.apps);
        self.organizations.extend(other.organizations);
        self.users.extend(other.users);
        self.rotated.extend(other.rotated);
        self.disabled.add(other.disabled);
        self.secrets.add(other.secrets);
        self.roles.add(other.roles);
    }

    /// All since the last check and a sample of the older ones, with whether each must be active.
    pub fn tokens_to_check(&mut self, random: &mut StdRng, sample: usize) -> Vec<(&str, bool)> {
        let (live, revoked) = self.checked;
        self.checked = (self.live.len(), self.revoked.len());
        let mut chosen = Vec::new();
        for (tokens, old, active) in [(&self.live, live, true), (&self.revoked, revoked, false)] {
            chosen.extend(tokens[old..].iter().map(|token| (token.as_str(), active)));
            if sample >= old {
                chosen.extend(tokens[..old].iter().map(|token| (token.as_str(), active)));
            } else {
                let picked = (0..sample).map(|_| &tokens[random.random_range(0..old)]);
                chosen.extend(picked.map(|token| (token.as_str(), active)));
            }
        }
        chosen
    }

    pub fn check_apps(&mut self, apps: &BTreeMap<&str, &Value>) {
        for client_id in &self.apps {
            assert!(
                apps.contains_key(client_id.as_str()),
                "the app {client_id} was acknowledged"
            );
        }
        for app in apps.values() {
            // Half of a registration would have no secret or no user.
            assert!(app["secrets"].as_array().is_some_and(|s| !s.is_empty()), "{app}");
            assert!(app["dedicated_user"].is_string(), "{app}");
        }
        self.disabled.check(&false, |id| apps[id]["status"] == "disabled");
        self.secrets
            .check(&1, |id| apps[id]["secrets"].as_array().map_or(0, Vec::len));
    }

    pub fn check_organizations(&self, found: &Value) {
        let found: Vec<u64> = rows(found).map(|row| row["id"].as_u64().expect("a number")).collect();
        let distinct: BTreeSet<u64> = found.iter().copied().collect();
        assert_eq!(found.len(), distinct.len());
        let acknowledged: BTreeSet<u64> = self.organizations.iter().copied().collect();
        assert_eq!(
            acknowledged.len(),
            self.organizations.len(),
            "no number was given twice"
        );
        assert!(
            acknowledged.is_subset(&distinct),
            "an acknowledged organization was lost"
        );
    }

    pub fn check_users(&self, found: &Value) {
        let found: BTreeSet<&str> = rows(found).filter_map(|row| row["email"].as_str()).collect();
        for email in &self.users {
            assert!(found.contains(email.as_str()), "the user {email} was acknowledged");
        }
    }

    pub fn check_members(&mut self, found: &Value) {
        let found: BTreeMap<&str, Role> = rows(found)
            .map(|row| {
                let role = row["role"].as_str().and_then(|role| role.parse().ok());
                (row["email"].as_str().expect("an email"), role.expect("a role"))
            })
            .collect();
        self.roles.check(&None, |email| found.get(email).copied());
    }

    /// One key signs, one is next, and those that signed before are still there.
    pub fn check_keys(&self, found: &Value) {
        let in_state = |state: &str| rows(found).filter(|key| key["state"] == state).count();
        assert_eq!((in_state("active"), in_state("next")), (1, 1), "{found}");
        for kid in &self.rotated {
            assert!(
                rows(found).any(|key| key["kid"] == **kid),
                "the key {kid} signed tokens"
            );
        }
    }
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "acknowledged revocations {}, tokens kept {}, apps {}, organizations {}, users {}, member changes {}, \
             key rotations {}",
            self.revoked.len() + self.ended.len(),
            self.live.len(),
            self.apps.len(),
            self.organizations.len(),
            self.users.len(),
            self.roles.known.len(),
            self.rotated.len()
        )
    }
}
