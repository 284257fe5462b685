//! An app's credentials, its own tokens and its failed calls.

use super::{Place, Row, get, post, revoking};
use crate::context::Context;
use crate::portal::credentials::{self, failures, keys, secrets, tokens};
use crate::portal::trouble::answer;
use crate::web::request::Request;
use crate::web::response::Response;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Credentials,
    AddSecret,
    RevokeSecret,
    Keys,
    PostedKeys,
    MakeToken,
    RevokeToken,
    Failures,
}

const SECRET: &str = "/developer/apps/{client_id}/credentials/secrets/{secret}/revoke";
const TOKEN: &str = "/developer/apps/{client_id}/credentials/tokens/{token}/revoke";

pub static ROWS: [Row<Route>; 10] = [
    get("/developer/apps/{client_id}/credentials", Route::Credentials),
    post("/developer/apps/{client_id}/credentials/secrets", Route::AddSecret),
    get(SECRET, Route::RevokeSecret),
    revoking(SECRET, Route::RevokeSecret),
    get("/developer/apps/{client_id}/credentials/keys", Route::Keys),
    post("/developer/apps/{client_id}/credentials/keys", Route::PostedKeys),
    post("/developer/apps/{client_id}/credentials/tokens", Route::MakeToken),
    get(TOKEN, Route::RevokeToken),
    revoking(TOKEN, Route::RevokeToken),
    get("/developer/apps/{client_id}/failures", Route::Failures),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let app = place.get("client_id");
    let page = match route {
        Route::Credentials => credentials::get(ctx, request, app).await,
        Route::AddSecret => secrets::add(ctx, request, app).await,
        Route::RevokeSecret => secrets::revoke(ctx, request, app, place.get("secret")).await,
        Route::Keys => keys::get(ctx, request, app).await,
        Route::PostedKeys => keys::post(ctx, request, app).await,
        Route::MakeToken => tokens::make(ctx, request, app).await,
        Route::RevokeToken => tokens::revoke(ctx, request, app, place.get("token")).await,
        Route::Failures => failures::get(ctx, request, app).await,
    };
    answer(ctx, request, page)
}
