//! Quick start: from nothing to the first request.

use crate::portal::visit::Visit;
use maud::{Markup, html};

pub fn body(visit: &Visit<'_>) -> Markup {
    let profile = visit.ctx.profile();
    let text = |key| visit.text(key);
    html! {
        p { (text("doc_start_text")) }
        dl {
            @for resource in &profile.resources {
                dt { (resource.name) }
                dd {
                    code { (resource.identifier) }
                    @if let Some(documentation) = &resource.documentation {
                        " · " a href=(documentation) rel="noopener noreferrer" { (text("nav_documentation")) }
                    }
                }
            }
            dt { (text("doc_issuer")) } dd { code { (visit.ctx.issuer()) } }
        }
        h2 { "1. " (text("doc_step_app")) }
        p { (text("doc_step_app_text")) }
        ul {
            li { strong { (text("doc_public")) } " — " (text("doc_public_text")) }
            li { strong { (text("doc_private")) } " — " (text("doc_private_text")) }
            li { strong { (text("doc_personal")) } " — " (text("doc_personal_text")) }
        }
        p { a href="/developer" { (text("nav_developer")) } " · " a href="/account/tokens" { (text("pat_heading")) } }
        h2 { "2. " (text("doc_step_scopes")) }
        p { (text("doc_step_scopes_text")) " " a href="/docs/scopes" { (text("doc_scopes")) } }
        h2 { "3. " (text("doc_step_active")) }
        p { (text("doc_step_active_text")) }
        h2 { "4. " (text("doc_step_token")) }
        p { (text("doc_step_token_text")) " " a href="/docs/authentication" { (text("doc_authentication")) } }
        h2 { "5. " (text("doc_step_call")) }
        p { (text("doc_step_call_text")) " " a href="/docs/routes" { (text("doc_routes")) } }
        @if !profile.sdks.is_empty() {
            h2 { (text("doc_sdks")) }
            ul {
                @for sdk in &profile.sdks {
                    li {
                        @match &sdk.url {
                            Some(url) => a href=(url) rel="noopener noreferrer" { (sdk.name) },
                            None => strong { (sdk.name) },
                        }
                        @if let Some(text) = &sdk.text { " — " (text) }
                    }
                }
            }
        }
    }
}
