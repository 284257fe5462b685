//! What reviewers and administrators do for the whole installation.

use super::{Place, Row, get, post, revoking};
use crate::context::Context;
use crate::portal::admin::{
    self, apps, first, health, installations, native_templates, people, requests, review, reviews,
};
use crate::portal::trouble::answer;
use crate::web::request::Request;
use crate::web::response::Response;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Home,
    Reviews,
    Review,
    PostedReview,
    Apps,
    App,
    PostedApp,
    Health,
    People,
    Appoint,
    ConfirmDismissal,
    Dismiss,
    AccessRequests,
    AccessRequest,
    AnsweredAccessRequest,
    NativeTemplates,
    Installations,
    Installation,
    PostedInstallation,
    First,
    PostedFirst,
}

pub static ROWS: [Row<Route>; 21] = [
    get("/admin", Route::Home),
    get("/admin/reviews", Route::Reviews),
    get("/admin/reviews/{client_id}", Route::Review),
    post("/admin/reviews/{client_id}", Route::PostedReview),
    get("/admin/apps", Route::Apps),
    get("/admin/apps/{client_id}", Route::App),
    revoking("/admin/apps/{client_id}", Route::PostedApp),
    get("/admin/health", Route::Health),
    get("/admin/people", Route::People),
    post("/admin/people", Route::Appoint),
    get("/admin/people/{user}", Route::ConfirmDismissal),
    revoking("/admin/people/{user}", Route::Dismiss),
    get("/admin/access-requests", Route::AccessRequests),
    get("/admin/access-requests/{request}", Route::AccessRequest),
    post("/admin/access-requests/{request}", Route::AnsweredAccessRequest),
    get("/admin/native-templates", Route::NativeTemplates),
    get("/admin/installations", Route::Installations),
    get("/admin/installations/{client_id}", Route::Installation),
    revoking("/admin/installations/{client_id}", Route::PostedInstallation),
    get("/administrator", Route::First),
    post("/administrator", Route::PostedFirst),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let page = |page| answer(ctx, request, page);
    let (app, user, asked) = (place.get("client_id"), place.get("user"), place.get("request"));
    match route {
        Route::Home => page(admin::get(ctx, request).await),
        Route::Reviews => page(reviews::get(ctx, request).await),
        Route::Review => page(review::get(ctx, request, app).await),
        Route::PostedReview => page(review::post(ctx, request, app).await),
        Route::Apps => page(apps::list(ctx, request).await),
        Route::App => page(apps::get(ctx, request, app).await),
        Route::PostedApp => page(apps::post(ctx, request, app).await),
        Route::Health => page(health::get(ctx, request).await),
        Route::People => page(people::get(ctx, request).await),
        Route::Appoint => page(people::appoint(ctx, request).await),
        Route::ConfirmDismissal => page(people::confirm(ctx, request, user).await),
        Route::Dismiss => page(people::dismiss(ctx, request, user).await),
        Route::AccessRequests => page(requests::list(ctx, request).await),
        Route::AccessRequest => page(requests::get(ctx, request, asked).await),
        Route::AnsweredAccessRequest => page(requests::post(ctx, request, asked).await),
        Route::NativeTemplates => page(native_templates::get(ctx, request).await),
        Route::Installations => page(installations::list(ctx, request).await),
        Route::Installation => page(installations::get(ctx, request, app).await),
        Route::PostedInstallation => page(installations::post(ctx, request, app).await),
        Route::First => page(first::get(ctx, request).await),
        Route::PostedFirst => page(first::post(ctx, request).await),
    }
}
