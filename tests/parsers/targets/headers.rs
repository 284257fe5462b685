//! Headers, cookies and forms with files.

use bytes::Bytes;
use grantd::config::Issuer;
use grantd::web::request::Request;
use grantd::web::{cookies, multipart};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::net::{IpAddr, Ipv4Addr};

/// A request of this text: a line with method and target, headers, an empty line, a body. `None` where HTTP could not
/// carry it.
pub fn request_of(data: &[u8]) -> Option<Request> {
    let mut rest = data;
    let mut line = || {
        let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        line
    };
    let first = line();
    let space = first.iter().position(|b| *b == b' ')?;
    let (method, target) = (&first[..space], &first[space + 1..]);
    let mut headers = HeaderMap::new();
    loop {
        let line = line();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|b| *b == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        headers.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    let uri = http::Uri::try_from(target).ok()?;
    Some(Request {
        method: Method::from_bytes(method).ok()?,
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers,
        body: Bytes::copy_from_slice(rest),
        unread: None,
        // Another one each time, so that nobody is held back for what was sent before.
        peer: IpAddr::V4(Ipv4Addr::from_bits(crc32c::crc32c(data))),
        id: "parsers".into(),
    })
}

/// The lines are headers.
pub fn headers(data: &[u8]) {
    let Some(request) = request_of(&[b"GET /\n", data].concat()) else {
        return;
    };
    let _ = request.is_form();
    for issuer in ["https://auth.example", "http://127.0.0.1:8080"] {
        let issuer: Issuer = issuer.parse().expect("an issuer");
        let Some(value) = cookies::value(&issuer, &request) else {
            continue;
        };
        let set = cookies::set(&issuer, value);
        assert!(
            !set.contains(['\r', '\n', ',']) && set.matches(';').count() <= 4,
            "{set:?}"
        );
    }
    let _ = multipart::parts(&request);
}

/// The first line is the boundary, the rest the body.
pub fn multipart(data: &[u8]) {
    let end = data.iter().position(|b| *b == b'\n').unwrap_or(0);
    let Ok(boundary) = std::str::from_utf8(&data[..end]) else {
        return;
    };
    let head = format!("POST /\ncontent-type: multipart/form-data; boundary={boundary}\n\n");
    let body = data.get(end + 1..).unwrap_or_default();
    let Some(request) = request_of(&[head.as_bytes(), body].concat()) else {
        return;
    };
    let Some(parts) = multipart::parts(&request) else {
        return;
    };
    let content: usize = parts.iter().map(|part| part.content.len()).sum();
    assert!(content <= body.len(), "no byte is in two parts");
    assert!(parts.iter().all(|part| !part.name.is_empty()));
}
