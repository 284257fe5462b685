//! Installations of native apps: listed, and reset by whoever may.

pub mod reset;

use super::actor::Actor;
use super::refusal::Refusal;
use super::rights::Right;
use super::{ATTEMPTS_MAX, commit, cursor};
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::event::{COMMAND_LINE, Event, EventKind};
use crate::model::family::Family;
use crate::model::grant::{Grant, GrantStatus};
use crate::model::installation::GrantPlace;
use crate::model::organization::Organization;
use crate::oauth::native::register::event;
use crate::oauth::{idempotency, subscriptions};
use crate::store::records::{Versioned, list, load};
use crate::store::{Batch, Key, StoreError, keys};

/// Rows of one page of a list.
pub const PAGE: u32 = 25;
/// Families that a reset clears away with their receipts in its own batch; what is more is dead as well, and goes in
/// batches behind it.
const CLEARED_MAX: usize = 8;
const CLEARED_BEHIND_MAX: usize = 16;
/// More than a grant has.
const FAMILIES_PAGE: u32 = 64;

/// An installation, and the organization it is connected with.
pub struct Row {
    pub app: App,
    pub organization: Option<String>,
}

/// One page of all installations, by platform, and where the next page begins.
pub async fn all(ctx: &Context, after: Option<&str>, limit: u32) -> Result<(Vec<Row>, Option<String>), StoreError> {
    let after = match cursor(after) {
        Some(client_id) => load::<App>(&*ctx.store, &keys::app(client_id)).await?,
        None => None,
    };
    let after = after.as_ref().and_then(|app| app.installation.as_ref());
    let after = after.map(|last| keys::installation(&last.platform, &last.identity));
    let rows = ctx.store.scan(&keys::installations(), after.as_ref(), limit).await?;
    let full = rows.len() == limit as usize;
    let mut found = Vec::with_capacity(rows.len());
    for (_, stored) in rows {
        if let Some(app) = load::<App>(&*ctx.store, &Key(stored.value.to_vec())).await? {
            found.push(row(ctx, app.value).await?);
        }
    }
    let last = found.last().map(|row| row.app.client_id.clone());
    Ok((found, last.filter(|_| full)))
}

async fn row(ctx: &Context, app: App) -> Result<Row, StoreError> {
    let place = app
        .installation
        .as_ref()
        .and_then(|installation| installation.grant.as_ref());
    let organization = match place {
        Some(place) => {
            ctx.load::<Organization>(&keys::organization(&place.organization))
                .await?
        }
        None => None,
    };
    let organization = organization.map(|organization| organization.name.clone());
    Ok(Row { app, organization })
}

/// A page of the list, for administrators.
pub async fn page(ctx: &Context, actor: &Actor, after: Option<&str>) -> Result<(Vec<Row>, Option<String>), Refusal> {
    actor.on_duty(Right::Administer)?;
    Ok(all(ctx, after, PAGE).await?)
}

/// One of them, for administrators.
pub async fn look(ctx: &Context, actor: &Actor, client_id: &str) -> Result<Row, Refusal> {
    actor.on_duty(Right::Administer)?;
    let app = find(ctx, client_id).await?.ok_or(Refusal::NotFound)?;
    Ok(row(ctx, app.value).await?)
}

async fn find(ctx: &Context, client_id: &str) -> Result<Option<Versioned<App>>, StoreError> {
    let Some(client_id) = cursor(Some(client_id)) else {
        return Ok(None);
    };
    let app = load::<App>(&*ctx.store, &keys::app(client_id)).await?;
    Ok(app.filter(|app| app.kind == Kind::Native))
}

/// An administrator resets an installation whose keys are lost.
pub async fn reset_by(ctx: &Context, actor: &Actor, client_id: &str) -> Result<(), Refusal> {
    actor.on_duty(Right::Administer)?;
    let by = Reset {
        user: None,
        by: Some(actor.id().to_owned()),
        note: None,
    };
    operate(ctx, client_id, &by).await
}

/// Whoever runs the server does.
pub async fn reset_by_command_line(ctx: &Context, client_id: &str) -> Result<(), Refusal> {
    let by = Reset {
        user: None,
        by: None,
        note: Some(COMMAND_LINE.to_owned()),
    };
    operate(ctx, client_id, &by).await
}

