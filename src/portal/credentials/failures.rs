//! `/developer/apps/{client_id}/failures`: why requests of the app were refused.

use super::show;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::App;
use crate::model::failure::{Compared, Failure};
use crate::oauth::params::Params;
use crate::platform::failures;
use crate::portal::account::moment;
use crate::portal::desk::Desk;
use crate::portal::developer::frame::{Tab, tabs};
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

const PAGE: u32 = 25;

/// `GET`, with `id` for the one with this error id, or `after` for what is older.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let access = failures::open(ctx, &desk.actor, client_id).await?;
    let query = request.query.as_deref().unwrap_or_default();
    let params = Params::parse(query.as_bytes()).map_err(|_| Trouble::NotFound)?;
    let param = |name| params.get(name).map_err(|_| Trouble::NotFound);
    let (id, after) = (param("id")?.map(str::trim), param("after")?);
    let app = &access.app;
    let (found, next) = match id {
        Some(id) => (failures::find(ctx, &access, id).await?.into_iter().collect(), None),
        None => {
            let after = after.map(|after| place(after).ok_or(Trouble::NotFound)).transpose()?;
            let found = failures::list(ctx, &access, after, PAGE).await?;
            let full = found.len() == PAGE as usize;
            let next = found.last().filter(|_| full).map(cursor);
            (found, next)
        }
    };
    let body = html! {
        (tabs(&desk, &access, Some(Tab::Failures)))
        p { (desk.text("fail_text")) }
        (search(&desk, app, id))
        @if found.is_empty() {
            p.quiet { (desk.text(if id.is_some() { "fail_none_found" } else { "fail_none" })) }
        }
        @for failure in &found { (entry(&desk, failure, id.is_some())) }
        @if let Some(next) = next {
            p { a href={ (address(app)) "?after=" (next) } { (desk.text("fail_older")) } }
        }
    };
    Ok(show(&desk, app, desk.text("fail_heading"), body, StatusCode::OK))
}

fn address(app: &App) -> String {
    format!("/developer/apps/{}/failures", app.client_id)
}

/// Where a page ends: digits, a dot, and an id, which may stand in a query as they are.
fn cursor(failure: &Failure) -> String {
    format!("{}.{}", failure.at.millis(), failure.id)
}

fn place(cursor: &str) -> Option<(Timestamp, &str)> {
    let (at, id) = cursor.split_once('.')?;
    Some((Timestamp::from_millis(at.parse().ok()?), id))
}

fn search(desk: &Desk<'_>, app: &App, id: Option<&str>) -> Markup {
    html! {
        form.search method="get" action=(address(app)) role="search" {
            label for="id" { (desk.text("fail_id")) }
            input #id name="id" value=(id.unwrap_or_default()) required autocomplete="off" autocapitalize="none"
                spellcheck="false";
            button.secondary { (desk.text("fail_find")) }
            @if id.is_some() { " " a href=(address(app)) { (desk.text("fail_all")) } }
        }
    }
}

fn entry(desk: &Desk<'_>, failure: &Failure, open: bool) -> Markup {
    html! {
        details.failure open[open] {
            summary { (moment(failure.at)) " · " (failure.endpoint) " · " code { (failure.error) } }
            p { strong { (desk.text(failures::sentence(failure.rule))) } }
            dl.facts {
                dt { (desk.text("fail_id")) } dd { code.once { (failure.id) } }
                dt { (desk.text("fail_rule")) } dd { code { (failure.rule.as_str()) } " · " (failure.rule.section()) }
                dt { "error_description" } dd lang="en" { (failure.description) }
            }
            @for compared in &failure.compared { (comparison(desk, compared)) }
        }
    }
}

fn comparison(desk: &Desk<'_>, compared: &Compared) -> Markup {
    html! {
        h3 { code { (compared.name) } }
        dl.facts {
            dt { (desk.text("fail_received")) }
            dd {
                @match &compared.received {
                    Some(received) => { code { bdi { (received) } } }
                    None => { (desk.text("fail_not_sent")) }
                }
            }
            @if !compared.registered.is_empty() {
                dt { (desk.text("fail_registered")) }
                dd { @for value in &compared.registered { code { bdi { (value) } } " " } }
            }
        }
    }
}
