//! All that is answered: the one place that names every handler. Each area of the server has a table of its own.

mod access_requests;
mod account;
mod admin;
mod checkout;
mod credentials;
mod developer;
mod developer_api;
mod documentation;
mod gateway;
mod organizations;
mod personal_tokens;
mod protocol;
mod serving;
mod webhooks;

use crate::api::cors;
use crate::base::time::Stopwatch;
use crate::config::routes::{Routes, meet};
use crate::context::Context;
use crate::gateway::{Gateway, forward_auth};
use crate::model::counts::Endpoint;
use crate::portal::page;
use crate::portal::trouble::{Trouble, answer};
use crate::web::request::{BodyRule, Request, Rule};
use crate::web::response::Response;
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW};
use http::{Method, StatusCode};
use matchit::{Params, Router};
use std::sync::{Arc, LazyLock};

pub use serving::{Doors, serve};

/// One row of an area's table.
struct Row<R> {
    method: Method,
    path: &'static str,
    route: R,
    /// What its body may be, where that is not the server's own limit.
    body_bytes_max: Option<usize>,
    /// It ends something, and finds a place where others find none.
    revokes: bool,
}

const fn row<R: Copy>(method: Method, path: &'static str, route: R) -> Row<R> {
    Row {
        method,
        path,
        route,
        body_bytes_max: None,
        revokes: false,
    }
}

/// A POST that ends something.
const fn revoking<R: Copy>(path: &'static str, route: R) -> Row<R> {
    Row {
        method: Method::POST,
        path,
        route,
        body_bytes_max: None,
        revokes: true,
    }
}

const fn get<R: Copy>(path: &'static str, route: R) -> Row<R> {
    row(Method::GET, path, route)
}

const fn post<R: Copy>(path: &'static str, route: R) -> Row<R> {
    row(Method::POST, path, route)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route {
    Protocol(protocol::Route),
    Account(account::Route),
    Developer(developer::Route),
    Credentials(credentials::Route),
    Webhooks(webhooks::Route),
    Organizations(organizations::Route),
    PersonalTokens(personal_tokens::Route),
    AccessRequests(access_requests::Route),
    Admin(admin::Route),
    Documentation(documentation::Route),
    DeveloperApi(developer_api::Route),
    Checkout(checkout::Route),
}

/// Every row of every table.
static ROUTES: LazyLock<Vec<Row<Route>>> = LazyLock::new(|| {
    let mut rows = Vec::new();
    add(&mut rows, &protocol::ROWS, Route::Protocol);
    add(&mut rows, &account::ROWS, Route::Account);
    add(&mut rows, &developer::ROWS, Route::Developer);
    add(&mut rows, &credentials::ROWS, Route::Credentials);
    add(&mut rows, &webhooks::ROWS, Route::Webhooks);
    add(&mut rows, &organizations::ROWS, Route::Organizations);
    add(&mut rows, &personal_tokens::ROWS, Route::PersonalTokens);
    add(&mut rows, &access_requests::ROWS, Route::AccessRequests);
    add(&mut rows, &admin::ROWS, Route::Admin);
    add(&mut rows, &documentation::ROWS, Route::Documentation);
    add(&mut rows, &developer_api::ROWS, Route::DeveloperApi);
    add(&mut rows, &checkout::ROWS, Route::Checkout);
    rows
});

fn add<R: Copy>(rows: &mut Vec<Row<Route>>, area: &[Row<R>], of: fn(R) -> Route) {
    rows.extend(area.iter().map(|row| Row {
        method: row.method.clone(),
        path: row.path,
        route: of(row.route),
        body_bytes_max: row.body_bytes_max,
        revokes: row.revokes,
    }));
}

/// Path → the rows of its methods. HEAD is GET without the body.
static ROUTER: LazyLock<Router<Vec<&Row<Route>>>> = LazyLock::new(|| {
    let mut router: Router<Vec<&Row<Route>>> = Router::new();
    for row in ROUTES.iter() {
        match router.at_mut(row.path) {
            Ok(found) if found.value[0].path == row.path => found.value.push(row),
            _ => router
                .insert(row.path, vec![row])
                .expect("the tables' paths are well-formed and differ"),
        }
    }
    router
});

/// Method and path pattern of everything that is answered: what the tests of who may do what are held against.
pub fn routes() -> impl Iterator<Item = (&'static Method, &'static str)> {
    ROUTES.iter().map(|row| (&row.method, row.path))
}

/// What is done with a request to this path before it is answered. Of a body where none is taken, or where there is no
/// route, not a byte is read.
fn rule(ctx: &Context, method: &Method, path: &str) -> Rule {
    let Ok(found) = ROUTER.at(path) else {
        return gateway::body_rule(ctx, path).into();
    };
    let takes_body = |row: &&&Row<Route>| row.method != Method::GET;
    let mut rows = found.value.iter().filter(takes_body).peekable();
    if rows.peek().is_none() {
        return BodyRule::Whole(0).into();
    }
    let row = rows.find(|row| row.method == *method);
    let own = row.and_then(|row| row.body_bytes_max);
    Rule {
        body: BodyRule::Whole(own.unwrap_or(ctx.config.limits.body_bytes_max)),
        revokes: row.is_some_and(|row| row.revokes),
    }
}

/// What a proxy asks with the path of its request behind.
const FORWARD_AUTH: &str = "/gateway/check/{*path}";

/// What of the API's routes can never be reached, a sentence each: paths that are this server's own come first.
pub fn route_faults(routes: &Routes) -> Vec<String> {
    let mut faults = Vec::new();
    for route in routes.rows() {
        let line = route.line.map_or(String::new(), |line| format!(" line {line}"));
        let own = self::routes()
            .map(|(_, own)| own)
            .chain([forward_auth::PATH, FORWARD_AUTH]);
        if let Some(own) = own.into_iter().find(|own| meet(own, &route.path)) {
            let path = &route.path;
            faults.push(format!(
                "the path `{path}` in routes.json{line} overlaps `{own}`, which is this server's own"
            ));
        }
    }
    faults
}

/// What of the path stands in place of a pattern.
struct Place<'a> {
    params: Params<'a, 'a>,
}

