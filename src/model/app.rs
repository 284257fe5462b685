//! What a developer registers.

use super::installation::{self, Installation, UNUSED_KEPT};
use crate::base::jose::Jwk;
use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

pub const NAME_CHARS_MAX: usize = 100;
pub const REDIRECT_URIS_MAX: usize = 20;
pub const REDIRECT_URI_BYTES_MAX: usize = 250;
/// Of all of them together, and of the names of all scopes: one record holds them with all else.
pub const REDIRECT_URIS_BYTES_MAX: usize = 1600;
pub const SCOPES_BYTES_MAX: usize = 900;
pub const SECRETS_MAX: usize = 2;
pub const JWKS_MAX: usize = 4;
/// Of the key that a file calls it by.
pub const KEY_BYTES_MAX: usize = 40;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of one organization: client_credentials, acting as its dedicated user.
    Private,
    /// For many organizations: authorization code, reviewed.
    Public,
    /// An API that only introspects the tokens shown to it; it gets none itself.
    ResourceServer,
    /// One installation of a platform of the profile: it registered by itself.
    Native,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
            Self::ResourceServer => "resource_server",
            Self::Native => "native",
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
    /// Something that is required is missing.
    Draft,
    PendingReview,
    /// A reviewer asked for something: the developer's turn.
    ChangesRequested,
    Active,
    Rejected,
    Suspended,
}

impl AppState {
    pub const ALL: [Self; 6] = [
        Self::Draft,
        Self::PendingReview,
        Self::ChangesRequested,
        Self::Active,
        Self::Rejected,
        Self::Suspended,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::PendingReview => "pending_review",
            Self::ChangesRequested => "changes_requested",
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

/// Why an app gets no further secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecretRefused {
    PublicClient,
    /// It signs assertions instead.
    ByKeys,
    TooMany,
}

/// For the command line.
impl From<SecretRefused> for String {
    fn from(why: SecretRefused) -> Self {
        match why {
            SecretRefused::PublicClient => "a public client has no secret: it uses PKCE (RFC 7636)".into(),
            SecretRefused::ByKeys => "the app has no secret: it signs assertions with the keys of its JWK set".into(),
            SecretRefused::TooMany => {
                format!("the app has {SECRETS_MAX} live secrets already: revoke one first")
            }
        }
    }
}

impl ClientSecret {
    pub fn live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

/// How a client shows at the token endpoint that it is itself (RFC 8414 §2, RFC 7591 §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    None,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

/// What an app is held to at the protocol's endpoints. Read from here at every request, never from the request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClientRules {
    pub auth_methods: Vec<AuthMethod>,
    pub grant_types: Vec<GrantType>,
    /// Only pushed authorization requests (RFC 9126 §6).
    pub require_par: bool,
    /// Only sender-constrained tokens (RFC 9449 §5.2).
    pub require_dpop: bool,
    /// The keys of `private_key_jwt`.
    pub jwks: Vec<Jwk>,
    /// Its assertions may name the token endpoint instead of the issuer (RFC 7523 §3, before its revision).
    #[serde(default)]
    pub legacy_audience: bool,
}

/// Who made it, as the consent page says it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Developer {
    pub company: String,
    pub website: String,
    /// The name of the picture's file: its digest.
    pub logo: Option<String>,
    pub support: Option<String>,
    pub privacy_policy: Option<String>,
    pub terms: Option<String>,
}

impl AuthMethod {
    pub const ALL: [Self; 4] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::None,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}

impl GrantType {
    pub const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

impl ClientRules {
    /// What an app of this kind and type begins with.
    pub fn of(kind: Kind, client_type: ClientType) -> Self {
        let auth_methods = match client_type {
            ClientType::Confidential => vec![AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost],
            ClientType::Public => vec![AuthMethod::None],
        };
        let grant_types = match kind {
            Kind::Private => vec![GrantType::ClientCredentials],
            Kind::Public => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            Kind::ResourceServer => Vec::new(),
            Kind::Native => return installation::rules(),
        };
        Self {
            auth_methods,
            grant_types,
            require_par: false,
            require_dpop: false,
            jwks: Vec::new(),
            legacy_audience: false,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct App {
    pub client_id: String,
    /// The organization that owns it; none of a native app.
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
    /// `None` in records of a time before there was a choice.
    #[serde(default)]
    pub rules: Option<ClientRules>,
    #[serde(default)]
    pub developer: Developer,
    /// What a file calls it: the same file finds the same app. Each once in an organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Of a native app, and of no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<Installation>,
    pub epoch: u64,
    pub created_at: Timestamp,
}

impl App {
    /// What everything but its kind, its owner and its type begins as.
    pub fn new(client_id: String, organization: String, kind: Kind, client_type: ClientType, now: Timestamp) -> Self {
        Self {
            client_id,
            organization,
            kind,
            client_type,
            name: String::new(),
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            dedicated_user: None,
            state: AppState::Active,
            disabled: false,
            secrets: Vec::new(),
            introspects: Vec::new(),
            rules: Some(ClientRules::of(kind, client_type)),
            developer: Developer::default(),
            key: None,
            installation: None,
            epoch: 0,
            created_at: now,
        }
    }

    pub fn rules(&self) -> Cow<'_, ClientRules> {
        match &self.rules {
            Some(rules) => Cow::Borrowed(rules),
            None => Cow::Owned(ClientRules::of(self.kind, self.client_type)),
        }
    }

    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.rules().grant_types.contains(&grant_type)
    }

    /// Neither its credentials nor its tokens work otherwise.
    pub fn usable(&self) -> bool {
        self.state == AppState::Active && !self.disabled
    }

    /// Whether a secret is a way for it to show who it is.
    pub fn uses_secrets(&self) -> bool {
        let by_secret = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost];
        self.rules()
            .auth_methods
            .iter()
            .any(|method| by_secret.contains(method))
    }

    /// With a further secret, or why not.
    pub fn with_secret(&self, secret: ClientSecret, now: Timestamp) -> Result<Self, SecretRefused> {
        if self.client_type == ClientType::Public {
            return Err(SecretRefused::PublicClient);
        }
        if !self.uses_secrets() {
            return Err(SecretRefused::ByKeys);
        }
        let mut secrets: Vec<_> = self.secrets.iter().filter(|s| s.live(now)).cloned().collect();
        if secrets.len() >= SECRETS_MAX {
            return Err(SecretRefused::TooMany);
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
        if let Some(installation) = &self.installation {
            return vec![keys::installation(&installation.platform, &installation.identity)];
        }
        let by_key = self.key.iter().map(|key| keys::app_of_key(&self.organization, key));
        let own = keys::app_of_organization(&self.organization, &self.client_id);
        by_key.chain([own]).collect()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let unused = self
            .installation
            .as_ref()
            .filter(|installation| installation.is_unused());
        unused.map(|installation| installation.registered_at + UNUSED_KEPT)
    }
}
