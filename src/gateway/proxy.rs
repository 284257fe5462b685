//! The way to an upstream and back: streamed, bounded in time and size, and repeated only where that changes nothing.

use super::body::{self, BodyStream, Cut, Outcome};
use super::guard::Admitted;
use super::places::Place;
use super::refusal::Refusal;
use super::{Gateway, headers, held, identity, tunnel};
use crate::context::Context;
use crate::web::request::{Request, Unread, Upgrade};
use crate::web::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// For whoever has too many requests on their way.
const AGAIN: Duration = Duration::from_secs(1);

/// Passes an admitted request on to the upstream at `url`.
pub async fn forward(
    ctx: &Arc<Context>,
    gateway: &Gateway,
    request: Request,
    admitted: Admitted,
    url: &Url,
) -> Result<Response, Refusal> {
    let route = &admitted.found.route;
    let declared = declared(&request.headers).unwrap_or(request.body.len() as u64);
    if declared > route.body_bytes_max {
        return Err(Refusal::TooLarge);
    }
    let place = gateway.places.take(&admitted.caller).ok_or(Refusal::Wait(AGAIN))?;
    let origin = url.origin().ascii_serialization();
    let target = target(url, &request)?;
    let mut head = outgoing_headers(ctx, &request, &admitted, &origin).await?;
    let breaker = gateway.upstreams.breaker(&origin);
    breaker.pass(ctx.now()).map_err(Refusal::Resting)?;

    let websocket = wants_websocket(&request.method, &request.headers);
    let (body, upgrade) = match request.unread {
        Some(Unread { body, upgrade }) => {
            let idle = Duration::from_millis(ctx.config.limits.body_ms_max);
            (
                Sent::of(body, route.body_bytes_max, idle),
                upgrade.filter(|_| websocket),
            )
        }
        None => (Sent::whole(request.body), None),
    };
    if upgrade.is_some() {
        head.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        head.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let sending = Sending {
        gateway,
        method: &request.method,
        target: &target,
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
    Nothing,
    Something(BodyStream, Outcome),
}

impl Sent {
    fn of(body: Incoming, bytes_max: u64, idle: Duration) -> Self {
        if body.is_end_stream() {
            return Self::Nothing;
        }
        let (body, outcome) = body::of_request(body, bytes_max, idle);
        Self::Something(body, outcome)
    }

    fn whole(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::Nothing;
        }
        Self::Something(body::whole(bytes), Outcome::already_over())
    }
}

/// One request to an upstream.
struct Sending<'a> {
    gateway: &'a Gateway,
    method: &'a Method,
    target: &'a Uri,
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
        let Sent::Something(body, outcome) = body else {
            let sent = Outcome::already_over();
            return match self.send(body::none(), &sent).await {
                // RFC 9110 §9.2.2: what is safe may be asked once more, since not a byte of an answer has come.
                Err(Failure::Broken) if self.method.is_safe() => self.send(body::none(), &sent).await,
                answered => answered,
            };
        };
        let answered = self.send(body, &outcome).await;
        match outcome.cut() {
            Cut::Not => answered,
            cut => Err(Failure::Cut(cut)),
        }
    }

    /// The time begins once the whole request is sent: a slow upload is not the upstream's fault.
    async fn send(&self, body: BodyStream, sent: &Outcome) -> Result<http::Response<Incoming>, Failure> {
        let mut request = http::Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.head.clone();
        let answered = tokio::select! {
            answered = self.client(request) => answered,
            () = sent.unasked(self.time_max) => return Err(Failure::Late),
        };
        answered.map_err(|why| {
            log::warn!("the upstream {} did not answer: {why}", authority(self.target));
            Failure::Broken
        })
    }

    async fn client(&self, request: http::Request<BodyStream>) -> Result<http::Response<Incoming>, String> {
        let upstreams = &self.gateway.upstreams;
        let told = |error: legacy::Error| chain(&error);
        if self.target.scheme_str() == Some("https") {
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

fn authority(target: &Uri) -> &str {
    target.authority().map_or("", |authority| authority.as_str())
}

fn target(url: &Url, request: &Request) -> Result<Uri, Refusal> {
    let origin = url.origin().ascii_serialization();
    let base = url.path().trim_end_matches('/');
    // A token in the address counts for nothing here and goes no further.
    let is_token = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "access_token");
    let query = request.query.as_deref().map_or(String::new(), |query| {
        let pairs = query.split('&').filter(|pair| !is_token(pair));
        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    });
    let target = format!("{origin}{base}{}{query}", request.path);
    target
        .parse()
        .map_err(|_| Refusal::Malformed("The address cannot be read."))
}

async fn outgoing_headers(
    ctx: &Context,
    request: &Request,
    admitted: &Admitted,
    origin: &str,
) -> Result<HeaderMap, Refusal> {
    let mut head = headers::of_request(ctx, &request.headers, true);
    let mut tell = |name: &HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            head.insert(name.clone(), value);
        }
    };
    tell(&X_REQUEST_ID, &request.id);
    tell(&X_FORWARDED_FOR, &request.peer.to_string());
    let (scheme, host) = ctx.issuer().split_once("://").unwrap_or_default();
    tell(&X_FORWARDED_PROTO, scheme);
    tell(&X_FORWARDED_HOST, host);
    head.extend(identity::headers(ctx, &admitted.caller, origin, &request.id).await?);
    Ok(head)
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
    response.headers = headers::of_answer(answer.headers());
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
