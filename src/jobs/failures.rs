//! Writes down what was refused, for the developers of the apps: apart from the answers, and slowly.

use crate::context::Context;
use crate::oauth::failures;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Between two turns, so that a flood of refusals takes little from what is granted meanwhile.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until dropped.
pub async fn run(ctx: &Context) {
    let mut pace = tokio::time::interval(PAUSE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ctx.failures.filled().await;
        pace.tick().await;
        while turn(ctx).await {
            pace.tick().await;
        }
    }
}

/// Returns whether there is more. What cannot be written is dropped.
pub async fn turn(ctx: &Context) -> bool {
    failures::write(ctx).await.unwrap_or_else(|error| {
        log::warn!("refused requests could not be written down: {error}");
        false
    })
}
