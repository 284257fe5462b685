//! Registering apps: the developer's pages.

use super::{Place, Row, get, post};
use crate::context::Context;
use crate::portal::developer::{
    consent, details, history, list, logo, new, overview, review, scopes, status, team, transfer,
};
use crate::portal::trouble::answer;
use crate::web::request::Request;
use crate::web::response::Response;
use http::Method;

/// A picture of 512 KiB and the form around it.
const UPLOAD_BYTES_MAX: usize = 640 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Apps,
    NewApp,
    PostedNewApp,
    Overview,
    Details,
    PostedDetails,
    Logo,
    PostedLogo,
    LogoFile,
    Scopes,
    PostedScopes,
    Team,
    PostedTeam,
    History,
    ConsentPreview,
    Transfer,
    PostedTransfer,
    Status,
    PostedStatus,
    Review,
    PostedReview,
}

const fn upload(path: &'static str, route: Route) -> Row<Route> {
    Row {
        method: Method::POST,
        path,
        route,
        body_bytes_max: Some(UPLOAD_BYTES_MAX),
        revokes: false,
    }
}

pub static ROWS: [Row<Route>; 21] = [
    get("/developer", Route::Apps),
    get("/developer/apps/new", Route::NewApp),
    upload("/developer/apps/new", Route::PostedNewApp),
    get("/developer/apps/{client_id}", Route::Overview),
    get("/developer/apps/{client_id}/details", Route::Details),
    post("/developer/apps/{client_id}/details", Route::PostedDetails),
    get("/developer/apps/{client_id}/logo", Route::Logo),
    upload("/developer/apps/{client_id}/logo", Route::PostedLogo),
    get("/logos/{file}", Route::LogoFile),
    get("/developer/apps/{client_id}/scopes", Route::Scopes),
    post("/developer/apps/{client_id}/scopes", Route::PostedScopes),
    get("/developer/apps/{client_id}/team", Route::Team),
    post("/developer/apps/{client_id}/team", Route::PostedTeam),
    get("/developer/apps/{client_id}/history", Route::History),
    get("/developer/apps/{client_id}/consent", Route::ConsentPreview),
    get("/developer/apps/{client_id}/transfer", Route::Transfer),
    post("/developer/apps/{client_id}/transfer", Route::PostedTransfer),
    get("/developer/apps/{client_id}/status", Route::Status),
    post("/developer/apps/{client_id}/status", Route::PostedStatus),
    get("/developer/apps/{client_id}/review", Route::Review),
    post("/developer/apps/{client_id}/review", Route::PostedReview),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let page = |page| answer(ctx, request, page);
    let id = place.get("client_id");
    match route {
        Route::Apps => page(list::get(ctx, request).await),
        Route::NewApp => page(new::get(ctx, request).await),
        Route::PostedNewApp => page(new::post(ctx, request).await),
        Route::Overview => page(overview::get(ctx, request, id).await),
        Route::Details => page(details::get(ctx, request, id).await),
        Route::PostedDetails => page(details::post(ctx, request, id).await),
        Route::Logo => page(logo::get(ctx, request, id).await),
        Route::PostedLogo => page(logo::post(ctx, request, id).await),
        Route::LogoFile => page(logo::file(ctx, place.get("file")).await),
        Route::Scopes => page(scopes::get(ctx, request, id).await),
        Route::PostedScopes => page(scopes::post(ctx, request, id).await),
        Route::Team => page(team::get(ctx, request, id).await),
        Route::PostedTeam => page(team::post(ctx, request, id).await),
        Route::History => page(history::get(ctx, request, id).await),
        Route::ConsentPreview => page(consent::get(ctx, request, id).await),
        Route::Transfer => page(transfer::get(ctx, request, id).await),
        Route::PostedTransfer => page(transfer::post(ctx, request, id).await),
        Route::Status => page(status::get(ctx, request, id).await),
        Route::PostedStatus => page(status::post(ctx, request, id).await),
        Route::Review => page(review::get(ctx, request, id).await),
        Route::PostedReview => page(review::post(ctx, request, id).await),
    }
}
