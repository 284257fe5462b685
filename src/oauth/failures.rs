//! Explains refusals to an app's developers: puts what was refused, and for which rule, where a job finds it.
//!
//! Nothing here is on the way of an answer: it is put into a bounded list in memory, or dropped when that is full. What
//! is kept of the request are the parameters named below, which are no secrets, and of those only what looks like it.

use super::client_auth::{self, Credentials};
use super::error::OAuthError;
use super::params::Params;
use crate::context::Context;
use crate::model::app::App;
use crate::model::failure::{Compared, FAILURES_MAX, Failure, HIDDEN, Rule};
use crate::store::records::Record as _;
use crate::store::{Batch, StoreError, Write, codec, keys};
use std::collections::BTreeMap;

/// Written in one turn of the job.
const TURN_MAX: usize = 64;
/// In one batch: records of at most 7 KiB.
const BATCH_MAX: usize = 32;
/// More than there can be of one app.
const PAGE: u32 = 4 * FAILURES_MAX as u32;
/// Of a value that was received, in characters.
const RECEIVED_CHARS_MAX: usize = 250;
/// Of a word that may be a typing error, in characters.
const WORD_CHARS_MAX: usize = 40;

/// A request to an endpoint where clients show who they are was refused.
pub fn note(ctx: &Context, id: &str, endpoint: &str, credentials: &Credentials<'_>, error: &OAuthError) {
    let Some(rule) = error.rule().filter(|_| !ctx.failures.is_full()) else {
        return;
    };
    let (client_id, method) = client_auth::claimed(credentials);
    let mut compared = compared(ctx, rule, credentials.params);
    match rule {
        Rule::ClientAuthentication | Rule::ClientSecret | Rule::ClientAssertion | Rule::ClientMethod => {
            compared.push(received("client_authentication", method.map(|m| m.as_str().to_owned())));
        }
        Rule::DpopProof | Rule::DpopKey => {
            let sent = !credentials.dpop.is_empty();
            compared.push(received("DPoP", sent.then(|| HIDDEN.to_owned())));
        }
        _ => {}
    }
    put(ctx, id, endpoint, client_id.as_deref(), rule, error, compared);
}

/// An authorization request was refused.
pub fn note_authorization(ctx: &Context, id: &str, params: &Params<'_>, error: &OAuthError) {
    let Some(rule) = error.rule().filter(|_| !ctx.failures.is_full()) else {
        return;
    };
    let client_id = params.get("client_id").ok().flatten();
    let compared = compared(ctx, rule, params);
    put(ctx, id, "authorize", client_id, rule, error, compared);
}

fn put(
    ctx: &Context,
    id: &str,
    endpoint: &str,
    client_id: Option<&str>,
    rule: Rule,
    error: &OAuthError,
    compared: Vec<Compared>,
) {
    let Some(client_id) = client_id.filter(|client_id| client_auth::is_ours(ctx, client_id)) else {
        return;
    };
    ctx.failures.put(Failure {
        id: id.to_owned(),
        client_id: client_id.to_owned(),
        at: ctx.now(),
        endpoint: endpoint.to_owned(),
        rule,
        error: error.code.wire().0.to_owned(),
        description: error.wire_description(),
        compared,
    });
}

/// What of the parameters has to do with the rule.
fn compared(ctx: &Context, rule: Rule, params: &Params<'_>) -> Vec<Compared> {
    let value = |name| params.get(name).ok().flatten();
    let word = |name| received(name, value(name).map(plain));
    let hidden = |name| received(name, value(name).map(|_| HIDDEN.to_owned()));
    match rule {
        Rule::RedirectUri | Rule::CodeRedirectUri => {
            vec![received("redirect_uri", value("redirect_uri").map(without_query))]
        }
        Rule::Scope | Rule::ScopeBeyondGrant | Rule::ScopeBeyondRole => {
            vec![received("scope", value("scope").map(|scope| scopes(ctx, scope)))]
        }
        Rule::GrantTypeUnsupported | Rule::GrantTypeNotAllowed => vec![word("grant_type")],
        Rule::ResponseType => vec![word("response_type")],
        Rule::CodeChallenge => vec![hidden("code_challenge"), word("code_challenge_method")],
        Rule::CodeVerifier => vec![hidden("code_verifier")],
        Rule::Resource => vec![received("resource", params.all("resource").next().map(without_query))],
        Rule::Organization => {
            let claim = ctx.profile().noun.id_claim();
            vec![received(claim, params.all(claim).next().map(plain))]
        }
        _ => Vec::new(),
    }
}

fn received(name: &str, received: Option<String>) -> Compared {
    Compared {
        name: name.to_owned(),
        received,
        registered: Vec::new(),
    }
}

/// What may be a typing error of a word, but no secret: those are longer, or have digits or capitals among the letters.
fn plain(text: &str) -> String {
    let word = text.bytes().all(|b| b.is_ascii_lowercase() || b".:/_-".contains(&b));
    let number = text.bytes().all(|b| b.is_ascii_digit());
    let known = ["client_credentials", "S256"].contains(&text);
    if known || (text.chars().count() <= WORD_CHARS_MAX && (word || number)) {
        text.to_owned()
    } else {
        HIDDEN.to_owned()
    }
}

