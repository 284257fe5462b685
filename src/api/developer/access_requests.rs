//! Access requests, for administrators.

use super::call::{Call, stated};
use super::{Answered, Reply};
use crate::context::Context;
use crate::model::access_request::{AccessRequest, Answer, Offer, Outcome};
use crate::oauth::access_token::TypedId;
use crate::platform::access_requests::answers::{self, Acceptance};
use crate::platform::access_requests::{look, queue};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /access-requests`: what waits, longest first.
pub async fn waiting(call: &Call<'_>) -> Answered {
    let (rows, next) = queue(call.ctx, call.actor(), call.after(), call.limit).await?;
    let items = rows.iter().map(|of| view(call.ctx, of)).collect();
    Ok(Reply::ok(call.page(items, next)))
}

/// `GET /access-requests/{request}`: answered or not.
pub async fn one(call: &Call<'_>, id: &str) -> Answered {
    let found = look(call.ctx, call.actor(), id).await?;
    Ok(Reply::ok(view(call.ctx, &found)))
}

fn view(ctx: &Context, of: &AccessRequest) -> Value {
    json!({
        "id": of.id,
        "name": of.name,
        "organization": of.organization,
        "email": of.email,
        "integration": of.integration.as_str(),
        "description": of.description,
        "at": of.at.to_string(),
        "answer": of.answer.as_ref().map(|answer| answered(ctx, answer)),
    })
}

fn answered(ctx: &Context, of: &Answer) -> Value {
    let (note, made) = match &of.outcome {
        Outcome::Declined { note } => (Some(note), None),
        Outcome::Accepted(made) => (None, Some(offer(ctx, made))),
    };
    json!({ "accepted": made.is_some(), "by": of.by, "at": of.at.to_string(), "note": note, "offer": made })
}

fn offer(ctx: &Context, of: &Offer) -> Value {
    json!({
        ctx.profile().noun.id_claim(): TypedId::new(ctx, &of.organization),
        "role": of.role,
        "kind": of.kind,
        "name": of.name,
        "scopes": of.scopes,
        "client_id": of.client_id,
        "days": of.days,
        "token": of.token,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepting {
    #[serde(default, deserialize_with = "stated")]
    organization: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    organization_name: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    role: Option<String>,
    kind: String,
    app_name: String,
    #[serde(default, deserialize_with = "stated")]
    days: Option<u32>,
    scopes: Vec<String>,
}

/// `POST /access-requests/{request}/accept`. The invitation's link, where no mail server takes it.
pub async fn accept(call: &Call<'_>, id: &str) -> Answered {
    let body: Accepting = call.body()?;
    let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    let (organization, name) = (text(&body.organization), text(&body.organization_name));
    let role = text(&body.role);
    let scopes: Vec<&str> = body.scopes.iter().map(String::as_str).collect();
    let days = body.days.map_or(String::new(), |days| days.to_string());
    let acceptance = Acceptance {
        organization: &organization,
        organization_name: &name,
        role: &role,
        kind: &body.kind,
        app_name: &body.app_name,
        scopes: &scopes,
        days: &days,
    };
    let invitation = answers::accept(call.ctx, call.actor(), id, acceptance).await?;
    Ok(Reply::ok(json!({ "invitation": invitation })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declining {
    note: String,
}

/// `POST /access-requests/{request}/decline`.
pub async fn decline(call: &Call<'_>, id: &str) -> Answered {
    let body: Declining = call.body()?;
    answers::decline(call.ctx, call.actor(), id, &body.note).await?;
    Ok(Reply::nothing())
}
