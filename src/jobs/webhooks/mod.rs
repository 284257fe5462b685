//! Webhooks: from what happened to what was delivered.
//!
//! Every endpoint that something waits for has a lane of its own while something is due there: a task that sends what
//! is due, one or two at a time, and ends. So an endpoint that takes nothing holds up no other. What all lanes share
//! are the slots: those of endpoints that are failing are apart from the rest, and few.

mod lane;

use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::delivery::Delivery;
use crate::platform::webhooks::{destination, outcome, reminding, telling};
use crate::store::records::list_by_index;
use crate::store::{StoreError, keys};
use crate::web::outbound::{Outbound, Patience, Resolver};
use lane::{Done, Next};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};

/// Requests at once, of endpoints that take what they are sent, and of those that do not.
const SLOTS: usize = 48;
const FAILING_SLOTS: usize = 16;
/// How often the outbox is looked at, since most of those who write to it tell nobody.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often all that waits is looked for, and not only what is known to wait.
const LOOK_EVERYWHERE_EVERY: Duration = Duration::from_secs(60);
/// Deliveries of an endpoint between two looks whether its log has grown too long.
const FORGET_EVERY: usize = 200;

pub struct Courier {
    pub(super) ctx: Arc<Context>,
    pub(super) outbound: Outbound,
    slots: Semaphore,
    failing_slots: Semaphore,
}

impl Courier {
    pub fn new(ctx: Arc<Context>, resolver: Arc<dyn Resolver>, patience: Patience) -> Arc<Self> {
        let ca_file = ctx.config.webhooks.ca_file.clone();
        Arc::new(Self {
            ctx,
            outbound: Outbound::new(resolver, ca_file, patience),
            slots: Semaphore::new(SLOTS),
            failing_slots: Semaphore::new(FAILING_SLOTS),
        })
    }

    pub(super) fn slots(&self, failing: bool) -> &Semaphore {
        if failing { &self.failing_slots } else { &self.slots }
    }
}

/// Runs until dropped, and takes what is on its way along.
pub async fn run(courier: Arc<Courier>) {
    let ctx = courier.ctx.clone();
    let mut lanes = Lanes::default();
    let mut everywhere_at: Option<Timestamp> = None;
    loop {
        let look = async {
            reminding::turn(&ctx).await?;
            let told = tell(&ctx).await?;
            if told || everywhere_at.is_none_or(|at| ctx.now() >= at) {
                lanes.find(&ctx).await?;
                everywhere_at = Some(ctx.now() + LOOK_EVERYWHERE_EVERY);
            }
            lanes.start(&courier);
            Ok::<_, StoreError>(())
        };
        if let Err(error) = look.await {
            log::error!("webhooks could not be looked after: {error}");
        }
        tokio::select! {
            Some(ended) = lanes.running.join_next_with_id() => {
                if let Err(error) = lanes.ended(&ctx, ended).await {
                    log::error!("what came of webhooks could not be looked at: {error}");
                }
            }
            () = ctx.webhooks_waiting.notified() => everywhere_at = None,
            () = pause() => {}
        }
    }
}

async fn pause() {
    // Either way there is a next look.
    let _ = tokio::time::timeout(LOOK_EVERY, std::future::pending::<()>()).await;
}

/// Tells of all that waits, and sends all that is due, once.
pub async fn turn(courier: &Arc<Courier>) -> Result<(), StoreError> {
    let ctx = &courier.ctx;
    reminding::turn(ctx).await?;
    tell(ctx).await?;
    let mut lanes = Lanes::default();
    lanes.find(ctx).await?;
    lanes.start(courier);
    while let Some(ended) = lanes.running.join_next_with_id().await {
        lanes.ended(ctx, ended).await?;
    }
    Ok(())
}

/// Whether there was anything.
async fn tell(ctx: &Arc<Context>) -> Result<bool, StoreError> {
    let mut told = false;
    while !ctx.store.scan(&keys::untold_events(), None, 1).await?.is_empty() {
        told = true;
        if !telling::turn(ctx).await? {
            break;
        }
    }
    Ok(told)
}

