//! The client credentials grant (RFC 6749 §4.4): a private app acts as its dedicated user.

use super::access_token::{Minted, Order, mint};
use super::answer::{Answer, Granted};
use super::error::{ErrorCode, OAuthError};
use super::params::Params;
use super::scope;
use super::standing::acting;
use super::token::{Asked, unauthorized};
use super::used_once;
use crate::config::Resource;
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::failure::Rule;
use std::time::Duration;

pub async fn client_credentials(ctx: &Context, asked: &Asked<'_>) -> Result<Answer, OAuthError> {
    let app = asked.app();
    if app.kind != Kind::Private {
        return Err(unauthorized(app));
    }
    organization(ctx, app, asked.params)?;
    let resource = asked.resource.unwrap_or_else(|| ctx.profile().default_resource());
    let lifetime = resource.access_token_lifetime;
    let scope = asked.params.get("scope")?;
    let (minted, organization_name) = mint_as_dedicated_user(ctx, app, resource, scope, asked.jkt(), lifetime).await?;
    let granted = Granted {
        token_type: minted.claims.token_type(),
        access_token: minted.token,
        expires_in: lifetime.as_secs(),
        refresh_token: None,
        scope: minted.claims.scope,
        organization: minted.claims.organization,
        organization_name,
    };
    used_once::commit(ctx, asked.client, asked.proof).await?;
    Ok(Answer {
        body: granted.body(ctx),
        replayed: false,
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
        return Err(OAuthError::new(ErrorCode::InvalidScope, what).breaking(Rule::ScopeBeyondRole));
    }
    let order = Order {
        sub: user,
        aud: &resource.identifier,
        algorithm: resource.algorithm,
        client_id: &app.client_id,
        organization: &app.organization,
        scopes: &scopes,
        grant: None,
        native: false,
        jkt,
        epochs: stands.epochs,
        lifetime,
        repeatable_until: None,
    };
    Ok((mint(ctx, &order).await?, stands.organization.name.clone()))
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
        let cause = format!("{} asked for another", app.client_id);
        return Err(OAuthError::invalid_request(what)
            .because(cause)
            .breaking(Rule::Organization));
    }
    Ok(())
}

fn needs_user(why: &'static str) -> OAuthError {
    OAuthError::new(
        ErrorCode::UnauthorizedClient,
        "The app needs a dedicated user who is an active member.",
    )
    .because(why)
    .breaking(Rule::DedicatedUser)
}
