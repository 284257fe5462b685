//! A profile: which system this installation is. Three are built in; a directory under `<data_dir>/profiles` overrides
//! their files or adds another.

use super::{ApiKeyRules, NativeTemplate, ScopeCatalog, WebhookRules, duration_text};
use crate::base::jose::Algorithm;
use crate::model::review;
use serde::Serialize;
use std::time::Duration;

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Profile {
    /// The directory's name.
    pub name: String,
    pub noun: Noun,
    pub ids: IdType,
    /// What tokens, codes, secrets and client ids begin with: `[a-z0-9]{1,12}`.
    pub prefix: String,
    /// At least one; the first is the audience where a request names none.
    pub resources: Vec<Resource>,
    pub lifetimes: Lifetimes,
    pub pkce: Pkce,
    pub authorize: AuthorizeRules,
    pub dpop: DpopRules,
    pub review: review::Rules,
    /// Whether people without an account may ask for access to the API.
    pub access_requests: bool,
    pub api_keys: ApiKeyRules,
    pub pat: PatRules,
    /// How the gateway words its refusals.
    pub error_body: ErrorBody,
    pub webhooks: WebhookRules,
    /// Where people find help with this API, unless `branding.help` names another place.
    pub help: Option<String>,
    /// Libraries for this API, for the documentation.
    pub sdks: Vec<Sdk>,
    /// The platforms whose official plugins connect by themselves.
    pub native_templates: Vec<NativeTemplate>,
    pub scopes: ScopeCatalog,
}

/// What this API calls an organization. Names the claims and members, so both words are `[a-z][a-z_]{0,31}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Noun {
    pub singular: String,
    pub plural: String,
    #[serde(skip)]
    id_claim: String,
    #[serde(skip)]
    name_member: String,
}

/// How organization ids look, in claims, answers and introspection alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdType {
    /// JSON numbers, counted.
    Integer,
    /// JSON strings, `o_…`.
    Text,
}

/// An API that tokens are for (RFC 8707).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Resource {
    /// An absolute URI without query and fragment, kept byte for byte; `{issuer}` is already replaced.
    pub identifier: String,
    /// For people: `resource_name` of RFC 9728 §2.
    pub name: String,
    /// `resource_documentation` of RFC 9728 §2.
    pub documentation: Option<String>,
    pub algorithm: Algorithm,
    #[serde(rename = "access_token", serialize_with = "duration_text")]
    pub access_token_lifetime: Duration,
    /// Client ids that may introspect every token of this audience (RFC 7662 §2.1).
    pub introspection_clients: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Lifetimes {
    #[serde(serialize_with = "duration_text")]
    pub code: Duration,
    /// A refresh token not used for so long ends its family.
    #[serde(serialize_with = "duration_text")]
    pub refresh_idle: Duration,
    /// However often it is used, a family ends after this.
    #[serde(serialize_with = "duration_text")]
    pub refresh_absolute: Duration,
    /// How long a refresh without an `Idempotency-Key` may be repeated, so that a lost answer loses nothing.
    #[serde(serialize_with = "duration_text")]
    pub refresh_grace: Duration,
    /// Between a pushed authorization request and its approval (RFC 9126 §2.2).
    #[serde(serialize_with = "duration_text")]
    pub pushed_request: Duration,
}

/// Who must send a code_challenge. Whoever sends one must verify it, in every profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// Everybody (OAuth 2.1).
    All,
    /// Public clients; a confidential client may leave it out.
    PublicClients,
}

/// What an authorization request needs beyond OAuth 2.1.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AuthorizeRules {
    pub require: Vec<AuthorizeParameter>,
    /// The least length of a `state`, where one is sent; 0 for any.
    pub state_chars_min: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizeParameter {
    RedirectUri,
    Scope,
    State,
}

/// What a proof of possession needs beyond RFC 9449 §4.3.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct DpopRules {
    /// A nonce of this server (§8).
    pub nonces: bool,
}

/// Personal access tokens: who makes them, and how long they live.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct PatRules {
    pub self_service: SelfService,
    /// Whether one may live for ever.
    pub no_expiry: bool,
    /// Of those whose maker says nothing.
    #[serde(serialize_with = "duration_text")]
    pub default_lifetime: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfService {
    /// Members make their own.
    Always,
    /// Whoever wants one asks for access first.
    OnRequest,
}

/// The members of the gateway's error answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// `error` is a code, `error_description` a sentence (RFC 6749 §5.2).
    Oauth,
    /// `error` is a sentence, `errorCode` a code.
    Message,
}

/// A library that knows this API.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sdk {
    pub name: String,
    /// What it is for.
    pub text: Option<String>,
    pub url: Option<String>,
}

impl PatRules {
    /// Of those that end at all: a year, and a day for leap years.
    pub const LIFETIME_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
}

impl Noun {
    pub(super) fn new(singular: &str, plural: &str) -> Self {
        Self {
            singular: singular.to_owned(),
            plural: plural.to_owned(),
            id_claim: format!("{singular}_id"),
            name_member: format!("{singular}_name"),
        }
    }

    /// `organization_id`: the claim, and the member and parameter of the same name.
    pub fn id_claim(&self) -> &str {
        &self.id_claim
    }

    /// `organizationId`: the member of an API in camel case.
    pub fn id_member(&self) -> String {
        let mut parts = self.singular.split('_');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let mut letters = part.chars();
            out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
            out.extend(letters);
        }
        out + "Id"
    }

    /// `organization_name`.
    pub fn name_member(&self) -> &str {
        &self.name_member
    }
}

impl Profile {
    /// The audience where a request names none.
    pub fn default_resource(&self) -> &Resource {
        self.resources
            .first()
            .expect("loading refuses a profile without resources")
    }

    /// By any of its names.
    pub fn native_template(&self, platform: &str) -> Option<&NativeTemplate> {
        self.native_templates
            .iter()
            .find(|template| template.is_named(platform))
    }

    /// Compared byte for byte (RFC 8707 §2).
    pub fn resource(&self, identifier: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.identifier == identifier)
    }
}

impl AuthorizeParameter {
    pub const ALL: [Self; 3] = [Self::RedirectUri, Self::Scope, Self::State];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RedirectUri => "redirect_uri",
            Self::Scope => "scope",
            Self::State => "state",
        }
    }
}
