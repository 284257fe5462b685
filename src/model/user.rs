//! A person who can sign in, or a system member that cannot.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

pub const EMAIL_BYTES_MAX: usize = 200;
pub const NAME_CHARS_MAX: usize = 100;

#[derive(Clone, Serialize, Deserialize)]
pub struct User {
    /// `u_…`: never shaped like a client_id (OAuth 2.1 §7.4).
    pub id: String,
    pub email: String,
    pub name: String,
    /// An Argon2id PHC string; `None` cannot sign in.
    pub password: Option<String>,
    pub disabled: bool,
    pub epoch: u64,
    pub created_at: Timestamp,
}

impl User {
    /// Enough of RFC 5321 to catch slips: one `@`, a domain, nothing invisible. Delivery is the proof.
    pub fn valid_email(email: &str) -> bool {
        let Some((local, domain)) = email.split_once('@') else {
            return false;
        };
        email.len() <= EMAIL_BYTES_MAX
            && !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !email
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || "<>\"(),;:\\".contains(c))
    }
}

impl Record for User {
    fn key(&self) -> Key {
        keys::user(&self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        vec![keys::email(&self.email)]
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}
