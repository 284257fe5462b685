//! From arguments to the command they ask for.

use super::arguments::Action;
use super::arguments::apps::AppVerb;
use super::arguments::installations::InstallationVerb;
use super::arguments::people::{OrgMember, OrgVerb, UserVerb};
use super::arguments::tokens::{KeyVerb, TokenVerb};
use crate::control::policy::PolicyChange;
use crate::control::{Command, Revocation};
use std::io::Read as _;

/// Longer than any password or token.
const STDIN_BYTES_MAX: u64 = 64 * 1024;

pub fn of(action: Action) -> Result<Command, String> {
    match action {
        Action::User(user) => user_command(user.verb),
        Action::Org(org) => org_command(org.verb),
        Action::App(app) => app_command(app.verb),
        Action::Installation(installation) => Ok(match installation.verb {
            InstallationVerb::List(_) => Command::InstallationList,
            InstallationVerb::Reset(reset) => Command::InstallationReset {
                client_id: reset.client_id,
            },
        }),
        Action::Key(key) => Ok(key_command(key.verb)),
        Action::Token(token) => token_command(token.verb),
        _ => Err("this command is no request to the store".into()),
    }
}

fn user_command(verb: UserVerb) -> Result<Command, String> {
    Ok(match verb {
        UserVerb::Add(add) => {
            let password = if add.password_stdin {
                Some(read_line("the password")?)
            } else {
                None
            };
            Command::UserAdd {
                email: add.email,
                name: add.name,
                password,
            }
        }
        UserVerb::Invite(invite) => Command::UserInvite {
            email: invite.email,
            organization: invite.organization,
            role: invite.role,
        },
        UserVerb::Reset(one) => Command::UserReset {
            user: one.user,
            second_factor: one.second_factor,
        },
        UserVerb::Duty(one) => Command::UserDuty {
            user: one.user,
            duty: one.duty.0,
        },
        UserVerb::AdministratorLink(_) => Command::UserAdministratorLink,
        UserVerb::List(_) => Command::UserList,
        UserVerb::Disable(one) => Command::UserDisable {
            user: one.user,
            disabled: true,
        },
        UserVerb::Enable(one) => Command::UserDisable {
            user: one.user,
            disabled: false,
        },
        UserVerb::Password(one) => Command::UserPassword {
            user: one.user,
            password: read_line("the password")?,
        },
    })
}

fn org_command(verb: OrgVerb) -> Result<Command, String> {
    Ok(match verb {
        OrgVerb::Create(create) => Command::OrganizationCreate {
            name: create.name,
            id: create.id,
        },
        OrgVerb::List(_) => Command::OrganizationList,
        OrgVerb::Disable(one) => Command::OrganizationDisable {
            organization: one.organization,
            disabled: true,
        },
        OrgVerb::Enable(one) => Command::OrganizationDisable {
            organization: one.organization,
            disabled: false,
        },
        OrgVerb::Member(member) => member_command(member)?,
        OrgVerb::Policy(policy) => Command::OrganizationPolicy {
            organization: policy.organization,
            change: PolicyChange {
                least_role: policy.consent,
                allow_any: policy.allow_any,
                allow_listed: false,
                allow: policy.allow,
                unallow: policy.unallow,
                deny: policy.deny,
                undeny: policy.undeny,
            },
        },
    })
}

fn member_command(member: OrgMember) -> Result<Command, String> {
    let OrgMember {
        organization,
        user,
        role,
        remove,
    } = member;
    match (user, role, remove) {
        (None, None, false) => Ok(Command::MemberList { organization }),
        (Some(user), Some(role), false) => Ok(Command::MemberSet {
            organization,
            user,
            role,
        }),
        (Some(user), None, true) => Ok(Command::MemberRemove { organization, user }),
        _ => Err("name a user together with either --role or --remove; without a user the members are listed".into()),
    }
}

fn app_command(verb: AppVerb) -> Result<Command, String> {
    Ok(match verb {
        AppVerb::Apply(apply) => apply.command()?,
        AppVerb::Create(create) => create.command()?,
        AppVerb::List(list) => Command::AppList {
            organization: list.organization,
        },
        AppVerb::Show(one) => Command::AppShow {
            client_id: one.client_id,
        },
        AppVerb::Change(change) => change.command()?,
        AppVerb::Disable(one) => Command::AppDisable {
            client_id: one.client_id,
            disabled: true,
        },
        AppVerb::Enable(one) => Command::AppDisable {
            client_id: one.client_id,
            disabled: false,
        },
        AppVerb::Secret(secret) => match secret.revoke {
            Some(id) => Command::SecretRevoke {
                client_id: secret.client_id,
                secret: id,
            },
            None => Command::SecretAdd {
                client_id: secret.client_id,
                label: secret.label,
            },
        },
    })
}

fn key_command(verb: KeyVerb) -> Command {
    match verb {
        KeyVerb::List(_) => Command::KeyList,
        KeyVerb::Rotate(rotate) => Command::KeyRotate { algorithm: rotate.alg },
        KeyVerb::Revoke(revoke) => Command::KeyRevoke { kid: revoke.kid },
    }
}

fn token_command(verb: TokenVerb) -> Result<Command, String> {
    Ok(match verb {
        TokenVerb::Mint(mint) => Command::TokenMint {
            client_id: mint.client_id,
            scopes: mint.scope,
            resource: mint.resource,
            lifetime_s: mint.lifetime_s,
        },
        TokenVerb::Inspect(inspect) => {
            let token = inspect.token.map_or_else(|| read_line("the token"), Ok)?;
            Command::TokenInspect { token }
        }
        TokenVerb::Verify(_) => return Err("this command is no request to the store".into()),
        TokenVerb::Revoke(revoke) => {
            let what = match revoke.what()? {
                Some(what) => what,
                None => Revocation::Token(read_line("the token")?),
            };
            Command::TokenRevoke { what }
        }
    })
}

/// The first line of standard input.
pub fn read_line(what: &str) -> Result<String, String> {
    let mut text = String::new();
    std::io::stdin()
        .take(STDIN_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|e| format!("{what} cannot be read from standard input: {e}"))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!("{what} is expected on standard input, which is empty")),
    }
}
