//! `/metrics` on a listener of its own, on this machine alone.

use crate::context::Context;
use crate::platform::watching::exposition::{Form, text};
use crate::web::request::Request;
use crate::web::response::Response;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST, VARY};
use http::uri::Authority;
use http::{Method, StatusCode};
use std::net::IpAddr;

/// Everything that is answered there.
pub async fn answer(ctx: &Context, request: &Request) -> Response {
    // A page in a browser on this machine could be served under a name that leads here.
    if !names_this_machine(request) {
        return Response::text(
            StatusCode::MISDIRECTED_REQUEST,
            "Ask for localhost or a loopback address.\n",
        )
        .no_store();
    }
    if request.path != "/metrics" {
        return Response::text(StatusCode::NOT_FOUND, "Metrics are at /metrics.\n").no_store();
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        let refused = Response::text(StatusCode::METHOD_NOT_ALLOWED, "This address answers GET only.\n");
        return refused.with(ALLOW, "GET, HEAD").no_store();
    }
    let accept: Vec<&str> = request
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|one| one.to_str().ok())
        .collect();
    let form = Form::wanted(&accept.join(","));
    let mut response = Response::text(StatusCode::OK, text(ctx, form).await).no_store();
    response.headers.remove(CONTENT_TYPE);
    response.with(CONTENT_TYPE, form.content_type()).with(VARY, "Accept")
}

fn names_this_machine(request: &Request) -> bool {
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    // HTTP/1.0 needs none, and no browser speaks it.
    let Some(host) = host else { return true };
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']']);
    name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
