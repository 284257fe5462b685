//! The page of a payment link, for people and for tests of webhooks: it begins a session and brings it to any status.
//!
//! Whoever has the link's address may do so, as at a real till. The pages read no cookie and show no credential, so a
//! form that another site sends does nothing that its sender could not do without a browser.

pub use super::payment_links::SessionStatus;
pub use super::payment_links::sessions::{Halt, advance, find, start};

use super::payment_links::{COLLECTION, Link, LinkStatus};
use crate::base::throttle::Throttle;
use crate::config::Texts;
use crate::config::routes::Upstream;
use crate::context::Context;
use crate::model::counts::Limit;
use crate::model::document::Document;
use maud::{Markup, html};
use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;

/// In every language: who sends funds here loses them.
const WARNING: &str = "Do not send real funds";
const SHOWN_CHARS_MAX: usize = 200;
/// Members of the payload that people are shown.
const SHOWN: [(&str, &str); 3] = [
    ("title", "checkout_title"),
    ("description", "checkout_description"),
    ("orderId", "checkout_order"),
];

/// Whether there are such pages at all: a route of the API leads to the payment links of the sandbox.
pub fn is_open(ctx: &Context) -> bool {
    let routes = ctx.routes();
    let mut rows = routes.rows().iter();
    rows.any(|row| row.upstream == Upstream::Sandbox && row.sandbox.as_deref() == Some(COLLECTION))
}

/// Counts a change that somebody unknown makes, or says how long to wait with it.
pub fn throttled(ctx: &Context, uid: &str, peer: IpAddr) -> Option<Duration> {
    let throttle: &Throttle = &ctx.pushes;
    ctx.held_back(Limit::Pushes, throttle.take(&format!("payment {uid}"), peer, ctx.now()))
}

/// What stands below the page's heading.
pub fn body(ctx: &Context, texts: &Texts, document: &Document, link: &Link, halt: Option<Halt>) -> Markup {
    let own = |what: &str| format!("/payment/{}{what}", document.id);
    let session = link.session.as_ref();
    let goes_on = session.is_some_and(|session| !session.status.has_ended());
    let closed = link.status != LinkStatus::Active || link.is_expired(ctx.now());
    html! {
        p.notice.warning { strong { (WARNING) "." } " " (texts.get("checkout_warning")) }
        @if let Some(halt) = halt {
            p.notice.danger role="alert" { (texts.get(told(halt))) }
        }
        dl {
            dt { (texts.get("checkout_amount")) }
            dd { bdi { (amount(link)) } }
            @for (member, label) in SHOWN {
                @if let Some(text) = shown(link, member) {
                    dt { (texts.get(label)) }
                    dd { bdi { (text) } }
                }
            }
            dt { (texts.get("checkout_status")) }
            dd { code { (session.map_or(link.status.as_str(), |session| session.status.as_str())) } }
            @if let Some(session) = session {
                dt { (texts.get("checkout_address")) }
                dd { code { (session.address()) } }
            }
        }
        @if !goes_on && closed && halt.is_none() {
            p { (texts.get("checkout_closed")) }
        }
        @if let Some(session) = session {
            form method="post" action=(own("/session")) {
                label for="status" { (texts.get("checkout_advance")) }
                select #status name="status" {
                    @for status in SessionStatus::ALL {
                        option value=(status.as_str()) selected[status == session.status] { (status.as_str()) }
                    }
                }
                p.hint { (texts.get("checkout_advance_hint")) }
                button.wide-button { (texts.get("checkout_advance_button")) }
            }
        }
        @if !goes_on && !closed {
            // After a session that ended, the lesser of two buttons.
            form.again method="post" action=(own("/start")) {
                button.wide-button.secondary[session.is_some()] { (texts.get("checkout_start")) }
            }
        }
    }
}

/// The page where a customer would see their payments.
pub fn portal(texts: &Texts) -> Markup {
    html! {
        p.notice.warning { strong { (WARNING) "." } " " (texts.get("checkout_warning")) }
        p { (texts.get("checkout_portal")) }
    }
}

fn told(halt: Halt) -> &'static str {
    match halt {
        Halt::NoLink | Halt::NoSession => "checkout_no_session",
        Halt::Closed => "checkout_closed",
        Halt::NoRoom => "checkout_no_room",
    }
}

fn amount(link: &Link) -> String {
    let of = |name: &str| match link.payload.get(name) {
        Some(Value::String(text)) => cut(text),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let currency = match (of("fiatCurrency"), of("currency")) {
        (fiat, currency) if fiat.is_empty() && currency.is_empty() => "USD".to_owned(),
        (fiat, currency) if fiat.is_empty() => currency,
        (fiat, _) => fiat,
    };
    format!("{} {currency}", of("amount"))
}

fn shown(link: &Link, member: &str) -> Option<String> {
    let text = link.payload.get(member)?.as_str()?;
    Some(cut(text)).filter(|text| !text.is_empty())
}

fn cut(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(SHOWN_CHARS_MAX).collect()
}
