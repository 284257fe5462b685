//! One request and its answer.

use super::panics::caught;
use super::request::{BodyRule, Request, Rule, Unread, Upgrade};
use super::request_id::during;
use super::response::Response;
use super::shared::Shared;
use super::streamed::Streamed;
use super::ticket::{Slot, Ticket};
use crate::base::limits::Limits;
use crate::base::meter::Refused;
use crate::base::random;
use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, RETRY_AFTER, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who is at the other end of a connection, and what their requests are answered with.
pub(super) struct Caller<B, H> {
    shared: Arc<Shared<B, H>>,
    ticket: Arc<Ticket>,
    peer: IpAddr,
    /// Random, once per connection: its requests are counted on from it, which is cheaper than a system call for each
    /// and shows in the log what came over one connection.
    prefix: String,
    requests: AtomicU64,
}

impl<B, H> Caller<B, H> {
    pub fn new(shared: Arc<Shared<B, H>>, ticket: Arc<Ticket>, peer: IpAddr) -> Self {
        let prefix = random::token::<9>(&*shared.random);
        Self {
            shared,
            ticket,
            peer,
            prefix,
            requests: AtomicU64::new(0),
        }
    }

    fn request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        [&self.prefix, "-", itoa::Buffer::new().format(number)].concat()
    }
}

/// The body of an answer.
type Outgoing = Either<Full<Bytes>, Streamed>;

/// Reads the request as its path wants it, has it handled and completes the answer.
pub(super) async fn exchange<B, H, F>(
    caller: Arc<Caller<B, H>>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Outgoing>, Infallible>
where
    B: Fn(&Method, &str) -> Rule,
    H: Fn(Request) -> F,
    F: Future<Output = Response>,
{
    let id = caller.request_id();
    let id_value = HeaderValue::from_str(&id).expect("base64url, a hyphen and digits can stand in a header");
    let head_only = request.method() == Method::HEAD;
    let closable = request.version() < Version::HTTP_2;
    let (mut response, slot) = match answer(&caller, request, id, &id_value).await {
        Ok((response, slot)) => (response, Some(slot)),
        Err(refusal) => {
            caller.shared.meter.refused(refusal.counted()).one();
            (refusal.into_response(closable), None)
        }
    };
    if head_only && !response.body.is_empty() {
        // RFC 9110 §9.3.2: the length GET would have had, and no body.
        response
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(response.body.len()));
        response.body = Bytes::new();
    }
    response.headers.insert(X_REQUEST_ID.clone(), id_value);
    let body = match (response.stream, slot) {
        // The place among those in flight is held until the last byte.
        (Some(stream), Some(slot)) => Either::Right(Streamed::new(stream, slot)),
        _ => Either::Left(Full::new(response.body)),
    };
    let mut outgoing = hyper::Response::new(body);
    *outgoing.status_mut() = response.status;
    *outgoing.headers_mut() = response.headers;
    Ok(outgoing)
}

async fn answer<B, H, F>(
    caller: &Caller<B, H>,
    request: hyper::Request<Incoming>,
    id: String,
    id_value: &HeaderValue,
) -> Result<(Response, Slot), Refusal>
where
    B: Fn(&Method, &str) -> Rule,
    H: Fn(Request) -> F,
    F: Future<Output = Response>,
{
    let shared = &*caller.shared;
    let rule = (shared.rule)(request.method(), request.uri().path());
    let mut slot = caller.ticket.begin(rule.revokes).ok_or(Refusal::Busy)?;
    let (mut head, body) = request.into_parts();
    check(&head, &shared.limits)?;
    let path = head.uri.path();
    let (body, unread) = match rule.body {
        BodyRule::Streamed => {
            let asked = head.headers.contains_key(UPGRADE);
            let upgrade = head.extensions.remove::<OnUpgrade>().filter(|_| asked);
            let upgrade = upgrade.zip(caller.ticket.begin(false)).map(|(on, mut slot)| {
                slot.handling();
                Upgrade::new(on, slot)
            });
            (Bytes::new(), Some(Unread { body, upgrade }))
        }
        BodyRule::Whole(_) if body.is_end_stream() => (Bytes::new(), None),
        BodyRule::Whole(bytes_max) => {
            let limit = Duration::from_millis(shared.limits.body_ms_max);
            let read = read(body, &head.headers, bytes_max, &shared.limits);
            (timeout(limit, read).await.map_err(|_| Refusal::SlowBody)??, None)
        }
    };
    slot.handling();
    let method = head.method.clone();
    let request = Request {
        method: head.method,
        path: path.to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body,
        unread,
        peer: caller.peer,
        id,
    };
    let handling = during(id_value.clone(), async { (shared.handle)(request).await });
    let response = caught(handling).await.ok_or_else(|| {
        // The query is left out: authorization codes stand there.
        log::error!(
            "request {}: {method} {path} panicked",
            id_value.to_str().unwrap_or_default()
        );
        Refusal::Panicked
    })?;
    Ok((response, slot))
}

