//! A request with its body read whole.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use std::net::IpAddr;

pub struct Request {
    pub method: Method,
    /// As sent, percent-encoding untouched; never empty.
    pub path: String,
    /// Without the `?`; `None` where there was none.
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The address of the connection, not of any header.
    pub peer: IpAddr,
    /// Names the request in logs and error answers.
    pub id: String,
}

impl Request {
    /// Whether the body says it is `application/x-www-form-urlencoded`.
    pub fn is_form(&self) -> bool {
        let content_type = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// The header's value where it stands exactly once and is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        value.to_str().ok()
    }
}
