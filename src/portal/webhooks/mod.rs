//! `/developer/apps/{client_id}/webhooks`: where the app is told what happens, and what was sent there.

pub mod again;
pub mod confirm;
pub mod deliveries;
pub mod edit;
pub mod endpoint;

use super::developer::fields::{Field, entered, sentence};
use super::developer::frame::{AppDesk, Tab};
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::base::secret::Secret;
use crate::context::Context;
use crate::model::delivery::State;
use crate::model::endpoint::{ENDPOINTS_MAX, Endpoint, Standing};
use crate::oauth::params::Params;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::platform::webhooks::catalog::CATALOG;
use crate::platform::webhooks::{self, Wanted};
use crate::portal::page::redirect;
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use maud::{Markup, html};

const ADD: &str = "webhook_add";

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    match AppDesk::of(ctx, request, client_id, Right::SeeApp).await? {
        Ok(page) => show(&page, &Wanted::default(), &[]).await,
        Err(to_sign_in) => Ok(to_sign_in),
    }
}

/// `POST`: the answer shows the secret, which is written nowhere else.
pub async fn add(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let wanted = wanted(&page.desk.visit.form(ADD)?)?;
    match webhooks::add(ctx, &page.desk.actor, client_id, &wanted).await {
        Ok(made) => Ok(made_page(&page, &made.endpoint, &made.secret, "hook_made")),
        Err(refusal) => show(&page, &wanted, &said(refusal)?).await,
    }
}

/// The form's fields, as they were typed.
fn wanted(fields: &Params<'_>) -> Result<Wanted, Trouble> {
    let everything = entered(fields, "which")? != "some";
    let chosen = fields.all("events").map(str::to_owned).collect();
    Ok(Wanted {
        label: entered(fields, "label")?.to_owned(),
        url: entered(fields, "url")?.to_owned(),
        events: if everything { Vec::new() } else { chosen },
        in_order: fields.all("in_order").next().is_some(),
    })
}

/// What a form has to say; what no form can say becomes a page of its own.
fn said(refusal: Refusal) -> Result<Vec<Fault>, Trouble> {
    match refusal {
        Refusal::Invalid(faults) => Ok(faults),
        Refusal::State(key) => Ok(vec![Fault::new("", key)]),
        other => Err(other.into()),
    }
}

/// RFC 9110: 409 where the state forbids it, 422 where a field is wrong.
fn status_of(faults: &[Fault]) -> StatusCode {
    match faults {
        [] => StatusCode::OK,
        _ if faults.iter().any(|fault| fault.field.is_empty()) => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

async fn show(page: &AppDesk<'_>, typed: &Wanted, faults: &[Fault]) -> Paged {
    let (visit, ctx) = (&page.desk.visit, page.desk.ctx());
    let endpoints = webhooks::list(ctx, &page.access).await?;
    let body = html! {
        (done(visit, &[("removed", "hook_done_removed")]))
        p { (visit.text("hook_intro")) " " a href="/docs/webhooks" { (visit.text("hook_read_more")) } }
        @if endpoints.is_empty() {
            p.notice { (visit.text("hook_none")) }
        } @else {
            ul.rows { @for endpoint in &endpoints { (row(page, endpoint)) } }
        }
        @if page.may(Right::ChangeApp) {
            h2 { (visit.text("hook_add")) }
            @if endpoints.len() >= ENDPOINTS_MAX {
                p.quiet { (visit.text("hook_too_many")) }
            } @else {
                form.long method="post" action=(page.address("/webhooks")) {
                    (visit.csrf(ADD))
                    (fields(visit, typed, faults))
                    button { (visit.text("hook_add")) }
                }
            }
        }
    };
    Ok(page.show(Tab::Webhooks, status_of(faults), body))
}

fn row(page: &AppDesk<'_>, endpoint: &Endpoint) -> Markup {
    html! {
        li {
            div.what {
                h2 { a href=(address(page, endpoint)) { bdi { (endpoint.label) } } " " (tag(page, endpoint)) }
                p { code { bdi { (url(page, endpoint)) } } }
                p.quiet { (kinds(page, endpoint)) }
            }
        }
    }
}

fn address(page: &AppDesk<'_>, endpoint: &Endpoint) -> String {
    page.address(&format!("/webhooks/{}", endpoint.id))
}

/// Whoever may not change it does not see its query.
fn url<'e>(page: &AppDesk<'_>, endpoint: &'e Endpoint) -> &'e str {
    if page.may(Right::ChangeApp) {
        &endpoint.url
    } else {
        endpoint.url_without_query()
    }
}

/// Its state, in a word.
fn tag(page: &AppDesk<'_>, endpoint: &Endpoint) -> Markup {
    let (key, good) = match endpoint.standing {
        Standing::Enabled if endpoint.failing_since.is_some() => ("hook_is_failing", false),
        Standing::Enabled => ("hook_is_enabled", true),
        Standing::Disabled => ("hook_is_disabled", false),
        Standing::Failing | Standing::Gone | Standing::Transferred => ("hook_is_paused", false),
    };
    html! { span.tag.good[good].high[!good] { (page.desk.text(key)) } }
}

/// The state of a delivery, in a word.
const fn delivery_state(state: State) -> &'static str {
    match state {
        State::Pending => "hook_delivery_pending",
        State::Delivered => "hook_delivery_delivered",
        State::Failed => "hook_delivery_failed",
        State::Cancelled => "hook_delivery_cancelled",
    }
}

/// In what order things are sent, in words.
pub const fn order(in_order: bool) -> &'static str {
    if in_order { "hook_in_order" } else { "hook_any_order" }
}

