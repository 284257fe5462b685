//! `GET` and `POST /oauth/authorize`: what the user sees of an authorization request (OAuth 2.1 §4.1.1).
//!
//! Nobody is sent on to an app before they signed in here, not even with an error: otherwise any app's registration
//! would make this server an open redirector (OAuth 2.1 §7.13.2, RFC 9700 §4.11.2). The exception is `prompt=none`,
//! whose whole point is an answer without a page.

use super::page::{Page, redirect};
use super::session::{self, SignedIn};
use super::sign_in;
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use super::{consent, next};
use crate::context::Context;
use crate::oauth::authorize::{self, AuthorizationRequest, AuthorizationResponse, Refusal, ResponseMode};
use crate::oauth::error::OAuthError;
use crate::oauth::params::Params;
use crate::oauth::{failures, posted};
use crate::web::request::Request;
use crate::web::response::Response;
use http::{Method, StatusCode};
use maud::html;

pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let mut visit = Visit::of(ctx, request).await?;
    let query = next::ascii(request.query.as_deref().unwrap_or_default());
    let asking = match authorize::read(ctx, &query, ctx.now()).await {
        Ok(asking) => asking,
        Err(Refusal::Page(error)) => return Ok(refused(&visit, &error)),
        Err(Refusal::Redirect(response)) => {
            let may_leave = visit.signed_in().is_some() || asks_for_silence(&query);
            return Ok(if may_leave {
                send(&visit, &response, None)
            } else {
                sign_in(&visit, &query, None)
            });
        }
    };
    visit.prefer(asking.asked.ui_locales.as_deref());
    if asking.asked.prompt.none {
        let user = visit.signed_in().filter(|s| recent_enough(ctx, &asking, s));
        let user = user.map(|signed_in| signed_in.user.id.as_str());
        return Ok(match authorize::silently(ctx, &asking, user).await {
            Ok(response) => send(&visit, &response, None),
            Err(error) => refused(&visit, &error),
        });
    }
    match visit.signed_in() {
        Some(signed_in) if satisfies(ctx, &asking, signed_in, &query) => {
            consent::show(&visit, &asking, signed_in, &query, None).await
        }
        _ => Ok(sign_in(&visit, &query, Some(&asking))),
    }
}

/// RFC 6749 §3.1: answered by its GET, which judges it and can be loaded again.
///
/// The post comes from the app's page, so the browser keeps its cookie back (`SameSite`): who is signed in is not
/// asked, and no cookie is set, for it would take the place of theirs.
pub fn post(ctx: &Context, request: &Request) -> Response {
    let visit = Visit::unknown(ctx, request);
    if !request.is_form() {
        return Trouble::BadForm.page(&visit);
    }
    match Params::parse(&request.body).and_then(|params| posted::keep(ctx, &params)) {
        Ok(query) => redirect(&visit, &format!("{}?{query}", next::AUTHORIZE), None),
        Err(error) => refused(&visit, &error),
    }
}

/// Whether the request is content with this sign-in. One made for this very request always will do, once; otherwise
/// `prompt` and `max_age` decide (OpenID Connect Core §3.1.2.1).
pub fn satisfies(ctx: &Context, asking: &AuthorizationRequest, signed_in: &SignedIn, query: &str) -> bool {
    let prompt = asking.asked.prompt;
    let anew = prompt.login || prompt.select_account || !recent_enough(ctx, asking, signed_in);
    !anew || session::is_for(ctx, &signed_in.session, query)
}

fn recent_enough(ctx: &Context, asking: &AuthorizationRequest, signed_in: &SignedIn) -> bool {
    asking.recent_enough(signed_in.session.signed_in_at, ctx.now())
}

/// Of a request that could not be read whole.
fn asks_for_silence(query: &str) -> bool {
    let params = Params::parse(query.as_bytes());
    let prompt = params
        .as_ref()
        .ok()
        .and_then(|params| params.get("prompt").ok().flatten());
    prompt.is_some_and(|prompt| prompt.split(' ').any(|word| word == "none"))
}

/// The sign-in form at this very address: the request waits in it.
fn sign_in(visit: &Visit<'_>, query: &str, asking: Option<&AuthorizationRequest>) -> Response {
    sign_in::form(
        visit,
        &sign_in::Shown {
            next: &format!("{}?{query}", next::AUTHORIZE),
            email: asking
                .and_then(|asking| asking.asked.login_hint.as_deref())
                .unwrap_or_default(),
            request: asking,
            ..sign_in::Shown::default()
        },
    )
}

/// For the user alone: nothing is sent to anybody.
pub fn refused(visit: &Visit<'_>, error: &OAuthError) -> Response {
    explain(visit, error);
    let (code, status) = error.code.wire();
    let cause = error.cause.as_deref().unwrap_or("as the page says");
    log::info!("request {}: {code}: {} ({cause})", visit.request.id, error.description);
    let body = html! {
        p { (error.description) }
        p.quiet { (visit.fill("error_id", &[("id", &visit.request.id)])) }
    };
    // What is no fault of the request keeps its status.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    Page::new(visit.text("refused_heading"), body)
        .with_status(status)
        .show(visit)
}

/// On to the app: by a redirect, or by a form that a script sends at once and a button otherwise.
pub fn send(visit: &Visit<'_>, response: &AuthorizationResponse, cookie: Option<&str>) -> Response {
    if let Some(error) = &response.refusal {
        explain(visit, error);
    }
    if response.mode == ResponseMode::Query {
        return redirect(visit, &response.location(), cookie);
    }
    let body = html! {
        p { (visit.text("form_post_text")) }
        form method="post" action=(response.redirect_uri.as_str()) {
            @for (name, value) in &response.params {
                input type="hidden" name=(name) value=(value);
            }
            button.wide-button { (visit.text("continue")) }
        }
    };
    let page = Page::new(visit.text("form_post_heading"), body)
        .in_flow()
        .with_script(&visit.ctx.config.pages.submit);
    match cookie {
        Some(cookie) => page.with_cookie(cookie).show(visit),
        None => page.show(visit),
    }
}

/// To the developers of the app that sent the user here. A form of ours carries the request along.
fn explain(visit: &Visit<'_>, error: &OAuthError) {
    let request = visit.request;
    let sent = match request.method {
        Method::POST => &request.body,
        _ => request.query.as_deref().unwrap_or_default().as_bytes(),
    };
    let Ok(params) = Params::parse(sent) else { return };
    let carried = params
        .get("request")
        .ok()
        .flatten()
        .filter(|_| request.path != next::AUTHORIZE);
    match carried.map(|query| Params::parse(query.as_bytes())) {
        Some(Ok(params)) => failures::note_authorization(visit.ctx, &request.id, &params, error),
        Some(Err(_)) => {}
        None => failures::note_authorization(visit.ctx, &request.id, &params, error),
    }
}
