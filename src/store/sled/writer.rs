//! The second half of a commit: journal, disk, tree, answer. One group after the other.
//!
//! The group's frame goes to the journal first. Then two things happen at once: this thread waits for the disk, and the
//! [applier](super::applier) applies the group to the tree. Answers leave when both are done. One after the other would
//! cost the sum of the two; side by side they cost the slower one, and meanwhile the next group forms in the
//! [queue](super::judge).
//!
//! What follows from the overlap: the tree may hold, for the length of one sync, commits that a power cut would undo.
//! Nobody is told of them: a read that meets one waits for the sync ([`super::progress`]). After a power cut the tree
//! is rebuilt, and after a crash of the process alone the frame is in the page cache and replayed.

use super::Shared;
use super::applier::Applier;
use super::engine::{Applied, EngineBatch};
use super::group::Group;
use super::judge::Queue;
use crate::base::time::{Stopwatch, Timestamp};
use crate::store::journal::Journal;
use crate::store::{Key, StoreError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;

pub struct Writer {
    pub shared: Arc<Shared>,
    pub queue: Arc<Queue>,
    pub journal: Journal,
    pub applier: Applier,
    pub durable: watch::Sender<u64>,
}

impl Writer {
    /// Until the queue is closed and empty. The error is a sentence: the process must end, nothing may be answered any
    /// more.
    pub fn run(mut self) -> Result<(), String> {
        while let Some(mut group) = self.queue.next()? {
            if group.frame.count() > 0 {
                match self.journal.make_room(group.frame.length()) {
                    Ok(()) => self.write(&mut group)?,
                    Err(e) => {
                        log::error!("no room can be made for the journal: {e}");
                        self.queue.refuse(&mut group, self.journal.next());
                    }
                }
            }
            let tidies = std::mem::take(&mut group.tidies);
            group.answer();
            for (reminders, answer) in tidies {
                self.tidy(reminders)?;
                let _ = answer.send(());
            }
            self.shared.maintenance.consider(&self.shared);
        }
        Ok(())
    }

    fn write(&mut self, group: &mut Group) -> Result<(), String> {
        let written = self.journal.append(&mut group.frame);
        let written = written.map_err(|e| format!("the journal cannot be written: {e}"))?;
        let (first, last) = (written.first, written.last);
        let progress = &self.shared.progress;
        if group.deletes {
            progress.deleted.store(last.0, Ordering::SeqCst);
        }
        let mut tree = std::mem::take(&mut group.tree);
        tree.applied(Applied { first, last });
        self.applier.start(tree)?;
        let watch = Stopwatch::start();
        let synced = self.journal.sync();
        let took = watch.elapsed();
        synced.map_err(|e| format!("the journal cannot be synced: {e}"))?;
        if let Err(e) = self.applier.wait()? {
            self.shared.distrust(&e);
            return Err(format!("a commit cannot be applied: {e}"));
        }
        progress.reached(&group.written, last);
        self.durable.send_replace(last.0);
        let (counters, commits) = (&self.shared.counters, last.0 + 1 - first.0);
        counters.commits.add(commits);
        counters.group_commits.observe(commits);
        counters.sync_us.took(took);
        Ok(())
    }

    fn tidy(&mut self, reminders: Vec<(Timestamp, Key)>) -> Result<(), String> {
        let failed = |e: StoreError| {
            self.shared.distrust(&e);
            format!("reminders cannot be moved: {e}")
        };
        let engine = &self.shared.engine;
        let mut batch = EngineBatch::default();
        for (at, key) in reminders {
            let head = engine.head(&key).map_err(failed)?;
            match head.and_then(|head| head.expires_at) {
                // Not swept yet: it keeps its reminder.
                Some(expires_at) if expires_at == at => {}
                Some(expires_at) if expires_at > at => {
                    batch.remind(expires_at, &key);
                    batch.forget(at, &key);
                }
                _ => batch.forget(at, &key),
            }
        }
        engine.apply(batch).map_err(failed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.fail();
    }
}
