//! A group of commits on its way to the disk: one frame, one sync, one answer for each who asked.

use super::engine::EngineBatch;
use super::progress::Slot;
use crate::base::time::Timestamp;
use crate::store::journal::frame::FrameBuilder;
use crate::store::{Key, Outcome, Seq, StoreError};
use tokio::sync::oneshot;

/// While a group waits for the disk the next ones form: the longer one takes, the longer they wait.
const COMMITS_MAX: usize = 512;
const BYTES_MAX: usize = 1024 * 1024;

pub type Answer = oneshot::Sender<Result<Outcome, StoreError>>;
/// Reminders that were seen to: each is moved or dropped, whichever its record now asks for.
pub type Tidy = (Vec<(Timestamp, Key)>, oneshot::Sender<()>);

/// With an empty frame nothing is to be written, but conflicts wait their turn too: what they conflict with must be
/// durable first.
#[derive(Default)]
pub struct Group {
    pub frame: FrameBuilder,
    pub tree: EngineBatch,
    /// Of the keys it writes.
    pub written: Vec<Slot>,
    /// The group deletes something.
    pub deletes: bool,
    pub answers: Vec<(Answer, Result<Outcome, StoreError>)>,
    pub tidies: Vec<Tidy>,
    /// Of all batches, those that did not hold included.
    pub bytes: usize,
}

impl Group {
    /// Its commits are numbered from `first` on.
    pub fn new(first: Seq) -> Self {
        let mut group = Self::default();
        group.frame.start(first);
        group
    }

    pub fn is_full(&self) -> bool {
        self.answers.len() >= COMMITS_MAX || self.bytes >= BYTES_MAX
    }

    /// How many wait for it.
    pub fn waiting(&self) -> usize {
        self.answers.len() + self.tidies.len()
    }

    pub fn answer(self) {
        for (answer, outcome) in self.answers {
            // Whoever asked may have gone away.
            let _ = answer.send(outcome);
        }
    }
}
