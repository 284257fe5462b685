//! Texts that requests and the control socket bring.

use grantd::base::json::parse_strict_object;
use grantd::base::time::Timestamp;
use grantd::base::{digest, networks, password_rules, text};
use grantd::config::reader::parse_duration;
use grantd::config::{Issuer, spelled};
use grantd::control::Command;
use grantd::oauth::params::{Params, decode};
use grantd::oauth::scope;
use serde_json::Value;

/// Parameters that were read mean the same when they are written again.
pub fn form(data: &[u8]) {
    let Ok(params) = Params::parse(data) else { return };
    let again = params.encode(|_| true);
    let read = Params::parse(again.as_bytes()).unwrap_or_else(|_| panic!("{again:?} is well-formed"));
    assert!(params.pairs().eq(read.pairs()), "{again:?} is not what {data:?} was");
    for name in ["client_id", "scope", "state"] {
        let single = params.pairs().filter(|(n, _)| *n == name).count() <= 1;
        assert_eq!(params.get(name).is_ok(), single);
    }
}

/// What the strict reader takes, every reader takes, and nothing stands in it twice.
pub fn json(data: &[u8]) {
    let Ok(value) = parse_strict_object::<Value>(data) else {
        return;
    };
    assert!(value.is_object());
    let again = serde_json::to_vec(&value).expect("it was JSON");
    assert!(
        parse_strict_object::<Value>(&again).is_ok(),
        "{value} cannot be read again"
    );
}

pub fn scope(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(names) = scope::parse(text) else { return };
    let again = names.join(" ");
    assert_eq!(scope::parse(&again).ok(), Some(names), "{again:?}");
}

/// A line of the control socket: what is understood is understood again.
pub fn command(data: &[u8]) {
    let Ok(command) = serde_json::from_slice::<Command>(data) else {
        return;
    };
    let again = serde_json::to_string(&command).expect("a command is JSON");
    let read: Command = serde_json::from_str(&again).unwrap_or_else(|e| panic!("{e}: {again}"));
    assert_eq!(serde_json::to_string(&read).expect("JSON"), again);
}

/// Small things: moments, spans, networks, issuers, base64url, passwords, percent-encoding.
pub fn values(data: &[u8]) {
    let _ = decode(data);
    let Ok(given) = std::str::from_utf8(data) else { return };
    if let Some(bytes) = digest::from_base64url(given) {
        assert_eq!(digest::base64url(&bytes), given, "base64url has one spelling");
    }
    if let Some(moment) = Timestamp::parse(given) {
        assert!(moment.millis() < u64::MAX);
    }
    if let Some(span) = parse_duration(given) {
        assert_eq!(parse_duration(&spelled(span)), Some(span), "{given:?}");
    }
    if let Ok(issuer) = given.parse::<Issuer>() {
        let again: Issuer = issuer.as_str().parse().unwrap_or_else(|_| panic!("{given:?}"));
        assert_eq!(again, issuer);
    }
    let _ = networks::parse(given);
    let _ = text::normal(given);
    let _ = password_rules::check(given, &[given, "owner@example.com"]);
}
