//! The line of an endpoint that wants its events in order: who stands in it.
//!
//! The queue of such an endpoint is sorted by the commits that wrote the events, any other by when things are due. The
//! choice is the developers' and may change while something waits, so the sender sees to it first that what waits
//! stands where it belongs.

use super::catalog::TEST;
use crate::context::Context;
use crate::model::delivery::Delivery;
use crate::store::records::Versioned;
use crate::store::{Batch, StoreError};

const PLACED_BY_BATCH_MAX: usize = 16;

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
