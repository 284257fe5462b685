//! When something was last used: a secret, a grant, a personal access token, an API key.
//!
//! Kept exact in memory and written now and then: a write for every use would be a write for every request.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The kinds of things there are, as [`keys::last_use`] names them.
pub const SECRET: &str = "secret";
pub const GRANT: &str = "grant";
pub const PERSONAL_TOKEN: &str = "personal_token";
pub const API_KEY: &str = "api_key";

/// How often the use of one thing is written.
pub const WRITTEN_EVERY: Duration = Duration::from_secs(60 * 60);
/// How long the last use of something is remembered.
const KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// Things remembered in each of the two generations (3 MiB for both). Beyond it one is written once more.
const REMEMBERED_MAX: usize = 32 * 1024;
/// Uses that wait to be written. What comes beyond waits for its next use.
const WAITING_MAX: usize = 8 * 1024;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastUse {
    pub kind: String,
    /// The thing's id.
    pub name: String,
    pub at: Timestamp,
}

impl Record for LastUse {
    fn key(&self) -> Key {
        keys::last_use(&self.kind, &self.name)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.at + KEPT)
    }
}

/// What was used lately, and what of it is still to be written.
#[derive(Default)]
pub struct LastUses {
    hasher: RandomState,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By hash: two things that share one, which is next to impossible, share a time.
    young: HashMap<u64, Seen>,
    /// What was young before; forgotten when the next generation is full.
    old: HashMap<u64, Seen>,
    waiting: Vec<LastUse>,
}

#[derive(Clone, Copy)]
struct Seen {
    used_at: Timestamp,
    /// When it was last put among what is to be written.
    noted_at: Timestamp,
}

impl LastUses {
    /// It is used now. Costs a look-up; allocates only where it will be written.
    pub fn note(&self, kind: &str, name: &str, now: Timestamp) {
        let thing = self.hasher.hash_one((kind, name));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = inner.seen(thing) {
            seen.used_at = now;
            if now.since(seen.noted_at) < WRITTEN_EVERY {
                return;
            }
        }
        if inner.waiting.len() >= WAITING_MAX {
            return;
        }
        inner.waiting.push(LastUse {
            kind: kind.to_owned(),
            name: name.to_owned(),
            at: now,
        });
        inner.remember(thing, now);
    }

    /// When it was last used, as far as this process remembers.
    pub fn of(&self, kind: &str, name: &str) -> Option<Timestamp> {
        let thing = self.hasher.hash_one((kind, name));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seen(thing).map(|seen| seen.used_at)
    }

    /// What is to be written now.
    pub fn take_waiting(&self) -> Vec<LastUse> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut inner.waiting)
    }
}

impl Inner {
    fn seen(&mut self, thing: u64) -> Option<&mut Seen> {
        self.young.get_mut(&thing).or_else(|| self.old.get_mut(&thing))
    }

    fn remember(&mut self, thing: u64, now: Timestamp) {
        if self.young.len() >= REMEMBERED_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(
            thing,
            Seen {
                used_at: now,
                noted_at: now,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_use_is_written_once_an_hour_and_known_at_once() {
        let uses = LastUses::default();
        for second in [0, 1, 3599] {
            uses.note(SECRET, "a", at(second));
        }
        uses.note(GRANT, "a", at(7));
        let waiting = uses.take_waiting();
        let waiting: Vec<_> = waiting.iter().map(|use_| (use_.kind.as_str(), use_.at)).collect();
        assert_eq!(waiting, [(SECRET, at(0)), (GRANT, at(7))]);
        assert_eq!(uses.of(SECRET, "a"), Some(at(3599)));
        assert_eq!(uses.of(SECRET, "b"), None);
        uses.note(SECRET, "a", at(3600));
        assert_eq!(uses.take_waiting().len(), 1);
        assert!(uses.take_waiting().is_empty());
    }

    #[test]
    fn neither_what_is_remembered_nor_what_waits_grows_without_end() {
        let uses = LastUses::default();
        for number in 0..3 * REMEMBERED_MAX {
            uses.note(GRANT, &number.to_string(), at(1));
            if number % 1000 == 0 {
                uses.take_waiting();
            }
        }
        let inner = uses.inner.lock().unwrap();
        assert!(inner.young.len() <= REMEMBERED_MAX && inner.old.len() <= REMEMBERED_MAX);
        drop(inner);
        uses.take_waiting();
        for number in 0..2 * WAITING_MAX {
            uses.note(SECRET, &number.to_string(), at(1));
        }
        assert_eq!(uses.take_waiting().len(), WAITING_MAX);
        // What found no room is noted at its next use.
        uses.note(SECRET, &(2 * WAITING_MAX - 1).to_string(), at(2));
        assert_eq!(uses.take_waiting().len(), 1);
    }
}
