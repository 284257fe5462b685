//! `/oauth/native/installations`: native apps register by themselves, and are reset.

use super::oauth::{DPOP, IDEMPOTENCY_KEY, REPLAYED, every, refused};
use crate::context::Context;
use crate::oauth::dpop::ALGS;
use crate::oauth::native::error::NativeError;
use crate::oauth::native::register::{self, register as registered};
use crate::oauth::params::Params;
use crate::platform::installations::reset;
use crate::web::request::Request;
use crate::web::response::Response;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};

/// A second proof, of the key that was accepted before.
const DPOP_PREVIOUS: HeaderName = HeaderName::from_static("dpop-previous");

/// `POST /oauth/native/installations`.
pub async fn register(ctx: &Context, request: &Request) -> Response {
    if ctx.profile().native_templates.is_empty() {
        return Response::not_found();
    }
    let asked = register::Asked {
        dpop: every(request, &DPOP),
        dpop_previous: every(request, &DPOP_PREVIOUS),
        body: &request.body,
        peer: request.peer,
    };
    match registered(ctx, &asked).await {
        Ok(answer) => {
            let status = match answer.status {
                Some(_) => StatusCode::CREATED,
                None => StatusCode::OK,
            };
            Response::json(status, &answer).no_store()
        }
        Err(error) => refuse(ctx, request, error),
    }
}

/// `DELETE /oauth/native/installations?client_id=…`.
pub async fn reset(ctx: &Context, request: &Request) -> Response {
    if ctx.profile().native_templates.is_empty() {
        return Response::not_found();
    }
    let query = request.query.as_deref().unwrap_or_default();
    let params = Params::parse(query.as_bytes()).unwrap_or_default();
    let asked = reset::Asked {
        client_id: params.get("client_id").ok().flatten(),
        authorization: every(request, &AUTHORIZATION),
        dpop: every(request, &DPOP),
        idempotency_keys: every(request, &IDEMPOTENCY_KEY),
    };
    match reset::reset(ctx, &asked).await {
        Ok(answer) => {
            let response = Response::json(StatusCode::OK, &answer).no_store();
            if answer.replayed {
                response.with(REPLAYED, "true")
            } else {
                response
            }
        }
        Err(error) => refuse(ctx, request, error),
    }
}

fn refuse(ctx: &Context, request: &Request, error: NativeError) -> Response {
    let (status, code, what) = match error {
        NativeError::Protocol(error) => return refused(ctx, request, &error),
        NativeError::Missing(name) => (
            400,
            format!("missing_{name}"),
            "A member of the registration is missing.",
        ),
        NativeError::Refused(why) => {
            let (status, code, what) = why.wire();
            (status, code.to_owned(), what)
        }
    };
    log::info!("{} {} {code}", request.id, request.path);
    let status = StatusCode::from_u16(status).expect("the table holds statuses");
    let response = Response::error(status, &code, what).no_store();
    if status != StatusCode::UNAUTHORIZED {
        return response;
    }
    // RFC 9449 §7.1.
    let algs = ALGS.map(|alg| alg.as_str()).join(" ");
    response.with_value(WWW_AUTHENTICATE, &format!("DPoP error=\"{code}\", algs=\"{algs}\""))
}
