//! `app`.

use crate::control::app_settings::AppSettings;
use crate::control::{Command, NewApp};
use crate::model::app::{AuthMethod, GrantType, Kind};
use crate::platform::client_keys;
use argh::FromArgs;
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Much more than a few public keys need.
const JWKS_BYTES_MAX: u64 = 64 * 1024;
/// More than an app with every field at its limit.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;

/// Apps: apply, create, list, show, change, disable, enable, secret.
#[derive(FromArgs)]
#[argh(subcommand, name = "app")]
pub struct App {
    #[argh(subcommand)]
    pub verb: AppVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum AppVerb {
    Apply(AppApply),
    Create(AppCreate),
    List(AppList),
    Show(AppShow),
    Change(AppChange),
    Disable(AppDisable),
    Enable(AppEnable),
    Secret(AppSecret),
}

/// Make an app be what a file says, and print what became different (field: old -> new). Applied twice, it changes
/// nothing the second time. The file names its app by a key of its own or by a client_id; what it leaves out stays and
/// what it leaves empty goes. No secret stands in it: `grantd app secret` makes one. docs/apps.md explains every key.
#[derive(FromArgs)]
#[argh(subcommand, name = "apply")]
pub struct AppApply {
    /// the file (TOML)
    #[argh(positional)]
    pub file: PathBuf,
    /// the organization that owns it; may be left out where there is one only
    #[argh(option)]
    pub organization: Option<String>,
    /// only print what would become different
    #[argh(switch)]
    pub check: bool,
    /// the same
    #[argh(switch)]
    pub dry_run: bool,
}

impl AppApply {
    pub fn command(self) -> Result<Command, String> {
        let file = self.file.display().to_string();
        let text = read_text(&self.file, MANIFEST_BYTES_MAX).map_err(|why| format!("{file} cannot be read: {why}"))?;
        Ok(Command::AppApply {
            file,
            text,
            organization: self.organization,
            check: self.check || self.dry_run,
        })
    }
}

/// At most so much of it; more is refused, not cut.
fn read_text(path: &Path, bytes_max: u64) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let read = file.take(bytes_max + 1).read_to_string(&mut text);
    let read = read.map_err(|error| error.to_string())?;
    if read as u64 > bytes_max {
        return Err(format!("it is larger than {} KiB", bytes_max / 1024));
    }
    Ok(text)
}

/// Register an app. The client secret is shown this once.
#[derive(FromArgs)]
#[argh(subcommand, name = "create")]
pub struct AppCreate {
    /// its name
    #[argh(positional)]
    pub name: String,
    /// the organization that owns it
    #[argh(option)]
    pub organization: String,
    /// private (default): client_credentials for its own organization; public: many organizations, with consent
    #[argh(option, default = "String::from(\"private\")")]
    pub kind: String,
    /// an API of yours that only introspects the tokens shown to it
    #[argh(switch)]
    pub resource_server: bool,
    /// a client that can keep no secret: single-page and native apps, which use PKCE
    #[argh(switch)]
    pub public_client: bool,
    /// a redirect URI, exactly as the app will send it; repeat for more
    #[argh(option)]
    pub redirect_uri: Vec<String>,
    /// a scope the app may ask for; repeat for more (default: every scope)
    #[argh(option)]
    pub scope: Vec<String>,
    /// the member a private app acts as: id or email
    #[argh(option)]
    pub dedicated_user: Option<String>,
    /// an audience that a resource server introspects; repeat for more (default: all)
    #[argh(option)]
    pub resource: Vec<String>,
    /// how it authenticates: client_secret_basic, client_secret_post or private_key_jwt (default: by either secret)
    #[argh(option)]
    pub auth_method: Option<String>,
    /// a file with its public keys (a JWK set), for private_key_jwt
    #[argh(option)]
    pub jwks: Option<PathBuf>,
    /// accept assertions made for the token endpoint instead of the issuer, as old libraries make them
    #[argh(switch)]
    pub legacy_audience: bool,
    /// a grant type it may use; repeat for more (default: those of its kind)
    #[argh(option)]
    pub grant_type: Vec<String>,
    /// accept only pushed authorization requests (RFC 9126)
    #[argh(switch)]
    pub require_par: bool,
    /// make only tokens bound to a key (DPoP, RFC 9449)
    #[argh(switch)]
    pub require_dpop: bool,
    /// the company that makes it, as the consent page says it
    #[argh(option)]
    pub company: Option<String>,
    /// the company's website: an https URL
    #[argh(option)]
    pub website: Option<String>,
    /// where users find help: an email address or an https URL
    #[argh(option)]
    pub support: Option<String>,
    /// its privacy policy: an https URL
    #[argh(option)]
    pub privacy_policy: Option<String>,
    /// its terms of service: an https URL
    #[argh(option)]
    pub terms: Option<String>,
}

impl AppCreate {
    pub fn command(self) -> Result<Command, String> {
        let kind = match (self.resource_server, self.kind.as_str()) {
            (true, _) => Kind::ResourceServer,
            (false, "private") => Kind::Private,
            (false, "public") => Kind::Public,
            (false, other) => return Err(format!("`{other}` is no kind of app: use private or public")),
        };
        Ok(Command::AppCreate(NewApp {
            name: self.name,
            organization: self.organization,
            kind,
            public_client: self.public_client,
            redirect_uris: self.redirect_uri,
            scopes: self.scope,
            dedicated_user: self.dedicated_user,
            resources: self.resource,
            auth_method: self.auth_method.map(|name| auth_method(&name)).transpose()?,
            grant_types: self
                .grant_type
                .iter()
                .map(|name| grant_type(name))
                .collect::<Result<_, _>>()?,
            settings: AppSettings {
                require_par: self.require_par.then_some(true),
                require_dpop: self.require_dpop.then_some(true),
                legacy_audience: self.legacy_audience.then_some(true),
                jwks: self.jwks.as_deref().map(read_jwks).transpose()?,
                company: self.company,
                website: self.website,
                support: self.support,
                privacy_policy: self.privacy_policy,
                terms: self.terms,
            },
        }))
    }
}

