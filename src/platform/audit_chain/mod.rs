//! Chains events behind one another ([`crate::model::audit_chain`]): one job reads them from the change feed, so that
//! what causes an event never waits for the chain, and nothing that was committed is left out.

pub mod verify;

use crate::base::master::KeyedDigest;
use crate::context::Context;
use crate::model::audit_chain::{BLOCK_EVENTS_MAX, Block, Chain, Link, link};
use crate::store::records::{Versioned, list, load};
use crate::store::{Batch, Change, Key, Outcome, Seq, StoreError, Write, keys};
use std::collections::HashSet;

/// The journal keeps what this reader of the change feed has not seen.
pub const READER: &str = "audit";
/// Commits looked at together.
const PAGE: u32 = 500;
/// Events chained by one batch: eight blocks at most are written at once.
const LINKS_MAX: usize = 8 * BLOCK_EVENTS_MAX;
/// So many commits without an event are written down as looked at.
const SILENT_COMMITS_MAX: u64 = 10_000;
/// Blocks let go in one turn, so that the chain never waits long for that.
const LET_GO_MAX: usize = 100;

/// The cursor of a chain that has not looked for everything yet that was there before it.
const UNFINISHED: u64 = 0;

/// How far the feed was read, where that is further than the chain says.
#[derive(Default)]
pub struct Turns {
    read: u64,
}

/// Chains all that was committed, and lets go what is over.
pub async fn turn(ctx: &Context, turns: &mut Turns) -> Result<(), StoreError> {
    while step(ctx, turns).await? {}
    let_go(ctx).await?;
    ctx.counts.audit_chained_ms.set(ctx.now().millis());
    Ok(())
}

/// `false`: there is no more.
async fn step(ctx: &Context, turns: &mut Turns) -> Result<bool, StoreError> {
    let chain = match standing(ctx).await {
        Ok(Some(chain)) if chain.cursor > UNFINISHED => chain,
        Ok(_) => {
            begin(ctx).await?;
            return Ok(true);
        }
        Err(error) => {
            give_up_waiting(ctx).await?;
            return Err(error);
        }
    };
    if turns.read == 0 {
        ctx.store.reader_at(READER, Seq(chain.cursor));
    }
    let from = Seq(turns.read.max(chain.cursor));
    let changes = match ctx.store.changes(from, PAGE).await {
        Ok(changes) => changes,
        Err(StoreError::Gone { oldest }) => {
            log::warn!(
                "the change feed begins at {}: events before are looked for one by one",
                oldest.0
            );
            begin(ctx).await?;
            return Ok(true);
        }
        Err(error) => return Err(error),
    };
    let (mut links, mut cursor) = (Vec::new(), from);
    for change in &changes {
        let found = links_of(ctx, change);
        if !links.is_empty() && links.len() + found.len() > LINKS_MAX {
            break;
        }
        links.extend(found);
        cursor = change.seq;
    }
    if !links.is_empty() || cursor.0 - chain.cursor >= SILENT_COMMITS_MAX {
        if !append(ctx, &chain, &links, cursor).await? {
            return Ok(false);
        }
        ctx.store.reader_at(READER, cursor);
    }
    turns.read = cursor.0;
    Ok(!changes.is_empty())
}

/// The chain, where it is one: a record of another store tells of other commits.
async fn standing(ctx: &Context) -> Result<Option<Versioned<Chain>>, StoreError> {
    let chain = known(ctx).await?;
    Ok(chain.filter(|chain| chain.cursor < chain.version.0))
}

/// What somebody else wrote there is never sealed as if it were ours.
async fn known(ctx: &Context) -> Result<Option<Versioned<Chain>>, StoreError> {
    let chain = load::<Chain>(&*ctx.store, &keys::audit_chain()).await?;
    match chain {
        Some(chain) if !chain.holds(&ctx.secret) => Err(changed("the record of where the chain stands was changed")),
        chain => Ok(chain),
    }
}

fn changed(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what}: `grantd audit verify` tells more"))
}

/// A chain that cannot go on is evidence as it stands. The journal grows for it no further.
async fn give_up_waiting(ctx: &Context) -> Result<(), StoreError> {
    if let Outcome::Committed(last) = ctx.store.commit(Batch::new()).await? {
        ctx.store.reader_at(READER, last);
    }
    Ok(())
}

/// The events that a commit wrote.
fn links_of(ctx: &Context, change: &Change) -> Vec<Link> {
    let puts = change.writes.iter().filter_map(|write| match write {
        Write::Put { key, value, .. } => Some((key, value)),
        Write::Delete { .. } => None,
    });
    puts.filter_map(|(key, value)| link_of(ctx, key, value)).collect()
}

fn link_of(ctx: &Context, key: &Key, value: &[u8]) -> Option<Link> {
    let (at, id) = keys::event_at(key)?;
    Some(link(&ctx.secret, at, id, key, value))
}

