//! Asking for access to the API without an account.

use super::{Place, Row, get, post};
use crate::context::Context;
use crate::portal::access_requests::{self, status};
use crate::portal::trouble::answer;
use crate::web::request::Request;
use crate::web::response::Response;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    New,
    Posted,
    Status,
    TakenUp,
}

pub static ROWS: [Row<Route>; 4] = [
    get("/access-requests/new", Route::New),
    post("/access-requests/new", Route::Posted),
    get("/access-requests/status", Route::Status),
    post("/access-requests/status", Route::TakenUp),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, _place: &Place<'_>) -> Response {
    let page = |page| answer(ctx, request, page);
    match route {
        Route::New => page(access_requests::get(ctx, request).await),
        Route::Posted => page(access_requests::post(ctx, request).await),
        Route::Status => page(status::get(ctx, request).await),
        Route::TakenUp => page(status::post(ctx, request).await),
    }
}
