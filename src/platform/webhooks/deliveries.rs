//! The log of an endpoint as developers look at it, and the test they send.

use super::catalog::{Envelope, TEST, Values, body};
use super::find;
use super::log::{Edge, Filter, walk};
use super::telling::delivery;
use crate::base::random;
use crate::context::Context;
use crate::model::delivery::{Delivery, Origin};
use crate::model::endpoint::Standing;
use crate::platform::actor::{Actor, AppAccess};
use crate::platform::apps::history::Listed;
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;
use crate::platform::{ATTEMPTS_MAX, commit};
use crate::store::records::{Versioned, count, load};
use crate::store::{Batch, keys};

/// Tests are no way to fill the queue.
const WAITING_MAX: u32 = 50;
/// Read for one part of a list.
const READ_MAX: usize = 1_000;

/// Of one endpoint those that are meant, the newest first; `after` is the `next` of the part before. Where few of many
/// are meant, a part may have fewer than `limit`, or none, and go on.
pub async fn list(
    ctx: &Context,
    access: &AppAccess,
    endpoint: &str,
    filter: &Filter,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<Delivery>, Refusal> {
    let endpoint = find(ctx, access, endpoint).await?;
    let filter = Filter {
        until: after.and_then(Edge::of_delivery).or_else(|| filter.until.clone()),
        ..filter.clone()
    };
    let mut rows = Vec::new();
    let next = walk(ctx, &endpoint.id, &filter, READ_MAX, |delivery| {
        let has_room = rows.len() < limit as usize;
        if has_room {
            rows.push(delivery.value);
        }
        has_room
    });
    let next = next.await?;
    Ok(Listed { rows, next })
}

pub async fn one(ctx: &Context, access: &AppAccess, endpoint: &str, id: &str) -> Result<Versioned<Delivery>, Refusal> {
    let endpoint = find(ctx, access, endpoint).await?;
    let id = crate::platform::cursor(Some(id)).ok_or(Refusal::NotFound)?;
    let at = Delivery::time_of(id).ok_or(Refusal::NotFound)?;
    let key = keys::delivery(&endpoint.id, at, id);
    load(&*ctx.store, &key).await?.ok_or(Refusal::NotFound)
}

/// A message that says nothing, to see whether the endpoint takes it. It is tried once.
pub async fn test(ctx: &Context, actor: &Actor, client_id: &str, endpoint: &str) -> Result<Delivery, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
        let endpoint = find(ctx, &access, endpoint).await?;
        if endpoint.standing != Standing::Enabled {
            return Err(Refusal::State("hook_not_enabled"));
        }
        let waiting = count(&*ctx.store, &keys::waiting_deliveries(&endpoint.id), WAITING_MAX).await?;
        if waiting >= WAITING_MAX as usize {
            return Err(Refusal::State("hook_busy"));
        }
        let event = format!("e_{}", random::token::<15>(&*ctx.random));
        let envelope = Envelope {
            event: &event,
            kind: TEST,
            at: ctx.now(),
            client_id,
            organization: Some(&access.app.organization),
        };
        let id = Delivery::id_of(envelope.at, &random::token::<15>(&*ctx.random));
        let body = body(ctx, &envelope, &[], &Values::default());
        let made = Delivery {
            origin: Origin::Test,
            tries: u32::MAX - 1,
            ..delivery(&endpoint, &envelope, id, body, ctx)
        };
        let mut batch = Batch::new();
        batch.require(&endpoint).insert(&made)?;
        access.hold(&mut batch);
        if commit(ctx, batch).await? {
            ctx.webhooks_waiting.notify_one();
            return Ok(made);
        }
    }
    Err(Refusal::Conflict)
}

/// What a request of this delivery looks like, its signature left out.
pub fn headers(ctx: &Context, delivery: &Delivery) -> Vec<(String, String)> {
    let rules = &ctx.profile().webhooks;
    let attempt = delivery.attempted.max(1);
    [
        (&rules.signature_headers, "t=…,v1=…".to_owned()),
        (&rules.id_headers, delivery.repeats_as().to_owned()),
        (&rules.event_headers, delivery.kind.clone()),
        (&rules.attempt_headers, attempt.to_string()),
        (&rules.origin_headers, delivery.origin.as_str().to_owned()),
    ]
    .into_iter()
    .flat_map(|(names, value)| names.iter().map(move |name| (name.clone(), value.clone())))
    .collect()
}
