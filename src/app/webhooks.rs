//! Webhooks of apps: the developer's pages.

use super::{Place, Row, get, post};
use crate::context::Context;
use crate::portal::trouble::answer;
use crate::portal::webhooks::{self, again, confirm, deliveries, edit, endpoint};
use crate::web::request::Request;
use crate::web::response::Response;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Webhooks,
    Add,
    Endpoint,
    Act,
    Edit,
    PostedEdit,
    Rotate,
    Remove,
    Delivery,
    Resend,
    Range,
    PostedRange,
}

const ALL: &str = "/developer/apps/{client_id}/webhooks";
const ONE: &str = "/developer/apps/{client_id}/webhooks/{endpoint}";
const EDIT: &str = "/developer/apps/{client_id}/webhooks/{endpoint}/edit";
const ROTATE: &str = "/developer/apps/{client_id}/webhooks/{endpoint}/rotate";
const REMOVE: &str = "/developer/apps/{client_id}/webhooks/{endpoint}/remove";
const RANGE: &str = "/developer/apps/{client_id}/webhooks/{endpoint}/resend";
const DELIVERY: &str = "/developer/apps/{client_id}/webhooks/{endpoint}/deliveries/{delivery}";

pub static ROWS: [Row<Route>; 14] = [
    get(ALL, Route::Webhooks),
    post(ALL, Route::Add),
    get(ONE, Route::Endpoint),
    post(ONE, Route::Act),
    get(EDIT, Route::Edit),
    post(EDIT, Route::PostedEdit),
    get(ROTATE, Route::Rotate),
    post(ROTATE, Route::Rotate),
    get(REMOVE, Route::Remove),
    post(REMOVE, Route::Remove),
    get(DELIVERY, Route::Delivery),
    post(DELIVERY, Route::Resend),
    get(RANGE, Route::Range),
    post(RANGE, Route::PostedRange),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let (app, id, delivery) = (place.get("client_id"), place.get("endpoint"), place.get("delivery"));
    let page = match route {
        Route::Webhooks => webhooks::get(ctx, request, app).await,
        Route::Add => webhooks::add(ctx, request, app).await,
        Route::Endpoint => endpoint::get(ctx, request, app, id).await,
        Route::Act => endpoint::act(ctx, request, app, id).await,
        Route::Edit => edit::get(ctx, request, app, id).await,
        Route::PostedEdit => edit::post(ctx, request, app, id).await,
        Route::Rotate => confirm::rotate(ctx, request, app, id).await,
        Route::Remove => confirm::remove(ctx, request, app, id).await,
        Route::Delivery => deliveries::get(ctx, request, app, id, delivery).await,
        Route::Resend => deliveries::resend(ctx, request, app, id, delivery).await,
        Route::Range => again::get(ctx, request, app, id).await,
        Route::PostedRange => again::post(ctx, request, app, id).await,
    };
    answer(ctx, request, page)
}
