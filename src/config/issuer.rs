//! The issuer: who grantd says it is, in every token and every redirect.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use url::{Host, Url};

/// A bare origin: https, or http with host 127.0.0.1, [::1] or localhost. Kept byte for byte, because clients compare
/// it so (RFC 8414 §3.3, RFC 9207 §2.4); whatever is not already in its normal form is refused.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Issuer(String);

const BYTES_MAX: usize = 200;

impl Issuer {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Only this machine reaches it: then development certificates and plain http will do.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Without brackets where it is an IPv6 address.
    pub fn host(&self) -> &str {
        let host = host(&self.0);
        host.strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host)
    }
}

impl FromStr for Issuer {
    type Err = String;

    /// The error is the second half of a sentence that begins with the value.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("is longer than {BYTES_MAX} bytes"));
        }
        let url = Url::parse(text).map_err(|why| format!("is no URL: {why}"))?;
        judge_origin(&url)?;
        let origin = url.origin().ascii_serialization();
        if origin != text {
            return Err(format!(
                "is not a bare origin (scheme, host and port, without a slash at the end); write `{origin}`"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// https, or http where nobody can listen in; and a host that is safe in headers, policies and pages without escaping.
pub(super) fn judge_origin(url: &Url) -> Result<(), String> {
    if let Some(Host::Domain(name)) = url.host()
        && !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    {
        return Err("has a host that is no DNS name".to_owned());
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if url.host().is_some_and(|host| is_loopback_host(&host)) => Ok(()),
        "http" => Err("must be https; plain http is only for the hosts 127.0.0.1, [::1] and localhost".to_owned()),
        other => Err(format!("must be https, not {other}")),
    }
}

fn is_loopback_host(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.octets() == [127, 0, 0, 1],
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn is_loopback(origin: &str) -> bool {
    matches!(host(origin), "localhost" | "127.0.0.1" | "[::1]")
}

/// The host of an origin in normal form.
fn host(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    match rest.rfind(':') {
        Some(colon) if !rest[colon..].contains(']') => &rest[..colon],
        _ => rest,
    }
}
