//! What a developer registers.

use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

pub const NAME_CHARS_MAX: usize = 100;
pub const REDIRECT_URIS_MAX: usize = 20;
pub const REDIRECT_URI_BYTES_MAX: usize = 250;
pub const SECRETS_MAX: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of one organization: client_credentials, acting as its dedicated user.
    Private,
    /// For many organizations: authorization code, reviewed.
    Public,
    /// An API that only introspects the tokens shown to it; it gets none itself.
    ResourceServer,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
            Self::ResourceServer => "resource_server",
        }
    }
}

/// RFC 6749 §2.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientType {
    Confidential,
    Public,
}

/// Where review left it. `disabled` is apart: it can be set and taken back in any of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppState {
    Draft,
    PendingReview,
    Active,
    Rejected,
    Suspended,
}

impl AppState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::PendingReview => "pending_review",
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::Suspended => "suspended",
        }
    }
}

/// A secret as it is kept: only its digest. Shown once, when made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientSecret {
    /// Names it in lists and when it is revoked; no part of the secret.
    pub id: String,
    pub digest: KeyedDigest,
    pub label: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl ClientSecret {
    pub fn live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct App {
    pub client_id: String,
    /// The organization that owns it.
    pub organization: String,
    pub kind: Kind,
    pub client_type: ClientType,
    pub name: String,
    /// Exact strings (OAuth 2.1 §2.3.1).
    pub redirect_uris: Vec<String>,
    /// All it may ever ask for, in the catalog's names.
    pub scopes: Vec<String>,
    /// Whom a private app acts as: a user id.
    pub dedicated_user: Option<String>,
    pub state: AppState,
    pub disabled: bool,
    pub secrets: Vec<ClientSecret>,
    /// Audiences whose tokens a resource server may introspect: resource identifiers.
    pub introspects: Vec<String>,
    pub epoch: u64,
    pub created_at: Timestamp,
}

impl App {
    /// Neither its credentials nor its tokens work otherwise.
    pub fn usable(&self) -> bool {
        self.state == AppState::Active && !self.disabled
    }

    /// With a further secret, or why not.
    pub fn with_secret(&self, secret: ClientSecret, now: Timestamp) -> Result<Self, String> {
        if self.client_type == ClientType::Public {
            return Err("a public client has no secret: it uses PKCE (RFC 7636)".into());
        }
        let mut secrets: Vec<_> = self.secrets.iter().filter(|s| s.live(now)).cloned().collect();
        if secrets.len() >= SECRETS_MAX {
            return Err(format!(
                "the app has {SECRETS_MAX} live secrets already: revoke one first"
            ));
        }
        secrets.push(secret);
        Ok(Self {
            secrets,
            ..self.clone()
        })
    }

    /// Without the secret named `id`; `None` where there is none of that name.
    pub fn without_secret(&self, id: &str) -> Option<Self> {
        let secrets: Vec<_> = self.secrets.iter().filter(|s| s.id != id).cloned().collect();
        (secrets.len() < self.secrets.len()).then(|| Self {
            secrets,
            ..self.clone()
        })
    }
}

impl Record for App {
    fn key(&self) -> Key {
        keys::app(&self.client_id)
    }

    fn index_keys(&self) -> Vec<Key> {
        vec![keys::app_of_organization(&self.organization, &self.client_id)]
    }
}
