//! What goes wrong, and what to do about it.

use super::code;
use crate::platform::developer_api::kinds::KINDS;
use crate::portal::visit::Visit;
use maud::{Markup, html};

pub fn body(visit: &Visit<'_>) -> Markup {
    let rows = [
        ("invalid_request", "doc_invalid_request"),
        ("invalid_client", "doc_invalid_client"),
        ("invalid_grant", "doc_invalid_grant"),
        ("invalid_scope", "doc_invalid_scope"),
        ("unauthorized_client", "doc_unauthorized_client"),
        ("access_denied", "doc_access_denied"),
        ("temporarily_unavailable", "doc_temporarily_unavailable"),
    ];
    html! {
        h2 { (visit.text("doc_errors_oauth")) }
        p { (visit.text("doc_errors_oauth_text")) }
        (code("{\n  \"error\": \"invalid_grant\",\n  \"error_description\": \"…\"\n}"))
        dl {
            @for (error, text) in rows {
                dt { code { (error) } }
                dd { (visit.text(text)) }
            }
        }
        h2 { (visit.text("api_title")) }
        p { (visit.text("doc_errors_api_text")) }
        ul.rows {
            @for kind in &KINDS {
                li id=(kind.name) {
                    div.what {
                        h3 { (kind.status) " " code { (kind.name) } }
                        p { strong { (visit.text(kind.title)) } }
                        p { (visit.fill(kind.detail, &[("scope", "…")])) }
                    }
                }
            }
        }
    }
}
