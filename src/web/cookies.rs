//! The one cookie. It holds random ids and nothing else (CVE-2024-4540).
//!
//! On https its name begins with `__Host-`: browsers then insist on `Secure`, `Path=/` and no `Domain`, so no other
//! host of the same domain can plant one. On a loopback issuer without TLS the port stands in the name, since cookies
//! do not keep ports apart.

use super::request::Request;
use crate::config::Issuer;
use http::Uri;
use http::header::COOKIE;

/// Longer than any value of ours.
const VALUE_BYTES_MAX: usize = 128;

pub fn name(issuer: &Issuer) -> String {
    if issuer.is_https() {
        return "__Host-grantd_session".to_owned();
    }
    let port = issuer.as_str().parse::<Uri>().ok().and_then(|uri| uri.port_u16());
    format!("grantd_session_{}", port.unwrap_or(80))
}

/// The value the browser sent: only where it stands exactly once and is one of `[A-Za-z0-9_.-]`.
pub fn value<'a>(issuer: &Issuer, request: &'a Request) -> Option<&'a str> {
    let name = name(issuer);
    let headers = request.headers.get_all(COOKIE).iter();
    let mut values = headers
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(n, _)| *n == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    let ours = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    (values.next().is_none() && value.len() <= VALUE_BYTES_MAX && value.bytes().all(ours)).then_some(value)
}

/// A `Set-Cookie` header: until the browser ends. Lax (RFC 6265bis §5.6.7.1), because an app's link to the
/// authorization endpoint must find who is signed in.
pub fn set(issuer: &Issuer, value: &str) -> String {
    format!("{}={value}; {}", name(issuer), attributes(issuer))
}

/// A `Set-Cookie` header that takes the cookie away.
pub fn clear(issuer: &Issuer) -> String {
    format!("{}=; Max-Age=0; {}", name(issuer), attributes(issuer))
}

fn attributes(issuer: &Issuer) -> &'static str {
    if issuer.is_https() {
        "Path=/; Secure; HttpOnly; SameSite=Lax"
    } else {
        "Path=/; HttpOnly; SameSite=Lax"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};
    use std::net::{IpAddr, Ipv4Addr};

    fn issuer(text: &str) -> Issuer {
        text.parse().unwrap()
    }

    fn request(cookies: &[&str]) -> Request {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        Request {
            method: Method::GET,
            path: "/".into(),
            query: None,
            headers,
            body: Bytes::new(),
            unread: None,
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            id: String::new(),
        }
    }

    #[test]
    fn past_cve_2024_4540_the_cookie_is_bound_to_the_host_and_hidden_from_scripts() {
        assert_eq!(
            set(&issuer("https://auth.example"), "a.b"),
            "__Host-grantd_session=a.b; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            set(&issuer("http://127.0.0.1:8080"), "a.b"),
            "grantd_session_8080=a.b; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn only_a_single_well_formed_value_is_read() {
        let issuer = issuer("https://auth.example");
        let read = |cookies: &[&str]| value(&issuer, &request(cookies)).map(str::to_owned);
        assert_eq!(read(&["x=1; __Host-grantd_session=a.b", "y=2"]).as_deref(), Some("a.b"));
        assert_eq!(read(&["__Host-grantd_session=a; __Host-grantd_session=b"]), None);
        assert_eq!(read(&["__Host-grantd_session=a", "__Host-grantd_session=b"]), None);
        assert_eq!(read(&["grantd_session=a"]), None);
        assert_eq!(read(&["__Host-grantd_session=a b"]), None);
        assert_eq!(read(&[&format!("__Host-grantd_session={}", "a".repeat(200))]), None);
    }
}
