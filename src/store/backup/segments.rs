//! What was committed after a backup, shipped to the backups' directory while the server runs. The format, version 1:
//!
//! ```text
//! magic "grantds1", then blocks (see `store::blocks`):
//!   h  the header, JSON: {"format","history","first","secret"}
//!   c  commits: digest keyed with the master secret [33] ‖ shipped at u64 (ms) ‖ one frame of the journal's format,
//!      its checksum begun with the history
//!   e  the store was closed: digest [33] ‖ at u64 ‖ Seq u64 of its last commit
//! ```
//! A segment is named after its history and its first commit. It is only ever appended to, and each start of the server
//! begins another one: so what a crash cut off stands at the end of its file, was never said to be shipped, and is
//! shipped again in the next. Numbers without a gap are what makes a chain whole, not the ends of files.

use super::chain::{self, Listed};
use super::{History, is_keyed, keyed, verify};
use crate::base::master::MasterSecret;
use crate::base::order;
use crate::base::time::Timestamp;
use crate::store::blocks::{BlockReader, BlockWriter};
use crate::store::journal::frame::{Frame, FrameBuilder};
use crate::store::{Change, Seq, Write, disk};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"grantds1";
const HEADER: u8 = b'h';
const COMMITS: u8 = b'c';
const CLOSED: u8 = b'e';
const KEYED_BYTES: usize = 33;
/// So much of commits goes into a block, and so much into a file.
const BLOCK_BYTES: usize = 1024 * 1024;
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
const PREFIX: &str = "grantd-";
const SUFFIX: &str = ".segment";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    history: String,
    first: u64,
    secret: String,
}

/// A segment by its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    pub first: Seq,
    pub path: PathBuf,
}

/// The segments of `history` in `dir`, oldest first.
pub fn list(dir: &Path, history: &History) -> io::Result<Vec<Segment>> {
    let (mut found, prefix) = (Vec::new(), format!("{PREFIX}{}-", history.short()));
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(SUFFIX));
        if let Some(first) = number.and_then(|number| number.parse().ok()) {
            found.push(Segment {
                first: Seq(first),
                path,
            });
        }
    }
    order::by_key(&mut found, |segment| segment.first);
    Ok(found)
}

/// Where shipping stands in a directory.
pub struct Standing {
    pub shipper: Shipper,
    pub newest: Listed,
    /// The commits that were shipped last, from this one on, to be held against those of the store.
    pub last: Option<(Seq, Vec<Vec<Write>>)>,
}

/// A shipper that goes on where the last one left off, and the backup of this history that reaches furthest; `None`:
/// there is none that segments could follow. Only what a holder of the secret wrote says how far: what a crash cut off
/// is shipped again.
pub fn resume(dir: &Path, history: History, secret: &MasterSecret) -> Result<Option<Standing>, String> {
    let failed = |e: io::Error| format!("{} cannot be read: {e}", dir.display());
    let (backups, _) = chain::list(dir).map_err(failed)?;
    let mut end = Seq(0);
    let mut last = None;
    for segment in list(dir, &history).map_err(failed)?.iter().rev() {
        let Ok(mut reader) = SegmentReader::open(&segment.path, &history) else {
            continue;
        };
        while let Ok(block) = reader.next(secret) {
            if let Shipped::Commits { first, commits, .. } = block {
                end = Seq(first.0 + commits.len() as u64 - 1);
                last = Some((first, commits));
            }
        }
        // Those before it hold earlier ones.
        if last.is_some() {
            break;
        }
    }
    let own = |backup: &Listed| backup.header.history() == Some(history) && secret.knows(&backup.header.secret);
    for newest in backups.into_iter().filter(own) {
        let seq = newest.header.seq();
        // Its header alone proves nothing. What is no backup is passed over: the next one is made soon.
        if seq > end && verify(&newest.path, Some(secret)).is_err() {
            continue;
        }
        let shipper = Shipper::after(dir, history, seq.max(end));
        return Ok(Some(Standing { shipper, newest, last }));
    }
    Ok(None)
}

/// Writes segments, one after the other.
pub struct Shipper {
    dir: PathBuf,
    history: History,
    /// The commit to be shipped next.
    next: Seq,
    open: Option<BlockWriter<File>>,
    bytes: u64,
}

impl Shipper {
    /// Goes on after `shipped`: a new segment begins with the next commit.
    pub fn after(dir: &Path, history: History, shipped: Seq) -> Self {
        Self {
            dir: dir.to_owned(),
            history,
            next: Seq(shipped.0 + 1),
            open: None,
            bytes: 0,
        }
    }

    /// The last commit shipped.
    pub fn shipped(&self) -> Seq {
        Seq(self.next.0 - 1)
    }

    /// Begins a segment before there is anything to ship: whatever said before that the store was closed is no longer
    /// the end.
    pub fn begin(&mut self, secret: &MasterSecret) -> io::Result<()> {
        if self.open.is_some() {
            return Ok(());
        }
        self.segment(secret)?;
        self.sync()
    }

