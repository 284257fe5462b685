//! How one gets a token, and how it is used.

use super::{code, example_id, example_scope, span, terms};
use crate::config::{AuthorizeParameter, Pkce, SelfService};
use crate::portal::visit::Visit;
use form_urlencoded::byte_serialize;
use maud::{Markup, html};

const REDIRECT_URI: &str = "https://example.com/oauth/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub fn body(visit: &Visit<'_>) -> Markup {
    let text = |key| visit.text(key);
    html! {
        p { (text("doc_bearer_text")) }
        (code("Authorization: Bearer YOUR_ACCESS_TOKEN\nAccept: application/json"))
        h2 #public { (text("doc_public")) }
        p { (text("doc_code_text")) }
        (authorization(visit))
        h3 { (text("doc_exchange")) }
        p { (visit.fill("doc_exchange_text", &[("lifetime", &span(visit.ctx.profile().lifetimes.code))])) }
        (code(&exchange(visit)))
        (code(&answer(visit)))
        h3 { (text("doc_refresh")) }
        (refresh(visit))
        h2 #private { (text("doc_private")) }
        p { (visit.fill("doc_client_text", &[("parameter", visit.ctx.profile().noun.id_claim())])) }
        (code(&client_credentials(visit)))
        h2 #personal { (text("doc_personal")) }
        (personal(visit))
        h2 { (text("doc_first_request")) }
        (code(&format!(
            "curl -H 'Authorization: Bearer YOUR_ACCESS_TOKEN' -H 'Accept: application/json' \\\n  {}/…",
            visit.ctx.profile().default_resource().identifier
        )))
        h2 { (text("doc_endpoints")) }
        (endpoints(visit))
        h2 { (text("doc_advice")) }
        ul {
            li { (text("doc_advice_secret")) }
            li { (text("doc_advice_https")) }
            li { (text("doc_advice_refresh")) }
            li { (text("doc_advice_least")) }
        }
    }
}

fn authorization(visit: &Visit<'_>) -> Markup {
    let profile = visit.ctx.profile();
    let needed = |parameter| {
        let is = profile.authorize.require.contains(&parameter);
        visit.text(if is { "doc_required" } else { "doc_optional" })
    };
    let said = |key, needed: &str| format!("{needed}. {}", visit.text(key));
    let required = visit.text("doc_required");
    let state = match profile.authorize.state_chars_min {
        0 => said("doc_state", needed(AuthorizeParameter::State)),
        least => {
            let more = visit.fill("doc_state_chars", &[("characters", &least.to_string())]);
            format!("{} {more}", said("doc_state", needed(AuthorizeParameter::State)))
        }
    };
    let pkce = match profile.pkce {
        Pkce::All => said("doc_pkce", required),
        Pkce::PublicClients => format!("{} {}", visit.text("doc_pkce"), visit.text("doc_pkce_public")),
    };
    let mut rows = vec![
        ("client_id", said("doc_client_id", required)),
        ("response_type", said("doc_response_type", required)),
        (
            "redirect_uri",
            said("doc_redirect_uri", needed(AuthorizeParameter::RedirectUri)),
        ),
        ("scope", said("doc_scope", needed(AuthorizeParameter::Scope))),
        ("state", state),
        ("code_challenge", pkce),
        ("code_challenge_method", "S256".to_owned()),
    ];
    if profile.resources.len() > 1 {
        rows.push(("resource", said("doc_resource", visit.text("doc_optional"))));
    }
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let example = format!(
        "GET {}/oauth/authorize\n  ?client_id=YOUR_CLIENT_ID\n  &response_type=code\n  &redirect_uri={}\n  \
         &scope={}\n  \
         &state=RANDOM_STATE_OF_YOURS\n  &code_challenge={CHALLENGE}\n  &code_challenge_method=S256",
        visit.ctx.issuer(),
        encoded(REDIRECT_URI),
        encoded(&example_scope(visit)),
    );
    html! {
        (code(&example))
        (terms(&rows))
    }
}

