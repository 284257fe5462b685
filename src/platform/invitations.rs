//! Who is asked to join an organization: invited, listed, and not any more.

use super::actor::Actor;
use super::members::may_manage;
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use super::{ATTEMPTS_MAX, commit, event};
use crate::account::attempts::{self, Allowance};
use crate::account::joining::{Invite, invite_with, inviting};
use crate::base::order;
use crate::base::time::Timestamp;
use crate::config::Texts;
use crate::context::Context;
use crate::model::event::{Event, EventKind};
use crate::model::link::{Allows, Link};
use crate::model::member::Member;
use crate::model::role::Role;
use crate::model::user::User;
use crate::store::records::{Versioned, list_by_index, load, load_by_index};
use crate::store::{Batch, StoreError, keys};
use std::time::Duration;

/// Of one organization at a time. Two made at once may be one more: this only keeps the list short.
pub const PENDING_MAX: usize = 100;
/// Of one address, that a batch ends together.
const OF_ADDRESS_MAX: usize = 10;

/// Letters to one address, whichever organization it is invited to.
const INVITATIONS: Allowance = Allowance {
    what: "invitation",
    max: 10,
    window: Duration::from_secs(24 * 60 * 60),
};

/// Letters of one organization, whoever gets them.
const OF_ORGANIZATION: Allowance = Allowance {
    what: "invitations of an organization",
    max: 200,
    window: Duration::from_secs(24 * 60 * 60),
};

/// An invitation that nobody has accepted yet.
pub struct Pending {
    pub email: String,
    pub role: Role,
    /// The member who invites; `None`: an administrator.
    pub by: Option<String>,
    pub expires_at: Timestamp,
    link: Versioned<Link>,
}

/// Invites whoever has this address, in place of what they were invited to before. The link, to be shown once, where no
/// mail server takes it.
pub async fn invite(
    ctx: &Context,
    actor: &Actor,
    texts: &Texts,
    organization: &str,
    (email, role): (&str, Role),
) -> Result<Option<String>, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor.in_organization(ctx, organization, Right::ManageMembers).await?;
        let mut faults = Vec::new();
        if !User::valid_email(email) {
            faults.push(Fault::new("email", "email_bad"));
        } else if is_member(ctx, organization, email).await? {
            faults.push(Fault::new("email", "org_member_already"));
        }
        if !may_manage(membership.role(), role) {
            faults.push(Fault::new("role", "org_role_above"));
        }
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults));
        }
        let pending = all(ctx, organization).await?;
        let (before, others): (Vec<_>, Vec<_>) = pending.iter().partition(|p| is_for(p, email));
        // A new one takes the place of the old: of none that was somebody else's to give.
        if before.iter().any(|p| !may_manage(membership.role(), p.role)) {
            return Err(Refusal::Forbidden);
        }
        if others.len() >= PENDING_MAX {
            return Err(Refusal::State("org_invitations_full"));
        }
        let mut batch = Batch::new();
        membership.hold(&mut batch);
        for pending in before.into_iter().take(OF_ADDRESS_MAX) {
            batch.remove(&pending.link);
        }
        attempts::count_with(ctx, &mut batch, &INVITATIONS, &email.to_lowercase()).await?;
        attempts::count_with(ctx, &mut batch, &OF_ORGANIZATION, organization).await?;
        let invite = Invite {
            organization: &membership.organization,
            email,
            role,
            by: Some(actor.id()),
            token: actor.token_used(),
        };
        let link = invite_with(ctx, texts, &mut batch, &invite).await?;
        if commit(ctx, batch).await? {
            return Ok(link);
        }
    }
    Err(Refusal::Conflict)
}

/// Those that still stand, by address.
pub async fn list(ctx: &Context, actor: &Actor, organization: &str) -> Result<Vec<Pending>, Refusal> {
    actor.in_organization(ctx, organization, Right::ManageMembers).await?;
    let mut standing = Vec::new();
    for pending in all(ctx, organization).await? {
        let stands = match &pending.by {
            Some(by) => inviting(ctx, organization, by, pending.role).await?.is_some(),
            None => true,
        };
        if stands {
            standing.push(pending);
        }
    }
    order::by(&mut standing, |a, b| a.email.cmp(&b.email));
    Ok(standing)
}

/// Whatever this address was invited to is void.
pub async fn withdraw(ctx: &Context, actor: &Actor, organization: &str, email: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor.in_organization(ctx, organization, Right::ManageMembers).await?;
        let mut pending = all(ctx, organization).await?;
        pending.retain(|pending| is_for(pending, email));
        pending.truncate(OF_ADDRESS_MAX);
        if pending.is_empty() {
            return Err(Refusal::NotFound);
        }
        if !pending.iter().all(|p| may_manage(membership.role(), p.role)) {
            return Err(Refusal::Forbidden);
        }
        let mut batch = Batch::new();
        membership.hold(&mut batch);
        pending.iter().for_each(|pending| {
            batch.remove(&pending.link);
        });
        batch.revokes = true;
        batch.insert(&Event {
            subject: Some(pending[0].email.clone()),
            ..event(ctx, actor, EventKind::InvitationWithdrawn, organization)
        })?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

fn is_for(pending: &Pending, email: &str) -> bool {
    pending.email.to_lowercase() == email.to_lowercase()
}

/// Those that have not expired.
async fn all(ctx: &Context, organization: &str) -> Result<Vec<Pending>, StoreError> {
    let index = keys::invitations_of_organization(organization);
    let (links, _) = list_by_index::<Link>(&*ctx.store, &index, None, 2 * PENDING_MAX as u32).await?;
    let (mut found, now) = (Vec::new(), ctx.now());
    for link in links.into_iter().filter(|link| now < link.expires_at) {
        if let Allows::Invitation { email, role, by, .. } = link.allows.clone() {
            let expires_at = link.expires_at;
            found.push(Pending {
                email,
                role,
                by,
                expires_at,
                link,
            });
        }
    }
    Ok(found)
}

async fn is_member(ctx: &Context, organization: &str, email: &str) -> Result<bool, StoreError> {
    let Some(user) = load_by_index::<User>(&*ctx.store, &keys::email(email)).await? else {
        return Ok(false);
    };
    let member = load::<Member>(&*ctx.store, &keys::member(organization, &user.id)).await?;
    Ok(member.is_some_and(|member| !member.removed))
}
