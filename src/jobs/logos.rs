//! Removes pictures that no app names any more, once a day.

use crate::base::time::Timestamp;
use crate::context::Context;
use crate::platform::logos::unused;
use crate::store::StoreError;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// When it was done last, in this process.
#[derive(Default)]
pub struct Turns(Option<Timestamp>);

pub async fn turn(ctx: &Context, turns: &mut Turns) -> Result<(), StoreError> {
    let now = ctx.now();
    if turns.0.is_some_and(|last| now.since(last) < EVERY) {
        return Ok(());
    }
    turns.0 = Some(now);
    let removed = unused::remove(ctx).await?;
    if removed > 0 {
        log::info!("{removed} logos were removed that no app names any more");
    }
    Ok(())
}
