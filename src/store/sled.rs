//! The durable store on one machine: a journal for what happened, a sled tree for what is.
//!
//! A commit is judged on its caller's thread and joins a group ([`judge`]); the group goes to the journal, then to the
//! disk and the tree side by side, and then it is answered ([`writer`]). The journal is the truth: whenever the tree
//! may not be believed it is built anew from the last export and the journal ([`recovery`]). Reads go straight to the
//! tree, on the caller's thread: microseconds when the record is cached, one read of the disk when not; they wait only
//! for what is not durable yet ([`progress`]).

mod applier;
mod counters;
mod engine;
mod filling;
mod group;
mod heads;
mod judge;
mod lock;
mod maintenance;
mod options;
mod progress;
mod recovery;
mod space;
mod writer;

use super::backup::History;
use super::disk;
use super::export::Export;
use super::journal::{Journal, Segments};
use super::{Batch, Change, Check, Key, Measured, Outcome, Reply, Seq, Store, StoreError, Stored, Write};
use crate::base::process::bytes_below;
use crate::base::random;
use crate::base::time::Timestamp;
use applier::Applier;
use counters::Counters;
pub use counters::Stats;
use engine::Engine;
pub use filling::Filling;
use judge::Queue;
use lock::{Ending, Lock};
use maintenance::{Maintenance, Worker};
pub use options::{EXIT_CODE_FATAL, FatalHook, SledOptions};
use progress::Progress;
use recovery::{Paths, Recovery};
use space::Space;
use std::fmt;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use tokio::sync::{oneshot, watch};
use writer::Writer;

/// Sweep deletes this many records at a time.
const SWEEP_PAGE: u32 = 64;

/// What opening did besides opening, in sentences for the log; none when all was well.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OpenReport {
    pub sentences: Vec<String>,
}

/// Why the store cannot be opened, and what to do, in one sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenError(pub String);

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

/// What the writer, the readers and the background share.
struct Shared {
    engine: Engine,
    segments: Arc<Segments>,
    progress: Progress,
    maintenance: Maintenance,
    counters: Counters,
    distrusted: PathBuf,
}

impl Shared {
    /// The tree showed damage: the next start builds it anew.
    fn distrust(&self, why: &StoreError) {
        log::error!("{why}; the next start builds the sled tree anew");
        if let Err(e) = fs::write(&self.distrusted, why.to_string()) {
            log::error!("{} cannot be written: {e}", self.distrusted.display());
        }
    }
}

/// Fields are dropped in this order: the tree must be closed before the lock says that all ended well.
pub struct SledStore {
    queue: Arc<Queue>,
    writer: Option<JoinHandle<bool>>,
    shared: Arc<Shared>,
    _worker: Worker,
    lock: Lock,
    dir: PathBuf,
}

impl SledStore {
    /// Opens the store in `dir`, making it if it is new, repairing what can be repaired.
    pub fn open(dir: &Path, options: SledOptions) -> Result<(Self, OpenReport), OpenError> {
        let explain = |e: io::Error| OpenError(format!("the store in {} cannot be opened: {e}", dir.display()));
        let paths = Paths::new(dir);
        fs::create_dir_all(&paths.exports).map_err(explain)?;
        let boot = fs::read_to_string(&options.boot_id_path)
            .unwrap_or_default()
            .trim()
            .to_owned();
        let (mut lock, ending) = Lock::take(dir, paths.tree.clone(), boot).map_err(OpenError)?;
        // The reserve first: what follows may need the room it gives up.
        let space = Space::new(dir, options.disk.clone(), options.floor_bytes, options.reserve_bytes);
        let space = space.map_err(explain)?;
        let fresh_id = random::bytes(options.random.as_ref());
        let closed = ending == Ending::Clean;
        let journal = Journal::open(
            &paths.journal,
            options.disk.clone(),
            options.segment_bytes,
            fresh_id,
            closed,
        );
        let (journal, mut report) = journal.map_err(OpenError)?;
        if journal.was_begun() {
            // Its directory too must be found again after a power cut, before a commit in it is answered.
            disk::sync_dir(dir).map_err(explain)?;
            let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
            disk::sync_dir(parent.unwrap_or(Path::new("."))).map_err(explain)?;
        }
        let recovery = Recovery {
            paths: &paths,
            journal: &journal,
            options: &options,
            lock: &mut lock,
            report: &mut report,
        };
        let engine = recovery.run(ending)?;

        let store = Self::start(engine, journal, space, lock, paths, options).map_err(explain)?;
        Ok((store, OpenReport { sentences: report }))
    }

    /// Sets the threads going on what was opened.
    fn start(
        engine: Engine,
        journal: Journal,
        space: Space,
        lock: Lock,
        paths: Paths,
        options: SledOptions,
    ) -> io::Result<Self> {
        let last = journal.last().0;
        let (durable, changed) = watch::channel(last);
        let maintenance = Maintenance::new(
            &paths.exports,
            journal.id(),
            options.journal_bytes_max,
            &options.readers,
        );
        let (maintenance, worker) = maintenance?;
        let shared = Arc::new(Shared {
            engine,
            segments: journal.segments(),
            progress: Progress::new(last, changed),
            maintenance,
            counters: Counters::default(),
            distrusted: paths.distrusted,
        });
        let queue = Queue::new(shared.clone(), space, journal.next(), options.queue_commits_max);
        let queue = Arc::new(queue);
        let writer = Writer {
            shared: shared.clone(),
            queue: queue.clone(),
            journal,
            applier: Applier::spawn(shared.clone())?,
            durable,
        };
        let writer = spawn("store-write", options.fatal, || writer.run())?;
        Ok(Self {
            queue,
            writer: Some(writer),
            shared,
            _worker: worker,
            lock,
            dir: paths.dir,
        })
    }

