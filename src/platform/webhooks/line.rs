//! The line of an endpoint that wants its events in order: who stands in it.
//!
//! The queue of such an endpoint is sorted by the commits that wrote the events, any other by when things are due. The
//! choice is the developers' and may change while something waits, so the sender sees to it first that what waits
//! stands where it belongs.

use super::catalog::TEST;
use crate::context::Context;
use crate::model::delivery::Delivery;
use crate::store::records::Versioned;
use crate::store::{Batch, Seq, StoreError, keys};

const PLACED_BY_BATCH_MAX: usize = 16;
/// Of what has yet to be told, read to see whether something of it goes first.
const UNTOLD_READ_MAX: u32 = 64;

/// The place in line of what this commit wrote. What was imported keeps the places it had in the store it comes from,
/// and those of this one are behind them.
pub async fn place_of(ctx: &Context, written: Seq) -> Result<u64, StoreError> {
    Ok(ctx.settings().await?.commits_before.saturating_add(written.0))
}

/// The first place among what has yet to be told of, and will get in line. Commits are compared and no times: a clock
/// that was set back says nothing about what was written first. Where there is more than is read, any of the rest may
/// be the first: 0.
pub async fn first_untold(ctx: &Context) -> Result<Option<u64>, StoreError> {
    let rows = ctx.store.scan(&keys::untold_events(), None, UNTOLD_READ_MAX).await?;
    if rows.len() == UNTOLD_READ_MAX as usize {
        return Ok(Some(0));
    }
    match rows.iter().map(|(_, stored)| stored.version).min() {
        Some(first) => place_of(ctx, first).await.map(Some),
        None => Ok(None),
    }
}

/// What waits out of line gets in, but for tests: whoever tries an endpoint wants to know now. Whether there was any;
/// what changed meanwhile is met at the next look.
pub async fn enter(ctx: &Context, loose: &[Versioned<Delivery>]) -> Result<bool, StoreError> {
    let any = loose.iter().any(|delivery| delivery.kind != TEST);
    if any {
        place(ctx, loose, true).await?;
    }
    Ok(any)
}

/// All of these that stand in line wait by themselves from now on.
pub async fn leave(ctx: &Context, waiting: &[Versioned<Delivery>]) -> Result<(), StoreError> {
    place(ctx, waiting, false).await
}

async fn place(ctx: &Context, deliveries: &[Versioned<Delivery>], in_line: bool) -> Result<(), StoreError> {
    for some in deliveries.chunks(PLACED_BY_BATCH_MAX) {
        let mut batch = Batch::new();
        let misplaced = |delivery: &&Versioned<Delivery>| delivery.kind != TEST && delivery.in_line != in_line;
        for delivery in some.iter().filter(misplaced) {
            let placed = Delivery {
                in_line,
                ..delivery.value.clone()
            };
            batch.replace(delivery, &placed)?;
        }
        if !batch.writes.is_empty() {
            ctx.store.commit(batch).await?;
        }
    }
    Ok(())
}