#[derive(Default)]
struct Lanes {
    /// When something is due at each endpoint for which something waits and nothing is on its way.
    due: HashMap<String, Timestamp>,
    /// Those for which something is.
    busy: HashMap<Id, String>,
    running: JoinSet<Done>,
    /// Sent since its log was last looked at.
    sent: HashMap<String, usize>,
}

impl Lanes {
    /// One read for each endpoint that something waits for, however much that is; three where it stands in line.
    async fn find(&mut self, ctx: &Context) -> Result<(), StoreError> {
        self.due.clear();
        let mut after = None;
        loop {
            let rows = ctx
                .store
                .scan(&keys::all_waiting_deliveries(), after.as_ref(), 1)
                .await?;
            let Some((key, _)) = rows.first() else {
                return Ok(());
            };
            let Some((endpoint, due, behind)) = keys::waiting_at(key) else {
                return Err(StoreError::Corrupt(format!("{key:?} is no place in a queue")));
            };
            after = Some(behind);
            if self.busy.values().any(|busy| *busy == endpoint) {
                continue;
            }
            if due > Timestamp::from_millis(0) {
                self.due.insert(endpoint, due);
            } else if let Some(due) = due_in_line(ctx, &endpoint).await? {
                self.due.insert(endpoint, due);
            }
        }
    }

    fn start(&mut self, courier: &Arc<Courier>) {
        let now = courier.ctx.now();
        let due: Vec<String> = self
            .due
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(id, _)| id.clone())
            .collect();
        for endpoint in due {
            self.due.remove(&endpoint);
            let task = self.running.spawn(lane::run(courier.clone(), endpoint.clone()));
            self.busy.insert(task.id(), endpoint);
        }
    }

    async fn ended(&mut self, ctx: &Context, ended: Result<(Id, Done), JoinError>) -> Result<(), StoreError> {
        let (id, done) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // The next look everywhere finds what waits.
                let endpoint = self.busy.remove(&error.id()).unwrap_or_default();
                log::error!("the deliveries to {endpoint} ended early: {error}");
                return Ok(());
            }
        };
        self.busy.remove(&id);
        let next = match done.next {
            Next::At(at) => Some(at),
            Next::Nothing => first_due(ctx, &done.endpoint).await?,
            Next::Stopped => None,
        };
        if let Some(at) = next {
            self.due.insert(done.endpoint.clone(), at);
        }
        let sent = self.sent.entry(done.endpoint.clone()).or_default();
        *sent += done.sent;
        if *sent >= FORGET_EVERY {
            self.sent.remove(&done.endpoint);
            outcome::forget(ctx, &done.endpoint).await?;
        }
        Ok(())
    }
}

/// When something is due where deliveries stand in line: they are placed by their turn, and the record of the first
/// tells when it is due. Behind the line stand tests.
async fn due_in_line(ctx: &Context, endpoint: &str) -> Result<Option<Timestamp>, StoreError> {
    let prefix = keys::waiting_deliveries(endpoint);
    let (line, _) = list_by_index::<Delivery>(&*ctx.store, &prefix, None, 1).await?;
    let Some(head) = line.first() else { return Ok(None) };
    let destination = destination::of(ctx, head).await?;
    if !destination.is_some_and(|destination| destination.in_order) {
        // What stands in line has to leave it, or goes nowhere.
        return Ok(Some(ctx.now()));
    }
    let loose = ctx.store.scan(&prefix, Some(&keys::behind_line(endpoint)), 1).await?;
    let loose = loose.first().and_then(|(key, _)| keys::waiting_at(key));
    let loose = loose.map(|(_, due, _)| due);
    Ok(loose.into_iter().chain([head.next_attempt_at]).min())
}

async fn first_due(ctx: &Context, endpoint: &str) -> Result<Option<Timestamp>, StoreError> {
    let rows = ctx.store.scan(&keys::waiting_deliveries(endpoint), None, 1).await?;
    let place = rows.first().and_then(|(key, _)| keys::waiting_at(key));
    Ok(place.map(|(_, due, _)| due))
}
