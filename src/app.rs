//! All that is answered: the one place that names every handler.

use crate::api::{cors, health, oauth, well_known};
use crate::context::Context;
use crate::control::socket;
use crate::jobs;
use crate::portal::trouble::{Trouble, answer};
use crate::portal::{account, asking, authorize, consent, joining, page, passwords, second_factor, sign_in, sign_out};
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
    Home,
    Asset,
    Authorize,
    SignIn,
    PostedSignIn,
    SignOut,
    Consent,
    AskAdmins,
    Account,
    EndApp,
    EndSession,
    ChangePassword,
    ChangedPassword,
    SecondFactor,
    EnrolSecondFactor,
    EndSecondFactor,
    ForgotPassword,
    PostedForgotPassword,
    ResetPassword,
    PostedResetPassword,
    Invitation,
    PostedInvitation,
    SignUp,
    PostedSignUp,
    ConfirmSignUp,
    PostedConfirmSignUp,
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

static ROUTES: [Row; 40] = [
    get("/", Route::Home),
    get("/assets/{file}", Route::Asset),
    get("/oauth/authorize", Route::Authorize),
    get("/login", Route::SignIn),
    post("/login", Route::PostedSignIn),
    post("/logout", Route::SignOut),
    post("/consent", Route::Consent),
    post("/consent/ask", Route::AskAdmins),
    get("/account", Route::Account),
    post("/account/apps", Route::EndApp),
    post("/account/sessions", Route::EndSession),
    get("/account/password", Route::ChangePassword),
    post("/account/password", Route::ChangedPassword),
    get("/account/totp", Route::SecondFactor),
    post("/account/totp", Route::EnrolSecondFactor),
    post("/account/totp/disable", Route::EndSecondFactor),
    get("/password/forgot", Route::ForgotPassword),
    post("/password/forgot", Route::PostedForgotPassword),
    get("/password/reset", Route::ResetPassword),
    post("/password/reset", Route::PostedResetPassword),
    get("/invitation", Route::Invitation),
    post("/invitation", Route::PostedInvitation),
    get("/sign-up", Route::SignUp),
    post("/sign-up", Route::PostedSignUp),
    get("/sign-up/confirm", Route::ConfirmSignUp),
    post("/sign-up/confirm", Route::PostedConfirmSignUp),
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
        return if page::is_wanted(&request) {
            answer(ctx, &request, Err(Trouble::NotFound))
        } else {
            Response::not_found()
        };
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
        if page::is_wanted(&request) {
            return answer(ctx, &request, Err(Trouble::MethodNotAllowed)).with_value(ALLOW, &allowed(rows));
        }
        let methods: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
        let what = format!("This address answers {} only.", methods.join(" and "));
        return Response::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &what)
            .with_value(ALLOW, &allowed(rows));
    };
    let param = |name| found.params.get(name).unwrap_or_default();
    let place = Place {
        rest: if param("path").is_empty() {
            String::new()
        } else {
            format!("/{}", param("path"))
        },
        file: param("file"),
    };
    handle(ctx, &request, row.route, &place).await
}

/// What of the path stands in place of a pattern.
struct Place<'a> {
    rest: String,
    file: &'a str,
}

async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let page = |page| answer(ctx, request, page);
    match route {
        Route::Home => page(account::home(ctx, request).await),
        Route::Asset => page::asset(ctx, place.file),
        Route::Authorize => page(authorize::get(ctx, request).await),
        Route::SignIn => page(sign_in::get(ctx, request).await),
        Route::PostedSignIn => page(sign_in::post(ctx, request).await),
        Route::SignOut => page(sign_out::post(ctx, request).await),
        Route::Consent => page(consent::post(ctx, request).await),
        Route::AskAdmins => page(asking::post(ctx, request).await),
        Route::Account => page(account::get(ctx, request).await),
        Route::EndApp => page(account::end_app(ctx, request).await),
        Route::EndSession => page(account::end_session(ctx, request).await),
        Route::ChangePassword => page(passwords::change(ctx, request).await),
        Route::ChangedPassword => page(passwords::post_change(ctx, request).await),
        Route::SecondFactor => page(second_factor::get(ctx, request).await),
        Route::EnrolSecondFactor => page(second_factor::enrol(ctx, request).await),
        Route::EndSecondFactor => page(second_factor::disable(ctx, request).await),
        Route::ForgotPassword => page(passwords::forgot(ctx, request).await),
        Route::PostedForgotPassword => page(passwords::post_forgot(ctx, request).await),
        Route::ResetPassword => page(passwords::reset(ctx, request).await),
        Route::PostedResetPassword => page(passwords::post_reset(ctx, request).await),
        Route::Invitation => page(joining::invitation(ctx, request).await),
        Route::PostedInvitation => page(joining::post_invitation(ctx, request).await),
        Route::SignUp => page(joining::sign_up(ctx, request).await),
        Route::PostedSignUp => page(joining::post_sign_up(ctx, request).await),
        Route::ConfirmSignUp => page(joining::confirm(ctx, request).await),
        Route::PostedConfirmSignUp => page(joining::post_confirm(ctx, request).await),
        Route::PostedAuthorization => authorize::post(ctx, request),
        Route::PushedAuthorization => oauth::push(ctx, request).await,
        Route::Token => oauth::token(ctx, request).await,
        Route::Introspect => oauth::introspect(ctx, request).await,
        Route::Revoke => oauth::revoke(ctx, request).await,
        Route::Jwks => well_known::jwks(ctx),
        Route::ServerMetadata => well_known::authorization_server(ctx, &place.rest),
        Route::ResourceMetadata => well_known::protected_resource(ctx, &place.rest),
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
