//! The scopes of the catalog, and of the JSON API.

use crate::model::role::Role;
use crate::model::scope::{Risk, Scope};
use crate::platform::rights::SCOPES;
use crate::portal::visit::Visit;
use maud::{Markup, html};

pub fn body(visit: &Visit<'_>) -> Markup {
    html! {
        p { (visit.text("doc_scopes_text")) " " a href="/docs/routes" { (visit.text("doc_routes")) } }
        h2 { (visit.text("doc_scopes_api")) }
        ul.rows {
            @for scope in visit.ctx.profile().scopes.iter() { (row(visit, scope)) }
        }
        h2 #own { (visit.text("doc_scopes_own")) }
        p { (visit.text("doc_scopes_own_text")) " " a href="/docs/api" { (visit.text("doc_api")) } }
        ul {
            @for scope in SCOPES { li { code { (scope) } } }
        }
    }
}

fn row(visit: &Visit<'_>, scope: &Scope) -> Markup {
    let roles: Vec<&str> = scope.roles.iter().map(|role| name(visit, *role)).collect();
    html! {
        li id=(scope.name) {
            div.what {
                h3 { code { (scope.name) } }
                p { (scope.sentence(visit.language())) }
                p.quiet { (visit.text("doc_granted_by")) " " (roles.join(", ")) }
                @if !scope.implies.is_empty() {
                    p.quiet {
                        (visit.text("doc_implies"))
                        @for name in &scope.implies { " " code { (name) } }
                    }
                }
            }
            @if scope.risk == Risk::High { span.tag.high { (visit.text("sensitive")) } }
        }
    }
}

fn name<'a>(visit: &Visit<'a>, role: Role) -> &'a str {
    visit.text(match role {
        Role::Owner => "role_owner",
        Role::Admin => "role_admin",
        Role::Developer => "role_developer",
        Role::Member => "role_member",
    })
}
