//! `POST /oauth/introspect` (RFC 7662): what a token is worth now, told only to those it was made for.

use super::access_token::{Claims, TypedId, standing, verify};
use super::client_auth::{self, Credentials};
use super::delegated::{self, Approval};
use super::error::OAuthError;
use super::{personal_token, refresh_token, scope};
use crate::base::time::Timestamp;
use crate::config::Resource;
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::family::Family;
use crate::store::records::load;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::json;

pub async fn introspect<'a>(ctx: &'a Context, credentials: &Credentials<'_>) -> Result<Answer<'a>, OAuthError> {
    let caller = client_auth::confidential(ctx, credentials).await?;
    let Some(token) = credentials.params.get("token")? else {
        return Err(OAuthError::invalid_request("The parameter token is missing."));
    };
    // RFC 7662 §2.1: the hint only speeds up a search, and a token shows of which kind it is.
    credentials.params.get("token_type_hint")?;
    let active = if refresh_token::claimed(ctx, token) {
        of_refresh_token(ctx, &caller, token).await?
    } else if personal_token::claimed(ctx, token) {
        of_personal_token(ctx, &caller, token).await?
    } else {
        of_access_token(ctx, &caller, token).await?
    };
    Ok(Answer { ctx, active })
}

async fn of_access_token(ctx: &Context, caller: &App, token: &str) -> Result<Option<Active>, OAuthError> {
    let Ok(claims) = verify(ctx, token) else {
        return Ok(None);
    };
    if !may_see(ctx, caller, &claims) {
        return Ok(None);
    }
    let Ok(scopes) = standing(ctx, &claims).await? else {
        return Ok(None);
    };
    Ok(Some(Active {
        scope: scopes.join(" "),
        token_type: Some(claims.token_type()),
        client_id: Some(claims.client_id),
        exp: Some(claims.exp),
        iat: claims.iat,
        sub: claims.sub,
        aud: Some(claims.aud),
        jti: Some(claims.jti),
        organization: claims.organization,
        grant: claims.grant.map(|ids| ids.grant),
        native: claims.native,
        jkt: claims.jkt,
    }))
}

/// A token is shown to the client it was issued to and to those who guard its audience (RFC 7662 §4).
fn may_see(ctx: &Context, caller: &App, claims: &Claims) -> bool {
    let audience = ctx.profile().resource(&claims.aud);
    caller.client_id == claims.client_id
        || caller.introspects.contains(&claims.aud)
        || audience.is_some_and(|r| r.introspection_clients.contains(&caller.client_id))
}

/// It is for every resource of this server, so whoever guards one of them is told.
async fn of_personal_token(ctx: &Context, caller: &App, token: &str) -> Result<Option<Active>, OAuthError> {
    let guards = |resource: &Resource| {
        caller.introspects.contains(&resource.identifier) || resource.introspection_clients.contains(&caller.client_id)
    };
    if !ctx.profile().resources.iter().any(guards) {
        return Ok(None);
    }
    let Ok(acting) = personal_token::verify(ctx, token).await? else {
        return Ok(None);
    };
    // One for the JSON API alone is worth nothing at any resource.
    if acting.scopes.is_empty() {
        return Ok(None);
    }
    let token = &acting.token.value;
    Ok(Some(Active {
        scope: acting.scopes.join(" "),
        client_id: None,
        token_type: Some("Bearer"),
        exp: token.expires_at,
        iat: token.created_at,
        sub: token.user.clone(),
        aud: None,
        jti: None,
        organization: token.organization.clone(),
        grant: None,
        native: false,
        jkt: None,
    }))
}

/// Shown to its own client alone, and active only while it is the live one of its family.
async fn of_refresh_token(ctx: &Context, caller: &App, token: &str) -> Result<Option<Active>, OAuthError> {
    let Some(place) = refresh_token::read(ctx, token) else {
        return Ok(None);
    };
    let Some(family) = load::<Family>(&*ctx.store, &place.family_key()).await? else {
        return Ok(None);
    };
    let live = place.number == family.counter && family.is_live(&ctx.secret, token) && family.alive(ctx.now());
    if !live || family.client_id != caller.client_id {
        return Ok(None);
    }
    let approval = Approval {
        organization: &family.organization,
        user: &family.user,
        grant: &family.grant,
        stamps: &family.stamps,
    };
    let Ok(delegated) = delegated::standing(ctx, caller, &approval).await? else {
        return Ok(None);
    };
    let family = family.value;
    let scopes = scope::effective(&ctx.profile().scopes, caller, delegated.stands.role, &family.scopes);
    if scopes.is_empty() {
        return Ok(None);
    }
    Ok(Some(Active {
        scope: scopes.join(" "),
        token_type: None,
        exp: Some(family.expiry()),
        iat: family.used_at,
        client_id: Some(family.client_id),
        sub: family.user,
        aud: Some(family.resource),
        jti: None,
        organization: family.organization,
        grant: Some(family.grant),
        native: caller.kind == Kind::Native,
        jkt: family.jkt,
    }))
}

/// What is told of a token that works (RFC 7662 §2.2).
struct Active {
    /// What of it is effective now.
    scope: String,
    /// `None` for a personal access token: it is no client's.
    client_id: Option<String>,
    /// `None` for a refresh token, which is shown to no resource.
    token_type: Option<&'static str>,
    exp: Option<Timestamp>,
    iat: Timestamp,
    sub: String,
    /// `None` for a personal access token, which is for every resource.
    aud: Option<String>,
    jti: Option<String>,
    organization: String,
    grant: Option<String>,
    /// Of an installation, whose id is the client_id.
    native: bool,
    jkt: Option<String>,
}

/// RFC 7662 §2.2. Of a token that is not active nothing is told.
pub struct Answer<'a> {
    ctx: &'a Context,
    active: Option<Active>,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        let Some(active) = &self.active else {
            body.serialize_entry("active", &false)?;
            return body.end();
        };
        body.serialize_entry("active", &true)?;
        body.serialize_entry("scope", &active.scope)?;
        if let Some(client_id) = &active.client_id {
            body.serialize_entry("client_id", client_id)?;
        }
        if let Some(token_type) = active.token_type {
            body.serialize_entry("token_type", token_type)?;
        }
        if let Some(exp) = active.exp {
            body.serialize_entry("exp", &exp.seconds())?;
        }
        body.serialize_entry("iat", &active.iat.seconds())?;
        body.serialize_entry("sub", &active.sub)?;
        if let Some(aud) = &active.aud {
            body.serialize_entry("aud", aud)?;
        }
        body.serialize_entry("iss", self.ctx.issuer())?;
        if let Some(jti) = &active.jti {
            body.serialize_entry("jti", jti)?;
        }
        let organization = TypedId::new(self.ctx, &active.organization);
        body.serialize_entry(self.ctx.profile().noun.id_claim(), &organization)?;
        if let Some(grant) = &active.grant {
            body.serialize_entry("grant_id", grant)?;
        }
        if let Some(client_id) = active.client_id.as_ref().filter(|_| active.native) {
            body.serialize_entry("installation_id", client_id)?;
        }
        // RFC 9449 §6.2.
        if let Some(jkt) = &active.jkt {
            body.serialize_entry("cnf", &json!({ "jkt": jkt }))?;
        }
        body.end()
    }
}
