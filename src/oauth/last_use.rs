//! When a credential or a grant was last used: noted where it is shown, written by a job.

use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::last_use::LastUse;
use crate::store::records::{Record as _, load};
use crate::store::{Batch, StoreError, Write, codec, keys, limits};

/// The thing of this kind ([`crate::model::last_use`]) and id is used now. Waits for nothing and cannot fail.
pub fn note(ctx: &Context, kind: &'static str, name: &str) {
    ctx.last_uses.note(kind, name, ctx.now());
}

/// When it was last used: to the hour after a restart, and exactly since. `None`: never, or more than 400 days ago.
pub async fn of(ctx: &Context, kind: &'static str, name: &str) -> Result<Option<Timestamp>, StoreError> {
    if let Some(at) = ctx.last_uses.of(kind, name) {
        return Ok(Some(at));
    }
    let written = load::<LastUse>(&*ctx.store, &keys::last_use(kind, name)).await?;
    Ok(written.map(|written| written.at))
}

/// Writes what was noted. Whoever wrote last is right, so nothing is checked.
pub async fn write(ctx: &Context) -> Result<(), StoreError> {
    let waiting = ctx.last_uses.take_waiting();
    for page in waiting.chunks(limits::WRITES_MAX) {
        let mut batch = Batch::new();
        for used in page {
            batch.writes.push(Write::Put {
                key: used.key(),
                value: codec::encode(used)?,
                expires_at: used.expires_at(),
            });
        }
        ctx.store.commit(batch).await?;
    }
    Ok(())
}
