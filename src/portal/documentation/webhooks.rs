//! Webhooks: what is sent, how one knows that it is ours, and what happens when nobody takes it.

use super::{code, span, terms};
use crate::model::endpoint::FAILING_MAX;
use crate::platform::webhooks::catalog::{CATALOG, TEST, Told, example};
use crate::portal::visit::Visit;
use maud::{Markup, html};

/// Name and program; `{header}` stands for the header with the signature.
const SNIPPETS: [(&str, &str); 4] = [
    ("Node.js", include_str!("../../../data/snippets/verify.mjs")),
    ("Python", include_str!("../../../data/snippets/verify.py")),
    ("PHP", include_str!("../../../data/snippets/verify.php")),
    ("Go", include_str!("../../../data/snippets/verify.go")),
];

/// Try it without writing anything.
const TRY: &str = "grantd webhook verify --secret-file secret --signature 't=…,v1=…' < body\n\
                   grantd webhook listen --secret-file secret";

pub fn body(visit: &Visit<'_>) -> Markup {
    html! {
        p { (visit.text("doc_hooks_text")) }
        h2 { (visit.text("doc_hooks_message")) }
        (code(&format!("POST /… HTTP/1.1\n{}\n\n{}", headers(visit), example(visit.ctx, &CATALOG[0]))))
        p { (visit.text("doc_hooks_message_text")) }
        h2 { (visit.text("doc_hooks_types")) }
        p { (visit.text("doc_hooks_types_text")) }
        ul.rows { @for told in &CATALOG { (row(visit, told)) } }
        p { code { (TEST) } " " (visit.text("doc_hooks_test")) }
        (verifying(visit))
        (delivering(visit))
    }
}

fn headers(visit: &Visit<'_>) -> String {
    let rules = &visit.ctx.profile().webhooks;
    let rows = [
        (&rules.signature_headers, "t=1767225600,v1=5257a869e7…"),
        (&rules.id_headers, "d_19b76da5400_mZ0l4Ck2vXq8"),
        (&rules.attempt_id_headers, "4f6c1a0e-52b7-4d3f-9c1e-0a7d2b9e6f10"),
        (&rules.event_headers, "grant.created"),
        (&rules.attempt_headers, "1"),
        (&rules.origin_headers, "event"),
    ];
    let lines = rows
        .iter()
        .flat_map(|(names, value)| names.iter().map(move |name| format!("{name}: {value}")));
    let lines: Vec<String> = lines.collect();
    format!(
        "Content-Type: application/json\nUser-Agent: {}\n{}",
        rules.user_agent,
        lines.join("\n")
    )
}

fn row(visit: &Visit<'_>, told: &Told) -> Markup {
    let name = told.kind.as_str();
    let data = told
        .data
        .iter()
        .map(|datum| (datum.name(), visit.text(datum.text()).to_owned()));
    let data: Vec<(&str, String)> = data.collect();
    html! {
        li id=(name) {
            div.what {
                h3 { code { (name) } }
                p { (visit.text(told.text)) }
                (terms(&data))
                details {
                    summary { (visit.text("doc_hooks_example")) }
                    (code(&example(visit.ctx, told)))
                }
            }
        }
    }
}

fn verifying(visit: &Visit<'_>) -> Markup {
    let header = visit.ctx.profile().webhooks.signature_header();
    html! {
        h2 #verify { (visit.text("doc_hooks_verify")) }
        p { (visit.fill("doc_hooks_verify_text", &[("header", header)])) }
        ul {
            li { (visit.text("doc_hooks_verify_raw")) }
            li { (visit.text("doc_hooks_verify_time")) }
            li { (visit.text("doc_hooks_verify_rotate")) }
        }
        p { (visit.text("doc_hooks_verify_try")) }
        (code(TRY))
        @for (at, (language, program)) in SNIPPETS.iter().enumerate() {
            details.snippet name="verify" open[at == 0] {
                summary { (language) }
                (code(&program.replace("{header}", header)))
            }
        }
    }
}

fn delivering(visit: &Visit<'_>) -> Markup {
    let rules = &visit.ctx.profile().webhooks;
    let pauses: Vec<String> = rules.retry_after.iter().map(|pause| span(*pause)).collect();
    html! {
        h2 { (visit.text("doc_hooks_retries")) }
        ul {
            li { (visit.text("doc_hooks_take")) }
            li { (visit.fill("doc_hooks_schedule", &[("pauses", &pauses.join(", "))])) }
            li { (visit.fill("doc_hooks_repeats", &[("header", rules.id_header())])) }
            li { (visit.text("doc_hooks_order")) }
            li { (visit.fill("doc_hooks_paused", &[("span", &span(FAILING_MAX))])) }
            li { (visit.text("doc_hooks_kept")) }
            li { (visit.text("doc_hooks_where")) }
        }
    }
}
