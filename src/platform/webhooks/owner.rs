//! Whether whoever made something may still act in its organization: whoever lost access is told nothing more.

use crate::context::Context;
use crate::model::app::App;
use crate::model::grant::{Grant, GrantStatus};
use crate::model::personal_token::PersonalToken;
use crate::oauth::{personal_token, standing};
use crate::platform::api_keys;
use crate::store::records::{load, load_by_index};
use crate::store::{StoreError, keys};

/// `owner` as [`crate::platform::caller::Caller::owner`] has it. Judged as its credential would be at the gateway.
pub async fn may_act(ctx: &Context, organization: &str, owner: &str) -> Result<bool, StoreError> {
    let (kind, id) = owner.split_once(':').unwrap_or_default();
    match kind {
        "grant" => grant_stands(ctx, organization, id).await,
        "app" => app_stands(ctx, organization, id).await,
        "key" => api_keys::stands(ctx, id).await,
        "token" => {
            let key = keys::personal_token_of_organization(organization, id);
            match load_by_index::<PersonalToken>(&*ctx.store, &key).await? {
                Some(token) => Ok(personal_token::standing(ctx, &token).await?.is_ok()),
                None => Ok(false),
            }
        }
        _ => Ok(false),
    }
}

async fn grant_stands(ctx: &Context, organization: &str, id: &str) -> Result<bool, StoreError> {
    let grant = load::<Grant>(&*ctx.store, &keys::grant(organization, id)).await?;
    let Some(grant) = grant.filter(|grant| grant.status == GrantStatus::Active) else {
        return Ok(false);
    };
    let Some(app) = ctx.load::<App>(&keys::app(&grant.client_id)).await? else {
        return Ok(false);
    };
    let stands = standing::acting(ctx, &app, organization, &grant.user).await?;
    Ok(stands.is_ok_and(|stands| grant.stamps.cover(&stands.epochs)))
}

/// An app that acts for itself does so as its dedicated user.
async fn app_stands(ctx: &Context, organization: &str, client_id: &str) -> Result<bool, StoreError> {
    let Some(app) = ctx.load::<App>(&keys::app(client_id)).await? else {
        return Ok(false);
    };
    match &app.dedicated_user {
        Some(user) => Ok(standing::acting(ctx, &app, organization, user).await?.is_ok()),
        None => Ok(false),
    }
}
