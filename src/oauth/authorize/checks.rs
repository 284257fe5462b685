//! The checks of an authorization request, in the order that stands in the parent module.

use super::response::{ResponseMode, ReturnAddress};
use super::{Asked, AuthorizationRequest, Prompt};
use crate::context::Context;
use crate::model::app::{App, GrantType, Kind};
use crate::model::failure::Rule;
use crate::model::installation::Installation;
use crate::model::review::same;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::oauth::redirect_uri::RedirectUri;
use crate::oauth::{pkce, scope};
use crate::store::records::Versioned;
use std::sync::Arc;
use std::time::Duration;

/// Every parameter that means something here. Each may stand once; `resource`, which may repeat, is not among them.
pub const KNOWN: [&str; 15] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "prompt",
    "max_age",
    "login_hint",
    "ui_locales",
    "request",
    "request_uri",
];

/// The one that may repeat (RFC 8707 §2).
pub const RESOURCE: &str = "resource";

/// What is wrong, and whether the client may be told.
pub struct Wrong {
    pub error: OAuthError,
    /// `None` while there is no redirect URI to trust: then only the user can be told.
    pub address: Option<ReturnAddress>,
}

/// How the parameters came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Through the browser, where the user or anybody else may have changed them.
    Browser,
    /// From the client itself (RFC 9126).
    Pushed,
}

/// The request of an app that is known and usable.
pub fn judge(
    ctx: &Context,
    app: &Arc<Versioned<App>>,
    params: &Params<'_>,
    source: Source,
) -> Result<AuthorizationRequest, Box<Wrong>> {
    let untold = |error| Box::new(Wrong { error, address: None });
    let sent = params.get("redirect_uri").map_err(untold)?;
    let redirect_uri = RedirectUri::of_request(app, sent)
        .map_err(|what| untold(OAuthError::invalid_request(what).breaking(Rule::RedirectUri)))?;
    // Of a wrong response_mode or a repeated state nothing is used; the answer still finds its way.
    let address = ReturnAddress {
        redirect_uri,
        mode: response_mode(params).unwrap_or(ResponseMode::Query),
        state: params.get("state").ok().flatten().map(str::to_owned),
    };
    match asked(ctx, app, params, source) {
        Ok(asked) => Ok(AuthorizationRequest {
            app: app.clone(),
            address,
            asked,
            pushed: None,
        }),
        Err(error) => Err(Box::new(Wrong {
            error,
            address: Some(address),
        })),
    }
}

fn asked(ctx: &Context, app: &App, params: &Params<'_>, source: Source) -> Result<Asked, OAuthError> {
    for name in KNOWN {
        params.get(name)?;
    }
    response_mode(params)?;
    if params.get("request")?.is_some() {
        let what = "Request objects are not supported: push the parameters instead (RFC 9126).";
        return Err(OAuthError::new(ErrorCode::RequestNotSupported, what));
    }
    entitled(app, source)?;
    response_type(params)?;
    required_by_profile(ctx, params)?;
    let challenge = pkce::requested(
        ctx.profile().pkce,
        app.client_type,
        params.get("code_challenge")?,
        params.get("code_challenge_method")?,
    )?;
    let scopes = scope::requested(&ctx.profile().scopes, app, params.get("scope")?)?;
    let resource = resource(ctx, params)?;
    let jkt = params.get("dpop_jkt")?;
    if !jkt.is_none_or(pkce::is_thumbprint) {
        let what = "The dpop_jkt must be the base64url SHA-256 thumbprint of a key: 43 characters.";
        return Err(OAuthError::invalid_request(what));
    }
    if let Some(installation) = &app.installation {
        of_installation(app, installation, &scopes, jkt)?;
    }
    Ok(Asked {
        scopes,
        resource,
        challenge,
        jkt: jkt.map(str::to_owned),
        prompt: prompt(params)?,
        max_age: max_age(params)?,
        login_hint: params.get("login_hint")?.map(str::to_owned),
        ui_locales: params.get("ui_locales")?.map(str::to_owned),
    })
}

