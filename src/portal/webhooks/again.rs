//! `/developer/apps/{client_id}/webhooks/{endpoint}/resend`: many deliveries once more.

use super::{address, asked, delivery_state, said, status_of};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::delivery::{KEPT, State};
use crate::model::endpoint::Endpoint;
use crate::oauth::params::Params;
use crate::platform::refusal::Fault;
use crate::platform::rights::Right;
use crate::platform::webhooks::log::{Edge, Filter};
use crate::platform::webhooks::{self, resending};
use crate::portal::developer::fields::{Field, entered, sentence};
use crate::portal::developer::frame::{AppDesk, Tab};
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use crate::web::response::Response;
use form_urlencoded::Serializer;
use maud::html;
use std::time::Duration;

const RESEND: &str = "webhook_resend_range";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Those that can be meant: what waits goes out by itself.
const OVER: [State; 3] = [State::Failed, State::Cancelled, State::Delivered];

/// The form's fields, as they were typed.
#[derive(Default)]
struct Typed {
    from: String,
    until: String,
    status: String,
}

impl Typed {
    fn of(fields: &Params<'_>) -> Result<Self, Trouble> {
        let text = |name| entered(fields, name).map(|text| text.trim().to_owned());
        Ok(Self {
            from: text("from")?,
            until: text("until")?,
            status: text("status")?,
        })
    }

    fn filter(&self) -> Result<Filter, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut read = |field, text: &str, is_end| {
            let edge = edge(text, is_end);
            if edge.is_none() && !text.is_empty() {
                faults.push(Fault::new(field, "hook_edge_bad"));
            }
            edge
        };
        let filter = Filter {
            from: read("from", &self.from, false),
            until: read("until", &self.until, true),
            state: OVER.into_iter().find(|state| state.as_str() == self.status),
        };
        if faults.is_empty() { Ok(filter) } else { Err(faults) }
    }
}

/// A moment as people write one, in UTC: a day, a day with hours and minutes, or RFC 3339; or the id of a delivery. A
/// day at the end is part of what is meant.
fn edge(text: &str, is_end: bool) -> Option<Edge> {
    if let Some(day) = Timestamp::of_day(text) {
        return Some(Edge::Time(if is_end { day + DAY } else { day }));
    }
    let rfc3339 = text.replacen(' ', "T", 1);
    let whole = match text.len() {
        16 => format!("{rfc3339}:00Z"),
        19 => format!("{rfc3339}Z"),
        _ => rfc3339,
    };
    let time = Timestamp::parse(&whole).map(Edge::Time);
    time.or_else(|| Edge::of_delivery(text))
}

/// `GET`; the address may say what is meant.
pub async fn get(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let endpoint = webhooks::find(ctx, &page.access, id).await?;
    let params = asked(request);
    Ok(show(&page, &endpoint, &Typed::of(&params)?, &[]))
}

/// `POST`.
pub async fn post(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let typed = Typed::of(&page.desk.visit.form(RESEND)?)?;
    let endpoint = webhooks::find(ctx, &page.access, id).await?;
    let filter = match typed.filter() {
        Ok(filter) => filter,
        Err(faults) => return Ok(show(&page, &endpoint, &typed, &faults)),
    };
    let resent = match resending::range(ctx, &page.desk.actor, client_id, id, &filter).await {
        Ok(resent) if resent.count > 0 => resent,
        Ok(_) => return Ok(show(&page, &endpoint, &typed, &[Fault::new("", "hook_resend_none")])),
        Err(refusal) => return Ok(show(&page, &endpoint, &typed, &said(refusal)?)),
    };
    let mut query = Serializer::new(String::new());
    query.append_pair("resent", &resent.count.to_string());
    let here = address(&page, &endpoint);
    let to = match &resent.next {
        None => format!("{here}?{}", query.finish()),
        Some(next) => {
            query.append_pair("from", next);
            query.append_pair("until", &typed.until);
            query.append_pair("status", &typed.status);
            format!("{here}/resend?{}", query.finish())
        }
    };
    Ok(redirect(&page.desk.visit, &to, None))
}

fn show(page: &AppDesk<'_>, endpoint: &Endpoint, typed: &Typed, faults: &[Fault]) -> Response {
    let visit = &page.desk.visit;
    let back = address(page, endpoint);
    let resent = super::resent(visit.request);
    let most = resending::RESENT_MAX.to_string();
    let body = html! {
        @for fault in faults.iter().filter(|fault| fault.field.is_empty()) {
            p.notice.danger role="alert" { (sentence(visit, fault)) }
        }
        @if let (Some(count), []) = (&resent, faults) {
            p.notice.good role="status" {
                (visit.fill("hook_done_resent_many", &[("count", count)])) " " (visit.text("hook_resend_more"))
            }
        }
        form.long method="post" action={ (back) "/resend" } {
            (visit.csrf(RESEND))
            p {
                (visit.fill("hook_resend_range_text", &[("most", &most), ("days", &days().to_string())])) " "
                (visit.text("hook_resend_text"))
            }
            (Field::new("from", "hook_from", &typed.from).hint(visit.text("hook_from_hint")).show(visit, faults))
            (Field::new("until", "hook_until", &typed.until).hint(visit.text("hook_until_hint")).show(visit, faults))
            label for="status" { (visit.text("hook_state")) }
            select #status name="status" {
                option value="" { (visit.text("hook_resend_all")) }
                @for state in OVER {
                    option value=(state.as_str()) selected[state.as_str() == typed.status] {
                        (visit.text(delivery_state(state)))
                    }
                }
            }
            div.choices {
                button { (visit.text("hook_resend_range")) }
                a.button.secondary href=(back) { (visit.text("back")) }
            }
        }
    };
    let below = [(back.clone(), endpoint.label.clone())];
    let title = visit.text("hook_resend_range");
    page.show_below(Tab::Webhooks, &below, title, status_of(faults), body)
}

const fn days() -> u64 {
    KEPT.as_secs() / DAY.as_secs()
}
