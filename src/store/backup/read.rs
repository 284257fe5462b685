//! Reading a backup: nothing of it counts before its end was read and all digests were found right.

use super::spaces::Spaces;
use super::{DIGEST, FORMAT, HEADER, Header, LOGO, MAGIC, MANIFEST, Manifest, RECORDS, Summary, is_keyed};
use crate::base::digest::{base64url, equal, sha256};
use crate::base::master::MasterSecret;
use crate::store::blocks::BlockReader;
use crate::store::export::{put_row, rows};
use crate::store::{Key, Stored, disk};
use std::io::{BufReader, Read};
use std::path::Path;

/// base64url of SHA-256.
const LOGO_NAME_CHARS: usize = 43;

pub enum Part {
    /// In the order of their keys.
    Records(Vec<(Key, Stored)>),
    Logo {
        name: String,
        png: Vec<u8>,
    },
    /// All of it was read, and everything added up.
    End(Summary),
}

pub struct BackupReader<R> {
    blocks: BlockReader<R>,
    /// What sentences call it.
    name: String,
    pub header: Header,
    header_text: Vec<u8>,
    spaces: Option<Spaces>,
    last: Option<Key>,
}

impl<R: Read> BackupReader<R> {
    pub fn open(from: R, name: &str) -> Result<Self, String> {
        let damaged = |why: &str| format!("the backup {name} cannot be used: {why}");
        let blocks = BlockReader::new(from, MAGIC).map_err(|e| damaged(&e.to_string()))?;
        let mut blocks = blocks.ok_or_else(|| damaged("it is no backup of grantd"))?;
        let (kind, header_text) = blocks.block().map_err(|e| damaged(&e.to_string()))?;
        if kind != HEADER {
            return Err(damaged("it has no header"));
        }
        let header = header(&header_text).map_err(|why| damaged(&why))?;
        Ok(Self {
            blocks,
            name: name.to_owned(),
            header,
            header_text,
            spaces: Some(Spaces::new()),
            last: None,
        })
    }

    fn damaged(&self, why: &str) -> String {
        format!("the backup {} cannot be used: {why}", self.name)
    }

    /// The next part. With the secret, its end proves that whoever wrote it had that too.
    pub fn part(&mut self, secret: Option<&MasterSecret>) -> Result<Part, String> {
        let (kind, payload) = self.blocks.block().map_err(|e| self.damaged(&e.to_string()))?;
        match kind {
            RECORDS => self.records(&payload).map(Part::Records),
            LOGO => self.logo(&payload),
            MANIFEST => self.end(&payload, secret).map(Part::End),
            _ => Err(self.damaged("a block makes no sense")),
        }
    }

    fn records(&mut self, payload: &[u8]) -> Result<Vec<(Key, Stored)>, String> {
        let rows = rows(payload).ok_or_else(|| self.damaged("a record cannot be read"))?;
        let mut row = Vec::new();
        for (key, stored) in &rows {
            let ordered = self.last.as_ref().is_none_or(|last| last < key);
            if !ordered || stored.version > self.header.seq() {
                return Err(self.damaged("its records are out of order, or newer than itself"));
            }
            row.clear();
            put_row(&mut row, key, stored);
            if let Some(spaces) = &mut self.spaces {
                spaces.record(key, &row);
            }
            self.last = Some(key.clone());
        }
        Ok(rows)
    }

    fn logo(&mut self, payload: &[u8]) -> Result<Part, String> {
        let logo = || {
            let (length, rest) = payload.split_first()?;
            let (name, png) = rest.split_at_checked(usize::from(*length))?;
            let name = std::str::from_utf8(name).ok().filter(|name| is_logo_name(name))?;
            (base64url(sha256(png)) == name).then(|| (name.to_owned(), png.to_vec()))
        };
        let (name, png) = logo().ok_or_else(|| self.damaged("a logo is not what its name says"))?;
        if let Some(spaces) = &mut self.spaces {
            spaces.logo(payload);
        }
        Ok(Part::Logo { name, png })
    }

    fn end(&mut self, manifest_text: &[u8], secret: Option<&MasterSecret>) -> Result<Summary, String> {
        let (kind, end) = self.blocks.block().map_err(|e| self.damaged(&e.to_string()))?;
        let manifest: Option<Manifest> = serde_json::from_slice(manifest_text).ok();
        let manifest = manifest.ok_or_else(|| self.damaged("its manifest cannot be read"))?;
        let found = self.spaces.take().map(Spaces::finish);
        if let Some(wrong) = found.as_ref().and_then(|found| difference(found, &manifest)) {
            return Err(self.damaged(&format!("the digest of {wrong} is not what its manifest says")));
        }
        let digest = sha256(&[&self.header_text, manifest_text].concat());
        let (stated, keyed) = end.split_at_checked(digest.len()).unwrap_or_default();
        if kind != DIGEST || found.is_none() || !equal(stated, &digest) {
            return Err(self.damaged("its digest is wrong"));
        }
        if !self.blocks.ended().map_err(|e| self.damaged(&e.to_string()))? {
            return Err(self.damaged("something was appended to it"));
        }
        if let Some(secret) = secret {
            if !secret.knows(&self.header.secret) {
                return Err(self.damaged("it was made with another master secret (data/secret)"));
            }
            if !is_keyed(secret, &digest, keyed) {
                return Err(self.damaged("it was not written by a holder of the master secret: somebody changed it"));
            }
        }
        Ok(Summary {
            header: self.header.clone(),
            manifest,
            digest: base64url(digest),
        })
    }
}

fn header(text: &[u8]) -> Result<Header, String> {
    // The version first: what a newer one says besides is not known here.
    let value: serde_json::Value = serde_json::from_slice(text).map_err(|_| "its header cannot be read")?;
    let format = value["format"].as_u64().ok_or("its header cannot be read")?;
    if format > u64::from(FORMAT) {
        return Err(format!(
            "it has format {format}, which a newer grantd wrote; this one reads up to {FORMAT}: use the newer one"
        ));
    }
    serde_json::from_value(value).map_err(|_| "its header cannot be read".into())
}

/// The first part in which they differ.
fn difference(found: &Manifest, stated: &Manifest) -> Option<String> {
    if found == stated {
        return None;
    }
    let wrong = found.spaces.iter().find(|space| !stated.spaces.contains(space));
    Some(wrong.map_or_else(
        || "all records".into(),
        |space| format!("the space \"{}\"", space.space),
    ))
}

pub fn is_logo_name(name: &str) -> bool {
    name.len() == LOGO_NAME_CHARS
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Reads the whole file.
pub fn verify(path: &Path, secret: Option<&MasterSecret>) -> Result<Summary, String> {
    let file = disk::open_plain(path).map_err(|e| format!("{} cannot be opened: {e}", path.display()))?;
    let file = BufReader::with_capacity(256 * 1024, file);
    let mut reader = BackupReader::open(file, &path.display().to_string())?;
    loop {
        if let Part::End(summary) = reader.part(secret)? {
            return Ok(summary);
        }
    }
}
