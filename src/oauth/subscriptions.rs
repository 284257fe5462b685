//! What becomes of webhook subscriptions when what they belong to ends: they are switched off, and stay.

use super::native;
use crate::config::Subscription as Rule;
use crate::context::Context;
use crate::model::app::App;
use crate::model::subscription::{Subscription, owner_of_grant};
use crate::store::records::{Record as _, Versioned, list_by_index, load};
use crate::store::{Batch, Key, StoreError, keys};

/// Read at once.
const PAGE: u32 = 100;
/// Of one installation at one time. Each grant switches its own off when it ends, so that more than its current
/// grant's is never on; the rest is room for what nobody thought of.
const ACTIVE_MAX: usize = 8;

/// The subscription of a grant, on or off.
pub async fn of_grant(
    ctx: &Context,
    organization: &str,
    grant: &str,
) -> Result<Option<Versioned<Subscription>>, StoreError> {
    load(&*ctx.store, &keys::subscription(organization, &owner_of_grant(grant))).await
}

/// With this batch, which ends a grant, its subscription is switched off. The batch rests on there being no other.
pub async fn put_end(ctx: &Context, batch: &mut Batch, organization: &str, grant: &str) -> Result<(), StoreError> {
    match of_grant(ctx, organization, grant).await? {
        Some(subscription) => put_off(ctx, batch, &subscription),
        None => {
            batch.require_absent(keys::subscription(organization, &owner_of_grant(grant)));
            Ok(())
        }
    }
}

/// A page of all subscriptions that one client ever had, in the order of their ids, and where the next page begins.
pub async fn of_client(
    ctx: &Context,
    client_id: &str,
    after: Option<&Key>,
    limit: u32,
) -> Result<(Vec<Versioned<Subscription>>, Option<Key>), StoreError> {
    list_by_index(&*ctx.store, &keys::subscriptions_of_client(client_id), after, limit).await
}

/// [`put_end`] for an installation and the one grant it has now, if any. Comes to the ids of all subscriptions it ever
/// had, sorted. The batch must end or require that grant: a subscription made meanwhile is then one of the grant's, and
/// the batch fails.
pub async fn put_end_of_client(
    ctx: &Context,
    batch: &mut Batch,
    client_id: &str,
    grant: Option<(&str, &str)>,
) -> Result<Vec<String>, StoreError> {
    let current = grant.map(|(organization, grant)| keys::subscription(organization, &owner_of_grant(grant)));
    let (mut ids, mut active, mut found, mut after) = (Vec::new(), 0, false, None);
    loop {
        let (page, next) = of_client(ctx, client_id, after.as_ref(), PAGE).await?;
        for subscription in page {
            let is_current = current.as_ref() == Some(&subscription.key());
            found |= is_current;
            active += usize::from(subscription.active);
            if active > ACTIVE_MAX {
                let what = format!("more than {ACTIVE_MAX} webhook subscriptions of {client_id} are active at once");
                return Err(StoreError::TooLarge(what));
            }
            // Those of grants that ended before stay off: only the current one may change meanwhile.
            if is_current || subscription.active {
                put_off(ctx, batch, &subscription)?;
            }
            ids.push(subscription.value.id);
        }
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if let Some(key) = current.filter(|_| !found) {
        batch.require_absent(key);
    }
    Ok(ids)
}

/// What the platform of an app says of subscriptions; `None` where it is no platform's.
pub async fn rule(ctx: &Context, client_id: Option<&str>) -> Result<Option<Rule>, StoreError> {
    let Some(client_id) = client_id else {
        return Ok(None);
    };
    let app = ctx.load::<App>(&keys::app(client_id)).await?;
    Ok(app
        .as_deref()
        .and_then(|app| native::template(ctx, app))
        .map(|template| template.webhook_subscription))
}

/// Whether what was made while it was active is told even when it is switched off.
pub async fn tells_late(ctx: &Context, subscription: &Subscription) -> Result<bool, StoreError> {
    Ok(rule(ctx, subscription.client_id.as_deref()).await? == Some(Rule::Required))
}

fn put_off(ctx: &Context, batch: &mut Batch, subscription: &Versioned<Subscription>) -> Result<(), StoreError> {
    if subscription.active {
        batch.replace(subscription, &subscription.disabled(ctx.now()))?;
    } else {
        batch.require(subscription);
    }
    Ok(())
}
