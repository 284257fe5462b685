//! `POST /consent/ask`: who may not consent tells those who decide. The request stays open meanwhile.

use super::consent::{self, Open, address};
use super::page::{Page, redirect};
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::context::Context;
use crate::oauth::authorize::{AdminsAsked, ask_admins};
use crate::web::request::Request;
use maud::html;

/// The form, and its id on the consent page.
pub const ASK: &str = "ask";

pub async fn post(ctx: &Context, request: &Request) -> Paged {
    let mut visit = Visit::of(ctx, request).await?;
    let fields = visit.form(ASK)?;
    let Open {
        signed_in,
        query,
        asking,
    } = match consent::reopened(&mut visit, &fields).await? {
        Ok(open) => open,
        Err(answer) => return Ok(*answer),
    };
    let organization = fields.get("organization").map_err(|_| Trouble::BadForm)?;
    let organization = organization.ok_or(Trouble::BadForm)?;
    let asked = ask_admins(ctx, visit.texts, &asking, &signed_in.user, organization).await?;
    let name = match &asked {
        AdminsAsked::Told(name) | AdminsAsked::Already(name) | AdminsAsked::Nobody(name) => name,
        // The page that was shown is out of date.
        AdminsAsked::NotBarred => return Ok(redirect(&visit, &address(&query), None)),
    };
    let values = [("organization", name.as_str()), ("app", asking.app.name.as_str())];
    let (heading, text) = match &asked {
        AdminsAsked::Told(_) => ("asked_heading", visit.fill("asked_text", &values)),
        AdminsAsked::Already(_) => ("asked_heading", visit.fill("asked_already", &values)),
        _ => ("asked_nobody_heading", visit.fill("asked_nobody", &values)),
    };
    let body = html! {
        p { (text) }
        form method="post" action="/consent" {
            (visit.csrf(consent::FORM))
            input type="hidden" name="request" value=(query);
            div.choices {
                a.button href=(address(&query)) { (visit.text("back")) }
                button.secondary name="decision" value="deny" { (visit.text("deny")) }
            }
        }
    };
    Ok(Page::new(visit.text(heading), body).in_flow().show(&visit))
}
