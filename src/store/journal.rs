//! The journal: every commit, in order, in preallocated segment files; the truth the rest is rebuilt from.
//!
//! One frame per group of commits ([`frame`]), one sync per frame. It is also the change feed: [`Segments`] reads what
//! [`Appender`] wrote, from other threads, through a small index of where each segment's frames lie.
//!
//! Writing is in two halves, so that one group can be prepared while another is on its way to the disk: the [`Planner`]
//! numbers and encodes frames and finds room for them, the [`Appender`] writes them. A frame is written only after the
//! one before it was synced: so at most one, the last, can be torn when the machine stops, and nobody was told that it
//! happened. It is cut off at the next start, but only if no whole frame lies anywhere behind it ([`open`]).

pub mod frame;
mod open;
mod segment;

pub use segment::Segments;

use super::Seq;
use super::disk::{self, Disk};
use frame::{FrameBuilder, Hash, Id};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// An open journal; the only one of its directory.
pub struct Journal {
    pub planner: Planner,
    pub appender: Appender,
    begun: bool,
}

impl Journal {
    /// The last commit; 0 when there is none.
    pub fn last(&self) -> Seq {
        Seq(self.planner.next.0 - 1)
    }

    /// There was no journal before.
    pub fn was_begun(&self) -> bool {
        self.begun
    }

    pub fn segments(&self) -> Arc<Segments> {
        self.appender.segments.clone()
    }

    pub fn id(&self) -> Id {
        self.planner.id
    }
}

/// Decides what the next frame is and where it goes.
pub struct Planner {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    id: Id,
    segment_bytes: u64,
    /// Where the next frame goes in the newest segment, and where that one's room ends.
    offset: u64,
    room: u64,
    next: Seq,
    previous: Hash,
}

/// A frame on its way from the planner to the appender.
pub struct Planned {
    pub first: Seq,
    pub last: Seq,
    bytes: Vec<u8>,
    offset: u64,
    /// The segment it begins: a file allocated under another name, and its header.
    begins: Option<(File, PathBuf, [u8; segment::HEADER_BYTES])>,
}

impl Planner {
    /// The Seq the next commit will have.
    pub fn next(&self) -> Seq {
        self.next
    }

    pub fn start(&self, builder: &mut FrameBuilder) {
        builder.start(self.next, &self.previous);
    }

    /// Fails, without any effect, when the disk is full: no later step allocates.
    pub fn plan(&mut self, builder: &mut FrameBuilder) -> io::Result<Planned> {
        let needed = builder.length() as u64;
        let mut begins = None;
        if self.offset + needed > self.room {
            let (file, path, room) = self.allocate(segment::HEADER_BYTES as u64 + needed)?;
            begins = Some((file, path, segment::header(&self.id, self.next, &self.previous)));
            self.offset = segment::HEADER_BYTES as u64;
            self.room = room;
        }
        let (first, last) = (self.next, Seq(self.next.0 + u64::from(builder.count()) - 1));
        let bytes = builder.finish(&self.id);
        let planned = Planned {
            first,
            last,
            offset: self.offset,
            begins,
            bytes,
        };
        self.previous = frame::hash(&planned.bytes);
        self.offset += needed;
        self.next = Seq(last.0 + 1);
        Ok(planned)
    }

    fn allocate(&self, needed: u64) -> io::Result<(File, PathBuf, u64)> {
        let path = self.dir.join(segment::spare_name(self.next));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        let rooms = [self.segment_bytes.max(needed), needed];
        match rooms.into_iter().find(|room| self.disk.allocate(&file, *room).is_ok()) {
            Some(room) => Ok((file, path, room)),
            None => {
                fs::remove_file(&path)?;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }
}

/// Writes what was planned, in that order. After an error it must not be used any more.
pub struct Appender {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    segments: Arc<Segments>,
    active: Arc<File>,
}

impl Appender {
    /// Writes without waiting for the disk: the file returned must be synced before anybody is told of the frame, and
    /// before the next one is written.
    pub fn append(&mut self, planned: Planned) -> io::Result<Arc<File>> {
        if let Some((file, spare, header)) = planned.begins {
            let path = self.dir.join(segment::file_name(planned.first));
            self.disk.write_at(&file, &header, 0)?;
            file.sync_all()?;
            fs::rename(&spare, &path)?;
            disk::sync_dir(&self.dir)?;
            self.segments.push(planned.first, path);
            self.active = Arc::new(file);
        }
        self.disk.write_at(&self.active, &planned.bytes, planned.offset)?;
        self.segments.wrote(planned.first, planned.offset, planned.bytes.len());
        Ok(self.active.clone())
    }
}
