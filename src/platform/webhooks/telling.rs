//! From what happened to what is sent: each event of the outbox becomes one delivery for each endpoint that wants it.
//!
//! The index key of the outbox goes in the batch that makes the deliveries. Whatever stops the program, an event is
//! either still in the outbox or its deliveries are made, and their ids follow from the event: none is made twice.

use super::catalog::{self, Envelope, Told, Values, body};
use super::line;
use crate::base::digest::{base64url, sha256};
use crate::context::Context;
use crate::model::app::App;
use crate::model::delivery::{Delivery, State, WAITING_MAX};
use crate::model::endpoint::{ENDPOINTS_MAX, Endpoint};
use crate::model::event::{Event, EventKind};
use crate::model::grant::{Grant, GrantStatus};
use crate::store::records::{Versioned, count, list, list_by_index, load};
use crate::store::{Batch, Check, Key, StoreError, Stored, Write, keys};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Events looked at in one turn.
const TURN_MAX: u32 = 64;
/// Events told of at once.
const AT_ONCE: usize = 16;
/// Grants of a member who is removed, read at once.
const GRANTS_PAGE: u32 = 100;

/// Tells of what waits in the outbox. `true`: there is more.
///
/// Of some at once, so that their batches share the store's syncs. Which comes first means nothing: an endpoint that
/// wants order is sent what was written first.
pub async fn turn(ctx: &Arc<Context>) -> Result<bool, StoreError> {
    let rows = ctx.store.scan(&keys::untold_events(), None, TURN_MAX).await?;
    let more = rows.len() == TURN_MAX as usize;
    let mut rows = rows.into_iter();
    let (mut telling, mut outcome) = (JoinSet::new(), Ok(more));
    loop {
        while telling.len() < AT_ONCE
            && let Some((key, stored)) = rows.next()
        {
            let ctx = ctx.clone();
            telling.spawn(async move { tell(&ctx, &key, &stored).await });
        }
        let Some(told) = telling.join_next().await else {
            return outcome;
        };
        // A panic of one is the sender's own.
        if let Err(error) = told.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic())) {
            outcome = Err(error);
        }
    }
}

async fn tell(ctx: &Context, key: &Key, stored: &Stored) -> Result<(), StoreError> {
    let event = load::<Event>(&*ctx.store, &Key(stored.value.to_vec())).await?;
    let (mut batch, written) = (told(key, stored), line::place_of(ctx, stored.version).await?);
    match event {
        Some(event) if event.kind == EventKind::MemberRemoved => removed_member(ctx, &event, written).await?,
        Some(event) => one(ctx, &event, written, &mut batch).await?,
        None => {}
    }
    // A conflict: another turn told of it.
    ctx.store.commit(batch).await?;
    Ok(())
}

/// The index key goes, if it is still there.
fn told(key: &Key, stored: &Stored) -> Batch {
    let mut batch = Batch::new();
    batch.checks.push(Check::Unchanged(key.clone(), stored.version));
    batch.writes.push(Write::Delete { key: key.clone() });
    batch
}

async fn one(ctx: &Context, event: &Event, written: u64, batch: &mut Batch) -> Result<(), StoreError> {
    let (Some(client_id), Some(row)) = (&event.client_id, catalog::of(event.kind)) else {
        return Ok(());
    };
    let endpoints = wanting(ctx, client_id, event.kind).await?;
    if endpoints.is_empty() {
        return Ok(());
    }
    let values = values(ctx, event, client_id).await?;
    put(ctx, batch, &endpoints, (event, written, row), client_id, &values).await
}

/// The endpoints of an app that are told of such events.
async fn wanting(ctx: &Context, client_id: &str, kind: EventKind) -> Result<Vec<Versioned<Endpoint>>, StoreError> {
    let prefix = keys::endpoints(client_id);
    let (mut endpoints, _) = list::<Endpoint>(&*ctx.store, &prefix, None, ENDPOINTS_MAX as u32).await?;
    endpoints.retain(|endpoint| endpoint.wants(kind));
    Ok(endpoints)
}

