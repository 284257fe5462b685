//! What an upstream is told of who asks: plain headers, or one with a signed token.

use crate::base::jose::{Algorithm, sign_jwt};
use crate::context::Context;
use crate::oauth::access_token::TypedId;
use crate::platform::caller::{Caller, Credential};
use crate::store::StoreError;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::time::Duration;

/// The `typ` of such a token (RFC 8725 §3.11): it is no access token.
const TYP: &str = "grantd-identity+jwt";
const LIFETIME: Duration = Duration::from_secs(60);

/// Who asks, for the upstream at this origin; `request_id` finds the request in both logs.
pub async fn headers(ctx: &Context, caller: &Caller, origin: &str, request_id: &str) -> Result<HeaderMap, StoreError> {
    let settings = &ctx.config.gateway;
    let mut headers = HeaderMap::new();
    let mut tell = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(format!("{}{name}", settings.identity_headers).as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    };
    if settings.identity_jwt {
        tell("identity", &token(ctx, caller, origin, request_id).await?);
        return Ok(headers);
    }
    let (kind, id) = of_credential(&caller.credential);
    tell("organization", &caller.organization);
    tell("user", &caller.user);
    tell("app", caller.client_id.as_deref().unwrap_or_default());
    tell("grant", caller.grant.as_deref().unwrap_or_default());
    tell("scopes", &caller.scopes.join(" "));
    tell("credential", kind);
    tell("credential-id", id);
    Ok(headers)
}

fn of_credential(credential: &Credential) -> (&'static str, &str) {
    let id = match credential {
        Credential::AccessToken { jti: id } | Credential::PersonalToken { id } | Credential::ApiKey { id } => id,
    };
    (credential.kind(), id)
}

async fn token(ctx: &Context, caller: &Caller, origin: &str, request_id: &str) -> Result<String, StoreError> {
    let now = ctx.now();
    let exp = now + LIFETIME;
    let (kind, id) = of_credential(&caller.credential);
    let mut claims = json!({
        "iss": ctx.issuer(),
        "aud": origin,
        "sub": caller.user,
        "iat": now.seconds(),
        "exp": exp.seconds(),
        "jti": request_id,
        "scope": caller.scopes.join(" "),
        "credential": kind,
        "credential_id": id,
    });
    claims[ctx.profile().noun.id_claim()] = json!(TypedId::new(ctx, &caller.organization));
    for (name, value) in [("client_id", &caller.client_id), ("grant_id", &caller.grant)] {
        if let Some(value) = value {
            claims[name] = Value::from(value.as_str());
        }
    }
    let signer = ctx.keyring.signer(&ctx.key_tools(), Algorithm::EdDsa, exp).await?;
    let payload = serde_json::to_vec(&claims).expect("claims are plain data");
    Ok(sign_jwt(&signer.key, &signer.record.kid, TYP, &payload))
}
