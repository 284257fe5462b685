//! The one thread that writes: group commit.
//!
//! Whatever queued up while the last group was written forms the next one; there is no timer. The group's frame goes to
//! the journal first. Then two things happen at once: the syncer waits for the disk, and this thread applies the group
//! to the tree. Answers leave when both are done. One after the other would cost the sum of the two, and reach only
//! about half of what the slower allows; side by side they cost the slower one.
//!
//! What follows from the overlap: the tree may hold, for the length of one sync, commits that a power cut would undo.
//! Nobody is told of them: a read that meets one waits for the sync ([`Progress`]). After a power cut the tree is
//! rebuilt, and after a crash of the process alone the frame is in the page cache and replayed.

use super::Shared;
use super::engine::{Applied, EngineBatch, Head};
use super::space::Space;
use crate::base::time::Timestamp;
use crate::store::journal::Journal;
use crate::store::journal::frame::FrameBuilder;
use crate::store::{Batch, Check, Key, Outcome, Seq, StoreError, Write};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot, watch};

/// A group is applied to the tree in one piece, during which reads wait: it must stay short.
const GROUP_COMMITS_MAX: usize = 512;
const GROUP_BYTES_MAX: usize = 1024 * 1024;

pub enum Request {
    Commit {
        batch: Batch,
        answer: oneshot::Sender<Result<Outcome, StoreError>>,
    },
    /// Reminders that were seen to: each is moved or dropped, whichever its record now asks for.
    Tidy {
        reminders: Vec<(Timestamp, Key)>,
        answer: oneshot::Sender<()>,
    },
}

pub struct Writer {
    pub shared: Arc<Shared>,
    pub journal: Journal,
    pub requests: mpsc::Receiver<Request>,
    pub durable: watch::Sender<u64>,
    pub space: Space,
    pub syncer: super::syncer::Syncer,
    pub frame: FrameBuilder,
}

type CommitRequest = (Batch, oneshot::Sender<Result<Outcome, StoreError>>);
type TidyRequest = (Vec<(Timestamp, Key)>, oneshot::Sender<()>);
type Answers = Vec<(
    oneshot::Sender<Result<Outcome, StoreError>>,
    Result<Outcome, StoreError>,
)>;

/// One group in the making: the tree as it will be.
struct Group<'a> {
    shared: &'a Shared,
    frame: &'a mut FrameBuilder,
    heads: HashMap<Key, Option<Head>>,
    tree: EngineBatch,
    first: Seq,
    deletes: bool,
}

impl Writer {
    /// Until the last sender is gone. The error is a sentence: the process must end, nothing may be answered any more.
    pub fn run(mut self) -> Result<(), String> {
        while let Some(first) = self.requests.blocking_recv() {
            let (mut commits, mut tidies) = (Vec::new(), Vec::new());
            self.gather(first, &mut commits, &mut tidies);
            if !commits.is_empty() {
                self.commit(commits)?;
            }
            for (reminders, answer) in tidies {
                self.tidy(reminders)?;
                let _ = answer.send(());
            }
            self.shared.maintenance.consider(&self.shared);
        }
        Ok(())
    }

    fn gather(&mut self, first: Request, commits: &mut Vec<CommitRequest>, tidies: &mut Vec<TidyRequest>) {
        let mut bytes = 0;
        let mut next = Some(first);
        let mut gained = true;
        while let Some(request) = next.take() {
            match request {
                Request::Commit { batch, answer } => {
                    bytes += batch.size_bytes();
                    commits.push((batch, answer));
                }
                Request::Tidy { reminders, answer } => tidies.push((reminders, answer)),
            }
            if commits.len() >= GROUP_COMMITS_MAX || bytes >= GROUP_BYTES_MAX {
                break;
            }
            next = self.requests.try_recv().ok();
            if next.is_some() {
                gained = true;
            } else if gained {
                // Those just answered are about to ask again: let them, or they miss this sync and wait for two.
                std::thread::yield_now();
                next = self.requests.try_recv().ok();
                gained = next.is_some();
            }
        }
    }

    fn commit(&mut self, commits: Vec<CommitRequest>) -> Result<(), String> {
        let full = self.space.is_full();
        self.shared.counters.full.store(full, Ordering::Relaxed);
        let first = self.journal.next();
        self.journal.start_frame(&mut self.frame);
        let mut group = Group {
            shared: &self.shared,
            frame: &mut self.frame,
            heads: HashMap::new(),
            tree: EngineBatch::default(),
            first,
            deletes: false,
        };
        let mut answers = Answers::with_capacity(commits.len());
        for (batch, answer) in commits {
            let outcome = group.judge(&batch, full);
            if matches!(outcome, Ok(Outcome::Committed(_))) {
                group.take(batch);
            }
            answers.push((answer, outcome));
        }
        let Group { tree, deletes, .. } = group;
        if self.frame.count() > 0 {
            self.write(first, tree, deletes, &mut answers)?;
        }
        for (answer, outcome) in answers {
            // Whoever asked may have gone away.
            let _ = answer.send(outcome);
        }
        Ok(())
    }

