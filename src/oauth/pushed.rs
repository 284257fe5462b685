//! `POST /oauth/par` (RFC 9126): the client sends its authorization request ahead, and only a name for it travels
//! through the browser.

use super::authorize::{self, KNOWN, RESOURCE, Source};
use super::client_auth::{self, Credentials};
use super::error::{ErrorCode, OAuthError};
use super::{dpop, used_once};
use crate::base::handle::Handle;
use crate::base::master::Purpose;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{ClientType, Kind};
use crate::model::counts::Limit;
use crate::model::pushed_request::{FORM_BYTES_MAX, PushedRequest};
use crate::store::records::{Versioned, load};
use crate::store::{Batch, Outcome, StoreError, keys};
use serde::Serialize;
use std::net::IpAddr;

/// RFC 9126 §2.2.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// What proofs for this endpoint name.
const PATH: &str = "/oauth/par";

/// The body of the 201.
#[derive(Serialize)]
pub struct Answer {
    pub request_uri: String,
    pub expires_in: u64,
}

pub async fn push(ctx: &Context, credentials: &Credentials<'_>) -> Result<Answer, OAuthError> {
    let params = credentials.params;
    // 1. Who asks? As at the token endpoint (RFC 9126 §2).
    let client = client_auth::client(ctx, credentials).await?;
    // 2. What is pushed is not itself a name of something pushed (§2.1).
    if params.get("request_uri")?.is_some() {
        return Err(OAuthError::invalid_request("A pushed request has no request_uri."));
    }
    // 3. Everything the authorization endpoint checks, now (§2.1); it does so again when the user comes.
    let request = authorize::judge(ctx, &client.app, params, Source::Pushed).map_err(|wrong| wrong.error)?;
    // 4. A proof binds the code to its key, as dpop_jkt does; both together must mean the same one (RFC 9449 §10.1).
    let proof = dpop::verify(
        ctx,
        &dpop::Asked {
            origins: &[ctx.issuer()],
            headers: &credentials.dpop,
            method: "POST",
            path: PATH,
            access_token: None,
            native: client.app.kind == Kind::Native,
        },
    )?;
    let jkt = proof.as_ref().map(|proof| &proof.jkt);
    if request.asked.jkt.is_some() && jkt.is_some_and(|jkt| request.asked.jkt.as_ref() != Some(jkt)) {
        let what = "The DPoP proof is of another key than dpop_jkt says.";
        return Err(OAuthError::new(ErrorCode::InvalidDpopProof, what));
    }
    // 5. Kept without credentials. The client may have named itself in the Authorization header only.
    let form = params.encode(|name| KNOWN.contains(&name) || name == RESOURCE);
    if form.len() > FORM_BYTES_MAX {
        return Err(OAuthError::invalid_request("The authorization request is too long."));
    }
    // 6. Nobody has authenticated a public client, and what it pushes stays for minutes (§2.3).
    if client.app.client_type == ClientType::Public {
        throttle(ctx, &client.app.client_id, credentials.peer)?;
    }
    let lifetime = ctx.profile().lifetimes.pushed_request;
    // Whole seconds: the name says where the record lies.
    let expires_at = Timestamp::from_seconds((ctx.now() + lifetime).seconds());
    let handle = Handle::new(expires_at.seconds().to_be_bytes().to_vec(), &*ctx.random);
    let request_uri = handle.text(&ctx.secret, Purpose::RequestUri, PREFIX);
    let mut batch = Batch::new();
    batch.insert(&PushedRequest {
        digest: ctx.secret.digest(Purpose::RequestUri, request_uri.as_bytes()),
        client_id: client.app.client_id.clone(),
        form,
        jkt: jkt.cloned(),
        expires_at,
    })?;
    used_once::add(&mut batch, &client, proof.as_ref())?;
    match ctx.store.commit(batch).await? {
        Outcome::Committed(_) => Ok(Answer {
            request_uri,
            expires_in: lifetime.as_secs(),
        }),
        // The random name is new: what was there already is the assertion or the proof.
        Outcome::Conflict => {
            used_once::judge(ctx, &client, proof.as_ref()).await?;
            Err(OAuthError::invalid_client("what it showed had been used before"))
        }
    }
}

fn throttle(ctx: &Context, client_id: &str, peer: IpAddr) -> Result<(), OAuthError> {
    let Some(wait) = ctx.held_back(Limit::Pushes, ctx.pushes.take(client_id, peer, ctx.now())) else {
        return Ok(());
    };
    let what = "Too many pushed requests from this address: wait and try again.";
    let mut error = OAuthError::new(ErrorCode::TooManyAttempts, what);
    error.retry_after = Some(wait);
    Err(error.because(format!("{client_id} pushed as many as an address may")))
}

/// A request that waits for its approval. `None` for what has expired, was used up or was never pushed.
pub async fn find(
    ctx: &Context,
    request_uri: &str,
    now: Timestamp,
) -> Result<Option<Versioned<PushedRequest>>, StoreError> {
    let Some(handle) = Handle::read(&ctx.secret, Purpose::RequestUri, PREFIX, request_uri) else {
        return Ok(None);
    };
    let Ok(seconds) = handle.locator.as_slice().try_into() else {
        return Ok(None);
    };
    let expires_at = Timestamp::from_seconds(u64::from_be_bytes(seconds));
    let digest = ctx.secret.digest(Purpose::RequestUri, request_uri.as_bytes());
    let found = load::<PushedRequest>(&*ctx.store, &keys::pushed_request(expires_at, &digest)).await?;
    Ok(found.filter(|pushed| now < pushed.expires_at))
}
