//! `[webhooks]`: of a profile, what deliveries look like; of `grantd.toml`, where they may go.

use super::duration_text;
use super::file::path;
use super::payment_webhooks::{self, PaymentRules};
use super::reader::{Item, Table};
use crate::base::networks;
use http::HeaderName;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, TRANSFER_ENCODING, USER_AGENT,
};
use ipnet::IpNet;
use serde::ser::{Serialize, SerializeSeq as _, Serializer};
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAMES_MAX: usize = 4;
const NETWORKS_MAX: usize = 64;
const RETRIES_MAX: usize = 30;
const PREFIX_BYTES_MAX: usize = 24;
/// With all pauses a delivery must end before it is forgotten.
const SCHEDULE_MAX: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How a delivery looks. A header may have several names: each is sent, with the same value.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct WebhookRules {
    /// `t=<seconds>,v1=<hex>`.
    pub signature_headers: Vec<HeaderText>,
    /// The same at every attempt.
    pub id_headers: Vec<HeaderText>,
    /// Another at every attempt.
    pub attempt_id_headers: Vec<HeaderText>,
    pub event_headers: Vec<HeaderText>,
    /// Counted from 1.
    pub attempt_headers: Vec<HeaderText>,
    /// `event`, `test` or `resend`.
    pub origin_headers: Vec<HeaderText>,
    pub user_agent: String,
    /// What secrets begin with: `[a-z0-9_]{1,24}`.
    pub secret_prefix: String,
    /// After each failed attempt, how long until the next one; behind the last it is given up.
    #[serde(serialize_with = "durations")]
    pub retry_after: Vec<Duration>,
    /// How payments are told; `None`: nobody is told of any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payments: Option<PaymentRules>,
}

/// A header's name, as it is written in documentation.
pub type HeaderText = String;

/// Where deliveries may go.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct WebhookAccess {
    /// Allowed though not everybody could reach them.
    #[serde(serialize_with = "networks")]
    pub allow_networks: Vec<IpNet>,
    /// PEM: whom to trust besides the system's certificate authorities.
    pub ca_file: Option<PathBuf>,
}

impl WebhookRules {
    /// What a profile with this prefix has that says nothing of webhooks.
    pub(super) fn of(prefix: &str) -> Self {
        let name = |name: &str| vec![name.to_owned()];
        Self {
            signature_headers: name("X-Webhook-Signature"),
            id_headers: name("X-Webhook-Id"),
            attempt_id_headers: Vec::new(),
            event_headers: name("X-Webhook-Event"),
            attempt_headers: name("X-Webhook-Attempt"),
            origin_headers: name("X-Webhook-Origin"),
            user_agent: "Webhooks/1.0".to_owned(),
            secret_prefix: format!("{prefix}_whsec_"),
            // With the first attempt ten in about three days.
            retry_after: [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
                .map(Duration::from_secs)
                .to_vec(),
            payments: None,
        }
    }

    /// The header that documentation names.
    pub fn signature_header(&self) -> &str {
        self.signature_headers.first().expect("reading refuses an empty list")
    }

    /// The header by which receivers know repeats.
    pub fn id_header(&self) -> &str {
        self.id_headers.first().expect("reading refuses an empty list")
    }
}

/// Keys that are not there have the value they have in a profile without this table.
pub(super) fn rules(table: &Table<'_>, prefix: &str) -> WebhookRules {
    let mut rules = WebhookRules::of(prefix);
    let Some(table) = table.table("webhooks") else {
        return rules;
    };
    let names = |key: &'static str, needed: bool, into: &mut Vec<String>| {
        let Some(item) = table.get(key) else { return };
        let Some(names) = item.set(NAMES_MAX, header) else {
            return;
        };
        if names.is_empty() && needed {
            item.complain("is empty; receivers need it");
        } else {
            *into = names;
        }
    };
    names("signature_headers", true, &mut rules.signature_headers);
    names("id_headers", true, &mut rules.id_headers);
    names("attempt_id_headers", false, &mut rules.attempt_id_headers);
    names("event_headers", false, &mut rules.event_headers);
    names("attempt_headers", false, &mut rules.attempt_headers);
    names("origin_headers", false, &mut rules.origin_headers);
    let all = [
        &rules.signature_headers,
        &rules.id_headers,
        &rules.attempt_id_headers,
        &rules.event_headers,
        &rules.attempt_headers,
        &rules.origin_headers,
    ];
    let mut all: Vec<String> = all.into_iter().flatten().map(|name| name.to_lowercase()).collect();
    all.sort_unstable();
    if let Some(twice) = all.windows(2).find(|two| two[0] == two[1]) {
        table.complain(format_args!("names the header {} twice", twice[0]));
    }
    if let Some(agent) = table.get("user_agent").and_then(|item| user_agent(&item)) {
        rules.user_agent = agent;
    }
    if let Some(prefix) = table.get("secret_prefix").and_then(|item| beginning(&item)) {
        rules.secret_prefix = prefix;
    }
    if let Some(item) = table.get("retry_after") {
        let second = Duration::from_secs(1);
        let items = item.list(RETRIES_MAX).unwrap_or_default();
        rules.retry_after = items
            .iter()
            .filter_map(|item| item.duration(second..=SCHEDULE_MAX))
            .collect();
        if rules.retry_after.iter().sum::<Duration>() > SCHEDULE_MAX {
            item.complain("is longer than 14d in all; deliveries are forgotten after 30d");
        }
    }
    rules.payments = payment_webhooks::read(&table);
    table.finish();
    rules
}