/// All of its platform's scopes, for a key that it registered.
fn of_installation(
    app: &App,
    installation: &Installation,
    scopes: &[String],
    jkt: Option<&str>,
) -> Result<(), OAuthError> {
    if !same(scopes, &app.scopes) {
        let what = "The scope must be exactly the scopes of the installation's platform.";
        return Err(OAuthError::new(ErrorCode::InvalidScope, what));
    }
    if !jkt.is_some_and(|jkt| installation.knows(jkt)) {
        let what = "The dpop_jkt must be of a key that the installation is registered with.";
        return Err(OAuthError::invalid_request(what));
    }
    Ok(())
}

fn response_mode(params: &Params<'_>) -> Result<ResponseMode, OAuthError> {
    let Some(named) = params.get("response_mode")? else {
        return Ok(ResponseMode::Query);
    };
    let found = ResponseMode::ALL.into_iter().find(|mode| mode.as_str() == named);
    found.ok_or_else(|| OAuthError::invalid_request("The response_mode must be query or form_post."))
}

/// What the app is registered for, whatever the request says.
fn entitled(app: &App, source: Source) -> Result<(), OAuthError> {
    if !matches!(app.kind, Kind::Public | Kind::Native) || !app.may_use(GrantType::AuthorizationCode) {
        let what = "The app may not use the authorization code grant.";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, what));
    }
    if app.rules().require_par && source != Source::Pushed {
        let what = "The app must push its authorization requests (RFC 9126).";
        return Err(OAuthError::invalid_request(what).breaking(Rule::PushedOnly));
    }
    Ok(())
}

/// RFC 6749 §3.1.1; no token ever comes back through the browser (RFC 9700 §2.1.2).
fn response_type(params: &Params<'_>) -> Result<(), OAuthError> {
    match params.get("response_type")? {
        Some("code") => Ok(()),
        Some(_) => Err(OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "The response_type must be code.",
        )),
        None => Err(OAuthError::invalid_request("The parameter response_type is missing.")),
    }
}

fn required_by_profile(ctx: &Context, params: &Params<'_>) -> Result<(), OAuthError> {
    let rules = &ctx.profile().authorize;
    for name in rules.require.iter().map(|parameter| parameter.as_str()) {
        if params.get(name)?.is_none() {
            return Err(OAuthError::invalid_request(format!("The parameter {name} is missing.")));
        }
    }
    let chars = params.get("state")?.map(|state| state.chars().count());
    if chars.is_some_and(|chars| chars < rules.state_chars_min as usize) {
        let what = format!("The state must have at least {} characters.", rules.state_chars_min);
        return Err(OAuthError::invalid_request(what));
    }
    Ok(())
}

/// One audience, named once or not at all (RFC 8707 §2).
fn resource(ctx: &Context, params: &Params<'_>) -> Result<String, OAuthError> {
    let mut named = params.all(RESOURCE);
    let Some(first) = named.next() else {
        return Ok(ctx.profile().default_resource().identifier.clone());
    };
    if named.any(|other| other != first) {
        let what = "A token has one audience: name one resource.";
        return Err(OAuthError::new(ErrorCode::InvalidTarget, what));
    }
    let known = ctx
        .profile()
        .resource(first)
        .map(|resource| resource.identifier.clone());
    let what = "The resource is not one this server issues for.";
    known.ok_or_else(|| OAuthError::new(ErrorCode::InvalidTarget, what))
}

/// OpenID Connect Core §3.1.2.1.
fn prompt(params: &Params<'_>) -> Result<Prompt, OAuthError> {
    let mut prompt = Prompt::default();
    for word in params.get("prompt")?.unwrap_or_default().split_ascii_whitespace() {
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            _ => {
                let what = "The prompt must be none, or some of login, consent and select_account.";
                return Err(OAuthError::invalid_request(what));
            }
        }
    }
    if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
        return Err(OAuthError::invalid_request("The prompt none stands alone."));
    }
    Ok(prompt)
}

fn max_age(params: &Params<'_>) -> Result<Option<Duration>, OAuthError> {
    let Some(text) = params.get("max_age")? else {
        return Ok(None);
    };
    let seconds = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok());
    let what = "The max_age must be a number of seconds.";
    let seconds = seconds.flatten().ok_or_else(|| OAuthError::invalid_request(what))?;
    Ok(Some(Duration::from_secs(seconds)))
}
