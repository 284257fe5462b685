//! A frame: the commits of one group, whole or not there at all.
//!
//! ```text
//!  0  magic        u32      all numbers little-endian
//!  4  length       u32      of the whole frame, checksum included
//!  8  first        u64      Seq of the first commit; the others follow without a gap
//! 16  count        u32      how many commits
//! 20  previous     [u8; 16] hash of the frame before: a lost or foreign frame breaks the chain
//! 36  commits      each: writes u8, then per write: kind u8, key u16 + bytes, [expires u64], [value u16 + bytes]
//!     checksum     u32      crc32c of the journal's id and everything above
//! ```
//! The writes are absolute, so replaying a frame twice is harmless. The id in the checksum is random and never leaves
//! the machine: nobody can store a value that would be taken for a frame.

use crate::base::time::Timestamp;
use crate::store::{Key, Seq, StoreError, Write};
use aws_lc_rs::digest;

pub const MAGIC: [u8; 4] = *b"gfr1";
pub const HEADER_BYTES: usize = 36;
pub const CHECKSUM_BYTES: usize = 4;
/// No group grows beyond this (see the store's groups), so a longer length is damage, not a frame.
pub const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;

pub type Id = [u8; 16];
pub type Hash = [u8; 16];

const DELETE: u8 = 0;
const PUT: u8 = 1;
const PUT_EXPIRING: u8 = 2;

pub fn hash(bytes: &[u8]) -> Hash {
    let mut out = Hash::default();
    out.copy_from_slice(&digest::digest(&digest::SHA256, bytes).as_ref()[..16]);
    out
}

pub(super) fn checksum(id: &Id, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(id), bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// Builds one frame after the other.
#[derive(Default)]
pub struct FrameBuilder {
    bytes: Vec<u8>,
    count: u32,
}

impl FrameBuilder {
    pub fn start(&mut self, first: Seq) {
        self.bytes.clear();
        self.count = 0;
        self.bytes.extend_from_slice(&MAGIC);
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&first.0.to_le_bytes());
        self.bytes.resize(HEADER_BYTES, 0);
    }

    /// The batch must have been validated: its lengths fit their fields.
    pub fn push(&mut self, writes: &[Write]) {
        self.count += 1;
        self.bytes.push(writes.len() as u8);
        for write in writes {
            match write {
                Write::Delete { key } => self.key(DELETE, key),
                Write::Put { key, value, expires_at } => {
                    match expires_at {
                        None => self.key(PUT, key),
                        Some(at) => {
                            self.key(PUT_EXPIRING, key);
                            self.bytes.extend_from_slice(&at.millis().to_le_bytes());
                        }
                    }
                    self.bytes.extend_from_slice(&(value.len() as u16).to_le_bytes());
                    self.bytes.extend_from_slice(value);
                }
            }
        }
    }

    fn key(&mut self, kind: u8, key: &Key) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&(key.0.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(&key.0);
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// The frame's length once finished.
    pub fn length(&self) -> usize {
        self.bytes.len() + CHECKSUM_BYTES
    }

    /// The frame, chained to the one before it; the next one must be started anew.
    pub fn finish(&mut self, previous: &Hash, id: &Id) -> &[u8] {
        let length = (self.bytes.len() + CHECKSUM_BYTES) as u32;
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
        self.bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
        self.bytes[20..HEADER_BYTES].copy_from_slice(previous);
        let sum = checksum(id, &self.bytes);
        self.bytes.extend_from_slice(&sum.to_le_bytes());
        &self.bytes
    }
}

/// The length a frame beginning with `header` claims, when it is a believable one.
pub fn claimed_length(header: &[u8]) -> Option<usize> {
    if array::<4>(header, 0)? != MAGIC {
        return None;
    }
    let length = u32::from_le_bytes(array(header, 4)?) as usize;
    (HEADER_BYTES + CHECKSUM_BYTES..=FRAME_BYTES_MAX)
        .contains(&length)
        .then_some(length)
}

/// A frame whose checksum has been found right, with a number of commits that it has room for.
pub struct Frame<'a> {
    pub first: Seq,
    pub count: u32,
    pub previous: Hash,
    pub bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame at the beginning of `bytes`, if there is a whole one.
    pub fn read(bytes: &'a [u8], id: &Id) -> Option<Self> {
        let length = claimed_length(bytes)?;
        let bytes = bytes.get(..length)?;
        let (covered, sum) = bytes.split_at(length - CHECKSUM_BYTES);
        if checksum(id, covered).to_le_bytes() != sum {
            return None;
        }
        let (first, count) = (
            u64::from_le_bytes(array(bytes, 8)?),
            u32::from_le_bytes(array(bytes, 16)?),
        );
        // No group is empty, and each of its commits takes a byte at least.
        let body_bytes = length - HEADER_BYTES - CHECKSUM_BYTES;
        if !(1..=body_bytes).contains(&(count as usize)) || first.checked_add(count.into()).is_none() {
            return None;
        }
        Some(Self {
            first: Seq(first),
            count,
            previous: array(bytes, 20)?,
            bytes,
        })
    }

    /// The Seq of the frame's last commit.
    pub fn last(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.count) - 1)
    }

    pub fn commits(&self) -> Result<Vec<Vec<Write>>, StoreError> {
        let body = &self.bytes[HEADER_BYTES..self.bytes.len() - CHECKSUM_BYTES];
        let corrupt = || StoreError::Corrupt(format!("the journal's frame {} cannot be read", self.first.0));
        let mut reader = Reader { rest: body };
        let mut commits = Vec::with_capacity(self.count as usize);
        for _ in 0..self.count {
            let [writes] = reader.array().ok_or_else(corrupt)?;
            let writes = (0..writes).map(|_| reader.write()).collect::<Option<Vec<_>>>();
            commits.push(writes.ok_or_else(corrupt)?);
        }
        if !reader.rest.is_empty() {
            return Err(corrupt());
        }
        Ok(commits)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn counted(&mut self) -> Option<Vec<u8>> {
        let length = u16::from_le_bytes(self.array()?);
        Some(self.take(length.into())?.to_vec())
    }

    fn write(&mut self) -> Option<Write> {
        let [kind] = self.array()?;
        let key = Key(self.counted()?);
        let expires_at = match kind {
            DELETE => return Some(Write::Delete { key }),
            PUT => None,
            PUT_EXPIRING => Some(Timestamp::from_millis(u64::from_le_bytes(self.array()?))),
            _ => return None,
        };
        Some(Write::Put {
            key,
            value: self.counted()?,
            expires_at,
        })
    }
}
