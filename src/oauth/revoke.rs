//! `POST /oauth/revoke` (RFC 7009): a client ends a token of its own.

use super::access_token::{revoke as end, verify};
use super::client_auth::{self, Client, Credentials};
use super::delegated;
use super::error::OAuthError;
use super::{idempotency, refresh_token, subscriptions, used_once};
use crate::context::Context;
use crate::model::family::Family;
use crate::store::records::load;
use crate::store::{Batch, Outcome};

/// `Ok` whether there was something to revoke or not (RFC 7009 §2.2): the answer tells nothing about foreign tokens.
pub async fn revoke(ctx: &Context, credentials: &Credentials<'_>) -> Result<(), OAuthError> {
    // A public client shows the token itself: nobody else could end it.
    let client = client_auth::client(ctx, credentials).await?;
    let Some(token) = credentials.params.get("token")? else {
        return Err(OAuthError::invalid_request("The parameter token is missing."));
    };
    credentials.params.get("token_type_hint")?;
    used_once::commit_to_revoke(ctx, &client).await?;
    if refresh_token::claimed(ctx, token) {
        return end_family(ctx, &client, token).await;
    }
    match verify(ctx, token) {
        Ok(claims) if claims.client_id == client.app.client_id => Ok(end(ctx, &claims).await?),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// RFC 7009 §2.1: with a refresh token, live or rotated, all that came of the same approval ends.
async fn end_family(ctx: &Context, client: &Client, token: &str) -> Result<(), OAuthError> {
    let Some(place) = refresh_token::read(ctx, token) else {
        return Ok(());
    };
    for _ in 0..delegated::ATTEMPTS_MAX {
        let family = match load::<Family>(&*ctx.store, &place.family_key()).await? {
            Some(family) if family.client_id == client.app.client_id && !family.ended => family,
            _ => return Ok(()),
        };
        let mut batch = Batch {
            revokes: true,
            ..Batch::new()
        };
        batch.replace(&family, &family.end())?;
        idempotency::forget(&mut batch, &family);
        // Whoever gives the token back has done with the grant: it is told nothing more.
        subscriptions::put_end(ctx, &mut batch, &family.organization, &family.grant).await?;
        if let Outcome::Committed(_) = ctx.store.commit(batch).await? {
            return Ok(());
        }
    }
    Err(delegated::busy())
}
