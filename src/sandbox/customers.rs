//! Customers of a merchant: one for each email address.

use super::call::Reply;
use super::collections::content;
use super::fields::{is_email, object, text, text_of};
use super::ids;
use super::listed::{list, shown};
use super::merge::merge;
use super::refusal::Refusal;
use super::round::{NewDocument, Round};
use crate::model::document::{Document, unique_key};
use crate::store::records::Versioned;
use http::Method;
use serde_json::{Map, Value, json};

pub async fn answer(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let call = round.call;
    match (call.names_one(), call.method(), call.action) {
        (false, &Method::GET, _) => list(round, "customers").await,
        (false, &Method::POST, _) => upsert(round).await,
        (true, &Method::GET, "") => {
            let mut body = json!({ "customer": shown(&*named(round).await?)? });
            body[call.id_member()] = call.organization_id();
            Ok(Reply::ok(body))
        }
        (true, &Method::POST, "portal") => {
            let customer = named(round).await?;
            let body = call.body_if_any()?;
            text(&body, "returnUrl")?;
            let url = format!("{}/payment/customers/{}", call.ctx.issuer(), customer.id);
            Ok(Reply::ok(json!({ "ok": true, "portalUrl": url, "url": url })))
        }
        _ => Err(Refusal::NotHere),
    }
}

/// Known by their address, whatever its case; or by the id that they were given here.
async fn upsert(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let sent = round.call.body()?;
    let email = text_of(&sent, &["email", "customerEmail"])?;
    let email = email.filter(|email| is_email(email)).map(str::to_lowercase);
    let email = email.ok_or_else(|| Refusal::Invalid("invalid_email", "email must be an email address.".into()))?;
    let unique = unique_key(&email);
    let there = match (round.by_unique(&unique).await?, text(&sent, "id")?) {
        (Some(there), _) => Some(there),
        (None, Some(id)) if ids::is_one(id) => {
            let found = round.one(id).await?;
            found.filter(|found| found.live(round.call.now()))
        }
        (None, _) => None,
    };
    let mut customer: Map<String, Value> = match &there {
        Some(there) => content(there)?,
        None => Map::from_iter([
            ("email".into(), json!(email)),
            ("name".into(), Value::Null),
            ("clientId".into(), Value::Null),
            ("metadata".into(), json!({})),
        ]),
    };
    customer.insert("email".into(), json!(email));
    for name in ["name", "clientId"] {
        if let Some(value) = text(&sent, name)? {
            customer.insert(name.into(), json!(value));
        }
    }
    if let Some(metadata) = object(&sent, "metadata")? {
        let mut merged = object(&customer, "metadata")?.cloned().unwrap_or_default();
        merge(&mut merged, metadata.clone());
        customer.insert("metadata".into(), Value::Object(merged));
    }
    let reply = |customer: &Document| Ok::<_, Refusal>(json!({ "ok": true, "customer": shown(customer)? }));
    match there {
        Some(there) => {
            let changed = round.replace_unique(&there, &customer, &unique)?;
            Ok(Reply::ok(reply(&changed)?))
        }
        None => {
            let made = round
                .insert(NewDocument {
                    content: &customer,
                    unique: Some(unique),
                    has_page: false,
                })
                .await?;
            Ok(Reply::created(reply(&made)?))
        }
    }
}

async fn named(round: &Round<'_>) -> Result<Versioned<Document>, Refusal> {
    let found = round.named().await?;
    found.ok_or(Refusal::NotFound("customer_not_found", "customer"))
}
