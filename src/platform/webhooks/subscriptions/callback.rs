//! The secret for addresses that payment links and settings name.

use super::{Asked, Refused, Reply, last4};
use crate::base::secret::Secret;
use crate::context::Context;
use crate::model::callback_secret::{CallbackSecret, ORGANIZATION};
use crate::platform::webhooks::{new_secret, sealed};
use crate::platform::{ATTEMPTS_MAX, commit};
use crate::store::records::load;
use crate::store::{Batch, StoreError, keys};
use serde_json::json;

/// What the secret belongs to: it opens nowhere else.
pub fn place(organization: &str, signer: &str) -> String {
    format!("{organization} {signer}")
}

/// Whose secret signs for an address that this owner gave: an app has its own, keys and tokens the organization's.
pub fn signer(owner: &str) -> &str {
    if owner.starts_with("grant:") || owner.starts_with("app:") {
        owner
    } else {
        ORGANIZATION
    }
}

/// Another one, at once: every attempt from here on is signed with it.
pub async fn rotate(asked: &Asked<'_>) -> Result<Reply, Refused> {
    let (ctx, signer) = (asked.ctx, signer(&asked.owner));
    for _ in 0..ATTEMPTS_MAX {
        let old = load::<CallbackSecret>(&*ctx.store, &keys::callback_secret(asked.organization(), signer)).await?;
        let (new, secret) = made(ctx, asked.organization(), signer);
        let mut batch = Batch::new();
        asked.hold(&mut batch).await?;
        match &old {
            Some(old) => batch.replace(old, &new)?,
            None => batch.insert(&new)?,
        };
        if commit(ctx, batch).await? {
            return Ok(Reply::new(asked.answer(json!({
                "ok": true,
                "webhookSecret": {
                    "secret": secret.expose(),
                    "last4": new.last4,
                    "updatedAt": new.updated_at.to_string(),
                },
            }))));
        }
    }
    Err(Refused::again())
}

/// Where nobody asked for one yet, one is made: whoever asks later gets another, and what waits is signed with that.
pub async fn put_if_missing(
    ctx: &Context,
    batch: &mut Batch,
    organization: &str,
    signer: &str,
) -> Result<(), StoreError> {
    let key = keys::callback_secret(organization, signer);
    if ctx.load::<CallbackSecret>(&key).await?.is_none() {
        batch.insert(&made(ctx, organization, signer).0)?;
    }
    Ok(())
}

fn made(ctx: &Context, organization: &str, signer: &str) -> (CallbackSecret, Secret) {
    let secret = new_secret(ctx);
    let kept = CallbackSecret {
        organization: organization.to_owned(),
        owner: signer.to_owned(),
        secret: sealed(ctx, &place(organization, signer), &secret),
        last4: last4(&secret),
        updated_at: ctx.now(),
    };
    (kept, secret)
}
