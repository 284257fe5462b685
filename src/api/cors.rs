//! Apps that run in a browser, at the endpoints where they get and end tokens (RFC 9700 §2.6).
//!
//! An answer may be read by pages of the origins that the client registered redirect URIs of, and by no others. A
//! preflight says no client: it is let through, and the answer to the request itself decides.

use crate::context::Context;
use crate::model::app::{App, ClientType};
use crate::oauth::params::Params;
use crate::store::keys;
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use url::Url;

/// A public client authenticates in none of them, so `Authorization` is not among them.
const REQUEST_HEADERS: &str = "Content-Type, DPoP, Idempotency-Key";
const ANSWER_HEADERS: &str = "DPoP-Nonce, Idempotent-Replayed, OAuth-Token-Recovery, Retry-After";

pub fn preflight(request: &Request) -> Response {
    let response = Response::new(StatusCode::NO_CONTENT).with(VARY, "Origin");
    let Some(origin) = request.header(ORIGIN.as_str()) else {
        return response;
    };
    response
        .with_value(ACCESS_CONTROL_ALLOW_ORIGIN, origin)
        .with(ACCESS_CONTROL_ALLOW_METHODS, "POST")
        .with(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS)
        .with(ACCESS_CONTROL_MAX_AGE, "600")
}

/// `response`, readable by the page that asked for it where the client is one that runs there.
pub async fn answer(ctx: &Context, request: &Request, response: Response) -> Response {
    match request.header(ORIGIN.as_str()) {
        Some(origin) if registered(ctx, request, origin).await => response
            .with_value(ACCESS_CONTROL_ALLOW_ORIGIN, origin)
            .with(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS)
            .with(VARY, "Origin"),
        _ => response,
    }
}

/// From the stored client alone (CVE-2026-37977): a confidential one has no business in a browser.
async fn registered(ctx: &Context, request: &Request, origin: &str) -> bool {
    let Ok(params) = Params::parse(&request.body) else {
        return false;
    };
    let Ok(Some(client_id)) = params.get("client_id") else {
        return false;
    };
    let key = keys::app(client_id);
    match ctx.load::<App>(&key).await {
        Ok(Some(app)) if app.client_type == ClientType::Public => {
            let origins = app.redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok());
            // An app's own scheme has an opaque origin, which is written `null`: so are those of sandboxed pages, which
            // may be anybody's (RFC 6454 §7.1).
            origins
                .map(|uri| uri.origin())
                .any(|own| own.is_tuple() && own.ascii_serialization() == origin)
        }
        _ => false,
    }
}
