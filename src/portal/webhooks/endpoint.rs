//! `/developer/apps/{client_id}/webhooks/{endpoint}`: how it does, and what was sent to it.

use super::deliveries::log;
use super::{address, done, kinds, said, tag, to_endpoint, url};
use crate::context::Context;
use crate::model::endpoint::{Endpoint, Standing};
use crate::oauth::params::Params;
use crate::platform::refusal::Fault;
use crate::platform::rights::Right;
use crate::platform::webhooks::{self, deliveries};
use crate::portal::account::moment;
use crate::portal::developer::fields::{entered, sentence};
use crate::portal::developer::frame::{AppDesk, Tab};
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

const ACT: &str = "webhook_act";
const PAGE: u32 = 25;

/// What is said when something was done.
const DONE: [(&str, &str); 6] = [
    ("saved", "developer_done_saved"),
    ("test", "hook_done_test"),
    ("enabled", "hook_done_enabled"),
    ("disabled", "hook_done_disabled"),
    ("resent", "hook_done_resent"),
    ("rotated", "hook_rotated"),
];

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    match AppDesk::of(ctx, request, client_id, Right::SeeApp).await? {
        Ok(page) => show(&page, id, &[]).await,
        Err(to_sign_in) => Ok(to_sign_in),
    }
}

/// `POST`: a test, or on, or off.
pub async fn act(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = page.desk.visit.form(ACT)?;
    let actor = &page.desk.actor;
    let (result, done) = match entered(&fields, "do")? {
        "test" => (deliveries::test(ctx, actor, client_id, id).await.map(|_| ()), "test"),
        "enable" => (webhooks::enable(ctx, actor, client_id, id, true).await, "enabled"),
        "disable" => (webhooks::enable(ctx, actor, client_id, id, false).await, "disabled"),
        _ => return Err(Trouble::BadForm),
    };
    match result {
        Ok(()) => Ok(to_endpoint(&page, id, done)),
        Err(refusal) => show(&page, id, &said(refusal)?).await,
    }
}

async fn show(page: &AppDesk<'_>, id: &str, faults: &[Fault]) -> Paged {
    let (ctx, visit) = (page.desk.ctx(), &page.desk.visit);
    let endpoint = webhooks::find(ctx, &page.access, id).await?;
    let query = visit.request.query.as_deref().unwrap_or_default();
    let params = Params::parse(query.as_bytes()).unwrap_or_default();
    let after = params.get("after").ok().flatten();
    let listed = deliveries::list(ctx, &page.access, id, after, PAGE).await?;
    let body = html! {
        (done(visit, &DONE))
        @for fault in faults { p.notice.danger role="alert" { (sentence(visit, fault)) } }
        (standing(page, &endpoint))
        (facts(page, &endpoint))
        @if page.may(Right::ChangeApp) { (actions(page, &endpoint)) }
        h2 { (visit.text("hook_log")) }
        p.quiet { (visit.text("hook_log_text")) }
        (log(page, &endpoint, &listed.rows))
        @if let Some(next) = &listed.next {
            p.after { a href={ (address(page, &endpoint)) "?after=" (next) } { (visit.text("developer_more")) } }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    };
    Ok(page.show_below(Tab::Webhooks, &[], &endpoint.label, status, body))
}

/// What its state means, and what to do.
fn standing(page: &AppDesk<'_>, endpoint: &Endpoint) -> Markup {
    let text = match endpoint.standing {
        Standing::Enabled if endpoint.failing_since.is_some() => "hook_failing_text",
        Standing::Enabled => return html! {},
        Standing::Disabled => "hook_disabled_text",
        Standing::Failing => "hook_paused_failing_text",
        Standing::Gone => "hook_paused_gone_text",
        Standing::Transferred => "hook_paused_transferred_text",
        Standing::Restored => "hook_paused_restored_text",
    };
    html! { p.notice.warning { (page.desk.text(text)) } }
}

fn facts(page: &AppDesk<'_>, endpoint: &Endpoint) -> Markup {
    let desk = &page.desk;
    html! {
        dl.facts {
            dt { (desk.text("hook_state")) } dd { (tag(page, endpoint)) }
            dt { (desk.text("hook_url")) } dd { code { bdi { (url(page, endpoint)) } } }
            dt { (desk.text("hook_events")) } dd { (kinds(page, endpoint)) }
            dt { (desk.text("hook_secret")) }
            dd { code { (desk.ctx().profile().webhooks.secret_prefix) "…" } " · "
                (desk.text("since")) " " (moment(endpoint.secret_at)) }
            @if let Some(since) = endpoint.failing_since {
                dt { (desk.text("hook_failing_since")) } dd { (moment(since)) }
            }
        }
    }
}

fn actions(page: &AppDesk<'_>, endpoint: &Endpoint) -> Markup {
    let (visit, here) = (&page.desk.visit, address(page, endpoint));
    let enabled = endpoint.standing == Standing::Enabled;
    html! {
        div.actions {
            form method="post" action=(here) {
                (visit.csrf(ACT))
                @if enabled {
                    button name="do" value="test" { (visit.text("hook_test")) }
                    " "
                    button.secondary name="do" value="disable" { (visit.text("hook_disable")) }
                } @else {
                    button name="do" value="enable" { (visit.text("hook_enable")) }
                    @if endpoint.standing.is_paused() {
                        " "
                        button.secondary name="do" value="disable" { (visit.text("hook_disable")) }
                    }
                }
            }
            a.button.secondary href={ (here) "/edit" } { (visit.text("hook_change")) }
            a.button.secondary href={ (here) "/rotate" } { (visit.text("hook_rotate")) }
            a.button.secondary href={ (here) "/remove" } { (visit.text("hook_remove")) }
        }
    }
}
