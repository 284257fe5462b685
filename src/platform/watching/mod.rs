//! What there is to see of a running server: read at a moment, told as metrics ([`exposition`]) and on a page.
//!
//! What happens is counted where it happens ([`crate::model::counts`]); what is, is looked at here, when somebody asks.

pub mod exposition;
pub mod history;
mod sheet;
pub mod warnings;

use crate::base::certificate::Validity;
use crate::base::jose::Algorithm;
use crate::base::process::{self, ProcessUse, Room};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::acme_state::Renewal;
use crate::model::backup_state::Backups;
use crate::model::signing_key::KeyState;
use crate::store::{Key, Measured, StoreError, keys};

/// More of what waits is not counted: whoever asks must not cost more than what they look at.
pub const WAITING_MAX: u64 = 5_000;
const PAGE: u32 = 500;

/// How many wait in a queue, [`WAITING_MAX`] at most, and since when its first is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waiting {
    pub count: u64,
    pub due: Option<Timestamp>,
}

/// What waits to be done by a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Queues {
    pub mails: Waiting,
    /// Events that no delivery was made of yet.
    pub events: Waiting,
    /// Those of endpoints that are paused wait too.
    pub deliveries: Waiting,
}

/// The key of an algorithm that signs now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SigningAge {
    pub algorithm: Algorithm,
    pub activated_at: Timestamp,
    /// When the next one takes over, by the configuration.
    pub due_at: Timestamp,
}

/// Everything of one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    pub at: Timestamp,
    pub began: Timestamp,
    pub process: ProcessUse,
    /// Of the file system that the data directory lies in.
    pub room: Option<Room>,
    pub store: Option<Measured>,
    /// `Err`: the store cannot be read.
    pub queues: Result<Queues, StoreError>,
    pub keys: Vec<SigningAge>,
    pub certificate: Option<Validity>,
    /// What the server has backed up by itself, and what of it fails.
    pub backups: Backups,
    /// Of a certificate that is obtained by itself.
    pub renewal: Option<Renewal>,
    /// When the chain over the audit log last held everything; `None`: not since the process began.
    pub chained: Option<Timestamp>,
}

pub async fn look(ctx: &Context) -> Seen {
    Seen {
        at: ctx.now(),
        began: process::began(),
        process: process::read(),
        room: process::room(&ctx.config.data_dir),
        store: ctx.store.measured(),
        queues: queues(ctx).await,
        keys: signing_ages(ctx),
        certificate: ctx.certificate(),
        backups: ctx.backups.now(),
        renewal: ctx.config.acme.as_ref().map(|_| ctx.acme.now()),
        chained: Some(ctx.counts.audit_chained_ms.get())
            .filter(|ms| *ms > 0)
            .map(Timestamp::from_millis),
    }
}

fn signing_ages(ctx: &Context) -> Vec<SigningAge> {
    let set = ctx.keyring.set();
    let active = set.records.iter().filter(|key| key.state == KeyState::Active);
    let mut ages: Vec<SigningAge> = active
        .map(|key| {
            let activated_at = key.activated_at.unwrap_or(key.created_at);
            SigningAge {
                algorithm: key.algorithm,
                activated_at,
                due_at: activated_at + ctx.config.keys.rotate_after,
            }
        })
        .collect();
    ages.sort_by_key(|age| age.algorithm.as_str());
    ages
}

async fn queues(ctx: &Context) -> Result<Queues, StoreError> {
    Ok(Queues {
        mails: waiting(ctx, &keys::mails(), keys::time_in_key).await?,
        events: waiting(ctx, &keys::untold_events(), keys::time_in_key).await?,
        deliveries: waiting(ctx, &keys::all_waiting_deliveries(), |key| {
            keys::waiting_at(key).map(|(_, due, _)| due)
        })
        .await?,
    })
}

async fn waiting(ctx: &Context, queue: &Key, due: fn(&Key) -> Option<Timestamp>) -> Result<Waiting, StoreError> {
    let (mut found, mut after) = (Waiting::default(), None);
    loop {
        let rows = ctx.store.scan(queue, after.as_ref(), PAGE).await?;
        found.count += rows.len() as u64;
        found.due = rows.iter().filter_map(|(key, _)| due(key)).chain(found.due).min();
        match rows.into_iter().next_back() {
            Some((last, _)) if found.count < WAITING_MAX => after = Some(last),
            _ => return Ok(found),
        }
    }
}
