//! The journal: every commit, in order, in preallocated segment files; the truth the rest is rebuilt from.
//!
//! One frame per group of commits ([`frame`]), one sync per frame. It is also the change feed: [`Segments`] reads what
//! [`Appender`] wrote, from other threads, through a small index of where each segment's frames lie.
//!
//! A frame is written only after the one before it was synced: so at most one, the last, can be torn when the machine
//! stops, and nobody was told that it happened. It is cut off at the next start, but only if no whole frame lies
//! anywhere behind it ([`open`]).

pub mod frame;
mod mend;
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
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    id: Id,
    segment_bytes: u64,
    segments: Arc<Segments>,
    /// The newest segment, where the next frame goes in it, and where its room ends.
    active: File,
    offset: u64,
    room: u64,
    /// The segment that the next frame begins.
    spare: Option<Spare>,
    next: Seq,
    previous: Hash,
    begun: bool,
}

/// A segment in the making: a file under another name, its blocks allocated.
struct Spare {
    file: File,
    path: PathBuf,
    room: u64,
}

/// The commits of a frame written.
pub struct Written {
    pub first: Seq,
    pub last: Seq,
}

impl Journal {
    /// The Seq the next commit will have.
    pub fn next(&self) -> Seq {
        self.next
    }

    /// The last commit; 0 when there is none.
    pub fn last(&self) -> Seq {
        Seq(self.next.0 - 1)
    }

    /// There was no journal before.
    pub fn was_begun(&self) -> bool {
        self.begun
    }

    pub fn segments(&self) -> Arc<Segments> {
        self.segments.clone()
    }

    pub fn id(&self) -> Id {
        self.id
    }

    /// For a frame so long. Fails, without any effect, when the disk is full: no later step allocates.
    pub fn make_room(&mut self, frame_bytes: usize) -> io::Result<()> {
        if self.offset + frame_bytes as u64 > self.room {
            self.spare = Some(self.allocate((segment::HEADER_BYTES + frame_bytes) as u64)?);
        }
        Ok(())
    }

    fn allocate(&self, needed: u64) -> io::Result<Spare> {
        let path = self.dir.join(segment::spare_name(self.next));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        let rooms = [self.segment_bytes.max(needed), needed];
        match rooms.into_iter().find(|room| self.disk.allocate(&file, *room).is_ok()) {
            Some(room) => Ok(Spare { file, path, room }),
            None => {
                fs::remove_file(&path)?;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }

    /// Writes a frame that room was made for, without waiting for the disk: [`Journal::sync`] must follow before
    /// anybody is told of it, and before the next one is written. After an error the journal must not be used any more.
    pub fn append(&mut self, frame: &mut FrameBuilder) -> io::Result<Written> {
        let (first, last) = (self.next, Seq(self.next.0 + u64::from(frame.count()) - 1));
        if let Some(spare) = self.spare.take() {
            self.begin_segment(spare)?;
        }
        let bytes = frame.finish(&self.previous, &self.id);
        self.disk.write_at(&self.active, bytes, self.offset)?;
        self.segments.wrote(first, self.offset, bytes.len());
        self.previous = frame::hash(bytes);
        self.offset += bytes.len() as u64;
        self.next = Seq(last.0 + 1);
        Ok(Written { first, last })
    }

    fn begin_segment(&mut self, spare: Spare) -> io::Result<()> {
        let path = self.dir.join(segment::file_name(self.next));
        let header = segment::header(&self.id, self.next, &self.previous);
        self.disk.write_at(&spare.file, &header, 0)?;
        spare.file.sync_all()?;
        fs::rename(&spare.path, &path)?;
        disk::sync_dir(&self.dir)?;
        self.segments.push(self.next, path);
        self.active = spare.file;
        self.offset = segment::HEADER_BYTES as u64;
        self.room = spare.room;
        Ok(())
    }

    /// Returns when all that was written is durable. After an error it is unknown what is.
    pub fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.active)
    }
}
