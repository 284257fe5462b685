//! The one record about the installation itself.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

/// The format of the records this program writes; others are refused with a sentence.
pub const FORMAT: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    pub format: u32,
    /// Of `data/secret`: a store opened with another secret could verify nothing, and refuses at once.
    pub secret_fingerprint: String,
    /// The global epoch counter.
    pub epoch: u64,
    /// The next free integer id of an organization, in profiles that count them.
    pub next_organization: u64,
    pub created_at: Timestamp,
    /// When a backup was restored that lost commits: what may be used once and was made before then may have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<Timestamp>,
    /// Commits of the stores that this one was imported from: what this one commits came after all of those.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub commits_before: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Record for Settings {
    fn key(&self) -> Key {
        keys::settings()
    }
}