    /// Finishes what is queued and closes. Dropping does the same.
    pub fn close(self) {}

    pub fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        Stats {
            commits: counters.commits.get(),
            groups: counters.group_commits.read().count(),
            journal_bytes: self.shared.segments.bytes(),
            durable: self.shared.progress.durable(),
            full: counters.full.load(Ordering::Relaxed),
        }
    }

    /// Makes a verified export of everything and deletes journal files that are no longer needed. Others go on.
    pub async fn export(&self) -> Result<Export, String> {
        let result = self.shared.maintenance.request(&self.shared).await;
        result.unwrap_or_else(|_| Err("the store is being closed".into()))
    }

    /// A reader of the change feed has dealt with everything up to `seq`; the journal keeps what follows.
    pub fn reader_at(&self, name: &str, seq: Seq) {
        self.shared.maintenance.reader_at(name, seq);
    }

    async fn submit(&self, batch: Batch) -> Result<Outcome, StoreError> {
        batch.validate()?;
        let (answer, outcome) = oneshot::channel();
        self.queue.commit(batch, answer)?;
        outcome.await.map_err(|_| failed())?
    }

    /// Deletes those of the due records that have expired; returns how many.
    async fn sweep_page(&self, due: Vec<(Timestamp, Key)>, now: Timestamp) -> Result<u32, StoreError> {
        let mut swept = 0;
        for (_, key) in &due {
            let Some(head) = self.shared.engine.head(key)? else {
                continue;
            };
            if head.expires_at.is_some_and(|at| at <= now) {
                let checks = vec![Check::Unchanged(key.clone(), head.version)];
                let writes = vec![Write::Delete { key: key.clone() }];
                if matches!(
                    self.submit(Batch {
                        checks,
                        writes,
                        ..Batch::default()
                    })
                    .await?,
                    Outcome::Committed(_)
                ) {
                    swept += 1;
                }
            }
        }
        let (answer, tidied) = oneshot::channel();
        self.queue.tidy((due, answer))?;
        tidied.await.map_err(|_| failed())?;
        Ok(swept)
    }

    fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|e| self.shared.distrust(e))
    }
}

impl Store for SledStore {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        Box::pin(async move {
            let found = self.noted(self.shared.engine.get(key))?;
            self.shared
                .progress
                .wait(found.as_ref().map(|stored| stored.version))
                .await?;
            Ok(found)
        })
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        Box::pin(async move {
            let rows = self.noted(self.shared.engine.scan(prefix, after, limit))?;
            // What is missing from a page may be missing because of a delete that is not durable yet.
            self.shared.progress.wait(None).await?;
            self.shared
                .progress
                .wait(rows.iter().map(|(_, stored)| stored.version).max())
                .await?;
            Ok(rows)
        })
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        Box::pin(self.submit(batch))
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        Box::pin(async move {
            self.shared
                .segments
                .changes(after, self.shared.progress.durable(), limit)
        })
    }

    fn settled(&self, key: &Key) -> Option<Seq> {
        Some(self.shared.progress.settled(key))
    }

    fn reader_at(&self, name: &str, seq: Seq) {
        self.reader_at(name, seq);
    }

    fn measured(&self) -> Option<Measured> {
        let stats = self.stats();
        Some(Measured {
            commits: stats.commits,
            group_commits: self.shared.counters.group_commits.read(),
            sync_us: self.shared.counters.sync_us.read(),
            waiting: self.queue.waiting(),
            journal_bytes: stats.journal_bytes,
            disk_bytes: bytes_below(&self.dir),
            durable: stats.durable,
            full: stats.full,
        })
    }

    fn export(&self) -> Reply<'_, Export> {
        Box::pin(async move { SledStore::export(self).await.map_err(StoreError::Unavailable) })
    }

    fn history(&self) -> Option<History> {
        Some(self.shared.maintenance.history())
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        Box::pin(async move {
            let mut swept = 0;
            while swept < limit {
                let due = self.noted(self.shared.engine.due(now, SWEEP_PAGE.min(limit - swept) as usize))?;
                if due.is_empty() {
                    break;
                }
                swept += self.sweep_page(due, now).await?;
            }
            Ok(swept)
        })
    }
}

fn failed() -> StoreError {
    StoreError::Unknown("the store failed while writing".into())
}

/// The thread answers whether all went well.
fn spawn(
    name: &str,
    fatal: FatalHook,
    run: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> io::Result<JoinHandle<bool>> {
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let ended = catch_unwind(AssertUnwindSafe(run));
        let ended = ended.unwrap_or_else(|_| Err("a thread of the store panicked".into()));
        if let Err(why) = &ended {
            fatal(why);
        }
        ended.is_ok()
    })
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.queue.close();
        let writer = self.writer.take().map(JoinHandle::join);
        let ended_well = matches!(writer, Some(Ok(true)));
        self.shared.maintenance.close();
        if ended_well {
            self.lock.ended_well();
        }
    }
}
