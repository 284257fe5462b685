//! Those of the API's own routes that this server answers itself: webhook subscriptions, and what was sent to them.

use crate::config::routes::{Found, Own};
use crate::context::Context;
use crate::model::delivery::State;
use crate::oauth::params::Params;
use crate::platform::caller::Caller;
use crate::platform::webhooks::requests;
use crate::platform::webhooks::subscriptions::{self, Asked, Refused, Reply, callback};
use crate::web::request::Request;
use crate::web::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, Method, StatusCode};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const KEY_CHARS_MIN: usize = 8;
const KEY_CHARS_MAX: usize = 200;
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Of one page of a list.
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 100;

/// What an admitted request comes to.
pub async fn answer(ctx: &Context, request: &Request, caller: &Caller, found: &Found, own: Own) -> Response {
    let answered = match asked(ctx, request, caller) {
        Ok(asked) => act(&asked, request, found, own).await,
        Err(refused) => Err(refused),
    };
    let response = match answered {
        Ok(reply) => {
            let response = Response::json(StatusCode::OK, &reply.body);
            if reply.replayed {
                response.with(REPLAYED, "true")
            } else {
                response
            }
        }
        Err(refused) => told(ctx, request, &refused),
    };
    response.no_store()
}

async fn act(asked: &Asked<'_>, request: &Request, found: &Found, own: Own) -> Result<Reply, Refused> {
    match (own, asked.method) {
        (Own::WebhookSubscription, &Method::GET) => subscriptions::show(asked).await,
        (Own::WebhookSubscription, &Method::PUT) => {
            is_json(request)?;
            subscriptions::put(asked).await
        }
        (Own::WebhookSubscription, &Method::DELETE) => subscriptions::disable(asked).await,
        (Own::WebhookTest, &Method::POST) => requests::test(asked).await,
        (Own::WebhookSecret, &Method::POST) => callback::rotate(asked).await,
        (Own::WebhookRequests, &Method::GET) => list(asked, request).await,
        (Own::WebhookRetry, &Method::POST) => requests::retry(asked, found.part("id")).await,
        _ => Err(Refused::new(
            501,
            "not_implemented",
            "Nothing happens with this method here.",
        )),
    }
}

fn asked<'a>(ctx: &'a Context, request: &'a Request, caller: &'a Caller) -> Result<Asked<'a>, Refused> {
    let method = match &request.method {
        &Method::HEAD => &Method::GET,
        method => method,
    };
    Ok(Asked {
        ctx,
        caller,
        owner: caller.owner(),
        method,
        body: &request.body,
        key: if method == Method::GET { None } else { key(request)? },
    })
}

async fn list(asked: &Asked<'_>, request: &Request) -> Result<Reply, Refused> {
    let invalid = |what: String| Refused::invalid("invalid_request", what);
    let query = request.query.as_deref().unwrap_or_default();
    let params = Params::parse(query.as_bytes()).map_err(|error| invalid(error.description.into()))?;
    let of = |name| params.get(name).map_err(|error| invalid(error.description.into()));
    let limit = match of("limit")? {
        None => LIMIT,
        Some(text) => {
            let number = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
            let number = number.filter(|number| (1..=LIMIT_MAX).contains(number));
            number.ok_or_else(|| invalid(format!("limit must be a whole number from 1 to {LIMIT_MAX}.")))?
        }
    };
    let state = match of("status")? {
        None => None,
        Some(text) => {
            let state = State::ALL.into_iter().find(|state| state.as_str() == text);
            let known = State::ALL.map(State::as_str).join(", ");
            Some(state.ok_or_else(|| invalid(format!("status must be one of {known}.")))?)
        }
    };
    requests::list(asked, limit, state, of("cursor")?).await
}

fn is_json(request: &Request) -> Result<(), Refused> {
    let content_type = request.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let what = "Send a JSON object with the content type application/json.";
    Err(Refused::new(415, "unsupported_media_type", what))
}

/// The `Idempotency-Key`, if there is one.
fn key(request: &Request) -> Result<Option<&str>, Refused> {
    let mut headers = request.headers.get_all(KEY).iter();
    let bad = |what: &str| Err(Refused::invalid("invalid_idempotency_key", what));
    match (headers.next(), headers.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => bad("There is more than one Idempotency-Key."),
        (Some(key), None) => {
            let good = |b: u8| b.is_ascii_alphanumeric() || b"._~:+/=-".contains(&b);
            let key = key.to_str().unwrap_or_default();
            if (KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(good) {
                Ok(Some(key))
            } else {
                bad("The Idempotency-Key must be 8 to 200 of the characters A-Z a-z 0-9 . _ ~ : + / = -.")
            }
        }
    }
}

fn told(ctx: &Context, request: &Request, refused: &Refused) -> Response {
    if let Refused::Store(error) = refused {
        log::error!("request {}: {error}", request.id);
    }
    let (status, body) = refused.told(ctx, &request.id);
    let status = StatusCode::from_u16(status).expect("the statuses of refusals are good");
    let response = Response::json(status, &body);
    match status {
        StatusCode::SERVICE_UNAVAILABLE => response.with(RETRY_AFTER, "1"),
        StatusCode::TOO_MANY_REQUESTS => response.with(RETRY_AFTER, "300"),
        _ => response,
    }
}
