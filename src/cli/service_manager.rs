//! What systemd is told, where it started the program with `Type=notify`: nothing at all elsewhere (sd_notify(3)).

use crate::context::Context;
use sd_notify::NotifyState;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;

/// All doors are open.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// What is under way is finished, nothing new begins.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that the program lives, twice as often as the unit's `WatchdogSec` asks, for as long as it can do what
/// `/readyz` promises: whoever is not heard of is started anew. Returns at once where nobody asks.
pub async fn live(ctx: Arc<Context>) {
    let Some(within) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut turn = interval((within / 2).max(Duration::from_millis(1)));
    loop {
        turn.tick().await;
        match ctx.settings().await {
            Ok(_) => tell(&[NotifyState::Watchdog]),
            Err(error) => log::error!("the service manager is not told that all is well: {error}"),
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::warn!("the service manager cannot be told: {error}");
    }
}
