//! Personal access tokens.

use super::{Place, Row, get, post, revoking};
use crate::context::Context;
use crate::portal::personal_tokens::{Scene, form, revoke, rows};
use crate::portal::trouble::answer;
use crate::web::request::Request;
use crate::web::response::Response;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Own,
    New,
    Create,
    One,
    Revoke,
    All,
    NewForSystem,
    CreateForSystem,
    OneOfAll,
    RevokeOneOfAll,
}

pub static ROWS: [Row<Route>; 10] = [
    get("/account/tokens", Route::Own),
    get("/account/tokens/new", Route::New),
    post("/account/tokens/new", Route::Create),
    get("/account/tokens/{token}", Route::One),
    revoking("/account/tokens/{token}", Route::Revoke),
    get("/organizations/{organization}/tokens", Route::All),
    get("/organizations/{organization}/tokens/new", Route::NewForSystem),
    post("/organizations/{organization}/tokens/new", Route::CreateForSystem),
    get("/organizations/{organization}/tokens/{token}", Route::OneOfAll),
    revoking("/organizations/{organization}/tokens/{token}", Route::RevokeOneOfAll),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let (organization, token) = (place.get("organization"), place.get("token"));
    let of = Scene::Organization(organization);
    let page = match route {
        Route::Own => rows::own(ctx, request).await,
        Route::New => form::get(ctx, request, Scene::Own).await,
        Route::Create => form::post(ctx, request, Scene::Own).await,
        Route::One => revoke::get(ctx, request, Scene::Own, token).await,
        Route::Revoke => revoke::post(ctx, request, Scene::Own, token).await,
        Route::All => rows::of_organization(ctx, request, organization).await,
        Route::NewForSystem => form::get(ctx, request, of).await,
        Route::CreateForSystem => form::post(ctx, request, of).await,
        Route::OneOfAll => revoke::get(ctx, request, of, token).await,
        Route::RevokeOneOfAll => revoke::post(ctx, request, of, token).await,
    };
    answer(ctx, request, page)
}
