//! `user` and `org`.

use crate::model::role::Role;
use crate::model::user::Duty;
use argh::FromArgs;
use std::str::FromStr;

/// People: add, invite, list, disable, enable, password, reset, duty, administrator-link.
#[derive(FromArgs)]
#[argh(subcommand, name = "user")]
pub struct User {
    #[argh(subcommand)]
    pub verb: UserVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum UserVerb {
    Add(UserAdd),
    Invite(UserInvite),
    List(UserList),
    Disable(UserDisable),
    Enable(UserEnable),
    Password(UserPassword),
    Reset(UserReset),
    Duty(UserDuty),
    AdministratorLink(UserAdministratorLink),
}

/// Add a user. Without a password they cannot sign in, but can be the dedicated user of a private app.
#[derive(FromArgs)]
#[argh(subcommand, name = "add")]
pub struct UserAdd {
    /// the email address
    #[argh(positional)]
    pub email: String,
    /// the name to show
    #[argh(option)]
    pub name: Option<String>,
    /// read a password from standard input
    #[argh(switch)]
    pub password_stdin: bool,
}

/// Invite somebody into an organization, with or without an account. Prints the link, or says that it was mailed.
#[derive(FromArgs)]
#[argh(subcommand, name = "invite")]
pub struct UserInvite {
    /// the email address
    #[argh(positional)]
    pub email: String,
    /// the organization's id
    #[argh(option)]
    pub organization: String,
    /// owner, admin, developer or member
    #[argh(option)]
    pub role: Role,
}

/// Let a user choose a new password. Prints the link, or says that it was mailed. Its use ends every token that acts as
/// them.
#[derive(FromArgs)]
#[argh(subcommand, name = "reset")]
pub struct UserReset {
    /// id or email
    #[argh(positional)]
    pub user: String,
    /// also turn one-time codes off, at once: for who has lost the device and the recovery codes
    #[argh(switch)]
    pub second_factor: bool,
}

/// Let a user review apps or administer the whole installation, or neither.
#[derive(FromArgs)]
#[argh(subcommand, name = "duty")]
pub struct UserDuty {
    /// id or email
    #[argh(positional)]
    pub user: String,
    /// administrator, reviewer or none
    #[argh(positional)]
    pub duty: DutyChoice,
}

pub struct DutyChoice(pub Option<Duty>);

impl FromStr for DutyChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let found = Duty::ALL.into_iter().find(|duty| duty.as_str() == text);
        let found = found.ok_or_else(|| format!("`{text}` is not a duty: use administrator, reviewer or none"));
        found.map(|duty| Self(Some(duty)))
    }
}

/// Print a one-time link that makes whoever opens it an administrator. The one printed before ends.
#[derive(FromArgs)]
#[argh(subcommand, name = "administrator-link")]
pub struct UserAdministratorLink {}

/// List the users.
#[derive(FromArgs)]
#[argh(subcommand, name = "list")]
pub struct UserList {}

/// Disable a user: nothing that acts as them works until they are enabled again.
#[derive(FromArgs)]
#[argh(subcommand, name = "disable")]
pub struct UserDisable {
    /// id or email
    #[argh(positional)]
    pub user: String,
}

/// Enable a user again. Tokens that have not expired work again; `token revoke --user` ends them for good.
#[derive(FromArgs)]
#[argh(subcommand, name = "enable")]
pub struct UserEnable {
    /// id or email
    #[argh(positional)]
    pub user: String,
}

/// Set a user's password, read from standard input. Ends every token that acts as them.
#[derive(FromArgs)]
#[argh(subcommand, name = "password")]
pub struct UserPassword {
    /// id or email
    #[argh(positional)]
    pub user: String,
}

/// Organizations: create, list, member, policy, disable, enable.
#[derive(FromArgs)]
#[argh(subcommand, name = "org")]
pub struct Org {
    #[argh(subcommand)]
    pub verb: OrgVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum OrgVerb {
    Create(OrgCreate),
    List(OrgList),
    Member(OrgMember),
    Policy(OrgPolicy),
    Disable(OrgDisable),
    Enable(OrgEnable),
}

/// Create an organization.
#[derive(FromArgs)]
#[argh(subcommand, name = "create")]
pub struct OrgCreate {
    /// its name
    #[argh(positional)]
    pub name: String,
    /// its id (default: the next free one)
    #[argh(option)]
    pub id: Option<String>,
}

/// List the organizations.
#[derive(FromArgs)]
#[argh(subcommand, name = "list")]
pub struct OrgList {}

/// List the members of an organization, add one, change a role, or remove one.
#[derive(FromArgs)]
#[argh(subcommand, name = "member")]
pub struct OrgMember {
    /// the organization's id
    #[argh(positional)]
    pub organization: String,
    /// whom: id or email; left out, the members are listed
    #[argh(positional)]
    pub user: Option<String>,
    /// owner, admin, developer or member
    #[argh(option)]
    pub role: Option<Role>,
    /// remove the member: everything that acts as them there ends
    #[argh(switch)]
    pub remove: bool,
}

/// Show who in an organization may allow apps, and which, or change it. What was granted before goes on until it is
/// revoked.
#[derive(FromArgs)]
#[argh(subcommand, name = "policy")]
pub struct OrgPolicy {
    /// the organization's id
    #[argh(positional)]
    pub organization: String,
    /// the least role that may consent: owner, admin, developer or member (everybody)
    #[argh(option)]
    pub consent: Option<Role>,
    /// a client_id to allow; once one is named, only those are; repeat for more
    #[argh(option)]
    pub allow: Vec<String>,
    /// a client_id to take off the allowed ones; repeat for more
    #[argh(option)]
    pub unallow: Vec<String>,
    /// allow every app that is not denied
    #[argh(switch)]
    pub allow_any: bool,
    /// a client_id to deny, whatever is allowed; repeat for more
    #[argh(option)]
    pub deny: Vec<String>,
    /// a client_id to deny no longer; repeat for more
    #[argh(option)]
    pub undeny: Vec<String>,
}

/// Disable an organization: no token of it works until it is enabled again.
#[derive(FromArgs)]
#[argh(subcommand, name = "disable")]
pub struct OrgDisable {
    /// the organization's id
    #[argh(positional)]
    pub organization: String,
}

/// Enable an organization again. Tokens that have not expired work again.
#[derive(FromArgs)]
#[argh(subcommand, name = "enable")]
pub struct OrgEnable {
    /// the organization's id
    #[argh(positional)]
    pub organization: String,
}
