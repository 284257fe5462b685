//! An organization itself: its name, and what there is in it.

use super::actor::{Actor, Membership};
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use super::{ATTEMPTS_MAX, commit, event};
use crate::base::text;
use crate::context::Context;
use crate::model::event::{Change, Event, EventKind};
use crate::model::grant::{Grant, GrantStatus};
use crate::model::member::Member;
use crate::model::organization::{NAME_CHARS_MAX, Organization};
use crate::store::records::list;
use crate::store::{Batch, StoreError, keys};

/// What is looked at to count: past it the count says "more".
const COUNTED_MAX: u32 = 200;

/// How many there are; `more`: at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    pub number: usize,
    pub more: bool,
}

/// What an overview says. `None` where the role may not know.
pub struct Counts {
    pub members: Option<Count>,
    pub grants: Option<Count>,
}

pub async fn rename(ctx: &Context, actor: &Actor, id: &str, name: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor.in_organization(ctx, id, Right::ChangeOrganization).await?;
        let bad = || Fault::new("name", "org_name_bad").with("characters", NAME_CHARS_MAX);
        let name = text::name(name, NAME_CHARS_MAX).ok_or_else(bad)?;
        let old = &membership.organization;
        if old.name == name {
            return Ok(());
        }
        let new = Organization {
            name: name.clone(),
            ..old.value.clone()
        };
        let mut batch = Batch::new();
        batch.require(&*membership.member).replace(old, &new)?;
        batch.insert(&Event {
            changes: vec![Change::new("name", Some(&old.name), Some(&name))],
            ..event(ctx, actor, EventKind::OrganizationChanged, id)
        })?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// What there is, as far as the member may know.
pub async fn counts(ctx: &Context, actor: &Actor, membership: &Membership) -> Result<Counts, Refusal> {
    let id = &membership.organization.id;
    let members = match actor.in_organization(ctx, id, Right::SeeMembers).await {
        Ok(_) => Some(count(ctx, id).await?),
        Err(Refusal::Forbidden | Refusal::MissingScope(_)) => None,
        Err(refusal) => return Err(refusal),
    };
    let grants = match actor.in_organization(ctx, id, Right::SeeConnectedApps).await {
        Ok(_) => Some(count_grants(ctx, id).await?),
        Err(Refusal::Forbidden | Refusal::MissingScope(_)) => None,
        Err(refusal) => return Err(refusal),
    };
    Ok(Counts { members, grants })
}

async fn count(ctx: &Context, id: &str) -> Result<Count, StoreError> {
    let (members, next) = list::<Member>(&*ctx.store, &keys::members(id), None, COUNTED_MAX).await?;
    Ok(Count {
        number: members.iter().filter(|member| !member.removed).count(),
        more: next.is_some(),
    })
}

async fn count_grants(ctx: &Context, id: &str) -> Result<Count, StoreError> {
    let (grants, next) = list::<Grant>(&*ctx.store, &keys::grants_of_organization(id), None, COUNTED_MAX).await?;
    let stands = |grant: &&_| -> bool {
        let grant: &Grant = grant;
        grant.status != GrantStatus::Revoked
    };
    Ok(Count {
        number: grants.iter().map(|grant| &grant.value).filter(stands).count(),
        more: next.is_some(),
    })
}
