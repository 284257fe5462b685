//! What a user granted to which apps: listed, and taken back.

use crate::base::order;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::App;
use crate::model::event::{Event, EventKind, TokenUsed};
use crate::model::family::Family;
use crate::model::grant::{Grant, GrantStatus};
use crate::model::last_use::GRANT;
use crate::model::organization::Organization;
use crate::oauth::{last_use, subscriptions};
use crate::store::records::{Versioned, list, list_by_index, load};
use crate::store::{Batch, Outcome, StoreError, keys};

/// Grants and families listed at most.
const LISTED_MAX: u32 = 200;

pub struct Granted {
    pub grant: Grant,
    pub app_name: String,
    pub organization_name: String,
    pub used_at: Option<Timestamp>,
}

/// The grants of a user that are not revoked, the newest approval first.
pub async fn of_user(ctx: &Context, user: &str) -> Result<Vec<Granted>, StoreError> {
    let (grants, _) = list_by_index::<Grant>(&*ctx.store, &keys::grants_of_user(user), None, LISTED_MAX).await?;
    let mut found = Vec::new();
    for grant in grants.into_iter().filter(|grant| grant.status != GrantStatus::Revoked) {
        let app = ctx.load::<App>(&keys::app(&grant.client_id)).await?;
        let organization = ctx
            .load::<Organization>(&keys::organization(&grant.organization))
            .await?;
        found.push(Granted {
            app_name: app.map_or(grant.client_id.clone(), |app| app.name.clone()),
            organization_name: organization.map_or(grant.organization.clone(), |o| o.name.clone()),
            used_at: used_at(ctx, &grant).await?,
            grant: grant.value,
        });
    }
    order::by_key(&mut found, |granted| std::cmp::Reverse(granted.grant.approved_at));
    Ok(found)
}

/// One write ends every token under the grant. `false` where it is not this user's.
pub async fn revoke(ctx: &Context, user: &str, organization: &str, id: &str) -> Result<bool, StoreError> {
    loop {
        let grant = load::<Grant>(&*ctx.store, &keys::grant(organization, id)).await?;
        let Some(grant) = grant.filter(|grant| grant.user == user) else {
            return Ok(false);
        };
        if grant.status == GrantStatus::Revoked {
            return Ok(true);
        }
        let mut batch = Batch::new();
        put_revocation(ctx, &mut batch, &grant, (user, None)).await?;
        if let Outcome::Committed(_) = ctx.store.commit(batch).await? {
            return Ok(true);
        }
    }
}

/// Ended, with this batch, by the user with the id `by`: with it what its webhook subscription is told.
pub async fn put_revocation(
    ctx: &Context,
    batch: &mut Batch,
    grant: &Versioned<Grant>,
    by: (&str, Option<TokenUsed>),
) -> Result<(), StoreError> {
    let (by, token) = by;
    batch.replace(grant, &grant.revoke())?;
    batch.revokes = true;
    subscriptions::put_end(ctx, batch, &grant.organization, &grant.id).await?;
    batch.insert(&Event {
        organization: Some(grant.organization.clone()),
        user: Some(grant.user.clone()),
        client_id: Some(grant.client_id.clone()),
        grant: Some(grant.id.clone()),
        by: (by != grant.user).then(|| by.to_owned()),
        token,
        ..Event::new(EventKind::GrantRevoked, ctx.now(), &*ctx.random)
    })?;
    Ok(())
}

/// When the app last did anything under the grant: `None` where it never came back.
pub async fn used_at(ctx: &Context, grant: &Grant) -> Result<Option<Timestamp>, StoreError> {
    let families = keys::families(&grant.organization, &grant.id);
    let (families, _) = list::<Family>(&*ctx.store, &families, None, LISTED_MAX).await?;
    let refreshed = families.iter().map(|family| family.used_at).max();
    Ok(refreshed.max(last_use::of(ctx, GRANT, &grant.id).await?))
}
