//! The configuration: `grantd.toml`, the profile it names, and the defaults for everything that is not said.
//!
//! Every file is read through [`reader`], which knows a key only because something asked for it: what nobody reads is
//! refused, with the nearest key that exists. All problems of all files are told at once.

mod acme;
mod api_key_rules;
mod backup;
mod branding;
mod file;
mod gateway_settings;
pub mod http_upstream;
mod issuer;
mod limits;
mod mail;
mod native_templates;
mod pages;
mod payment_webhooks;
mod platform_rules;
mod profile;
mod profile_file;
pub mod rate_limits;
pub mod reader;
mod resources;
mod route_file;
pub mod routes;
mod sandbox_file;
mod scope_file;
mod source;
pub mod tree;
mod warnings;
mod webhooks;

pub use crate::model::role::Role;
pub use crate::model::scope::{Risk, Scope, ScopeCatalog};
pub use acme::{Acme, AcmeChallenge};
pub use api_key_rules::{ApiKeyRules, HeaderPair, ShownName};
pub use backup::BackupPlan;
pub use branding::{Branding, Colour};
pub use file::Overrides;
pub use gateway_settings::GatewaySettings;
pub use issuer::Issuer;
pub use mail::{MailSecurity, MailServer, SignUp};
pub use native_templates::{NativeTemplate, Nonces, Site, Subscription};
pub use pages::{Asset, Pages, Texts};
pub use payment_webhooks::PaymentRules;
pub use profile::{
    AuthorizeParameter, AuthorizeRules, DpopRules, ErrorBody, IdType, Lifetimes, Noun, PatRules, Pkce, Profile,
    Resource, Sdk, SelfService,
};
pub use profile_file::embedded_profiles;
pub use sandbox_file::SandboxData;
pub use webhooks::{WebhookAccess, WebhookRules};

use crate::base::limits::Limits;
use serde::{Serialize, Serializer};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name `grantd` looks for where no other is given.
pub const FILE_NAME: &str = "grantd.toml";

/// Every key with its default and its reason, all commented out: what `grantd init` writes.
pub const DEFAULT_FILE: &str = include_str!("../../data/grantd.toml");

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Config {
    pub issuer: Issuer,
    pub data_dir: PathBuf,
    /// At least one.
    pub listen: Vec<Listen>,
    pub tls: Option<TlsFiles>,
    pub acme: Option<Acme>,
    pub profile: Profile,
    pub gateway: GatewaySettings,
    /// As they stand at the start; they can be read again while the server runs.
    pub routes: routes::Routes,
    #[serde(skip)]
    pub sandbox: SandboxData,
    pub keys: KeyPolicy,
    pub sessions: SessionPolicy,
    pub sign_up: SignUp,
    pub branding: Branding,
    pub mail: Option<MailServer>,
    pub webhooks: WebhookAccess,
    pub backup: Option<BackupPlan>,
    #[serde(serialize_with = "limits::show")]
    pub limits: Limits,
    pub log: Log,
    pub metrics: MetricsAccess,
    #[serde(skip)]
    pub pages: Pages,
}

/// Where the server answers. Plain http only on loopback addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listen {
    /// Port 0 lets the system choose.
    pub address: SocketAddr,
    pub scheme: Scheme,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    Https,
    Http,
}

/// PEM files: the chain, the server's certificate first, and its private key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// When signing keys change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct KeyPolicy {
    /// How long a key signs.
    #[serde(serialize_with = "duration_text")]
    pub rotate_after: Duration,
    /// How long the next key stands in the JWKS before it signs, so that every cache has seen it.
    #[serde(serialize_with = "duration_text")]
    pub publish_before: Duration,
}

/// When somebody who signed in must do so again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct SessionPolicy {
    /// Not used for so long.
    #[serde(serialize_with = "duration_text")]
    pub idle: Duration,
    /// However much it is used.
    #[serde(serialize_with = "duration_text")]
    pub absolute: Duration,
}

/// Where numbers for Prometheus are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct MetricsAccess {
    /// Plain http on a loopback address; `None`: nowhere.
    pub listen: Option<Listen>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

/// How a record is written, always on one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// `key=value` pairs.
    Logfmt,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Everything that is wrong, one sentence each. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigErrors(pub Vec<String>);

impl Config {
    /// Without a path: the defaults. A path that leads to no file is an error. Relative paths in the file are relative
    /// to its directory; `overrides` are the command line's and win.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigErrors> {
        file::load(path, overrides)
    }

    /// Where people find help: the operator's address, or else the profile's.
    pub fn help(&self) -> Option<&str> {
        self.branding.help.as_deref().or(self.profile.help.as_deref())
    }

    /// The routes as their file holds them now.
    pub fn read_routes(&self) -> Result<routes::Routes, ConfigErrors> {
        let problems = reader::Problems::default();
        let routes = route_file::load(&self.profile, &self.issuer, &self.gateway, &self.data_dir, &problems);
        let sentences = problems.into_sentences();
        routes.filter(|_| sentences.is_empty()).ok_or(ConfigErrors(sentences))
    }

    /// What is allowed but deserves a second look, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        warnings::of(self)
    }
}

impl Scheme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.address)
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Log {
    /// Of commands that are no server: what went wrong, for people.
    pub const fn of_commands() -> Self {
        Self {
            level: LogLevel::Warn,
            format: LogFormat::Text,
        }
    }
}

impl LogFormat {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Logfmt => "logfmt",
            Self::Json => "json",
        }
    }
}

impl LogLevel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// As the files spell it.
pub fn spelled(span: Duration) -> String {
    reader::spell(span)
}

/// The same spelling the files use.
fn duration_text<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&reader::spell(*span))
}
