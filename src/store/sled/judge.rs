//! The first half of a commit: which transactions hold, in which order, as what bytes.
//!
//! Whatever queued up while the last group was being prepared forms the next one; there is no timer. Each transaction
//! is judged against the tree, the groups still on their way there, and those before it in its own group. The result
//! goes to the [writer](super::writer), which is at most one group behind: while it waits for the disk, the next group
//! is already being prepared.

use super::Shared;
use super::engine::{EngineBatch, Head};
use super::group::{Answers, CommitRequest, Prepared, Request, TidyRequest};
use super::space::Space;
use crate::store::journal::Planner;
use crate::store::journal::frame::FrameBuilder;
use crate::store::{Batch, Check, Key, Outcome, Seq, StoreError, Write};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use tokio::sync::mpsc;

/// A group is applied to the tree in one piece, during which reads wait: it must stay short.
const GROUP_COMMITS_MAX: usize = 512;
const GROUP_BYTES_MAX: usize = 1024 * 1024;

/// What stands under the keys a group asked for or wrote.
type Heads = HashMap<Key, Option<Head>>;

pub struct Judge {
    pub shared: Arc<Shared>,
    pub requests: mpsc::Receiver<Request>,
    pub groups: SyncSender<Prepared>,
    pub planner: Planner,
    pub space: Space,
    pub frame: FrameBuilder,
    /// The groups that may not be in the tree yet, with the Seq of their last commit; oldest first.
    pub flight: VecDeque<(Seq, Heads)>,
}

impl Judge {
    /// Until the last sender or the writer is gone; whatever went wrong, the writer says.
    pub fn run(mut self) -> Result<(), String> {
        while let Some(first) = self.requests.blocking_recv() {
            let (mut commits, mut tidies) = (Vec::new(), Vec::new());
            self.gather(first, &mut commits, &mut tidies);
            let prepared = self.prepare(commits, tidies);
            if self.groups.send(prepared).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn gather(&mut self, first: Request, commits: &mut Vec<CommitRequest>, tidies: &mut Vec<TidyRequest>) {
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Commit(commit) => {
                    bytes += commit.0.size_bytes();
                    commits.push(commit);
                }
                Request::Tidy(tidy) => tidies.push(tidy),
            }
            if commits.len() >= GROUP_COMMITS_MAX || bytes >= GROUP_BYTES_MAX {
                return;
            }
            next = self.requests.try_recv().ok();
        }
    }

    fn prepare(&mut self, commits: Vec<CommitRequest>, tidies: Vec<TidyRequest>) -> Prepared {
        let full = self.space.is_full();
        self.shared.counters.full.store(full, Ordering::Relaxed);
        let durable = self.shared.progress.durable();
        while self.flight.front().is_some_and(|(last, _)| *last <= durable) {
            self.flight.pop_front();
        }
        self.planner.start(&mut self.frame);
        let mut group = Group {
            shared: &self.shared,
            flight: &self.flight,
            frame: &mut self.frame,
            heads: Heads::with_capacity(commits.len()),
            tree: EngineBatch::default(),
            first: self.planner.next(),
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
        let Group {
            heads, tree, deletes, ..
        } = group;
        let mut prepared = Prepared {
            planned: None,
            tree,
            deletes,
            answers,
            tidies,
        };
        if self.frame.count() == 0 {
            return prepared;
        }
        match self.planner.plan(&mut self.frame) {
            Ok(planned) => {
                self.flight.push_back((planned.last, heads));
                prepared.planned = Some(planned);
            }
            Err(e) => {
                // Nothing has happened yet: no number was taken, no byte written.
                log::error!("no room can be made for the journal: {e}");
                self.space.give_up(0);
                prepared
                    .answers
                    .iter_mut()
                    .for_each(|(_, outcome)| *outcome = Err(StoreError::Full));
            }
        }
        prepared
    }
}

/// One group in the making.
struct Group<'a> {
    shared: &'a Shared,
    flight: &'a VecDeque<(Seq, Heads)>,
    frame: &'a mut FrameBuilder,
    heads: Heads,
    tree: EngineBatch,
    first: Seq,
    deletes: bool,
}

impl Group<'_> {
    fn head(&mut self, key: &Key) -> Result<Option<Head>, StoreError> {
        if let Some(head) = self.heads.get(key) {
            return Ok(*head);
        }
        let on_its_way = self.flight.iter().rev().find_map(|(_, heads)| heads.get(key).copied());
        let head = match on_its_way {
            Some(head) => head,
            None => self.shared.engine.head(key).inspect_err(|e| self.shared.distrust(e))?,
        };
        self.heads.insert(key.clone(), head);
        Ok(head)
    }

    fn next(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.frame.count()))
    }

    /// Against everything before this commit.
    fn judge(&mut self, batch: &Batch, full: bool) -> Result<Outcome, StoreError> {
        let full = full && !batch.revokes;
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
