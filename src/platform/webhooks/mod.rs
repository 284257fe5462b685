//! Webhooks: the endpoints of an app, and what was sent to them.
//!
//! What happens is written with its event ([`telling`] makes deliveries of it); `jobs/webhooks` sends them, and
//! [`outcome`] writes down what came of it.

pub mod address;
pub mod catalog;
pub mod deliveries;
pub mod destination;
pub mod line;
pub mod log;
pub mod outcome;
mod owner;
pub mod payments;
pub mod reminding;
pub mod requests;
pub mod resending;
pub mod signature;
pub mod subscriptions;
pub mod telling;

use super::actor::{Actor, AppAccess};
use super::apps::saving;
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use super::{ATTEMPTS_MAX, commit};
use crate::base::master::{Purpose, Sealed};
use crate::base::random;
use crate::base::secret::Secret;
use crate::base::text;
use crate::context::Context;
use crate::model::endpoint::{ENDPOINTS_MAX, Endpoint, LABEL_CHARS_MAX, Standing};
use crate::model::event::{Change, Event, EventKind};
use crate::store::records::{Versioned, list as list_records, load};
use crate::store::{Batch, StoreError, keys};

/// An endpoint as somebody wants it.
#[derive(Clone, Default)]
pub struct Wanted {
    pub label: String,
    pub url: String,
    /// Names of types; empty for everything.
    pub events: Vec<String>,
    /// One at a time, in the order of the events.
    pub in_order: bool,
}

/// `secret` is shown once and never told again.
#[derive(Debug)]
pub struct Made {
    pub endpoint: Endpoint,
    pub secret: Secret,
}

/// The app, for whoever may see its webhooks.
pub async fn open(ctx: &Context, actor: &Actor, client_id: &str) -> Result<AppAccess, Refusal> {
    actor.on_app(ctx, client_id, Right::SeeApp).await
}

/// In the order in which they were made.
pub async fn list(ctx: &Context, access: &AppAccess) -> Result<Vec<Versioned<Endpoint>>, StoreError> {
    let prefix = keys::endpoints(&access.app.client_id);
    let (mut found, _) = list_records::<Endpoint>(&*ctx.store, &prefix, None, ENDPOINTS_MAX as u32).await?;
    found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(found)
}

pub async fn find(ctx: &Context, access: &AppAccess, id: &str) -> Result<Versioned<Endpoint>, Refusal> {
    let id = super::cursor(Some(id)).ok_or(Refusal::NotFound)?;
    let key = keys::endpoint(&access.app.client_id, id);
    load(&*ctx.store, &key).await?.ok_or(Refusal::NotFound)
}

/// The secret that signs what is sent there now. `None` where it was sealed with a key that is gone.
pub fn secret_of(ctx: &Context, endpoint: &Endpoint) -> Option<Secret> {
    opened(ctx, &endpoint.id, &endpoint.secret)
}

pub async fn add(ctx: &Context, actor: &Actor, client_id: &str, wanted: &Wanted) -> Result<Made, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
        let (label, url, kinds) = checked(ctx, wanted)?;
        if list(ctx, &access).await?.len() >= ENDPOINTS_MAX {
            return Err(Refusal::State("hook_too_many"));
        }
        let (id, now) = (format!("we_{}", random::token::<12>(&*ctx.random)), ctx.now());
        let secret = new_secret(ctx);
        let endpoint = Endpoint {
            secret: sealed(ctx, &id, &secret),
            id,
            client_id: client_id.to_owned(),
            label,
            url,
            kinds,
            secret_at: now,
            standing: Standing::Enabled,
            in_order: wanted.in_order,
            failing_since: None,
            created_at: now,
        };
        let mut batch = Batch::new();
        // Written anew, so that of two who add one at the same moment the second counts the first's.
        batch.replace(&access.app, &access.app.value)?.insert(&endpoint)?;
        let changes = differences(None, &endpoint);
        note(
            ctx,
            actor,
            &access,
            &mut batch,
            (EventKind::WebhookCreated, &endpoint, changes),
        )?;
        if commit(ctx, batch).await? {
            return Ok(Made { endpoint, secret });
        }
    }
    Err(Refusal::Conflict)
}

/// Another label, address, choice of events or order.
pub async fn change(ctx: &Context, actor: &Actor, client_id: &str, id: &str, wanted: &Wanted) -> Result<(), Refusal> {
    let (label, url, kinds) = checked_later(ctx, actor, client_id, wanted).await?;
    edit(ctx, actor, client_id, id, EventKind::WebhookChanged, |old| Endpoint {
        label: label.clone(),
        url: url.clone(),
        kinds: kinds.clone(),
        in_order: wanted.in_order,
        ..old.clone()
    })
    .await
    .map(|_| ())
}

/// On again, whatever stopped it: what waits is sent at once. Or off: nothing is sent or kept for it.
pub async fn enable(ctx: &Context, actor: &Actor, client_id: &str, id: &str, enabled: bool) -> Result<(), Refusal> {
    let standing = if enabled { Standing::Enabled } else { Standing::Disabled };
    edit(ctx, actor, client_id, id, EventKind::WebhookChanged, |old| {
        if old.standing == standing {
            old.clone()
        } else {
            old.with_standing(standing)
        }
    })
    .await
    .map(|_| ())
}

/// Another secret, at once: every attempt from here on is signed with it.
pub async fn rotate(ctx: &Context, actor: &Actor, client_id: &str, id: &str) -> Result<Made, Refusal> {
    let secret = new_secret(ctx);
    let seal = sealed(ctx, id, &secret);
    let endpoint = edit(ctx, actor, client_id, id, EventKind::WebhookSecretRotated, |old| {
        Endpoint {
            secret: seal.clone(),
            secret_at: ctx.now(),
            ..old.clone()
        }
    })
    .await?;
    Ok(Made { endpoint, secret })
}

