//! Counts in the store what may be tried only so often: a code of six digits, a mail to somebody's address.

use super::{Refusal, commit};
use crate::base::master::{KeyedDigest, Purpose};
use crate::context::Context;
use crate::model::attempts::Attempts;
use crate::model::counts::Limit;
use crate::store::records::load;
use crate::store::{Batch, StoreError, keys};
use std::net::IpAddr;
use std::time::Duration;

/// One kind of thing that is tried.
pub struct Allowance {
    pub what: &'static str,
    pub max: u32,
    pub window: Duration,
}

/// Counts one more attempt of or for `who`, before it is made. Of many at once, `max` get through.
pub async fn count(ctx: &Context, allowance: &Allowance, who: &str) -> Result<(), Refusal> {
    loop {
        let mut batch = Batch::new();
        count_with(ctx, &mut batch, allowance, who).await?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
}

/// As much work as [`count`], for an attempt that is none: how long a refusal takes must not tell why. One record
/// serves everybody, and nothing rests on it.
pub async fn pretend(ctx: &Context, allowance: &Allowance) -> Result<(), StoreError> {
    let digest = digest(ctx, allowance, "");
    std::hint::black_box(load::<Attempts>(&*ctx.store, &keys::attempts(&digest)).await?);
    let mut batch = Batch::new();
    batch.insert(&Attempts {
        count: 0,
        until: ctx.now() + allowance.window,
        digest,
    })?;
    batch.checks.clear();
    commit(ctx, batch).await.map(|_| ())
}

/// Counts one more with the batch that makes it.
pub async fn count_with(ctx: &Context, batch: &mut Batch, allowance: &Allowance, who: &str) -> Result<(), Refusal> {
    let (digest, now) = (digest(ctx, allowance, who), ctx.now());
    let old = load::<Attempts>(&*ctx.store, &keys::attempts(&digest)).await?;
    let none = Attempts::none(digest, now);
    let counted = old
        .as_deref()
        .unwrap_or(&none)
        .another(allowance.max, allowance.window, now);
    let counted = counted.map_err(Refusal::Wait)?;
    match &old {
        Some(old) => batch.replace(old, &counted)?,
        None => batch.insert(&counted)?,
    };
    Ok(())
}

/// Counts a wish that makes a letter to an address, of whoever sends it and of the address. `false`: they have letters
/// enough, or would have; the answer is the same.
pub async fn ask(ctx: &Context, allowance: &Allowance, email: &str, peer: IpAddr) -> Result<bool, Refusal> {
    let email = email.to_lowercase();
    let principal = format!("{} {email}", allowance.what);
    if let Some(wait) = ctx.held_back(Limit::Failures, ctx.limiter.blocked(&principal, peer, ctx.now())) {
        return Err(Refusal::Wait(wait));
    }
    ctx.limiter.failed(&principal, peer, ctx.now());
    match count(ctx, allowance, &email).await {
        Ok(()) => Ok(true),
        Err(Refusal::Wait(_)) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}

/// It was no guess: the attempts before are forgotten.
pub async fn forget(ctx: &Context, allowance: &Allowance, who: &str) -> Result<(), StoreError> {
    let digest = digest(ctx, allowance, who);
    if let Some(old) = load::<Attempts>(&*ctx.store, &keys::attempts(&digest)).await? {
        let mut batch = Batch::new();
        batch.remove(&old);
        // Counted again meanwhile: then that one stays.
        commit(ctx, batch).await?;
    }
    Ok(())
}

fn digest(ctx: &Context, allowance: &Allowance, who: &str) -> KeyedDigest {
    let subject = [allowance.what.as_bytes(), b"\0", who.as_bytes()].concat();
    ctx.secret.digest(Purpose::EmailAddress, &subject)
}
