//! What was sent to subscriptions and to addresses of payment links: listed, tested, sent once more.

use super::catalog::{Envelope, TEST, Values, body};
use super::payments::group;
use super::subscriptions::{Asked, Refused, Reply};
use crate::base::random;
use crate::model::delivery::{Delivery, Origin, State, To};
use crate::platform::{ATTEMPTS_MAX, commit, cursor};
use crate::store::records::{Versioned, count, list_by_index, load_by_index};
use crate::store::{Batch, keys};
use serde_json::{Value, json};

/// Tests and repeats are no way to fill the queue.
const WAITING_MAX: u32 = 50;
/// Read for one page of a list.
const READ_MAX: u32 = 1_000;

/// The newest first, of one state or of all. An app sees what it made; keys and personal tokens are the organization's
/// own. Where few of many are of that state, a page may have fewer than `limit`, or none, and go on.
pub async fn list(asked: &Asked<'_>, limit: u32, state: Option<State>, after: Option<&str>) -> Result<Reply, Refused> {
    let prefix = if asked.caller.sees_all() {
        keys::deliveries_of_organization(asked.organization())
    } else {
        keys::deliveries_of_owner(asked.organization(), &asked.owner)
    };
    let after = match after {
        None => None,
        Some(text) => Some(keys::after_in(&prefix, text).ok_or_else(|| {
            Refused::invalid(
                "invalid_request",
                "cursor is none of this list: take it from the page before.",
            )
        })?),
    };
    let (mut rows, mut next, mut read): (Vec<Value>, _, _) = (Vec::new(), after, 0);
    while rows.len() < limit as usize && read < READ_MAX {
        let part = limit - rows.len() as u32;
        let (found, more) = list_by_index::<Delivery>(&*asked.ctx.store, &prefix, next.as_ref(), part).await?;
        let meant = found
            .iter()
            .filter(|delivery| state.is_none_or(|state| delivery.state == state));
        rows.extend(meant.map(|delivery| shown(delivery)));
        (next, read) = (more, read + part);
        if next.is_none() {
            break;
        }
    }
    Ok(Reply::new(asked.answer(json!({
        "webhookRequests": rows,
        "nextCursor": next.map(|next| keys::cursor_in(&prefix, &next)),
    }))))
}

/// Once more, from the beginning of the schedule. What waits goes out now.
pub async fn retry(asked: &Asked<'_>, id: &str) -> Result<Reply, Refused> {
    for _ in 0..ATTEMPTS_MAX {
        let old = named(asked, id).await?;
        has_room(asked, &old.endpoint).await?;
        let new = old.again(asked.ctx.now());
        let mut batch = Batch::new();
        batch.replace(&old, &new)?;
        if commit(asked.ctx, batch).await? {
            asked.ctx.webhooks_waiting.notify_one();
            return Ok(Reply::new(
                asked.answer(json!({ "ok": true, "webhookRequest": shown(&new) })),
            ));
        }
    }
    Err(Refused::again())
}

/// A message that says nothing, to see whether the subscription's receiver takes it. It is tried once.
pub async fn test(asked: &Asked<'_>) -> Result<Reply, Refused> {
    let ctx = asked.ctx;
    for _ in 0..ATTEMPTS_MAX {
        let found = asked.found().await?.ok_or_else(Refused::no_subscription)?;
        if !found.active {
            return Err(Refused::new(
                409,
                "webhook_subscription_inactive",
                "The webhook subscription is disabled: enable it with PUT.",
            ));
        }
        has_room(asked, &found.id).await?;
        let event = format!("e_{}", random::token::<15>(&*ctx.random));
        let client_id = found.client_id.clone().unwrap_or_default();
        let envelope = Envelope {
            event: &event,
            kind: TEST,
            at: ctx.now(),
            client_id: &client_id,
            organization: Some(asked.organization()),
        };
        let id = Delivery::id_of(envelope.at, &random::token::<15>(&*ctx.random));
        let text = body(ctx, &envelope, &[], &Values::default());
        let made = Delivery {
            client_id: client_id.clone(),
            endpoint: found.id.clone(),
            to: To::Subscription {
                organization: found.organization.clone(),
                owner: found.owner.clone(),
            },
            group: Some(group(asked.rules()?, &[&event])),
            origin: Origin::Test,
            tries: u32::MAX - 1,
            ..Delivery::new(id, (&event, TEST), envelope.at, text, envelope.at)
        };
        let mut batch = Batch::new();
        batch.require(&found).insert(&made)?;
        if commit(ctx, batch).await? {
            ctx.webhooks_waiting.notify_one();
            return Ok(Reply::new(
                asked.answer(json!({ "ok": true, "webhookRequest": shown(&made) })),
            ));
        }
    }
    Err(Refused::again())
}

async fn named(asked: &Asked<'_>, id: &str) -> Result<Versioned<Delivery>, Refused> {
    let none = || Refused::new(404, "webhook_request_not_found", "There is no such webhook request.");
    let id = cursor(Some(id)).ok_or_else(none)?;
    let at = Delivery::time_of(id).ok_or_else(none)?;
    let index = if asked.caller.sees_all() {
        keys::delivery_of_organization(asked.organization(), at, id)
    } else {
        keys::delivery_of_owner(asked.organization(), &asked.owner, at, id)
    };
    load_by_index(&*asked.ctx.store, &index).await?.ok_or_else(none)
}

async fn has_room(asked: &Asked<'_>, queue: &str) -> Result<(), Refused> {
    let waiting = count(&*asked.ctx.store, &keys::waiting_deliveries(queue), WAITING_MAX).await?;
    if waiting >= WAITING_MAX as usize {
        let what = "Much waits for this receiver already: try again when some of it has been taken.";
        return Err(Refused::new(429, "too_many_requests", what));
    }
    Ok(())
}

/// Queries of addresses are left out: they may hold what only the receiver should know.
fn shown(delivery: &Delivery) -> Value {
    let url = match &delivery.to {
        To::Address { url, .. } => url.split('?').next(),
        To::Endpoint | To::Subscription { .. } => None,
    };
    let subscription = matches!(delivery.to, To::Subscription { .. }).then_some(&delivery.endpoint);
    let status = delivery
        .attempts
        .last()
        .map(|(_, status, _)| *status)
        .filter(|status| *status > 0);
    let pending = delivery.state == State::Pending;
    json!({
        "id": delivery.id,
        "deliveryId": delivery.id,
        "deliveryGroupId": delivery.repeats_as(),
        "event": delivery.kind,
        "origin": delivery.origin.as_str(),
        "attempt": delivery.attempted,
        "status": delivery.state.as_str(),
        "url": url,
        "subscriptionId": subscription,
        "responseStatus": status,
        "error": delivery.trouble,
        "createdAt": delivery.at.to_string(),
        "nextAttemptAt": pending.then(|| delivery.next_attempt_at.to_string()),
    })
}
