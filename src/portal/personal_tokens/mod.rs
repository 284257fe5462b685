//! Personal access tokens: one's own under `/account/tokens`, everybody's under `/organizations/{id}/tokens`.

pub mod form;
pub mod made;
pub mod revoke;
pub mod rows;

use super::desk::{Crumb, Desk, Part};
use crate::platform::refusal::Fault;
use crate::platform::rights;
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
        vec![match self {
            Self::Own => ("/account".to_owned(), desk.text("nav_account").to_owned()),
            Self::Organization(id) => {
                let of = desk.memberships.iter().find(|m| m.organization.id == id);
                let name = of.map_or(id, |of| &of.organization.name);
                (format!("/organizations/{id}"), name.to_owned())
            }
        }]
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
