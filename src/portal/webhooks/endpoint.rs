//! `/developer/apps/{client_id}/webhooks/{endpoint}`: how it does, and what was sent to it.

use super::deliveries::log;
use super::{address, asked, delivery_state, done, kinds, order, resent, said, tag, to_endpoint, url};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::delivery::State;
use crate::model::endpoint::{Endpoint, Standing};
use crate::platform::refusal::Fault;
use crate::platform::rights::Right;
use crate::platform::webhooks::log::{Edge, Filter};
use crate::platform::webhooks::{self, deliveries};
use crate::portal::account::moment;
use crate::portal::developer::fields::{entered, sentence};
use crate::portal::developer::frame::{AppDesk, Tab};
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use form_urlencoded::Serializer;
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

/// Which part of the log is asked for, as it was typed.
struct Wanted {
    status: String,
    from: String,
    to: String,
    after: Option<String>,
}

impl Wanted {
    fn of(request: &Request) -> Self {
        let params = asked(request);
        let text = |name| params.get(name).ok().flatten().unwrap_or_default().trim().to_owned();
        Self {
            status: text("status"),
            from: text("from"),
            to: text("to"),
            after: Some(text("after")).filter(|after| !after.is_empty()),
        }
    }

    fn is_all(&self) -> bool {
        [&self.status, &self.from, &self.to].iter().all(|text| text.is_empty())
    }

    /// What is no filter is left out, as if nobody had asked. The day named last is part of it.
    fn filter(&self) -> Filter {
        let day = |text| Timestamp::of_day(text);
        Filter {
            state: State::ALL.into_iter().find(|state| state.as_str() == self.status),
            from: day(&self.from).map(Edge::Time),
            until: day(&self.to).map(|day| Edge::Time(day.next_day())),
        }
    }

    /// Of the part that begins there.
    fn query(&self, after: &str) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("status", &*self.status),
            ("from", &*self.from),
            ("to", &*self.to),
            ("after", after),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    fn form(&self, page: &AppDesk<'_>, endpoint: &Endpoint) -> Markup {
        let (desk, here) = (&page.desk, address(page, endpoint));
        let date = |name: &'static str, value: &str, key| {
            html! {
                div {
                    label for=(name) { (desk.text(key)) }
                    input id=(name) type="date" name=(name) value=(value);
                }
            }
        };
        html! {
            form.filter method="get" action=(here) {
                div {
                    label for="status" { (desk.text("hook_state")) }
                    select #status name="status" {
                        option value="" { (desk.text("hook_everything")) }
                        @for state in State::ALL {
                            option value=(state.as_str()) selected[state.as_str() == self.status] {
                                (desk.text(delivery_state(state)))
                            }
                        }
                    }
                }
                (date("from", &self.from, "hook_from"))
                (date("to", &self.to, "hook_until"))
                div.links.below {
                    button.secondary { (desk.text("hook_filter")) }
                    @if !self.is_all() { a href=(here) { (desk.text("hook_filter_none")) } }
                }
            }
        }
    }
}

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
    let wanted = Wanted::of(visit.request);
    let filter = wanted.filter();
    let listed = deliveries::list(ctx, &page.access, id, &filter, wanted.after.as_deref(), PAGE).await?;
    let body = html! {
        (done(visit, &DONE))
        @if let Some(count) = resent(visit.request) {
            p.notice.good role="status" { (visit.fill("hook_done_resent_many", &[("count", &count)])) }
        }
        @for fault in faults { p.notice.danger role="alert" { (sentence(visit, fault)) } }
        (standing(page, &endpoint))
        (facts(page, &endpoint))
        @if page.may(Right::ChangeApp) { (actions(page, &endpoint)) }
        h2 { (visit.text("hook_log")) }
        p.quiet { (visit.text("hook_log_text")) }
        (wanted.form(page, &endpoint))
        @if listed.rows.is_empty() && listed.next.is_none() {
            p.notice { (visit.text(if wanted.is_all() { "hook_log_none" } else { "hook_log_none_such" })) }
        }
        (log(page, &endpoint, &listed.rows))
        @if let Some(next) = &listed.next {
            @let older = format!("{}?{}", address(page, &endpoint), wanted.query(next));
            p.after { a href=(older) { (visit.text("developer_more")) } }
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
            dt { (desk.text("hook_order")) } dd { (desk.text(order(endpoint.in_order))) }
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
            @if enabled { a.button.secondary href={ (here) "/resend" } { (visit.text("hook_resend_range")) } }
            a.button.secondary href={ (here) "/edit" } { (visit.text("hook_change")) }
            a.button.secondary href={ (here) "/rotate" } { (visit.text("hook_rotate")) }
            a.button.secondary href={ (here) "/remove" } { (visit.text("hook_remove")) }
        }
    }
}