/// The catalog's names, and what may be meant to be one.
fn scopes(ctx: &Context, scope: &str) -> String {
    let catalog = &ctx.profile().scopes;
    let name = |name: &str| match catalog.get(name) {
        Some(_) => name.to_owned(),
        None => plain(name),
    };
    let names: Vec<String> = scope.split(' ').map(name).collect();
    shortened(&names.join(" "))
}

/// A URI without what may carry codes and passwords: user information, query and fragment.
fn without_query(uri: &str) -> String {
    let (whole, rest) = uri.split_at(uri.find(['?', '#']).unwrap_or(uri.len()));
    let authority = whole.find("://").map_or(0, |at| at + 3);
    let path = whole[authority..].find('/').map_or(whole.len(), |at| authority + at);
    let host = whole[authority..path]
        .rfind('@')
        .map_or(authority, |at| authority + at + 1);
    let user = if host > authority { HIDDEN } else { "" };
    let mark = rest.get(..1).unwrap_or_default();
    let hidden = if rest.len() > 1 { HIDDEN } else { "" };
    shortened(&format!(
        "{}{user}{}{mark}{hidden}",
        &whole[..authority],
        &whole[host..]
    ))
}

fn shortened(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(RECEIVED_CHARS_MAX)
        .collect()
}

/// Writes what was put there, as far as there is such an app, and lets the oldest go. Returns whether there is more.
pub async fn write(ctx: &Context) -> Result<bool, StoreError> {
    let taken = ctx.failures.take(TURN_MAX);
    let more = taken.len() == TURN_MAX;
    let mut by_app: BTreeMap<String, Vec<Failure>> = BTreeMap::new();
    for failure in taken {
        by_app.entry(failure.client_id.clone()).or_default().push(failure);
    }
    for (client_id, failures) in by_app {
        if let Some(app) = ctx.load::<App>(&keys::app(&client_id)).await? {
            write_of_app(ctx, &app, failures).await?;
        }
    }
    Ok(more)
}

async fn write_of_app(ctx: &Context, app: &App, mut failures: Vec<Failure>) -> Result<(), StoreError> {
    let surplus = failures.len().saturating_sub(FAILURES_MAX);
    failures.drain(..surplus);
    let mut writes = Vec::new();
    for failure in failures {
        let failure = with_registered(ctx, app, failure);
        writes.push(Write::Put {
            key: failure.key(),
            value: codec::encode(&failure)?,
            expires_at: failure.expires_at(),
        });
    }
    // The newest come first.
    let there = ctx.store.scan(&keys::failures(&app.client_id), None, PAGE).await?;
    let oldest = there.into_iter().skip(FAILURES_MAX - writes.len());
    writes.extend(oldest.map(|(key, _)| Write::Delete { key }));
    for page in writes.chunks(BATCH_MAX) {
        // A record of what happened: it rests on nothing.
        let batch = Batch {
            writes: page.to_vec(),
            ..Batch::new()
        };
        ctx.store.commit(batch).await?;
    }
    Ok(())
}

fn with_registered(ctx: &Context, app: &App, failure: Failure) -> Failure {
    let rules = app.rules();
    let compared = failure
        .compared
        .into_iter()
        .map(|compared| match compared.name.as_str() {
            "redirect_uri" => compared.with_registered(app.redirect_uris.iter().map(String::as_str)),
            "scope" => compared.with_registered(app.scopes.iter().map(String::as_str)),
            "grant_type" => compared.with_registered(rules.grant_types.iter().map(|grant| grant.as_str())),
            "client_authentication" => {
                compared.with_registered(rules.auth_methods.iter().map(|method| method.as_str()))
            }
            "resource" => {
                let resources = ctx.profile().resources.iter();
                compared.with_registered(resources.map(|resource| resource.identifier.as_str()))
            }
            "response_type" => compared.with_registered(["code"].into_iter()),
            "code_challenge_method" => compared.with_registered(["S256"].into_iter()),
            name if name == ctx.profile().noun.id_claim() => {
                compared.with_registered([app.organization.as_str()].into_iter())
            }
            _ => compared,
        });
    Failure {
        compared: compared.collect(),
        ..failure
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, without_query};

    #[test]
    fn of_a_uri_its_query_its_fragment_and_its_user_are_hidden() {
        for (uri, shown) in [
            ("https://app.example/cb", "https://app.example/cb"),
            ("https://app.example/cb?code=secret", "https://app.example/cb?•••"),
            ("https://app.example/cb#token", "https://app.example/cb#•••"),
            ("https://user:secret@app.example/cb?", "https://•••app.example/cb?"),
            ("https://app.example/@me", "https://app.example/@me"),
            ("app:/cb", "app:/cb"),
            ("?é", "?•••"),
        ] {
            assert_eq!(without_query(uri), shown);
        }
    }

    #[test]
    fn words_are_shown_and_what_may_be_a_secret_is_not() {
        for word in [
            "task.read",
            "authorization-code",
            "urn:ietf:params:x",
            "849",
            "S256",
            "",
        ] {
            assert_eq!(plain(word), word);
        }
        for hidden in ["mco_secret_Ab3", "abc123def", &"a".repeat(41), "é", "a b"] {
            assert_eq!(plain(hidden), "•••", "{hidden}");
        }
    }
}
