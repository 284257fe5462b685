//! Token buckets on a clock that is an argument, in tables that never grow beyond their size.

use super::peer::network;
use super::random::{self, Random};
use super::time::Timestamp;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Locks per table: enough that two cores seldom meet.
const SHARDS: usize = 16;

/// Buckets compared when one has to be forgotten.
const SAMPLE: usize = 16;

/// Failures past the limit (of requests that were in flight together) are owed too, up to this many whole buckets: long
/// enough that parallel guessing gains little, short enough that a repaired client is let in again.
const OWED_BUCKETS_MAX: u64 = 6;

/// Makes keys of buckets. Has absorbed a random key already: the tables hold no principal, and nobody outside can aim
/// at a bucket.
pub(super) struct BucketKeys(DefaultHasher);

impl BucketKeys {
    pub fn new(random: &dyn Random) -> Self {
        let mut keyed = DefaultHasher::new();
        keyed.write(&random::bytes::<16>(random));
        Self(keyed)
    }

    /// Of an address, or of a principal at an address.
    pub fn key(&self, principal: Option<&str>, peer: IpAddr) -> u64 {
        let mut hasher = self.0.clone();
        network(peer).hash(&mut hasher);
        if let Some(principal) = principal {
            principal.hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// From a bucket's key to the moment when it owes nothing any more, in nanoseconds since the Unix epoch.
type Shard = BTreeMap<u64, u64>;

/// Buckets of one size.
pub(super) struct Buckets {
    quota: Quota,
    table: BucketTable,
}

/// Buckets whose size each visit says.
pub(super) struct BucketTable {
    shard_keys_max: usize,
    shards: [Mutex<Shard>; SHARDS],
}

/// So many at once, and one more after each `refill`.
pub(super) fn quota(burst: NonZeroU32, refill: Duration) -> Quota {
    Quota::with_period(refill.max(Duration::from_nanos(1)))
        .expect("the period is not zero")
        .allow_burst(burst)
}

impl Buckets {
    pub fn new(burst: NonZeroU32, refill: Duration, keys_max: usize) -> Self {
        Self {
            quota: quota(burst, refill),
            table: BucketTable::new(keys_max),
        }
    }

    /// How long until there is room; `None` when there is now. Counts nothing.
    pub fn wait(&self, key: u64, now: Timestamp) -> Option<Duration> {
        self.visit(key, now, Counts::Nothing)
    }

    /// Counts one more, also where there is no room: it happened.
    pub fn count(&self, key: u64, now: Timestamp) {
        self.visit(key, now, Counts::Always);
    }

    /// Counts one more where there is room, else says how long to wait. Of many at once no more get through.
    pub fn take(&self, key: u64, now: Timestamp) -> Option<Duration> {
        self.visit(key, now, Counts::WhereThereIsRoom)
    }

    /// Whether nothing was counted that is still owed.
    pub fn is_full(&self, key: u64, now: Timestamp) -> bool {
        let owed_until = self.table.shard(key).get(&key).copied();
        owed_until.is_none_or(|until| until <= Duration::from_millis(now.millis()).as_nanos() as u64)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    fn visit(&self, key: u64, now: Timestamp, counts: Counts) -> Option<Duration> {
        self.table.visit(self.quota, key, now, counts).err()
    }
}

impl BucketTable {
    pub fn new(keys_max: usize) -> Self {
        Self {
            shard_keys_max: (keys_max / SHARDS).max(1),
            shards: Default::default(),
        }
    }

    /// Counts one more where there is room, and says how long until nothing is owed; else how long to wait.
    pub fn take(&self, quota: Quota, key: u64, now: Timestamp) -> Result<Duration, Duration> {
        self.visit(quota, key, now, Counts::WhereThereIsRoom)
    }

    /// What was taken came to nothing.
    pub fn give_back(&self, quota: Quota, key: u64) {
        if let Some(until) = self.shard(key).get_mut(&key) {
            *until = until.saturating_sub(nanos(quota.replenish_interval()));
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[key as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visit(&self, quota: Quota, key: u64, now: Timestamp, counts: Counts) -> Result<Duration, Duration> {
        let owed = Cell::new(0);
        let visit = Visit {
            table: self,
            quota,
            key,
            now_ns: now.millis().saturating_mul(1_000_000),
            counts,
            owed: &owed,
        };
        let limiter: RateLimiter<_, _, _, NoOpMiddleware<Nanos>> = RateLimiter::new(quota, visit, AtVisit);
        match limiter.check() {
            Ok(()) => Ok(Duration::from_nanos(owed.get())),
            Err(wait) => Err(wait.wait_time_from(AtVisit.now())),
        }
    }
}

/// 584 years at most.
pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Governor's clock: every moment it sees is relative to the visit, which is told the time. So time is an argument, and
/// a clock set back can make nobody wait longer than the most that can be owed.
struct AtVisit;

impl Clock for AtVisit {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        Nanos::from(0)
    }
}

/// One look at one bucket. Governor's own stores count whatever they let through; this one leaves that to `counts`.
struct Visit<'a> {
    table: &'a BucketTable,
    quota: Quota,
    key: u64,
    now_ns: u64,
    counts: Counts,
    /// What the bucket owes after it, where there was room.
    owed: &'a Cell<u64>,
}

#[derive(Clone, Copy)]
enum Counts {
    Nothing,
    WhereThereIsRoom,
    Always,
}

impl StateStore for Visit<'_> {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let owed_max = nanos(self.quota.burst_size_replenished_in()).saturating_mul(OWED_BUCKETS_MAX);
        let mut shard = self.table.shard(self.key);
        let owed = shard
            .get(&self.key)
            .map(|until| until.saturating_sub(self.now_ns).min(owed_max));
        let decision = decide(owed.map(Nanos::from));
        match (self.counts, &decision) {
            (Counts::Nothing, _) | (Counts::WhereThereIsRoom, Err(_)) => {}
            (_, Ok((_, owed))) => {
                self.owed.set(owed.as_u64());
                self.keep(&mut shard, owed.as_u64());
            }
            (Counts::Always, Err(_)) => {
                let more = nanos(self.quota.replenish_interval());
                self.keep(&mut shard, owed.unwrap_or(0).saturating_add(more));
            }
        }
        decision.map(|(outcome, _)| outcome)
    }
}

impl Visit<'_> {
    /// Makes room by forgetting whichever of a few owes least. Keys are hashes, so these few are a random sample;
    /// whoever fills the table from many addresses pushes out buckets as fresh as their own, not those that block.
    fn keep(&self, shard: &mut Shard, owed: u64) {
        if shard.len() >= self.table.shard_keys_max && !shard.contains_key(&self.key) {
            let sample = shard.range(self.key..).chain(shard.range(..self.key)).take(SAMPLE);
            let least = sample.min_by_key(|(_, until)| **until).map(|(key, _)| *key);
            least.and_then(|key| shard.remove(&key));
        }
        shard.insert(self.key, self.now_ns.saturating_add(owed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn a_full_table_forgets_what_owes_least() {
        let buckets = Buckets::new(NonZeroU32::new(10).unwrap(), seconds(30), 4 * SHARDS);
        let same_shard = |n: u64| n * SHARDS as u64;
        for (n, failed_at) in [(0, 3), (1, 2), (2, 0), (3, 1)] {
            buckets.count(same_shard(n), START + seconds(failed_at));
        }
        let left = || -> Vec<u64> { buckets.table.shards[0].lock().unwrap().keys().copied().collect() };
        buckets.count(same_shard(0), START + seconds(4));
        assert_eq!(left(), [0, 1, 2, 3].map(same_shard), "a known bucket needs no room");
        buckets.count(same_shard(4), START + seconds(4));
        assert_eq!(left(), [0, 1, 3, 4].map(same_shard));
    }
}
