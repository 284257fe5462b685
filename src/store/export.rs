//! Exports: the whole store in one checked file. Recovery starts from one; the journal may forget what two contain.
//!
//! ```text
//! magic "grantdx1" ‖ journal id [16]
//! blocks: kind u8 ‖ length u32 ‖ payload ‖ crc32c u32 of everything in the file up to here
//!   r  records: key u16 + bytes, version u64, expires_at u64 (MAX: never), value u32 + bytes, again and again
//!   f  one frame of the journal
//!   e  the end: Seq u64 of the last commit contained, number of records u64
//! ```
//! The records are read while commits go on, so they are of different ages; the frames that follow are all commits made
//! meanwhile. Replayed on top, they leave exactly the state after the last of them.

use super::blocks::{BlockReader, BlockWriter};
use super::journal::frame::Id;
use super::{Key, Seq, Stored};
use crate::base::order;
use crate::base::time::Timestamp;
use crate::store::disk;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"grantdx1";
const NEVER: u64 = u64::MAX;
const RECORDS: u8 = b'r';
const FRAME: u8 = b'f';
const END: u8 = b'e';

/// A whole export in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// The last commit contained.
    pub seq: Seq,
    pub path: PathBuf,
}

/// The exports in `dir`, newest first. Each was verified before it got its name.
pub fn list(dir: &Path) -> io::Result<Vec<Export>> {
    let mut exports = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(seq) = stem.filter(|_| path.extension().is_some_and(|e| e == "export")) {
            exports.push(Export { seq: Seq(seq), path });
        }
    }
    order::by_key(&mut exports, |export| std::cmp::Reverse(export.seq));
    Ok(exports)
}

pub struct ExportWriter {
    blocks: BlockWriter<BufWriter<File>>,
    dir: PathBuf,
    unfinished: PathBuf,
    records: u64,
}

impl ExportWriter {
    pub fn create(dir: &Path, id: &Id) -> io::Result<Self> {
        let unfinished = dir.join("unfinished");
        let file = BufWriter::with_capacity(256 * 1024, File::create(&unfinished)?);
        let mut blocks = BlockWriter::new(file, MAGIC)?;
        blocks.raw(id)?;
        Ok(Self {
            blocks,
            dir: dir.to_owned(),
            unfinished,
            records: 0,
        })
    }

    /// A page of records; pages are small enough when a scan of a few hundred rows made them.
    pub fn records(&mut self, rows: &[(Key, Stored)]) -> io::Result<()> {
        let mut payload = Vec::new();
        for (key, stored) in rows {
            put_row(&mut payload, key, stored);
        }
        self.records += rows.len() as u64;
        self.blocks.block(RECORDS, &payload)
    }

    pub fn frame(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.blocks.block(FRAME, bytes)
    }

    /// Ends the file, reads it back from the disk, and only then gives it its name.
    pub fn finish(mut self, seq: Seq) -> Result<Export, String> {
        let explain = |e: io::Error| format!("the export cannot be written: {e}");
        let mut end = seq.0.to_le_bytes().to_vec();
        end.extend_from_slice(&self.records.to_le_bytes());
        self.blocks.block(END, &end).map_err(explain)?;
        let file = self
            .blocks
            .into_inner()
            .into_inner()
            .map_err(|e| explain(e.into_error()))?;
        file.sync_all().map_err(explain)?;
        // What is read back shall come from the disk, not from the pages just written.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        drop(file);
        verify(&self.unfinished)?;
        let path = self.dir.join(format!("{:020}.export", seq.0));
        fs::rename(&self.unfinished, &path)
            .and_then(|()| disk::sync_dir(&self.dir))
            .map_err(explain)?;
        Ok(Export { seq, path })
    }
}

pub enum Block {
    Records(Vec<(Key, Stored)>),
    Frame(Vec<u8>),
    End { seq: Seq },
}

pub struct ExportReader {
    blocks: BlockReader<BufReader<File>>,
    path: PathBuf,
    records: u64,
    pub id: Id,
}

impl ExportReader {
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|e| format!("{} cannot be opened: {e}", path.display()))?;
        let file = BufReader::with_capacity(256 * 1024, file);
        let blocks = BlockReader::new(file, MAGIC).map_err(|e| damaged(path, &e.to_string()))?;
        let mut blocks = blocks.ok_or_else(|| damaged(path, "it is not an export"))?;
        let id = blocks.array().map_err(|e| damaged(path, &e.to_string()))?;
        Ok(Self {
            blocks,
            path: path.to_owned(),
            records: 0,
            id,
        })
    }

    fn damaged(&self, why: &str) -> String {
        damaged(&self.path, why)
    }

    /// The next block, checked. Nothing may be read after the end.
    pub fn block(&mut self) -> Result<Block, String> {
        let (kind, payload) = self.blocks.block().map_err(|e| self.damaged(&e.to_string()))?;
        let block = match kind {
            RECORDS => rows(&payload).map(Block::Records),
            FRAME => Some(Block::Frame(payload)),
            END => end(&payload)
                .filter(|(_, records)| *records == self.records)
                .map(|(seq, _)| Block::End { seq }),
            _ => None,
        };
        let block = block.ok_or_else(|| self.damaged("a block makes no sense"))?;
        if let Block::Records(rows) = &block {
            self.records += rows.len() as u64;
        }
        Ok(block)
    }
}

fn damaged(path: &Path, why: &str) -> String {
    format!("the export {} cannot be used: {why}", path.display())
}

/// Reads the whole file; returns the last commit it contains.
pub fn verify(path: &Path) -> Result<Seq, String> {
    let mut reader = ExportReader::open(path)?;
    loop {
        if let Block::End { seq } = reader.block()? {
            return Ok(seq);
        }
    }
}

fn end(payload: &[u8]) -> Option<(Seq, u64)> {
    let (seq, records) = payload.split_at_checked(8)?;
    Some((
        Seq(u64::from_le_bytes(seq.try_into().ok()?)),
        u64::from_le_bytes(records.try_into().ok()?),
    ))
}

/// A record as exports and backups hold it.
pub fn put_row(payload: &mut Vec<u8>, key: &Key, stored: &Stored) {
    payload.extend_from_slice(&(key.0.len() as u16).to_le_bytes());
    payload.extend_from_slice(&key.0);
    payload.extend_from_slice(&stored.version.0.to_le_bytes());
    payload.extend_from_slice(&stored.expires_at.map_or(NEVER, Timestamp::millis).to_le_bytes());
    payload.extend_from_slice(&(stored.value.len() as u32).to_le_bytes());
    payload.extend_from_slice(&stored.value);
}

/// What [`put_row`] wrote, one after the other.
pub fn rows(mut rest: &[u8]) -> Option<Vec<(Key, Stored)>> {
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let key_bytes = u16::from_le_bytes(take(&mut rest, 2)?.try_into().ok()?);
        let key = Key(take(&mut rest, key_bytes.into())?.to_vec());
        let version = Seq(u64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?));
        let expires = u64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?);
        let expires_at = (expires != NEVER).then_some(Timestamp::from_millis(expires));
        let value_bytes = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
        let value = take(&mut rest, value_bytes as usize)?.into();
        rows.push((
            key,
            Stored {
                value,
                version,
                expires_at,
            },
        ));
    }
    Some(rows)
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(bytes)?;
    *rest = left;
    Some(taken)
}
