//! Scopes: opaque names (RFC 6749 §3.3), and what of them is effective.

use super::error::{ErrorCode, OAuthError};
use crate::model::app::App;
use crate::model::failure::Rule;
use crate::model::review::same;
use crate::model::role::Role;
use crate::model::scope::ScopeCatalog;

/// More than any catalog offers.
const SCOPES_MAX: usize = 100;

/// The names of a `scope` parameter, each once, in the order they came.
pub fn parse(scope: &str) -> Result<Vec<String>, OAuthError> {
    let mut names: Vec<String> = Vec::new();
    for name in scope.split(' ') {
        let well_formed = !name.is_empty() && name.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if !well_formed {
            let what = "The scope must be names separated by single spaces (RFC 6749 section 3.3).";
            return Err(OAuthError::new(ErrorCode::InvalidScope, what));
        }
        if names.iter().any(|n| n == name) {
            continue;
        }
        if names.len() == SCOPES_MAX {
            return Err(OAuthError::new(
                ErrorCode::InvalidScope,
                "The request names too many scopes.",
            ));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// What is asked for, each within what the app registered; nothing asked means all of the app's.
pub fn requested(catalog: &ScopeCatalog, app: &App, scope: Option<&str>) -> Result<Vec<String>, OAuthError> {
    let Some(scope) = scope else {
        return Ok(app.scopes.clone());
    };
    let names = parse(scope)?;
    if let Some(at) = names.iter().position(|name| !registered(catalog, app, name)) {
        // Only what the catalog has is repeated: anything else may be a secret in the wrong field, and this is logged.
        let what = match catalog.get(&names[at]) {
            Some(_) => format!("The scope {} is not one of the app's.", names[at]),
            None => format!("Scope number {} of the request is not one this server knows.", at + 1),
        };
        return Err(OAuthError::new(ErrorCode::InvalidScope, what));
    }
    Ok(names)
}

/// What a refresh asks for, each within what the family holds or implied by it (RFC 6749 §6).
pub fn within(catalog: &ScopeCatalog, held: &[String], scope: &str) -> Result<Vec<String>, OAuthError> {
    let names = parse(scope)?;
    let implied = catalog.closure(held.iter().map(String::as_str));
    if names
        .iter()
        .all(|name| held.contains(name) || implied.contains(name.as_str()))
    {
        return Ok(names);
    }
    let what = "The scope goes beyond what was granted: a refresh may ask for less, never for more.";
    Err(OAuthError::new(ErrorCode::InvalidScope, what).breaking(Rule::ScopeBeyondGrant))
}

/// What a refresh of an installation asks for: all that its family holds, in whatever order.
pub fn exactly(held: &[String], scope: &str) -> Result<Vec<String>, OAuthError> {
    if same(held, &parse(scope)?) {
        return Ok(held.to_vec());
    }
    let what = "The scope must be exactly what was granted.";
    Err(OAuthError::new(ErrorCode::InvalidScope, what).breaking(Rule::ScopeBeyondGrant))
}

/// Granted ∩ the app's ∩ what the acting member's role may grant: judged when a token is made and whenever it is used.
pub fn effective(catalog: &ScopeCatalog, app: &App, role: Role, granted: &[String]) -> Vec<String> {
    let stands = |name: &&String| catalog.may_grant(role, name) && registered(catalog, app, name);
    granted.iter().filter(stands).cloned().collect()
}

/// Whether it is one of the app's scopes or implied by one: a broader scope may be narrowed to what it includes.
fn registered(catalog: &ScopeCatalog, app: &App, name: &str) -> bool {
    let named = app.scopes.iter().any(|scope| scope == name) && catalog.get(name).is_some();
    named || catalog.closure(app.scopes.iter().map(String::as_str)).contains(name)
}
