//! The deliveries of an endpoint: the log, and one with what was sent and what was answered.

use super::{address, delivery_state, said, to_endpoint};
use crate::context::Context;
use crate::model::delivery::{Delivery, State};
use crate::model::endpoint::{Endpoint, Standing};
use crate::platform::refusal::Fault;
use crate::platform::rights::Right;
use crate::platform::webhooks::catalog::TEST;
use crate::platform::webhooks::{self, deliveries, resending};
use crate::portal::account::moment;
use crate::portal::developer::fields::sentence;
use crate::portal::developer::frame::{AppDesk, Tab};
use crate::portal::trouble::Paged;
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

const RESEND: &str = "webhook_resend";

/// The newest first.
pub(super) fn log(page: &AppDesk<'_>, endpoint: &Endpoint, rows: &[Delivery]) -> Markup {
    html! {
        @if !rows.is_empty() {
            ul.rows.deliveries {
                @for delivery in rows {
                    li {
                        div.what {
                            h3 {
                                a href={ (address(page, endpoint)) "/deliveries/" (delivery.id) } { (delivery.kind) }
                                " " (state(page, delivery))
                            }
                            p.quiet { (moment(delivery.at)) " · " (met(page, delivery)) }
                        }
                    }
                }
            }
        }
    }
}

fn state(page: &AppDesk<'_>, delivery: &Delivery) -> Markup {
    let good = delivery.state == State::Delivered;
    let high = matches!(delivery.state, State::Failed | State::Cancelled);
    html! { span.tag.good[good].high[high] { (page.desk.text(delivery_state(delivery.state))) } }
}

/// What the latest attempt met, in a few words.
fn met(page: &AppDesk<'_>, delivery: &Delivery) -> Markup {
    html! {
        @match delivery.attempts.last() {
            None => { (page.desk.text("hook_not_tried")) }
            Some((_, status, took_ms)) => {
                @if *status > 0 { "HTTP " (status) } @else { (page.desk.text("hook_no_answer")) }
                " · " (took_ms) " ms"
                @if delivery.attempted > 1 {
                    " · " (page.desk.fill("hook_attempts_count", &[("count", &delivery.attempted.to_string())]))
                }
            }
        }
    }
}

/// `GET /developer/apps/{client_id}/webhooks/{endpoint}/deliveries/{delivery}`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str, endpoint: &str, id: &str) -> Paged {
    match AppDesk::of(ctx, request, client_id, Right::SeeApp).await? {
        Ok(page) => show(&page, endpoint, id, &[]).await,
        Err(to_sign_in) => Ok(to_sign_in),
    }
}

/// `POST`: once more.
pub async fn resend(ctx: &Context, request: &Request, client_id: &str, endpoint: &str, id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    page.desk.visit.form(RESEND)?;
    match resending::one(ctx, &page.desk.actor, client_id, endpoint, id).await {
        Ok(_) => Ok(to_endpoint(&page, endpoint, "resent")),
        Err(refusal) => show(&page, endpoint, id, &said(refusal)?).await,
    }
}

async fn show(page: &AppDesk<'_>, endpoint: &str, id: &str, faults: &[Fault]) -> Paged {
    let (ctx, visit) = (page.desk.ctx(), &page.desk.visit);
    let endpoint = webhooks::find(ctx, &page.access, endpoint).await?;
    let delivery = deliveries::one(ctx, &page.access, &endpoint.id, id).await?;
    let here = format!("{}/deliveries/{}", address(page, &endpoint), delivery.id);
    let may = page.may(Right::ChangeApp) && endpoint.standing == Standing::Enabled;
    let body = html! {
        @for fault in faults { p.notice.danger role="alert" { (sentence(visit, fault)) } }
        dl.facts {
            dt { (visit.text("hook_state")) } dd { (state(page, &delivery)) }
            dt { (visit.text("hook_delivery_id")) } dd { code.once { (delivery.id) } }
            dt { (visit.text("hook_event_id")) } dd { code.once { (delivery.event) } }
            dt { (visit.text("hook_happened")) } dd { (moment(delivery.at)) }
            @if delivery.state == State::Pending && !endpoint.standing.is_paused() {
                dt { (visit.text("hook_next_attempt")) } dd { (moment(delivery.next_attempt_at)) }
            }
        }
        @if may {
            form.after method="post" action=(here) {
                (visit.csrf(RESEND))
                p.quiet { (visit.text("hook_resend_text")) }
                div.choices {
                    button { (visit.text("hook_resend")) }
                    // A range leaves tests out.
                    @if delivery.kind != TEST {
                        a.button.secondary href={ (address(page, &endpoint)) "/resend?from=" (delivery.id) } {
                            (visit.text("hook_resend_from"))
                        }
                    }
                }
            }
        }
        (request_of(page, &delivery))
        (answer_of(page, &delivery))
        (attempts(page, &delivery))
    };
    let below = [(address(page, &endpoint), endpoint.label.clone())];
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    };
    Ok(page.show_below(Tab::Webhooks, &below, &delivery.kind, status, body))
}

fn request_of(page: &AppDesk<'_>, delivery: &Delivery) -> Markup {
    let mut headers = vec!["Content-Type: application/json".to_owned()];
    let rows = deliveries::headers(page.desk.ctx(), delivery);
    headers.extend(rows.into_iter().map(|(name, value)| format!("{name}: {value}")));
    html! {
        h2 { (page.desk.text("hook_request")) }
        pre tabindex="0" { code { (headers.join("\n")) "\n\n" (delivery.body) } }
    }
}

fn answer_of(page: &AppDesk<'_>, delivery: &Delivery) -> Markup {
    let status = delivery.attempts.last().map_or(0, |(_, status, _)| *status);
    html! {
        @if !delivery.attempts.is_empty() {
            h2 { (page.desk.text("hook_answer")) }
            @match &delivery.trouble {
                Some(trouble) => { p.notice.danger lang="en" { (trouble) } }
                None => {
                    p { "HTTP " (status) }
                    @if !delivery.answer.is_empty() { pre tabindex="0" { code { bdi { (delivery.answer) } } } }
                }
            }
        }
    }
}

fn attempts(page: &AppDesk<'_>, delivery: &Delivery) -> Markup {
    html! {
        @if delivery.attempts.len() > 1 {
            h2 { (page.desk.text("hook_attempts")) }
            ol.rows {
                @for (at, status, took_ms) in delivery.attempts.iter().rev() {
                    li {
                        div.what {
                            p {
                                (moment(*at)) " · "
                                @if *status > 0 { "HTTP " (status) } @else { (page.desk.text("hook_no_answer")) }
                                " · " (took_ms) " ms"
                            }
                        }
                    }
                }
            }
        }
    }
}
