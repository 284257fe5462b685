//! The client credentials grant (RFC 6749 §4.4): a private app acts as its dedicated user.

use super::access_token::{Minted, Order, mint};
use super::error::{ErrorCode, OAuthError};
use super::params::Params;
use super::scope;
use super::standing::acting;
use crate::config::Resource;
use crate::context::Context;
use crate::model::app::{App, GrantType, Kind};
use std::time::Duration;

/// What a grant type hands back to be answered.
pub struct Granted {
    pub access_token: String,
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: u64,
    pub scope: String,
    pub organization: String,
    pub organization_name: String,
}

pub async fn client_credentials(
    ctx: &Context,
    app: &App,
    resource: &Resource,
    jkt: Option<&str>,
    params: &Params<'_>,
) -> Result<Granted, OAuthError> {
    if app.kind != Kind::Private || !app.may_use(GrantType::ClientCredentials) {
        return Err(unauthorized(app));
    }
    organization(ctx, app, params)?;
    let lifetime = resource.access_token_lifetime;
    let (minted, organization_name) =
        mint_as_dedicated_user(ctx, app, resource, params.get("scope")?, jkt, lifetime).await?;
    Ok(Granted {
        token_type: minted.claims.token_type(),
        access_token: minted.token,
        expires_in: lifetime.as_secs(),
        scope: minted.claims.scope,
        organization: minted.claims.organization,
        organization_name,
    })
}

/// A token with which a private app acts as its dedicated user: what its own request and an administrator's come to.
/// Returns the token and the organization's name.
pub async fn mint_as_dedicated_user(
    ctx: &Context,
    app: &App,
    resource: &Resource,
    scope: Option<&str>,
    jkt: Option<&str>,
    lifetime: Duration,
) -> Result<(Minted, String), OAuthError> {
    let catalog = &ctx.profile().scopes;
    let asked = scope::requested(catalog, app, scope)?;
    let Some(user) = &app.dedicated_user else {
        return Err(needs_user("it has none"));
    };
    let stands = acting(ctx, app, &app.organization, user).await?.map_err(needs_user)?;
    // Scopes beyond the dedicated user's role are left out, which `scope` in the answer shows.
    let scopes = scope::effective(catalog, app, stands.role, &asked);
    if scopes.is_empty() {
        let what = "The role of the app's dedicated user may grant none of these scopes.";
        return Err(OAuthError::new(ErrorCode::InvalidScope, what));
    }
    let order = Order {
        sub: user,
        aud: &resource.identifier,
        algorithm: resource.algorithm,
        client_id: &app.client_id,
        organization: &app.organization,
        scopes: &scopes,
        grant: None,
        jkt,
        epochs: stands.epochs,
        lifetime,
    };
    Ok((mint(ctx, &order).await?, stands.organization_name))
}

/// Omitted means the app's own. One sentence for malformed, unknown and foreign: which ones exist stays unsaid.
fn organization(ctx: &Context, app: &App, params: &Params<'_>) -> Result<(), OAuthError> {
    let claim = ctx.profile().noun.id_claim();
    // Parameters are looked up by names known at compile time, except this one, which the profile chooses.
    let mut named = params
        .all(claim)
        .chain(params.all("organization_id").filter(|_| claim != "organization_id"));
    let Some(first) = named.next() else { return Ok(()) };
    if named.next().is_some() || first != app.organization {
        let what = format!("The parameter {claim} does not name the organization of this app.");
        return Err(OAuthError::invalid_request(what).because(format!("{} asked for another", app.client_id)));
    }
    Ok(())
}

fn needs_user(why: &'static str) -> OAuthError {
    OAuthError::new(
        ErrorCode::UnauthorizedClient,
        "The app needs a dedicated user who is an active member.",
    )
    .because(why)
}

/// The client_credentials of a private app answers for itself alone; other kinds are told so (RFC 6749 §5.2).
fn unauthorized(app: &App) -> OAuthError {
    OAuthError::new(ErrorCode::UnauthorizedClient, "This app may not use this grant type.").because(format!(
        "{} is a {} app",
        app.client_id,
        app.kind.as_str()
    ))
}
