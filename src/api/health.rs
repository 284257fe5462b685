//! `/healthz` says that the process answers, `/readyz` that it can decide.

use crate::context::Context;
use crate::web::response::Response;
use http::StatusCode;

pub async fn healthz() -> Response {
    Response::text(StatusCode::OK, "ok\n").no_store()
}

/// 503 while the store cannot be read.
pub async fn readyz(ctx: &Context) -> Response {
    match ctx.settings().await {
        Ok(_) => Response::text(StatusCode::OK, "ready\n").no_store(),
        Err(error) => {
            log::error!("not ready: {error}");
            Response::text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n").no_store()
        }
    }
}
