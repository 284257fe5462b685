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
//! An address is what [`super::peer::network`] makes of it.

use super::buckets::{BucketKeys, Buckets};
use super::random::Random;
use super::time::Timestamp;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

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
    keys: BucketKeys,
}

impl Limiter {
    pub fn new(limits: FailureLimits, random: &dyn Random) -> Self {
        let refill = Duration::from_secs(limits.refill_s.get().into());
        let address_refill = refill * limits.failures_max.get() / limits.address_failures_max.get();
        Self {
            pairs: Buckets::new(limits.failures_max, refill, limits.keys_max),
            addresses: Buckets::new(limits.address_failures_max, address_refill, limits.keys_max),
            keys: BucketKeys::new(random),
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
        self.keys.key(Some(principal), peer)
    }

    fn address_key(&self, peer: IpAddr) -> Option<u64> {
        (!peer.to_canonical().is_loopback()).then(|| self.keys.key(None, peer))
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
        assert_eq!((limiter.pairs.len(), limiter.addresses.len()), (0, 0));
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
        assert_eq!((limiter.pairs.len(), limiter.addresses.len()), (1024, 1024));
        assert!(
            limiter
                .blocked("app", v4(1), START + Duration::from_millis(1))
                .is_some()
        );
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
