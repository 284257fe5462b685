//! How many requests to the API's routes an app made for an organization, in this day and this month of UTC.
//!
//! Counted in memory and written now and then: a write for every request would cost more than the request.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counted at once (16 MiB). Beyond it those that are written are forgotten, and read again when they are needed.
pub const COUNTED_MAX: usize = 64 * 1024;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Usage {
    pub organization: String,
    /// The app, or a person with their own tokens and keys.
    pub subject: String,
    pub day: Period,
    pub month: Period,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Period {
    pub requests: u64,
    pub ends_at: Timestamp,
}

impl Record for Usage {
    fn key(&self) -> Key {
        keys::usage(&self.organization, &self.subject)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.day.ends_at.max(self.month.ends_at))
    }
}

impl Usage {
    /// Before the first request.
    pub fn none(organization: &str, subject: &str) -> Self {
        Self {
            organization: organization.to_owned(),
            subject: subject.to_owned(),
            day: Period::default(),
            month: Period::default(),
        }
    }

    fn turn(&mut self, now: Timestamp) {
        if now >= self.day.ends_at {
            self.day = Period {
                requests: 0,
                ends_at: now.next_day(),
            };
        }
        if now >= self.month.ends_at {
            self.month = Period {
                requests: 0,
                ends_at: now.next_month(),
            };
        }
    }
}

/// How many there may be; `None`: however many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quotas {
    pub day: Option<u64>,
    pub month: Option<u64>,
}

/// What came of counting one more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// With what there is now.
    Yes {
        day: Period,
        month: Period,
    },
    /// So long no more is let through.
    DayIsOver(Duration),
    MonthIsOver(Duration),
    /// It has to be read first, and given to [`Usages::know`] with this number.
    Unknown(u64),
}

/// What is counted, and what of it is still to be written.
#[derive(Default)]
pub struct Usages {
    hasher: RandomState,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By hash of organization and subject: two that share one, which is next to impossible, are counted together.
    known: HashMap<u64, Known>,
    /// How often some were forgotten: what was read before that may be older than what was written.
    forgotten: u64,
}

struct Known {
    usage: Usage,
    /// Changes of it, and which of them is written.
    changes: u64,
    written: u64,
}

impl Usages {
    /// Counts one more request where the quotas leave room. Of many at once no more get through.
    pub fn count(&self, organization: &str, subject: &str, quotas: Quotas, now: Timestamp) -> Counted {
        let mut inner = self.inner();
        let Some(known) = inner.known.get_mut(&self.hash(organization, subject)) else {
            return Counted::Unknown(inner.forgotten);
        };
        let usage = &mut known.usage;
        usage.turn(now);
        let is_over = |period: Period, most: Option<u64>| most.is_some_and(|most| period.requests >= most);
        if is_over(usage.month, quotas.month) {
            return Counted::MonthIsOver(usage.month.ends_at.since(now));
        }
        if is_over(usage.day, quotas.day) {
            return Counted::DayIsOver(usage.day.ends_at.since(now));
        }
        usage.day.requests += 1;
        usage.month.requests += 1;
        known.changes += 1;
        Counted::Yes {
            day: usage.day,
            month: usage.month,
        }
    }

    /// What was counted is refused for another reason.
    pub fn give_back(&self, organization: &str, subject: &str) {
        if let Some(known) = self.inner().known.get_mut(&self.hash(organization, subject)) {
            known.usage.day.requests = known.usage.day.requests.saturating_sub(1);
            known.usage.month.requests = known.usage.month.requests.saturating_sub(1);
            known.changes += 1;
        }
    }

    /// It was read, after [`Counted::Unknown`] had named `read_at`. `false`: there is no room, write first.
    pub fn know(&self, usage: Usage, read_at: u64) -> bool {
        let mut inner = self.inner();
        if inner.forgotten != read_at {
            // It may have been counted, written and forgotten meanwhile: it is read again.
            return true;
        }
        if inner.known.len() >= COUNTED_MAX {
            inner.known.retain(|_, known| known.changes > known.written);
            inner.forgotten += 1;
            return inner.known.len() < COUNTED_MAX;
        }
        let hash = self.hash(&usage.organization, &usage.subject);
        inner.known.entry(hash).or_insert(Known {
            usage,
            changes: 0,
            written: 0,
        });
        true
    }

    /// What has changed since it was written, with what [`Self::written`] is to be told once it is.
    pub fn unwritten(&self) -> Vec<(Usage, u64)> {
        let inner = self.inner();
        let changed = inner.known.values().filter(|known| known.changes > known.written);
        changed.map(|known| (known.usage.clone(), known.changes)).collect()
    }

    pub fn written(&self, page: &[(Usage, u64)]) {
        let mut inner = self.inner();
        for (usage, changes) in page {
            if let Some(known) = inner.known.get_mut(&self.hash(&usage.organization, &usage.subject)) {
                known.written = known.written.max(*changes);
            }
        }
    }

    fn hash(&self, organization: &str, subject: &str) -> u64 {
        self.hasher.hash_one((organization, subject))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);
    const QUOTAS: Quotas = Quotas {
        day: Some(2),
        month: Some(3),
    };

    fn known(usages: &Usages, subject: &str) {
        let Counted::Unknown(read_at) = usages.count("o", subject, QUOTAS, NOW) else {
            panic!("{subject} is known already");
        };
        assert!(usages.know(Usage::none("o", subject), read_at));
    }

    #[test]
    fn what_is_full_forgets_what_is_written_and_nothing_else() {
        let usages = Usages::default();
        for number in 0..COUNTED_MAX {
            known(&usages, &number.to_string());
        }
        usages.count("o", "7", QUOTAS, NOW);
        let Counted::Unknown(read_at) = usages.count("o", "new", QUOTAS, NOW) else {
            panic!("nobody was told of it");
        };
        assert!(usages.know(Usage::none("o", "new"), read_at), "there is room");
        assert_eq!(usages.unwritten().len(), 1);
        // It was read before some were forgotten, so it is read again.
        assert!(matches!(usages.count("o", "new", QUOTAS, NOW), Counted::Unknown(_)));
        known(&usages, "new");
        let page = usages.unwritten();
        usages.count("o", "7", QUOTAS, NOW);
        usages.written(&page);
        assert_eq!(usages.unwritten().len(), 1, "one came after the page was made");
        usages.written(&usages.unwritten());
        assert!(usages.unwritten().is_empty());
    }
}
