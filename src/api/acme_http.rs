//! The plain http listener of `[acme]`, for everybody: it answers challenges (RFC 8555 §8.3), leads who forgot the s
//! to https, and takes nothing else, so that no token or secret is ever sent over it twice.

use crate::context::Context;
use crate::web::request::Request;
use crate::web::response::Response;
use http::header::{ALLOW, LOCATION};
use http::{Method, StatusCode};

const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// Everything that is answered there.
pub fn answer(ctx: &Context, request: &Request) -> Response {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        let what = format!(
            "Nothing but GET is answered in plain http. Ask {}; what was sent here was readable on its way: count a \
             secret in it as known.\n",
            ctx.issuer()
        );
        let refused = Response::text(StatusCode::METHOD_NOT_ALLOWED, what);
        return refused.with(ALLOW, "GET, HEAD").no_store();
    }
    if let Some(token) = request.path.strip_prefix(CHALLENGES) {
        return match ctx.acme.answer(token) {
            Some(answer) => Response::text(StatusCode::OK, answer).no_store(),
            None => Response::text(StatusCode::NOT_FOUND, "No such challenge is waited for.\n").no_store(),
        };
    }
    // Without a slash at its beginning the path would become part of the host.
    if !request.path.starts_with('/') {
        return Response::text(StatusCode::BAD_REQUEST, "There is no such path.\n").no_store();
    }
    let query = request
        .query
        .as_ref()
        .map_or(String::new(), |query| format!("?{query}"));
    // To the issuer, whatever `Host` says.
    let place = format!("{}{}{query}", ctx.issuer(), request.path);
    Response::new(StatusCode::PERMANENT_REDIRECT)
        .with_value(LOCATION, &place)
        .no_store()
}
