//! A mail on its way: written in the batch that causes it, removed when a mail server has taken it.

use crate::base::master::Sealed;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A mail server that is down for longer gets nothing more (RFC 5321 §4.5.4.1 wants four to five days for mail that
/// nobody can ask for again; this can be).
pub const TRIED_FOR: Duration = Duration::from_secs(3 * 24 * 60 * 60);

const FIRST_PAUSE: Duration = Duration::from_secs(60);
const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mail {
    /// `m_…`.
    pub id: String,
    pub next_attempt_at: Timestamp,
    pub attempts: u32,
    /// Then it is given up: the link in it has expired, or it was tried for long enough.
    pub given_up_at: Timestamp,
    /// The [`Letter`], or nothing where there is nobody to write to. Sealed, because a link in it opens an account.
    pub letter: Option<Sealed>,
}

/// What a mail says. It is plain text.
#[derive(Serialize, Deserialize)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Mail {
    /// Tried once more, without success: later and later, and not all at the same moment. `jitter` is any number.
    pub fn put_off(&self, now: Timestamp, jitter: u32) -> Self {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.attempts.min(16)).min(PAUSE_MAX);
        // Three to five quarters of the pause.
        let spread = pause.as_millis() as u64 / 2;
        let pause = pause * 3 / 4 + Duration::from_millis(u64::from(jitter) % spread.max(1));
        Self {
            next_attempt_at: now + pause,
            attempts: self.attempts + 1,
            ..self.clone()
        }
    }
}

impl Record for Mail {
    fn key(&self) -> Key {
        keys::mail(self.next_attempt_at, &self.id)
    }
}
