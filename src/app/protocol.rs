//! The protocol's endpoints and what watches over the server.

use super::{Place, Row, get, post, revoking};
use crate::api::{health, native, oauth, well_known};
use crate::context::Context;
use crate::model::counts::Endpoint;
use crate::portal::authorize;
use crate::portal::trouble::answer;
use crate::web::request::Request;
use crate::web::response::Response;
use http::Method;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Authorize,
    PostedAuthorization,
    PushedAuthorization,
    Token,
    Introspect,
    Revoke,
    RegisterInstallation,
    ResetInstallation,
    Jwks,
    ServerMetadata,
    ResourceMetadata,
    Healthz,
    Readyz,
}

impl Route {
    /// What a request is counted as.
    pub const fn endpoint(self) -> Endpoint {
        match self {
            Self::Authorize | Self::PostedAuthorization => Endpoint::Authorize,
            Self::PushedAuthorization => Endpoint::PushedAuthorization,
            Self::Token => Endpoint::Token,
            Self::Introspect => Endpoint::Introspect,
            Self::Revoke => Endpoint::Revoke,
            Self::RegisterInstallation | Self::ResetInstallation => Endpoint::Installations,
            Self::Jwks => Endpoint::Jwks,
            Self::ServerMetadata => Endpoint::ServerMetadata,
            Self::ResourceMetadata => Endpoint::ResourceMetadata,
            Self::Healthz | Self::Readyz => Endpoint::Health,
        }
    }
}

pub static ROWS: [Row<Route>; 17] = [
    get("/oauth/authorize", Route::Authorize),
    post("/oauth/authorize", Route::PostedAuthorization),
    post("/oauth/par", Route::PushedAuthorization),
    post("/oauth/token", Route::Token),
    post("/oauth/introspect", Route::Introspect),
    revoking("/oauth/revoke", Route::Revoke),
    post("/oauth/native/installations", Route::RegisterInstallation),
    Row {
        method: Method::DELETE,
        path: "/oauth/native/installations",
        route: Route::ResetInstallation,
        body_bytes_max: None,
        revokes: true,
    },
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

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let page = |page| answer(ctx, request, page);
    match route {
        Route::Authorize => page(Box::pin(authorize::get(ctx, request)).await),
        Route::PostedAuthorization => authorize::post(ctx, request),
        Route::PushedAuthorization => Box::pin(oauth::push(ctx, request)).await,
        Route::Token => oauth::token(ctx, request).await,
        Route::Introspect => oauth::introspect(ctx, request).await,
        Route::Revoke => oauth::revoke(ctx, request).await,
        Route::RegisterInstallation => Box::pin(native::register(ctx, request)).await,
        Route::ResetInstallation => Box::pin(native::reset(ctx, request)).await,
        Route::Jwks => well_known::jwks(ctx),
        Route::ServerMetadata => well_known::authorization_server(ctx, &place.rest()),
        Route::ResourceMetadata => well_known::protected_resource(ctx, &place.rest()),
        Route::Healthz => health::healthz().await,
        Route::Readyz => health::readyz(ctx).await,
    }
}
