//! `POST /oauth/introspect` (RFC 7662): what a token is worth now, told only to those it was made for.

use super::access_token::{Claims, standing, typed_id, verify};
use super::client_auth::{self, Credentials};
use super::error::OAuthError;
use crate::context::Context;
use crate::model::app::App;
use serde_json::{Map, Value, json};

pub async fn introspect(ctx: &Context, credentials: &Credentials<'_>) -> Result<Map<String, Value>, OAuthError> {
    let caller = client_auth::confidential(ctx, credentials).await?;
    let Some(token) = credentials.params.get("token")? else {
        return Err(OAuthError::invalid_request("The parameter token is missing."));
    };
    // RFC 7662 §2.1: the hint only speeds up a search, and there is one kind to search.
    credentials.params.get("token_type_hint")?;
    let Ok(claims) = verify(ctx, token) else {
        return Ok(inactive());
    };
    if !may_see(ctx, &caller, &claims) {
        return Ok(inactive());
    }
    match standing(ctx, &claims).await? {
        Ok(scopes) => Ok(active(ctx, &claims, &scopes)),
        Err(_) => Ok(inactive()),
    }
}

/// A token is shown to the client it was issued to and to those who guard its audience (RFC 7662 §4).
fn may_see(ctx: &Context, caller: &App, claims: &Claims) -> bool {
    let audience = ctx.profile().resource(&claims.aud);
    caller.client_id == claims.client_id
        || caller.introspects.contains(&claims.aud)
        || audience.is_some_and(|r| r.introspection_clients.contains(&caller.client_id))
}

/// RFC 7662 §2.2: and nothing else.
fn inactive() -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("active".into(), false.into());
    body
}

fn active(ctx: &Context, claims: &Claims, scopes: &[String]) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("active".into(), true.into());
    body.insert("scope".into(), scopes.join(" ").into());
    body.insert("client_id".into(), claims.client_id.as_str().into());
    body.insert("token_type".into(), "Bearer".into());
    body.insert("exp".into(), claims.exp.seconds().into());
    body.insert("iat".into(), claims.iat.seconds().into());
    body.insert("sub".into(), claims.sub.as_str().into());
    body.insert("aud".into(), claims.aud.as_str().into());
    body.insert("iss".into(), ctx.issuer().into());
    body.insert("jti".into(), claims.jti.as_str().into());
    body.insert(
        ctx.profile().noun.id_claim().into(),
        json!(typed_id(ctx, &claims.organization)),
    );
    body
}
