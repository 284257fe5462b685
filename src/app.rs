//! All that is answered: the one place that names every handler.

use crate::api::{cors, health, oauth, well_known};
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

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route {
    PostedAuthorization,
    PushedAuthorization,
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
}

const fn post(path: &'static str, route: Route) -> Row {
    Row {
        method: Method::POST,
        path,
        route,
    }
}

const fn get(path: &'static str, route: Route) -> Row {
    Row {
        method: Method::GET,
        path,
        route,
    }
}

static ROUTES: [Row; 14] = [
    post("/oauth/authorize", Route::PostedAuthorization),
    post("/oauth/par", Route::PushedAuthorization),
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

/// Path → the rows of its methods. HEAD is GET without the body.
static ROUTER: LazyLock<Router<Vec<&Row>>> = LazyLock::new(|| {
    let mut router: Router<Vec<&Row>> = Router::new();
    for row in &ROUTES {
        match router.at_mut(row.path) {
            Ok(found) if found.value[0].path == row.path => found.value.push(row),
            _ => router
                .insert(row.path, vec![row])
                .expect("the table's paths are well-formed and differ"),
        }
    }
    router
});

/// Whether a body is read for this path: of what is not posted, or not a route, not a byte.
fn takes_body(path: &str) -> bool {
    ROUTER
        .at(path)
        .is_ok_and(|found| found.value.iter().any(|row| row.method == Method::POST))
}

pub async fn dispatch(ctx: &Context, request: Request) -> Response {
    let Ok(found) = ROUTER.at(&request.path) else {
        return Response::not_found();
    };
    let rows = found.value.as_slice();
    let method = if request.method == Method::HEAD {
        &Method::GET
    } else {
        &request.method
    };
    if *method == Method::OPTIONS {
        return preflight(rows, &request);
    }
    let Some(row) = rows.iter().find(|row| row.method == *method) else {
        let methods: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
        let what = format!("This address answers {} only.", methods.join(" and "));
        return Response::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &what)
            .with_value(ALLOW, &allowed(rows));
    };
    let rest = found
        .params
        .get("path")
        .map(|path| format!("/{path}"))
        .unwrap_or_default();
    match row.route {
        Route::PostedAuthorization => oauth::authorize(ctx, &request),
        Route::PushedAuthorization => oauth::push(ctx, &request).await,
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

fn allowed(rows: &[&Row]) -> String {
    let mut methods = Vec::new();
    for row in rows {
        methods.push(row.method.as_str());
        if row.method == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

/// Other origins may read the public documents, and public clients use the endpoints for tokens (RFC 9700 §2.6).
fn preflight(rows: &[&Row], request: &Request) -> Response {
    let response = Response::new(StatusCode::NO_CONTENT).with_value(ALLOW, &allowed(rows));
    match rows[0].route {
        Route::Jwks | Route::ServerMetadata | Route::ResourceMetadata => response
            .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .with(ACCESS_CONTROL_ALLOW_METHODS, "GET")
            .with(ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        Route::Token | Route::Revoke => cors::preflight(request).with_value(ALLOW, &allowed(rows)),
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
    let body_max = limits.body_bytes_max;
    let body_bytes_max = move |_: &Method, path: &str| if takes_body(path) { body_max } else { 0 };
    let handle = move |request| {
        let ctx = ctx.clone();
        async move { dispatch(&ctx, request).await }
    };
    let ended = server::serve(listeners, limits, random, body_bytes_max, handle, stop).await;
    control.abort();
    jobs.abort();
    ended
}
