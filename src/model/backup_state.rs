//! What the server has backed up by itself, since it was started: for whoever asks how it stands.

use crate::base::time::Timestamp;
use crate::store::Seq;
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Backups {
    /// The newest backup: when it was made, and the last commit in it.
    pub last: Option<Made>,
    /// The last commit that was shipped, and when that was.
    pub shipped: Option<Made>,
    /// What fails, in a sentence, and since when. It is tried again.
    pub failing: Option<Failing>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Made {
    pub at: Timestamp,
    #[serde(serialize_with = "number")]
    pub seq: Seq,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Failing {
    pub since: Timestamp,
    pub why: String,
}

impl Failing {
    /// Keeps since when it fails. Whether it is news: the first failure, or another one.
    pub fn note(current: &mut Option<Self>, at: Timestamp, why: &str) -> bool {
        let since = current.as_ref().map_or(at, |failing| failing.since);
        let news = current.as_ref().is_none_or(|failing| failing.why != why);
        *current = Some(Self {
            since,
            why: why.to_owned(),
        });
        news
    }
}

fn number<S: serde::Serializer>(seq: &Seq, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(seq.0)
}

#[derive(Default)]
pub struct BackupState(Mutex<Backups>);

impl BackupState {
    fn state(&self) -> MutexGuard<'_, Backups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Backups {
        self.state().clone()
    }

    pub fn made(&self, at: Timestamp, seq: Seq) {
        self.state().last = Some(Made { at, seq });
    }

    pub fn shipped(&self, at: Timestamp, seq: Seq) {
        self.state().shipped = Some(Made { at, seq });
    }

    /// Whether it is news: the first failure, or another one.
    pub fn fails(&self, at: Timestamp, why: &str) -> bool {
        Failing::note(&mut self.state().failing, at, why)
    }

    /// Whether something had failed before.
    pub fn works(&self) -> bool {
        self.state().failing.take().is_some()
    }
}