impl Place<'_> {
    /// Empty where the pattern has no such part.
    fn get(&self, name: &str) -> &str {
        self.params.get(name).unwrap_or_default()
    }

    /// What `{*path}` stands for, with the slash before it; empty where there is none.
    fn rest(&self) -> String {
        let path = self.get("path");
        if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        }
    }
}

/// All that is answered, with what the gateway remembers between requests.
pub struct Service {
    ctx: Arc<Context>,
    gateway: Gateway,
}

impl Service {
    /// Errors are sentences for the operator.
    pub fn new(ctx: Arc<Context>) -> Result<Self, String> {
        let faults = route_faults(&ctx.routes());
        if !faults.is_empty() {
            return Err(faults.join("\n"));
        }
        let gateway = Gateway::new(&ctx)?;
        Ok(Self { ctx, gateway })
    }

    /// Reads the API's routes again; where they are no good, those in use stay. How many there are.
    pub fn reload_routes(&self) -> Result<usize, String> {
        let routes = self.ctx.config.read_routes().map_err(|errors| errors.to_string())?;
        let faults = route_faults(&routes);
        if !faults.is_empty() {
            return Err(faults.join("\n"));
        }
        let count = routes.rows().len();
        self.ctx.set_routes(routes);
        Ok(count)
    }

    /// What is done with a request before it is answered.
    pub fn rule(&self, method: &Method, path: &str) -> Rule {
        rule(&self.ctx, method, path)
    }

    pub async fn answer(&self, request: Request) -> Response {
        let watch = Stopwatch::start();
        let (endpoint, response) = self.counted(request).await;
        let counts = &self.ctx.counts;
        counts.answered(endpoint, response.status.as_u16(), watch.elapsed());
        response
    }

    /// Boxed apart, as in [`handle`]: what is asked most often does not take the room that the largest page needs.
    async fn counted(&self, request: Request) -> (Endpoint, Response) {
        if forward_auth::is_asked(&request.path) {
            let checked = Box::pin(forward_auth::check(&self.ctx, &self.gateway, &request)).await;
            return (Endpoint::GatewayCheck, checked);
        }
        let is_own = ROUTER.at(&request.path).is_ok();
        if !is_own && self.gateway.covers(&self.ctx, &request.path) {
            let passed = Box::pin(gateway::answer(&self.ctx, &self.gateway, request)).await;
            return (Endpoint::Gateway, passed);
        }
        Box::pin(dispatch(&self.ctx, request)).await
    }
}

