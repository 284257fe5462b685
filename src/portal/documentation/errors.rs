//! What goes wrong, and what to do about it.

use super::{code, span};
use crate::config::ErrorBody;
use crate::config::routes::Routes;
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
        dl.facts {
            @for (error, text) in rows {
                dt { code { (error) } }
                dd { (visit.text(text)) }
            }
        }
        (routes(visit))
        (limits(visit, &visit.ctx.routes()))
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

/// Of the gateway, in the shape that the profile gives them.
fn routes(visit: &Visit<'_>) -> Markup {
    let noun = &visit.ctx.profile().noun.singular;
    let wrong = format!("wrong_{noun}");
    let rows: [(&str, &[&str], &str); 9] = [
        ("400", &["invalid_request"], "doc_gateway_400"),
        (
            "401",
            &["unauthorized", "invalid_token", "invalid_dpop_proof", "invalid_api_key"],
            "doc_gateway_401",
        ),
        ("403", &["insufficient_scope"], "doc_gateway_403"),
        ("403", &[&wrong], "doc_gateway_wrong"),
        ("404", &["not_found"], "doc_gateway_404"),
        ("405", &["method_not_allowed"], "doc_gateway_405"),
        ("413", &["too_large"], "doc_gateway_413"),
        ("429", &["too_many_requests"], "doc_gateway_429"),
        (
            "502, 503, 504",
            &["bad_gateway", "unavailable", "timeout"],
            "doc_gateway_502",
        ),
    ];
    let example = match visit.ctx.profile().error_body {
        ErrorBody::Oauth => {
            "{\n  \"error\": \"insufficient_scope\",\n  \"error_description\": \"…\",\n  \"request_id\": \"…\"\n}"
        }
        ErrorBody::Message => {
            "{\n  \"error\": \"…\",\n  \"errorCode\": \"insufficient_scope\",\n  \"requestId\": \"…\"\n}"
        }
    };
    html! {
        h2 #routes { (visit.text("doc_errors_gateway")) }
        p { (visit.text("doc_errors_gateway_text")) " " a href="/docs/routes" { (visit.text("doc_routes")) } }
        (code(example))
        dl.facts {
            @for (status, codes, text) in rows {
                dt { (status) }
                dd {
                    @for name in codes { code { (name) } " " }
                    (visit.fill(text, &[("noun", visit.noun())]))
                }
            }
        }
    }
}

/// What the API's own routes let through, where something is limited.
fn limits(visit: &Visit<'_>, routes: &Routes) -> Markup {
    let limits = routes.limits();
    let window = span(limits.window);
    let of = |text, requests: Option<String>| {
        requests.map(|requests| visit.fill(text, &[("requests", &requests), ("window", &window)]))
    };
    let rows = [
        ("app", of("doc_limit_app", limits.app.map(|n| n.to_string()))),
        (
            "credential",
            of("doc_limit_credential", limits.credential.map(|n| n.to_string())),
        ),
        ("day", of("doc_limit_day", limits.day.map(|n| n.to_string()))),
        ("month", of("doc_limit_month", limits.month.map(|n| n.to_string()))),
    ];
    let own = routes
        .rows()
        .iter()
        .filter_map(|row| Some((&row.path, row.rate_limit?)));
    let own = own.filter_map(|(path, requests)| Some((path, of("doc_limit_app", Some(requests.to_string()))?)));
    let own: Vec<_> = own.collect();
    let Some(policy) = routes.policy(None).and_then(|policy| policy.to_str().ok()) else {
        return html! {};
    };
    let example = format!(
        "HTTP/1.1 429 Too Many Requests\nRetry-After: 12\nRateLimit-Policy: {policy}\nRateLimit: \"app\";r=0;t=12"
    );
    html! {
        h2 #limits { (visit.text("doc_limits")) }
        p { (visit.text("doc_limits_text")) }
        dl {
            @for (name, text) in rows {
                @if let Some(text) = text {
                    dt { code { (name) } }
                    dd { (text) }
                }
            }
            @for (path, text) in own {
                dt { code { "route" } }
                dd { code { (path) } ": " (text) }
            }
        }
        (code(&example))
    }
}
