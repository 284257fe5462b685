//! `POST /oauth/native/installations`: an installation registers, or registers again.
//!
//! # The order of checks
//!
//! 1. The proof of the key, for this address (RFC 9449 §4.3).
//! 2. Every member that the platform needs is there, and fits its template.
//! 3. Nobody else is known by the same registrationId.
//! 4. Of an installation that is known, another key needs a proof of the one that was accepted, in `DPoP-Previous`.
//! 5. Not too many from one address, or of new ones of one site.
//!
//! Whoever fails has changed nothing and used nothing up: a plugin that lost an answer tries its keys one by one.

use super::error::{NativeError, Why};
use super::{PATH, registration};
use crate::base::random;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::App;
use crate::model::counts::Limit;
use crate::model::event::{Event, EventKind};
use crate::model::installation::{NotRegistered, Previous, Registration};
use crate::oauth::delegated;
use crate::oauth::dpop::{self, Proof};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::used_once::was_used;
use crate::store::records::{Versioned, load_by_index};
use crate::store::{Batch, Outcome, keys};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};

/// A request to register.
pub struct Asked<'a> {
    /// Every header of these names, as sent.
    pub dpop: Vec<&'a [u8]>,
    pub dpop_previous: Vec<&'a [u8]>,
    pub body: &'a [u8],
    pub peer: IpAddr,
}

/// The body of the 201, or of the 200.
#[derive(Debug, Serialize)]
pub struct Registered {
    pub client_id: String,
    pub client_type: &'static str,
    pub dpop_bound: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_id: Option<String>,
    pub redirect_uri: String,
    pub scopes: Vec<String>,
    /// Of a new one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
}

/// What is to be written.
struct Decided<'a> {
    app: App,
    is_new: bool,
    batch: Batch,
    /// The proof of the key of before, where it was needed.
    previous: Option<&'a Proof>,
}

pub async fn register(ctx: &Context, asked: &Asked<'_>) -> Result<Registered, NativeError> {
    // 1.
    let proof = proof(ctx, &asked.dpop)?;
    let proof = proof.ok_or_else(|| refused("The DPoP header with the proof of the key is missing."))?;
    // 2.
    let registration = registration::read(ctx, asked.body, &proof.jkt)?;
    let shown = previous(ctx, &asked.dpop_previous);
    let mut counted = false;
    for _ in 0..delegated::ATTEMPTS_MAX {
        // 3. and 4.
        let mut decided = decide(ctx, &registration, shown.as_ref()).await?;
        // 5.
        if !std::mem::replace(&mut counted, true) {
            throttle(ctx, asked.peer, &registration, decided.is_new)?;
        }
        for proof in [Some(&proof), decided.previous].into_iter().flatten() {
            decided.batch.insert(&proof.once)?;
        }
        if let Outcome::Committed(_) = ctx.store.commit(decided.batch).await? {
            return Ok(answer(&decided.app, decided.is_new));
        }
        for proof in [Some(&proof), decided.previous].into_iter().flatten() {
            if was_used(ctx, Some(&proof.once)).await? {
                let what = "A DPoP proof has been used before: make a new one for every request.";
                return Err(refused(what).into());
            }
        }
    }
    Err(delegated::busy().into())
}

fn proof(ctx: &Context, headers: &[&[u8]]) -> Result<Option<Proof>, OAuthError> {
    let asked = dpop::Asked {
        origins: &[ctx.issuer()],
        headers,
        method: "POST",
        path: PATH,
        access_token: None,
        native: true,
    };
    dpop::verify(ctx, &asked)
}

/// `None` where there is no such header; `Some(None)` where it proves nothing. No error yet: it may not be needed.
fn previous(ctx: &Context, headers: &[&[u8]]) -> Option<Option<Proof>> {
    match proof(ctx, headers) {
        Ok(None) => None,
        Ok(proof) => Some(proof),
        Err(why) => {
            log::debug!("a proof of a previous key is no good: {}", why.description);
            Some(None)
        }
    }
}