/// What must hold of every request before anything of it is believed.
fn check(head: &Parts, limits: &Limits) -> Result<(), Refusal> {
    let path = head.uri.path();
    if head.method == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    // RFC 9112 §3.2: origin-form and absolute-form have a path, which begins with a slash; the asterisk is for OPTIONS.
    let usable = path.starts_with('/') || (path == "*" && head.method == Method::OPTIONS);
    if !usable {
        return Err(Refusal::Target);
    }
    let authority_bytes = head.uri.authority().map_or(0, |authority| authority.as_str().len());
    if authority_bytes + head.uri.path_and_query().map_or(0, |both| both.as_str().len()) > limits.uri_bytes_max {
        return Err(Refusal::LongTarget);
    }
    let header_bytes: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if head.headers.len() > limits.header_fields_max || header_bytes > limits.headers_bytes_max {
        return Err(Refusal::LargeHead);
    }
    // RFC 9112 §3.2: exactly one Host in HTTP/1.1. HTTP/2 has :authority instead, HTTP/1.0 may have none.
    let hosts = head.headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
        return Err(Refusal::Host);
    }
    Ok(())
}

/// The whole body, of at most `bytes_max`.
async fn read(mut body: Incoming, headers: &HeaderMap, bytes_max: usize, limits: &Limits) -> Result<Bytes, Refusal> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let readable_max = bytes_max.saturating_add(limits.discard_bytes_max);
    // A client that asked first (RFC 9110 §10.1.1) has sent nothing yet, and nothing need be thrown away.
    if declared > readable_max || (declared > bytes_max && headers.contains_key(EXPECT)) {
        return Err(Refusal::LargeBody { unread: true });
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BrokenBody)?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length > readable_max {
            return Err(Refusal::LargeBody { unread: true });
        } else if length > bytes_max {
            (first, rest) = (Bytes::new(), BytesMut::new());
        } else if first.is_empty() {
            // A body that comes in one piece is never copied.
            first = data;
        } else {
            if rest.is_empty() {
                rest.reserve(declared.max(first.len() + data.len()));
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    if length > bytes_max {
        return Err(Refusal::LargeBody { unread: false });
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// What the server itself answers, before or instead of a handler.
enum Refusal {
    Busy,
    Connect,
    Target,
    LongTarget,
    LargeHead,
    Host,
    /// `unread`: the rest is still coming, so the connection cannot be used again.
    LargeBody {
        unread: bool,
    },
    SlowBody,
    BrokenBody,
    Panicked,
}

impl Refusal {
    fn counted(&self) -> Refused {
        match self {
            Self::Busy => Refused::Busy,
            Self::Connect | Self::Target | Self::Host | Self::BrokenBody => Refused::Request,
            Self::LongTarget | Self::LargeHead | Self::LargeBody { .. } => Refused::TooLarge,
            Self::SlowBody => Refused::Slow,
            Self::Panicked => Refused::Panicked,
        }
    }

    fn into_response(self, closable: bool) -> Response {
        let close = closable
            && matches!(
                self,
                Self::LargeBody { unread: true } | Self::SlowBody | Self::BrokenBody
            );
        let (status, text) = match self {
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                r#"{"error":"temporarily_unavailable","error_description":"The server is busy. Try again later."}"#,
            ),
            Self::Connect => (
                StatusCode::METHOD_NOT_ALLOWED,
                r#"{"error":"invalid_request","error_description":"CONNECT is not supported."}"#,
            ),
            Self::Target => (
                StatusCode::BAD_REQUEST,
                r#"{"error":"invalid_request","error_description":"The request target must be a path."}"#,
            ),
            Self::LongTarget => (
                StatusCode::URI_TOO_LONG,
                r#"{"error":"invalid_request","error_description":"The request target is too long."}"#,
            ),
            Self::LargeHead => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                r#"{"error":"invalid_request","error_description":"The header fields are too many or too long."}"#,
            ),
            Self::Host => (
                StatusCode::BAD_REQUEST,
                r#"{"error":"invalid_request","error_description":"Exactly one Host header field is needed."}"#,
            ),
            Self::LargeBody { .. } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                r#"{"error":"invalid_request","error_description":"The request body is too large."}"#,
            ),
            Self::SlowBody => (
                StatusCode::REQUEST_TIMEOUT,
                r#"{"error":"invalid_request","error_description":"The request body did not arrive in time."}"#,
            ),
            Self::BrokenBody => (
                StatusCode::BAD_REQUEST,
                r#"{"error":"invalid_request","error_description":"The request body is malformed or incomplete."}"#,
            ),
            Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"server_error"}"#),
        };
        let response = Response::json_bytes(status, Bytes::from_static(text.as_bytes())).no_store();
        let response = if status == StatusCode::SERVICE_UNAVAILABLE {
            response.with(RETRY_AFTER, "1")
        } else {
            response
        };
        if close {
            response.with(CONNECTION, "close")
        } else {
            response
        }
    }
}
