//! Brute-force protection for every path that verifies a credential (RFC 6749 §2.3.1, RFC 7009 §5).
//!
//! Only failures count, so a good client is never slowed down. Two buckets are asked before a credential is looked at:
//!
//! * **principal and address**: what is guessed at, and from where. The principal is the client_id, user or token
//!   identifier the request was parsed to, never a raw header, whose spelling a guesser could vary for fresh buckets.
//! * **address**, wider, over all principals: against spraying one guess at each of many principals, and against
//!   filling the table. Not for loopback peers: there a TLS proxy speaks for everyone.
//!
//! There is no bucket per principal over all addresses. Client identifiers are public, so such a bucket would let
//! anyone lock the real client out from somewhere else; and against a secret of 192 random bits many addresses gain
//! nothing. What is short enough to be guessed in a few thousand tries (a one-time code) also counts its attempts in
//! the store, by a conditional write: requests in flight together have all passed [`Limiter::blocked`] before the first
//! one failed. Passwords are long, and the common ones are refused.
//!
//! An address is what [`network`] makes of it.

use crate::base::peer::network;
use crate::base::random::{self, Random};
use crate::base::time::Timestamp;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Locks per table: enough that two cores seldom meet.
const SHARDS: usize = 16;

/// Buckets compared when one has to be forgotten.
const SAMPLE: usize = 16;

/// Failures past the limit (of requests that were in flight together) are owed too, up to this many whole buckets: long
/// enough that parallel guessing gains little, short enough that a repaired client is let in again.
const OWED_BUCKETS_MAX: u64 = 6;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FailureLimits {
    /// Failures in a row of one principal from one address before it has to wait.
    pub failures_max: NonZeroU32,
    /// The same for all principals together from one address.
    pub address_failures_max: NonZeroU32,
    /// After this long one failure of `failures_max` is forgiven; the address's bucket empties in the same time.
    pub refill_s: NonZeroU32,
    /// Buckets kept in each of the two tables; past it one that owes little is forgotten.
    pub keys_max: usize,
}

impl Default for FailureLimits {
    fn default() -> Self {
        Self {
            failures_max: NonZeroU32::new(10).expect("10 is not 0"),
            address_failures_max: NonZeroU32::new(100).expect("100 is not 0"),
            refill_s: NonZeroU32::new(30).expect("30 is not 0"),
            keys_max: 65_536,
        }
    }
}

pub struct Limiter {
    pairs: Buckets,
    addresses: Buckets,
    /// Has absorbed a random key already: the tables hold no principal, and nobody outside can aim at a bucket.
    keyed: DefaultHasher,
}

impl Limiter {
    pub fn new(limits: FailureLimits, random: &dyn Random) -> Self {
        let refill = Duration::from_secs(limits.refill_s.get().into());
        let address_refill = refill * limits.failures_max.get() / limits.address_failures_max.get();
        let mut keyed = DefaultHasher::new();
        keyed.write(&random::bytes::<16>(random));
        Self {
            pairs: Buckets::new(limits.failures_max, refill, limits.keys_max),
            addresses: Buckets::new(limits.address_failures_max, address_refill, limits.keys_max),
            keyed,
        }
    }

    /// How long until a credential of `principal` from `peer` may be looked at again; `None` when it may be now. Round
    /// up for Retry-After. Changes nothing and allocates nothing.
    pub fn blocked(&self, principal: &str, peer: IpAddr, now: Timestamp) -> Option<Duration> {
        let by_pair = self.pairs.wait(self.pair_key(principal, peer), now);
        let by_address = self.address_key(peer).and_then(|key| self.addresses.wait(key, now));
        by_pair.max(by_address)
    }

    /// A credential of `principal` from `peer` was wrong. Unknown principals count like known ones: the answers must
    /// not tell them apart.
    pub fn failed(&self, principal: &str, peer: IpAddr, now: Timestamp) {
        self.pairs.count(self.pair_key(principal, peer), now);
        if let Some(key) = self.address_key(peer) {
            self.addresses.count(key, now);
        }
    }

    fn pair_key(&self, principal: &str, peer: IpAddr) -> u64 {
        let mut hasher = self.keyed_by(peer);
        principal.hash(&mut hasher);
        hasher.finish()
    }

    fn address_key(&self, peer: IpAddr) -> Option<u64> {
        (!peer.to_canonical().is_loopback()).then(|| self.keyed_by(peer).finish())
    }

    fn keyed_by(&self, peer: IpAddr) -> DefaultHasher {
        let mut hasher = self.keyed.clone();
        network(peer).hash(&mut hasher);
        hasher
    }
}

/// From a bucket's key to the moment when it owes nothing any more, in nanoseconds since the Unix epoch.
type Shard = BTreeMap<u64, u64>;