async fn put(
    ctx: &Context,
    batch: &mut Batch,
    endpoints: &[Versioned<Endpoint>],
    (event, written, row): (&Event, u64, &Told),
    client_id: &str,
    values: &Values,
) -> Result<(), StoreError> {
    let envelope = Envelope {
        event: &event.id,
        kind: row.kind.as_str(),
        at: event.at,
        client_id,
        organization: event.organization.as_deref(),
    };
    let body = body(ctx, &envelope, row.data, values);
    for endpoint in endpoints {
        let name = [&event.id, &endpoint.id, values.grant.as_deref().unwrap_or_default()].join("\0");
        let name = base64url(&sha256(name.as_bytes())[..15]);
        let state = if has_room(ctx, endpoint).await? {
            State::Pending
        } else {
            log::warn!(
                "the endpoint {} has too much waiting: {} is only noted",
                endpoint.id,
                event.id
            );
            State::Cancelled
        };
        let made = Delivery {
            state,
            written,
            in_line: endpoint.in_order,
            ..delivery(endpoint, &envelope, Delivery::id_of(event.at, &name), body.clone(), ctx)
        };
        batch.insert(&made)?;
    }
    Ok(())
}

/// Only what is sent nowhere piles up.
async fn has_room(ctx: &Context, endpoint: &Endpoint) -> Result<bool, StoreError> {
    if endpoint.failing_since.is_none() && !endpoint.standing.is_paused() {
        return Ok(true);
    }
    let waiting = count(&*ctx.store, &keys::waiting_deliveries(&endpoint.id), WAITING_MAX).await?;
    // Thousands were counted, and nothing was waited for: requests go between.
    tokio::task::yield_now().await;
    Ok(waiting < WAITING_MAX as usize)
}

/// To be sent at once.
pub(super) fn delivery(endpoint: &Endpoint, of: &Envelope<'_>, id: String, body: String, ctx: &Context) -> Delivery {
    Delivery {
        client_id: endpoint.client_id.clone(),
        endpoint: endpoint.id.clone(),
        ..Delivery::new(id, (of.event, of.kind), of.at, body, ctx.now())
    }
}

async fn values(ctx: &Context, event: &Event, client_id: &str) -> Result<Values, StoreError> {
    let app = ctx.load::<App>(&keys::app(client_id)).await?;
    let status = app
        .as_ref()
        .map(|app| if app.disabled { "disabled" } else { app.state.as_str() });
    let mut scopes = app.as_ref().map(|app| app.scopes.clone()).unwrap_or_default();
    if let (Some(organization), Some(grant)) = (&event.organization, &event.grant) {
        let grant = load::<Grant>(&*ctx.store, &keys::grant(organization, grant)).await?;
        scopes = grant.map(|grant| grant.value.scopes).unwrap_or_default();
    }
    let expires_at = event.changes.iter().find(|change| change.what == "expires_at");
    Ok(Values {
        grant: event.grant.clone(),
        user: event.user.clone(),
        scopes,
        reason: Some("revoked".to_owned()),
        status: status.map(str::to_owned),
        note: event.note.clone(),
        label: event.subject.clone(),
        expires_at: expires_at.and_then(|change| change.after.clone()),
    })
}

/// With a member go the grants they gave: each app is told of its own. One batch for each, since there may be many;
/// what was told before a crash is not told again, since its ids are taken.
async fn removed_member(ctx: &Context, event: &Event, written: u64) -> Result<(), StoreError> {
    let (Some(organization), Some(user)) = (&event.organization, &event.user) else {
        return Ok(());
    };
    let Some(row) = catalog::of(EventKind::GrantRevoked) else {
        return Ok(());
    };
    let prefix = keys::grants_of_user_in(user, organization);
    let mut after = None;
    loop {
        let (grants, next) = list_by_index::<Grant>(&*ctx.store, &prefix, after.as_ref(), GRANTS_PAGE).await?;
        for grant in grants {
            // What was approved since belongs to a membership that began anew.
            if grant.status == GrantStatus::Revoked || grant.approved_at > event.at {
                continue;
            }
            let endpoints = wanting(ctx, &grant.client_id, EventKind::GrantRevoked).await?;
            let values = Values {
                grant: Some(grant.id.clone()),
                user: Some(user.clone()),
                reason: Some("member_removed".to_owned()),
                ..Values::default()
            };
            let mut batch = Batch::new();
            let told = (event, written, row);
            put(ctx, &mut batch, &endpoints, told, &grant.client_id, &values).await?;
            if !batch.writes.is_empty() {
                ctx.store.commit(batch).await?;
            }
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
