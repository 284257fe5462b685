//! What a user granted an app, as codes and refresh tokens rest on it: whether it stands, and its access tokens.

use super::access_token::{GrantIds, Minted, Order, mint_at};
use super::answer::Granted;
use super::error::{ErrorCode, OAuthError};
use super::standing::{Judged, Standing, acting};
use super::{native, scope};
use crate::base::random;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{App, GrantType, Kind};
use crate::model::epoch::Epochs;
use crate::model::event::{Event, EventKind};
use crate::model::failure::Rule;
use crate::model::family::Family;
use crate::model::grant::{Grant, GrantStatus};
use crate::store::records::Versioned;
use crate::store::{StoreError, keys};
use std::sync::Arc;
use std::time::Duration;

/// Times a decision is made anew because what it rested on changed before it was written. Whoever changed it got on.
pub const ATTEMPTS_MAX: usize = 16;

pub fn busy() -> OAuthError {
    let why = format!("what it rests on changed {ATTEMPTS_MAX} times in a row");
    StoreError::Unavailable(why).into()
}

/// A grant that stands, and who acts under it.
pub struct Delegated {
    pub grant: Arc<Versioned<Grant>>,
    pub stands: Standing,
}

/// What a code or a family holds of its approval.
pub struct Approval<'a> {
    pub organization: &'a str,
    pub user: &'a str,
    pub grant: &'a str,
    /// The counters as they stood.
    pub stamps: &'a Epochs,
}

/// Whether nothing that the approval rests on has ended since.
pub async fn standing(ctx: &Context, app: &App, approval: &Approval<'_>) -> Judged<Delegated> {
    let key = keys::grant(approval.organization, approval.grant);
    let grant = match ctx.load::<Grant>(&key).await? {
        Some(grant) if grant.status == GrantStatus::Active => grant,
        _ => return Ok(Err("its grant has ended or is unknown")),
    };
    if !grant.serves(&app.client_id, approval.user) {
        return Ok(Err("its grant is another app's or another user's"));
    }
    let mut stands = match acting(ctx, app, approval.organization, approval.user).await? {
        Ok(stands) => stands,
        Err(why) => return Ok(Err(why)),
    };
    stands.epochs.grant = grant.epoch;
    if !approval.stamps.cover(&stands.epochs) {
        return Ok(Err("an epoch has passed it"));
    }
    Ok(Ok(Delegated { grant, stands }))
}

/// What of `granted` works now; with nothing left there is no token. An installation has all of it or nothing.
pub fn effective(ctx: &Context, app: &App, stands: &Standing, granted: &[String]) -> Result<Vec<String>, OAuthError> {
    let scopes = scope::effective(&ctx.profile().scopes, app, stands.role, granted);
    if scopes.is_empty() {
        let what = "The app's scopes and the user's role leave none of these scopes.";
        return Err(OAuthError::new(ErrorCode::InvalidScope, what).breaking(Rule::ScopeBeyondRole));
    }
    if app.kind == Kind::Native && scopes.len() < granted.len() {
        let what = "Whoever approved this may not grant all of it any more: it needs a new approver.";
        return Err(OAuthError::new(ErrorCode::InvalidGrant, what).breaking(Rule::ScopeBeyondRole));
    }
    Ok(scopes)
}

/// How long the refresh tokens of a family live: unused, and at most. Without refresh tokens it lives as long as its
/// one access token.
pub fn refresh_lifetimes(ctx: &Context, app: &App, resource: &str) -> (Duration, Duration) {
    let Some(resource) = ctx.profile().resource(resource) else {
        return (Duration::ZERO, Duration::ZERO);
    };
    let terms = native::terms(ctx, app, resource);
    if app.may_use(GrantType::RefreshToken) {
        (terms.refresh_idle, terms.refresh_absolute)
    } else {
        (terms.access_token, terms.access_token)
    }
}

/// An access token of a family.
pub struct Issue<'a> {
    pub app: &'a App,
    pub family: &'a Family,
    pub scopes: &'a [String],
    pub jkt: Option<&'a str>,
    pub jti: String,
    pub at: Timestamp,
    /// How long the answer with it may be repeated.
    pub repeatable_until: Option<Timestamp>,
}

/// Stamped as the approval was: what has ended since ends this token too. It never outlives its family.
pub async fn mint(ctx: &Context, issue: Issue<'_>) -> Result<Minted, OAuthError> {
    let family = issue.family;
    let resource = ctx.profile().resource(&family.resource).ok_or_else(|| {
        let what = "The resource of this grant is not one this server issues for any more.";
        OAuthError::new(ErrorCode::InvalidTarget, what)
    })?;
    let terms = native::terms(ctx, issue.app, resource);
    let order = Order {
        sub: &family.user,
        aud: &family.resource,
        algorithm: terms.algorithm,
        client_id: &family.client_id,
        organization: &family.organization,
        scopes: issue.scopes,
        grant: Some(GrantIds {
            grant: family.grant.clone(),
            family: family.id.clone(),
        }),
        native: issue.app.kind == Kind::Native,
        jkt: issue.jkt,
        epochs: Epochs {
            family: family.epoch,
            ..family.stamps
        },
        lifetime: terms.access_token.min(family.ends_at.since(issue.at)),
        repeatable_until: issue.repeatable_until,
    };
    Ok(mint_at(ctx, &order, issue.jti, issue.at).await?)
}

/// The answer with a token that was just minted, or is told once more.
pub fn granted(ctx: &Context, app: &App, minted: Minted, refresh_token: String, stands: &Standing) -> Granted {
    Granted {
        token_type: minted.claims.token_type(),
        access_token: minted.token,
        expires_in: minted.claims.exp.seconds().saturating_sub(ctx.now().seconds()),
        refresh_token: app.may_use(GrantType::RefreshToken).then_some(refresh_token),
        scope: minted.claims.scope,
        organization: minted.claims.organization,
        organization_name: stands.organization.name.clone(),
    }
}

pub fn jti(ctx: &Context) -> String {
    random::token::<18>(&*ctx.random)
}

/// What was used twice, for the audit.
pub fn reuse(ctx: &Context, kind: EventKind, family: &Family) -> Event {
    Event {
        organization: Some(family.organization.clone()),
        user: Some(family.user.clone()),
        client_id: Some(family.client_id.clone()),
        grant: Some(family.grant.clone()),
        ..Event::new(kind, ctx.now(), &*ctx.random)
    }
}
