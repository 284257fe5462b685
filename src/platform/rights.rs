//! Who may do what: one table. What does not stand in it is refused.

use crate::model::role::Role;
use crate::model::user::Duty;

/// Everything somebody may be entitled to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    // An organization's own.
    SeeOrganization,
    SeeMembers,
    ManageMembers,
    ChangeOrganization,
    SeeConnectedApps,
    RevokeConnectedApps,
    SeeApiKeys,
    ManageApiKeys,
    SeeAudit,
    /// One's own personal access tokens.
    MakeTokens,
    /// Everybody's in the organization.
    ManageTokens,
    CreateApp,
    // An app's.
    SeeApp,
    ChangeApp,
    ManageCredentials,
    SeeFailures,
    DisableApp,
    TransferApp,
    // The whole installation's.
    Review,
    AnswerAccessRequests,
    Administer,
}

/// What it takes. Any one of the columns is enough.
struct Row {
    right: Right,
    /// This role in the organization, or one above it.
    role: Option<Role>,
    /// A developer of the organization who is in the app's team.
    team: bool,
    /// Somebody with an interest in the app, from anywhere.
    stakeholder: bool,
    /// This duty, or one above it.
    duty: Option<Duty>,
    /// What a personal access token must hold besides.
    scope: &'static str,
}

const fn member(right: Right, role: Role, scope: &'static str) -> Row {
    Row {
        right,
        role: Some(role),
        team: false,
        stakeholder: false,
        duty: None,
        scope,
    }
}

const fn team(right: Right, scope: &'static str) -> Row {
    Row {
        team: true,
        ..member(right, Role::Admin, scope)
    }
}

const fn duty(right: Right, duty: Duty, scope: &'static str) -> Row {
    Row {
        right,
        role: None,
        team: false,
        stakeholder: false,
        duty: Some(duty),
        scope,
    }
}

pub const APPS_READ: &str = "grantd:apps:read";
pub const APPS_WRITE: &str = "grantd:apps:write";
pub const REVIEWS: &str = "grantd:reviews";
pub const GRANTS: &str = "grantd:grants";
pub const TOKENS: &str = "grantd:tokens";
pub const REQUESTS: &str = "grantd:requests";

/// The scopes of the JSON API: for personal access tokens alone, never granted to an app, never good at the gateway.
pub const SCOPES: [&str; 6] = [APPS_READ, APPS_WRITE, REVIEWS, GRANTS, TOKENS, REQUESTS];

static TABLE: [Row; 21] = [
    member(Right::SeeOrganization, Role::Member, GRANTS),
    member(Right::SeeMembers, Role::Developer, GRANTS),
    member(Right::ManageMembers, Role::Admin, GRANTS),
    member(Right::ChangeOrganization, Role::Admin, GRANTS),
    member(Right::SeeConnectedApps, Role::Admin, GRANTS),
    member(Right::RevokeConnectedApps, Role::Admin, GRANTS),
    member(Right::SeeApiKeys, Role::Admin, TOKENS),
    member(Right::ManageApiKeys, Role::Admin, TOKENS),
    member(Right::SeeAudit, Role::Admin, GRANTS),
    member(Right::MakeTokens, Role::Member, TOKENS),
    member(Right::ManageTokens, Role::Admin, TOKENS),
    member(Right::CreateApp, Role::Developer, APPS_WRITE),
    Row {
        stakeholder: true,
        ..member(Right::SeeApp, Role::Developer, APPS_READ)
    },
    team(Right::ChangeApp, APPS_WRITE),
    team(Right::ManageCredentials, APPS_WRITE),
    team(Right::SeeFailures, APPS_READ),
    member(Right::DisableApp, Role::Admin, APPS_WRITE),
    member(Right::TransferApp, Role::Admin, APPS_WRITE),
    duty(Right::Review, Duty::Reviewer, REVIEWS),
    duty(Right::AnswerAccessRequests, Duty::Administrator, REQUESTS),
    duty(Right::Administer, Duty::Administrator, REQUESTS),
];

/// How somebody stands to a thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Relation {
    /// In the organization whose thing it is.
    pub role: Option<Role>,
    pub in_team: bool,
    pub stakeholder: bool,
    pub duty: Option<Duty>,
}

/// Whether whoever stands so to a thing may do this with it.
pub fn may(right: Right, relation: Relation) -> bool {
    let Some(row) = TABLE.iter().find(|row| row.right == right) else {
        return false;
    };
    // Roles and duties are ordered from the most to the least powerful.
    let by_role = matches!((row.role, relation.role), (Some(least), Some(has)) if has <= least);
    let developer = relation.role.is_some_and(|role| role <= Role::Developer);
    let by_team = row.team && relation.in_team && developer;
    let by_stake = row.stakeholder && relation.stakeholder;
    let by_duty = matches!((row.duty, relation.duty), (Some(least), Some(has)) if has <= least);
    by_role || by_team || by_stake || by_duty
}

/// What a personal access token needs for this right; `None` where none is enough.
pub fn scope_of(right: Right) -> Option<&'static str> {
    let row = TABLE.iter().find(|row| row.right == right)?;
    Some(row.scope)
}

/// The scopes of the JSON API that are of any use to whoever stands so, or might once be in an app's team or have a
/// stake in one.
pub fn scopes_for(role: Role, duty: Option<Duty>) -> Vec<&'static str> {
    let relation = Relation {
        role: Some(role),
        in_team: true,
        stakeholder: true,
        duty,
    };
    let of_use = |scope: &&str| TABLE.iter().any(|row| row.scope == *scope && may(row.right, relation));
    SCOPES.into_iter().filter(of_use).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_owners_and_admins_and_the_team_change_an_app() {
        let change = |role, in_team| {
            may(
                Right::ChangeApp,
                Relation {
                    role,
                    in_team,
                    ..Relation::default()
                },
            )
        };
        assert!(change(Some(Role::Owner), false) && change(Some(Role::Admin), false));
        assert!(change(Some(Role::Developer), true));
        assert!(!change(Some(Role::Developer), false) && !change(Some(Role::Member), true));
        // In the team and in the organization no longer.
        assert!(!change(None, true));
    }

    #[test]
    fn stakeholders_see_and_do_nothing() {
        let stakeholder = Relation {
            stakeholder: true,
            ..Relation::default()
        };
        let allowed = TABLE.iter().filter(|row| may(row.right, stakeholder));
        let allowed: Vec<_> = allowed.map(|row| row.right).collect();
        assert_eq!(allowed, [Right::SeeApp]);
    }

    #[test]
    fn duties_open_nothing_of_an_organization() {
        for duty in Duty::ALL {
            let relation = Relation {
                duty: Some(duty),
                ..Relation::default()
            };
            for row in TABLE.iter().filter(|row| row.role.is_some()) {
                assert!(!may(row.right, relation), "{duty:?} {:?}", row.right);
            }
        }
    }
}
