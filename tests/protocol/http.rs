//! Requests and answers, as tests write and read them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use grantd::web::request::Request;
use grantd::web::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::net::IpAddr;

/// Who asks, and how it proves it.
pub enum Auth<'a> {
    None,
    Basic(&'a str, &'a str),
    /// The whole header, as it is.
    Raw(&'a str),
}

pub fn post(path: &str, auth: Auth<'_>, form: &str) -> Request {
    let header = match auth {
        Auth::None => None,
        Auth::Basic(id, secret) => Some(basic(id, secret)),
        Auth::Raw(header) => Some(header.to_owned()),
    };
    let mut headers = vec![(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
    if let Some(header) = &header {
        headers.push((AUTHORIZATION.as_str(), header.as_str()));
    }
    request(Method::POST, path, &headers, form.as_bytes())
}

pub fn request(method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (path, None),
    };
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    Request {
        method,
        path: path.to_owned(),
        query,
        headers: map,
        body: Bytes::copy_from_slice(body),
        unread: None,
        peer: IpAddr::from([127, 0, 0, 1]),
        id: "test".into(),
    }
}

pub fn basic(id: &str, secret: &str) -> String {
    let pair = format!("{id}:{secret}");
    format!("Basic {}", STANDARD.encode(pair))
}

/// An id as it stands in a form.
pub fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// `Null` where the body is no JSON.
    pub json: Value,
    pub body: String,
}

/// With the stream read to its end.
pub async fn whole(mut response: Response) -> Response {
    if let Some(stream) = response.stream.take() {
        let collected = stream.collect().await.expect("the stream ends well");
        response.body = collected.to_bytes();
    }
    response
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let response = whole(response).await;
        Self {
            status: response.status.as_u16(),
            headers: response.headers,
            json: serde_json::from_slice(&response.body).unwrap_or_default(),
            body: String::from_utf8_lossy(&response.body).into_owned(),
        }
    }

    /// The body without what is told on purpose though it was told before: the tokens of a repeated answer.
    pub fn untold(&self) -> String {
        let mut body = self.body.clone();
        if self.replayed() {
            for member in ["access_token", "refresh_token", "signingSecret"] {
                body = body.replace(self.json[member].as_str().unwrap_or("(none)"), "");
            }
        }
        body
    }

    /// Whether it says that it was given before.
    pub fn replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A member that must be text.
    pub fn text(&self, member: &str) -> String {
        self.json[member]
            .as_str()
            .unwrap_or_else(|| panic!("{member} is no text in {self:?}"))
            .to_owned()
    }

    /// The `error` of an RFC 6749 §5.2 answer, with its status.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.json["error"].as_str().unwrap_or("(none)"))
    }
}
