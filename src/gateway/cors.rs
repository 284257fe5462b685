//! Pages of other origins that call the API from a browser (the Fetch standard's CORS), where the configuration names
//! them.
//!
//! Who asks is shown by a credential in a header that the page itself sets: no cookie counts here, and none is allowed.

use super::path;
use crate::context::Context;
use crate::web::request::Request;
use crate::web::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{Method, StatusCode};

/// A page that may read an answer.
pub struct Page(HeaderValue);

/// The page that asks, where it is one of those that may.
pub fn page(ctx: &Context, request: &Request) -> Option<Page> {
    let origin = request.header(ORIGIN.as_str())?;
    let origins = &ctx.config.gateway.cors_origins;
    let known = origins.iter().any(|known| known == origin);
    known.then(|| HeaderValue::from_str(origin).ok().map(Page)).flatten()
}

/// What a browser is told that asks before it sends a request; it shows no credential. `None`: it is no such question,
/// or one about no route, which is answered like any other request.
pub fn preflight(ctx: &Context, request: &Request) -> Option<Response> {
    if request.method != Method::OPTIONS || !request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    if !path::is_plain(&request.path) {
        return None;
    }
    let found = ctx.routes().at(&path::bare(&request.path))?;
    let methods: Vec<&str> = found.route.methods.iter().map(|(method, _)| method.as_str()).collect();
    let response = Response::new(StatusCode::NO_CONTENT)
        .with_value(ACCESS_CONTROL_ALLOW_METHODS, &methods.join(", "))
        .with(ACCESS_CONTROL_MAX_AGE, "600");
    // What the page may send is for the API to know; what would say who asks is taken out on the way.
    Some(match request.header(ACCESS_CONTROL_REQUEST_HEADERS.as_str()) {
        Some(names) => response.with_value(ACCESS_CONTROL_ALLOW_HEADERS, names),
        None => response,
    })
}

/// The answer as the page may read it, whatever an upstream says of pages. `None`: no page that may.
pub fn tell(ctx: &Context, page: Option<Page>, response: &mut Response) {
    if ctx.config.gateway.cors_origins.is_empty() {
        return;
    }
    let headers = &mut response.headers;
    headers.append(VARY, HeaderValue::from_static("Origin"));
    for name in [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_EXPOSE_HEADERS,
    ] {
        headers.remove(name);
    }
    if let Some(Page(origin)) = page {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    }
}