impl Route {
    /// What a request is counted as.
    const fn endpoint(self) -> Endpoint {
        match self {
            Self::Protocol(route) => route.endpoint(),
            Self::Account(_) => Endpoint::Account,
            Self::Developer(_) => Endpoint::Developer,
            Self::Credentials(_) => Endpoint::Credentials,
            Self::Webhooks(_) => Endpoint::Webhooks,
            Self::Organizations(_) => Endpoint::Organizations,
            Self::PersonalTokens(_) => Endpoint::PersonalTokens,
            Self::AccessRequests(_) => Endpoint::AccessRequests,
            Self::Admin(_) => Endpoint::Admin,
            Self::Documentation(_) => Endpoint::Documentation,
            Self::DeveloperApi(_) => Endpoint::DeveloperApi,
            Self::Checkout(_) => Endpoint::Checkout,
        }
    }
}

async fn dispatch(ctx: &Context, request: Request) -> (Endpoint, Response) {
    let Ok(found) = ROUTER.at(&request.path) else {
        let nothing = if page::is_wanted(&request) {
            answer(ctx, &request, Err(Trouble::NotFound))
        } else {
            Response::not_found()
        };
        return (Endpoint::Nothing, nothing);
    };
    let rows = found.value.as_slice();
    let method = if request.method == Method::HEAD {
        &Method::GET
    } else {
        &request.method
    };
    if *method == Method::OPTIONS {
        return (rows[0].route.endpoint(), preflight(rows, &request));
    }
    let Some(row) = rows.iter().find(|row| row.method == *method) else {
        let endpoint = rows[0].route.endpoint();
        if page::is_wanted(&request) {
            let page = answer(ctx, &request, Err(Trouble::MethodNotAllowed));
            return (endpoint, page.with_value(ALLOW, &allowed(rows)));
        }
        let methods: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
        let what = format!("This address answers {} only.", methods.join(" and "));
        let refused = Response::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &what);
        return (endpoint, refused.with_value(ALLOW, &allowed(rows)));
    };
    let place = Place { params: found.params };
    (row.route.endpoint(), handle(ctx, &request, row.route, &place).await)
}

async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    match route {
        Route::Protocol(route) => protocol::handle(ctx, request, route, place).await,
        Route::Account(route) => Box::pin(account::handle(ctx, request, route, place)).await,
        Route::Developer(route) => Box::pin(developer::handle(ctx, request, route, place)).await,
        Route::Credentials(route) => Box::pin(credentials::handle(ctx, request, route, place)).await,
        Route::Webhooks(route) => Box::pin(webhooks::handle(ctx, request, route, place)).await,
        Route::Organizations(route) => Box::pin(organizations::handle(ctx, request, route, place)).await,
        Route::PersonalTokens(route) => Box::pin(personal_tokens::handle(ctx, request, route, place)).await,
        Route::AccessRequests(route) => Box::pin(access_requests::handle(ctx, request, route, place)).await,
        Route::Admin(route) => Box::pin(admin::handle(ctx, request, route, place)).await,
        Route::Documentation(route) => Box::pin(documentation::handle(ctx, request, route, place)).await,
        Route::DeveloperApi(route) => Box::pin(developer_api::handle(ctx, request, route, place)).await,
        Route::Checkout(route) => Box::pin(checkout::handle(ctx, request, route, place)).await,
    }
}

fn allowed(rows: &[&Row<Route>]) -> String {
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
fn preflight(rows: &[&Row<Route>], request: &Request) -> Response {
    let response = Response::new(StatusCode::NO_CONTENT).with_value(ALLOW, &allowed(rows));
    match rows[0].route {
        Route::Protocol(
            protocol::Route::Jwks | protocol::Route::ServerMetadata | protocol::Route::ResourceMetadata,
        ) => response
            .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .with(ACCESS_CONTROL_ALLOW_METHODS, "GET")
            .with(ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        Route::Protocol(protocol::Route::Token | protocol::Route::Revoke) => {
            cors::preflight(request).with_value(ALLOW, &allowed(rows))
        }
        _ => response,
    }
}
