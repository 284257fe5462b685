//! Quotas of requests to the API: counted where a request comes, written by a job. What a crash takes with it is what
//! came since the last turn of that job, a minute at the most; an orderly end writes all of it.

use crate::context::Context;
use crate::model::usage::{Counted, Quotas, Usage};
use crate::store::records::{Record as _, load};
use crate::store::{Batch, StoreError, Write, codec, keys, limits};

/// Counts one more request, if there may be one.
pub async fn count(ctx: &Context, organization: &str, subject: &str, quotas: Quotas) -> Result<Counted, StoreError> {
    loop {
        let counted = ctx.usages.count(organization, subject, quotas, ctx.now());
        let Counted::Unknown(read_at) = counted else {
            return Ok(counted);
        };
        let written = load::<Usage>(&*ctx.store, &keys::usage(organization, subject)).await?;
        let usage = written.map_or_else(|| Usage::none(organization, subject), |written| written.value);
        if !ctx.usages.know(usage, read_at) {
            write(ctx).await?;
        }
    }
}

/// Writes what was counted. This process alone counts, so nothing is checked.
pub async fn write(ctx: &Context) -> Result<(), StoreError> {
    for page in ctx.usages.unwritten().chunks(limits::WRITES_MAX) {
        let mut batch = Batch::new();
        for (usage, _) in page {
            batch.writes.push(Write::Put {
                key: usage.key(),
                value: codec::encode(usage)?,
                expires_at: usage.expires_at(),
            });
        }
        ctx.store.commit(batch).await?;
        ctx.usages.written(page);
    }
    Ok(())
}
