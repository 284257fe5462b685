//! What one user of one organization granted one app. Revoking it is one write.

use super::epoch::Epochs;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantStatus {
    Active,
    /// A refresh token was used twice: whoever holds a copy is shut out until the user consents again.
    NeedsConsent,
    Revoked,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// `g_…`: stays the same however often the user consents.
    pub id: String,
    pub organization: String,
    pub user: String,
    pub client_id: String,
    /// Of an installation: it belongs to the organization, and its user is who consented last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub native: bool,
    /// All that was ever approved since the grant last began; each family holds what its own approval said.
    pub scopes: Vec<String>,
    /// Audiences approved, likewise.
    pub resources: Vec<String>,
    pub status: GrantStatus,
    pub epoch: u64,
    /// The counters at the last approval, those of grant and family aside: once one has moved on, the user is asked.
    pub stamps: Epochs,
    pub created_at: Timestamp,
    pub approved_at: Timestamp,
}

impl Grant {
    /// The user consented once more. What stood is widened; what had ended begins afresh.
    pub fn approve(&self, scopes: &[String], resource: &str, stamps: Epochs, now: Timestamp) -> Self {
        let mut new = Self {
            status: GrantStatus::Active,
            stamps,
            approved_at: now,
            ..self.clone()
        };
        if self.status != GrantStatus::Active {
            new.scopes.clear();
            new.resources.clear();
        }
        for scope in scopes.iter().filter(|s| !self.holds(s)) {
            new.scopes.push(scope.clone());
        }
        if !new.resources.iter().any(|r| r == resource) {
            new.resources.push(resource.to_owned());
        }
        new
    }

    fn holds(&self, scope: &str) -> bool {
        self.status == GrantStatus::Active && self.scopes.iter().any(|s| s == scope)
    }

    /// Ended by somebody entitled to: every family and token under it is dead.
    pub fn revoke(&self) -> Self {
        self.end(GrantStatus::Revoked)
    }

    /// Ended because a refresh token was used twice.
    pub fn reuse_detected(&self) -> Self {
        self.end(GrantStatus::NeedsConsent)
    }

    /// What tells it from the app's other grants in its organization: its user, or for an installation itself.
    pub fn holder(&self) -> &str {
        if self.native { &self.id } else { &self.user }
    }

    /// Whether it may be this user's. What an installation was granted outlives its approver.
    pub fn serves(&self, client_id: &str, user: &str) -> bool {
        self.client_id == client_id && (self.native || self.user == user)
    }

    fn end(&self, status: GrantStatus) -> Self {
        Self {
            status,
            epoch: self.epoch + 1,
            ..self.clone()
        }
    }
}

impl Record for Grant {
    fn key(&self) -> Key {
        keys::grant(&self.organization, &self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        vec![
            keys::grant_of_app(&self.client_id, &self.organization, self.holder()),
            keys::grant_of_user(&self.user, &self.organization, &self.id),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            id: "g_1".into(),
            organization: "849".into(),
            user: "u_1".into(),
            client_id: "grantd_app_1".into(),
            native: false,
            scopes: vec!["a".into()],
            resources: vec!["https://api.example".into()],
            status: GrantStatus::Active,
            epoch: 4,
            stamps: Epochs::default(),
            created_at: Timestamp::from_seconds(1),
            approved_at: Timestamp::from_seconds(1),
        }
    }

    #[test]
    fn a_further_approval_widens_and_ends_nothing() {
        let again = grant().approve(
            &["b".into(), "a".into()],
            "https://api.example",
            Epochs::default(),
            Timestamp::from_seconds(2),
        );
        assert_eq!(again.scopes, ["a", "b"]);
        assert_eq!(again.resources, ["https://api.example"]);
        assert_eq!((again.epoch, again.approved_at), (4, Timestamp::from_seconds(2)));
    }

    #[test]
    fn an_ended_grant_begins_afresh_and_its_old_tokens_stay_dead() {
        for ended in [grant().revoke(), grant().reuse_detected()] {
            assert_ne!(ended.status, GrantStatus::Active);
            let again = ended.approve(
                &["b".into()],
                "https://other.example",
                Epochs::default(),
                Timestamp::from_seconds(2),
            );
            assert_eq!((again.status, again.epoch), (GrantStatus::Active, 5));
            assert_eq!(again.scopes, ["b"]);
            assert_eq!(again.resources, ["https://other.example"]);
        }
    }
}
