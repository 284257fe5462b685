//! The way to an upstream and back: streamed, bounded in time and size, and repeated only where that changes nothing.

use super::body::{self, BodyStream, Cut, Outcome};
use super::guard::Admitted;
use super::identity::Sender;
use super::places::Place;
use super::refusal::Refusal;
use super::{Gateway, headers, held, identity, tunnel};
use crate::config::http_upstream::HttpUpstream;
use crate::context::Context;
use crate::store::StoreError;
use crate::web::request::{Request, Unread, Upgrade};
use crate::web::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// For whoever has too many requests on their way.
const AGAIN: Duration = Duration::from_secs(1);

/// How this server is reached, as upstreams are told.
pub struct Forwarded {
    proto: HeaderValue,
    host: HeaderValue,
}

impl Forwarded {
    pub fn of(issuer: &str) -> Self {
        let (proto, host) = issuer.split_once("://").unwrap_or_default();
        let value = |text| HeaderValue::from_str(text).expect("an address can stand in a header");
        Self {
            proto: value(proto),
            host: value(host),
        }
    }
}

/// Passes an admitted request on to its upstream.
pub async fn forward(
    ctx: &Arc<Context>,
    gateway: &Gateway,
    request: &mut Request,
    admitted: Admitted,
    to: &HttpUpstream,
) -> Result<Response, Refusal> {
    let route = &admitted.found.route;
    let declared = declared(&request.headers).unwrap_or(request.body.len() as u64);
    if declared > route.body_bytes_max {
        return Err(Refusal::TooLarge);
    }
    let place = gateway.places.take(&admitted.caller).ok_or(Refusal::Wait(AGAIN))?;
    let target = target(to, request)?;
    let websocket = wants_websocket(&request.method, &request.headers);
    let mut head = headers::of_request(ctx, std::mem::take(&mut request.headers));
    tell(ctx, gateway, request, &admitted.caller, to.origin(), &mut head).await?;
    let breaker = gateway.upstreams.breaker(to.origin());
    breaker.pass(ctx.now()).map_err(Refusal::Resting)?;

    let (body, upgrade) = match request.unread.take() {
        Some(Unread { body, upgrade }) => {
            let idle = Duration::from_millis(ctx.config.limits.body_ms_max);
            (
                Sent::of(body, route.body_bytes_max, idle),
                upgrade.filter(|_| websocket),
            )
        }
        None => (Sent::Whole(std::mem::take(&mut request.body)), None),
    };
    if upgrade.is_some() {
        head.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        head.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let sending = Sending {
        gateway,
        method: &request.method,
        to,
        target,
        head,
        tunnel: upgrade.is_some(),
        time_max: route.time_max,
    };
    match sending.complete(body).await {
        Ok(answer) => {
            breaker.succeeded();
            returned(ctx, answer, &request.method, (admitted, place), upgrade).await
        }
        // The client's own doing, which says nothing of the upstream.
        Err(Failure::Cut(cut)) => {
            breaker.learned_nothing();
            Err(match cut {
                Cut::TooLarge => Refusal::TooLarge,
                Cut::Slow => Refusal::SlowBody,
                Cut::Broken | Cut::Not => Refusal::Malformed("The request body is malformed or incomplete."),
            })
        }
        Err(failure) => {
            breaker.failed(ctx.now());
            Err(match failure {
                Failure::Late => Refusal::UpstreamTimeout,
                _ => Refusal::BadGateway,
            })
        }
    }
}

/// The body of a request on its way.
enum Sent {
    Whole(Bytes),
    Streamed(BodyStream, Outcome),
}

impl Sent {
    fn of(body: Incoming, bytes_max: u64, idle: Duration) -> Self {
        if body.is_end_stream() {
            return Self::Whole(Bytes::new());
        }
        let (body, outcome) = body::of_request(body, bytes_max, idle);
        Self::Streamed(body, outcome)
    }
}

/// One request to an upstream.
struct Sending<'a> {
    gateway: &'a Gateway,
    method: &'a Method,
    to: &'a HttpUpstream,
    target: Uri,
    head: HeaderMap,
    tunnel: bool,
    time_max: Duration,
}

enum Failure {
    Late,
    Broken,
    /// Of the request's body.
    Cut(Cut),
}

