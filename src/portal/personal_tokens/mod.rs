//! Personal access tokens: one's own under `/account/tokens`, everybody's under `/organizations/{id}/tokens`.

pub mod form;
pub mod made;
pub mod revoke;
pub mod rows;

use super::desk::{Crumb, Desk, Part};
use super::organizations::{self, Tab};
use super::trouble::Trouble;
use crate::context::Context;
use crate::platform::actor::Membership;
use crate::platform::refusal::Fault;
use crate::platform::rights;
use crate::web::request::Request;
use crate::web::response::Response;
use maud::{Markup, html};

/// One's own, or those of everybody in an organization.
#[derive(Clone, Copy)]
pub enum Scene<'a> {
    Own,
    Organization(&'a str),
}

impl Scene<'_> {
    fn list(self) -> String {
        match self {
            Self::Own => "/account/tokens".to_owned(),
            Self::Organization(id) => format!("/organizations/{id}/tokens"),
        }
    }

    fn part(self) -> Part {
        match self {
            Self::Own => Part::Account,
            Self::Organization(_) => Part::Organization,
        }
    }

    fn way(self, desk: &Desk<'_>) -> Vec<Crumb> {
        let mut way = vec![("/account".to_owned(), desk.text("nav_account").to_owned())];
        if let Self::Organization(id) = self {
            let name = self.of(desk).map_or(id, |of| &of.organization.name);
            way.push((format!("/organizations/{id}"), name.to_owned()));
        }
        way
    }

    fn of<'d>(self, desk: &'d Desk<'_>) -> Option<&'d Membership> {
        match self {
            Self::Own => None,
            Self::Organization(id) => desk.memberships.iter().find(|m| m.organization.id == id),
        }
    }

    /// The tabs of the organization's pages.
    fn tabs(self, desk: &Desk<'_>) -> Markup {
        html! { @if let Some(of) = self.of(desk) { (organizations::tabs(desk, of, Tab::Tokens)) } }
    }

    /// Whoever is signed in, with the organization open whose tokens these are.
    async fn desk<'a>(self, ctx: &'a Context, request: &'a Request) -> Result<Result<Desk<'a>, Response>, Trouble> {
        let desk = Desk::of(ctx, request).await?;
        Ok(match self {
            Self::Own => desk,
            Self::Organization(id) => desk.map(|desk| desk.at(id)),
        })
    }

    /// To a page below the list.
    fn way_below(self, desk: &Desk<'_>) -> Vec<Crumb> {
        let mut way = self.way(desk);
        way.push((self.list(), self.title(desk).to_owned()));
        way
    }

    fn title<'d>(self, desk: &Desk<'d>) -> &'d str {
        match self {
            Self::Own => desk.text("pat_heading"),
            Self::Organization(_) => desk.text("pat_heading_all"),
        }
    }
}

/// What a scope is called on pages: the catalog's title, or the one of a scope of the JSON API.
pub fn scope_title<'a>(desk: &Desk<'a>, name: &'a str) -> &'a str {
    if let Some(scope) = desk.ctx().profile().scopes.get(name) {
        return &scope.title;
    }
    match name {
        rights::APPS_READ => desk.text("pat_scope_apps_read"),
        rights::APPS_WRITE => desk.text("pat_scope_apps_write"),
        rights::REVIEWS => desk.text("pat_scope_reviews"),
        rights::GRANTS => desk.text("pat_scope_grants"),
        rights::TOKENS => desk.text("pat_scope_tokens"),
        rights::REQUESTS => desk.text("pat_scope_requests"),
        // It left the catalog since.
        other => other,
    }
}

/// Where members make none of their own: how to come by one.
fn on_request(desk: &Desk<'_>) -> Markup {
    html! {
        p.notice { (desk.text("pat_on_request")) }
        @if desk.ctx().profile().access_requests {
            p { a.button href="/access-requests/new" { (desk.text("requests_new")) } }
        }
    }
}

/// What is wrong with one field, beside it.
fn faults(desk: &Desk<'_>, all: &[Fault], field: &str) -> Markup {
    html! {
        @for fault in all.iter().filter(|fault| fault.field == field) {
            p.fault id={ "fault-" (field) } { (sentence(desk, fault)) }
        }
    }
}

fn sentence(desk: &Desk<'_>, fault: &Fault) -> String {
    let values: Vec<(&str, &str)> = fault
        .values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    desk.fill(fault.key, &values)
}
