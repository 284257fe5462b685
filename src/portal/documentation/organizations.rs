//! Organizations: what a token is bound to.

use super::{code, example_id};
use crate::portal::visit::Visit;
use maud::{Markup, html};

pub fn body(visit: &Visit<'_>) -> Markup {
    let noun = &visit.ctx.profile().noun;
    let (_, id) = example_id(visit);
    html! {
        p { (visit.text("doc_organizations_text")) }
        @if noun.singular != "organization" {
            p { (visit.fill("doc_noun", &[("noun", visit.noun())])) }
        }
        h2 { (visit.text("doc_id")) }
        p { (visit.fill("doc_id_text", &[("member", noun.id_claim()), ("name", noun.name_member())])) }
        (code(&format!("{{\n  \"{}\": {id},\n  \"{}\": \"…\"\n}}", noun.id_claim(), noun.name_member())))
        p { (visit.fill("doc_id_claim", &[("member", noun.id_claim())])) }
        h2 { (visit.text("doc_roles")) }
        p { (visit.text("doc_roles_text")) }
        ul {
            @for role in ["role_owner", "role_admin", "role_developer", "role_member"] {
                li { (visit.text(role)) }
            }
        }
        h2 { (visit.text("doc_leaving")) }
        p { (visit.text("doc_leaving_text")) }
    }
}
