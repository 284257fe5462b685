//! `/developer`: my applications.

use super::frame::{address, tags, way};
use crate::context::Context;
use crate::model::app::App;
use crate::oauth::params::Params;
use crate::platform::apps::history::Listed;
use crate::platform::apps::listing;
use crate::platform::refusal::Refusal;
use crate::platform::rights::{Relation, Right, may};
use crate::portal::app_card;
use crate::portal::desk::{Desk, Part};
use crate::portal::trouble::Paged;
use crate::web::request::Request;
use maud::{Markup, html};

const PAGE: u32 = 50;

/// The apps of the open organization, and those in which one has a stake.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes()).unwrap_or_default();
    let after = params.get("after").ok().flatten();
    let own = match desk.open() {
        Some(open) => listing::of_organization(ctx, &desk.actor, &open.organization.id, after, PAGE).await,
        None => Err(Refusal::Forbidden),
    };
    let own = match own {
        Ok(own) => Some(own),
        Err(Refusal::Forbidden) => None,
        Err(other) => return Err(other.into()),
    };
    let stakes = listing::of_stakeholder(ctx, &desk.actor).await?;
    let body = html! {
        p { (desk.text("developer_intro")) }
        @match &own {
            Some(own) => (own_apps(&desk, own)),
            None => p.notice { (desk.text("developer_no_role")) },
        }
        @if !stakes.is_empty() {
            h2 { (desk.text("developer_stakes")) }
            p.quiet { (desk.text("developer_stakes_text")) }
            (rows(&desk, &stakes))
        }
    };
    let title = desk.text("developer_apps");
    Ok(desk.page(Part::Developer, &way(&desk), title, body).show(&desk.visit))
}

fn own_apps(desk: &Desk<'_>, own: &Listed<App>) -> Markup {
    let relation = Relation {
        role: desk.open().map(|open| open.role()),
        ..Relation::default()
    };
    html! {
        @if own.rows.is_empty() {
            p.notice { (desk.text("developer_none")) }
        }
        @if may(Right::CreateApp, relation) {
            p { a.button href="/developer/apps/new" { (desk.text("developer_new")) } }
        }
        @if !own.rows.is_empty() {
            @if let Some(open) = desk.open() { h2 { bdi { (open.organization.name) } } }
            (rows(desk, &own.rows))
        }
        @if let Some(next) = &own.next {
            p.after { a href=(format!("/developer?after={next}")) { (desk.text("developer_more")) } }
        }
    }
}

fn rows(desk: &Desk<'_>, apps: &[App]) -> Markup {
    html! {
        ul.rows {
            @for app in apps {
                li {
                    (app_card::tile(desk.ctx(), app))
                    div.what {
                        h3 { a href=(address(&app.client_id)) { bdi { (app.name) } } }
                        p.quiet { code { (app.client_id) } }
                    }
                    div { (tags(desk, app)) }
                }
            }
        }
    }
}
