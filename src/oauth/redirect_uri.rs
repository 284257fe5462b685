//! Redirect URIs (OAuth 2.1 §2.3): what may be registered, and which of them a request means.
//!
//! What is registered is spelled the one way in which browsers, servers and this program read it alike; what a request
//! names is then compared byte for byte. Nothing is repaired, decoded or matched by pattern: that is how other servers
//! were talked into redirecting elsewhere (CVE-2024-52289, CVE-2026-3872, CVE-2026-7504, CVE-2026-9086).

use crate::model::app::{App, ClientType, Kind, REDIRECT_URI_BYTES_MAX};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// Where an answer may be sent: one of the client's own, and nothing else ever becomes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedirectUri(String);

/// Hosts that are the user's own machine.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Parameters of authorization responses: a registered query that has one would make it stand there twice
/// (CVE-2026-9689).
const RESPONSE_PARAMS: [&str; 12] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "response",
    "scope",
    "token_type",
    "access_token",
    "id_token",
    "session_state",
];

/// Everything but the unreserved characters of RFC 3986 §2.3. A space becomes `%20`, which clients read alike whether
/// they decode forms or URIs.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl RedirectUri {
    /// The URI of an authorization request, or the only registered one where it names none (OAuth 2.1 §2.3.2).
    pub fn of_request(app: &App, sent: Option<&str>) -> Result<Self, &'static str> {
        // Judged again: a record may be older than a rule.
        let mut registered = app
            .redirect_uris
            .iter()
            .filter(|uri| check(app.client_type, uri).is_ok());
        let Some(sent) = sent else {
            return match (registered.next(), registered.next()) {
                (Some(only), None) => Ok(Self(only.clone())),
                _ => Err("The request must say where to go: redirect_uri is missing."),
            };
        };
        // An installation is a site, also one that listens on a loopback address: it has its port.
        let any_port = app.kind != Kind::Native;
        if registered.any(|uri| uri == sent || any_port && same_but_port(uri, sent)) {
            Ok(Self(sent.to_owned()))
        } else {
            Err("The redirect_uri of the request is not one that the app has registered.")
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With response parameters behind the query it has (OAuth 2.1 §2.3).
    pub fn with<'a>(&self, params: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let mut uri = self.0.clone();
        for (name, value) in params {
            match uri.find('?') {
                None => uri.push('?'),
                Some(_) if uri.ends_with(['?', '&']) => {}
                Some(_) => uri.push('&'),
            }
            uri.push_str(name);
            uri.push('=');
            uri.extend(utf8_percent_encode(value, ENCODED));
        }
        uri
    }
}

/// A native app listens on whatever port it gets, so on a loopback address only the port may differ (RFC 8252 §7.3).
fn same_but_port(registered: &str, sent: &str) -> bool {
    match (loopback(registered), loopback(sent)) {
        (Some(registered), Some(sent)) => registered == sent,
        _ => false,
    }
}

/// Host and what follows the port, of `http://<loopback>[:port]…`. What follows is compared byte for byte, so that
/// nothing but a port stands between the host and the path.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let after_scheme = uri.strip_prefix("http://")?;
    let host = LOOPBACK.into_iter().find(|host| after_scheme.starts_with(host))?;
    let mut rest = &after_scheme[host.len()..];
    if let Some(after_colon) = rest.strip_prefix(':') {
        let digits = after_colon.bytes().take_while(u8::is_ascii_digit).count();
        let (port, after_port) = after_colon.split_at(digits);
        if port.starts_with('0') || port.parse::<u16>().is_err() {
            return None;
        }
        rest = after_port;
    }
    Some((host, rest))
}

macro_rules! flaws {
    ($($name:ident = $key:literal, $sentence:literal;)*) => {
        /// What is wrong with an address that somebody wants to register.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Flaw { $($name),* }

        impl Flaw {
            /// In English, to stand behind the address.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }

            /// Names the sentence in `data/translations`, where `{uri}` stands for the address.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key),* }
            }
        }
    };
}

flaws! {
    Characters = "redirect_flaw_characters", "is too long or not plain ASCII without spaces";
    Fragment = "redirect_flaw_fragment", "must have neither a fragment nor user information";
    NoUri = "redirect_flaw_no_uri", "has characters that no URI has (RFC 3986 section 2)";
    Relative = "redirect_flaw_relative", "is not an absolute URI";
    Host = "redirect_flaw_host", "must name one host, without wildcards, percent-encoding or a dot at its end";
    Spelling = "redirect_flaw_spelling",
        "must be spelled as browsers spell it: a plain lower-case host, no default port, no dot segments";
    SchemeSlash = "redirect_flaw_scheme_slash", "must have a slash behind its scheme (RFC 8252 section 7.1)";
    Scheme = "redirect_flaw_scheme", "must use https, or http on a loopback address";
    SchemeOfPublic = "redirect_flaw_scheme_of_public",
        "must use https, http on a loopback address, or a scheme of the app's own with a dot, like com.example.app";
    TwoSlashes = "redirect_flaw_two_slashes", "must not have two slashes in a row";
    Percent = "redirect_flaw_percent", "has a percent sign that encodes no plain text";
    EncodedSlash = "redirect_flaw_encoded_slash",
        "must not have slashes, backslashes or percent signs percent-encoded in its path";
    DotSegments = "redirect_flaw_dot_segments", "must not have dot segments";
    ResponseParameter = "redirect_flaw_response_parameter",
        "must not have a parameter of the response, such as code or state, in its query";
}

