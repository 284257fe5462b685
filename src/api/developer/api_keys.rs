//! API keys of an organization.

use super::call::Call;
use super::{Answered, Reply};
use crate::base::time::Timestamp;
use crate::model::api_key::ApiKey;
use crate::platform::api_keys::{self, Listed, NewKey};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /organizations/{organization}/api-keys`.
pub async fn all(call: &Call<'_>, organization: &str) -> Answered {
    let found = api_keys::list(call.ctx, call.actor(), organization).await?;
    let row = |of: &Listed| view(&of.key, &of.scopes, of.used_at);
    Ok(Reply::ok(call.part(&found, |of| &of.key.id, row)))
}

fn view(key: &ApiKey, effective: &[String], used_at: Option<Timestamp>) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "effective_scopes": effective,
        "created_by": key.created_by,
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "used_at": used_at.map(|at| at.to_string()),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    scopes: Vec<String>,
    /// Null: until somebody revokes it.
    #[serde(deserialize_with = "Option::deserialize")]
    days: Option<u64>,
}

/// `POST /organizations/{organization}/api-keys`: its secret is shown this once.
pub async fn make(call: &Call<'_>, organization: &str) -> Answered {
    let body: New = call.body()?;
    let new = NewKey {
        name: &body.name,
        scopes: body.scopes,
        days: body.days,
    };
    let made = api_keys::create(call.ctx, call.actor(), organization, &new).await?;
    let location = format!("/organizations/{organization}/api-keys/{}", made.key.id);
    let view = view(&made.key, &made.key.scopes, None);
    Ok(Reply::made(
        json!({ "secret": made.secret.expose(), "key": view }),
        location,
    ))
}

/// `DELETE /organizations/{organization}/api-keys/{key}`.
pub async fn revoke(call: &Call<'_>, organization: &str, id: &str) -> Answered {
    api_keys::revoke(call.ctx, call.actor(), organization, id).await?;
    Ok(Reply::nothing())
}
