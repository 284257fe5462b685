//! An organization's consent policy: who may grant access, and to which apps.

use super::actor::Actor;
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use super::{ATTEMPTS_MAX, commit, cursor, event};
use crate::context::Context;
use crate::model::app::App;
use crate::model::event::{Change, Event, EventKind};
use crate::model::organization::{AppsAllowed, ConsentPolicy, LISTED_MAX, Organization};
use crate::model::role::Role;
use crate::store::records::Versioned;
use crate::store::{Batch, StoreError, keys};
use serde::{Deserialize, Serialize};

/// Of one list of changed apps in an event.
const LIST_BYTES_MAX: usize = 1400;

/// What becomes different; nothing: the policy is shown as it is.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyChange {
    pub least_role: Option<Role>,
    /// Every app but the denied ones.
    pub allow_any: bool,
    /// Only the listed apps, though none may be yet.
    pub allow_listed: bool,
    /// Apps by client_id. The first turns "any app" into a list.
    pub allow: Vec<String>,
    pub unallow: Vec<String>,
    pub deny: Vec<String>,
    pub undeny: Vec<String>,
}

/// Why a change cannot be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// Both any app and single apps.
    AnyAndSingle,
    /// More apps than a list may have; whether of those allowed or of those denied.
    TooMany { allowed: bool },
    /// This app is not on the list it is to be taken from.
    NotListed { allowed: bool, client_id: String },
}

pub async fn show(ctx: &Context, actor: &Actor, organization: &str) -> Result<ConsentPolicy, Refusal> {
    let membership = actor
        .in_organization(ctx, organization, Right::SeeConnectedApps)
        .await?;
    Ok(membership.organization.policy.clone())
}

/// What was granted before goes on until somebody takes it back.
pub async fn change(ctx: &Context, actor: &Actor, organization: &str, change: &PolicyChange) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor
            .in_organization(ctx, organization, Right::ChangeOrganization)
            .await?;
        for (field, listed) in [("allow", &change.allow), ("deny", &change.deny)] {
            for client_id in listed {
                if !is_app(ctx, client_id).await? {
                    return Err(Fault::new(field, "org_app_unknown").into());
                }
            }
        }
        let old = &membership.organization;
        let policy = changed(&old.policy, change).map_err(fault)?;
        if policy == old.policy {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.require(&*membership.member);
        let by = event(ctx, actor, EventKind::OrganizationChanged, organization);
        put(&mut batch, old, policy, by)?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

async fn is_app(ctx: &Context, client_id: &str) -> Result<bool, StoreError> {
    match cursor(Some(client_id)) {
        Some(client_id) => Ok(ctx.load::<App>(&keys::app(client_id)).await?.is_some()),
        None => Ok(false),
    }
}

fn fault(unfit: Unfit) -> Refusal {
    let field = |allowed| if allowed { "allow" } else { "deny" };
    match unfit {
        Unfit::AnyAndSingle => Fault::new("allow", "org_policy_any_and_single").into(),
        Unfit::TooMany { allowed } => Fault::new(field(allowed), "org_policy_full")
            .with("most", LISTED_MAX)
            .into(),
        // Somebody else took it away just now.
        Unfit::NotListed { .. } => Refusal::Conflict,
    }
}

/// The policy in place of the organization's, with this batch; `event` says who does it.
pub fn put(
    batch: &mut Batch,
    old: &Versioned<Organization>,
    policy: ConsentPolicy,
    event: Event,
) -> Result<(), StoreError> {
    let changes = differences(&old.policy, &policy);
    let new = Organization {
        policy,
        ..old.value.clone()
    };
    batch.replace(old, &new)?;
    batch.insert(&Event { changes, ..event })?;
    Ok(())
}

pub fn changed(old: &ConsentPolicy, change: &PolicyChange) -> Result<ConsentPolicy, Unfit> {
    let mut policy = old.clone();
    if let Some(role) = change.least_role {
        policy.least_role = role;
    }
    if change.allow_any {
        if change.allow_listed || !change.allow.is_empty() || !change.unallow.is_empty() {
            return Err(Unfit::AnyAndSingle);
        }
        policy.apps = AppsAllowed::Any;
    }
    if change.allow_listed || !change.allow.is_empty() || !change.unallow.is_empty() {
        let mut only = match policy.apps {
            AppsAllowed::Only(only) => only,
            AppsAllowed::Any => Vec::new(),
        };
        add(&mut only, &change.allow, true)?;
        take(&mut only, &change.unallow, true)?;
        policy.apps = AppsAllowed::Only(only);
    }
    add(&mut policy.denied, &change.deny, false)?;
    take(&mut policy.denied, &change.undeny, false)?;
    Ok(policy)
}

fn add(list: &mut Vec<String>, more: &[String], allowed: bool) -> Result<(), Unfit> {
    for client_id in more {
        if !list.contains(client_id) {
            list.push(client_id.clone());
        }
    }
    if list.len() > LISTED_MAX {
        return Err(Unfit::TooMany { allowed });
    }
    Ok(())
}

fn take(list: &mut Vec<String>, away: &[String], allowed: bool) -> Result<(), Unfit> {
    for client_id in away {
        let Some(place) = list.iter().position(|one| one == client_id) else {
            let client_id = client_id.clone();
            return Err(Unfit::NotListed { allowed, client_id });
        };
        list.remove(place);
    }
    Ok(())
}

/// What of the policy is another one now: of the lists only what came and what went.
fn differences(old: &ConsentPolicy, new: &ConsentPolicy) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.least_role != new.least_role {
        changes.push(Change::new("consent", Some(old.least_role), Some(new.least_role)));
    }
    let apps = |policy: &ConsentPolicy| match policy.apps {
        AppsAllowed::Any => "any",
        AppsAllowed::Only(_) => "allowed",
    };
    if apps(old) != apps(new) {
        changes.push(Change::new("apps", Some(apps(old)), Some(apps(new))));
    }
    let allowed = |policy: &ConsentPolicy| match &policy.apps {
        AppsAllowed::Any => Vec::new(),
        AppsAllowed::Only(only) => only.clone(),
    };
    changes.extend(moved("allowed", &allowed(old), &allowed(new)));
    changes.extend(moved("denied", &old.denied, &new.denied));
    changes
}