    /// Returns when they are on disk. They follow what was shipped before, without a gap. After an error another
    /// shipper has to go on: what is at the end of the file is not known.
    pub fn ship(&mut self, changes: &[Change], secret: &MasterSecret, now: Timestamp) -> io::Result<()> {
        let mut frame = FrameBuilder::default();
        for change in changes {
            if change.seq < self.next {
                continue;
            }
            if change.seq != Seq(self.next.0 + u64::from(frame.count())) {
                return Err(io::Error::other("the change feed left out a commit"));
            }
            if frame.count() == 0 {
                frame.start(change.seq);
            }
            frame.push(&change.writes);
            if frame.length() >= BLOCK_BYTES {
                self.write(&mut frame, secret, now)?;
                frame = FrameBuilder::default();
            }
        }
        if frame.count() > 0 {
            self.write(&mut frame, secret, now)?;
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.sync()?;
        if self.bytes >= SEGMENT_BYTES {
            self.open = None;
        }
        Ok(())
    }

    /// The store is being closed, and all of it was shipped.
    pub fn close(mut self, secret: &MasterSecret, now: Timestamp) -> io::Result<()> {
        let mut body = now.millis().to_le_bytes().to_vec();
        body.extend_from_slice(&self.shipped().0.to_le_bytes());
        let payload = proved(secret, &self.history, CLOSED, &body);
        self.segment(secret)?.block(CLOSED, &payload)?;
        self.sync()
    }

    fn write(&mut self, frame: &mut FrameBuilder, secret: &MasterSecret, now: Timestamp) -> io::Result<()> {
        let count = frame.count();
        let mut body = now.millis().to_le_bytes().to_vec();
        body.extend_from_slice(frame.finish(&[0; 16], &self.history.0));
        let payload = proved(secret, &self.history, COMMITS, &body);
        self.segment(secret)?.block(COMMITS, &payload)?;
        self.bytes += payload.len() as u64;
        self.next = Seq(self.next.0 + u64::from(count));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.get_mut().sync_data())
    }

    fn segment(&mut self, secret: &MasterSecret) -> io::Result<&mut BlockWriter<File>> {
        if self.open.is_none() {
            let name = format!("{PREFIX}{}-{:020}{SUFFIX}", self.history.short(), self.next.0);
            let path = self.dir.join(name);
            // One of that name has no whole commit in it: this one would have gone on after it.
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            // Others may write here: a link of that name is removed and never followed.
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&path)?;
            let header = Header {
                format: FORMAT,
                history: self.history.to_string(),
                first: self.next.0,
                secret: secret.fingerprint(),
            };
            let mut blocks = BlockWriter::new(file, MAGIC)?;
            blocks.block(HEADER, &serde_json::to_vec(&header)?)?;
            disk::sync_dir(&self.dir)?;
            self.bytes = 0;
            self.open = Some(blocks);
        }
        self.open.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// The body behind its keyed digest: it belongs to this history, and counts as this kind alone.
fn proved(secret: &MasterSecret, history: &History, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut payload = keyed(secret, &covered(history, kind, body));
    payload.extend_from_slice(body);
    payload
}

fn covered(history: &History, kind: u8, body: &[u8]) -> Vec<u8> {
    [b"segment", history.0.as_slice(), &[kind], body].concat()
}

/// What stands in a segment.
pub enum Shipped {
    Commits {
        first: Seq,
        at: Timestamp,
        commits: Vec<Vec<Write>>,
    },
    Closed {
        seq: Seq,
        at: Timestamp,
    },
}

pub struct SegmentReader {
    blocks: BlockReader<BufReader<File>>,
    name: String,
    history: History,
}

/// Why a segment goes on no further.
pub enum Stop {
    /// It ends, at the end of a block or within one.
    End,
    /// It may not be believed, with a sentence.
    Damaged(String),
}

impl SegmentReader {
    pub fn open(path: &Path, history: &History) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let damaged = |why: &str| Stop::Damaged(format!("the segment {name} cannot be used: {why}"));
        let file = disk::open_plain(path).map_err(|e| damaged(&e.to_string()))?;
        let blocks = match BlockReader::new(BufReader::with_capacity(256 * 1024, file), MAGIC) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(Stop::End),
            other => other.map_err(|e| damaged(&e.to_string()))?,
        };
        let mut reader = Self {
            blocks: blocks.ok_or_else(|| damaged("it is no segment of grantd"))?,
            name: name.clone(),
            history: *history,
        };
        let (kind, text) = reader.block()?;
        let header: Option<Header> = serde_json::from_slice(&text).ok();
        match header {
            Some(header) if header.format > FORMAT => Err(damaged("a newer grantd wrote it: use that one")),
            Some(header) if kind == HEADER && header.history == history.to_string() => Ok(reader),
            _ => Err(damaged("its header makes no sense")),
        }
    }

    fn damaged(&self, why: &str) -> Stop {
        Stop::Damaged(format!("the segment {} cannot be used: {why}", self.name))
    }

    fn block(&mut self) -> Result<(u8, Vec<u8>), Stop> {
        self.blocks.block().map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Stop::End,
            _ => self.damaged(&e.to_string()),
        })
    }

    /// The next block, believed because a holder of the secret wrote it.
    pub fn next(&mut self, secret: &MasterSecret) -> Result<Shipped, Stop> {
        let (kind, payload) = self.block()?;
        let nonsense = || self.damaged("a block makes no sense");
        let (proof, body) = payload.split_at_checked(KEYED_BYTES).ok_or_else(nonsense)?;
        if !is_keyed(secret, &covered(&self.history, kind, body), proof) {
            return Err(self.damaged("it was not written by a holder of the master secret"));
        }
        let (at, rest) = body.split_first_chunk::<8>().ok_or_else(nonsense)?;
        let at = Timestamp::from_millis(u64::from_le_bytes(*at));
        match kind {
            COMMITS => {
                let frame = Frame::read(rest, &self.history.0).ok_or_else(nonsense)?;
                Ok(Shipped::Commits {
                    first: frame.first,
                    at,
                    commits: frame.commits().map_err(|e| self.damaged(&e.to_string()))?,
                })
            }
            CLOSED => {
                let seq = rest.try_into().map_err(|_| nonsense())?;
                Ok(Shipped::Closed {
                    seq: Seq(u64::from_le_bytes(seq)),
                    at,
                })
            }
            _ => Err(nonsense()),
        }
    }
}
