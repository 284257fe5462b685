//! Public documents: metadata and keys. Any origin may read them (RFC 9700 §2.6).

use crate::context::Context;
use crate::oauth::metadata;
use crate::web::response::Response;
use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};

/// Short against the hours between a key's publication and its first signature.
const CACHE: &str = "public, max-age=300";

/// RFC 8414 §3. `path` is what follows the well-known name: empty, or the path of a resource, which MCP clients insert.
pub fn authorization_server(ctx: &Context, path: &str) -> Response {
    match metadata::resource_at(ctx, path) {
        Some(_) => public(Response::json(StatusCode::OK, &metadata::authorization_server(ctx))),
        None => Response::not_found(),
    }
}

/// RFC 9728 §3.
pub fn protected_resource(ctx: &Context, path: &str) -> Response {
    match metadata::resource_at(ctx, path) {
        Some(resource) => public(Response::json(
            StatusCode::OK,
            &metadata::protected_resource(ctx, resource),
        )),
        None => Response::not_found(),
    }
}

/// RFC 7517 §5.
pub fn jwks(ctx: &Context) -> Response {
    public(Response::json_bytes(StatusCode::OK, ctx.keyring.set().jwks.clone()))
}

fn public(response: Response) -> Response {
    response
        .with(CACHE_CONTROL, CACHE)
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}
