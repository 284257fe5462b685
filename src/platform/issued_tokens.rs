//! *Generate token*: access tokens of a private app that somebody makes in the portal. They are what the app's own
//! `client_credentials` request would get; a record of each is kept, so that it can be listed and revoked.

use super::actor::{Actor, AppAccess};
use super::credentials::{event, open};
use super::refusal::{Fault, Refusal};
use super::{ATTEMPTS_MAX, commit};
use crate::base::order;
use crate::base::text;
use crate::config::Resource;
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::event::{Event, EventKind};
use crate::model::issued_token::{IssuedToken, LABEL_CHARS_MAX};
use crate::model::revoked_token::RevokedToken;
use crate::oauth::access_token::Minted;
use crate::oauth::error::ErrorCode;
use crate::oauth::standing::acting;
use crate::oauth::{grant_client, scope};
use crate::store::records::{Record as _, Versioned, list as list_records, load};
use crate::store::{Batch, StoreError, codec, keys, limits};
use std::time::Duration;

/// Live ones an app may have.
pub const LIVE_MAX: usize = 50;
/// Kept with those that were revoked and have yet to expire; the longest revoked make room.
const KEPT_MAX: usize = 100;
const PAGE: u32 = 2 * KEPT_MAX as u32;
/// Made room for in one batch.
const REMOVED_MAX: usize = 20;

/// A token that is asked for.
#[derive(Clone, Default)]
pub struct NewToken {
    pub label: String,
    pub scopes: Vec<String>,
    /// `None`: the profile's first.
    pub resource: Option<String>,
    /// Seconds; `None`: as long as the resource allows.
    pub lifetime_s: Option<u64>,
}

/// A token that was made. `shown` is nowhere else and never told again.
pub struct MadeToken {
    pub record: IssuedToken,
    pub shown: String,
}

/// What may be asked for.
pub struct Offer {
    /// The app's scopes that its dedicated user's role may grant.
    pub scopes: Vec<String>,
    /// Those it may not.
    pub left_out: Vec<String>,
}

/// Whether tokens of this app can be made, and with what.
pub async fn offer(ctx: &Context, app: &App) -> Result<Result<Offer, &'static str>, StoreError> {
    if let Err(why) = may_have(app) {
        return Ok(Err(why));
    }
    let Some(user) = &app.dedicated_user else {
        return Ok(Err("cred_token_no_user"));
    };
    let Ok(standing) = acting(ctx, app, &app.organization, user).await? else {
        return Ok(Err("cred_token_no_user"));
    };
    let scopes = scope::effective(&ctx.profile().scopes, app, standing.role, &app.scopes);
    let left_out = app.scopes.iter().filter(|name| !scopes.contains(name));
    Ok(Ok(Offer {
        left_out: left_out.cloned().collect(),
        scopes,
    }))
}

fn may_have(app: &App) -> Result<(), &'static str> {
    if app.kind != Kind::Private {
        Err("cred_token_not_private")
    } else if !app.usable() {
        Err("cred_token_disabled")
    } else if app.rules().require_dpop {
        Err("cred_token_bound")
    } else {
        Ok(())
    }
}

/// Makes one: remembered before it is shown.
pub async fn create(ctx: &Context, actor: &Actor, client_id: &str, wanted: &NewToken) -> Result<MadeToken, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let access = open(ctx, actor, client_id).await?;
        may_have(&access.app).map_err(Refusal::State)?;
        let (label, resource, lifetime) = checked(ctx, wanted)?;
        let minted = mint(ctx, &access, resource, &wanted.scopes, lifetime).await?;
        let record = IssuedToken {
            jti: minted.claims.jti.clone(),
            client_id: client_id.to_owned(),
            organization: minted.claims.organization.clone(),
            label,
            by: actor.id().to_owned(),
            scopes: minted.claims.scopes(),
            resource: minted.claims.aud.clone(),
            created_at: minted.claims.iat,
            expires_at: minted.claims.exp,
            revoked_at: None,
        };
        if codec::encode(&record)?.len() > limits::VALUE_BYTES_MAX {
            return Err(Fault::new("scope", "cred_token_scopes_too_many").into());
        }
        let mut batch = Batch::new();
        make_room(ctx, &mut batch, client_id).await?;
        batch.insert(&record)?.insert(&Event {
            subject: Some(record.label.clone()),
            ..event(ctx, EventKind::TokenCreated, &access.app, Some(actor))
        })?;
        batch.require(&access.app);
        access.hold(&mut batch);
        if commit(ctx, batch).await? {
            let shown = minted.token;
            return Ok(MadeToken { record, shown });
        }
    }
    Err(Refusal::Conflict)
}

/// Those that have not expired, the newest first.
pub async fn list(ctx: &Context, access: &AppAccess) -> Result<Vec<IssuedToken>, StoreError> {
    let now = ctx.now();
    let mut found = all(ctx, &access.app.client_id).await?;
    found.retain(|token| now < token.expires_at);
    order::by(&mut found, |a, b| (b.created_at, &b.jti).cmp(&(a.created_at, &a.jti)));
    Ok(found.into_iter().map(|token| token.value).collect())
}

