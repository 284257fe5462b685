//! Export, a page at a time, and import: JSON Lines that carry the records byte for byte.
//!
//! First line: `{"grantd_export":1,"format":1,"secret_fingerprint":"…"}`. Then one line a record,
//! `{"space":"user","key":"<base64url>","value":"<base64url>","expires_at":<ms or null>}`, or `"value":null` for one
//! that was deleted while the export ran; later lines win. Last line: `{"end":true,"records":<lines between>}`.
//!
//! Values are the store's own encoding, so what is imported is equal to the byte. Sealed values open with the same
//! `data/secret` alone, which an export does not contain. One number alone may change: where webhooks have places in a
//! line that commits of the old store gave them, the settings say how many those were, so that what the new store
//! commits comes after them.

use crate::base::digest::{base64url, from_base64url};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::delivery::Delivery;
use crate::model::settings::{FORMAT, Settings};
use crate::store::keys::SPACES;
use crate::store::records::load;
use crate::store::{Batch, Key, Outcome, Seq, Store, Write, codec, keys, limits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const PAGE: u32 = 500;
const EXPORT_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub grantd_export: u32,
    pub format: u32,
    pub secret_fingerprint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub space: String,
    pub key: String,
    pub value: Option<String>,
    pub expires_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    pub end: bool,
    pub records: u64,
}

/// The header, and the commit from which changes must be added to the pages.
pub async fn begin(ctx: &Context) -> Result<Value, String> {
    let settings = ctx.settings().await?;
    let header = Header {
        grantd_export: EXPORT_VERSION,
        format: settings.format,
        secret_fingerprint: settings.secret_fingerprint.clone(),
    };
    // An empty batch changes nothing and tells where the feed stands.
    let seq = match ctx.store.commit(Batch::new()).await? {
        Outcome::Committed(seq) => seq,
        Outcome::Conflict => return Err("an empty batch cannot conflict".into()),
    };
    Ok(json!({ "header": header, "seq": seq.0 }))
}

/// A page of records after the key of the last one.
pub async fn page(ctx: &Context, after: Option<String>) -> Result<Value, String> {
    let after = after
        .map(|text| from_base64url(&text).ok_or("the key is no base64url"))
        .transpose()?
        .map(Key);
    let rows = ctx.store.scan(&Key::default(), after.as_ref(), PAGE).await?;
    let lines: Vec<Line> = rows
        .iter()
        .filter(|(key, _)| goes_along(key))
        .map(|(key, stored)| line(key, Some(&stored.value), stored.expires_at))
        .collect();
    Ok(json!({ "lines": lines, "more": rows.len() == PAGE as usize }))
}

/// What was committed after `after`, so that pages read one after another become one state.
pub async fn changes(ctx: &Context, after: u64) -> Result<Value, String> {
    let changes = ctx.store.changes(Seq(after), PAGE).await?;
    let mut lines = Vec::new();
    for write in changes.iter().flat_map(|change| &change.writes) {
        let (Write::Put { key, .. } | Write::Delete { key }) = write;
        if !goes_along(key) {
            continue;
        }
        lines.push(match write {
            Write::Put { key, value, expires_at } => line(key, Some(value), *expires_at),
            Write::Delete { key } => line(key, None, None),
        });
    }
    let last = changes.last().map_or(after, |change| change.seq.0);
    Ok(json!({ "lines": lines, "seq": last, "more": changes.len() == PAGE as usize }))
}

/// Where the chain over the audit log stands names commits of this store: another one finds it out from the blocks.
fn goes_along(key: &Key) -> bool {
    *key != keys::audit_chain()
}

fn line(key: &Key, value: Option<&[u8]>, expires_at: Option<Timestamp>) -> Line {
    let space = SPACES
        .iter()
        .find(|(tag, _)| key.0.first() == Some(tag))
        .map_or("unknown", |(_, name)| name);
    Line {
        space: space.into(),
        key: base64url(&key.0),
        value: value.map(base64url),
        expires_at,
    }
}

/// Whether nothing was ever written to it.
pub async fn is_empty(store: &dyn Store) -> Result<bool, String> {
    Ok(store.scan(&Key::default(), None, 1).await?.is_empty())
}

/// Reads an export into an empty store. Refuses one that is cut short, or made with another secret.
pub async fn import(
    store: &dyn Store,
    secret_matches: impl Fn(&str) -> bool,
    mut lines: impl Iterator<Item = std::io::Result<String>>,
) -> Result<u64, String> {
    if !is_empty(store).await? {
        return Err("the store is not empty: import into a new data directory".into());
    }
    let mut next = || {
        lines
            .next()
            .transpose()
            .map_err(|e| format!("the export cannot be read: {e}"))
    };
    let header: Header = next()?
        .and_then(|line| serde_json::from_str(&line).ok())
        .ok_or("this is no export: its first line is not a header")?;
    if header.grantd_export != EXPORT_VERSION || header.format != FORMAT {
        return Err("the export was made by another version: use the release that wrote it".into());
    }
    if !secret_matches(&header.secret_fingerprint) {
        return Err("the export was made with another data/secret: put that one here first".into());
    }
    let (mut records, mut batch, mut bytes, mut placed) = (0, Batch::new(), 0, 0);
    while let Some(text) = next()? {
        if let Ok(trailer) = serde_json::from_str::<Trailer>(&text) {
            if !trailer.end || trailer.records != records {
                return Err(format!("the export has {records} records and says {}", trailer.records));
            }
            if next()?.is_some() {
                return Err("the export goes on after its end line: something was appended to it".into());
            }
            store.commit(batch).await?;
            continue_after(store, placed).await?;
            return Ok(records);
        }
        let write = parse(&text).ok_or_else(|| format!("line {} of the export is damaged", records + 2))?;
        records += 1;
        let size = text.len();
        if batch.writes.len() == limits::WRITES_MAX || bytes + size > limits::BATCH_BYTES_MAX {
            store.commit(std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
        bytes += size;
        placed = placed.max(place(&write));
        batch.writes.push(write);
    }
    Err("the export is cut short: it has no end line. Nothing made from it should be used".into())
}

/// Where in line a webhook stands that is written here. 0 for everything else.
fn place(write: &Write) -> u64 {
    match write {
        Write::Put { key, value, .. } if keys::is_delivery(key) => {
            codec::decode::<Delivery>(value).map_or(0, |delivery| delivery.written)
        }
        _ => 0,
    }
}

/// The commits of this store are numbered from 1 again: what they write comes after everything that was imported.
async fn continue_after(store: &dyn Store, placed: u64) -> Result<(), String> {
    let Some(settings) = load::<Settings>(store, &keys::settings()).await? else {
        return Ok(());
    };
    if placed > settings.commits_before {
        let after = Settings {
            commits_before: placed,
            ..settings.value.clone()
        };
        let mut batch = Batch::new();
        batch.replace(&settings, &after)?;
        store.commit(batch).await?;
    }
    Ok(())
}

fn parse(text: &str) -> Option<Write> {
    let line: Line = serde_json::from_str(text).ok()?;
    let key = Key(from_base64url(&line.key)?);
    Some(match line.value {
        Some(value) => Write::Put {
            key,
            value: from_base64url(&value)?,
            expires_at: line.expires_at,
        },
        None => Write::Delete { key },
    })
}
