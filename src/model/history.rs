//! The last hours of this process, a row a minute.

use crate::base::meter::Distribution;
use crate::base::time::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Three hours.
pub const MINUTES_MAX: usize = 180;

/// What happened in a minute, and what waited at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Minute {
    pub at: Timestamp,
    pub requests: u64,
    /// Those that ended as failures of ours.
    pub failed: u64,
    pub commits: u64,
    /// All but the slowest hundredth were answered within this time.
    pub slowest_us: u64,
    pub waiting: u64,
}

/// What was counted up to a moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    pub requests: u64,
    pub failed: u64,
    pub commits: u64,
    pub latency: Distribution,
}

#[derive(Default)]
pub struct History(Mutex<(Totals, VecDeque<Minute>)>);

impl History {
    /// `between` makes a row of what was counted at the last one and what is now.
    pub fn note(&self, now: Totals, between: impl FnOnce(&Totals, &Totals) -> Minute) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = between(&kept.0, &now);
        kept.0 = now;
        if kept.1.len() == MINUTES_MAX {
            kept.1.pop_front();
        }
        kept.1.push_back(minute);
    }

    /// The oldest first.
    pub fn minutes(&self) -> Vec<Minute> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .iter()
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_what_came_since_the_one_before_and_the_oldest_go() {
        let history = History::default();
        for total in 1..=(MINUTES_MAX as u64 + 5) {
            let now = Totals {
                requests: total * total,
                ..Totals::default()
            };
            history.note(now, |then, now| Minute {
                requests: now.requests - then.requests,
                ..Minute::default()
            });
        }
        let minutes = history.minutes();
        assert_eq!(minutes.len(), MINUTES_MAX);
        // n² - (n - 1)², from the sixth on.
        assert_eq!((minutes[0].requests, minutes[1].requests), (11, 13));
    }
}