async fn operate(ctx: &Context, client_id: &str, by: &Reset) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let app = find(ctx, client_id).await?.ok_or(Refusal::NotFound)?;
        let mut batch = Batch::new();
        put_reset(ctx, &mut batch, &app, by).await?;
        if commit(ctx, batch).await? {
            clear_behind(ctx, grant_of(&app)).await;
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// Who resets an installation.
pub struct Reset {
    /// Whom it concerns: the member who approved it.
    pub user: Option<String>,
    /// Who did it, where that is somebody else.
    pub by: Option<String>,
    pub note: Option<String>,
}

/// Puts the reset of an installation into the batch, and answers with the ids of all webhook subscriptions that it ever
/// had, sorted.
pub async fn put_reset(
    ctx: &Context,
    batch: &mut Batch,
    app: &Versioned<App>,
    reset: &Reset,
) -> Result<Vec<String>, StoreError> {
    let now = ctx.now();
    let installation = app.installation.as_ref();
    let installation = installation.ok_or_else(|| StoreError::Corrupt("a native app is no installation".into()))?;
    batch.revokes = true;
    batch.replace(app, &installation.reset(app, now))?;
    batch.insert(&Event {
        user: reset.user.clone(),
        by: reset.by.clone(),
        note: reset.note.clone(),
        ..event(ctx, app, EventKind::InstallationReset)
    })?;
    if let Some(place) = &installation.grant {
        let grant = load::<Grant>(&*ctx.store, &keys::grant(&place.organization, &place.grant)).await?;
        match grant {
            Some(grant) if grant.status == GrantStatus::Revoked => {
                batch.require(&grant);
            }
            Some(grant) => {
                batch.replace(&grant, &grant.revoke())?;
                batch.insert(&Event {
                    user: Some(grant.user.clone()),
                    by: reset.by.clone(),
                    note: reset.note.clone(),
                    ..event(ctx, app, EventKind::GrantRevoked)
                })?;
            }
            None => {}
        }
        put_families_away(ctx, batch, &place.organization, &place.grant).await?;
    }
    let place = installation.grant.as_ref();
    let place = place.map(|place| (place.organization.as_str(), place.grant.as_str()));
    subscriptions::put_end_of_client(ctx, batch, &app.client_id, place).await
}

fn grant_of(app: &App) -> Option<&GrantPlace> {
    app.installation.as_ref()?.grant.as_ref()
}

/// Clears away what families an ended grant has left. Whatever a crash leaves of them is dead, and goes when the reset
/// is asked for again.
async fn clear_behind(ctx: &Context, ended: Option<&GrantPlace>) {
    if let Some(place) = ended
        && let Err(error) = clear(ctx, place).await
    {
        // The reset itself stands.
        log::warn!(
            "what a reset left of the grant {} could not be cleared away: {error}",
            place.grant
        );
    }
}

async fn clear(ctx: &Context, place: &GrantPlace) -> Result<(), StoreError> {
    let prefix = keys::families(&place.organization, &place.grant);
    // Nothing is added any more; what changed at the same moment is met at the next look.
    for _ in 0..ATTEMPTS_MAX {
        let (families, _) = list::<Family>(&*ctx.store, &prefix, None, FAMILIES_PAGE).await?;
        if families.is_empty() {
            break;
        }
        for some in families.chunks(CLEARED_BEHIND_MAX) {
            let mut batch = Batch::new();
            put_away(&mut batch, some);
            ctx.store.commit(batch).await?;
        }
    }
    Ok(())
}

/// They are dead already, and some would never expire.
async fn put_families_away(
    ctx: &Context,
    batch: &mut Batch,
    organization: &str,
    grant: &str,
) -> Result<(), StoreError> {
    let families = keys::families(organization, grant);
    let (families, _) = list::<Family>(&*ctx.store, &families, None, FAMILIES_PAGE).await?;
    put_away(batch, &families[..families.len().min(CLEARED_MAX)]);
    Ok(())
}

fn put_away(batch: &mut Batch, families: &[Versioned<Family>]) {
    for family in families {
        idempotency::forget(batch, family);
        batch.remove(family);
    }
}
