//! What happens by itself.

pub mod acme;
pub mod audit;
pub mod backup;
pub mod failures;
pub mod keys;
pub mod logos;
pub mod mail;
pub mod sweep;
pub mod webhooks;

use crate::context::Context;
use crate::oauth::last_use;
use crate::platform::{usage, watching};
use crate::web::outbound::{Patience, SystemResolver};
use crate::web::tls::Tls;
use std::sync::Arc;
use std::time::Duration;

/// How often each job looks whether there is something to do.
const EVERY: Duration = Duration::from_secs(60);

/// Runs until dropped. Mail, webhooks and the certificate go their own ways: a server that hangs holds nothing else up.
pub async fn run(ctx: Arc<Context>, tls: Option<Arc<Tls>>) {
    let courier = webhooks::Courier::new(ctx.clone(), Arc::new(SystemResolver), Patience::default());
    tokio::join!(
        mail::run(&ctx),
        webhooks::run(courier),
        failures::run(&ctx),
        audit::run(&ctx),
        backup::run(&ctx),
        acme::run(&ctx, tls),
        every_minute(&ctx)
    );
}

/// What only memory holds is written once more, before the end.
pub async fn finish(ctx: &Context) {
    while failures::turn(ctx).await {}
    if let Err(error) = last_use::write(ctx).await {
        log::warn!("when things were last used was not written: {error}");
    }
    if let Err(error) = usage::write(ctx).await {
        log::warn!("what was used of quotas was not written: {error}");
    }
}

/// A job that fails says so and is tried again at the next turn.
async fn every_minute(ctx: &Context) {
    let mut turn = tokio::time::interval(EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut logo_turns = logos::Turns::default();
    loop {
        turn.tick().await;
        watching::history::note(ctx).await;
        if let Err(error) = keys::turn(ctx).await {
            log::error!("the signing keys could not be looked after: {error}");
        }
        if let Err(error) = sweep::turn(ctx).await {
            log::error!("expired records could not be swept: {error}");
        }
        if let Err(error) = last_use::write(ctx).await {
            log::warn!("when things were last used was not written: {error}");
        }
        if let Err(error) = usage::write(ctx).await {
            log::warn!("what was used of quotas was not written: {error}");
        }
        if let Err(error) = logos::turn(ctx, &mut logo_turns).await {
            log::warn!("logos that nobody names were not removed: {error}");
        }
    }
}
