//! Reads `[gateway]`: where the API's routes lead, and who is told what about a request's sender.

use super::http_upstream::HttpUpstream;
use super::reader::{Item, Table};
use super::routes::Upstream;
use http::HeaderName;
use serde::Serialize;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use url::Url;

const PEERS_MAX: usize = 64;
const ORIGINS_MAX: usize = 64;

/// `[gateway]` of `grantd.toml`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GatewaySettings {
    /// Of the routes that name none themselves.
    pub upstream: Upstream,
    /// Certificate authorities, in PEM, for https upstreams besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether http upstreams are spoken to in HTTP/2 from the first byte; https ones agree on it by themselves.
    pub http2: bool,
    /// What the headers begin with that tell an upstream who asks: lower case, with a hyphen at its end.
    pub identity_headers: String,
    /// Whether a short signed JWT stands in place of the plain headers.
    pub identity_jwt: bool,
    /// Who may ask `/gateway/check`: addresses of proxies.
    pub forward_auth_peers: Vec<IpAddr>,
    /// Origins whose pages may call the API's routes from a browser.
    pub cors_origins: Vec<String>,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            upstream: Upstream::Sandbox,
            ca_file: None,
            http2: false,
            identity_headers: "x-grantd-".to_owned(),
            identity_jwt: false,
            forward_auth_peers: Vec::new(),
            cors_origins: Vec::new(),
        }
    }
}

/// Keys that are not there have their default.
pub(super) fn read(table: &Table<'_>, base: &Path) -> GatewaySettings {
    let mut settings = GatewaySettings::default();
    let Some(table) = table.table("gateway") else {
        return settings;
    };
    if let Some(found) = table.get("upstream").and_then(|item| upstream(&item)) {
        settings.upstream = found;
    }
    settings.ca_file = table.get("ca_file").and_then(|item| super::file::path(&item, base));
    if let Some(http2) = table.get("http2").and_then(|item| item.boolean()) {
        settings.http2 = http2;
    }
    if let Some(prefix) = table.get("identity_headers").and_then(|item| prefix(&item)) {
        settings.identity_headers = prefix;
    }
    if let Some(jwt) = table.get("identity_jwt").and_then(|item| item.boolean()) {
        settings.identity_jwt = jwt;
    }
    let peers = table.get("forward_auth_peers");
    if let Some(peers) = peers.and_then(|item| item.set(PEERS_MAX, peer)) {
        settings.forward_auth_peers = peers;
    }
    let origins = table.get("cors_origins");
    if let Some(origins) = origins.and_then(|item| item.set(ORIGINS_MAX, origin)) {
        settings.cors_origins = origins;
    }
    table.finish();
    settings
}

/// `"sandbox"` or the address of an API.
pub(super) fn upstream(item: &Item<'_>) -> Option<Upstream> {
    const WANTED: &str = "but an upstream is \"sandbox\" or an address such as \"http://127.0.0.1:3000\"";
    let text = item.text()?;
    if text == "sandbox" {
        return Some(Upstream::Sandbox);
    }
    let Ok(url) = Url::parse(text) else {
        return item.refuse(text, WANTED);
    };
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !bare || url.fragment().is_some() {
        return item.refuse(text, "but an upstream has no credentials, no query and no fragment");
    }
    match HttpUpstream::new(url) {
        Some(upstream) => Some(Upstream::Http(upstream)),
        None => item.refuse(text, WANTED),
    }
}

fn prefix(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let whole = (4..=32).contains(&text.len()) && text.bytes().all(good) && text.ends_with('-');
    if !whole || !text.starts_with("x-") || HeaderName::from_bytes(text.as_bytes()).is_err() {
        return item.refuse(
            text,
            "but the names of these headers begin with x-, are 4 to 32 of a-z, 0-9 and -, and end with a hyphen",
        );
    }
    Some(text.to_owned())
}

fn peer(item: &Item<'_>) -> Option<IpAddr> {
    let text = item.text()?;
    match text.parse() {
        Ok(address) => Some(address),
        Err(_) => item.refuse(text, "which is no IP address"),
    }
}

/// As browsers write it, since it is compared byte for byte.
fn origin(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let origin = Url::parse(text).ok().map(|url| url.origin());
    let whole = origin
        .filter(url::Origin::is_tuple)
        .map(|origin| origin.ascii_serialization());
    if whole.as_deref() != Some(text) || !text.starts_with("http") {
        return item.refuse(
            text,
            "but an origin is as browsers write it: \"https://app.example\", without a path, a slash or the usual port",
        );
    }
    Some(text.to_owned())
}
