//! Backups by schedule, and every commit since the last one shipped to the same directory, as `[backup]` says.
//!
//! What fails is told in the log, kept for whoever asks (`grantd backup --status`), and tried again: nothing else waits
//! for it. The journal is not kept for it either, so that a directory that is gone fills no disk: what the journal has
//! forgotten meanwhile is in the next backup, from which shipping goes on.

use crate::base::time::Timestamp;
use crate::config::BackupPlan;
use crate::context::Context;
use crate::store::backup::segments::{self, Shipper, Standing};
use crate::store::backup::{self, History, Making, retain};
use crate::store::{Batch, Change, Outcome, Seq, StoreError, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

const EVERY: Duration = Duration::from_secs(1);
/// After a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an end waits for a disk that may hang.
const CLOSING_MAX: Duration = Duration::from_secs(20);
/// Commits read and shipped at a time.
const PAGE: u32 = 1000;

/// Runs until dropped; at once done where nothing is to be backed up.
pub async fn run(ctx: &Arc<Context>) {
    let Some(mut keeper) = Keeper::new(ctx) else { return };
    let mut pace = tokio::time::interval(EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        keeper.look_after(ctx).await;
    }
}

/// Ships what is left and says that the store was closed. Nothing may be committed after it.
pub async fn finish(ctx: &Arc<Context>) {
    let Some(mut keeper) = Keeper::new(ctx).filter(|keeper| keeper.plan.continuous) else {
        return;
    };
    let closed = tokio::time::timeout(CLOSING_MAX, keeper.close(ctx)).await;
    if let Err(why) = closed.unwrap_or_else(|_| Err("the directory does not answer".into())) {
        log::error!("the last commits were not shipped: {why}");
    }
}

/// What one server remembers of its backups.
pub struct Keeper {
    plan: BackupPlan,
    history: History,
    /// When the newest backup was made.
    newest: Option<Timestamp>,
    shipper: Option<Shipper>,
    not_before: Timestamp,
}

impl Keeper {
    /// `None` where nothing is to be backed up.
    pub fn new(ctx: &Context) -> Option<Self> {
        Some(Self {
            plan: ctx.config.backup.clone()?,
            history: ctx.store.history()?,
            newest: None,
            shipper: None,
            not_before: Timestamp::default(),
        })
    }

    /// Does what is due; what fails is told, and left alone for a while.
    pub async fn look_after(&mut self, ctx: &Arc<Context>) {
        let now = ctx.now();
        if now < self.not_before {
            return;
        }
        match self.turn(ctx).await {
            Ok(()) if ctx.backups.works() => log::info!("backups work again"),
            Ok(()) => {}
            Err(why) => {
                if ctx.backups.fails(now, &why) {
                    log::error!("{why}; it is tried again every minute");
                }
                self.shipper = None;
                self.not_before = now + PATIENCE;
            }
        }
    }

    async fn turn(&mut self, ctx: &Arc<Context>) -> Result<(), String> {
        if self.newest.is_none() {
            self.resume(ctx).await?;
        }
        let due = |made: Timestamp| ctx.now().since(made) >= self.plan.every;
        if self.newest.is_none_or(due) {
            self.back_up(ctx).await?;
        }
        if self.plan.continuous {
            self.ship(ctx).await?;
        }
        Ok(())
    }

    /// Goes on where the last server, or the last attempt, left off.
    async fn resume(&mut self, ctx: &Arc<Context>) -> Result<(), String> {
        let (of, dir, history) = (ctx.clone(), self.plan.directory.clone(), self.history);
        let found = aside(move || {
            std::fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
            segments::resume(&dir, history, &of.secret)
        });
        if let Some(found) = found.await? {
            self.is_ours(ctx, &found).await?;
            let newest = found.newest.header;
            ctx.backups.made(newest.made_at, newest.seq());
            self.newest = Some(newest.made_at);
            self.shipper = Some(found.shipper);
        }
        Ok(())
    }

    /// Whether what was shipped is what this store committed: not so where it was put back from a copy, and something
    /// else was committed since under the same numbers.
    async fn is_ours(&self, ctx: &Context, found: &Standing) -> Result<(), String> {
        let refused = |what: String| {
            format!(
                "{} holds {what}: this store was put back from a copy. Nothing is shipped there any more; give \
                 backup.directory another place, or restore from there",
                self.plan.directory.display()
            )
        };
        let failed = |e: StoreError| format!("commits cannot be shipped: {e}");
        let Outcome::Committed(here) = ctx.store.commit(Batch::new()).await.map_err(failed)? else {
            return Err("an empty batch cannot conflict".into());
        };
        let shipped = found.shipper.shipped();
        if shipped > here {
            return Err(refused(format!(
                "commit {}, and the last one here is {}",
                shipped.0, here.0
            )));
        }
        let Some((first, commits)) = &found.last else {
            return Ok(());
        };
        let count = u32::try_from(commits.len()).unwrap_or(u32::MAX);
        let own = match ctx.store.changes(Seq(first.0 - 1), count).await {
            // Forgotten here: a new backup is made, from which shipping goes on.
            Err(StoreError::Gone { .. }) => return Ok(()),
            other => other.map_err(failed)?,
        };
        let differs = |(own, theirs): (&Change, &Vec<Write>)| own.writes != *theirs;
        match own.iter().zip(commits).position(differs) {
            Some(at) => Err(refused(format!(
                "another commit {} than this store",
                first.0 + at as u64
            ))),
            None => Ok(()),
        }
    }

    async fn back_up(&mut self, ctx: &Arc<Context>) -> Result<Seq, String> {
        let failed = |why: String| format!("no backup could be made: {why}");
        let records_format = ctx.settings().await.map_err(|e| failed(e.to_string()))?.format;
        let export = ctx.store.export().await.map_err(|e| failed(e.to_string()))?;
        let (of, plan, history, now) = (ctx.clone(), self.plan.clone(), self.history, ctx.now());
        let made = aside(move || {
            let making = Making {
                export: &export,
                secret: &of.secret,
                records_format,
                now,
                logos: &of.config.data_dir.join("logos"),
            };
            let made = backup::write_in(&plan.directory, &making)?;
            // Only now: the newest one is known to be whole.
            retain(&plan.directory, history, plan.keep)?;
            Ok(made)
        });
        let (file, summary) = made.await.map_err(failed)?;
        log::info!(
            "{} holds everything up to commit {}",
            file.display(),
            summary.header.seq
        );
        ctx.backups.made(now, summary.header.seq());
        self.newest = Some(now);
        Ok(summary.header.seq())
    }

    async fn ship(&mut self, ctx: &Arc<Context>) -> Result<(), String> {
        if self.shipper.is_none() {
            self.resume(ctx).await?;
        }
        loop {
            let shipper = self.shipper.take();
            let mut shipper = shipper.ok_or("there is no backup that commits could be shipped after")?;
            let changes = match ctx.store.changes(shipper.shipped(), PAGE).await {
                Err(StoreError::Gone { oldest }) => {
                    log::warn!(
                        "the journal begins at commit {}, after those shipped: shipping goes on from a new backup",
                        oldest.0
                    );
                    let seq = self.back_up(ctx).await?;
                    self.shipper = Some(Shipper::after(&self.plan.directory, self.history, seq));
                    continue;
                }
                other => other.map_err(|e| format!("commits cannot be shipped: {e}"))?,
            };
            let (of, now, more) = (ctx.clone(), ctx.now(), changes.len() == PAGE as usize);
            let shipped = aside(move || {
                // Also where there is nothing: that the store was opened takes back the word that it was closed.
                let done = shipper.begin(&of.secret);
                let done = done.and_then(|()| shipper.ship(&changes, &of.secret, now));
                done.map_err(|e| format!("commits cannot be shipped: {e}"))?;
                Ok(shipper)
            });
            let shipper = shipped.await?;
            ctx.backups.shipped(now, shipper.shipped());
            self.shipper = Some(shipper);
            if !more {
                return Ok(());
            }
        }
    }

    async fn close(&mut self, ctx: &Arc<Context>) -> Result<(), String> {
        self.resume(ctx).await?;
        if self.shipper.is_none() {
            return Ok(());
        }
        self.ship(ctx).await?;
        let shipper = self.shipper.take().ok_or("nothing was shipped")?;
        let (of, now) = (ctx.clone(), ctx.now());
        aside(move || shipper.close(&of.secret, now).map_err(|e| e.to_string())).await
    }
}

/// Away from the threads that answer requests: disks are slow.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|e| e.to_string())?
}