/// `false`: somebody else was faster. The next look begins anew.
async fn append(ctx: &Context, chain: &Versioned<Chain>, links: &[Link], cursor: Seq) -> Result<bool, StoreError> {
    let (new, blocks) = chain.extended(&ctx.secret, links, ctx.now(), cursor);
    let mut batch = Batch::new();
    for block in &blocks {
        batch.insert(block)?;
    }
    batch.replace(chain, &new)?;
    // What revoked something on a full disk is chained there too, and lets the journal go.
    batch.revokes = true;
    if ctx.store.commit(batch).await? != Outcome::Conflict {
        return Ok(true);
    }
    let now = load::<Chain>(&*ctx.store, &keys::audit_chain()).await?;
    if now.is_some_and(|now| now.version == chain.version) {
        give_up_waiting(ctx).await?;
        let number = new.newest.number;
        return Err(changed(&format!("block {number} of the audit log is there already")));
    }
    Ok(false)
}

/// Makes the chain, or makes it anew behind the blocks that are there: in a store that was imported, or whose feed no
/// longer reaches back. Every event that no block names is looked for.
async fn begin(ctx: &Context) -> Result<(), StoreError> {
    // An empty batch changes nothing and tells where the feed stands.
    let Outcome::Committed(cursor) = ctx.store.commit(Batch::new()).await? else {
        return Ok(());
    };
    let old = known(ctx).await?;
    let (mut named, mut newest, mut oldest) = (HashSet::new(), None, None);
    let mut after = None;
    loop {
        let (blocks, next) = list::<Block>(&*ctx.store, &keys::audit_blocks(), after.as_ref(), PAGE / 10).await?;
        for block in blocks {
            named.extend(block.links.iter().map(|(.., digest)| *digest));
            let place = block.place();
            if !block.follows(&ctx.secret, newest.as_ref().unwrap_or(&block.before)) {
                give_up_waiting(ctx).await?;
                return Err(changed(&format!("block {} of the audit log was changed", block.number)));
            }
            newest = Some(place);
            oldest.get_or_insert(block.value.before);
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    let (newest, anchor) = match &old {
        Some(old) => (old.newest.clone(), old.anchor.clone()),
        None => (newest.unwrap_or_default(), oldest.unwrap_or_default()),
    };
    if old.is_none() && newest.number > 0 {
        log::warn!(
            "where the chain over the audit log stands was not known: it goes on behind block {}",
            newest.number
        );
    }
    let new = Chain::new(&ctx.secret, newest, anchor, Seq(UNFINISHED));
    let mut batch = Batch::new();
    match &old {
        Some(old) => batch.replace(old, &new)?,
        None => batch.insert(&new)?,
    };
    ctx.store.commit(batch).await?;
    if !chain_old(ctx, cursor, &named).await? {
        return Ok(());
    }
    // Only now: whatever stopped it before, the next look begins anew.
    if let Some(chain) = standing(ctx).await?
        && append(ctx, &chain, &[], cursor).await?
    {
        ctx.store.reader_at(READER, cursor);
    }
    Ok(())
}

/// What was there at `cursor` and is in no block. `false`: somebody else was faster.
async fn chain_old(ctx: &Context, cursor: Seq, named: &HashSet<KeyedDigest>) -> Result<bool, StoreError> {
    let mut after = None;
    loop {
        let rows = ctx.store.scan(&keys::events(), after.as_ref(), PAGE).await?;
        let Some((last, _)) = rows.last() else { return Ok(true) };
        after = Some(last.clone());
        let old = rows.iter().filter(|(_, stored)| stored.version <= cursor);
        let links = old.filter_map(|(key, stored)| link_of(ctx, key, &stored.value));
        let links: Vec<Link> = links.filter(|(.., digest)| !named.contains(digest)).collect();
        for some in links.chunks(LINKS_MAX) {
            let Some(chain) = standing(ctx).await? else {
                return Ok(false);
            };
            if !append(ctx, &chain, some, Seq(chain.cursor)).await? {
                return Ok(false);
            }
        }
    }
}

/// The oldest blocks, where all their events were kept as long as events are: the chain remembers the last of them.
async fn let_go(ctx: &Context) -> Result<(), StoreError> {
    for _ in 0..LET_GO_MAX {
        let (oldest, _) = list::<Block>(&*ctx.store, &keys::audit_blocks(), None, 1).await?;
        let Some(oldest) = oldest.first().filter(|block| block.is_over(ctx.now())) else {
            return Ok(());
        };
        let Some(chain) = standing(ctx).await? else {
            return Ok(());
        };
        // Of a broken chain nothing is let go: it is evidence.
        if !oldest.follows(&ctx.secret, &chain.anchor) {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.replace(&chain, &chain.without(&ctx.secret, oldest))?;
        batch.remove(oldest);
        ctx.store.commit(batch).await?;
    }
    Ok(())
}
