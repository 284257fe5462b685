//! What an app is held to at the protocol's endpoints, and what its consent page says about who made it.

use super::{NewApp, check_name};
use crate::model::app::{App, AuthMethod, ClientRules, ClientType, GrantType, Kind, NAME_CHARS_MAX};
use crate::platform::apps::checks::{self, URL_BYTES_MAX};
use crate::platform::client_keys;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is not named stays as it is; a text that is empty goes away.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppSettings {
    pub require_par: Option<bool>,
    pub require_dpop: Option<bool>,
    pub legacy_audience: Option<bool>,
    /// Public keys as RFC 7517 writes them.
    pub jwks: Option<Vec<Value>>,
    pub company: Option<String>,
    pub website: Option<String>,
    /// An email address or an https URL.
    pub support: Option<String>,
    pub privacy_policy: Option<String>,
    pub terms: Option<String>,
}

/// The rules of an app that is being made; its settings come after.
pub fn rules(new: &NewApp, client_type: ClientType) -> Result<ClientRules, String> {
    let mut rules = ClientRules::of(new.kind, client_type);
    if let Some(method) = new.auth_method {
        let public = client_type == ClientType::Public;
        if public != (method == AuthMethod::None) {
            return Err("`none` is the method of public clients (--public-client) and of no others".into());
        }
        rules.auth_methods = vec![method];
    }
    if !new.grant_types.is_empty() {
        let of_kind = rules.grant_types;
        if let Some(other) = new.grant_types.iter().find(|grant| !of_kind.contains(grant)) {
            return Err(format!(
                "an app of kind {} cannot use the grant type {}",
                new.kind.as_str(),
                other.as_str()
            ));
        }
        if new.grant_types == [GrantType::RefreshToken] {
            return Err("refresh tokens come from authorization_code: name that grant type as well".into());
        }
        rules.grant_types = of_kind
            .into_iter()
            .filter(|grant| new.grant_types.contains(grant))
            .collect();
    }
    Ok(rules)
}

/// The app with other settings, or what is wrong with them.
pub fn apply(app: &mut App, settings: AppSettings) -> Result<(), String> {
    let mut rules = app.rules().into_owned();
    if let Some(keys) = settings.jwks {
        rules.jwks = client_keys::check(&keys)?;
    }
    rules.require_par = settings.require_par.unwrap_or(rules.require_par);
    rules.require_dpop = settings.require_dpop.unwrap_or(rules.require_dpop);
    rules.legacy_audience = settings.legacy_audience.unwrap_or(rules.legacy_audience);
    check_rules(app.kind, &rules)?;
    app.rules = Some(rules);

    let developer = &mut app.developer;
    if let Some(company) = settings.company {
        developer.company = match company.trim() {
            "" => String::new(),
            name => check_name("a company", name, NAME_CHARS_MAX)?,
        };
    }
    if let Some(website) = settings.website {
        developer.website = check_url("--website", &website)?.unwrap_or_default();
    }
    if let Some(support) = settings.support {
        developer.support = check_support(&support)?;
    }
    if let Some(policy) = settings.privacy_policy {
        developer.privacy_policy = check_url("--privacy-policy", &policy)?;
    }
    if let Some(terms) = settings.terms {
        developer.terms = check_url("--terms", &terms)?;
    }
    Ok(())
}

/// What would have no effect is refused, not kept.
fn check_rules(kind: Kind, rules: &ClientRules) -> Result<(), String> {
    let by_key = rules.auth_methods.contains(&AuthMethod::PrivateKeyJwt);
    if by_key == rules.jwks.is_empty() {
        return Err(
            "--jwks and --auth-method private_key_jwt go together: with the keys the app's assertions are \
                    verified"
                .into(),
        );
    }
    if rules.legacy_audience && !by_key {
        return Err("--legacy-audience is about the assertions of private_key_jwt".into());
    }
    if rules.require_par && !rules.grant_types.contains(&GrantType::AuthorizationCode) {
        return Err("--require-par is for apps that ask users for consent: this one never does".into());
    }
    if rules.require_dpop && kind == Kind::ResourceServer {
        return Err("a resource server gets no tokens that could be bound: leave --require-dpop out".into());
    }
    Ok(())
}

fn check_url(option: &str, text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let url = checks::url(text);
    url.map(Some)
        .ok_or_else(|| format!("{option} must be an https URL of at most {URL_BYTES_MAX} plain characters"))
}

fn check_support(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() || text.starts_with("https://") {
        return check_url("--support", text);
    }
    let support = checks::support(text);
    support
        .map(Some)
        .ok_or_else(|| "--support must be an email address or an https URL".into())
}

/// As `app show` tells them.
pub fn view(app: &App) -> [(&'static str, Value); 2] {
    let rules = app.rules();
    let rules = json!({
        "auth_methods": rules.auth_methods,
        "grant_types": rules.grant_types,
        "require_par": rules.require_par,
        "require_dpop": rules.require_dpop,
        "legacy_audience": rules.legacy_audience,
        "jwks": rules.jwks,
    });
    let developer = serde_json::to_value(&app.developer).expect("texts are always JSON");
    [("rules", rules), ("developer", developer)]
}