struct Buckets {
    quota: Quota,
    shard_keys_max: usize,
    shards: [Mutex<Shard>; SHARDS],
}

impl Buckets {
    fn new(burst: NonZeroU32, refill: Duration, keys_max: usize) -> Self {
        let refill = refill.max(Duration::from_nanos(1));
        let quota = Quota::with_period(refill)
            .expect("the period is not zero")
            .allow_burst(burst);
        Self {
            quota,
            shard_keys_max: (keys_max / SHARDS).max(1),
            shards: Default::default(),
        }
    }

    fn wait(&self, key: u64, now: Timestamp) -> Option<Duration> {
        self.visit(key, now, false)
    }

    fn count(&self, key: u64, now: Timestamp) {
        self.visit(key, now, true);
    }

    fn visit(&self, key: u64, now: Timestamp, counts: bool) -> Option<Duration> {
        let now_ns = now.millis().saturating_mul(1_000_000);
        let visit = Visit {
            buckets: self,
            key,
            now_ns,
            counts,
        };
        let limiter: RateLimiter<_, _, _, NoOpMiddleware<Nanos>> = RateLimiter::new(self.quota, visit, AtVisit);
        Some(limiter.check().err()?.wait_time_from(AtVisit.now()))
    }
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
    buckets: &'a Buckets,
    key: u64,
    now_ns: u64,
    counts: bool,
}

impl StateStore for Visit<'_> {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Buckets { quota, shards, .. } = self.buckets;
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let owed_max = nanos(quota.burst_size_replenished_in()).saturating_mul(OWED_BUCKETS_MAX);
        let mut shard = shards[self.key as usize % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let owed = shard
            .get(&self.key)
            .map(|until| until.saturating_sub(self.now_ns).min(owed_max));
        let decision = decide(owed.map(Nanos::from));
        if self.counts {
            let owed = match &decision {
                Ok((_, owed)) => owed.as_u64(),
                Err(_) => owed.unwrap_or(0).saturating_add(nanos(quota.replenish_interval())),
            };
            self.keep(&mut shard, owed);
        }
        decision.map(|(outcome, _)| outcome)
    }
}

