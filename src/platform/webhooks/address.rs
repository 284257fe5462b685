//! Where a webhook may go. Whoever registers an app decides where this server sends requests: they must reach nothing
//! there that they could not reach without it.
//!
//! The form is judged when an address is saved and again before each attempt; where its name leads to, at every
//! connection ([`may_connect`]), since a name leads elsewhere whenever its owner wants.

use crate::base::networks::is_public;
use crate::context::Context;
use crate::model::endpoint::URL_BYTES_MAX;
use crate::platform::refusal::Fault;
use std::net::IpAddr;
use url::{Host, Url};

/// The lowest port but those of https: what listens below is no receiver of webhooks but mail, name or login servers.
const PORT_MIN: u16 = 1024;

/// An address that a request may be sent to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub https: bool,
    /// A name or an address, the latter without brackets.
    pub host: String,
    pub port: u16,
    /// Host and port, as `Host` has them.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

/// The address in its normal form, or what is wrong with it.
pub fn normal(ctx: &Context, text: &str) -> Result<String, Fault> {
    judge(ctx, text).map(|(url, _)| url.into())
}

/// What to connect to; the error is a sentence.
pub fn target(ctx: &Context, url: &str) -> Result<Target, String> {
    judge(ctx, url).map(|(_, target)| target).map_err(|fault| {
        let values: Vec<(&str, &str)> = fault.values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        ctx.config.pages.texts([]).fill(fault.key, &values)
    })
}

/// Whether a connection may be made to this very address.
pub fn may_connect(ctx: &Context, address: IpAddr) -> bool {
    let allowed = &ctx.config.webhooks.allow_networks;
    // A server that only this machine reaches tells nobody anything by reaching it.
    let at_home = ctx.config.issuer.is_loopback() && address.is_loopback();
    is_public(address) || at_home || allowed.iter().any(|network| network.contains(&address))
}

fn judge(ctx: &Context, text: &str) -> Result<(Url, Target), Fault> {
    let fault = |key| Fault::new("url", key);
    if text.len() > URL_BYTES_MAX {
        return Err(fault("hook_url_long").with("max", URL_BYTES_MAX));
    }
    // What a parser would leave out or take for something else.
    if text.is_empty() || !text.bytes().all(|b| matches!(b, b'!'..=b'~')) || text.contains('\\') {
        return Err(fault("hook_url_bad"));
    }
    // A parser of the web takes any number of slashes; the host is what stands behind the second.
    let written = text.split_once("://").filter(|(_, rest)| !rest.starts_with('/'));
    let url = Url::parse(text).ok().filter(|_| written.is_some());
    let url = url.ok_or_else(|| fault("hook_url_bad"))?;
    let Some(host) = url.host() else {
        return Err(fault("hook_url_bad"));
    };
    let local = is_this_machine(&host);
    let at_home = ctx.config.issuer.is_loopback() && local;
    let https = match url.scheme() {
        "https" => true,
        "http" if at_home => false,
        _ => return Err(fault("hook_url_https")),
    };
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(fault("hook_url_parts"));
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if port < PORT_MIN && port != 443 && !(at_home && port == 80) {
        return Err(fault("hook_url_port").with("port", port));
    }
    let address = match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    };
    if address.is_some_and(|address| !may_connect(ctx, address)) || is_home_name(&host) && !home_allowed(ctx) {
        return Err(fault("hook_url_private"));
    }
    let bare = address.map_or_else(|| host.to_string(), |address| address.to_string());
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    };
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let target = Target {
        https,
        host: bare,
        port,
        authority,
        path,
    };
    Ok((url, target))
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(_) => is_home_name(host),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// RFC 6761 section 6.3.
fn is_home_name(host: &Host<&str>) -> bool {
    let Host::Domain(name) = host else { return false };
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

fn home_allowed(ctx: &Context) -> bool {
    may_connect(ctx, IpAddr::from([127, 0, 0, 1])) || may_connect(ctx, IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]))
}
