//! What is known of an app besides what the protocol needs: who works on it, why it wants its scopes, what reviewers
//! said. Apart from [`App`](super::app::App), so that the record every request reads stays small.

use super::app::{App, Developer};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

pub const TEAM_MAX: usize = 20;
pub const STAKEHOLDERS_MAX: usize = 10;
/// Of all their addresses together.
pub const STAKEHOLDERS_BYTES_MAX: usize = 600;
/// Of one reason, in characters, and of all reasons of an app together with the names of their scopes, in bytes.
pub const REASON_CHARS_MAX: usize = 300;
pub const REASONS_BYTES_MAX: usize = 1600;
/// Of a reviewer's note, in characters.
pub const NOTE_CHARS_MAX: usize = 500;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dossier {
    pub client_id: String,
    /// User ids: the developers of the organization who may change it. Owners and admins always may.
    pub team: Vec<String>,
    /// Email addresses, lower case: may see it, wherever they belong.
    pub stakeholders: Vec<String>,
    /// All it asks for. Where a change of scopes waits for a reviewer, this is more than the app's own list.
    pub wanted: Vec<String>,
    /// Why it needs each scope: name and reason.
    pub reasons: Vec<(String, String)>,
    /// The scopes a reviewer approved last; `None` before the first time.
    pub approved: Option<Vec<String>>,
    /// How many submissions there have been; the last one has this number.
    pub submissions: u64,
    /// What the reviewer said last.
    pub verdict: Option<Decision>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approved,
    Rejected,
    ChangesRequested,
    Suspended,
    Reinstated,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    /// For the developer; empty where nothing was said.
    pub note: String,
    /// The reviewer's user id.
    pub by: String,
    pub at: Timestamp,
}

/// An app as it was handed in: what a reviewer judges, and compares the next one with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Submission {
    pub client_id: String,
    /// From 1.
    pub number: u64,
    /// The organization that owns the app.
    pub organization: String,
    pub name: String,
    pub developer: Developer,
    pub redirect_uris: Vec<String>,
    pub scopes: Vec<String>,
    pub reasons: Vec<(String, String)>,
    /// User id of whoever handed it in.
    pub by: String,
    pub at: Timestamp,
    pub decision: Option<Decision>,
}

impl Dossier {
    pub fn new(client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            ..Self::default()
        }
    }

    /// Of an app that was made without one.
    pub fn beside(app: &App) -> Self {
        Self {
            wanted: app.scopes.clone(),
            ..Self::new(&app.client_id)
        }
    }

    pub fn reason(&self, scope: &str) -> &str {
        let found = self.reasons.iter().find(|(name, _)| name == scope);
        found.map_or("", |(_, reason)| reason)
    }
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::ChangesRequested => "changes_requested",
            Self::Suspended => "suspended",
            Self::Reinstated => "reinstated",
        }
    }
}

impl Record for Dossier {
    fn key(&self) -> Key {
        keys::dossier(&self.client_id)
    }

    fn index_keys(&self) -> Vec<Key> {
        let of = |email: &String| keys::dossier_of_stakeholder(email, &self.client_id);
        self.stakeholders.iter().map(of).collect()
    }
}

impl Record for Submission {
    fn key(&self) -> Key {
        keys::submission(&self.client_id, self.number)
    }

    fn index_keys(&self) -> Vec<Key> {
        // In the queue until somebody decides.
        match self.decision {
            None => vec![keys::waiting_submission(self.at, &self.client_id)],
            Some(_) => Vec::new(),
        }
    }
}