/// `[webhooks]` of `grantd.toml`.
pub(super) fn access(table: &Table<'_>, base: &Path) -> WebhookAccess {
    let Some(table) = table.table("webhooks") else {
        return WebhookAccess::default();
    };
    let networks = table
        .get("allow_networks")
        .and_then(|item| item.set(NETWORKS_MAX, network));
    let ca_file = table.get("ca_file").and_then(|item| path(&item, base));
    table.finish();
    WebhookAccess {
        allow_networks: networks.unwrap_or_default(),
        ca_file,
    }
}

fn network(item: &Item<'_>) -> Option<IpNet> {
    let text = item.text()?;
    match networks::parse(text) {
        Ok(network) => Some(network),
        Err(why) => item.refuse(text, format_args!("which {why}")),
    }
}

/// A header of its own: one that HTTP needs itself would break the request.
fn header(item: &Item<'_>) -> Option<String> {
    const TAKEN: [HeaderName; 8] = [
        AUTHORIZATION,
        CONNECTION,
        CONTENT_LENGTH,
        CONTENT_TYPE,
        COOKIE,
        HOST,
        TRANSFER_ENCODING,
        USER_AGENT,
    ];
    let text = item.text()?;
    match HeaderName::from_bytes(text.as_bytes()) {
        Ok(name) if TAKEN.contains(&name) => item.refuse(text, "which means something else already"),
        Ok(_) => Some(text.to_owned()),
        Err(_) => item.refuse(text, "which is no header name (RFC 9110 section 5.1)"),
    }
}

fn user_agent(item: &Item<'_>) -> Option<String> {
    let text = item.sentence()?;
    if text.len() <= 100 && text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        Some(text)
    } else {
        item.refuse(
            &text,
            "but it goes into a header: write at most 100 characters of ASCII",
        )
    }
}

fn beginning(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if (1..=PREFIX_BYTES_MAX).contains(&text.len()) && text.bytes().all(good) {
        Some(text.to_owned())
    } else {
        item.refuse(
            text,
            format_args!("but a prefix is 1 to {PREFIX_BYTES_MAX} of a-z, 0-9 and _"),
        )
    }
}

fn durations<S: Serializer>(spans: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
    struct Text(Duration);
    impl Serialize for Text {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            duration_text(&self.0, serializer)
        }
    }
    let mut list = serializer.serialize_seq(Some(spans.len()))?;
    for span in spans {
        list.serialize_element(&Text(*span))?;
    }
    list.end()
}

fn networks<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(networks.iter().map(ToString::to_string))
}