/// Whether it may be registered by a client of this type; otherwise what is wrong, to stand behind its name.
pub fn check(client_type: ClientType, uri: &str) -> Result<(), Flaw> {
    if uri.len() > REDIRECT_URI_BYTES_MAX || !uri.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Flaw::Characters);
    }
    if uri.contains('#') {
        return Err(Flaw::Fragment);
    }
    if uri.contains(['\\', '"', '<', '>', '^', '`', '{', '|', '}']) {
        return Err(Flaw::NoUri);
    }
    let Ok(parsed) = Url::parse(uri) else {
        return Err(Flaw::Relative);
    };
    check_scheme(client_type, uri, &parsed)?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Flaw::Fragment);
    }
    let host = parsed.host_str().unwrap_or_default();
    if host.ends_with('.') || host.contains(['*', '%']) {
        return Err(Flaw::Host);
    }
    if !as_browsers_write_it(uri, &parsed) {
        return Err(Flaw::Spelling);
    }
    check_path(parsed.path())?;
    parsed.query().map_or(Ok(()), check_query)
}

/// OAuth 2.1 §1.5 and §2.3.1: https; http to the user's own machine; a scheme of the app's own, which has a dot, since
/// it is a domain backwards (RFC 8252 §7.1). A secret has no place behind such a scheme, so only for public clients.
fn check_scheme(client_type: ClientType, uri: &str, parsed: &Url) -> Result<(), Flaw> {
    let scheme = parsed.scheme();
    if scheme == "https" || (scheme == "http" && parsed.host_str().is_some_and(|host| LOOPBACK.contains(&host))) {
        return Ok(());
    }
    if client_type == ClientType::Public && scheme.contains('.') {
        return if uri[scheme.len()..].starts_with(":/") {
            Ok(())
        } else {
            Err(Flaw::SchemeSlash)
        };
    }
    Err(match client_type {
        ClientType::Confidential => Flaw::Scheme,
        ClientType::Public => Flaw::SchemeOfPublic,
    })
}

/// What a browser would make of it is the very same text, except for the slash after a bare host.
fn as_browsers_write_it(uri: &str, parsed: &Url) -> bool {
    let written = parsed.as_str();
    if written == uri {
        return true;
    }
    let authority = uri.find("://").map_or(uri.len(), |at| at + 3);
    let end = uri[authority..].find('?').map_or(uri.len(), |at| authority + at);
    let (before, query) = uri.split_at(end);
    parsed.path() == "/" && written == format!("{before}/{query}")
}

/// No segment that some server would take for a step up or for more than one, percent-encoding undone.
fn check_path(path: &str) -> Result<(), Flaw> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    for (at, segment) in segments.iter().enumerate() {
        if segment.is_empty() && at + 1 < segments.len() {
            return Err(Flaw::TwoSlashes);
        }
        let Some(decoded) = decoded(segment) else {
            return Err(Flaw::Percent);
        };
        if decoded.contains(['/', '\\', '%']) {
            return Err(Flaw::EncodedSlash);
        }
        // `..;x` is `..` to a servlet container (CVE-2026-3872).
        let name = decoded.split(';').next().unwrap_or_default().trim();
        if matches!(name, "." | "..") {
            return Err(Flaw::DotSegments);
        }
    }
    Ok(())
}

/// Nothing that a client could take for a part of the response.
fn check_query(query: &str) -> Result<(), Flaw> {
    if decoded(query).is_none() {
        return Err(Flaw::Percent);
    }
    for field in query.split(['&', ';']) {
        let name = field.split('=').next().unwrap_or_default().replace('+', " ");
        let name = decoded(&name).unwrap_or_default().to_ascii_lowercase();
        // As PHP reads names: no spaces before, `code[]` is an array called code.
        let name = name.trim().split('[').next().unwrap_or_default();
        if RESPONSE_PARAMS.contains(&name) {
            return Err(Flaw::ResponseParameter);
        }
    }
    Ok(())
}

/// `None` for malformed percent-encoding, control characters and what is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let well_formed = text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    });
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (well_formed && !decoded.chars().any(char::is_control)).then(|| decoded.into_owned())
}