pub async fn find(ctx: &Context, access: &AppAccess, jti: &str) -> Result<Versioned<IssuedToken>, Refusal> {
    let key = keys::issued_token(&access.app.client_id, jti);
    let found = load::<IssuedToken>(&*ctx.store, &key).await?;
    found.ok_or(Refusal::NotFound)
}

/// Ends one at once, wherever tokens are judged. Idempotent.
pub async fn revoke(ctx: &Context, actor: &Actor, client_id: &str, jti: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let access = open(ctx, actor, client_id).await?;
        let old = find(ctx, &access, jti).await?;
        if old.revoked_at.is_some() {
            return Ok(());
        }
        let ended = RevokedToken {
            jti: old.jti.clone(),
            expires_at: old.expires_at,
        };
        let mut batch = Batch::new();
        batch.revokes = true;
        let new = IssuedToken {
            revoked_at: Some(ctx.now()),
            ..old.value.clone()
        };
        batch.replace(&old, &new)?.insert(&Event {
            subject: Some(old.label.clone()),
            ..event(ctx, EventKind::TokenRevoked, &access.app, Some(actor))
        })?;
        // It may have been revoked by whoever held it (RFC 7009).
        match load::<RevokedToken>(&*ctx.store, &ended.key()).await? {
            Some(there) => batch.require(&there),
            None => batch.insert(&ended)?,
        };
        access.hold(&mut batch);
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

async fn all(ctx: &Context, client_id: &str) -> Result<Vec<Versioned<IssuedToken>>, StoreError> {
    let prefix = keys::issued_tokens(client_id);
    let (found, _) = list_records::<IssuedToken>(&*ctx.store, &prefix, None, PAGE).await?;
    Ok(found)
}

/// Two that are made at the same moment may both find room; the bound is for the list, not for security.
async fn make_room(ctx: &Context, batch: &mut Batch, client_id: &str) -> Result<(), Refusal> {
    let now = ctx.now();
    let mut found = all(ctx, client_id).await?;
    let live = found.iter().filter(|token| token.live(now)).count();
    if live >= LIVE_MAX {
        return Err(Refusal::State("cred_token_too_many"));
    }
    let surplus = (found.len() + 1).saturating_sub(KEPT_MAX).min(REMOVED_MAX);
    found.retain(|token| !token.live(now));
    order::by_key(&mut found, |token| token.revoked_at);
    for token in found.iter().take(surplus) {
        batch.remove(token);
    }
    Ok(())
}

/// Label, audience and lifetime.
fn checked<'a>(ctx: &'a Context, wanted: &NewToken) -> Result<(String, &'a Resource, Duration), Refusal> {
    let mut faults = Vec::new();
    let label = text::name(&wanted.label, LABEL_CHARS_MAX);
    if label.is_none() {
        faults.push(Fault::new("label", "cred_label_bad").with("max", LABEL_CHARS_MAX));
    }
    if wanted.scopes.is_empty() {
        faults.push(Fault::new("scope", "cred_token_scope_missing"));
    }
    let resource = match &wanted.resource {
        Some(named) => ctx.profile().resource(named),
        None => Some(ctx.profile().default_resource()),
    };
    if resource.is_none() {
        faults.push(Fault::new("resource", "cred_token_resource_bad"));
    }
    let longest = resource.map_or(Duration::ZERO, |resource| resource.access_token_lifetime);
    let lifetime = wanted.lifetime_s.map_or(longest, Duration::from_secs);
    if resource.is_some() && (lifetime.is_zero() || lifetime > longest) {
        faults.push(Fault::new("lifetime", "cred_token_lifetime_bad").with("max", longest.as_secs()));
    }
    match (label, resource) {
        (Some(label), Some(resource)) if faults.is_empty() => Ok((label, resource, lifetime)),
        _ => Err(Refusal::Invalid(faults)),
    }
}

/// As the app's own request would be answered (RFC 6749 §4.4).
async fn mint(
    ctx: &Context,
    access: &AppAccess,
    resource: &Resource,
    scopes: &[String],
    lifetime: Duration,
) -> Result<Minted, Refusal> {
    let scope = scopes.join(" ");
    let minted = grant_client::mint_as_dedicated_user(ctx, &access.app, resource, Some(&scope), None, lifetime).await;
    match minted {
        Ok((minted, _)) => Ok(minted),
        Err(error) => Err(match error.code {
            ErrorCode::InvalidScope => Fault::new("scope", "cred_token_scope_bad").into(),
            ErrorCode::UnauthorizedClient => Refusal::State("cred_token_no_user"),
            _ => Refusal::Store(StoreError::Unavailable(error.cause.unwrap_or_default())),
        }),
    }
}
