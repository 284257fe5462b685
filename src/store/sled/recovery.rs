//! Start-up: decide whether the tree is to be believed, bring it up to the journal, or build it anew.

use super::engine::{Applied, Engine, EngineBatch};
use super::lock::{Ending, Lock};
use super::{OpenError, SledOptions};
use crate::store::disk;
use crate::store::export::{self, Block, Export, ExportReader};
use crate::store::journal::Journal;
use crate::store::journal::frame::{Frame, Id};
use crate::store::{Seq, StoreError, Write};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Where everything lies in the store's directory.
pub struct Paths {
    pub dir: PathBuf,
    pub tree: PathBuf,
    pub journal: PathBuf,
    pub exports: PathBuf,
    /// Its presence says that the tree showed damage; what it contains is the sentence why.
    pub distrusted: PathBuf,
}

impl Paths {
    pub fn new(dir: &Path) -> Self {
        let [tree, journal, exports, distrusted] =
            ["sled", "journal", "exports", "sled.distrusted"].map(|name| dir.join(name));
        Self {
            dir: dir.to_owned(),
            tree,
            journal,
            exports,
            distrusted,
        }
    }
}

/// Why a tree is not used.
enum Verdict {
    /// It only may be stale or incomplete; nothing is to be learned from it.
    Stale(String),
    /// It does not work: it is kept for whoever wants to know why.
    Broken(String),
    /// Building it anew would lose commits.
    Refuse(String),
}

pub struct Recovery<'a> {
    pub paths: &'a Paths,
    pub journal: &'a Journal,
    pub options: &'a SledOptions,
    pub lock: &'a mut Lock,
    pub report: &'a mut Vec<String>,
}

