//! What of the headers goes on, in both directions. Whatever speaks of one connection only, shows a credential, or says
//! who asks is taken out: an upstream may believe what it is told here.

use super::credentials::DPOP;
use crate::context::Context;
use http::header::{
    ALT_SVC, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, COOKIE, EXPECT,
    FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// RFC 9110 §7.6.1, and what older programs send besides.
static ONE_CONNECTION: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Set here, or believed by frameworks as if they were: another method, another path, another sender. Besides them,
/// whatever begins with `x-forwarded-`.
static FOR_UPSTREAM_ONLY: [&str; 17] = [
    "client-ip",
    "proxy",
    "remote-addr",
    "remote-user",
    "true-client-ip",
    "x-accel-redirect",
    "x-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-remote-user",
    "x-request-id",
    "x-rewrite-url",
];

/// What upstreams answer for a browser is not for this origin, where people sign in.
static NOT_FOR_THIS_ORIGIN: [HeaderName; 6] = [
    SET_COOKIE,
    ALT_SVC,
    STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("service-worker-allowed"),
    HeaderName::from_static("x-accel-redirect"),
];

/// The headers of a request as the upstream gets them, but for who asks. `trailers`: the connection can carry them.
pub fn of_request(ctx: &Context, headers: &HeaderMap, trailers: bool) -> HeaderMap {
    let mut passed = without_connection(headers);
    for name in [HOST, CONTENT_LENGTH, EXPECT, AUTHORIZATION, COOKIE, FORWARDED] {
        passed.remove(name);
    }
    passed.remove(DPOP);
    let keys = &ctx.profile().api_keys;
    for pair in std::iter::once(&keys.headers)
        .chain(&keys.aliases)
        .filter(|_| keys.enabled)
    {
        passed.remove(&pair.id);
        passed.remove(&pair.secret);
    }
    let prefix = ctx.config.gateway.identity_headers.as_str();
    let spoofs = |name: &str| {
        // Programs that read headers as variables take `_`, `.` and others for the same as `-`.
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        name.starts_with(prefix) || name.starts_with("x-forwarded-") || FOR_UPSTREAM_ONLY.contains(&name.as_str())
    };
    let spoofed: Vec<HeaderName> = passed.keys().filter(|name| spoofs(name.as_str())).cloned().collect();
    for name in spoofed {
        passed.remove(name);
    }
    let wants_trailers = headers.get_all(TE).iter().any(|value| value == "trailers");
    if trailers && wants_trailers {
        passed.insert(TE, HeaderValue::from_static("trailers"));
    }
    passed.append(VIA, HeaderValue::from_static("1.1 grantd"));
    passed
}

/// The headers of an answer as the client gets them.
pub fn of_answer(headers: &HeaderMap) -> HeaderMap {
    let mut passed = without_connection(headers);
    for name in &NOT_FOR_THIS_ORIGIN {
        passed.remove(name);
    }
    // Nothing of an upstream runs as a page of this origin.
    passed.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    passed.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    // It was made for one credential; a cache that knows none of them must not keep it for others.
    let said = passed
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let said = said.collect::<Vec<_>>().join(", ");
    let kept: Vec<&str> = said.split(',').map(str::trim).filter(|part| !is_shared(part)).collect();
    let own = match kept[..] {
        [] | [""] => "private, no-cache".to_owned(),
        _ => format!("private, {}", kept.join(", ")),
    };
    if let Ok(own) = HeaderValue::from_str(&own) {
        passed.insert(CACHE_CONTROL, own);
    }
    passed.append(VIA, HeaderValue::from_static("1.1 grantd"));
    passed
}

/// RFC 9111 §5.2.2: what lets a cache keep it for everybody, and what is said anyway.
fn is_shared(directive: &str) -> bool {
    let name = directive.split('=').next().unwrap_or_default().to_ascii_lowercase();
    matches!(name.as_str(), "public" | "private" | "s-maxage")
}

/// RFC 9110 §7.6.1: what `Connection` names goes no further either.
fn without_connection(headers: &HeaderMap) -> HeaderMap {
    let mut passed = headers.clone();
    for value in headers.get_all(CONNECTION) {
        for name in value.to_str().unwrap_or_default().split(',') {
            if let Ok(name) = HeaderName::from_bytes(name.trim().as_bytes()) {
                passed.remove(name);
            }
        }
    }
    for name in &ONE_CONNECTION {
        passed.remove(name);
    }
    passed
}
