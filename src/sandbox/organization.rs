//! Who asks, and the organization they ask for.

use super::call::{Call, Reply};
use super::collections::single;
use super::refusal::Refusal;
use super::round::Round;
use crate::model::organization::Organization;
use crate::store::{StoreError, keys};
use http::Method;
use serde_json::{Map, Value, json};

/// Who am I.
pub async fn profile(call: &Call<'_>) -> Result<Reply, Refusal> {
    only_read(call)?;
    let noun = &call.ctx.profile().noun;
    let mut body = Map::new();
    body.insert("user".into(), json!({ "id": call.caller.user }));
    let organization = json!({ "id": call.organization_id(), "name": name(call).await? });
    body.insert(noun.singular.clone(), organization);
    body.insert("client_id".into(), json!(call.caller.client_id));
    body.insert("credential".into(), json!(call.caller.credential.kind()));
    body.insert("scopes".into(), json!(call.caller.scopes));
    Ok(Reply::ok(Value::Object(body)))
}

/// The organization itself.
pub async fn organization(call: &Call<'_>) -> Result<Reply, Refusal> {
    only_read(call)?;
    Ok(Reply::ok(Value::Object(identity(call).await?)))
}

/// Its settings as a merchant, and how it looks to customers: both beside the organization itself.
pub async fn settings(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let call = round.call;
    let settings = single(round).await?;
    if *call.method() != Method::GET {
        return Ok(Reply::ok(json!({ "ok": true, "settings": settings })));
    }
    let mut body = identity(call).await?;
    // Clients look for parts of them beside the settings as well.
    for (name, value) in settings.iter().filter(|(_, value)| value.is_object()) {
        body.entry(name.clone()).or_insert_with(|| value.clone());
    }
    body.insert("settings".into(), Value::Object(settings));
    Ok(Reply::ok(Value::Object(body)))
}

async fn identity(call: &Call<'_>) -> Result<Map<String, Value>, Refusal> {
    let name = name(call).await?;
    let slug = slug(&name).unwrap_or_else(|| call.organization().to_owned());
    let organization = json!({
        "id": call.organization_id(),
        "name": name,
        "slug": slug,
        "routeKey": slug,
        "pictureUrl": null,
    });
    let mut body = Map::new();
    body.insert(call.id_member(), call.organization_id());
    body.insert(call.ctx.profile().noun.singular.clone(), organization);
    Ok(body)
}

async fn name(call: &Call<'_>) -> Result<String, Refusal> {
    let key = keys::organization(call.organization());
    let found = call.ctx.load::<Organization>(&key).await?;
    let found = found.ok_or_else(|| StoreError::Corrupt("the caller's organization is gone".into()))?;
    Ok(found.name.clone())
}

/// `Your Company` → `your-company`.
fn slug(name: &str) -> Option<String> {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    (!slug.is_empty()).then_some(slug)
}

fn only_read(call: &Call<'_>) -> Result<(), Refusal> {
    let reads = *call.method() == Method::GET;
    reads.then_some(()).ok_or(Refusal::NotHere)
}