fn moved(what: &str, old: &[String], new: &[String]) -> Option<Change> {
    let beyond = |list: &[String], other: &[String]| {
        let beyond: Vec<&str> = list
            .iter()
            .filter(|one| !other.contains(one))
            .map(String::as_str)
            .collect();
        (!beyond.is_empty()).then(|| shortened(beyond.join(" ")))
    };
    let (gone, come) = (beyond(old, new), beyond(new, old));
    (gone.is_some() || come.is_some()).then(|| Change::new(what, gone, come))
}

/// Client ids are ASCII, so that any byte is a place to cut.
fn shortened(mut text: String) -> String {
    if text.len() > LIST_BYTES_MAX {
        text.truncate(LIST_BYTES_MAX);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;
    use crate::base::time::Timestamp;

    #[test]
    fn the_event_of_the_greatest_change_fits_into_one_record() {
        let full = |letter: &str| -> Vec<String> {
            (0..LISTED_MAX)
                .map(|n| format!("{}{n:02}", letter.repeat(35)))
                .collect()
        };
        let policy = |allowed: &str, denied: &str, least_role| ConsentPolicy {
            least_role,
            apps: AppsAllowed::Only(full(allowed)),
            denied: full(denied),
        };
        let (old, new) = (policy("a", "b", Role::Owner), policy("c", "d", Role::Developer));
        let event = Event {
            changes: differences(&old, &new),
            by: Some("u".repeat(64)),
            ..Event::by_command_line(
                EventKind::OrganizationChanged,
                &"o".repeat(40),
                Timestamp::from_seconds(u64::from(u32::MAX)),
                &SeededRandom::new(1),
            )
        };
        assert_eq!(event.changes.len(), 3);
        let mut batch = Batch::new();
        batch.insert(&event).unwrap();
        assert_eq!(batch.validate(), Ok(()));
    }
}