fn exchange(visit: &Visit<'_>) -> String {
    format!(
        "POST {}/oauth/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code\n\
         &client_id=YOUR_CLIENT_ID\n&client_secret=YOUR_CLIENT_SECRET\n&redirect_uri={REDIRECT_URI}\n\
         &code=AUTHORIZATION_CODE_FROM_CALLBACK\n&code_verifier={VERIFIER}",
        visit.ctx.issuer()
    )
}

fn answer(visit: &Visit<'_>) -> String {
    let profile = visit.ctx.profile();
    let prefix = &profile.prefix;
    format!(
        "{{\n  \"token_type\": \"Bearer\",\n  \"expires_in\": {},\n  \"access_token\": \"eyJ0eXAiOiJhdCtqd3Qi…\",\n  \
         \"refresh_token\": \"{prefix}_rt_…\",\n  \"scope\": \"{}\",\n  \"{}\": {},\n  \"{}\": \"…\"\n}}",
        profile.default_resource().access_token_lifetime.as_secs(),
        example_scope(visit),
        profile.noun.id_claim(),
        example_id(visit).1,
        profile.noun.name_member(),
    )
}

fn refresh(visit: &Visit<'_>) -> Markup {
    let lifetimes = visit.ctx.profile().lifetimes;
    let (idle, absolute, grace) = (
        span(lifetimes.refresh_idle),
        span(lifetimes.refresh_absolute),
        span(lifetimes.refresh_grace),
    );
    html! {
        (code(&format!(
            "POST {}/oauth/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=refresh_token\n\
             &client_id=YOUR_CLIENT_ID\n&client_secret=YOUR_CLIENT_SECRET\n&refresh_token=YOUR_REFRESH_TOKEN",
            visit.ctx.issuer()
        )))
        p { (visit.fill("doc_refresh_text", &[("idle", &idle), ("absolute", &absolute)])) }
        p { (visit.fill("doc_refresh_lost", &[("grace", &grace)])) }
    }
}

fn client_credentials(visit: &Visit<'_>) -> String {
    format!(
        "POST {}/oauth/token\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials\n\
         &client_id=YOUR_CLIENT_ID\n&client_secret=YOUR_CLIENT_SECRET\n&scope={}\n&{}={}",
        visit.ctx.issuer(),
        example_scope(visit),
        visit.ctx.profile().noun.id_claim(),
        example_id(visit).0,
    )
}

fn personal(visit: &Visit<'_>) -> Markup {
    let rules = visit.ctx.profile().pat;
    html! {
        p { (visit.text("doc_pat_text")) }
        (code(&format!("Authorization: Bearer {}_pat_…", visit.ctx.profile().prefix)))
        p {
            @match rules.self_service {
                SelfService::Always => {
                    (visit.fill("doc_pat_self", &[("lifetime", &span(rules.default_lifetime))])) " "
                    a href="/account/tokens" { (visit.text("pat_heading")) }
                }
                SelfService::OnRequest => (visit.text("pat_on_request")),
            }
        }
    }
}

fn endpoints(visit: &Visit<'_>) -> Markup {
    let at = |path: &str| format!("{}{path}", visit.ctx.issuer());
    let resources = &visit.ctx.profile().resources;
    html! {
        dl {
            @for (name, path) in [
                ("authorize", "/oauth/authorize"),
                ("token", "/oauth/token"),
                ("revoke (RFC 7009)", "/oauth/revoke"),
                ("introspect (RFC 7662)", "/oauth/introspect"),
                ("par (RFC 9126)", "/oauth/par"),
                ("jwks (RFC 7517)", "/oauth/jwks.json"),
                ("metadata (RFC 8414)", "/.well-known/oauth-authorization-server"),
            ] {
                dt { (name) }
                dd { code { (at(path)) } }
            }
        }
        h3 { (visit.text("doc_lifetimes")) }
        dl {
            @for resource in resources {
                dt { (resource.name) }
                dd { (span(resource.access_token_lifetime)) }
            }
        }
    }
}
