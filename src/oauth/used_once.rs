//! Client assertions and DPoP proofs are used up in the batch of the decision they were shown for, or in one of their
//! own where the decision writes nothing (RFC 7523 §3, RFC 9449 §11.1).

use super::client_auth::Client;
use super::dpop::Proof;
use super::error::{ErrorCode, OAuthError};
use crate::context::Context;
use crate::model::used_once::UsedOnce;
use crate::store::records::{Record as _, load};
use crate::store::{Batch, Outcome, StoreError};

/// Adds what the request showed to the batch of its decision. When that ends in a conflict, ask [`judge`] first.
pub fn add(batch: &mut Batch, client: &Client, proof: Option<&Proof>) -> Result<(), StoreError> {
    for once in client.once.iter().chain(proof.map(|proof| &proof.once)) {
        batch.insert(once)?;
    }
    Ok(())
}

/// Uses up what the request showed, for a decision that writes nothing.
pub async fn commit(ctx: &Context, client: &Client, proof: Option<&Proof>) -> Result<(), OAuthError> {
    commit_in(ctx, client, proof, Batch::new()).await
}

/// The same for a revocation, which a full disk must not keep anybody from.
pub async fn commit_to_revoke(ctx: &Context, client: &Client) -> Result<(), OAuthError> {
    let batch = Batch {
        revokes: true,
        ..Batch::new()
    };
    commit_in(ctx, client, None, batch).await
}

async fn commit_in(ctx: &Context, client: &Client, proof: Option<&Proof>, mut batch: Batch) -> Result<(), OAuthError> {
    add(&mut batch, client, proof)?;
    if batch.writes.is_empty() {
        return Ok(());
    }
    match ctx.store.commit(batch).await? {
        Outcome::Committed(_) => Ok(()),
        Outcome::Conflict => {
            judge(ctx, client, proof).await?;
            // One of the two stood there a moment ago and is old enough to have been swept since.
            Err(OAuthError::invalid_client("what it showed had been used before"))
        }
    }
}

/// Refuses what has been used before.
pub async fn judge(ctx: &Context, client: &Client, proof: Option<&Proof>) -> Result<(), OAuthError> {
    if was_used(ctx, client.once.as_ref()).await? {
        let cause = format!("{} showed an assertion twice", client.app.client_id);
        return Err(OAuthError::invalid_client(cause));
    }
    if was_used(ctx, proof.map(|proof| &proof.once)).await? {
        let what = "The DPoP proof has been used before: make a new one for every request.";
        return Err(OAuthError::new(ErrorCode::InvalidDpopProof, what));
    }
    Ok(())
}

pub async fn was_used(ctx: &Context, once: Option<&UsedOnce>) -> Result<bool, StoreError> {
    match once {
        Some(once) => Ok(load::<UsedOnce>(&*ctx.store, &once.key()).await?.is_some()),
        None => Ok(false),
    }
}
