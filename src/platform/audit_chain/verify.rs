//! Whether the audit log is as it was written: every event against the chain, and the chain against itself.

use crate::base::digest::{base64url, sha256};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::audit_chain::{Block, Chain, Link, Place, is_of};
use crate::model::event::KEPT;
use crate::store::records::{list, load};
use crate::store::{StoreError, keys};
use serde::Serialize;
use std::collections::HashSet;
use std::time::Duration;

const PAGE: u32 = 50;
const EVENTS_PAGE: u32 = 500;
/// Findings told one by one; the rest is counted.
const TOLD_MAX: usize = 50;
/// Names of events held in memory at a time.
const NAMED_MAX: usize = 1_000_000;
/// The job looks every second: what waits longer is told.
pub const LAGS_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Blocks and events that were looked at.
    pub blocks: u64,
    pub events: u64,
    /// `NUMBER:DIGEST` of the newest block: kept elsewhere, it shows later that nothing before it was written anew.
    pub end: String,
    /// A sentence each, [`TOLD_MAX`] at most.
    pub findings: Vec<String>,
    pub findings_total: u64,
    /// Events that the job has yet to chain.
    pub waiting: u64,
    pub waiting_since: Option<Timestamp>,
    /// There are blocks, and no record of where the chain stands: as an import leaves it.
    pub unsealed: bool,
    /// They wait longer than a running server lets them.
    pub lags: bool,
}

impl Report {
    fn find(&mut self, sentence: String) {
        self.findings_total += 1;
        if self.findings.len() < TOLD_MAX {
            self.findings.push(sentence);
        }
    }
}

/// `since`: the end of an earlier report, which the chain must lead through.
pub async fn verify(ctx: &Context, since: Option<&str>) -> Result<Report, StoreError> {
    loop {
        let chain = load::<Chain>(&*ctx.store, &keys::audit_chain()).await?;
        let report = look(ctx, chain.as_deref(), since).await?;
        let now = load::<Chain>(&*ctx.store, &keys::audit_chain()).await?;
        // Where blocks were let go meanwhile, some were missed: once more.
        let anchor = |chain: &Option<crate::store::records::Versioned<Chain>>| chain.as_ref().map(|c| c.anchor.clone());
        if anchor(&chain) == anchor(&now) {
            return Ok(report);
        }
    }
}

async fn look(ctx: &Context, chain: Option<&Chain>, since: Option<&str>) -> Result<Report, StoreError> {
    let mut report = Report::default();
    let (anchor, newest) = match chain {
        Some(chain) => (chain.anchor.clone(), chain.newest.clone()),
        None => (Place::default(), Place::default()),
    };
    if chain.is_some_and(|chain| !chain.holds(&ctx.secret)) {
        report.find("The record of where the chain stands was changed.".to_owned());
    }
    report.end = spelled(&newest);
    let mut passed = since.is_none_or(|since| since == spelled(&anchor));
    let (mut links, mut before, mut after) = (0, anchor, None);
    'all: loop {
        let (blocks, next) = list::<Block>(&*ctx.store, &keys::audit_blocks(), after.as_ref(), PAGE).await?;
        for block in &blocks {
            // Chained since this began to look.
            if chain.is_some() && block.number > newest.number {
                break 'all;
            }
            if chain.is_none() && report.blocks == 0 {
                // Imported: the record of where the chain stands does not come along, and is made by the next start.
                report.unsealed = true;
                before = block.before.clone();
                passed |= since == Some(&spelled(&before));
            }
            follow(ctx, &mut report, block, &before);
            for link in &block.links {
                links += 1;
                judge(ctx, &mut report, link).await?;
            }
            before = block.place();
            passed |= since == Some(&spelled(&before));
            report.blocks += 1;
        }
        after = next;
        if after.is_none() {
            break;
        }
        others_go_on().await;
    }
    if report.unsealed {
        report.end = spelled(&before);
    } else if before != newest {
        report.find(format!(
            "The chain ends at block {} and should end at block {}.",
            before.number, newest.number
        ));
    }
    if !passed {
        report.find(format!(
            "The chain does not lead through {}: it was written anew, or cut off.",
            since.unwrap_or_default()
        ));
    }
    // In parts where they are many, so that it takes little memory however long the log is.
    let parts = links / NAMED_MAX + 1;
    for part in 0..parts {
        let part = Part { part, parts };
        let named = part.named(ctx, chain.map(|_| newest.number)).await?;
        unnamed(ctx, &mut report, chain, &part, &named).await?;
    }
    report.lags = report
        .waiting_since
        .is_some_and(|since| ctx.now().since(since) > LAGS_AFTER);
    Ok(report)
}