async fn decide<'a>(
    ctx: &Context,
    registration: &Registration,
    shown: Option<&'a Option<Proof>>,
) -> Result<Decided<'a>, NativeError> {
    let now = ctx.now();
    let index = keys::installation(&registration.platform, &registration.identity);
    let mut batch = Batch::new();
    let Some(old) = load_by_index::<App>(&*ctx.store, &index).await? else {
        let client_id = format!("{}_app_{}", ctx.profile().prefix, random::token::<15>(&*ctx.random));
        let app = registration.first(client_id, now);
        batch.insert(&app)?;
        batch.insert(&event(ctx, &app, EventKind::InstallationRegistered))?;
        return Ok(Decided {
            app,
            is_new: true,
            batch,
            previous: None,
        });
    };
    let previous = match shown {
        None => Previous::Missing,
        Some(None) => Previous::Bad,
        Some(Some(proof)) => Previous::Of(&proof.jkt),
    };
    let app = again(registration, &old, previous, now)?;
    let other_key = app.installation.as_ref().map(|new| (&new.active_key, &new.pending_key))
        != old.installation.as_ref().map(|old| (&old.active_key, &old.pending_key));
    if other_key {
        batch.insert(&event(ctx, &app, EventKind::InstallationRegistered))?;
    }
    let accepted = old.installation.as_ref().and_then(|old| old.active_key.as_ref());
    let needed = accepted.is_some_and(|accepted| *accepted != registration.jkt);
    batch.replace(&old, &app)?;
    Ok(Decided {
        app,
        is_new: false,
        batch,
        previous: shown.and_then(Option::as_ref).filter(|_| needed),
    })
}

fn again(
    registration: &Registration,
    old: &Versioned<App>,
    previous: Previous<'_>,
    now: Timestamp,
) -> Result<App, NativeError> {
    let Some(installation) = &old.installation else {
        return Err(Why::AnotherSite.into());
    };
    registration
        .again(old, installation, previous, now)
        .map_err(|why| match why {
            NotRegistered::AnotherSite => Why::AnotherSite.into(),
            NotRegistered::PreviousMissing => Why::PreviousMissing.into(),
            NotRegistered::PreviousWrong => Why::PreviousWrong.into(),
        })
}

/// What happened to an installation, told to the organization that it is connected with.
pub fn event(ctx: &Context, app: &App, kind: EventKind) -> Event {
    let installation = app.installation.as_ref();
    let place = installation.and_then(|installation| installation.grant.as_ref());
    Event {
        organization: place.map(|place| place.organization.clone()),
        client_id: Some(app.client_id.clone()),
        grant: place.map(|place| place.grant.clone()),
        subject: installation.map(|installation| installation.site_url.clone()),
        ..Event::new(kind, ctx.now(), &*ctx.random)
    }
}

/// By address; a new one also by the origin of its site, which anybody may name: that holds back only addresses that
/// registered something lately, so that nobody can use it up for the site itself. Behind a TLS proxy, which speaks for
/// everyone, all new ones together have a bucket besides that of their origin.
fn throttle(ctx: &Context, peer: IpAddr, registration: &Registration, is_new: bool) -> Result<(), OAuthError> {
    const ALL: &str = "all";
    let (now, origin) = (ctx.now(), registration::origin(registration));
    let behind_a_proxy = peer.to_canonical().is_loopback();
    let local = Ipv4Addr::LOCALHOST.into();
    let name = if is_new { &origin } else { &registration.identity };
    let known = !ctx.registrations.is_full(name, peer, now);
    let by_address = ctx.registrations.take(name, peer, now);
    let more = match (is_new, behind_a_proxy) {
        (true, true) => ctx.registrations.take(ALL, local, now),
        (true, false) => ctx.registrations.take(&origin, local, now).filter(|_| known),
        (false, _) => None,
    };
    let Some(wait) = ctx.held_back(Limit::Registrations, by_address.max(more)) else {
        return Ok(());
    };
    let what = "Too many registrations from this address or of this site: wait and try again.";
    let mut error = OAuthError::new(ErrorCode::TooManyAttempts, what);
    error.retry_after = Some(wait);
    Err(error)
}

fn refused(what: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidDpopProof, what)
}

fn answer(app: &App, is_new: bool) -> Registered {
    let installation = app.installation.as_ref();
    Registered {
        client_id: app.client_id.clone(),
        client_type: "public",
        dpop_bound: true,
        registration_id: installation.and_then(|installation| installation.registration_id.clone()),
        redirect_uri: app.redirect_uris.first().cloned().unwrap_or_default(),
        scopes: app.scopes.clone(),
        status: is_new.then_some("active"),
    }
}