fn kinds(page: &AppDesk<'_>, endpoint: &Endpoint) -> String {
    if endpoint.kinds.is_empty() {
        return page.desk.text("hook_everything").to_owned();
    }
    let names: Vec<&str> = endpoint.kinds.iter().map(|kind| kind.as_str()).collect();
    names.join(", ")
}

/// Label, address, choice of events and order.
fn fields(visit: &Visit<'_>, typed: &Wanted, faults: &[Fault]) -> Markup {
    let some = !typed.events.is_empty() || faults.iter().any(|fault| fault.field == "events");
    html! {
        @for fault in faults.iter().filter(|fault| fault.field.is_empty()) {
            p.notice.danger role="alert" { (sentence(visit, fault)) }
        }
        (Field::new("label", "hook_label", &typed.label).hint(visit.text("hook_label_hint")).required(true)
            .show(visit, faults))
        (Field::new("url", "hook_url", &typed.url).kind("url").hint(visit.text("hook_url_hint")).required(true)
            .show(visit, faults))
        fieldset {
            legend { (visit.text("hook_events")) }
            label.option {
                input type="radio" name="which" value="all" checked[!some];
                span { (visit.text("hook_everything")) span.quiet { (visit.text("hook_everything_hint")) } }
            }
            label.option {
                input type="radio" name="which" value="some" checked[some];
                span { (visit.text("hook_only_these")) }
            }
            div.events {
                @for told in &CATALOG {
                    label.option {
                        input type="checkbox" name="events" value=(told.kind.as_str())
                            checked[typed.events.iter().any(|event| event == told.kind.as_str())];
                        span { code { (told.kind.as_str()) } span.quiet { (visit.text(told.text)) } }
                    }
                }
            }
            @for fault in faults.iter().filter(|fault| fault.field == "events") {
                div.fault { p { (sentence(visit, fault)) } }
            }
        }
        fieldset {
            legend { (visit.text("hook_order")) }
            label.option {
                input type="checkbox" name="in_order" value="yes" checked[typed.in_order];
                span { (visit.text("hook_in_order")) span.quiet { (visit.text("hook_in_order_hint")) } }
            }
        }
    }
}

/// What was made, once.
fn made_page(page: &AppDesk<'_>, endpoint: &Endpoint, secret: &Secret, text: &'static str) -> Response {
    let desk = &page.desk;
    let body = html! {
        div.notice.good role="status" {
            p { strong { (desk.text(text)) } " " bdi { (endpoint.label) } }
            p { code.once { (secret.expose()) } }
            p { (desk.text("hook_shown_once")) }
        }
        p { (desk.text("hook_next")) " " a href="/docs/webhooks#verify" { (desk.text("hook_how_to_verify")) } }
        p { a.button href=(address(page, endpoint)) { (desk.text("hook_to_endpoint")) } }
    };
    page.show_below(Tab::Webhooks, &[], &endpoint.label, StatusCode::OK, body)
}

/// What the address of the page says behind its `?`.
fn asked(request: &Request) -> Params<'_> {
    let query = request.query.as_deref().unwrap_or_default();
    Params::parse(query.as_bytes()).unwrap_or_default()
}

/// How many were sent once more before the page was loaded.
fn resent(request: &Request) -> Option<String> {
    let params = asked(request);
    let count: Option<u32> = params.get("resent").ok().flatten()?.parse().ok();
    count.map(|count| count.to_string())
}

/// What was done before the page was loaded.
fn done(visit: &Visit<'_>, known: &[(&str, &'static str)]) -> Markup {
    let params = asked(visit.request);
    let done = params.get("done").ok().flatten();
    html! {
        @if let Some((_, text)) = known.iter().find(|(name, _)| Some(*name) == done) {
            p.notice.good role="status" { (visit.text(text)) }
        }
    }
}

/// Back to the endpoint's page.
fn to_endpoint(page: &AppDesk<'_>, id: &str, done: &str) -> Response {
    let to = page.address(&format!("/webhooks/{id}?done={done}"));
    redirect(&page.desk.visit, &to, None)
}
