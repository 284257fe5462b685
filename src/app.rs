//! All that is answered: the one place that names every handler.

use crate::api::{health, oauth, well_known};
use crate::context::Context;
use crate::control::socket;
use crate::jobs;
use crate::web::listener::Listener;
use crate::web::request::Request;
use crate::web::response::Response;
use crate::web::server::{self, Ended};
use crate::web::signals::Stop;
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW};
use http::{Method, StatusCode};
use matchit::Router;
use std::io;
use std::sync::{Arc, LazyLock};
use tokio::net::UnixListener;
use tokio::sync::watch;

/// The whole of a form or a JSON document.
const BODY_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route {
    Token,
    Introspect,
    Revoke,
    Jwks,
    ServerMetadata,
    ResourceMetadata,
    Healthz,
    Readyz,
}

struct Row {
    method: Method,
    path: &'static str,
    route: Route,
    body_bytes_max: usize,
}

const fn post(path: &'static str, route: Route) -> Row {
    Row {
        method: Method::POST,
        path,
        route,
        body_bytes_max: BODY_BYTES_MAX,
    }
}

const fn get(path: &'static str, route: Route) -> Row {
    Row {
        method: Method::GET,
        path,
        route,
        body_bytes_max: 0,
    }
}

const ROUTES: [Row; 12] = [
    post("/oauth/token", Route::Token),
    post("/oauth/introspect", Route::Introspect),
    post("/oauth/revoke", Route::Revoke),
    get("/oauth/jwks.json", Route::Jwks),
    get("/.well-known/oauth-authorization-server", Route::ServerMetadata),
    get("/.well-known/oauth-authorization-server/{*path}", Route::ServerMetadata),
    get("/.well-known/openid-configuration", Route::ServerMetadata),
    get("/.well-known/openid-configuration/{*path}", Route::ServerMetadata),
    get("/.well-known/oauth-protected-resource", Route::ResourceMetadata),
    get("/.well-known/oauth-protected-resource/{*path}", Route::ResourceMetadata),
    get("/healthz", Route::Healthz),
    get("/readyz", Route::Readyz),
];

/// Path → index of its row. A path has one method so far; HEAD is GET without the body.
static ROUTER: LazyLock<Router<usize>> = LazyLock::new(|| {
    let mut router = Router::new();
    for (index, row) in ROUTES.iter().enumerate() {
        router
            .insert(row.path, index)
            .expect("the table's paths are well-formed and differ");
    }
    router
});

/// How much of a body is read for this path: the route's own limit, nothing where there is no route.
pub fn body_bytes_max(_method: &Method, path: &str) -> usize {
    ROUTER.at(path).map_or(0, |found| ROUTES[*found.value].body_bytes_max)
}

pub async fn dispatch(ctx: &Context, request: Request) -> Response {
    let Ok(found) = ROUTER.at(&request.path) else {
        return Response::error(StatusCode::NOT_FOUND, "not_found", "There is nothing here.");
    };
    let row = &ROUTES[*found.value];
    let method = if request.method == Method::HEAD {
        &Method::GET
    } else {
        &request.method
    };
    if *method == Method::OPTIONS {
        return preflight(row);
    }
    if *method != row.method {
        let what = format!("This address answers {} only.", row.method);
        return Response::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &what)
            .with_value(ALLOW, &allowed(row));
    }
    let rest = found
        .params
        .get("path")
        .map(|path| format!("/{path}"))
        .unwrap_or_default();
    match row.route {
        Route::Token => oauth::token(ctx, &request).await,
        Route::Introspect => oauth::introspect(ctx, &request).await,
        Route::Revoke => oauth::revoke(ctx, &request).await,
        Route::Jwks => well_known::jwks(ctx),
        Route::ServerMetadata => well_known::authorization_server(ctx, &rest),
        Route::ResourceMetadata => well_known::protected_resource(ctx, &rest),
        Route::Healthz => health::healthz().await,
        Route::Readyz => health::readyz(ctx).await,
    }
}

fn allowed(row: &Row) -> String {
    if row.method == Method::GET {
        "GET, HEAD, OPTIONS".into()
    } else {
        format!("{}, OPTIONS", row.method)
    }
}

/// Other origins may read the public documents and nothing else (RFC 9700 §2.6).
fn preflight(row: &Row) -> Response {
    let response = Response::new(StatusCode::NO_CONTENT).with_value(ALLOW, &allowed(row));
    match row.route {
        Route::Jwks | Route::ServerMetadata | Route::ResourceMetadata => response
            .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .with(ACCESS_CONTROL_ALLOW_METHODS, "GET")
            .with(ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        _ => response,
    }
}

/// Everything that runs while the server does: the listeners, the local socket, the jobs. Ends when `stop` says so.
pub async fn serve(
    ctx: Arc<Context>,
    listeners: Vec<Listener>,
    control: UnixListener,
    stop: watch::Receiver<Stop>,
) -> io::Result<Ended> {
    let control = tokio::spawn(socket::serve(ctx.clone(), control));
    let jobs = tokio::spawn(jobs::run(ctx.clone()));
    let (limits, random) = (ctx.config.limits.clone(), ctx.random.clone());
    let handle = move |request| {
        let ctx = ctx.clone();
        async move { dispatch(&ctx, request).await }
    };
    let ended = server::serve(listeners, limits, random, body_bytes_max, handle, stop).await;
    control.abort();
    jobs.abort();
    ended
}