/// A share of all events, by their names.
struct Part {
    part: usize,
    parts: usize,
}

impl Part {
    /// What stands for the name, where it is of this share.
    fn of(&self, at: Timestamp, id: &str) -> Option<[u8; 16]> {
        let digest = sha256(&[&at.millis().to_be_bytes()[..], id.as_bytes()].concat());
        let (name, rest) = digest.split_first_chunk::<16>()?;
        let share = u32::from_be_bytes(*rest.first_chunk()?) as usize % self.parts;
        (share == self.part).then_some(*name)
    }

    /// Those that blocks name, up to the one numbered.
    async fn named(&self, ctx: &Context, newest: Option<u64>) -> Result<HashSet<[u8; 16]>, StoreError> {
        let (mut named, mut after) = (HashSet::new(), None);
        loop {
            let (blocks, next) = list::<Block>(&*ctx.store, &keys::audit_blocks(), after.as_ref(), PAGE).await?;
            let known = blocks
                .iter()
                .filter(|block| newest.is_none_or(|newest| block.number <= newest));
            named.extend(known.flat_map(|block| block.links.iter().filter_map(|link| self.of(link.0, &link.1))));
            after = next;
            if after.is_none() {
                return Ok(named);
            }
            others_go_on().await;
        }
    }
}

fn follow(ctx: &Context, report: &mut Report, block: &Block, before: &Place) {
    if block.number > before.number + 1 {
        report.find(format!(
            "The blocks {} to {} are gone.",
            before.number + 1,
            block.number - 1
        ));
    } else if !block.follows(&ctx.secret, before) {
        report.find(format!("Block {} was changed, or does not belong there.", block.number));
    }
}

async fn judge(ctx: &Context, report: &mut Report, link: &Link) -> Result<(), StoreError> {
    let (at, id, _) = link;
    let key = keys::event(*at, id);
    match ctx.store.get(&key).await? {
        Some(stored) if is_of(&ctx.secret, link, &key, &stored.value) => report.events += 1,
        Some(_) => report.find(format!("The event {id} of {at} was changed.")),
        // Swept, as it should be.
        None if *at + KEPT <= ctx.now() => {}
        None => report.find(format!("The event {id} of {at} is gone.")),
    }
    Ok(())
}

/// Events that no block names: those of commits the job has not seen yet, and those that never were in one.
async fn unnamed(
    ctx: &Context,
    report: &mut Report,
    chain: Option<&Chain>,
    part: &Part,
    named: &HashSet<[u8; 16]>,
) -> Result<(), StoreError> {
    let cursor = chain.map_or(0, |chain| chain.cursor);
    let mut after = None;
    loop {
        let rows = ctx.store.scan(&keys::events(), after.as_ref(), EVENTS_PAGE).await?;
        for (key, stored) in &rows {
            let Some((at, id)) = keys::event_at(key) else {
                if part.part == 0 {
                    report.find("A record among the events is none.".to_owned());
                }
                continue;
            };
            let Some(name) = part.of(at, id) else { continue };
            if named.contains(&name) || at + KEPT <= ctx.now() {
                continue;
            }
            if stored.version.0 > cursor {
                report.waiting += 1;
                report.waiting_since = report.waiting_since.into_iter().chain([at]).min();
            } else {
                report.find(format!("The event {id} of {at} was put there past the chain."));
            }
        }
        match rows.into_iter().next_back() {
            Some((last, _)) => after = Some(last),
            None => return Ok(()),
        }
        others_go_on().await;
    }
}

/// Nothing here has to be waited for, so a long log would hold the thread that requests need: they go between pages.
async fn others_go_on() {
    tokio::task::yield_now().await;
}

fn spelled(place: &Place) -> String {
    let digest = place
        .digest
        .as_ref()
        .map_or(String::new(), |digest| base64url(digest.as_bytes()));
    format!("{}:{digest}", place.number)
}
