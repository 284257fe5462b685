//! Tokens: mint one by hand, look into one, end one or many.

use super::{Revocation, apps, commit, organizations, replace, users};
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::event::{Event, EventKind};
use crate::model::organization::Organization;
use crate::model::settings::Settings;
use crate::model::user::User;
use crate::oauth::access_token::{self, TypedId};
use crate::oauth::grant_client;
use crate::platform::event_of_command_line;
use crate::store::Batch;
use serde_json::{Value, json};
use std::time::Duration;

/// A token as the app's own client_credentials request would get it.
pub async fn mint(
    ctx: &Context,
    client_id: &str,
    scopes: Vec<String>,
    resource: Option<String>,
    lifetime_s: Option<u64>,
) -> Result<Value, String> {
    let app = apps::find(ctx, client_id).await?;
    if app.kind != Kind::Private {
        return Err("only a private app's tokens can be made here: others need a person's consent".into());
    }
    if app.rules().require_dpop {
        return Err("the app has only tokens bound to its own key, which it must ask for itself".into());
    }
    let resource = match resource {
        Some(named) => ctx
            .profile()
            .resource(&named)
            .ok_or_else(|| format!("there is no resource `{named}`"))?,
        None => ctx.profile().default_resource(),
    };
    let lifetime = lifetime_s.map_or(resource.access_token_lifetime, Duration::from_secs);
    if lifetime.is_zero() || lifetime > resource.access_token_lifetime {
        let max = resource.access_token_lifetime.as_secs();
        return Err(format!(
            "the lifetime must be 1 to {max} seconds, what the resource allows"
        ));
    }
    let scope = (!scopes.is_empty()).then(|| scopes.join(" "));
    let minted = grant_client::mint_as_dedicated_user(ctx, &app, resource, scope.as_deref(), None, lifetime).await;
    let (minted, _) = minted.map_err(|error| match error.cause {
        Some(cause) => format!("{} ({cause})", error.description),
        None => error.description.into_owned(),
    })?;
    log::info!("a token {} for {} was minted by hand", minted.claims.jti, app.client_id);
    Ok(json!({
        "access_token": minted.token,
        "expires_at": minted.claims.exp.to_string(),
        "jti": minted.claims.jti,
        "scope": minted.claims.scope,
        ctx.profile().noun.id_claim(): TypedId::new(ctx, &app.organization),
    }))
}

/// What a token says and whether it stands, with the reason when it does not.
pub async fn inspect(ctx: &Context, token: &str) -> Result<Value, String> {
    let claims = match access_token::verify(ctx, token.trim()) {
        Ok(claims) => claims,
        Err(why) => return Ok(json!({ "active": false, "why": why })),
    };
    let standing = access_token::standing(ctx, &claims).await?;
    Ok(json!({
        "active": standing.is_ok(),
        "why": standing.as_ref().err(),
        "scope": standing.map(|scopes| scopes.join(" ")).unwrap_or_default(),
        "scope_when_made": claims.scope,
        "client_id": claims.client_id,
        "sub": claims.sub,
        "aud": claims.aud,
        "jti": claims.jti,
        "issued_at": claims.iat.to_string(),
        "expires_at": claims.exp.to_string(),
        ctx.profile().noun.id_claim(): TypedId::new(ctx, &claims.organization),
    }))
}

/// One token, or everything under an object: one write either way.
pub async fn revoke(ctx: &Context, what: Revocation) -> Result<Value, String> {
    match what {
        Revocation::Token(token) => {
            let claims = access_token::verify(ctx, token.trim()).map_err(|why| format!("no token to revoke: {why}"))?;
            access_token::revoke(ctx, &claims).await?;
            return Ok(json!({ "revoked": true, "jti": claims.jti }));
        }
        Revocation::App(client_id) => {
            let old = apps::find(ctx, &client_id).await?;
            let new = App {
                epoch: old.epoch + 1,
                ..old.value.clone()
            };
            let mut batch = Batch::new();
            batch.replace(&old, &new)?.insert(&Event {
                client_id: Some(client_id),
                ..event_of_command_line(ctx, EventKind::AppTokensRevoked, &new.organization)
            })?;
            batch.revokes = true;
            commit(ctx, batch).await?;
        }
        Revocation::Organization(id) => {
            let old = organizations::find(ctx, &id).await?;
            let new = Organization {
                epoch: old.epoch + 1,
                ..old.value.clone()
            };
            let mut batch = Batch::new();
            batch.replace(&old, &new)?.insert(&Event {
                subject: Some("tokens".to_owned()),
                ..event_of_command_line(ctx, EventKind::TokenRevoked, &new.id)
            })?;
            batch.revokes = true;
            commit(ctx, batch).await?;
        }
        Revocation::User(user) => {
            let old = users::find(ctx, &user).await?;
            let epoch = old.epoch + 1;
            replace(
                ctx,
                &old,
                &User {
                    epoch,
                    ..old.value.clone()
                },
            )
            .await?;
        }
        Revocation::Everything => {
            let old = ctx.settings().await?;
            let epoch = old.epoch + 1;
            replace(
                ctx,
                &old,
                &Settings {
                    epoch,
                    ..old.value.clone()
                },
            )
            .await?;
        }
    }
    Ok(json!({ "revoked": true }))
}