fn auth_method(name: &str) -> Result<AuthMethod, String> {
    let found = AuthMethod::ALL.into_iter().find(|method| method.as_str() == name);
    found.ok_or_else(|| {
        let known = AuthMethod::ALL.map(AuthMethod::as_str).join(", ");
        format!("`{name}` is no authentication method: use one of {known}")
    })
}

fn grant_type(name: &str) -> Result<GrantType, String> {
    let found = GrantType::ALL.into_iter().find(|grant| grant.as_str() == name);
    found.ok_or_else(|| {
        let known = GrantType::ALL.map(GrantType::as_str).join(", ");
        format!("`{name}` is no grant type: use one of {known}")
    })
}

/// The keys of a JWK set (RFC 7517 §5), or the one key that the file holds.
fn read_jwks(path: &Path) -> Result<Vec<Value>, String> {
    let refuse = |why: String| format!("{} cannot be read as a JWK set: {why}", path.display());
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(JWKS_BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| refuse(error.to_string()))?;
    client_keys::read_set(&text).map_err(|fault| refuse(fault.to_string()))
}

/// List the apps.
#[derive(FromArgs)]
#[argh(subcommand, name = "list")]
pub struct AppList {
    /// only those of one organization
    #[argh(option)]
    pub organization: Option<String>,
}

/// Show an app. Secrets are known by id and label alone.
#[derive(FromArgs)]
#[argh(subcommand, name = "show")]
pub struct AppShow {
    /// the client_id
    #[argh(positional)]
    pub client_id: String,
}

/// Change an app. Another dedicated user or other scopes end every token it has; an empty text removes a detail.
#[derive(FromArgs)]
#[argh(subcommand, name = "change")]
pub struct AppChange {
    /// the client_id
    #[argh(positional)]
    pub client_id: String,
    /// the member it acts as from now on: id or email
    #[argh(option)]
    pub dedicated_user: Option<String>,
    /// the scopes it has from now on; repeat for more
    #[argh(option)]
    pub scope: Vec<String>,
    /// a file with the public keys it has from now on (a JWK set), for private_key_jwt
    #[argh(option)]
    pub jwks: Option<PathBuf>,
    /// true or false: accept assertions made for the token endpoint instead of the issuer
    #[argh(option)]
    pub legacy_audience: Option<bool>,
    /// true or false: accept only pushed authorization requests (RFC 9126)
    #[argh(option)]
    pub require_par: Option<bool>,
    /// true or false: make only tokens bound to a key (DPoP, RFC 9449)
    #[argh(option)]
    pub require_dpop: Option<bool>,
    /// the company that makes it, as the consent page says it
    #[argh(option)]
    pub company: Option<String>,
    /// the company's website: an https URL
    #[argh(option)]
    pub website: Option<String>,
    /// where users find help: an email address or an https URL
    #[argh(option)]
    pub support: Option<String>,
    /// its privacy policy: an https URL
    #[argh(option)]
    pub privacy_policy: Option<String>,
    /// its terms of service: an https URL
    #[argh(option)]
    pub terms: Option<String>,
}

impl AppChange {
    pub fn command(self) -> Result<Command, String> {
        let settings = AppSettings {
            require_par: self.require_par,
            require_dpop: self.require_dpop,
            legacy_audience: self.legacy_audience,
            jwks: self.jwks.as_deref().map(read_jwks).transpose()?,
            company: self.company,
            website: self.website,
            support: self.support,
            privacy_policy: self.privacy_policy,
            terms: self.terms,
        };
        if self.dedicated_user.is_none() && self.scope.is_empty() && settings == AppSettings::default() {
            return Err("say what to change: `grantd app change --help` lists what can be".into());
        }
        Ok(Command::AppChange {
            client_id: self.client_id,
            dedicated_user: self.dedicated_user,
            scopes: self.scope,
            settings,
        })
    }
}

/// Disable an app: neither its credentials nor its tokens work until it is enabled again.
#[derive(FromArgs)]
#[argh(subcommand, name = "disable")]
pub struct AppDisable {
    /// the client_id
    #[argh(positional)]
    pub client_id: String,
}

/// Enable an app again. Tokens that have not expired work again; `token revoke --app` ends them for good.
#[derive(FromArgs)]
#[argh(subcommand, name = "enable")]
pub struct AppEnable {
    /// the client_id
    #[argh(positional)]
    pub client_id: String,
}

/// Add or revoke a client secret. Two can be live at once, so that one can follow the other without a gap.
#[derive(FromArgs)]
#[argh(subcommand, name = "secret")]
pub struct AppSecret {
    /// the client_id
    #[argh(positional)]
    pub client_id: String,
    /// what to call the new secret
    #[argh(option)]
    pub label: Option<String>,
    /// revoke the secret with this id instead
    #[argh(option)]
    pub revoke: Option<String>,
}
