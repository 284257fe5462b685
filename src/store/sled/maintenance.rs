//! The background thread that makes exports and lets the journal forget what two of them contain.

use super::Shared;
use crate::store::backup::History;
use crate::store::export::{self, Export, ExportWriter};
use crate::store::journal::frame::Id;
use crate::store::{Key, Seq, StoreError};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

const PAGE_RECORDS: u32 = 256;
const EXPORTS_KEPT: usize = 2;

pub struct Job {
    shared: Arc<Shared>,
    answer: Option<oneshot::Sender<Result<Export, String>>>,
}

pub struct Maintenance {
    dir: PathBuf,
    id: Id,
    journal_bytes_max: u64,
    jobs: Mutex<Option<Sender<Job>>>,
    closing: AtomicBool,
    /// An export asked for by the journal's length is under way.
    forced: AtomicBool,
    /// How long the journal must be for the next forced export.
    force_at_bytes: AtomicU64,
    /// Readers of the change feed: frames they have not read stay. `None`: not heard of yet, so everything stays.
    readers: Mutex<BTreeMap<String, Option<Seq>>>,
}

impl Maintenance {
    pub fn new(dir: &Path, id: Id, journal_bytes_max: u64, readers: &[String]) -> io::Result<(Self, Worker)> {
        fs::create_dir_all(dir)?;
        let (jobs, work) = channel();
        let maintenance = Self {
            dir: dir.to_owned(),
            id,
            journal_bytes_max,
            jobs: Mutex::new(Some(jobs)),
            closing: AtomicBool::new(false),
            forced: AtomicBool::new(false),
            force_at_bytes: AtomicU64::new(journal_bytes_max),
            readers: Mutex::new(readers.iter().map(|name| (name.clone(), None)).collect()),
        };
        let worker = thread::Builder::new()
            .name("store-export".into())
            .spawn(move || work_off(&work))?;
        Ok((maintenance, Worker(Some(worker))))
    }

    pub fn history(&self) -> History {
        History::of(&self.id)
    }

    fn send(&self, shared: &Arc<Shared>, answer: Option<oneshot::Sender<Result<Export, String>>>) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(jobs) = jobs.as_ref() {
            // Without a worker the answer's sender is dropped, which tells the one who waits.
            let _ = jobs.send(Job {
                shared: shared.clone(),
                answer,
            });
        }
    }

    /// Called after every group: has the journal become too long?
    pub fn consider(&self, shared: &Arc<Shared>) {
        let bytes = shared.segments.bytes();
        if bytes >= self.force_at_bytes.load(Ordering::Relaxed) && !self.forced.swap(true, Ordering::SeqCst) {
            self.send(shared, None);
        }
    }

    pub fn request(&self, shared: &Arc<Shared>) -> oneshot::Receiver<Result<Export, String>> {
        let (answer, result) = oneshot::channel();
        self.send(shared, Some(answer));
        result
    }

    pub fn reader_at(&self, name: &str, seq: Seq) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), Some(seq));
    }

    /// Ends a running export early and lets the worker go.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn export(&self, shared: &Shared) -> Result<Export, String> {
        let explain = |e: io::Error| format!("the export cannot be written: {e}");
        let read = |e: StoreError| format!("the export cannot be made: {e}");
        let start = shared.progress.durable();
        let mut out = ExportWriter::create(&self.dir, &self.id).map_err(explain)?;
        let mut after: Option<Key> = None;
        loop {
            if self.closing.load(Ordering::SeqCst) {
                return Err("the store is being closed".into());
            }
            let rows = shared
                .engine
                .scan(&Key::default(), after.as_ref(), PAGE_RECORDS)
                .map_err(read)?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            out.records(&rows).map_err(explain)?;
        }
        // What was read may be newer than what is durable: the export ends after the newest commit it may have seen.
        let seen = shared
            .engine
            .applied()
            .map_err(read)?
            .map_or(Seq(0), |applied| applied.last);
        shared.progress.wait_blocking(seen).map_err(read)?;
        let mut through = start;
        let frames = shared.segments.frames(start, shared.progress.durable(), |frame| {
            through = frame.last();
            out.frame(frame.bytes)
                .map(|()| true)
                .map_err(|e| StoreError::Unavailable(e.to_string()))
        });
        frames.map_err(read)?;
        out.finish(through)
    }

    fn trim(&self, shared: &Shared) -> Result<(), String> {
        let explain = |e: io::Error| format!("old journal files cannot be deleted: {e}");
        let exports = export::list(&self.dir).map_err(explain)?;
        for old in exports.iter().skip(EXPORTS_KEPT) {
            fs::remove_file(&old.path).map_err(explain)?;
        }
        let Some(contained) = exports.get(EXPORTS_KEPT - 1) else {
            return Ok(());
        };
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let read = readers.values().map(|seq| seq.unwrap_or_default()).min();
        drop(readers);
        let through = read.map_or(contained.seq, |read| read.min(contained.seq));
        let trimmed = shared.segments.trim(through).map_err(explain)?;
        if trimmed > 0 {
            log::info!("deleted {trimmed} journal files: two exports contain them");
        }
        Ok(())
    }

    fn run(&self, shared: &Shared) -> Result<Export, String> {
        let export = self.export(shared)?;
        self.trim(shared)?;
        Ok(export)
    }
}

fn work_off(jobs: &Receiver<Job>) {
    // Of this thread alone: requests come first. Refused where a process may not say so.
    let _ = rustix::process::setpriority_process(None, 10);
    for Job { shared, answer } in jobs {
        let maintenance = &shared.maintenance;
        let result = maintenance.run(&shared);
        if let Err(e) = &result {
            log::error!("{e}");
        }
        let Some(answer) = answer else {
            // A quarter more before the next one, or readers that lag behind would cause one export after the other.
            let bytes = shared.segments.bytes() + maintenance.journal_bytes_max / 4;
            let force_at = bytes.max(maintenance.journal_bytes_max);
            maintenance.force_at_bytes.store(force_at, Ordering::Relaxed);
            maintenance.forced.store(false, Ordering::SeqCst);
            continue;
        };
        let _ = answer.send(result);
    }
}

/// The thread; dropping waits for its end.
pub struct Worker(Option<JoinHandle<()>>);

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(worker) = self.0.take() {
            let _ = worker.join();
        }
    }
}
