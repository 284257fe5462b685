//! What an administrator can do from the command line: one command, one answer, over a local socket or in process.

pub mod app_settings;
pub mod apps;
pub mod audit;
pub mod backup;
pub mod health;
pub mod installations;
pub mod keys;
pub mod loss;
pub mod manifest;
pub mod organizations;
pub mod policy;
pub mod socket;
pub mod tokens;
pub mod transfer;
pub mod upgrade;
pub mod users;

use crate::base::text;
use crate::context::Context;
use crate::model::app::{AuthMethod, GrantType, Kind};
use crate::model::role::Role;
use crate::model::user::Duty;
use crate::store::records::{Record, Versioned};
use crate::store::{Batch, Outcome};
use app_settings::AppSettings;
use policy::PolicyChange;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One operation, as it travels over the socket. Users are named by id or email. A member that is not known is refused:
/// a server of another version must not leave out half of what it was told.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    UserAdd {
        email: String,
        name: Option<String>,
        password: Option<String>,
    },
    UserList,
    UserDisable {
        user: String,
        disabled: bool,
    },
    UserPassword {
        user: String,
        password: String,
    },
    UserInvite {
        email: String,
        organization: String,
        role: Role,
    },
    UserReset {
        user: String,
        /// Also turn one-time codes off, at once.
        second_factor: bool,
    },
    UserDuty {
        user: String,
        /// Null ends it.
        duty: Option<Duty>,
    },
    UserAdministratorLink,
    OrganizationCreate {
        name: String,
        id: Option<String>,
    },
    OrganizationList,
    OrganizationDisable {
        organization: String,
        disabled: bool,
    },
    OrganizationPolicy {
        organization: String,
        change: PolicyChange,
    },
    MemberList {
        organization: String,
    },
    MemberSet {
        organization: String,
        user: String,
        role: Role,
    },
    MemberRemove {
        organization: String,
        user: String,
    },
    AppCreate(NewApp),
    AppList {
        organization: Option<String>,
    },
    AppShow {
        client_id: String,
    },
    AppChange {
        client_id: String,
        dedicated_user: Option<String>,
        scopes: Vec<String>,
        #[serde(default)]
        settings: AppSettings,
    },
    AppDisable {
        client_id: String,
        disabled: bool,
    },
    AppApply {
        /// What sentences call the file, and what stands in it.
        file: String,
        text: String,
        organization: Option<String>,
        /// Only what would become different.
        check: bool,
    },
    InstallationList,
    InstallationReset {
        client_id: String,
    },
    SecretAdd {
        client_id: String,
        label: Option<String>,
    },
    SecretRevoke {
        client_id: String,
        secret: String,
    },
    KeyList,
    KeyRotate {
        algorithm: Option<String>,
    },
    KeyRevoke {
        kid: String,
    },
    TokenMint {
        client_id: String,
        scopes: Vec<String>,
        resource: Option<String>,
        lifetime_s: Option<u64>,
    },
    TokenInspect {
        token: String,
    },
    TokenRevoke {
        what: Revocation,
    },
    ExportBegin,
    /// What should worry whoever runs the server.
    Health,
    AuditVerify {
        /// The end of an earlier report.
        since: Option<String>,
    },
    ExportPage {
        after: Option<String>,
    },
    ExportChanges {
        after: u64,
    },
    BackupBegin,
    BackupStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    pub name: String,
    pub organization: String,
    pub kind: Kind,
    /// A client that can keep no secret (RFC 6749 §2.1).
    pub public_client: bool,
    pub redirect_uris: Vec<String>,
    /// Empty: every scope of the catalog.
    pub scopes: Vec<String>,
    pub dedicated_user: Option<String>,
    /// For a resource server: the audiences it introspects; empty means all.
    pub resources: Vec<String>,
    /// None: those of its client type.
    #[serde(default)]
    pub auth_method: Option<AuthMethod>,
    /// Empty: those of its kind.
    #[serde(default)]
    pub grant_types: Vec<GrantType>,
    #[serde(default)]
    pub settings: AppSettings,
}

