//! A request: its body read whole, or left to a handler that streams it.

use super::ticket::Slot;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use std::net::IpAddr;

/// What the server does with a request before it is handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    pub body: BodyRule,
    /// It ends something: it finds a place where all others are told to come again.
    pub revokes: bool,
}

impl From<BodyRule> for Rule {
    fn from(body: BodyRule) -> Self {
        Self { body, revokes: false }
    }
}

/// What the server does with a body before the request is handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyRule {
    /// Reads it whole, of at most so many bytes.
    Whole(usize),
    /// Leaves it to the handler, in [`Request::unread`].
    Streamed,
}

/// What the server left to the handler.
pub struct Unread {
    pub body: Incoming,
    /// The connection itself, where HTTP/1.1 may give it over (RFC 9110 §7.8).
    pub upgrade: Option<Upgrade>,
}

/// A connection that is given over once the request is answered with 101.
pub struct Upgrade {
    on: OnUpgrade,
    slot: Slot,
}

/// Its place among the requests in flight, given back on drop.
pub struct Place {
    slot: Slot,
}

impl Place {
    /// Returns once the server ends, or wants the connection's place for others.
    pub async fn told_to_end(&self) {
        self.slot.told_to_end().await;
    }
}

impl Upgrade {
    pub(super) fn new(on: OnUpgrade, slot: Slot) -> Self {
        Self { on, slot }
    }

    /// The connection to be, and its place, to be kept for as long as it lasts.
    pub fn into_parts(self) -> (OnUpgrade, Place) {
        (self.on, Place { slot: self.slot })
    }
}

pub struct Request {
    pub method: Method,
    /// As sent, percent-encoding untouched; never empty.
    pub path: String,
    /// Without the `?`; `None` where there was none.
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// There where the path's rule is [`BodyRule::Streamed`]; `body` is empty then.
    pub unread: Option<Unread>,
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
