//! The second half of a commit: journal, disk, tree, answer. The one thread that writes.
//!
//! The group's frame goes to the journal first. Then two things happen at once: the syncer waits for the disk, and this
//! thread applies the group to the tree. Answers leave when both are done. One after the other would cost the sum of
//! the two; side by side they cost the slower one, and meanwhile the [judge](super::judge) prepares the next group.
//!
//! What follows from the overlap: the tree may hold, for the length of one sync, commits that a power cut would undo.
//! Nobody is told of them: a read that meets one waits for the sync ([`super::progress`]). After a power cut the tree
//! is rebuilt, and after a crash of the process alone the frame is in the page cache and replayed.

use super::Shared;
use super::engine::{Applied, EngineBatch};
use super::group::Prepared;
use super::syncer::Syncer;
use crate::base::time::Timestamp;
use crate::store::journal::{Appender, Planned};
use crate::store::{Key, StoreError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use tokio::sync::watch;

pub struct Writer {
    pub shared: Arc<Shared>,
    pub groups: Receiver<Prepared>,
    pub appender: Appender,
    pub syncer: Syncer,
    pub durable: watch::Sender<u64>,
}

impl Writer {
    /// Until the judge is gone. The error is a sentence: the process must end, nothing may be answered any more.
    pub fn run(mut self) -> Result<(), String> {
        while let Ok(group) = self.groups.recv() {
            if let Some(planned) = group.planned {
                self.write(planned, group.tree, group.deletes)?;
            }
            for (answer, outcome) in group.answers {
                // Whoever asked may have gone away.
                let _ = answer.send(outcome);
            }
            for (reminders, answer) in group.tidies {
                self.tidy(reminders)?;
                let _ = answer.send(());
            }
            self.shared.maintenance.consider(&self.shared);
        }
        Ok(())
    }

    fn write(&mut self, planned: Planned, mut tree: EngineBatch, deletes: bool) -> Result<(), String> {
        let (first, last) = (planned.first, planned.last);
        let file = self
            .appender
            .append(planned)
            .map_err(|e| format!("the journal cannot be written: {e}"))?;
        self.syncer.start(file)?;
        let progress = &self.shared.progress;
        if deletes {
            progress.deleted.store(last.0, Ordering::SeqCst);
        }
        tree.applied(Applied { first, last });
        let applied = self.shared.engine.apply(tree);
        self.syncer.wait()?;
        if let Err(e) = applied {
            self.shared.distrust(&e);
            return Err(format!("a commit cannot be applied: {e}"));
        }
        progress.durable.store(last.0, Ordering::SeqCst);
        self.durable.send_replace(last.0);
        self.shared
            .counters
            .commits
            .fetch_add(last.0 + 1 - first.0, Ordering::Relaxed);
        self.shared.counters.groups.fetch_add(1, Ordering::Relaxed);
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
