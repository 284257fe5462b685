//! `POST /oauth/token`: the endpoint owns the phases, the grant fills the gap (RFC 6749 §3.2).

use super::access_token::TypedId;
use super::client_auth::{self, Credentials};
use super::error::{ErrorCode, OAuthError};
use super::grant_client::{self, Granted};
use super::params::Params;
use super::{dpop, used_once};
use crate::config::Resource;
use crate::context::Context;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// Where it is: proofs name the address they are for (RFC 9449 §4.2).
const PATH: &str = "/oauth/token";

pub async fn token<'a>(ctx: &'a Context, credentials: &Credentials<'_>) -> Result<Answer<'a>, OAuthError> {
    let params = credentials.params;
    // 1. Which grant? Judged first, so that a client learns of a wrong request whoever it is.
    let Some(grant_type) = params.get("grant_type")? else {
        return Err(OAuthError::invalid_request("The parameter grant_type is missing."));
    };
    if grant_type != "client_credentials" {
        let what = "The grant type is not one of grant_types_supported.";
        return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, what));
    }
    // 2. Who asks, and with which key?
    let client = client_auth::client(ctx, credentials).await?;
    let proof = dpop::of_client(ctx, credentials, &client.app, PATH)?;
    let jkt = proof.as_ref().map(|proof| proof.jkt.as_str());
    // 3. For which resource? Before anything single-use is touched (RFC 8707 §2.2).
    let resource = resource(ctx, params)?;
    // 4. The grant decides.
    let granted = grant_client::client_credentials(ctx, &client.app, resource, jkt, params).await?;
    used_once::commit(ctx, &client, proof.as_ref()).await?;
    // 5. The answer.
    Ok(Answer { ctx, granted })
}

/// One audience: none named is the profile's first; unknown, malformed or several → invalid_target (RFC 8707 §2).
fn resource<'a>(ctx: &'a Context, params: &Params<'_>) -> Result<&'a Resource, OAuthError> {
    let mut named = params.all("resource");
    let Some(first) = named.next() else {
        return Ok(ctx.profile().default_resource());
    };
    if named.next().is_some() {
        return Err(OAuthError::new(
            ErrorCode::InvalidTarget,
            "A token has one audience: name one resource.",
        ));
    }
    ctx.profile().resource(first).ok_or_else(|| {
        OAuthError::new(
            ErrorCode::InvalidTarget,
            "The resource is not one this server issues for.",
        )
    })
}

/// The body of a 200 (RFC 6749 §5.1).
pub struct Answer<'a> {
    ctx: &'a Context,
    granted: Granted,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { ctx, granted } = self;
        let noun = &ctx.profile().noun;
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("token_type", granted.token_type)?;
        body.serialize_entry("expires_in", &granted.expires_in)?;
        body.serialize_entry("access_token", &granted.access_token)?;
        body.serialize_entry("scope", &granted.scope)?;
        body.serialize_entry(noun.id_claim(), &TypedId::new(ctx, &granted.organization))?;
        body.serialize_entry(noun.name_member(), &granted.organization_name)?;
        body.end()
    }
}
