//! What is asked of the store's threads, and a group of it on its way from the [judge](super::judge) to the
//! [writer](super::writer).

use super::engine::EngineBatch;
use crate::base::time::Timestamp;
use crate::store::journal::Planned;
use crate::store::{Batch, Key, Outcome, StoreError};
use tokio::sync::oneshot;

pub type CommitRequest = (Batch, oneshot::Sender<Result<Outcome, StoreError>>);
pub type TidyRequest = (Vec<(Timestamp, Key)>, oneshot::Sender<()>);

pub enum Request {
    Commit(CommitRequest),
    /// Reminders that were seen to: each is moved or dropped, whichever its record now asks for.
    Tidy(TidyRequest),
}

pub type Answers = Vec<(
    oneshot::Sender<Result<Outcome, StoreError>>,
    Result<Outcome, StoreError>,
)>;

/// A group as the judge hands it over. Without a frame nothing is to be written, but conflicts wait their turn too:
/// what they conflict with must be durable first.
pub struct Prepared {
    pub planned: Option<Planned>,
    pub tree: EngineBatch,
    /// The group deletes something.
    pub deletes: bool,
    pub answers: Answers,
    pub tidies: Vec<TidyRequest>,
}
