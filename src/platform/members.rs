//! Who belongs to an organization, in which role. An organization always keeps an owner: who takes a role or a member
//! away rests, in the same batch, on another owner who stays.

use super::actor::{Actor, Membership};
use super::refusal::Refusal;
use super::rights::Right;
use super::{ATTEMPTS_MAX, commit, cursor, event};
use crate::base::order;
use crate::context::Context;
use crate::model::event::{Change, Event, EventKind};
use crate::model::member::Member;
use crate::model::role::Role;
use crate::model::user::User;
use crate::store::records::{Versioned, list as list_records, load};
use crate::store::{Batch, StoreError, keys};

/// Members on one page.
const PAGE: usize = 50;
/// Records read for one page, those of members who left among them.
const READ_MAX: u32 = 200;
const READS_MAX: usize = 10;

/// A member, and who that is.
pub struct Person {
    pub member: Versioned<Member>,
    pub name: String,
    pub email: String,
    /// Their account is: whatever they are a member of.
    pub disabled: bool,
}

pub struct Members {
    pub people: Vec<Person>,
    /// Where the list goes on.
    pub next: Option<String>,
}

/// Owners make and unmake owners; admins manage the others.
pub fn may_manage(manager: Role, role: Role) -> bool {
    manager == Role::Owner || (manager == Role::Admin && role > Role::Owner)
}

/// One page of members, the most powerful first in it.
pub async fn list(ctx: &Context, actor: &Actor, organization: &str, after: Option<&str>) -> Result<Members, Refusal> {
    actor.in_organization(ctx, organization, Right::SeeMembers).await?;
    let prefix = keys::members(organization);
    let mut after = cursor(after).map(|user| keys::member(organization, user));
    let (mut people, mut next) = (Vec::new(), None);
    for _ in 0..READS_MAX {
        let (members, more) = list_records::<Member>(&*ctx.store, &prefix, after.as_ref(), READ_MAX).await?;
        for member in members {
            if people.len() == PAGE {
                return Ok(sorted(people, next));
            }
            next = Some(member.user.clone());
            if !member.removed {
                people.extend(person(ctx, member).await?);
            }
        }
        let Some(more) = more else {
            return Ok(sorted(people, None));
        };
        after = Some(more);
    }
    Ok(sorted(people, next))
}

fn sorted(mut people: Vec<Person>, next: Option<String>) -> Members {
    order::by(&mut people, |a, b| {
        (a.member.role, &a.name, &a.email).cmp(&(b.member.role, &b.name, &b.email))
    });
    Members { people, next }
}

async fn person(ctx: &Context, member: Versioned<Member>) -> Result<Option<Person>, StoreError> {
    let user = ctx.load::<User>(&keys::user(&member.user)).await?;
    Ok(user.map(|user| Person {
        name: user.name.clone(),
        email: user.email.clone(),
        disabled: user.disabled,
        member,
    }))
}

/// One member.
pub async fn show(ctx: &Context, actor: &Actor, organization: &str, user: &str) -> Result<Person, Refusal> {
    actor.in_organization(ctx, organization, Right::SeeMembers).await?;
    let member = find(ctx, organization, user).await?;
    person(ctx, member).await?.ok_or(Refusal::NotFound)
}

/// A smaller role shrinks tokens and keys at their next use.
pub async fn change_role(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    user: &str,
    role: Role,
) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let (membership, old) = managed(ctx, actor, organization, user).await?;
        if !may_manage(membership.role(), role) {
            return Err(Refusal::Forbidden);
        }
        if old.role == role {
            return Ok(());
        }
        let mut batch = Batch::new();
        membership.hold(&mut batch);
        if old.role == Role::Owner {
            rest_on_other_owner(ctx, &mut batch, &old).await?;
        }
        put_role(
            &mut batch,
            &old,
            role,
            event(ctx, actor, EventKind::MemberChanged, organization),
        )?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// Whatever acted as this member ends at once: sessions elsewhere stay, tokens, grants and keys in here do not.
pub async fn remove(ctx: &Context, actor: &Actor, organization: &str, user: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let (membership, old) = managed(ctx, actor, organization, user).await?;
        if end(ctx, actor, &membership, &old).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// Out of an organization oneself, whichever role one has.
pub async fn leave(ctx: &Context, actor: &Actor, organization: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor.in_organization(ctx, organization, Right::SeeOrganization).await?;
        if end(ctx, actor, &membership, &membership.member).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

async fn end(ctx: &Context, actor: &Actor, membership: &Membership, old: &Versioned<Member>) -> Result<bool, Refusal> {
    let mut batch = Batch::new();
    membership.hold(&mut batch);
    if old.role == Role::Owner {
        rest_on_other_owner(ctx, &mut batch, old).await?;
    }
    let by = event(ctx, actor, EventKind::MemberRemoved, &old.organization);
    put_removal(&mut batch, old, by)?;
    Ok(commit(ctx, batch).await?)
}

/// Who asks, and a member they may manage.
async fn managed(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    user: &str,
) -> Result<(Membership, Versioned<Member>), Refusal> {
    let membership = actor.in_organization(ctx, organization, Right::ManageMembers).await?;
    let old = find(ctx, organization, user).await?;
    if !may_manage(membership.role(), old.role) {
        return Err(Refusal::Forbidden);
    }
    Ok((membership, old))
}

async fn find(ctx: &Context, organization: &str, user: &str) -> Result<Versioned<Member>, Refusal> {
    let user = cursor(Some(user)).ok_or(Refusal::NotFound)?;
    let member = load::<Member>(&*ctx.store, &keys::member(organization, user)).await?;
    member.filter(|member| !member.removed).ok_or(Refusal::NotFound)
}

/// The batch stands only while another owner does, who can sign in: of two who push each other out, one stays.
async fn rest_on_other_owner(ctx: &Context, batch: &mut Batch, old: &Member) -> Result<(), Refusal> {
    let prefix = keys::members(&old.organization);
    let mut after = None;
    loop {
        let (members, more) = list_records::<Member>(&*ctx.store, &prefix, after.as_ref(), READ_MAX).await?;
        let owns =
            |member: &&Versioned<Member>| member.role == Role::Owner && !member.removed && member.user != old.user;
        for owner in members.iter().filter(owns) {
            let user = ctx.load::<User>(&keys::user(&owner.user)).await?;
            if let Some(user) = user.filter(|user| !user.disabled) {
                batch.require(owner).require(&*user);
                return Ok(());
            }
        }
        after = Some(more.ok_or(Refusal::State("org_last_owner"))?);
    }
}

/// Another role, or back again, with this batch; `event` says who does it.
pub fn put_role(batch: &mut Batch, old: &Versioned<Member>, role: Role, event: Event) -> Result<(), StoreError> {
    let before = (!old.removed).then_some(old.role);
    batch.replace(old, &old.with_role(role))?;
    batch.revokes |= before.is_some_and(|before| role > before);
    batch.insert(&Event {
        user: Some(old.user.clone()),
        changes: vec![Change::new("role", before, Some(role))],
        ..event
    })?;
    Ok(())
}

/// Gone, with this batch; `event` says who does it.
pub fn put_removal(batch: &mut Batch, old: &Versioned<Member>, event: Event) -> Result<(), StoreError> {
    batch.replace(old, &old.remove())?;
    batch.revokes = true;
    batch.insert(&Event {
        user: Some(old.user.clone()),
        changes: vec![Change::new("role", Some(old.role), None::<Role>)],
        ..event
    })?;
    Ok(())
}
