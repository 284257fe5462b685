//! `/gateway/check`: another proxy stands before the API and asks here whether to let a request through.
//!
//! nginx (`auth_request`) says which request it is in `X-Original-Method` and `X-Original-URI`, Caddy and Traefik in
//! `X-Forwarded-Method` and `X-Forwarded-Uri`, Envoy (HTTP `ext_authz`) asks with the request's own method at
//! `/gateway/check` followed by its path. Whoever may send those headers decides what is judged: only the configured
//! proxies are answered.

use super::guard::{Asked, admit};
use super::refusal::Refusal;
use super::{Gateway, identity};
use crate::context::Context;
use crate::web::request::Request;
use crate::web::response::Response;
use http::{Method, StatusCode};
use std::net::IpAddr;

pub const PATH: &str = "/gateway/check";

/// Whether the path is asked here.
pub fn is_asked(path: &str) -> bool {
    path.strip_prefix(PATH)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// 200 with the headers that tell the API who asks, or what the client is to be answered.
pub async fn check(ctx: &Context, gateway: &Gateway, request: &Request) -> Response {
    let settings = &ctx.config.gateway;
    if !settings.forward_auth_peers.contains(&request.peer.to_canonical()) {
        return Response::not_found();
    }
    let (about, wording) = match about(request) {
        Ok(about) => about,
        Err(why) => return Refusal::Malformed(why).response(ctx, &request.id),
    };
    let asked = Asked {
        method: &about.method,
        path: &about.path,
        headers: &request.headers,
        peer: sender(request),
    };
    let (admitted, standing) = admit(ctx, gateway, &asked).await;
    let refusal = match admitted {
        Ok(admitted) => {
            let mut response = Response::new(StatusCode::OK).no_store();
            let about = (ctx.issuer(), request.id.as_str());
            match identity::tell(ctx, &gateway.identity, &admitted.caller, about, &mut response.headers).await {
                Ok(()) => {
                    standing.tell(&mut response.headers);
                    return response;
                }
                Err(error) => Refusal::Store(error),
            }
        }
        Err(refusal) => refusal,
    };
    let mut response = refusal.response(ctx, &request.id);
    standing.tell(&mut response.headers);
    // nginx knows 401 and 403 and takes every other refusal for a failure of this server.
    if wording == Wording::Nginx && response.status.is_client_error() && response.status != StatusCode::UNAUTHORIZED {
        response.status = StatusCode::FORBIDDEN;
    }
    response
}

/// The request that it is about.
struct About {
    method: Method,
    path: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wording {
    Nginx,
    Forwarded,
    Envoy,
}

fn about(request: &Request) -> Result<(About, Wording), &'static str> {
    let one = |name: &str| match request.headers.get_all(name).iter().count() {
        0 => Ok(None),
        1 => request
            .header(name)
            .map(Some)
            .ok_or("A header of the proxy is no text."),
        _ => Err("A header of the proxy stands there twice."),
    };
    let nginx = (one("x-original-method")?, one("x-original-uri")?);
    let forwarded = (one("x-forwarded-method")?, one("x-forwarded-uri")?);
    let rest = request.path.strip_prefix(PATH).unwrap_or_default();
    let (method, target, wording) = match (nginx, forwarded, rest) {
        ((Some(method), Some(target)), (None, None), "") => (method, target, Wording::Nginx),
        ((None, None), (Some(method), Some(target)), "") => (method, target, Wording::Forwarded),
        // Envoy passes on headers of the client's; there they mean nothing.
        (_, _, rest) if !rest.is_empty() => (request.method.as_str(), rest, Wording::Envoy),
        _ => {
            return Err(
                "The proxy must say which request it is about, in one way: X-Original-Method and -URI, or \
                        X-Forwarded-Method and -Uri, or its path after this one.",
            );
        }
    };
    let method = method.parse().map_err(|_| "The method is none.")?;
    let path = target.split('?').next().unwrap_or_default().to_owned();
    Ok((About { method, path }, wording))
}

/// Whose failures count: the address that the proxy saw, which it puts last.
fn sender(request: &Request) -> IpAddr {
    let last = request.headers.get_all("x-forwarded-for").iter().next_back();
    let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    last.and_then(|address| address.trim().parse().ok())
        .unwrap_or(request.peer)
}
