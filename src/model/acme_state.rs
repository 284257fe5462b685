//! How certificates that are obtained by themselves stand, and what the authority that gives them may ask right now.
//! Nothing of it outlives the process: the certificate does, in a file.

use super::backup_state::Failing;
use crate::base::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Renewal {
    /// There is no certificate yet: one that nobody trusts stands in for it.
    pub stands_in: bool,
    /// When the next one is asked for.
    pub next_at: Option<Timestamp>,
    /// Why there is no new one, and since when. It is tried again.
    pub failing: Option<Failing>,
}

#[derive(Default)]
pub struct AcmeState {
    renewal: Mutex<Renewal>,
    /// Token → what is to be answered (RFC 8555 §8.3).
    answers: Mutex<BTreeMap<String, String>>,
    /// Told when somebody wants it tried now.
    pub wanted: Notify,
}

impl AcmeState {
    fn renewal(&self) -> MutexGuard<'_, Renewal> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Renewal {
        self.renewal().clone()
    }

    pub fn is_due(&self, at: Timestamp, stands_in: bool) {
        let mut renewal = self.renewal();
        renewal.next_at = Some(at);
        renewal.stands_in = stands_in;
    }

    /// Whether it is news: the first failure, or another one.
    pub fn fails(&self, at: Timestamp, why: &str) -> bool {
        Failing::note(&mut self.renewal().failing, at, why)
    }

    pub fn works(&self) {
        self.renewal().failing = None;
    }

    /// What whoever asks with this token is told.
    pub fn answer(&self, token: &str) -> Option<String> {
        self.answers().get(token).cloned()
    }

    pub fn expect(&self, token: String, answer: String) {
        self.answers().insert(token, answer);
    }

    pub fn expect_nobody(&self) {
        self.answers().clear();
    }
}