/// What waits for it is dropped, and its log is not shown any more.
pub async fn remove(ctx: &Context, actor: &Actor, client_id: &str, id: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
        let old = find(ctx, &access, id).await?;
        let mut batch = Batch::new();
        batch.revokes = true;
        batch.remove(&old);
        note(
            ctx,
            actor,
            &access,
            &mut batch,
            (EventKind::WebhookRemoved, &old, Vec::new()),
        )?;
        if commit(ctx, batch).await? {
            ctx.webhooks_waiting.notify_one();
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// What an app that goes to another owner takes along: its endpoints, paused until the new one has looked at them. The
/// batch rests on all of them as they are, and on there being no others only if it rests on the app as it was before
/// this was called.
pub async fn put_transfer(ctx: &Context, client_id: &str, batch: &mut Batch) -> Result<(), StoreError> {
    let prefix = keys::endpoints(client_id);
    let (found, _) = list_records::<Endpoint>(&*ctx.store, &prefix, None, ENDPOINTS_MAX as u32).await?;
    for endpoint in &found {
        if endpoint.standing == Standing::Disabled {
            batch.require(endpoint);
        } else {
            batch.replace(endpoint, &endpoint.with_standing(Standing::Transferred))?;
        }
    }
    Ok(())
}

async fn edit(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    id: &str,
    kind: EventKind,
    change: impl Fn(&Endpoint) -> Endpoint,
) -> Result<Endpoint, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
        let old = find(ctx, &access, id).await?;
        let new = change(&old);
        let changes = differences(Some(&old), &new);
        if changes.is_empty() && kind == EventKind::WebhookChanged && old.url == new.url {
            return Ok(new);
        }
        let mut batch = Batch::new();
        batch.replace(&old, &new)?;
        note(ctx, actor, &access, &mut batch, (kind, &new, changes))?;
        if commit(ctx, batch).await? {
            ctx.webhooks_waiting.notify_one();
            return Ok(new);
        }
    }
    Err(Refusal::Conflict)
}

fn note(
    ctx: &Context,
    actor: &Actor,
    access: &AppAccess,
    batch: &mut Batch,
    (kind, endpoint, changes): (EventKind, &Endpoint, Vec<Change>),
) -> Result<(), StoreError> {
    batch.insert(&Event {
        subject: Some(endpoint.label.clone()),
        changes,
        ..saving::event(ctx, actor, kind, &access.app)
    })?;
    access.hold(batch);
    Ok(())
}

/// Queries of addresses are left out: they may hold what only the receiver should know.
fn differences(old: Option<&Endpoint>, new: &Endpoint) -> Vec<Change> {
    let events = |endpoint: &Endpoint| {
        let names: Vec<&str> = endpoint.kinds.iter().map(|kind| kind.as_str()).collect();
        names.join(" ")
    };
    let rows = |endpoint: &Endpoint| {
        [
            ("label", endpoint.label.clone()),
            ("url", endpoint.url_without_query().to_owned()),
            ("events", events(endpoint)),
            ("in_order", endpoint.in_order.to_string()),
            ("webhook_status", endpoint.standing.as_str().to_owned()),
        ]
    };
    let Some(old) = old else {
        return vec![Change::new("url", None::<&str>, Some(new.url_without_query()))];
    };
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    let both = rows(old).into_iter().zip(rows(new));
    both.filter(|(before, after)| before != after)
        .map(|((what, before), (_, after))| Change::new(what, said(before), said(after)))
        .collect()
}

type Checked = (String, String, Vec<EventKind>);

/// Judged only for who may change the app at all.
async fn checked_later(ctx: &Context, actor: &Actor, client_id: &str, wanted: &Wanted) -> Result<Checked, Refusal> {
    actor.on_app(ctx, client_id, Right::ChangeApp).await?;
    checked(ctx, wanted)
}

fn checked(ctx: &Context, wanted: &Wanted) -> Result<Checked, Refusal> {
    let mut faults = Vec::new();
    let label = text::name(&wanted.label, LABEL_CHARS_MAX);
    if label.is_none() {
        faults.push(Fault::new("label", "hook_label_bad").with("max", LABEL_CHARS_MAX));
    }
    let url = address::normal(ctx, wanted.url.trim())
        .map_err(|fault| faults.push(fault))
        .ok();
    let mut kinds = Vec::new();
    for name in &wanted.events {
        match catalog::named(name) {
            Some(kind) if !kinds.contains(&kind) => kinds.push(kind),
            Some(_) => {}
            None => {
                faults.push(Fault::new("events", "hook_events_bad"));
                break;
            }
        }
    }
    match (label, url) {
        (Some(label), Some(url)) if faults.is_empty() => Ok((label, url, kinds)),
        _ => Err(Refusal::Invalid(faults)),
    }
}

/// 192 random bits behind a prefix that scanners find.
pub(super) fn new_secret(ctx: &Context) -> Secret {
    let prefix = &ctx.profile().webhooks.secret_prefix;
    Secret::new(format!("{prefix}{}", random::token::<24>(&*ctx.random)))
}

/// `place` is what it belongs to: it opens nowhere else.
pub(super) fn sealed(ctx: &Context, place: &str, secret: &Secret) -> Sealed {
    let text = secret.expose().as_bytes();
    ctx.secret
        .seal(Purpose::WebhookSecret, place.as_bytes(), text, &*ctx.random)
}

pub(super) fn opened(ctx: &Context, place: &str, sealed: &Sealed) -> Option<Secret> {
    let opened = ctx.secret.open(Purpose::WebhookSecret, place.as_bytes(), sealed)?;
    std::str::from_utf8(&opened).ok().map(Secret::new)
}
