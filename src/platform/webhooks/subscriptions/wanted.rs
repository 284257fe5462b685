//! A subscription as its caller wants it.

use super::refused::Refused;
use crate::base::json::parse_strict_object;
use crate::config::PaymentRules;
use crate::context::Context;
use crate::model::subscription::{DESCRIPTION_CHARS_MAX, EVENT_BYTES_MAX, EVENTS_MAX, METADATA_BYTES_MAX};
use crate::platform::webhooks::address;
use serde_json::{Map, Value};

/// Of the address, the newest name first.
const URL_NAMES: [&str; 4] = ["url", "endpointUrl", "callbackUrl", "webhookUrl"];

pub struct Wanted {
    pub url: String,
    pub events: Vec<String>,
    pub active: bool,
    pub description: Option<String>,
    /// A JSON object.
    pub metadata: String,
    pub rotate: bool,
}

impl Wanted {
    pub fn read(ctx: &Context, rules: &PaymentRules, body: &[u8]) -> Result<Self, Refused> {
        let sent: Map<String, Value> = parse_strict_object(body)
            .map_err(|error| Refused::invalid("invalid_request", format!("The body cannot be read: {error}.")))?;
        let mut url = None;
        for name in URL_NAMES {
            url = url.or(text(&sent, name)?.filter(|text| !text.is_empty()));
        }
        let url = url.ok_or_else(|| Refused::invalid("missing_callback_url", "The url is missing."))?;
        Ok(Self {
            url: address_of(ctx, url)?,
            events: events(rules, &sent)?,
            active: flag(&sent, "active")?.unwrap_or(true),
            description: description(&sent)?,
            metadata: metadata(&sent)?,
            rotate: flag(&sent, "rotateSecret")?.unwrap_or(false),
        })
    }
}

fn address_of(ctx: &Context, url: &str) -> Result<String, Refused> {
    address::normal(ctx, url.trim()).map_err(|fault| {
        let values: Vec<(&str, &str)> = fault.values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        Refused::invalid(
            "invalid_callback_url",
            ctx.config.pages.texts([]).fill(fault.key, &values),
        )
    })
}

fn events(rules: &PaymentRules, sent: &Map<String, Value>) -> Result<Vec<String>, Refused> {
    let bad = || {
        let family = rules.family();
        let what = format!("events must be up to {EVENTS_MAX} of `{family}*` and `{family}<name>`.");
        Refused::invalid("invalid_events", what)
    };
    let named = match sent.get("events") {
        None | Some(Value::Null) => return Ok(vec![rules.pattern()]),
        Some(Value::Array(named)) if named.len() <= EVENTS_MAX => named,
        Some(_) => return Err(bad()),
    };
    let mut events: Vec<String> = Vec::new();
    for event in named {
        let event = event
            .as_str()
            .filter(|event| event.len() <= EVENT_BYTES_MAX)
            .ok_or_else(bad)?;
        let name = event.strip_prefix(rules.family()).ok_or_else(bad)?;
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if name != "*" && !plain {
            return Err(bad());
        }
        if !events.iter().any(|known| known == event) {
            events.push(event.to_owned());
        }
    }
    if events.is_empty() {
        events.push(rules.pattern());
    }
    Ok(events)
}

fn description(sent: &Map<String, Value>) -> Result<Option<String>, Refused> {
    let found = text(sent, "description")?;
    if found.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX || text.contains(char::is_control)) {
        let what = format!("description must be one line of at most {DESCRIPTION_CHARS_MAX} characters.");
        return Err(Refused::invalid("invalid_description", what));
    }
    Ok(found.map(str::to_owned))
}

/// It is shown to whoever may read the subscription: what names itself a secret does not belong there.
fn metadata(sent: &Map<String, Value>) -> Result<String, Refused> {
    let bad = |what: String| Refused::invalid("invalid_metadata", what);
    let found = match sent.get("metadata") {
        None | Some(Value::Null) => return Ok("{}".to_owned()),
        Some(found @ Value::Object(_)) => found,
        Some(_) => return Err(bad("metadata must be an object.".into())),
    };
    if names_secret(found) {
        return Err(bad(
            "metadata is shown again: keep secrets out of it, in names too.".into()
        ));
    }
    let text = found.to_string();
    if text.len() > METADATA_BYTES_MAX {
        return Err(bad(format!(
            "metadata must have at most {METADATA_BYTES_MAX} bytes of JSON."
        )));
    }
    Ok(text)
}

fn names_secret(value: &Value) -> bool {
    match value {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.to_lowercase().contains("secret") || names_secret(value)),
        Value::Array(items) => items.iter().any(names_secret),
        _ => false,
    }
}

fn text<'s>(sent: &'s Map<String, Value>, name: &str) -> Result<Option<&'s str>, Refused> {
    match sent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refused::invalid("invalid_request", format!("{name} must be text."))),
    }
}

fn flag(sent: &Map<String, Value>, name: &str) -> Result<Option<bool>, Refused> {
    match sent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refused::invalid(
            "invalid_request",
            format!("{name} must be true or false."),
        )),
    }
}
