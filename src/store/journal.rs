//! The journal: every commit, in order, in preallocated segment files; the truth the rest is rebuilt from.
//!
//! One frame per group of commits ([`frame`]), one sync per frame. It is also the change feed: [`Segments`] reads what
//! [`Journal`] wrote, from other threads, through a small index of where each segment's frames lie.
//!
//! At the end of the newest segment a frame may be torn: it was being written when the machine stopped, and nobody was
//! told that it happened. It is cut off, but only if no whole frame lies anywhere behind it ([`open`]).

pub mod frame;
mod open;
mod segment;

pub use segment::Segments;

use super::Seq;
use super::disk::{self, Disk};
use frame::{FrameBuilder, Hash, Id};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The writing end; there is one.
pub struct Journal {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    segments: Arc<Segments>,
    id: Id,
    segment_bytes: u64,
    active: Arc<File>,
    /// Where the next frame goes in the active segment, and where its room ends.
    offset: u64,
    room: u64,
    next: Seq,
    previous: Hash,
    begun: bool,
}

impl Journal {
    /// The Seq the next commit will have.
    pub fn next(&self) -> Seq {
        self.next
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

    pub fn start_frame(&self, builder: &mut FrameBuilder) {
        builder.start(self.next, &self.previous);
    }

    /// Makes sure `bytes` more fit: the only step that can find the disk full, and nothing is written before it.
    pub fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        if self.offset + bytes as u64 <= self.room {
            return Ok(());
        }
        let needed = (segment::HEADER_BYTES + bytes) as u64;
        let path = self.dir.join(segment::file_name(self.next));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        let rooms = [self.segment_bytes.max(needed), needed];
        let room = rooms.into_iter().find(|room| self.disk.allocate(&file, *room).is_ok());
        let Some(room) = room else {
            drop(file);
            std::fs::remove_file(&path)?;
            return Err(io::ErrorKind::StorageFull.into());
        };
        let header = segment::header(&self.id, self.next, &self.previous);
        self.disk.write_at(&file, &header, 0)?;
        file.sync_all()?;
        disk::sync_dir(&self.dir)?;
        self.segments.push(self.next, path);
        self.active = Arc::new(file);
        self.offset = segment::HEADER_BYTES as u64;
        self.room = room;
        Ok(())
    }

    /// Writes the frame, for which there is room, without waiting for the disk: the file returned must be synced
    /// before anybody is told of it. After an error the journal must not be used any more.
    pub fn append(&mut self, builder: &mut FrameBuilder) -> io::Result<Arc<File>> {
        let count = builder.count();
        let bytes = builder.finish(&self.id);
        self.disk.write_at(&self.active, bytes, self.offset)?;
        self.segments.wrote(self.next, self.offset, bytes.len());
        self.offset += bytes.len() as u64;
        self.previous = frame::hash(bytes);
        self.next = Seq(self.next.0 + u64::from(count));
        Ok(self.active.clone())
    }
}
