//! A store made from what a backup holds: an export with all of it, and a journal that goes on behind it. Opening it
//! builds the tree, as after any other loss of the tree.

use super::recovery::Paths;
use crate::base::random::{self, Random};
use crate::store::disk::{self, SystemDisk};
use crate::store::export::ExportWriter;
use crate::store::journal::Journal;
use crate::store::journal::frame::{FrameBuilder, Id};
use crate::store::{Key, Seq, Stored, Write};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// So much of commits goes into a frame.
const FRAME_BYTES: usize = 1024 * 1024;
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

pub struct Filling {
    paths: Paths,
    export: ExportWriter,
    /// A new one: what this store will write is not what the one it came from goes on to write.
    id: Id,
}

impl Filling {
    /// In a directory that is empty, or not there yet.
    pub fn begin(dir: &Path, random: &dyn Random) -> Result<Self, String> {
        let paths = Paths::new(dir);
        fs::create_dir_all(&paths.exports).map_err(explain)?;
        let id = random::bytes(random);
        let export = ExportWriter::create(&paths.exports, &id).map_err(explain)?;
        Ok(Self { paths, export, id })
    }

    pub fn records(&mut self, rows: &[(Key, Stored)]) -> Result<(), String> {
        self.export.records(rows).map_err(explain)
    }

    /// Commits that follow what came before.
    pub fn commits(&mut self, first: Seq, commits: &[Vec<Write>]) -> Result<(), String> {
        let mut frame = FrameBuilder::default();
        for (seq, writes) in (first.0..).zip(commits) {
            if frame.count() == 0 {
                frame.start(Seq(seq));
            }
            frame.push(writes);
            if frame.length() >= FRAME_BYTES {
                self.frame(&mut frame)?;
            }
        }
        if frame.count() > 0 {
            self.frame(&mut frame)?;
        }
        Ok(())
    }

    fn frame(&mut self, frame: &mut FrameBuilder) -> Result<(), String> {
        self.export.frame(frame.finish(&self.id, &self.id)).map_err(explain)?;
        *frame = FrameBuilder::default();
        Ok(())
    }

    /// `last` is the number of the last commit; the store's next one follows it.
    pub fn finish(self, last: Seq) -> Result<(), String> {
        self.export.finish(last)?;
        Journal::begin(&self.paths.journal, Arc::new(SystemDisk), SEGMENT_BYTES, self.id, last).map_err(explain)?;
        disk::sync_dir(&self.paths.dir).map_err(explain)
    }
}

fn explain(e: io::Error) -> String {
    format!("the store cannot be written: {e}")
}
