//! Writing a backup: from an export, in one pass, verified by reading it back.

use super::spaces::Spaces;
use super::{DIGEST, FORMAT, HEADER, Header, History, LOGO, MAGIC, MANIFEST, PAYLOAD_BYTES, RECORDS, Summary};
use super::{keyed, merge, read};
use crate::base::digest::{base64url, sha256};
use crate::base::master::MasterSecret;
use crate::base::order;
use crate::base::time::Timestamp;
use crate::store::blocks::BlockWriter;
use crate::store::disk;
use crate::store::export::{Export, ExportReader, put_row};
use serde::Serialize;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What the name of a backup ends with.
pub const NAME_SUFFIX: &str = ".backup";
const UNFINISHED_PREFIX: &str = ".grantd-";
const UNFINISHED_SUFFIX: &str = ".unfinished";
const LOGO_SUFFIX: &str = ".png";

/// What a backup is made from.
pub struct Making<'a> {
    /// Made by the store just now.
    pub export: &'a Export,
    pub secret: &'a MasterSecret,
    pub records_format: u32,
    pub now: Timestamp,
    /// The directory of the apps' pictures; it may be missing.
    pub logos: &'a Path,
}

/// Writes a backup into `dir` under a name of its own, `grantd-TIME-HISTORY-SEQ.backup`, readable by its owner alone.
/// It gets that name once it was read back from the disk, and takes the place of no other.
pub fn write_in(dir: &Path, making: &Making<'_>) -> Result<(PathBuf, Summary), String> {
    let failed = |e: io::Error| format!("no backup can be written to {}: {e}", dir.display());
    fs::create_dir_all(dir).map_err(failed)?;
    sweep_leftovers(dir).map_err(failed)?;
    // Mode 0600. Locked while somebody writes it: what is left behind unlocked belongs to nobody.
    let mut unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED_PREFIX)
        .suffix(UNFINISHED_SUFFIX)
        .tempfile_in(dir)
        .map_err(failed)?;
    unfinished.as_file().lock().map_err(failed)?;
    let written = write(
        BufWriter::with_capacity(PAYLOAD_BYTES, unfinished.as_file_mut()),
        making,
    )?;
    unfinished.as_file().sync_all().map_err(failed)?;
    // What is read back shall come from the disk, not from the pages just written.
    let _ = rustix::fs::fadvise(unfinished.as_file(), 0, None, rustix::fs::Advice::DontNeed);
    let read = read::verify(unfinished.path(), Some(making.secret))?;
    if read != written {
        return Err("what was read back is not what was written: the disk, or the memory, is failing".into());
    }
    let history = read.header.history().map(|history| history.short()).unwrap_or_default();
    let name = format!(
        "grantd-{}-{history}-{:020}{NAME_SUFFIX}",
        making.now.compact(),
        read.header.seq
    );
    let path = dir.join(name);
    unfinished.persist_noclobber(&path).map_err(|e| failed(e.error))?;
    disk::sync_dir(dir).map_err(failed)?;
    Ok((path, read))
}

/// Removes what a writer that was killed left in `dir`.
pub fn sweep_leftovers(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(UNFINISHED_PREFIX) && name.ends_with(UNFINISHED_SUFFIX) {
            let abandoned = disk::open_plain(&entry.path()).is_ok_and(|file| file.try_lock().is_ok());
            if abandoned {
                fs::remove_file(entry.path())?;
                log::info!(
                    "removed {}, which a backup that was cut off had left",
                    entry.path().display()
                );
            }
        }
    }
    Ok(())
}

/// Writes a backup to `to`, such as standard output, without reading it back.
pub fn write(to: impl Write, making: &Making<'_>) -> Result<Summary, String> {
    let failed = |e: io::Error| format!("the backup cannot be written: {e}");
    let export = making.export;
    let header = Header {
        format: FORMAT,
        records_format: making.records_format,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: making.now,
        history: History::of(&ExportReader::open(&export.path)?.id).to_string(),
        seq: export.seq.0,
        secret: making.secret.fingerprint(),
    };
    let header_text = json(&header)?;
    let mut blocks = BlockWriter::new(to, MAGIC).map_err(failed)?;
    blocks.block(HEADER, &header_text).map_err(failed)?;
    let mut spaces = Spaces::new();
    let mut payload = Vec::with_capacity(PAYLOAD_BYTES);
    let seq = merge::records(&export.path, None, |key, stored| {
        let begins = payload.len();
        put_row(&mut payload, key, stored);
        spaces.record(key, &payload[begins..]);
        if payload.len() >= PAYLOAD_BYTES - 16 * 1024 {
            blocks.block(RECORDS, &payload).map_err(failed)?;
            payload.clear();
        }
        Ok(())
    })?;
    if seq != export.seq {
        return Err(format!("the export ends at commit {} and says {}", seq.0, export.seq.0));
    }
    if !payload.is_empty() {
        blocks.block(RECORDS, &payload).map_err(failed)?;
    }
    for (name, file) in logos(making.logos).map_err(failed)? {
        let png = match fs::read(file) {
            // No app names it any more.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(failed)?,
        };
        let mut payload = vec![name.len() as u8];
        payload.extend_from_slice(name.as_bytes());
        payload.extend_from_slice(&png);
        spaces.logo(&payload);
        blocks.block(LOGO, &payload).map_err(failed)?;
    }
    let manifest = spaces.finish();
    let manifest_text = json(&manifest)?;
    blocks.block(MANIFEST, &manifest_text).map_err(failed)?;
    let digest = sha256(&[header_text, manifest_text].concat());
    let mut end = digest.to_vec();
    end.extend_from_slice(&keyed(making.secret, &digest));
    blocks.block(DIGEST, &end).map_err(failed)?;
    blocks.into_inner().flush().map_err(failed)?;
    Ok(Summary {
        header,
        manifest,
        digest: base64url(digest),
    })
}

/// The name of each picture, which is its digest, and its file, in order.
fn logos(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        other => other?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(name) = name.strip_suffix(LOGO_SUFFIX).filter(|name| read::is_logo_name(name)) {
            found.push((name.to_owned(), path.clone()));
        }
    }
    order::by_key(&mut found, |(name, _)| name.clone());
    Ok(found)
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|e| e.to_string())
}
