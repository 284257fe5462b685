//! The form endpoints: token, introspection, revocation, pushed and posted authorization requests.

use super::cors;
use crate::context::Context;
use crate::oauth::answer::Answer;
use crate::oauth::client_auth::Credentials;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::oauth::{dpop, failures, introspect, pushed, revoke, token};
use crate::web::request::Request;
use crate::web::response::{Response, retry_after_s};
use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};

/// RFC 9449 §4.1.
pub const DPOP: HeaderName = HeaderName::from_static("dpop");
/// draft-ietf-httpapi-idempotency-key-header §2.1.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The answer was given before, to the same request.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// `expired`: the key was right, and its answer is not repeated any more.
const RECOVERY: HeaderName = HeaderName::from_static("oauth-token-recovery");
/// RFC 9449 §8.1.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// `POST /oauth/token` (RFC 6749 §3.2).
pub async fn token(ctx: &Context, request: &Request) -> Response {
    let answer = async {
        let params = form(request)?;
        token::token(ctx, &credentials(request, &params), &every(request, &IDEMPOTENCY_KEY)).await
    };
    let response = match answer.await {
        Ok(answer) => granted(ctx, answer),
        Err(error) => refuse(ctx, request, &error),
    };
    cors::answer(ctx, request, response).await
}

fn granted(ctx: &Context, answer: Answer) -> Response {
    let mut response = Response::json_bytes(StatusCode::OK, answer.body);
    if answer.replayed {
        response = response.with(REPLAYED, "true");
    }
    with_nonce(response, dpop::next_nonce(ctx)).no_store()
}

/// `POST /oauth/introspect` (RFC 7662).
pub async fn introspect(ctx: &Context, request: &Request) -> Response {
    let answer = async {
        let params = form(request)?;
        introspect::introspect(ctx, &credentials(request, &params)).await
    };
    match answer.await {
        Ok(body) => Response::json(StatusCode::OK, &body).no_store(),
        Err(error) => refuse(ctx, request, &error),
    }
}

/// `POST /oauth/revoke` (RFC 7009): 200 with nothing in it, as JSON, since some clients read every answer as JSON.
pub async fn revoke(ctx: &Context, request: &Request) -> Response {
    let answer = async {
        let params = form(request)?;
        revoke::revoke(ctx, &credentials(request, &params)).await
    };
    let response = match answer.await {
        Ok(()) => Response::json_bytes(StatusCode::OK, "{}").no_store(),
        Err(error) => refuse(ctx, request, &error),
    };
    cors::answer(ctx, request, response).await
}

/// `POST /oauth/par` (RFC 9126).
pub async fn push(ctx: &Context, request: &Request) -> Response {
    let answer = async {
        let params = form(request)?;
        pushed::push(ctx, &credentials(request, &params)).await
    };
    match answer.await {
        Ok(body) => with_nonce(
            Response::json(StatusCode::CREATED, &body).no_store(),
            dpop::next_nonce(ctx),
        ),
        Err(error) => refuse(ctx, request, &error),
    }
}

/// Parameters come from a form body and nowhere else: never from the URI (OAuth 2.1 §2.4.1).
fn form(request: &Request) -> Result<Params<'_>, OAuthError> {
    if !request.is_form() {
        let what = "The Content-Type must be application/x-www-form-urlencoded.";
        return Err(OAuthError::invalid_request(what));
    }
    Params::parse(&request.body)
}

fn credentials<'a>(request: &'a Request, params: &'a Params<'a>) -> Credentials<'a> {
    Credentials {
        authorization: every(request, &AUTHORIZATION),
        params,
        dpop: every(request, &DPOP),
        peer: request.peer,
    }
}

/// Every header of the name, as sent.
pub fn every<'a>(request: &'a Request, name: &HeaderName) -> Vec<&'a [u8]> {
    request.headers.get_all(name).iter().map(|v| v.as_bytes()).collect()
}

/// RFC 9449 §8.2: the nonce of the next proof. Scripts of other origins may read it (§8).
fn with_nonce(response: Response, nonce: Option<String>) -> Response {
    match nonce {
        Some(nonce) => response
            .with_value(DPOP_NONCE, &nonce)
            .with(ACCESS_CONTROL_EXPOSE_HEADERS, "DPoP-Nonce"),
        None => response,
    }
}

/// To somebody who may be a client of a developer: they are told of it.
fn refuse(ctx: &Context, request: &Request, error: &OAuthError) -> Response {
    explain(ctx, request, error);
    refused(ctx, request, error)
}

/// RFC 6749 §5.2. The cause goes to the log alone.
pub fn refused(ctx: &Context, request: &Request, error: &OAuthError) -> Response {
    let (code, status) = error.code.wire();
    let cause = error.cause.as_deref().unwrap_or_default();
    match error.code {
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => {
            log::error!(
                "{} {} {code}: {} {cause:?}",
                request.id,
                request.path,
                error.description
            );
        }
        _ => log::info!(
            "{} {} {code}: {} {cause:?}",
            request.id,
            request.path,
            error.description
        ),
    }
    let status = StatusCode::from_u16(status).expect("the table holds statuses");
    let mut response = Response::error(status, code, &error.wire_description());
    if error.code == ErrorCode::InvalidClient {
        // RFC 9110 §15.5.2 wants a challenge in every 401; RFC 6749 §5.2 the scheme the client used.
        response = response.with_value(WWW_AUTHENTICATE, &format!("Basic realm=\"{}\"", ctx.issuer()));
    }
    if error.recovery_expired {
        response = response.with(RECOVERY, "expired");
    }
    if let Some(wait) = error.retry_after {
        response = response.with_value(RETRY_AFTER, &retry_after_s(wait).to_string());
    }
    with_nonce(response, error.dpop_nonce.clone()).no_store()
}

/// To the developers of the app, where it is known who asked.
fn explain(ctx: &Context, request: &Request, error: &OAuthError) {
    let endpoint = request.path.rsplit('/').next().unwrap_or_default();
    if let Ok(params) = form(request) {
        failures::note(ctx, &request.id, endpoint, &credentials(request, &params), error);
    }
}
