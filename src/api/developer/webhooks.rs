//! Webhooks of apps.

use super::call::{Call, stated};
use super::{Answered, Reply};
use crate::base::time::Timestamp;
use crate::model::delivery::{Delivery, State};
use crate::model::endpoint::Endpoint;
use crate::platform::developer_api::table::Op;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::platform::webhooks::log::{Edge, Filter};
use crate::platform::webhooks::{self, Made, Wanted, deliveries, resending};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /apps/{client_id}/webhooks`: all of them, since there are few.
pub async fn all(call: &Call<'_>, app: &str) -> Answered {
    let access = webhooks::open(call.ctx, call.actor(), app).await?;
    let may = crate::platform::rights::may(Right::ChangeApp, access.relation);
    let found = webhooks::list(call.ctx, &access).await?;
    let items = found.iter().map(|endpoint| view(endpoint, may)).collect();
    Ok(Reply::ok(call.page(items, None)))
}

/// `GET /apps/{client_id}/webhooks/{webhook}`.
pub async fn one(call: &Call<'_>, app: &str, id: &str) -> Answered {
    let access = webhooks::open(call.ctx, call.actor(), app).await?;
    let may = crate::platform::rights::may(Right::ChangeApp, access.relation);
    let endpoint = webhooks::find(call.ctx, &access, id).await?;
    Ok(Reply::ok(view(&endpoint, may)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    label: String,
    url: String,
    #[serde(default, deserialize_with = "stated")]
    events: Option<Vec<String>>,
    #[serde(default, deserialize_with = "stated")]
    in_order: Option<bool>,
}

/// `POST /apps/{client_id}/webhooks`.
pub async fn create(call: &Call<'_>, app: &str) -> Answered {
    let body: New = call.body()?;
    let wanted = Wanted {
        label: body.label,
        url: body.url,
        events: body.events.unwrap_or_default(),
        in_order: body.in_order.unwrap_or_default(),
    };
    let made = webhooks::add(call.ctx, call.actor(), app, &wanted).await?;
    let location = format!("/apps/{app}/webhooks/{}", made.endpoint.id);
    Ok(Reply::made(shown(&made), location))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default, deserialize_with = "stated")]
    label: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    url: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    events: Option<Vec<String>>,
    #[serde(default, deserialize_with = "stated")]
    in_order: Option<bool>,
    #[serde(default, deserialize_with = "stated")]
    enabled: Option<bool>,
}

/// `PATCH /apps/{client_id}/webhooks/{webhook}`: what is not said stays.
pub async fn change(call: &Call<'_>, app: &str, id: &str) -> Answered {
    let body: Change = call.body()?;
    let (ctx, actor) = (call.ctx, call.actor());
    let access = actor.on_app(ctx, app, Right::ChangeApp).await?;
    let now = webhooks::find(ctx, &access, id).await?;
    let events = || now.kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let wanted = Wanted {
        label: body.label.unwrap_or_else(|| now.label.clone()),
        url: body.url.unwrap_or_else(|| now.url.clone()),
        events: body.events.unwrap_or_else(events),
        in_order: body.in_order.unwrap_or(now.in_order),
    };
    webhooks::change(ctx, actor, app, id, &wanted).await?;
    if let Some(enabled) = body.enabled {
        webhooks::enable(ctx, actor, app, id, enabled).await?;
    }
    one(call, app, id).await
}

/// `DELETE /apps/{client_id}/webhooks/{webhook}`.
pub async fn remove(call: &Call<'_>, app: &str, id: &str) -> Answered {
    webhooks::remove(call.ctx, call.actor(), app, id).await?;
    Ok(Reply::nothing())
}

/// `POST /apps/{client_id}/webhooks/{webhook}/secret`.
pub async fn rotate(call: &Call<'_>, app: &str, id: &str) -> Answered {
    let made = webhooks::rotate(call.ctx, call.actor(), app, id).await?;
    Ok(Reply::ok(shown(&made)))
}

/// `POST /apps/{client_id}/webhooks/{webhook}/test`.
pub async fn test(call: &Call<'_>, app: &str, id: &str) -> Answered {
    let delivery = deliveries::test(call.ctx, call.actor(), app, id).await?;
    Ok(Reply::ok(view_of(&delivery)))
}

/// `GET /apps/{client_id}/webhooks/{webhook}/deliveries`.
pub async fn log(call: &Call<'_>, app: &str, id: &str) -> Answered {
    let access = webhooks::open(call.ctx, call.actor(), app).await?;
    let state = |name: &str| State::ALL.into_iter().find(|state| state.as_str() == name);
    let filter = Filter {
        state: call.filter_as("status", state)?,
        from: call.filter_as("from", Timestamp::parse)?.map(Edge::Time),
        until: call.filter_as("until", Timestamp::parse)?.map(Edge::Time),
    };
    let listed = deliveries::list(call.ctx, &access, id, &filter, call.after(), call.limit).await?;
    let items = listed.rows.iter().map(view_of).collect();
    Ok(Reply::ok(call.page(items, listed.next)))
}

/// `GET /apps/{client_id}/webhooks/{webhook}/deliveries/{delivery}`.
pub async fn delivery(call: &Call<'_>, app: &str, id: &str, delivery: &str) -> Answered {
    let access = webhooks::open(call.ctx, call.actor(), app).await?;
    let found = deliveries::one(call.ctx, &access, id, delivery).await?;
    Ok(Reply::ok(view_of(&found)))
}

/// `POST /apps/{client_id}/webhooks/{webhook}/deliveries/{delivery}/resend`.
/// Without a delivery in its address: many of them.
pub async fn resend(call: &Call<'_>, app: &str, id: &str, delivery: &str) -> Answered {
    if call.operation.op == Op::ResendRange {
        return resend_range(call, app, id).await;
    }
    let again = resending::one(call.ctx, call.actor(), app, id, delivery).await?;
    Ok(Reply::ok(view_of(&again)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    #[serde(default, deserialize_with = "stated")]
    from: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    until: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    from_delivery: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    until_delivery: Option<String>,
    #[serde(default, deserialize_with = "stated")]
    status: Option<String>,
}

/// `POST /apps/{client_id}/webhooks/{webhook}/resend`.
async fn resend_range(call: &Call<'_>, app: &str, id: &str) -> Answered {
    let body: Range = call.body()?;
    let mut faults = Vec::new();
    let over = State::ALL.into_iter().filter(|state| *state != State::Pending);
    let named = |name: &String| over.clone().find(|state| state.as_str() == name);
    let state = body.status.as_ref().map(named);
    if state == Some(None) {
        faults.push(Fault::new("status", "hook_status_bad"));
    }
    let filter = Filter {
        state: state.flatten(),
        from: edge(
            ("from", &body.from),
            ("from_delivery", &body.from_delivery),
            &mut faults,
        ),
        until: edge(
            ("until", &body.until),
            ("until_delivery", &body.until_delivery),
            &mut faults,
        ),
    };
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults).into());
    }
    let resent = resending::range(call.ctx, call.actor(), app, id, &filter).await?;
    Ok(Reply::ok(json!({ "resent": resent.count, "next": resent.next })))
}

/// A time or a delivery.
fn edge(
    (time_field, time): (&'static str, &Option<String>),
    (field, delivery): (&'static str, &Option<String>),
    faults: &mut Vec<Fault>,
) -> Option<Edge> {
    let (field, edge) = match (time, delivery) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            faults.push(Fault::new(field, "hook_edge_both"));
            return None;
        }
        (Some(time), None) => (time_field, Timestamp::parse(time).map(Edge::Time)),
        (None, Some(delivery)) => (field, Edge::of_delivery(delivery)),
    };
    if edge.is_none() {
        faults.push(Fault::new(field, "hook_edge_bad"));
    }
    edge
}

fn shown(made: &Made) -> Value {
    json!({ "secret": made.secret.expose(), "webhook": view(&made.endpoint, true) })
}

/// Whoever may not change it does not see the query of its address.
fn view(endpoint: &Endpoint, whole: bool) -> Value {
    json!({
        "id": endpoint.id,
        "label": endpoint.label,
        "url": if whole { &endpoint.url } else { endpoint.url_without_query() },
        "events": endpoint.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "in_order": endpoint.in_order,
        "status": endpoint.standing.as_str(),
        "failing_since": endpoint.failing_since.map(|at| at.to_string()),
        "secret_created_at": endpoint.secret_at.to_string(),
        "created_at": endpoint.created_at.to_string(),
    })
}

fn view_of(delivery: &Delivery) -> Value {
    let status = delivery.attempts.last().map(|(_, status, _)| *status);
    let pending = delivery.state == State::Pending;
    json!({
        "id": delivery.id,
        "event": delivery.event,
        "type": delivery.kind,
        "status": delivery.state.as_str(),
        "origin": delivery.origin.as_str(),
        "created_at": delivery.at.to_string(),
        "next_attempt_at": pending.then(|| delivery.next_attempt_at.to_string()),
        "attempts": delivery.attempted,
        "response_status": status.filter(|status| *status > 0),
        "response": delivery.answer,
        "error": delivery.trouble,
        "body": delivery.body,
    })
}
