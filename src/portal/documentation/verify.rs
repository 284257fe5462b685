//! How an API finds out what a token is worth: what has to be known of this server, and programs that know it.

use super::{code, span};
use crate::config::Resource;
use crate::portal::visit::Visit;
use maud::{Markup, html};
use std::time::Duration;

/// A token that lives longer should not be verified offline.
const LONG: Duration = Duration::from_secs(60 * 60);

/// Name and program. `{issuer}`, `{audience}`, `{algorithm}` and `{jwks_uri}` are replaced. `tests/clients` runs them
/// as the page shows them.
const INTROSPECTING: [(&str, &str); 4] = [
    ("Node.js", include_str!("../../../data/snippets/introspect.mjs")),
    ("Python", include_str!("../../../data/snippets/introspect.py")),
    ("PHP", include_str!("../../../data/snippets/introspect.php")),
    ("Go", include_str!("../../../data/snippets/introspect.go")),
];
const OFFLINE: [(&str, &str); 4] = [
    ("Node.js (jose)", include_str!("../../../data/snippets/offline.mjs")),
    ("Python (PyJWT)", include_str!("../../../data/snippets/offline.py")),
    ("PHP", include_str!("../../../data/snippets/offline.php")),
    ("Go (go-jose)", include_str!("../../../data/snippets/offline.go")),
];

pub fn body(visit: &Visit<'_>) -> Markup {
    let text = |key| visit.text(key);
    let resources = &visit.ctx.profile().resources;
    html! {
        p { (text("doc_verify_text")) }
        p.notice { (text("doc_verify_unseen")) }
        @for resource in resources { (facts(visit, resource)) }
        h2 #introspection { (text("doc_introspection")) }
        p { (text("doc_introspection_text")) }
        (code("grantd app create \"API\" --organization … --resource-server"))
        (programs(visit, "introspect", &INTROSPECTING))
        h2 #offline { (text("doc_offline")) }
        @if resources.iter().any(is_long) { p.notice.warning { (text("doc_offline_long")) } }
        p { (text("doc_offline_text")) }
        p { (text("doc_offline_proof")) }
        (programs(visit, "offline", &OFFLINE))
        h2 { (text("doc_offline_try")) }
        p { (text("doc_offline_try_text")) }
        (code(&format!(
            "grantd token verify --issuer {} --audience {} < token",
            visit.ctx.issuer(),
            visit.ctx.profile().default_resource().identifier
        )))
    }
}

fn is_long(resource: &Resource) -> bool {
    resource.access_token_lifetime > LONG
}

/// What a verifier has to be told of one API.
fn facts(visit: &Visit<'_>, resource: &Resource) -> Markup {
    let text = |key| visit.text(key);
    html! {
        h2 { (resource.name) }
        @if is_long(resource) {
            p.notice.warning {
                (visit.fill("doc_verify_long", &[("lifetime", &span(resource.access_token_lifetime))])) " "
                a href="#introspection" { (text("doc_introspection")) }
            }
        }
        dl.facts {
            dt { "iss" } dd { code.once { (visit.ctx.issuer()) } }
            dt { "aud" } dd { code.once { (resource.identifier) } }
            dt { "typ" } dd { code { "at+jwt" } }
            dt { "alg" } dd { code { (resource.algorithm.as_str()) } }
            dt { "jwks_uri" } dd { code.once { (jwks_uri(visit)) } }
            dt { (text("doc_lifetimes")) } dd { (span(resource.access_token_lifetime)) }
        }
    }
}

fn jwks_uri(visit: &Visit<'_>) -> String {
    format!("{}/oauth/jwks.json", visit.ctx.issuer())
}

fn programs(visit: &Visit<'_>, group: &str, programs: &[(&str, &str)]) -> Markup {
    let resource = visit.ctx.profile().default_resource();
    let said = |program: &str| {
        program
            .replace("{issuer}", visit.ctx.issuer())
            .replace("{audience}", &resource.identifier)
            .replace("{algorithm}", resource.algorithm.as_str())
            .replace("{jwks_uri}", &jwks_uri(visit))
    };
    html! {
        @for (at, (language, program)) in programs.iter().enumerate() {
            details.snippet name=(group) open[at == 0] {
                summary { (language) }
                (code(&said(program)))
            }
        }
    }
}
