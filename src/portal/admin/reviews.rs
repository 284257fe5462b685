//! `GET /admin/reviews`: what waits for a decision, longest first.

use super::on_duty;
use super::parts::{age, done, more, risk, way};
use crate::context::Context;
use crate::platform::reviews::{self, Kind, Waiting};
use crate::platform::rights::Right;
use crate::portal::desk::{Desk, Part};
use crate::portal::passwords::asked;
use crate::portal::trouble::Paged;
use crate::web::request::Request;
use maud::{Markup, html};

/// What was just decided, as the address says it.
pub const DONE: [(&str, &str); 3] = [
    ("approved", "reviews_done_approved"),
    ("rejected", "reviews_done_rejected"),
    ("changes_requested", "reviews_done_changes_requested"),
];

pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::Review).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let after = asked(request, "after")?;
    let (rows, next) = reviews::queue(ctx, &desk.actor, after.as_deref(), reviews::PAGE).await?;
    let body = html! {
        (done(&desk, &DONE)?)
        @if rows.is_empty() {
            p { (desk.text("reviews_none")) }
            p { a href="/admin/apps" { (desk.text("admin_apps")) } }
        } @else {
            p.quiet { (desk.text("reviews_text")) }
            ul.rows { @for waiting in &rows { (row(&desk, waiting)) } }
            (more(&desk, "/admin/reviews", next.as_deref()))
        }
    };
    let way = way(&desk, &[]);
    Ok(desk
        .page(Part::Administration, &way, desk.text("reviews"), body)
        .show(&desk.visit))
}

fn row(desk: &Desk<'_>, waiting: &Waiting) -> Markup {
    let to = format!("/admin/reviews/{}", waiting.client_id);
    html! {
        li {
            div.what {
                h2.plain { a href=(to) { bdi { (waiting.name) } } }
                p.quiet {
                    bdi { (waiting.organization) } " · " (kind(desk, waiting.kind)) " · "
                    (age(&desk.visit, waiting.since))
                }
            }
            p {
                @if waiting.own { span.tag { (desk.text("reviews_own_tag")) } " " }
                @match waiting.risk {
                    Some(highest) => (risk(&desk.visit, highest)),
                    None => span.tag { (desk.text("reviews_nothing_added")) },
                }
            }
        }
    }
}

pub fn kind<'d>(desk: &Desk<'d>, kind: Kind) -> &'d str {
    desk.text(match kind {
        Kind::First => "reviews_kind_first",
        Kind::Scopes => "reviews_kind_scopes",
        Kind::Resubmission => "reviews_kind_resubmission",
    })
}