impl NewApp {
    /// With nothing said that may be left unsaid.
    pub fn new(kind: Kind, organization: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            organization: organization.into(),
            kind,
            public_client: false,
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            dedicated_user: None,
            resources: Vec::new(),
            auth_method: None,
            grant_types: Vec::new(),
            settings: AppSettings::default(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    Token(String),
    App(String),
    Organization(String),
    User(String),
    Everything,
}

/// Every error is a sentence that says what to do.
pub async fn execute(ctx: &Context, command: Command) -> Result<Value, String> {
    match command {
        Command::UserAdd { email, name, password } => users::add(ctx, &email, name, password).await,
        Command::UserList => users::list(ctx).await,
        Command::UserDisable { user, disabled } => users::disable(ctx, &user, disabled).await,
        Command::UserPassword { user, password } => users::password(ctx, &user, password).await,
        Command::UserInvite {
            email,
            organization,
            role,
        } => users::invite(ctx, &email, &organization, role).await,
        Command::UserReset { user, second_factor } => users::reset(ctx, &user, second_factor).await,
        Command::UserDuty { user, duty } => users::duty(ctx, &user, duty).await,
        Command::UserAdministratorLink => users::administrator_link(ctx).await,
        Command::OrganizationCreate { name, id } => organizations::create(ctx, &name, id).await,
        Command::OrganizationList => organizations::list(ctx).await,
        Command::OrganizationDisable { organization, disabled } => {
            organizations::disable(ctx, &organization, disabled).await
        }
        Command::OrganizationPolicy { organization, change } => policy::policy(ctx, &organization, change).await,
        Command::MemberList { organization } => organizations::members(ctx, &organization).await,
        Command::MemberSet {
            organization,
            user,
            role,
        } => organizations::set_member(ctx, &organization, &user, role).await,
        Command::MemberRemove { organization, user } => organizations::remove_member(ctx, &organization, &user).await,
        Command::AppCreate(new) => apps::create(ctx, new).await,
        Command::AppList { organization } => apps::list(ctx, organization).await,
        Command::AppShow { client_id } => apps::show(ctx, &client_id).await,
        Command::AppChange {
            client_id,
            dedicated_user,
            scopes,
            settings,
        } => apps::change(ctx, &client_id, dedicated_user, scopes, settings).await,
        Command::AppDisable { client_id, disabled } => apps::disable(ctx, &client_id, disabled).await,
        Command::AppApply {
            file,
            text,
            organization,
            check,
        } => manifest::apply(ctx, &file, &text, organization, check).await,
        Command::InstallationList => installations::list(ctx).await,
        Command::InstallationReset { client_id } => installations::reset(ctx, &client_id).await,
        Command::SecretAdd { client_id, label } => apps::add_secret(ctx, &client_id, label).await,
        Command::SecretRevoke { client_id, secret } => apps::revoke_secret(ctx, &client_id, &secret).await,
        Command::KeyList => keys::list(ctx),
        Command::KeyRotate { algorithm } => keys::rotate(ctx, algorithm).await,
        Command::KeyRevoke { kid } => keys::revoke(ctx, &kid).await,
        Command::TokenMint {
            client_id,
            scopes,
            resource,
            lifetime_s,
        } => tokens::mint(ctx, &client_id, scopes, resource, lifetime_s).await,
        Command::TokenInspect { token } => tokens::inspect(ctx, &token).await,
        Command::TokenRevoke { what } => tokens::revoke(ctx, what).await,
        Command::ExportBegin => transfer::begin(ctx).await,
        Command::Health => Ok(health::tell(ctx).await),
        Command::AuditVerify { since } => audit::verify(ctx, since).await,
        Command::ExportPage { after } => transfer::page(ctx, after).await,
        Command::ExportChanges { after } => transfer::changes(ctx, after).await,
        Command::BackupBegin => backup::begin(ctx).await,
        Command::BackupStatus => backup::status(ctx),
    }
}

/// More rows than one answer lists.
const LIST_MAX: u32 = 100_000;

/// Commits, or says that somebody else was faster.
async fn commit(ctx: &Context, batch: Batch) -> Result<(), String> {
    match ctx.store.commit(batch).await {
        Ok(Outcome::Committed(_)) => Ok(()),
        Ok(Outcome::Conflict) => {
            Err("it was changed by somebody else at the same moment: look at it and try again".into())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// `new` in place of `old`, and nothing else.
async fn replace<R: Record>(ctx: &Context, old: &Versioned<R>, new: &R) -> Result<(), String> {
    let mut batch = Batch::new();
    batch.replace(old, new)?;
    commit(ctx, batch).await
}

/// A name, or a sentence that asks for one.
fn check_name(what: &str, name: &str, max: usize) -> Result<String, String> {
    text::name(name, max).ok_or_else(|| format!("{what} needs a name of 1 to {max} visible characters"))
}
