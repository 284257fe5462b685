//! Deliveries of an endpoint's log once more: from the beginning of the schedule, under the same ids and with the same
//! bodies, signed anew as every attempt is.

use super::catalog::TEST;
use super::find;
use super::log::{Filter, walk};
use crate::context::Context;
use crate::model::delivery::{Delivery, State};
use crate::model::endpoint::{Endpoint, Standing};
use crate::model::event::{Change, Event, EventKind};
use crate::platform::actor::{Actor, AppAccess};
use crate::platform::apps::saving;
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;
use crate::platform::{ATTEMPTS_MAX, commit};
use crate::store::records::{Record as _, Versioned, count, load};
use crate::store::{Batch, keys};
use std::collections::VecDeque;

/// Sent once more by one request.
pub const RESENT_MAX: usize = 200;
/// Where so many wait, none are added.
const BUSY: u32 = 1_000;
/// More than a log has, unless far too much waits.
const READ_MAX: usize = 10_000;
const BY_BATCH_MAX: usize = 16;

/// What a request for many came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resent {
    pub count: usize,
    /// The first that is meant as well and was too many: where the next request begins.
    pub next: Option<String>,
}

/// One of them. What waits goes out now.
pub async fn one(ctx: &Context, actor: &Actor, client_id: &str, endpoint: &str, id: &str) -> Result<Delivery, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let (access, to) = open(ctx, actor, client_id, endpoint).await?;
        let old = super::deliveries::one(ctx, &access, endpoint, id).await?;
        let new = old.again(ctx.now());
        let mut batch = Batch::new();
        batch.require(&to).replace(&old, &new)?;
        access.hold(&mut batch);
        if commit(ctx, batch).await? {
            ctx.webhooks_waiting.notify_one();
            return Ok(new);
        }
    }
    Err(Refusal::Conflict)
}

/// All that are meant and over, the oldest first, [`RESENT_MAX`] at most: what waits goes out by itself, and a test was
/// for its moment.
pub async fn range(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    endpoint: &str,
    filter: &Filter,
) -> Result<Resent, Refusal> {
    let (_, to) = open(ctx, actor, client_id, endpoint).await?;
    let waiting = count(&*ctx.store, &keys::waiting_deliveries(&to.id), BUSY).await?;
    if waiting >= BUSY as usize {
        return Err(Refusal::State("hook_busy"));
    }
    let (mut chosen, mut next) = (VecDeque::new(), None);
    let beyond = walk(ctx, &to.id, filter, READ_MAX, |delivery| {
        if delivery.state != State::Pending && delivery.kind != TEST {
            chosen.push_back(delivery);
        }
        if chosen.len() > RESENT_MAX {
            next = chosen.pop_front().map(|newest: Versioned<Delivery>| newest.value.id);
        }
        true
    });
    if beyond.await?.is_some() {
        return Err(Refusal::State("hook_range_wide"));
    }
    // So that an endpoint that wants order gets none of them before an older one.
    let mut chosen: Vec<_> = chosen.into();
    chosen.reverse();
    let (total, mut resent) = (chosen.len(), 0);
    for (number, some) in chosen.chunks(BY_BATCH_MAX).enumerate() {
        let noted = (number == 0).then(|| noted(&chosen, total));
        resent += again(ctx, actor, &to, some, noted.as_deref()).await?;
    }
    ctx.webhooks_waiting.notify_one();
    Ok(Resent { count: resent, next })
}

/// As it says in the history: how many, and from when to when.
fn noted(chosen: &[Versioned<Delivery>], total: usize) -> Vec<Change> {
    let at = |delivery: Option<&Versioned<Delivery>>| delivery.map(|delivery| delivery.at);
    vec![
        Change::new("deliveries", None::<&str>, Some(total)),
        Change::new("from", None::<&str>, at(chosen.first())),
        Change::new("until", None::<&str>, at(chosen.last())),
    ]
}

/// These, in one batch, but for what was swept or waits meanwhile. How many it were.
async fn again(
    ctx: &Context,
    actor: &Actor,
    to: &Endpoint,
    some: &[Versioned<Delivery>],
    noted: Option<&[Change]>,
) -> Result<usize, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let (access, to) = open(ctx, actor, &to.client_id, &to.id).await?;
        let mut batch = Batch::new();
        batch.require(&to);
        let mut count = 0;
        for delivery in some {
            let old = load::<Delivery>(&*ctx.store, &delivery.key()).await?;
            if let Some(old) = old.filter(|old| old.state != State::Pending) {
                batch.replace(&old, &old.again(ctx.now()))?;
                count += 1;
            }
        }
        if let Some(changes) = noted {
            batch.insert(&Event {
                subject: Some(to.label.clone()),
                changes: changes.to_vec(),
                ..saving::event(ctx, actor, EventKind::WebhookResent, &access.app)
            })?;
        }
        access.hold(&mut batch);
        if commit(ctx, batch).await? {
            return Ok(count);
        }
    }
    Err(Refusal::Conflict)
}

/// For whoever may change the app, while something is sent there.
async fn open(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    endpoint: &str,
) -> Result<(AppAccess, Versioned<Endpoint>), Refusal> {
    let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
    let to = find(ctx, &access, endpoint).await?;
    if to.standing != Standing::Enabled {
        return Err(Refusal::State("hook_not_enabled"));
    }
    Ok((access, to))
}
