//! The API's routes, as the gateway guards them at this moment.

use super::{code, example_id};
use crate::config::routes::{Needed, Route};
use crate::portal::visit::Visit;
use maud::{Markup, html};
use std::sync::Arc;

/// Routes of one page: a table may hold a thousand.
const PAGE: usize = 50;

/// Routes of one thing, under the part of the path that they share.
struct Group<'r> {
    path: String,
    routes: Vec<&'r Arc<Route>>,
}

pub fn body(visit: &Visit<'_>) -> Markup {
    let routes = visit.ctx.routes();
    let (groups, next) = page(groups(routes.rows()), from(visit));
    let text = |key| visit.text(key);
    if groups.is_empty() {
        return none(visit);
    }
    html! {
        p {
            (text("doc_routes_text")) " " a href="/docs/authentication" { (text("doc_authentication")) }
            " · " a href="/docs/errors#routes" { (text("doc_errors")) }
        }
        (code(&example(visit, groups[0].routes[0])))
        @for group in &groups {
            h2 id=(anchor(&group.path)) { a href={ "#" (anchor(&group.path)) } { code { (group.path) } } }
            ul.rows {
                @for route in &group.routes { (row(visit, route)) }
            }
        }
        @if let Some(next) = next {
            p.after { a href={ "/docs/routes?from=" (next) } { (text("developer_more")) } }
        }
    }
}

/// Which route of the list the page begins with.
fn from(visit: &Visit<'_>) -> usize {
    let query = visit.request.query.as_deref().unwrap_or_default();
    query
        .strip_prefix("from=")
        .and_then(|from| from.parse().ok())
        .unwrap_or(0)
}

impl Group<'_> {
    /// Below a part that stands for the organization is everything, so that makes no group.
    fn holds(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.path.as_str());
        below.is_some_and(|below| below.is_empty() || below.starts_with('/') && !self.path.ends_with('}'))
    }
}

/// In the order of the file, each route with the first group that its path leads into.
fn groups(rows: &[Arc<Route>]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for route in rows {
        let path = thing(route);
        match groups.iter_mut().find(|group| group.holds(&path)) {
            Some(group) => group.routes.push(route),
            None => groups.push(Group {
                path,
                routes: vec![route],
            }),
        }
    }
    groups
}

/// The groups that begin with this route or a later one, as many as fit, and where the next page begins.
fn page(groups: Vec<Group<'_>>, from: usize) -> (Vec<Group<'_>>, Option<usize>) {
    let (mut before, mut shown, mut found) = (0, 0, Vec::new());
    for group in groups {
        let count = group.routes.len();
        if before >= from && shown >= PAGE {
            return (found, Some(before));
        }
        if before >= from {
            shown += count;
            found.push(group);
        }
        before += count;
    }
    (found, None)
}

/// The path up to the first part that stands for something other than the organization.
fn thing(route: &Route) -> String {
    let organization = route.organization.as_ref().map(|name| format!("{{{name}}}"));
    let own = |segment: &&str| !segment.starts_with('{') || organization.as_deref() == Some(*segment);
    let segments: Vec<&str> = route.path.split('/').take_while(own).collect();
    match segments.join("/") {
        path if path.is_empty() => "/".to_owned(),
        path => path,
    }
}

fn anchor(path: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    path.trim_matches('/').chars().map(plain).collect()
}

fn row(visit: &Visit<'_>, route: &Route) -> Markup {
    let resources = &visit.ctx.profile().resources;
    html! {
        li {
            div.what {
                h3 { code { (route.path) } }
                dl {
                    @for (method, needed) in &route.methods {
                        dt { code { (method) } }
                        dd { (scopes(visit, needed)) }
                    }
                }
                @if let Some(part) = &route.organization {
                    p.quiet { (visit.fill("doc_routes_organization", &[("part", &format!("{{{part}}}"))])) }
                }
                @if resources.len() > 1 {
                    p.quiet { (visit.text("doc_routes_resource")) " " code { (route.resource) } }
                }
            }
        }
    }
}

fn scopes(visit: &Visit<'_>, needed: &Needed) -> Markup {
    let between = match needed {
        Needed::All(_) => "+",
        Needed::AnyOf(_) => visit.text("doc_routes_or"),
    };
    html! {
        @if needed.scopes().is_empty() { (visit.text("doc_routes_any")) }
        @for (at, scope) in needed.scopes().iter().enumerate() {
            @if at > 0 { " " (between) " " }
            a href={ "/docs/scopes#" (scope) } { code { (scope) } }
        }
    }
}

/// A request for the first route, with an id where the organization stands.
fn example(visit: &Visit<'_>, route: &Route) -> String {
    let method = route.methods.first().map_or("GET", |(method, _)| method.as_str());
    let path = match &route.organization {
        Some(part) => route.path.replace(&format!("{{{part}}}"), example_id(visit).0),
        None => route.path.clone(),
    };
    let headers = "-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' -H 'Accept: application/json'";
    format!("curl -X {method} {headers} \\\n  {}{path}", visit.ctx.issuer())
}

/// Where another gateway guards the API, or its own code does.
fn none(visit: &Visit<'_>) -> Markup {
    let documented = visit.ctx.profile().resources.iter().filter_map(|resource| {
        let address = resource.documentation.as_ref()?;
        Some((&resource.name, address))
    });
    html! {
        p.notice { (visit.text("doc_routes_none")) }
        ul {
            @for (name, address) in documented {
                li { a href=(address) rel="noopener noreferrer" { (name) } }
            }
        }
        p { a href="/docs/authentication" { (visit.text("doc_authentication")) } }
    }
}
