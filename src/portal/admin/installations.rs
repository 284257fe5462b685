//! `/admin/installations`: the sites whose plugins registered, and the way back for one whose keys are lost.

use super::on_duty;
use super::parts::{Wrong, done, field, way};
use crate::context::Context;
use crate::model::installation::Installation;
use crate::platform::installations::{self, Row};
use crate::platform::refusal::Fault;
use crate::platform::rights::Right;
use crate::portal::account::day;
use crate::portal::app_card::tile;
use crate::portal::desk::{Desk, Part};
use crate::portal::organizations::asked;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use maud::{Markup, html};

const FORM: &str = "reset_installation";
const LIST: &str = "/admin/installations";
const DONE: [(&str, &str); 1] = [("reset", "native_done_reset")];

/// `GET /admin/installations`.
pub async fn list(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    if ctx.profile().native_templates.is_empty() {
        return Err(Trouble::NotFound);
    }
    let after = asked(request, "after");
    let (rows, next) = installations::page(ctx, &desk.actor, after.as_deref()).await?;
    let body = html! {
        (done(&desk, &DONE)?)
        p.quiet { (desk.text("native_installations_text")) }
        @if rows.is_empty() { p.quiet { (desk.text("native_installations_none")) } }
        ul.rows { @for one in &rows { (row(&desk, one)) } }
        @if let Some(next) = &next {
            p.after { a.button.secondary href=(format!("{LIST}?after={next}")) { (desk.text("developer_more")) } }
        }
    };
    let way = way(&desk, &[]);
    Ok(desk
        .page(Part::Administration, &way, desk.text("native_installations"), body)
        .show(&desk.visit))
}

fn row(desk: &Desk<'_>, row: &Row) -> Markup {
    let Some(installation) = &row.app.installation else {
        return html! {};
    };
    html! {
        li {
            (tile(desk.ctx(), &row.app))
            div.what {
                h2.plain { bdi { (installation.site_url) } }
                p.quiet { (row.app.name) }
                p.quiet { (connected(desk, row)) }
            }
            a href=(format!("{LIST}/{}", row.app.client_id))
                aria-label=(desk.fill("native_look_at", &[("site", &installation.site_url)])) {
                (desk.text("native_look"))
            }
        }
    }
}

fn connected(desk: &Desk<'_>, row: &Row) -> Markup {
    html! {
        @match &row.organization {
            Some(name) => { (desk.text("native_connected_with")) " " bdi { (name) } }
            None => { (desk.text("native_not_connected")) }
        }
    }
}

/// `GET /admin/installations/{client_id}`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let row = installations::look(ctx, &desk.actor, client_id).await?;
    page(&desk, &row, "", &Wrong::nothing())
}

/// `POST /admin/installations/{client_id}`: it is reset, confirmed by the address of its site.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(FORM)?;
    let confirm = field(&fields, "confirm")?;
    let row = installations::look(ctx, &desk.actor, client_id).await?;
    let site = row
        .app
        .installation
        .as_ref()
        .map(|installation| installation.site_url.as_str());
    let reset = if site == Some(confirm.trim()) {
        installations::reset_by(ctx, &desk.actor, client_id).await
    } else {
        Err(Fault::new("confirm", "native_confirm_wrong").into())
    };
    match reset {
        Ok(()) => Ok(redirect(&desk.visit, &format!("{LIST}?done=reset"), None)),
        Err(refusal) => {
            let wrong = Wrong::of(&desk.visit, refusal, "conflict_text")?;
            page(&desk, &row, confirm, &wrong)
        }
    }
}

fn page(desk: &Desk<'_>, row: &Row, typed: &str, wrong: &Wrong) -> Paged {
    let visit = &desk.visit;
    let installation = row.app.installation.as_ref().ok_or(Trouble::NotFound)?;
    let body = html! {
        (wrong.notice())
        div.app {
            (tile(desk.ctx(), &row.app))
            div {
                p.name { bdi { (installation.site_url) } }
                p.quiet { (row.app.name) }
            }
        }
        (facts(desk, row, installation))
        h2 { (desk.text("native_reset")) }
        p { (desk.text("native_reset_text")) }
        form method="post" action=(format!("{LIST}/{}", row.app.client_id)) {
            (visit.csrf(FORM))
            label for="confirm" { (visit.fill("native_confirm", &[("site", &installation.site_url)])) }
            input #confirm name="confirm" value=(typed) autocomplete="off" autocapitalize="none" spellcheck="false"
                required;
            (wrong.at(visit, "confirm"))
            div.inline-choices {
                button.danger { (desk.text("native_reset")) }
                a.button.secondary href=(LIST) { (desk.text("back")) }
            }
        }
    };
    let way = way(desk, &[(LIST, desk.text("native_installations"))]);
    Ok(desk
        .page(Part::Administration, &way, &installation.site_url, body)
        .with_status(wrong.status)
        .show(visit))
}

fn facts(desk: &Desk<'_>, row: &Row, installation: &Installation) -> Markup {
    html! {
        dl {
            dt { (desk.text("native_connection")) } dd { (connected(desk, row)) }
            dt { "client_id" } dd { code { (row.app.client_id) } }
            dt { (desk.text("native_redirect")) }
            @for uri in &row.app.redirect_uris { dd { code { (uri) } } }
            @for (name, fact) in &installation.facts {
                dt { code { (name) } } dd { bdi { (fact) } }
            }
            dt { (desk.text("native_registered")) } dd { (day(installation.registered_at)) }
            @if let Some(at) = installation.reset_at {
                dt { (desk.text("native_last_reset")) } dd { (day(at)) }
            }
            @if let Some(jkt) = &installation.active_key {
                dt { (desk.text("native_active_key")) } dd { code { (jkt) } }
            }
            @if let Some(jkt) = &installation.pending_key {
                dt { (desk.text("native_pending_key")) } dd { code { (jkt) } }
            }
        }
    }
}
