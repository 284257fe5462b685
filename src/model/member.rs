//! A user in an organization, with a role.

use super::role::Role;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    pub organization: String,
    pub user: String,
    pub role: Role,
    /// Left or removed. The record stays, so that its counter is never reset by a return.
    pub removed: bool,
    pub epoch: u64,
    pub created_at: Timestamp,
}

impl Member {
    /// Who is there for the first time.
    pub fn new(organization: &str, user: &str, role: Role, now: Timestamp) -> Self {
        Self {
            organization: organization.to_owned(),
            user: user.to_owned(),
            role,
            removed: false,
            epoch: 0,
            created_at: now,
        }
    }

    /// Another role, or back after a removal. Old tokens stay dead: removal had moved the counter.
    pub fn with_role(&self, role: Role) -> Self {
        Self {
            role,
            removed: false,
            ..self.clone()
        }
    }

    /// Gone: everything that acted as this member ends at once.
    pub fn remove(&self) -> Self {
        Self {
            removed: true,
            epoch: self.epoch + 1,
            ..self.clone()
        }
    }
}

impl Record for Member {
    fn key(&self) -> Key {
        keys::member(&self.organization, &self.user)
    }

    fn index_keys(&self) -> Vec<Key> {
        vec![keys::member_of_user(&self.user, &self.organization)]
    }
}
