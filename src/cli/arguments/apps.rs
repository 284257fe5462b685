//! `app`.

use crate::control::{Command, NewApp};
use crate::model::app::Kind;
use argh::FromArgs;

/// Apps: create, list, show, change, disable, enable, secret.
#[derive(FromArgs)]
#[argh(subcommand, name = "app")]
pub struct App {
    #[argh(subcommand)]
    pub verb: AppVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum AppVerb {
    Create(AppCreate),
    List(AppList),
    Show(AppShow),
    Change(AppChange),
    Disable(AppDisable),
    Enable(AppEnable),
    Secret(AppSecret),
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
        }))
    }
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

/// Give an app another dedicated user or other scopes. Ends every token it has.
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
