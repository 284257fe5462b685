//! How an app shows who it is, its own tokens, and what of it was refused.

use super::call::{Call, stated};
use super::problem::Problem;
use super::{Answered, Reply};
use crate::base::time::Timestamp;
use crate::model::app::ClientSecret;
use crate::model::failure::{Compared, FAILURES_MAX, Failure};
use crate::model::issued_token::IssuedToken;
use crate::model::last_use::SECRET;
use crate::oauth::last_use;
use crate::platform::credentials::{self, NewSecret, ShownBy};
use crate::platform::failures;
use crate::platform::issued_tokens::{self, NewToken};
use crate::platform::refusal::Fault;
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /apps/{client_id}/secrets`.
pub async fn all(call: &Call<'_>, client_id: &str) -> Answered {
    let access = credentials::open(call.ctx, call.actor(), client_id).await?;
    let mut found = Vec::with_capacity(access.app.secrets.len());
    for secret in &access.app.secrets {
        found.push((secret, last_use::of(call.ctx, SECRET, &secret.id).await?));
    }
    let page = call.part(
        &found,
        |(held, _)| &held.id,
        |(held, used_at)| secret(call, held, *used_at),
    );
    Ok(Reply::ok(page))
}

fn secret(call: &Call<'_>, of: &ClientSecret, used_at: Option<Timestamp>) -> Value {
    json!({
        "id": of.id,
        "label": of.label,
        "created_at": of.created_at.to_string(),
        "expires_at": of.expires_at.map(|at| at.to_string()),
        "used_at": used_at.map(|at| at.to_string()),
        "status": if of.live(call.ctx.now()) { "live" } else { "ended" },
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    label: String,
    #[serde(default)]
    expires_at: Option<String>,
}

/// `POST /apps/{client_id}/secrets`: shown this once.
pub async fn add(call: &Call<'_>, client_id: &str) -> Answered {
    let body: New = call.body()?;
    credentials::open(call.ctx, call.actor(), client_id).await?;
    let expires_at = match body.expires_at {
        None => None,
        Some(text) => Some(Timestamp::parse(&text).ok_or(Fault::new("expires_at", "cred_expiry_bad"))?),
    };
    let wanted = NewSecret {
        label: body.label,
        expires_at,
    };
    let made = credentials::add_secret(call.ctx, call.actor(), client_id, &wanted).await;
    let made = made.map_err(|refusal| Problem::from(refusal).naming("expires", "expires_at"))?;
    let location = format!("/apps/{client_id}/secrets/{}", made.held.id);
    let view = secret(call, &made.held, None);
    Ok(Reply::made(
        json!({ "client_secret": made.shown, "secret": view }),
        location,
    ))
}

/// `DELETE /apps/{client_id}/secrets/{secret}`.
pub async fn revoke(call: &Call<'_>, client_id: &str, id: &str) -> Answered {
    credentials::revoke_secret(call.ctx, call.actor(), client_id, id).await?;
    Ok(Reply::nothing())
}

/// `GET /apps/{client_id}/jwks`.
pub async fn keys(call: &Call<'_>, client_id: &str) -> Answered {
    let access = credentials::open(call.ctx, call.actor(), client_id).await?;
    let by = ShownBy::of(&access.app).map(ShownBy::as_str);
    Ok(Reply::ok(json!({ "by": by, "keys": access.app.rules().jwks })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKeys {
    by: ByKeys,
    keys: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ByKeys {
    Both,
    PrivateKeyJwt,
}

/// `PUT /apps/{client_id}/jwks`: these keys and no others.
pub async fn set_keys(call: &Call<'_>, client_id: &str) -> Answered {
    let body: NewKeys = call.body()?;
    let by = match body.by {
        ByKeys::Both => ShownBy::Both,
        ByKeys::PrivateKeyJwt => ShownBy::Keys,
    };
    let set = json!({ "keys": body.keys }).to_string();
    let shown = credentials::show_by(call.ctx, call.actor(), client_id, by, &set).await;
    shown.map_err(|refusal| Problem::from(refusal).naming("jwks", "keys"))?;
    keys(call, client_id).await
}

/// `DELETE /apps/{client_id}/jwks`: by secrets again.
pub async fn remove_keys(call: &Call<'_>, client_id: &str) -> Answered {
    credentials::show_by(call.ctx, call.actor(), client_id, ShownBy::Secret, "").await?;
    Ok(Reply::nothing())
}

/// `GET /apps/{client_id}/tokens`.
pub async fn tokens(call: &Call<'_>, client_id: &str) -> Answered {
    let access = credentials::open(call.ctx, call.actor(), client_id).await?;
    let found = issued_tokens::list(call.ctx, &access).await?;
    Ok(Reply::ok(call.part(&found, |token| &token.jti, token)))
}

fn token(of: &IssuedToken) -> Value {
    json!({
        "jti": of.jti,
        "label": of.label,
        "scopes": of.scopes,
        "resource": of.resource,
        "by": of.by,
        "created_at": of.created_at.to_string(),
        "expires_at": of.expires_at.to_string(),
        "revoked_at": of.revoked_at.map(|at| at.to_string()),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAppToken {
    label: String,
    scopes: Vec<String>,
    #[serde(default, deserialize_with = "stated")]
    resource: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    lifetime_s: Option<u64>,
}

/// `POST /apps/{client_id}/tokens`: shown this once.
pub async fn make_token(call: &Call<'_>, client_id: &str) -> Answered {
    let body: NewAppToken = call.body()?;
    let wanted = NewToken {
        label: body.label,
        scopes: body.scopes,
        resource: body.resource,
        lifetime_s: body.lifetime_s,
    };
    let made = issued_tokens::create(call.ctx, call.actor(), client_id, &wanted).await;
    let named = |problem: Problem| problem.naming("scope", "scopes").naming("lifetime", "lifetime_s");
    let made = made.map_err(|refusal| named(refusal.into()))?;
    let location = format!("/apps/{client_id}/tokens/{}", made.record.jti);
    let view = token(&made.record);
    Ok(Reply::made(
        json!({ "access_token": made.shown, "token": view }),
        location,
    ))
}

/// `DELETE /apps/{client_id}/tokens/{token}`.
pub async fn revoke_token(call: &Call<'_>, client_id: &str, jti: &str) -> Answered {
    issued_tokens::revoke(call.ctx, call.actor(), client_id, jti).await?;
    Ok(Reply::nothing())
}

/// `GET /apps/{client_id}/failures`, with `id` the one with this error id.
pub async fn refused(call: &Call<'_>, client_id: &str) -> Answered {
    let access = failures::open(call.ctx, call.actor(), client_id).await?;
    let found = match call.filter("id")? {
        Some(id) => failures::find(call.ctx, &access, id).await?.into_iter().collect(),
        None => failures::list(call.ctx, &access, None, 2 * FAILURES_MAX as u32).await?,
    };
    Ok(Reply::ok(call.part(&found, |of| &of.id, |of| failure(call, of))))
}

fn failure(call: &Call<'_>, of: &Failure) -> Value {
    let texts = call.ctx.config.pages.texts([]);
    let compared = |of: &Compared| json!({ "name": of.name, "received": of.received, "registered": of.registered });
    json!({
        "id": of.id,
        "at": of.at.to_string(),
        "endpoint": of.endpoint,
        "rule": of.rule.as_str(),
        "section": of.rule.section(),
        "explanation": texts.get(failures::sentence(of.rule)),
        "error": of.error,
        "description": of.description,
        "compared": of.compared.iter().map(compared).collect::<Vec<_>>(),
    })
}