    fn write(&mut self, first: Seq, mut tree: EngineBatch, deletes: bool, answers: &mut Answers) -> Result<(), String> {
        if let Err(e) = self.journal.make_room(self.frame.length()) {
            if e.kind() != std::io::ErrorKind::StorageFull {
                return Err(format!("the journal cannot be continued: {e}"));
            }
            self.space.give_up(0);
            for (_, outcome) in answers {
                *outcome = Err(StoreError::Full);
            }
            return Ok(());
        }
        let count = self.frame.count();
        let last = Seq(first.0 + u64::from(count) - 1);
        let file = self
            .journal
            .append(&mut self.frame)
            .map_err(|e| format!("the journal cannot be written: {e}"))?;
        self.syncer.start(file)?;
        if deletes {
            self.shared.progress.deleted.store(last.0, Ordering::SeqCst);
        }
        tree.applied(Applied { first, last });
        let applied = self.shared.engine.apply(tree);
        self.syncer.wait()?;
        if let Err(e) = applied {
            self.shared.distrust(&e);
            return Err(format!("a commit cannot be applied: {e}"));
        }
        self.shared.progress.durable.store(last.0, Ordering::SeqCst);
        self.durable.send_replace(last.0);
        self.shared.counters.commits.fetch_add(count.into(), Ordering::Relaxed);
        self.shared.counters.groups.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn tidy(&mut self, reminders: Vec<(Timestamp, Key)>) -> Result<(), String> {
        let engine = &self.shared.engine;
        let mut batch = EngineBatch::default();
        for (at, key) in reminders {
            let head = engine.head(&key).map_err(|e| e.to_string())?;
            match head.and_then(|head| head.expires_at) {
                // Not swept yet: it keeps its reminder.
                Some(expires_at) if expires_at == at => {}
                Some(expires_at) if expires_at > at => {
                    batch.forget(at, &key);
                    batch.remind(expires_at, &key);
                }
                _ => batch.forget(at, &key),
            }
        }
        engine.apply(batch).map_err(|e| {
            self.shared.distrust(&e);
            format!("reminders cannot be written: {e}")
        })
    }
}

impl Group<'_> {
    fn head(&mut self, key: &Key) -> Result<Option<Head>, StoreError> {
        match self.heads.entry(key.clone()) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(unknown) => {
                let head = self.shared.engine.head(key).inspect_err(|e| self.shared.distrust(e))?;
                Ok(*unknown.insert(head))
            }
        }
    }

    fn next(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.frame.count()))
    }

    /// Against the tree and the commits before this one in the group.
    fn judge(&mut self, batch: &Batch, full: bool) -> Result<Outcome, StoreError> {
        for check in &batch.checks {
            let holds = match check {
                Check::Absent(key) => self.head(key)?.is_none(),
                Check::Unchanged(key, version) => self.head(key)?.is_some_and(|head| head.version == *version),
            };
            if !holds {
                return Ok(Outcome::Conflict);
            }
        }
        for write in &batch.writes {
            let Write::Put { key, expires_at, .. } = write else {
                continue;
            };
            // `take` needs the head of what may expire; it is read here, where failing is still an answer.
            if !full && expires_at.is_none() {
                continue;
            }
            if self.head(key)?.is_none() && full {
                return Err(StoreError::Full);
            }
        }
        Ok(Outcome::Committed(self.next()))
    }

    fn take(&mut self, batch: Batch) {
        let version = self.next();
        self.frame.push(&batch.writes);
        for write in batch.writes {
            match write {
                Write::Put { key, value, expires_at } => {
                    if let Some(at) = expires_at {
                        let before = self.heads.get(&key).copied().flatten();
                        // An earlier reminder stands already, and sweep will move it.
                        if before.and_then(|head| head.expires_at).is_none_or(|before| before > at) {
                            self.tree.remind(at, &key);
                        }
                    }
                    self.tree.put(&key, version, expires_at, &value);
                    self.heads.insert(key, Some(Head { version, expires_at }));
                }
                Write::Delete { key } => {
                    self.deletes = true;
                    self.tree.delete(&key);
                    self.heads.insert(key, None);
                }
            }
        }
    }
}
