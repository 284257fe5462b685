//! `POST /oauth/token`: the endpoint owns the phases, the grant fills the gap (RFC 6749 §3.2).

use super::answer::Answer;
use super::client_auth::{self, Client, Credentials};
use super::dpop::{self, Proof};
use super::error::{ErrorCode, OAuthError};
use super::params::Params;
use super::{grant_client, grant_code, grant_refresh, idempotency, native, used_once};
use crate::config::Resource;
use crate::context::Context;
use crate::model::app::{App, GrantType};
use crate::store::{Batch, Outcome};

pub const PATH: &str = "/oauth/token";
/// `grant_types_supported` (RFC 8414 §2).
pub const GRANT_TYPES: [GrantType; 3] = [
    GrantType::AuthorizationCode,
    GrantType::RefreshToken,
    GrantType::ClientCredentials,
];

/// A request as the grant gets it: whoever asks may, and nothing is used up yet.
pub struct Asked<'a> {
    pub client: &'a Client,
    pub params: &'a Params<'a>,
    /// The one named in the request.
    pub resource: Option<&'a Resource>,
    pub proof: Option<&'a Proof>,
    /// The `Idempotency-Key`.
    pub key: Option<&'a str>,
}

pub async fn token(
    ctx: &Context,
    credentials: &Credentials<'_>,
    idempotency_keys: &[&[u8]],
) -> Result<Answer, OAuthError> {
    let params = credentials.params;
    // 1. Which grant? Judged first, so that a client learns of a wrong request whoever it is.
    let grant_type = grant_type(params)?;
    let key = idempotency::key(idempotency_keys)?;
    // 2. Who asks, and may it? From what is stored of it, never from the request.
    let client = client_auth::client(ctx, credentials).await?;
    if !client.app.may_use(grant_type) {
        return Err(unauthorized(&client.app));
    }
    // 3. With which key? Required where the app is registered for bound tokens (RFC 9449 §5.2).
    let proof = dpop::of_client(ctx, credentials, &client.app, PATH)?;
    // 4. For which resource? Before anything single-use is touched (RFC 8707 §2.2).
    let asked = Asked {
        client: &client,
        params,
        resource: resource(ctx, params).map_err(|error| native::as_grant_error(&client.app, error))?,
        proof: proof.as_ref(),
        key,
    };
    // 5. The grant decides, and answers.
    match grant_type {
        GrantType::ClientCredentials => grant_client::client_credentials(ctx, &asked).await,
        GrantType::AuthorizationCode => grant_code::authorization_code(ctx, &asked).await,
        GrantType::RefreshToken => grant_refresh::refresh_token(ctx, &asked).await,
    }
}

fn grant_type(params: &Params<'_>) -> Result<GrantType, OAuthError> {
    let Some(named) = params.get("grant_type")? else {
        return Err(OAuthError::invalid_request("The parameter grant_type is missing."));
    };
    let known = GRANT_TYPES.into_iter().find(|known| known.as_str() == named);
    known.ok_or_else(|| {
        let what = "The grant type is not one of grant_types_supported.";
        OAuthError::new(ErrorCode::UnsupportedGrantType, what)
    })
}

/// RFC 6749 §5.2.
pub fn unauthorized(app: &App) -> OAuthError {
    let cause = format!("{} is a {} app", app.client_id, app.kind.as_str());
    let what = "This app may not use this grant type.";
    OAuthError::new(ErrorCode::UnauthorizedClient, what).because(cause)
}

/// One audience: unknown, malformed or several → invalid_target (RFC 8707 §2).
fn resource<'a>(ctx: &'a Context, params: &Params<'_>) -> Result<Option<&'a Resource>, OAuthError> {
    let refused = |what: &'static str| Err(OAuthError::new(ErrorCode::InvalidTarget, what));
    let mut named = params.all("resource");
    let Some(first) = named.next() else { return Ok(None) };
    if named.next().is_some() {
        return refused("A token has one audience: name one resource.");
    }
    match ctx.profile().resource(first) {
        Some(resource) => Ok(Some(resource)),
        None => refused("The resource is not one this server issues for."),
    }
}

impl Asked<'_> {
    pub fn app(&self) -> &App {
        &self.client.app
    }

    /// Whether it names a resource, and not this one.
    pub fn names_other_resource(&self, resource: &str) -> bool {
        self.resource.is_some_and(|named| named.identifier != resource)
    }

    /// Thumbprint of the key that the request proves.
    pub fn jkt(&self) -> Option<&str> {
        self.proof.map(|proof| proof.jkt.as_str())
    }

    /// Commits the decision with what the request uses up. `false`: what it rests on has changed, so judge again.
    pub async fn commit(&self, ctx: &Context, mut batch: Batch) -> Result<bool, OAuthError> {
        used_once::add(&mut batch, self.client, self.proof)?;
        if batch.writes.is_empty() {
            return Ok(true);
        }
        match ctx.store.commit(batch).await? {
            Outcome::Committed(_) => Ok(true),
            Outcome::Conflict => {
                used_once::judge(ctx, self.client, self.proof).await?;
                Ok(false)
            }
        }
    }
}
