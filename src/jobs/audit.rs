//! Chains what happened, every second, apart from everything else.

use crate::context::Context;
use crate::platform::audit_chain::{self, Turns};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

const EVERY: Duration = Duration::from_secs(1);

/// Runs until dropped.
pub async fn run(ctx: &Context) {
    let mut pace = tokio::time::interval(EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turns = Turns::default();
    loop {
        pace.tick().await;
        if let Err(error) = audit_chain::turn(ctx, &mut turns).await {
            log::error!("the audit log could not be chained: {error}");
        }
    }
}
