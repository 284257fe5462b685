//! The pages of the sandbox's payment links: what the sandbox shows, in the portal's frame.

use super::{Place, Row, get, post};
use crate::context::Context;
use crate::oauth::params::Params;
use crate::portal::page::{self, Page};
use crate::portal::trouble::{Paged, Trouble, answer};
use crate::portal::visit::Visit;
use crate::sandbox::SANDBOX;
use crate::sandbox::checkout::{self, Halt, SessionStatus};
use crate::store::StoreError;
use crate::web::request::Request;
use crate::web::response::{Response, retry_after_s};
use http::StatusCode;
use http::header::RETRY_AFTER;
use maud::html;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Link,
    Start,
    Advance,
    Customer,
}

pub static ROWS: [Row<Route>; 4] = [
    get("/payment/{uid}", Route::Link),
    post("/payment/{uid}/start", Route::Start),
    post("/payment/{uid}/session", Route::Advance),
    get("/payment/customers/{id}", Route::Customer),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let uid = place.get("uid");
    let page = if checkout::is_open(ctx) {
        match route {
            Route::Link => show(ctx, request, uid, None).await,
            Route::Start => start(ctx, request, uid).await,
            Route::Advance => advance(ctx, request, uid).await,
            Route::Customer => Ok(customer(ctx, request)),
        }
    } else {
        Err(Trouble::NotFound)
    };
    answer(ctx, request, page).with(SANDBOX.clone(), "true")
}

async fn show(ctx: &Context, request: &Request, uid: &str, halt: Option<Halt>) -> Paged {
    let visit = Visit::unknown(ctx, request);
    let Some((document, link)) = checkout::find(ctx, uid).await? else {
        return Err(Trouble::NotFound);
    };
    let status = match halt {
        None => StatusCode::OK,
        Some(Halt::NoRoom) => StatusCode::PAYLOAD_TOO_LARGE,
        Some(_) => StatusCode::CONFLICT,
    };
    let body = checkout::body(ctx, visit.texts, &document, &link, halt);
    Ok(Page::new(visit.text("checkout_heading"), body)
        .with_status(status)
        .show(&visit))
}

async fn start(ctx: &Context, request: &Request, uid: &str) -> Paged {
    if let Some(wait) = checkout::throttled(ctx, uid, request.peer) {
        return Ok(too_many(ctx, request, wait));
    }
    went(ctx, request, uid, checkout::start(ctx, uid).await).await
}

async fn advance(ctx: &Context, request: &Request, uid: &str) -> Paged {
    if let Some(wait) = checkout::throttled(ctx, uid, request.peer) {
        return Ok(too_many(ctx, request, wait));
    }
    if !request.is_form() {
        return Err(Trouble::BadForm);
    }
    let fields = Params::parse(&request.body).map_err(|_| Trouble::BadForm)?;
    let status = fields.get("status").ok().flatten().and_then(SessionStatus::read);
    let status = status.ok_or(Trouble::BadForm)?;
    went(ctx, request, uid, checkout::advance(ctx, uid, status).await).await
}

/// Back to the link's page, or the page that says why nothing happened.
async fn went(ctx: &Context, request: &Request, uid: &str, done: Result<Result<(), Halt>, StoreError>) -> Paged {
    match done? {
        Ok(()) => {
            let visit = Visit::unknown(ctx, request);
            Ok(page::redirect(&visit, &format!("/payment/{uid}"), None))
        }
        Err(Halt::NoLink) => Err(Trouble::NotFound),
        Err(halt) => show(ctx, request, uid, Some(halt)).await,
    }
}

fn customer(ctx: &Context, request: &Request) -> Response {
    let visit = Visit::unknown(ctx, request);
    let body = checkout::portal(visit.texts);
    Page::new(visit.text("checkout_heading"), body).show(&visit)
}

fn too_many(ctx: &Context, request: &Request, wait: Duration) -> Response {
    let visit = Visit::unknown(ctx, request);
    let seconds = retry_after_s(wait).to_string();
    let text = visit.fill("too_many_attempts", &[("seconds", &seconds)]);
    let body = html! { p.notice.danger role="alert" { (text) } };
    Page::new(visit.text("checkout_heading"), body)
        .with_status(StatusCode::TOO_MANY_REQUESTS)
        .show(&visit)
        .with_value(RETRY_AFTER, &seconds)
}
