//! Segment files and the index through which others read what the writer wrote.
//!
//! ```text
//! 0  magic "grantdj1"   8  journal id [16]   24  first Seq u64   32  hash of the frame before [16]   48  crc32c u32
//! ```
//! then zeros to byte 64, frames without gaps, and zeros to the end: a segment's blocks are allocated when it is made.

use super::frame::{self, Frame, Hash, Id};
use crate::store::{Change, Seq, StoreError};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub const HEADER_BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"grantdj1";
/// The index remembers a frame about every so many bytes; the reader walks over the rest.
const MARK_EVERY_BYTES: u64 = 64 * 1024;

pub fn file_name(first: Seq) -> String {
    format!("{:020}.journal", first.0)
}

/// A segment in the making: it has its blocks, but is not part of the journal yet.
pub fn spare_name(first: Seq) -> String {
    format!("{:020}.spare", first.0)
}

pub fn header(id: &Id, first: Seq, previous: &Hash) -> [u8; HEADER_BYTES] {
    let mut out = [0; HEADER_BYTES];
    out[..8].copy_from_slice(MAGIC);
    out[8..24].copy_from_slice(id);
    out[24..32].copy_from_slice(&first.0.to_le_bytes());
    out[32..48].copy_from_slice(previous);
    let sum = crc32c::crc32c(&out[..48]);
    out[48..52].copy_from_slice(&sum.to_le_bytes());
    out
}

pub struct Header {
    pub id: Id,
    pub first: Seq,
    pub previous: Hash,
}

pub fn parse_header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    if bytes[..8] != *MAGIC || crc32c::crc32c(&bytes[..48]).to_le_bytes() != bytes[48..52] {
        return None;
    }
    Some(Header {
        id: bytes[8..24].try_into().ok()?,
        first: Seq(u64::from_le_bytes(bytes[24..32].try_into().ok()?)),
        previous: bytes[32..48].try_into().ok()?,
    })
}

struct Segment {
    first: Seq,
    path: PathBuf,
    /// Where the frames end.
    end: u64,
    marks: Vec<(Seq, u64)>,
}

/// Every segment there is, oldest first. Shared between the writer and those who read the feed.
pub struct Segments {
    id: Id,
    list: Mutex<VecDeque<Segment>>,
}

impl Segments {
    pub fn new(id: Id) -> Self {
        Self {
            id,
            list: Mutex::default(),
        }
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<Segment>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, first: Seq, path: PathBuf) {
        self.list().push_back(Segment {
            first,
            path,
            end: HEADER_BYTES as u64,
            marks: Vec::new(),
        });
    }

    /// Notes a frame that now stands in the newest segment.
    pub fn wrote(&self, first: Seq, offset: u64, bytes: usize) {
        let mut list = self.list();
        let newest = list.back_mut().expect("a frame is written only into a segment");
        newest.end = offset + bytes as u64;
        if newest
            .marks
            .last()
            .is_none_or(|(_, at)| offset - at >= MARK_EVERY_BYTES)
        {
            newest.marks.push((first, offset));
        }
    }

    /// The oldest commit still there; the next one to come when there is none.
    pub fn oldest(&self) -> Seq {
        self.list().front().map_or(Seq(1), |segment| segment.first)
    }

    /// Bytes of all frames.
    pub fn bytes(&self) -> u64 {
        self.list().iter().map(|segment| segment.end).sum()
    }

    /// Deletes segments whose every commit is at most `through`; returns how many.
    pub fn trim(&self, through: Seq) -> io::Result<u32> {
        let mut trimmed = 0;
        loop {
            let path = {
                let mut list = self.list();
                match list.get(1) {
                    // The newest segment always stays: it says where the numbers go on.
                    Some(following) if following.first.0 <= through.0 + 1 => list.pop_front().map(|s| s.path),
                    _ => None,
                }
            };
            let Some(path) = path else { return Ok(trimmed) };
            std::fs::remove_file(&path)?;
            trimmed += 1;
        }
    }

    /// Where to begin reading to find commit `seq`: a file, an offset in it, and the first commit of the next file.
    fn locate(&self, seq: Seq) -> Result<Place, StoreError> {
        let list = self.list();
        let oldest = list.front().map_or(Seq(1), |segment| segment.first);
        let at = list.partition_point(|segment| segment.first <= seq);
        let Some(segment) = at.checked_sub(1).and_then(|at| list.get(at)) else {
            return Err(StoreError::Gone { oldest });
        };
        let mark = segment.marks.partition_point(|(first, _)| *first <= seq).checked_sub(1);
        let offset = mark.map_or(HEADER_BYTES as u64, |mark| segment.marks[mark].1);
        Ok(Place {
            path: segment.path.clone(),
            offset,
            following: list.get(at).map(|s| s.first),
        })
    }

    /// Calls `each` with every frame that holds a commit after `after`, up to `durable`, until it answers `false`.
    pub fn frames(
        &self,
        after: Seq,
        durable: Seq,
        mut each: impl FnMut(&Frame<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut next = Seq(after.0.saturating_add(1));
        let mut bytes = Vec::new();
        if next < self.oldest() {
            return Err(StoreError::Gone { oldest: self.oldest() });
        }
        while next <= durable {
            let place = self.locate(next)?;
            let file = File::open(&place.path).map_err(|e| self.unreadable(next, &place.path, &e))?;
            let mut offset = place.offset;
            while next <= durable && place.following.is_none_or(|following| next < following) {
                read_frame(&file, offset, &mut bytes).map_err(|e| self.unreadable(next, &place.path, &e))?;
                let Some(frame) = Frame::read(&bytes, &self.id) else {
                    let path = place.path.display();
                    return Err(StoreError::Corrupt(format!(
                        "the frame at byte {offset} of {path} does not add up"
                    )));
                };
                offset += bytes.len() as u64;
                if frame.last() >= next {
                    next = Seq(frame.last().0 + 1);
                    if !each(&frame)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn unreadable(&self, seq: Seq, path: &Path, e: &io::Error) -> StoreError {
        // A segment may be trimmed between looking it up and opening it.
        let oldest = self.oldest();
        if seq < oldest {
            return StoreError::Gone { oldest };
        }
        StoreError::Unavailable(format!("{} cannot be read: {e}", path.display()))
    }

    /// At most `limit` commits after `after`, none beyond `durable`.
    pub fn changes(&self, after: Seq, durable: Seq, limit: u32) -> Result<Vec<Change>, StoreError> {
        let mut changes = Vec::new();
        let limit = limit as usize;
        if limit == 0 {
            return Ok(changes);
        }
        self.frames(after, durable, |frame| {
            for (seq, writes) in (frame.first.0..).zip(frame.commits()?) {
                if seq > after.0 && changes.len() < limit {
                    changes.push(Change { seq: Seq(seq), writes });
                }
            }
            Ok(changes.len() < limit)
        })?;
        Ok(changes)
    }
}

struct Place {
    path: PathBuf,
    offset: u64,
    following: Option<Seq>,
}

/// The bytes of the frame said to be at `offset`, unchecked, in `bytes`; empty when there cannot be one.
pub fn read_frame(file: &File, offset: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut header = [0; frame::HEADER_BYTES];
    bytes.clear();
    if let Err(e) = file.read_exact_at(&mut header, offset) {
        return if e.kind() == io::ErrorKind::UnexpectedEof {
            Ok(())
        } else {
            Err(e)
        };
    }
    let Some(length) = frame::claimed_length(&header) else {
        return Ok(());
    };
    bytes.resize(length, 0);
    match file.read_exact_at(bytes, offset) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => bytes.clear(),
        other => return other,
    }
    Ok(())
}