impl Recovery<'_> {
    pub fn run(mut self, ending: Ending) -> Result<Engine, OpenError> {
        let exports = export::list(&self.paths.exports).map_err(|e| OpenError(e.to_string()))?;
        self.refuse_lost_journal(&exports)?;
        let verdict = match self.prejudice(ending) {
            Some(verdict) => verdict,
            None => {
                self.mark_open()?;
                match self.believe() {
                    Ok(engine) => return Ok(engine),
                    Err(verdict) => verdict,
                }
            }
        };
        self.put_away(verdict)?;
        self.mark_open()?;
        self.rebuild(&exports)
    }

    fn last(&self) -> Seq {
        self.journal.last()
    }

    fn mark_open(&mut self) -> Result<(), OpenError> {
        self.lock
            .mark_open()
            .map_err(|e| OpenError(format!("the lock file cannot be written: {e}")))
    }

    fn refuse_lost_journal(&self, exports: &[Export]) -> Result<(), OpenError> {
        let journal = self.paths.journal.display();
        if self.journal.was_begun() && (self.paths.tree.exists() || !exports.is_empty()) {
            // The begun one must not make the next start believe that all is well.
            let _ = fs::remove_dir_all(&self.paths.journal);
            return Err(OpenError(format!(
                "the journal in {journal} is gone, while the store has records; put it back, or restore a backup"
            )));
        }
        match exports.first() {
            Some(export) if export.seq > self.last() => Err(OpenError(format!(
                "the journal in {journal} ends at commit {}, but {} contains commit {}; put the newer journal files \
                 back, or restore a backup",
                self.last().0,
                export.path.display(),
                export.seq.0
            ))),
            _ => Ok(()),
        }
    }

    /// Reasons not even to look at the tree.
    fn prejudice(&self, ending: Ending) -> Option<Verdict> {
        let fresh = self.journal.was_begun();
        if let Ok(why) = fs::read_to_string(&self.paths.distrusted) {
            return Some(Verdict::Broken(format!("The sled tree showed damage ({why})")));
        }
        match ending {
            _ if fresh => None,
            _ if !self.paths.tree.exists() && self.last() > Seq(0) => {
                Some(Verdict::Stale("The sled directory was missing".into()))
            }
            Ending::Unknown => Some(Verdict::Stale(
                "The machine stopped before the store was closed, so the sled tree may have lost writes".into(),
            )),
            Ending::New | Ending::Clean | Ending::Crash => None,
        }
    }

    /// Opens the tree and replays what it lacks, away from this thread: sled may panic or hang on what it finds.
    fn believe(&mut self) -> Result<Engine, Verdict> {
        self.drop_generating()
            .map_err(|e| Verdict::Broken(format!("The sled directory cannot be read ({e})")))?;
        let (tree, cache_bytes) = (self.paths.tree.clone(), self.options.cache_bytes);
        let (segments, last) = (self.journal.segments(), self.last());
        let limit = Duration::from_secs(self.options.tree_open_seconds_max);
        let opened = guarded(limit, move || {
            let broken = |e: StoreError| Verdict::Broken(format!("The sled tree cannot be read ({e})"));
            let engine = Engine::open(&tree, cache_bytes)
                .map_err(|e| Verdict::Broken(format!("The sled tree cannot be opened ({e})")))?;
            let applied = match engine.applied().map_err(broken)? {
                None if !engine.is_empty() => {
                    return Err(Verdict::Stale("The sled tree was only half built".into()));
                }
                None => Applied {
                    first: Seq(1),
                    last: Seq(0),
                },
                Some(applied) => judge_applied(applied, last)?,
            };
            if applied.first < segments.oldest() {
                return Err(Verdict::Stale(format!(
                    "The sled tree ends at commit {}, before the journal begins",
                    applied.last.0
                )));
            }
            // The group applied last once more: it may be there in part.
            let from = Seq(applied.first.0 - 1);
            segments
                .frames(from, last, |frame| replay(&engine, frame).map(|()| true))
                .map_err(broken)?;
            Ok((engine, last.0 - applied.last.0))
        });
        let (engine, replayed) = opened?;
        if replayed > 0 {
            self.report.push(format!(
                "{replayed} commits of the journal were not yet in the sled tree; now they are."
            ));
        }
        Ok(engine)
    }

    /// sled 0.34.7 takes a snapshot left half written for the newest one and never opens again (its issues 1527, 1533).
    fn drop_generating(&mut self) -> io::Result<()> {
        if !self.paths.tree.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(&self.paths.tree)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("snap.") && name.ends_with(".generating") {
                fs::remove_file(&path)?;
                self.report
                    .push(format!("{name} was left half written by sled, and has been removed."));
            }
        }
        Ok(())
    }

    fn put_away(&mut self, verdict: Verdict) -> Result<(), OpenError> {
        let explain = |e: io::Error| OpenError(format!("the old sled tree cannot be put away: {e}"));
        let tree = &self.paths.tree;
        let why = match verdict {
            Verdict::Refuse(why) => return Err(OpenError(why)),
            Verdict::Stale(why) => {
                if tree.exists() {
                    fs::remove_dir_all(tree).map_err(explain)?;
                }
                format!("{why}; it is built anew from the journal.")
            }
            Verdict::Broken(why) if tree.exists() => {
                let aside = set_aside(&self.paths.dir, tree).map_err(explain)?;
                format!(
                    "{why}; it was set aside as {} and is built anew from the journal.",
                    aside.display()
                )
            }
            Verdict::Broken(why) => format!("{why}; it is built anew from the journal."),
        };
        if self.paths.distrusted.exists() {
            fs::remove_file(&self.paths.distrusted).map_err(explain)?;
        }
        disk::sync_dir(&self.paths.dir).map_err(explain)?;
        self.report.push(why);
        Ok(())
    }

    fn rebuild(&mut self, exports: &[Export]) -> Result<Engine, OpenError> {
        let segments = self.journal.segments();
        let engine = Engine::open(&self.paths.tree, self.options.cache_bytes).map_err(|e| {
            OpenError(format!(
                "a new sled tree cannot be made in {}: {e}",
                self.paths.tree.display()
            ))
        })?;
        let failed = |e: StoreError| OpenError(format!("the sled tree cannot be rebuilt: {e}"));
        let mut from = Seq(0);
        for export in exports {
            match export::verify(&export.path) {
                Ok(seq) => {
                    load(&engine, &export.path, &self.journal.id()).map_err(OpenError)?;
                    self.report
                        .push(format!("{} commits were taken from {}.", seq.0, export.path.display()));
                    from = seq;
                    break;
                }
                Err(why) => self.report.push(format!("An export was passed over: {why}.")),
            }
        }
        if Seq(from.0 + 1) < segments.oldest() {
            return Err(OpenError(format!(
                "the journal begins at commit {}, and no usable export reaches it; restore a backup",
                segments.oldest().0
            )));
        }
        let last = self.last();
        segments
            .frames(from, last, |frame| replay(&engine, frame).map(|()| true))
            .map_err(failed)?;
        self.report
            .push(format!("{} commits were replayed from the journal.", last.0 - from.0));
        Ok(engine)
    }
}

