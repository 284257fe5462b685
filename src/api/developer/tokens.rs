//! Personal access tokens.

use super::call::{Call, stated};
use super::{Answered, Reply};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::personal_token::PersonalToken;
use crate::oauth::access_token::TypedId;
use crate::platform::personal_tokens::lists::{self, Listed};
use crate::platform::personal_tokens::{self, Expiry, NewToken};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /tokens`: one's own, in the token's organization.
pub async fn own(call: &Call<'_>) -> Answered {
    let tokens = lists::own(call.ctx, call.actor()).await?;
    let row = |listed: &Listed| view(call.ctx, &listed.token, listed.live, listed.used_at);
    Ok(Reply::ok(call.part(&tokens, |listed| &listed.token.id, row)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: String,
    #[serde(default, deserialize_with = "stated")]
    scopes: Option<Vec<String>>,
    /// `null` is for ever; left out is as the profile has it.
    #[serde(default, deserialize_with = "stated")]
    expires_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    user: Option<String>,
}

/// `POST /tokens`.
pub async fn create(call: &Call<'_>) -> Answered {
    let body: Body = call.body()?;
    let expiry = match body.expires_at {
        None => Expiry::Usual,
        Some(None) => Expiry::Never,
        Some(Some(text)) => Timestamp::parse(&text).map_or(Expiry::Unreadable, Expiry::At),
    };
    let new = NewToken {
        organization: call.organization().to_owned(),
        member: body.user,
        name: body.name,
        scopes: body.scopes,
        expiry,
    };
    let made = personal_tokens::create(call.ctx, call.actor(), &new).await?;
    let location = format!("/tokens/{}", made.token.id);
    let view = view(call.ctx, &made.token, true, None);
    Ok(Reply::made(json!({ "secret": made.text, "token": view }), location))
}

/// `DELETE /tokens/{token}`.
pub async fn revoke(call: &Call<'_>, id: &str) -> Answered {
    let token = lists::find_own(call.ctx, call.actor(), id).await?;
    personal_tokens::revoke(call.ctx, call.actor(), &token).await?;
    Ok(Reply::nothing())
}

/// `GET /organizations/{organization}/tokens`: everybody's.
pub async fn all(call: &Call<'_>, organization: &str) -> Answered {
    let (tokens, next) = lists::of_organization(call.ctx, call.actor(), organization, call.after(), call.limit).await?;
    Ok(Reply::ok(call.page(views(call.ctx, &tokens), next)))
}

/// `DELETE /organizations/{organization}/tokens/{token}`: anybody's.
pub async fn revoke_any(call: &Call<'_>, organization: &str, id: &str) -> Answered {
    let token = lists::find_in(call.ctx, call.actor(), organization, id).await?;
    personal_tokens::revoke(call.ctx, call.actor(), &token).await?;
    Ok(Reply::nothing())
}

fn views(ctx: &Context, tokens: &[Listed]) -> Vec<Value> {
    tokens
        .iter()
        .map(|listed| view(ctx, &listed.token, listed.live, listed.used_at))
        .collect()
}

pub fn view(ctx: &Context, token: &PersonalToken, live: bool, used_at: Option<Timestamp>) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "user": token.user,
        ctx.profile().noun.id_claim(): TypedId::new(ctx, &token.organization),
        "scopes": token.scopes,
        "created_by": token.created_by,
        "created_at": token.created_at.to_string(),
        "expires_at": token.expires_at.map(|at| at.to_string()),
        "used_at": used_at.map(|at| at.to_string()),
        "status": if live { "live" } else { "ended" },
    })
}
