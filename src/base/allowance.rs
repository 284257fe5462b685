//! How many requests somebody may make who has shown who they are: token buckets of whatever size each rate says, so
//! that rates can change while the server runs. A bucket outlives them: it knows until when it owes, and not how much
//! it holds.

use super::buckets::{BucketTable, nanos, quota};
use super::time::Timestamp;
use governor::Quota;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

/// Requests in a window: all of them at once after a time without any, and refilled evenly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate(Quota);

/// What is left after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    pub requests: u64,
    /// Until all of them are there again.
    pub full_after: Duration,
}

pub struct Allowances {
    hasher: RandomState,
    table: BucketTable,
}

impl Rate {
    pub fn new(requests: NonZeroU32, window: Duration) -> Self {
        Self(quota(requests, window / requests.get()))
    }
}

impl Allowances {
    /// `keys_max`: buckets kept; past it one that owes little is forgotten.
    pub fn new(keys_max: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            table: BucketTable::new(keys_max),
        }
    }

    /// Whose bucket it is: two that share a hash, which is next to impossible, share a bucket.
    pub fn key(&self, whose: impl Hash) -> u64 {
        self.hasher.hash_one(whose)
    }

    /// Counts one request, or says how long to wait with it. Of many at once no more get through.
    pub fn take(&self, key: u64, rate: Rate, now: Timestamp) -> Result<Left, Duration> {
        let owed = self.table.take(rate.0, key, now)?;
        let free = rate.0.burst_size_replenished_in().saturating_sub(owed);
        Ok(Left {
            requests: nanos(free) / nanos(rate.0.replenish_interval()).max(1),
            full_after: owed,
        })
    }

    /// The request that was counted is refused for another reason.
    pub fn give_back(&self, key: u64, rate: Rate) {
        self.table.give_back(rate.0, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn rate(requests: u32, seconds: u64) -> Rate {
        Rate::new(NonZeroU32::new(requests).unwrap(), Duration::from_secs(seconds))
    }

    #[test]
    fn a_rate_is_all_at_once_and_then_evenly_and_may_change() {
        let allowances = Allowances::new(1000);
        let (whose, ten) = (allowances.key("a"), rate(10, 60));
        for left in (0..10).rev() {
            let taken = allowances.take(whose, ten, START).unwrap();
            let full_after = Duration::from_secs(6 * (10 - left));
            assert_eq!(
                taken,
                Left {
                    requests: left,
                    full_after
                }
            );
        }
        assert_eq!(allowances.take(whose, ten, START), Err(Duration::from_secs(6)));
        allowances.give_back(whose, ten);
        assert!(allowances.take(whose, ten, START).is_ok());
        let later = START + Duration::from_secs(6);
        assert!(allowances.take(whose, ten, later).is_ok());
        assert!(allowances.take(whose, ten, later).is_err(), "one more, not ten");
        // A tenth of it: what is owed stays owed.
        assert!(allowances.take(whose, rate(1, 6), later).is_err());
        // Ten times as much: there is room at once.
        assert_eq!(allowances.take(whose, rate(100, 600), later).unwrap().requests, 89);
    }
}
