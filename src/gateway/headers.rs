//! What of the headers goes on, in both directions. Whatever speaks of one connection only, shows a credential, or says
//! who asks is taken out: an upstream may believe what it is told here.

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

/// Of a request: for this server alone, or said anew.
static NOT_FOR_UPSTREAM: [HeaderName; 7] = [
    HOST,
    CONTENT_LENGTH,
    EXPECT,
    AUTHORIZATION,
    COOKIE,
    FORWARDED,
    HeaderName::from_static("dpop"),
];

/// What is added to a request at most, and to an answer.
const ADDED_TO_REQUEST: usize = 16;
const ADDED_TO_ANSWER: usize = 8;

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

/// What of a request's headers the upstream gets, but for who asks.
pub fn of_request(ctx: &Context, mut passed: HeaderMap) -> HeaderMap {
    let wants_trailers = passed.get_all(TE).iter().any(|value| value == "trailers");
    let keys = &ctx.profile().api_keys;
    let pairs = std::iter::once(&keys.headers).chain(&keys.aliases);
    let is_key = |name: &HeaderName| {
        keys.enabled
            && pairs
                .clone()
                .any(|pair| pair.id.name == name || pair.secret.name == name)
    };
    let prefix = ctx.config.gateway.identity_headers.as_str();
    let spoofs = |name: &str| {
        reads_as(name, prefix) || reads_as(name, "x-forwarded-") || {
            let mut known = FOR_UPSTREAM_ONLY.iter();
            known.any(|known| known.len() == name.len() && reads_as(name, known))
        }
    };
    take_out(&mut passed, |name| {
        NOT_FOR_UPSTREAM.contains(name) || is_key(name) || spoofs(name.as_str())
    });
    passed.reserve(ADDED_TO_REQUEST);
    if wants_trailers {
        passed.insert(TE, HeaderValue::from_static("trailers"));
    }
    passed.append(VIA, HeaderValue::from_static("1.1 grantd"));
    passed
}

/// Whether a header's name begins with this one to programs that read headers as variables: they take `_`, `.` and
/// others for the same as `-`.
fn reads_as(name: &str, known: &str) -> bool {
    let same = |(read, known): (u8, u8)| read == known || (known == b'-' && !read.is_ascii_alphanumeric());
    name.len() >= known.len() && name.bytes().zip(known.bytes()).all(same)
}

/// What of an answer's headers the client gets.
pub fn of_answer(mut passed: HeaderMap) -> HeaderMap {
    take_out(&mut passed, |name| NOT_FOR_THIS_ORIGIN.contains(name));
    passed.reserve(ADDED_TO_ANSWER);
    // Nothing of an upstream runs as a page of this origin.
    passed.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    passed.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    let kept = for_one_client(&passed).unwrap_or(HeaderValue::from_static("private, no-cache"));
    passed.insert(CACHE_CONTROL, kept);
    passed.append(VIA, HeaderValue::from_static("1.1 grantd"));
    passed
}

/// What the answer says of caches. It was made for one credential: a cache that knows none of them must not keep it
/// for others. `None`: it says nothing.
fn for_one_client(headers: &HeaderMap) -> Option<HeaderValue> {
    let said = headers.get_all(CACHE_CONTROL).iter();
    let parts = said
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let kept: Vec<&str> = parts
        .map(str::trim)
        .filter(|part| !part.is_empty() && !is_shared(part))
        .collect();
    if kept.is_empty() {
        return None;
    }
    HeaderValue::from_str(&format!("private, {}", kept.join(", "))).ok()
}

/// RFC 9111 §5.2.2: what lets a cache keep it for everybody, and what is said anyway.
fn is_shared(directive: &str) -> bool {
    let name = directive.split('=').next().unwrap_or_default().to_ascii_lowercase();
    matches!(name.as_str(), "public" | "private" | "s-maxage")
}

/// Takes out what is of one connection only, with what `Connection` names (RFC 9110 §7.6.1), and what is `unwanted`.
/// One walk over the names that are there: they are fewer than those that are known.
fn take_out(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let named = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut ended: Vec<HeaderName> = named
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    let there = headers.keys();
    ended.extend(
        there
            .filter(|name| ONE_CONNECTION.contains(name) || unwanted(name))
            .cloned(),
    );
    for name in ended {
        headers.remove(name);
    }
}