/// A tree ahead of the journal: by the group that was being synced, or by commits the journal has lost?
fn judge_applied(applied: Applied, last: Seq) -> Result<Applied, Verdict> {
    if applied.last <= last {
        return Ok(applied);
    }
    if applied.first.0 <= last.0 + 1 {
        return Err(Verdict::Stale(format!(
            "The sled tree holds commits {} to {}, which never became durable in the journal",
            last.0 + 1,
            applied.last.0
        )));
    }
    Err(Verdict::Refuse(format!(
        "the journal ends at commit {}, but the sled tree holds commits up to {}: journal files are missing or \
         damaged; put them back, or restore a backup",
        last.0, applied.last.0
    )))
}

fn replay(engine: &Engine, frame: &Frame<'_>) -> Result<(), StoreError> {
    let mut batch = EngineBatch::default();
    stage(&mut batch, frame)?;
    batch.applied(Applied {
        first: frame.first,
        last: frame.last(),
    });
    engine.apply(batch)
}

fn stage(batch: &mut EngineBatch, frame: &Frame<'_>) -> Result<(), StoreError> {
    for (seq, writes) in (frame.first.0..).zip(frame.commits()?) {
        for write in writes {
            match write {
                Write::Delete { key } => batch.delete(key),
                Write::Put { key, value, expires_at } => {
                    if let Some(at) = expires_at {
                        batch.remind(at, &key);
                    }
                    batch.put(key, Seq(seq), expires_at, value);
                }
            }
        }
    }
    Ok(())
}

/// Fills an empty tree from a verified export. What was applied is noted last: without that a tree is unfinished.
fn load(engine: &Engine, path: &Path, id: &Id) -> Result<(), String> {
    let mut reader = ExportReader::open(path)?;
    if reader.id != *id {
        return Err(format!(
            "{} belongs to another store; put the right exports back",
            path.display()
        ));
    }
    loop {
        let mut batch = EngineBatch::default();
        let block = reader.block()?;
        match &block {
            Block::Records(rows) => {
                for (key, stored) in rows {
                    batch.put(key.clone(), stored.version, stored.expires_at, stored.value.to_vec());
                    if let Some(at) = stored.expires_at {
                        batch.remind(at, key);
                    }
                }
            }
            Block::Frame(bytes) => {
                let frame = Frame::read(bytes, id).ok_or("a frame in the export cannot be read")?;
                stage(&mut batch, &frame).map_err(|e| e.to_string())?;
            }
            // All of it is there: no group has to be applied once more, also where the journal begins behind it.
            Block::End { seq } => batch.applied(Applied {
                first: Seq(seq.0 + 1),
                last: *seq,
            }),
        }
        engine.apply(batch).map_err(|e| e.to_string())?;
        if matches!(block, Block::End { .. }) {
            return Ok(());
        }
    }
}

/// Renames the tree to `sled.broken-<n>`; only the latest one is kept.
fn set_aside(dir: &Path, tree: &Path) -> io::Result<PathBuf> {
    let mut number = 0;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(n) = name.strip_prefix("sled.broken-").and_then(|n| n.parse::<u32>().ok()) {
            number = number.max(n);
            fs::remove_dir_all(path)?;
        }
    }
    let aside = dir.join(format!("sled.broken-{}", number + 1));
    fs::rename(tree, &aside)?;
    Ok(aside)
}

/// What `f` returns, unless it panics or takes longer than `limit`: then its thread is given up.
fn guarded<T: Send + 'static>(
    limit: Duration,
    f: impl FnOnce() -> Result<T, Verdict> + Send + 'static,
) -> Result<T, Verdict> {
    let (sender, result) = channel();
    let spawned = thread::Builder::new()
        .name("store-open".into())
        .spawn(move || sender.send(f()));
    if let Err(e) = spawned {
        return Err(Verdict::Refuse(format!("no thread can be started: {e}")));
    }
    match result.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Disconnected) => Err(Verdict::Broken("The sled tree made sled panic".into())),
        Err(RecvTimeoutError::Timeout) => Err(Verdict::Broken(format!(
            "The sled tree did not open within {} seconds",
            limit.as_secs()
        ))),
    }
}
