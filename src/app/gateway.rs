//! The API's routes: what the gateway admits goes to whoever answers it, this server, the sandbox or a real API.

use crate::api::webhook_subscriptions;
use crate::config::routes::Upstream;
use crate::context::Context;
use crate::gateway::guard::{Admitted, Asked, admit};
use crate::gateway::refusal::Refusal;
use crate::gateway::{Gateway, cors, proxy};
use crate::sandbox;
use crate::web::request::{BodyRule, Request};
use crate::web::response::Response;
use std::sync::Arc;

/// A document has 6 KiB; what is a little larger is refused with a sentence of its own.
const SANDBOX_BODY_BYTES_MAX: usize = 64 * 1024;

/// An address, a few names, and what an app notes down with them.
const OWN_BODY_BYTES_MAX: usize = 16 * 1024;

/// A proxy streams; the sandbox keeps what it is sent, so that is read whole. Of all else not a byte is read.
pub fn body_rule(ctx: &Context, path: &str) -> BodyRule {
    match ctx.routes().at(path).map(|found| found.route) {
        Some(route) => match route.upstream {
            Upstream::Sandbox => BodyRule::Whole(SANDBOX_BODY_BYTES_MAX),
            Upstream::Own(_) => BodyRule::Whole(OWN_BODY_BYTES_MAX),
            Upstream::Http(_) => BodyRule::Streamed,
        },
        None => BodyRule::Whole(0),
    }
}

/// Whoever takes part borrows the request: each that owned it would have room for it of its own in the future.
pub async fn answer(ctx: &Arc<Context>, gateway: &Gateway, mut request: Request) -> Response {
    let page = cors::page(ctx, &request);
    let preflight = page.as_ref().and_then(|_| cors::preflight(ctx, &request));
    let mut response = match preflight {
        Some(response) => response,
        None => guarded(ctx, gateway, &mut request).await,
    };
    cors::tell(ctx, page, &mut response);
    response
}

async fn guarded(ctx: &Arc<Context>, gateway: &Gateway, request: &mut Request) -> Response {
    let asked = Asked {
        method: &request.method,
        path: &request.path,
        headers: &request.headers,
        peer: request.peer,
    };
    let (admitted, standing) = admit(ctx, gateway, &asked).await;
    let answered = match admitted {
        Ok(admitted) => pass(ctx, gateway, request, admitted).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = answered.unwrap_or_else(|refusal| refusal.response(ctx, &request.id));
    standing.tell(&mut response.headers);
    response
}

async fn pass(
    ctx: &Arc<Context>,
    gateway: &Gateway,
    request: &mut Request,
    admitted: Admitted,
) -> Result<Response, Refusal> {
    let route = Arc::clone(&admitted.found.route);
    match &route.upstream {
        Upstream::Http(to) => proxy::forward(ctx, gateway, request, admitted, to).await,
        Upstream::Own(own) => {
            let answer = webhook_subscriptions::answer(ctx, request, &admitted.caller, &admitted.found, *own);
            Ok(Box::pin(answer).await)
        }
        Upstream::Sandbox if route.sandbox.is_none() => Err(Refusal::NotInSandbox),
        Upstream::Sandbox => Ok(Box::pin(sandbox::answer(ctx, request, &admitted.caller, &admitted.found)).await),
    }
}