impl Visit<'_> {
    /// Makes room by forgetting whichever of a few owes least. Keys are hashes, so these few are a random sample;
    /// whoever fills the table from many addresses pushes out buckets as fresh as their own, not those that block.
    fn keep(&self, shard: &mut Shard, owed: u64) {
        if shard.len() >= self.buckets.shard_keys_max && !shard.contains_key(&self.key) {
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
    use crate::base::random::SeededRandom;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn limiter(keys_max: usize) -> Limiter {
        Limiter::new(
            FailureLimits {
                keys_max,
                ..FailureLimits::default()
            },
            &SeededRandom::new(7),
        )
    }

    fn v4(last: u32) -> IpAddr {
        Ipv4Addr::from(0xC633_6400 + last).into()
    }

    fn fail(limiter: &Limiter, times: u32, principal: &str, peer: IpAddr) {
        (0..times).for_each(|_| limiter.failed(principal, peer, START));
    }

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn len(buckets: &Buckets) -> usize {
        buckets.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn ten_failures_block_that_principal_from_that_address_until_one_is_forgiven() {
        let limiter = limiter(1000);
        fail(&limiter, 9, "app", v4(1));
        assert_eq!(limiter.blocked("app", v4(1), START), None, "nine failures do not block");
        fail(&limiter, 1, "app", v4(1));
        assert_eq!(limiter.blocked("app", v4(1), START), Some(seconds(30)));
        assert_eq!(limiter.blocked("app", v4(1), START + seconds(29)), Some(seconds(1)));
        assert_eq!(limiter.blocked("app", v4(1), START + seconds(30)), None);
        limiter.failed("app", v4(1), START + seconds(30));
        assert_eq!(
            limiter.blocked("app", v4(1), START + seconds(30)),
            Some(seconds(30)),
            "one try, not ten"
        );
        assert_eq!(limiter.blocked("app", v4(1), START + seconds(330)), None);
    }

    #[test]
    fn the_real_client_at_another_address_and_other_clients_at_this_one_are_not_locked_out() {
        let limiter = limiter(1000);
        fail(&limiter, 60, "app", v4(1));
        assert!(limiter.blocked("app", v4(1), START).is_some());
        assert_eq!(limiter.blocked("app", v4(2), START), None);
        assert_eq!(limiter.blocked("other", v4(1), START), None);
    }

    #[test]
    fn asking_costs_nothing() {
        let limiter = limiter(1000);
        for _ in 0..1000 {
            assert_eq!(limiter.blocked("app", v4(1), START), None);
        }
        assert_eq!((len(&limiter.pairs), len(&limiter.addresses)), (0, 0));
    }

    #[test]
    fn guesses_in_flight_together_are_owed_but_not_for_ever() {
        let limiter = limiter(1000);
        fail(&limiter, 30, "app", v4(1));
        assert_eq!(limiter.blocked("app", v4(1), START), Some(seconds(21 * 30)));
        fail(&limiter, 1000, "app", Ipv4Addr::LOCALHOST.into());
        assert_eq!(
            limiter.blocked("app", Ipv4Addr::LOCALHOST.into(), START),
            Some(seconds(51 * 30))
        );
    }

    #[test]
    fn spraying_principals_blocks_the_address_unless_a_proxy_speaks_for_everyone() {
        let limiter = limiter(1000);
        for n in 0..100 {
            assert_eq!(limiter.blocked("fresh", v4(1), START), None, "after {n} principals");
            limiter.failed(&format!("app {n}"), v4(1), START);
            limiter.failed(&format!("app {n}"), Ipv6Addr::LOCALHOST.into(), START);
        }
        assert_eq!(limiter.blocked("fresh", v4(1), START), Some(seconds(3)));
        assert_eq!(limiter.blocked("fresh", v4(2), START), None);
        assert_eq!(limiter.blocked("fresh", Ipv6Addr::LOCALHOST.into(), START), None);
    }

    #[test]
    fn one_slash_64_is_one_address_and_a_mapped_ipv4_address_is_that_address() {
        let limiter = limiter(1000);
        let v6 = |text: &str| -> IpAddr { text.parse().unwrap() };
        for n in 0..10 {
            limiter.failed("app", v6(&format!("2001:db8:0:1:{n:x}::{n:x}")), START);
            limiter.failed("app", v6("::ffff:198.51.100.9"), START);
        }
        assert!(limiter.blocked("app", v6("2001:db8:0:1:ffff::1"), START).is_some());
        for neighbour in ["2001:db8::1", "2001:db8:0:2::1"] {
            assert_eq!(limiter.blocked("app", v6(neighbour), START), None);
        }
        assert!(limiter.blocked("app", v4(9), START).is_some());
        assert_eq!(limiter.blocked("app", v4(10), START), None);
    }

    #[test]
    fn a_flood_from_many_addresses_fills_neither_the_memory_nor_pushes_out_whoever_is_blocked() {
        let limiter = limiter(1024);
        fail(&limiter, 10, "app", v4(1));
        for n in 0..20_000_u32 {
            limiter.failed(
                "junk",
                Ipv4Addr::from(0x0A00_0000 + n).into(),
                START + Duration::from_millis(1),
            );
        }
        assert_eq!((len(&limiter.pairs), len(&limiter.addresses)), (1024, 1024));
        assert!(
            limiter
                .blocked("app", v4(1), START + Duration::from_millis(1))
                .is_some()
        );
    }

    #[test]
    fn a_full_table_forgets_what_owes_least() {
        let buckets = Buckets::new(NonZeroU32::new(10).unwrap(), seconds(30), 4 * SHARDS);
        let same_shard = |n: u64| n * SHARDS as u64;
        for (n, failed_at) in [(0, 3), (1, 2), (2, 0), (3, 1)] {
            buckets.count(same_shard(n), START + seconds(failed_at));
        }
        let left = || -> Vec<u64> { buckets.shards[0].lock().unwrap().keys().copied().collect() };
        buckets.count(same_shard(0), START + seconds(4));
        assert_eq!(left(), [0, 1, 2, 3].map(same_shard), "a known bucket needs no room");
        buckets.count(same_shard(4), START + seconds(4));
        assert_eq!(left(), [0, 1, 3, 4].map(same_shard));
    }

    #[test]
    fn a_clock_set_back_or_far_ahead_neither_panics_nor_locks_out() {
        let limiter = limiter(1000);
        (0..10).for_each(|_| limiter.failed("app", v4(1), START + seconds(1_000_000)));
        assert_eq!(
            limiter.blocked("app", v4(1), START),
            Some(seconds(51 * 30)),
            "the most that can be owed"
        );
        for at in [Timestamp::from_millis(0), Timestamp::from_millis(u64::MAX)] {
            fail(&limiter, 11, "edge", v4(2));
            limiter.failed("edge", v4(2), at);
            assert!(
                limiter
                    .blocked("edge", v4(2), at)
                    .is_none_or(|wait| wait <= seconds(51 * 30))
            );
        }
    }

    #[test]
    fn the_tables_hold_neither_the_principal_nor_anything_the_same_in_another_process() {
        let [a, b] = [1, 2].map(|seed| Limiter::new(FailureLimits::default(), &SeededRandom::new(seed)));
        assert_ne!(a.pair_key("app", v4(1)), b.pair_key("app", v4(1)));
        assert_ne!(a.address_key(v4(1)), b.address_key(v4(1)));
    }
}
