//! Subscriptions of customers: made and listed. Nobody is billed.

use super::call::Reply;
use super::fields::{amount, flag, is_email, object, text};
use super::listed::{list, shown};
use super::refusal::Refusal;
use super::round::{NewDocument, Round};
use crate::base::time::Timestamp;
use http::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Units of an interval, and about how many days each has.
const UNITS: [(&str, u32); 4] = [("day", 1), ("week", 7), ("month", 30), ("year", 365)];
/// What a cadence is short for.
const CADENCES: [(&str, &str, u64); 6] = [
    ("daily", "day", 1),
    ("weekly", "week", 1),
    ("biweekly", "week", 2),
    ("monthly", "month", 1),
    ("quarterly", "month", 3),
    ("yearly", "year", 1),
];
const COUNT_MAX: u64 = 1000;
/// Kept as they were sent.
const TEXTS: [&str; 4] = ["label", "description", "timezone", "clientId"];

pub async fn answer(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let call = round.call;
    match (call.names_one(), call.method(), call.action) {
        (false, &Method::GET, _) => list(round, "subscriptions").await,
        (false, &Method::POST, _) => create(round).await,
        (true, &Method::GET, "") => {
            let found = round.named().await?;
            let found = found.ok_or(Refusal::NotFound("subscription_not_found", "subscription"))?;
            let mut body = json!({ "subscription": shown(&found)? });
            body[call.id_member()] = call.organization_id();
            Ok(Reply::ok(body))
        }
        _ => Err(Refusal::NotHere),
    }
}

async fn create(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let sent = round.call.body()?;
    let email = text(&sent, "customerEmail")?.filter(|email| is_email(email));
    let email =
        email.ok_or_else(|| Refusal::Invalid("invalid_email", "customerEmail must be an email address.".into()))?;
    let mut kept = Map::new();
    kept.insert("status".into(), json!("active"));
    kept.insert("customerEmail".into(), json!(email));
    kept.insert("amountUsd".into(), amount(&sent, "amountUsd")?);
    for name in TEXTS {
        kept.insert(name.into(), json!(text(&sent, name)?));
    }
    let interval = interval(&sent)?;
    kept.insert("cadence".into(), json!(interval.cadence));
    kept.insert("billingIntervalUnit".into(), json!(interval.unit));
    kept.insert("billingIntervalCount".into(), json!(interval.count));
    let start = text(&sent, "startAt")?.map(|start| {
        Timestamp::parse(start).ok_or_else(|| Refusal::invalid("startAt must be a time as 2030-01-31T08:00:00Z."))
    });
    let now = round.call.now();
    let starts_at = start.transpose()?.unwrap_or(now);
    let next = if starts_at > now {
        starts_at
    } else {
        starts_at + interval.span
    };
    kept.insert("startAt".into(), json!(starts_at.to_string()));
    kept.insert("nextBillingAt".into(), json!(next.to_string()));
    kept.insert(
        "sendPaymentRequestEmail".into(),
        json!(flag(&sent, "sendPaymentRequestEmail")?),
    );
    let metadata = object(&sent, "metadata")?.cloned().unwrap_or_default();
    kept.insert("metadata".into(), Value::Object(metadata));
    let made = round
        .insert(NewDocument {
            content: &kept,
            unique: None,
            has_page: false,
        })
        .await?;
    Ok(Reply::created(json!({ "ok": true, "subscription": shown(&made)? })))
}

struct Interval {
    cadence: String,
    unit: &'static str,
    count: u64,
    span: Duration,
}

/// A unit and a count, or the cadence that is short for them; else monthly.
fn interval(sent: &Map<String, Value>) -> Result<Interval, Refusal> {
    let cadence = text(sent, "cadence")?;
    let short = CADENCES.iter().find(|(name, ..)| Some(*name) == cadence);
    let sent_unit = text(sent, "billingIntervalUnit")?;
    let (unit, count) = match (short, sent_unit) {
        (_, Some(unit)) => (unit, 1),
        (Some((_, unit, count)), None) => (*unit, *count),
        (None, None) if cadence.is_none() => ("month", 1),
        (None, None) => {
            let known = CADENCES.map(|(name, ..)| name).join(", ");
            return Err(Refusal::invalid(format!(
                "cadence must be one of {known}, or stand beside billingIntervalUnit."
            )));
        }
    };
    let unit = unit.strip_suffix('s').unwrap_or(unit);
    let Some((unit, days)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(Refusal::invalid(
            "billingIntervalUnit must be day, week, month or year.",
        ));
    };
    let count = match sent.get("billingIntervalCount") {
        None | Some(Value::Null) => count,
        Some(sent) => {
            let sent = sent.as_u64().filter(|count| (1..=COUNT_MAX).contains(count));
            sent.ok_or_else(|| Refusal::invalid(format!("billingIntervalCount must be from 1 to {COUNT_MAX}.")))?
        }
    };
    let same = CADENCES.iter().find(|(_, u, c)| u == unit && *c == count);
    Ok(Interval {
        cadence: cadence.or(same.map(|(name, ..)| *name)).unwrap_or("custom").to_owned(),
        unit,
        count,
        span: DAY * *days * u32::try_from(count).unwrap_or(1),
    })
}
