//! Signing keys by schedule: rotated when due, dropped when nothing needs them.

use crate::context::Context;
use crate::model::signing_key::KeyState;
use crate::oauth::idempotency;
use crate::store::StoreError;

pub async fn turn(ctx: &Context) -> Result<(), StoreError> {
    let now = ctx.now();
    let set = ctx.keyring.set();
    let policy = &ctx.config.keys;
    for active in set.records.iter().filter(|r| r.state == KeyState::Active) {
        let due = active
            .activated_at
            .is_some_and(|at| now.since(at) >= policy.rotate_after);
        let next = set
            .records
            .iter()
            .find(|r| r.algorithm == active.algorithm && r.state == KeyState::Next);
        // Every cache must have seen the next key before it signs.
        let published = next.is_some_and(|next| now.since(next.created_at) >= policy.publish_before);
        if due && published {
            // `None`: somebody else rotated at the same moment.
            if let Some(kid) = ctx.keyring.rotate(&ctx.key_tools(), active.algorithm).await? {
                log::info!("the {} key {kid} signs from now on", active.algorithm.as_str());
            }
        }
    }
    let mut spent = Vec::new();
    for kid in ctx.keyring.spent(now) {
        if !idempotency::holds_token_of(ctx, &kid).await? {
            spent.push(kid);
        }
    }
    let dropped = ctx.keyring.drop_spent(&ctx.key_tools(), &spent).await?;
    if dropped > 0 {
        log::info!("{dropped} retired keys were dropped: every token they signed has expired");
    }
    Ok(())
}
