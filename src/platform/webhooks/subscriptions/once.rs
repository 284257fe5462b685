//! `Idempotency-Key` of a change: the same key of the same caller gets the same answer for ten minutes, with the secret
//! that was shown once. After that it is known to have been used, and nothing happens.

use super::refused::Refused;
use super::{Asked, Reply};
use crate::base::master::{KeyedDigest, Purpose};
use crate::model::subscription::{RECEIPT_KEPT, RECEIPTS_MAX, REPLAYED_FOR, SubscriptionReceipt};
use crate::oauth::idempotency::bound;
use crate::store::records::{Record as _, count, load};
use crate::store::{Batch, StoreError, keys};

/// What this call came to when it was made before.
pub async fn told_before(asked: &Asked<'_>) -> Result<Option<Reply>, Refused> {
    let (Some(key), ctx) = (asked.key, asked.ctx) else {
        return Ok(None);
    };
    let place = keys::subscription_receipt(asked.organization(), &asked.owner, &digest(asked, key));
    let Some(receipt) = load::<SubscriptionReceipt>(&*ctx.store, &place).await? else {
        return Ok(None);
    };
    if receipt.jkt != asked.caller.jkt {
        return Err(conflict(
            "idempotency_key_dpop_mismatch",
            "This Idempotency-Key was sent with a proof of another key.",
        ));
    }
    if ctx.now().since(receipt.made_at) >= REPLAYED_FOR {
        return Err(conflict(
            "idempotency_receipt_expired",
            "The answer to this Idempotency-Key is not kept any more: use a new key.",
        ));
    }
    if !ctx
        .secret
        .verify(Purpose::IdempotencyKey, &content(asked), &receipt.request)
    {
        return Err(conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was sent with another request: use a new key for a new request.",
        ));
    }
    let body = ctx.secret.open(Purpose::Receipt, &place.0, &receipt.body);
    let body = body.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let body = body.ok_or_else(|| StoreError::Corrupt("a receipt of a webhook subscription cannot be read".into()))?;
    Ok(Some(Reply { body, replayed: true }))
}

/// Puts the answer into the batch that does what it says.
pub async fn keep(asked: &Asked<'_>, batch: &mut Batch, reply: &Reply) -> Result<(), Refused> {
    let (Some(key), ctx) = (asked.key, asked.ctx) else {
        return Ok(());
    };
    let all = keys::subscription_receipts(asked.organization(), &asked.owner);
    if count(&*ctx.store, &all, RECEIPTS_MAX).await? >= RECEIPTS_MAX as usize {
        let hours = RECEIPT_KEPT.as_secs() / 3600;
        let what = format!("No more than {RECEIPTS_MAX} keys are taken in {hours} hours.");
        return Err(Refused::new(429, "too_many_requests", what));
    }
    let key = digest(asked, key);
    let place = keys::subscription_receipt(asked.organization(), &asked.owner, &key);
    let body = reply.body.to_string();
    let receipt = SubscriptionReceipt {
        organization: asked.organization().to_owned(),
        owner: asked.owner.clone(),
        key,
        request: ctx.secret.digest(Purpose::IdempotencyKey, &content(asked)),
        jkt: asked.caller.jkt.clone(),
        body: ctx
            .secret
            .seal(Purpose::Receipt, &place.0, body.as_bytes(), &*ctx.random),
        made_at: ctx.now(),
    };
    debug_assert_eq!(receipt.key(), place);
    batch.insert(&receipt)?;
    Ok(())
}

fn conflict(code: &'static str, sentence: &str) -> Refused {
    Refused::new(409, code, sentence)
}

fn digest(asked: &Asked<'_>, key: &str) -> KeyedDigest {
    let place: [&[u8]; 3] = [b"subscription", asked.organization().as_bytes(), asked.owner.as_bytes()];
    asked.ctx.secret.digest(Purpose::IdempotencyKey, &bound(&place, key))
}

/// All that makes it the same call: whatever name of the path it came by.
fn content(asked: &Asked<'_>) -> Vec<u8> {
    let parts: [&[u8]; 3] = [b"call", asked.method.as_str().as_bytes(), asked.body];
    bound(&parts, "")
}
