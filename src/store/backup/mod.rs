//! Backups: the whole store as it stood after one commit, in one file that proves itself. The format, version 1:
//!
//! ```text
//! magic "grantdb1", then blocks (see `store::blocks`):
//!   h  the header, JSON: {"format","records_format","program","made_at","history","seq","secret"}
//!   r  records by their keys: key u16 + bytes, version u64, expires_at u64 (MAX: never), value u32 + bytes
//!   l  a logo: its name u8 + text, its PNG
//!   m  the manifest, JSON: {"records","spaces":[{"space","records","digest"}],"logos","logos_digest"}
//!   d  SHA-256 of the header and the manifest [32] ‖ the same digest keyed with the master secret [33]
//! ```
//! A space's digest is the SHA-256 of its records as they stand in the blocks: two stores with equal digests hold the
//! same. The keyed digest is against malice: whoever may write where backups lie, and does not have the master secret,
//! cannot slip in a record. Secrets in records are digests or sealed; the master secret itself is never in a backup.

pub mod chain;
mod merge;
mod read;
pub mod segments;
mod spaces;
mod write;

pub use chain::retain;
pub use read::{BackupReader, Part, verify};
pub use write::{Making, NAME_SUFFIX, sweep_leftovers, write, write_in};

use super::journal::frame::Id;
use super::{Seq, blocks::BLOCK_BYTES_MAX};
use crate::base::digest::{base64url, from_base64url, sha256};
use crate::base::master::{MasterSecret, Purpose};
use crate::base::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

pub const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"grantdb1";
const HEADER: u8 = b'h';
const RECORDS: u8 = b'r';
const LOGO: u8 = b'l';
const MANIFEST: u8 = b'm';
const DIGEST: u8 = b'd';
/// So much of records goes into a block.
const PAYLOAD_BYTES: usize = 256 * 1024;
const _: () = assert!(PAYLOAD_BYTES + 16 * 1024 < BLOCK_BYTES_MAX);

/// The line of commits that one store writes. It tells whose backup and whose segments belong together; made of the
/// journal's id, which never leaves the machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct History(pub [u8; 16]);

impl History {
    pub fn of(journal: &Id) -> Self {
        let mut text = b"grantd history".to_vec();
        text.extend_from_slice(journal);
        let mut out = [0; 16];
        out.copy_from_slice(&sha256(&text)[..16]);
        Self(out)
    }

    /// Enough of it to tell files apart.
    pub fn short(&self) -> String {
        self.0[..4].iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url(self.0))
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub format: u32,
    /// Of the records: `model::settings::FORMAT` of the program that wrote it.
    pub records_format: u32,
    pub program: String,
    pub made_at: Timestamp,
    pub history: String,
    /// The last commit contained.
    pub seq: u64,
    /// The fingerprint of the master secret.
    pub secret: String,
}

impl Header {
    pub fn history(&self) -> Option<History> {
        Some(History(from_base64url(&self.history)?.try_into().ok()?))
    }

    pub fn seq(&self) -> Seq {
        Seq(self.seq)
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub records: u64,
    /// In the order of their keys; those that hold nothing are left out.
    pub spaces: Vec<Space>,
    pub logos: u64,
    pub logos_digest: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    pub space: String,
    pub records: u64,
    pub digest: String,
}

/// What a backup says of itself, once it was found whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Summary {
    #[serde(flatten)]
    pub header: Header,
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Over all.
    pub digest: String,
}

/// Proof that whoever wrote it has the secret.
fn keyed(secret: &MasterSecret, digest: &[u8]) -> Vec<u8> {
    secret.digest(Purpose::Backup, digest).as_bytes().to_vec()
}

fn is_keyed(secret: &MasterSecret, digest: &[u8], keyed: &[u8]) -> bool {
    secret.verify_short(Purpose::Backup, digest, keyed)
}
