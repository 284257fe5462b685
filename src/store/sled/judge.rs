//! The first half of a commit: does it hold, what number has it, what bytes is it.
//!
//! Each commit is judged at once, on its caller's thread, against everything judged before it: what the tree holds, and
//! what is still on its way there. It joins the newest group. The [writer](super::writer) takes the oldest one whenever
//! it has done with the one before: whatever came meanwhile is one group, and there is no timer. Only to threads that
//! wait for its processor does it give way first: what they bring comes along.

use super::Shared;
use super::engine::Head;
use super::group::{Answer, Group, Tidy};
use super::heads::Heads;
use super::progress::Slot;
use super::space::Space;
use crate::store::{Batch, Check, Key, Outcome, Seq, StoreError, Write};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// Where commits wait for the writer.
pub struct Queue {
    judge: Mutex<Judge>,
    arrived: Condvar,
}

impl Queue {
    pub fn new(shared: Arc<Shared>, space: Space, next: Seq, waiting_max: usize) -> Self {
        let judge = Judge {
            shared,
            space,
            full: false,
            heads: Heads::default(),
            next,
            groups: VecDeque::new(),
            waiting: 0,
            waiting_max,
            writer_sleeps: false,
            closed: false,
        };
        Self {
            judge: Mutex::new(judge),
            arrived: Condvar::new(),
        }
    }

    /// The batch has been validated.
    pub fn commit(&self, batch: Batch, answer: Answer) -> Result<(), StoreError> {
        self.enter(|judge| judge.commit(batch, answer))
    }

    /// How many wait for the writer.
    pub fn waiting(&self) -> u64 {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner).waiting as u64
    }

    pub fn tidy(&self, tidy: Tidy) -> Result<(), StoreError> {
        self.enter(|judge| judge.group().tidies.push(tidy))
    }

    fn enter(&self, f: impl FnOnce(&mut Judge)) -> Result<(), StoreError> {
        let unavailable = |why: &str| Err(StoreError::Unavailable(why.into()));
        let Ok(mut judge) = self.judge.lock() else {
            // The writer sees it too, and ends the process.
            self.arrived.notify_one();
            return unavailable("the store failed");
        };
        if judge.closed {
            return unavailable("the store is closed");
        }
        if judge.waiting >= judge.waiting_max {
            return unavailable("too many commits are waiting");
        }
        f(&mut judge);
        judge.waiting += 1;
        let wake = std::mem::take(&mut judge.writer_sleeps);
        drop(judge);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// The oldest group, as soon as there is one; `None` once the queue is closed and empty.
    pub fn next(&self) -> Result<Option<Group>, String> {
        let panicked = |_| "a thread panicked while it judged a commit".to_owned();
        let mut judge = self.judge.lock().map_err(|e| panicked(e.to_string()))?;
        while judge.groups.is_empty() {
            if judge.closed {
                return Ok(None);
            }
            judge.writer_sleeps = true;
            judge = self.arrived.wait(judge).map_err(|e| panicked(e.to_string()))?;
        }
        // Requests that are ready when no processor is free belong into this group too: they run first. Otherwise the
        // writer, woken by the first commit, goes ahead of them, and a busy processor makes a frame and a sync for each
        // few. Where a processor is free this costs nothing.
        drop(judge);
        thread::yield_now();
        let mut judge = self.judge.lock().map_err(|e| panicked(e.to_string()))?;
        let group = judge.groups.pop_front();
        judge.waiting -= group.as_ref().map_or(0, Group::waiting);
        Ok(group)
    }

    /// No room can be made for a group's frame. Nothing has happened yet, neither of it nor of those behind it: none of
    /// them is in the tree, no byte is written, and `next` is again the next number.
    pub fn refuse(&self, group: &mut Group, next: Seq) {
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge.space.give_up(0);
        judge.heads = Heads::default();
        judge.next = next;
        for group in judge.groups.iter_mut().chain([group]) {
            let answers = group.answers.drain(..);
            let answers = answers.map(|(answer, _)| (answer, Err(StoreError::Full))).collect();
            let tidies = std::mem::take(&mut group.tidies);
            *group = Group {
                answers,
                tidies,
                ..Group::new(next)
            };
        }
    }

    /// Nothing is accepted any more; what waits is still done.
    pub fn close(&self) {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrived.notify_one();
    }

    /// The writer is gone: those who wait learn that it is unknown what happened.
    pub fn fail(&self) {
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge.closed = true;
        judge.groups.clear();
    }
}

struct Judge {
    shared: Arc<Shared>,
    space: Space,
    /// New records are refused.
    full: bool,
    heads: Heads,
    /// The Seq the next commit will have.
    next: Seq,
    /// Those the writer has not taken yet, oldest first.
    groups: VecDeque<Group>,
    waiting: usize,
    waiting_max: usize,
    writer_sleeps: bool,
    closed: bool,
}

impl Judge {
    /// The group that the next one joins.
    fn group(&mut self) -> &mut Group {
        if self.groups.back().is_none_or(Group::is_full) {
            self.full = self.space.is_full();
            self.shared.counters.full.store(self.full, Ordering::Relaxed);
            self.heads.tidy(Seq(self.next.0 - 1), self.shared.progress.durable());
            self.groups.push_back(Group::new(self.next));
        }
        self.groups.back_mut().expect("there is one now")
    }

    fn commit(&mut self, batch: Batch, answer: Answer) {
        self.group().bytes += batch.size_bytes();
        let outcome = self.judge(&batch);
        if matches!(outcome, Ok(Outcome::Committed(_))) {
            self.take(batch);
        }
        self.group().answers.push((answer, outcome));
    }

    fn head(&mut self, key: &Key) -> Result<Option<Head>, StoreError> {
        if let Some(head) = self.heads.get(key) {
            return Ok(head);
        }
        let head = self.shared.engine.head(key);
        let head = head.inspect_err(|e| self.shared.distrust(e))?;
        self.heads.set(key, head);
        Ok(head)
    }

    /// Against everything before this commit.
    fn judge(&mut self, batch: &Batch) -> Result<Outcome, StoreError> {
        let full = self.full && !batch.revokes;
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
        Ok(Outcome::Committed(self.next))
    }

    fn take(&mut self, batch: Batch) {
        let version = self.next;
        self.next.0 += 1;
        let Self { groups, heads, .. } = self;
        let group = groups.back_mut().expect("the commit's group is there");
        group.frame.push(&batch.writes);
        for write in batch.writes {
            match write {
                Write::Put { key, value, expires_at } => {
                    group.written.push(Slot::of(&key));
                    if let Some(at) = expires_at {
                        let before = heads.get(&key).flatten();
                        // An earlier reminder stands already, and sweep will move it.
                        if before.and_then(|head| head.expires_at).is_none_or(|before| before > at) {
                            group.tree.remind(at, &key);
                        }
                    }
                    heads.set(&key, Some(Head { version, expires_at }));
                    group.tree.put(key, version, expires_at, value);
                }
                Write::Delete { key } => {
                    group.deletes = true;
                    group.written.push(Slot::of(&key));
                    heads.set(&key, None);
                    group.tree.delete(key);
                }
            }
        }
    }
}
