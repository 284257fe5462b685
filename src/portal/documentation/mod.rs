//! `/docs`: how one uses this server, for developers. Public, in every language, and made of the configuration as it
//! is: no address, scope or lifetime stands here that the server does not have.

mod authentication;
mod errors;
mod organizations;
mod reference;
mod routes;
mod scopes;
mod start;
mod verify;
mod webhooks;

use super::desk::{Desk, Part};
use super::page::Page;
use super::trouble::Paged;
use super::visit::Visit;
use crate::config::IdType;
use crate::context::Context;
use crate::web::request::Request;
use maud::{Markup, html};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    Start,
    Authentication,
    Organizations,
    Scopes,
    Verify,
    Routes,
    Webhooks,
    Errors,
    Reference,
}

impl Section {
    const ALL: [Self; 9] = [
        Self::Start,
        Self::Authentication,
        Self::Organizations,
        Self::Scopes,
        Self::Verify,
        Self::Routes,
        Self::Webhooks,
        Self::Errors,
        Self::Reference,
    ];

    const fn path(self) -> &'static str {
        match self {
            Self::Start => "/docs",
            Self::Authentication => "/docs/authentication",
            Self::Organizations => "/docs/organizations",
            Self::Scopes => "/docs/scopes",
            Self::Verify => "/docs/verify",
            Self::Routes => "/docs/routes",
            Self::Webhooks => "/docs/webhooks",
            Self::Errors => "/docs/errors",
            Self::Reference => "/docs/api",
        }
    }

    fn title<'a>(self, visit: &Visit<'a>) -> &'a str {
        match self {
            Self::Start => visit.text("doc_start"),
            Self::Authentication => visit.text("doc_authentication"),
            Self::Organizations => visit.text("doc_organizations"),
            Self::Scopes => visit.text("doc_scopes"),
            Self::Verify => visit.text("doc_verify"),
            Self::Routes => visit.text("doc_routes"),
            Self::Webhooks => visit.text("hook_heading"),
            Self::Errors => visit.text("doc_errors"),
            Self::Reference => visit.text("doc_api"),
        }
    }

    fn body(self, visit: &Visit<'_>) -> Markup {
        match self {
            Self::Start => start::body(visit),
            Self::Authentication => authentication::body(visit),
            Self::Organizations => organizations::body(visit),
            Self::Scopes => scopes::body(visit),
            Self::Verify => verify::body(visit),
            Self::Routes => routes::body(visit),
            Self::Webhooks => webhooks::body(visit),
            Self::Errors => errors::body(visit),
            Self::Reference => reference::body(visit),
        }
    }
}

/// `GET /docs` and what is below it.
pub async fn get(ctx: &Context, request: &Request, section: Section) -> Paged {
    Ok(match Desk::of(ctx, request).await? {
        Ok(desk) => {
            let body = framed(&desk.visit, section);
            let title = section.title(&desk.visit);
            desk.page(Part::Documentation, &[], title, body).show(&desk.visit)
        }
        // Whoever is not signed in reads it too, and is given no cookie for that.
        Err(_) => {
            let visit = Visit::unknown(ctx, request);
            let body = framed(&visit, section);
            Page::new(section.title(&visit), body).wide().show(&visit)
        }
    })
}

fn framed(visit: &Visit<'_>, section: Section) -> Markup {
    html! {
        nav.tabs aria-label=(visit.text("nav_documentation")) {
            ul {
                @for other in Section::ALL {
                    li { a href=(other.path()) aria-current=[(other == section).then_some("page")] {
                        (other.title(visit))
                    } }
                }
            }
        }
        (section.body(visit))
        @if let Some(help) = visit.ctx.config.help() {
            p.quiet { (visit.text("doc_help")) " " a href=(help) rel="noopener noreferrer" { (visit.text("help")) } }
        }
    }
}

/// What one copies.
fn code(text: &str) -> Markup {
    html! { pre tabindex="0" { code { (text) } } }
}

/// Terms and what they mean.
fn terms(rows: &[(&str, String)]) -> Markup {
    html! {
        dl.facts {
            @for (term, meaning) in rows {
                dt { code { (term) } }
                dd { (meaning) }
            }
        }
    }
}

/// In the largest unit that divides it, with the symbols of ISO 80000-3, which are those of every language.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        s if s > 0 && s % (24 * 60 * 60) == 0 => format!("{} d", s / (24 * 60 * 60)),
        s if s > 0 && s % (60 * 60) == 0 => format!("{} h", s / (60 * 60)),
        s if s > 0 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// Some scopes, as examples ask for them.
fn example_scope(visit: &Visit<'_>) -> String {
    let names: Vec<&str> = visit.ctx.profile().scopes.names().take(2).collect();
    names.join(" ")
}

/// An organization's id as it stands in an address, and as JSON.
fn example_id(visit: &Visit<'_>) -> (&'static str, &'static str) {
    match visit.ctx.profile().ids {
        IdType::Integer => ("849", "849"),
        IdType::Text => ("o_3fVq8mXw2LtR", "\"o_3fVq8mXw2LtR\""),
    }
}
