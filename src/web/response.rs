//! An answer: its body whole, or a stream that is passed on.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use serde::Serialize;
use std::error::Error;
use std::time::Duration;

/// A body that comes from elsewhere, frame by frame.
pub type BodyStream = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// For `Retry-After` (RFC 9110 §10.2.3), in seconds. Rounded up: whoever comes back when told must be let in.
pub fn retry_after_s(wait: Duration) -> u64 {
    whole_seconds(wait).max(1)
}

/// Rounded up: whoever waits so long is not early.
pub fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// In place of `body`.
    pub stream: Option<BodyStream>,
}

impl Response {
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            stream: None,
        }
    }

    pub fn text(status: StatusCode, text: impl Into<String>) -> Self {
        let mut response = Self::new(status).with(CONTENT_TYPE, "text/plain; charset=utf-8");
        response.body = Bytes::from(text.into());
        response
    }

    pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Self {
        let body = serde_json::to_vec(value).expect("answers are plain data and always become JSON");
        Self::json_bytes(status, body)
    }

    /// JSON that is text already.
    pub fn json_bytes(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut response = Self::new(status).with(CONTENT_TYPE, "application/json");
        response.body = body.into();
        response
    }

    /// RFC 9110 §15.4.4: the next request is a GET, whatever this one was (OAuth 2.1 §7.5.3: never 307).
    pub fn see_other(location: &str) -> Self {
        Self::new(StatusCode::SEE_OTHER)
            .with_value(LOCATION, location)
            .no_store()
    }

    /// An error as RFC 6749 §5.2 shapes it: a code for programs, a sentence for people.
    pub fn error(status: StatusCode, code: &str, description: &str) -> Self {
        Self::json(
            status,
            &serde_json::json!({ "error": code, "error_description": description }),
        )
    }

    /// The same for every address that leads nowhere.
    pub fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    /// Sets a header the program wrote itself.
    pub fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Sets a header made at run time; a value that cannot stand in a header is left out.
    pub fn with_value(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// RFC 6749 §5.1: whatever carries tokens or credentials is kept by no cache.
    pub fn no_store(self) -> Self {
        self.with(CACHE_CONTROL, "no-store")
    }
}
