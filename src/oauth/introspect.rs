//! `POST /oauth/introspect` (RFC 7662): what a token is worth now, told only to those it was made for.

use super::access_token::{Claims, TypedId, standing, verify};
use super::client_auth::{self, Credentials};
use super::error::OAuthError;
use crate::context::Context;
use crate::model::app::App;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::json;

pub async fn introspect<'a>(ctx: &'a Context, credentials: &Credentials<'_>) -> Result<Answer<'a>, OAuthError> {
    let caller = client_auth::confidential(ctx, credentials).await?;
    let Some(token) = credentials.params.get("token")? else {
        return Err(OAuthError::invalid_request("The parameter token is missing."));
    };
    // RFC 7662 §2.1: the hint only speeds up a search, and there is one kind to search.
    credentials.params.get("token_type_hint")?;
    let inactive = Answer { ctx, active: None };
    let Ok(claims) = verify(ctx, token) else {
        return Ok(inactive);
    };
    if !may_see(ctx, &caller, &claims) {
        return Ok(inactive);
    }
    match standing(ctx, &claims).await? {
        Ok(scopes) => Ok(Answer {
            ctx,
            active: Some((claims, scopes.join(" "))),
        }),
        Err(_) => Ok(inactive),
    }
}

/// A token is shown to the client it was issued to and to those who guard its audience (RFC 7662 §4).
fn may_see(ctx: &Context, caller: &App, claims: &Claims) -> bool {
    let audience = ctx.profile().resource(&claims.aud);
    caller.client_id == claims.client_id
        || caller.introspects.contains(&claims.aud)
        || audience.is_some_and(|r| r.introspection_clients.contains(&caller.client_id))
}

/// RFC 7662 §2.2.
pub struct Answer<'a> {
    ctx: &'a Context,
    /// The claims and what of their scope is effective now. Of a token that is not active nothing is told.
    active: Option<(Claims, String)>,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        let Some((claims, scope)) = &self.active else {
            body.serialize_entry("active", &false)?;
            return body.end();
        };
        body.serialize_entry("active", &true)?;
        body.serialize_entry("scope", scope)?;
        body.serialize_entry("client_id", &claims.client_id)?;
        body.serialize_entry("token_type", claims.token_type())?;
        if let Some(jkt) = &claims.jkt {
            // RFC 9449 §6.2: the API checks the proof against it.
            body.serialize_entry("cnf", &json!({ "jkt": jkt }))?;
        }
        body.serialize_entry("exp", &claims.exp.seconds())?;
        body.serialize_entry("iat", &claims.iat.seconds())?;
        body.serialize_entry("sub", &claims.sub)?;
        body.serialize_entry("aud", &claims.aud)?;
        body.serialize_entry("iss", self.ctx.issuer())?;
        body.serialize_entry("jti", &claims.jti)?;
        let organization = TypedId::new(self.ctx, &claims.organization);
        body.serialize_entry(self.ctx.profile().noun.id_claim(), &organization)?;
        body.end()
    }
}
