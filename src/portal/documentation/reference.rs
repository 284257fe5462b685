//! The JSON API, operation by operation.

use super::code;
use crate::platform::developer_api::schema::{PICTURES, Shape, Takes};
use crate::platform::developer_api::table::{Gives, Operation, by_area, shapes};
use crate::portal::visit::Visit;
use maud::{Markup, html};

pub fn body(visit: &Visit<'_>) -> Markup {
    let issuer = visit.ctx.issuer();
    html! {
        p { (visit.text("api_text")) }
        p { (visit.text("api_token_text")) " " a href="/docs/scopes#own" { (visit.text("doc_scopes")) } }
        (code(&format!(
            "curl -H 'Authorization: Bearer {}_pat_…' {issuer}/api/developer/v1/me",
            visit.ctx.profile().prefix
        )))
        ul {
            li { (visit.text("doc_api_pages")) }
            li { "Idempotency-Key: " (visit.text("api_idempotency_text")) }
            li { a href="/api/developer/v1/openapi.json" { "OpenAPI 3.1" } }
            li { (visit.text("doc_api_transfer")) }
            li { a href="/docs/errors" { (visit.text("doc_errors")) } }
        }
        h2 { (visit.text("doc_operations")) }
        @for (area, operations) in by_area() {
            h3 { (visit.text(area)) }
            ul.rows {
                @for operation in operations { (row(visit, operation)) }
            }
        }
        h2 { (visit.text("doc_shapes")) }
        @for shape in shapes() { (shape_of(visit, shape)) }
    }
}

fn row(visit: &Visit<'_>, operation: &Operation) -> Markup {
    let (gives, status) = match operation.gives {
        Gives::Document => (None, 200),
        Gives::One(shape) => (Some(shape.name.to_owned()), 200),
        Gives::Made(shape) => (Some(shape.name.to_owned()), 201),
        Gives::Page(shape) => (Some(format!("{}[]", shape.name)), 200),
        Gives::Nothing => (None, 204),
    };
    html! {
        li id=(operation.id) {
            div.what {
                h4 { code { (operation.method) " " (operation.path) } }
                p { (visit.text(operation.text)) }
                p.quiet {
                    @if let Some(scope) = operation.scope { code { (scope) } " · " }
                    @match operation.takes {
                        Takes::Json(shape) => { a href={ "#" (shape.name) } { (shape.name) } " → " }
                        Takes::Picture => { (PICTURES.join(" | ")) " → " }
                        Takes::Nothing => {}
                    }
                    @for filter in operation.filters() {
                        code { "?" (filter.name(visit.ctx.profile())) "=" } " "
                        (filter.of.words(visit.ctx.profile())) " · "
                    }
                    (status)
                    @if let Some(gives) = gives {
                        " " a href={ "#" (gives.trim_end_matches("[]")) } { (gives) }
                    }
                }
            }
        }
    }
}

fn shape_of(visit: &Visit<'_>, shape: &Shape) -> Markup {
    let profile = visit.ctx.profile();
    html! {
        h3 id=(shape.name) { (shape.name) }
        dl {
            @for field in shape.fields {
                dt { code { (field.name(profile)) } }
                dd {
                    (field.of.words(profile))
                    @if field.optional { " · " (visit.text("doc_optional")) }
                }
            }
        }
    }
}
