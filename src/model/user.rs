//! A person who can sign in, or a system member that cannot.

use crate::base::master::{KeyedDigest, Sealed};
use crate::base::text::{deceives, normal};
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
    /// The second factor, where there is one.
    #[serde(default)]
    pub totp: Option<Totp>,
    /// What they do for the whole installation, besides their roles in organizations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Duty>,
    /// The tag of the language of the page they signed in with last: letters to them are written in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub disabled: bool,
    pub epoch: u64,
    pub created_at: Timestamp,
}

/// From the most to the least powerful.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Everything under `/admin`: reviews, access requests, people.
    Administrator,
    /// Reviews apps.
    Reviewer,
}

impl Duty {
    pub const ALL: [Self; 2] = [Self::Administrator, Self::Reviewer];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Reviewer => "reviewer",
        }
    }
}

/// Time-based one-time passwords (RFC 6238) and what stands in for them when the device is lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Totp {
    /// Sealed for this user.
    pub seed: Sealed,
    /// The time step of the last code that was accepted: it and all before it are used up (RFC 6238 §5.2).
    pub last_step: u64,
    /// Of the recovery codes not used yet.
    pub recovery: Vec<KeyedDigest>,
}

impl User {
    /// Enough of RFC 5321 to catch slips: one `@`, a domain, nothing invisible. Delivery is the proof. In lower case,
    /// as addresses are compared, each has one spelling (NFC, RFC 6532 §3.1): the same letters are the same account.
    pub fn valid_email(email: &str) -> bool {
        let Some((local, domain)) = email.split_once('@') else {
            return false;
        };
        email.to_lowercase().len() <= EMAIL_BYTES_MAX
            && email.len() <= EMAIL_BYTES_MAX
            && !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && normal(&email.to_lowercase())
            && !email
                .chars()
                .any(|c| c.is_whitespace() || deceives(c) || "<>\"(),;:\\".contains(c))
    }
}

impl Record for User {
    fn key(&self) -> Key {
        keys::user(&self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        let duty = self.duty.map(|_| keys::user_on_duty(&self.id));
        [keys::email(&self.email)].into_iter().chain(duty).collect()
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