impl Sending<'_> {
    async fn complete(&self, body: Sent) -> Result<http::Response<Incoming>, Failure> {
        match body {
            Sent::Whole(bytes) => self.ask_with(bytes).await,
            // Apart: most requests have no body, and need no room for one.
            Sent::Streamed(body, outcome) => Box::pin(self.stream(body, outcome)).await,
        }
    }

    async fn stream(&self, body: BodyStream, outcome: Outcome) -> Result<http::Response<Incoming>, Failure> {
        // The time begins once the whole request is sent: a slow upload is not the upstream's fault.
        let answered = tokio::select! {
            answered = self.ask(body) => answered,
            () = outcome.unasked(self.time_max) => Err(Failure::Late),
        };
        match outcome.cut() {
            Cut::Not => answered,
            cut => Err(Failure::Cut(cut)),
        }
    }

    async fn ask_with(&self, bytes: Bytes) -> Result<http::Response<Incoming>, Failure> {
        // RFC 9110 §9.2.2: what is safe may be asked once more, since not a byte of an answer has come.
        let mut more = self.method.is_safe();
        loop {
            let answered = timeout(self.time_max, self.ask(body::whole(bytes.clone()))).await;
            match answered.unwrap_or(Err(Failure::Late)) {
                Err(Failure::Broken) if more => more = false,
                answered => return answered,
            }
        }
    }

    async fn ask(&self, body: BodyStream) -> Result<http::Response<Incoming>, Failure> {
        let mut request = http::Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.head.clone();
        self.client(request).await.map_err(|why| {
            log::warn!("the upstream {} did not answer: {why}", self.to.authority());
            Failure::Broken
        })
    }

    async fn client(&self, request: http::Request<BodyStream>) -> Result<http::Response<Incoming>, String> {
        let upstreams = &self.gateway.upstreams;
        let told = |error: legacy::Error| chain(&error);
        if self.to.is_https() {
            let client = upstreams.https(self.tunnel).map_err(str::to_owned)?;
            client.request(request).await.map_err(told)
        } else {
            upstreams.plain(self.tunnel).request(request).await.map_err(told)
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

fn target(to: &HttpUpstream, request: &Request) -> Result<Uri, Refusal> {
    // A token in the address counts for nothing here and goes no further.
    let is_token = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "access_token");
    let query = request.query.as_deref().map(|query| {
        let pairs = query.split('&').filter(|pair| !is_token(pair));
        pairs.collect::<Vec<_>>().join("&")
    });
    let target = to.at(&request.path, query.as_deref());
    target.ok_or(Refusal::Malformed("The address cannot be read."))
}

/// Says in `head` who asks, and what they asked for.
async fn tell(
    ctx: &Context,
    gateway: &Gateway,
    request: &Request,
    sender: &Sender,
    origin: &str,
    head: &mut HeaderMap,
) -> Result<(), StoreError> {
    let said = [
        (&X_REQUEST_ID, HeaderValue::from_str(&request.id)),
        (&X_FORWARDED_FOR, HeaderValue::try_from(request.peer.to_string())),
    ];
    for (name, value) in said {
        head.insert(
            name.clone(),
            value.expect("neither has a character that a header cannot hold"),
        );
    }
    head.insert(X_FORWARDED_PROTO.clone(), gateway.forwarded.proto.clone());
    head.insert(X_FORWARDED_HOST.clone(), gateway.forwarded.host.clone());
    identity::tell(ctx, &gateway.identity, sender, (origin, &request.id), head).await
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn wants_websocket(method: &Method, headers: &HeaderMap) -> bool {
    let names = |name: HeaderName, wanted: &str| {
        let values = headers.get_all(name);
        let mut words = values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        words.any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    *method == Method::GET && names(CONNECTION, "upgrade") && names(UPGRADE, "websocket")
}

/// The answer as the client gets it.
async fn returned(
    ctx: &Arc<Context>,
    mut answer: http::Response<Incoming>,
    method: &Method,
    (admitted, place): (Admitted, Place),
    upgrade: Option<Upgrade>,
) -> Result<Response, Refusal> {
    let mut response = Response::new(answer.status());
    response.headers = headers::of_answer(std::mem::take(answer.headers_mut()));
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(client) = upgrade else {
            // Nobody asked for it.
            return Ok(Response::new(StatusCode::BAD_GATEWAY));
        };
        response.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        response.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        let upstream = hyper::upgrade::on(&mut answer);
        tunnel::open(Arc::clone(ctx), (admitted, place), client, upstream);
        return Ok(response);
    }
    // RFC 9112 §6.3: a length that the body itself does not have is not passed on; HEAD and 304 have none to compare.
    let bodiless = *method == Method::HEAD || answer.status() == StatusCode::NOT_MODIFIED;
    if !bodiless && answer.body().size_hint().exact().is_none() {
        response.headers.remove(CONTENT_LENGTH);
    }
    let idle = admitted.found.route.time_max;
    let mut body = answer.into_body();
    if body.is_end_stream() {
        return Ok(response);
    }
    let first = body::at_hand(&mut body).await.map_err(|_| Refusal::BadGateway)?;
    if body.is_end_stream() {
        // Nothing is left to be waited for.
        response.body = first;
        return Ok(response);
    }
    let body = body::of_answer(body, idle);
    response.stream = Some(held::hold(ctx, first, body, (admitted, place)));
    Ok(response)
}
