//! How much of the store somebody may fill who has shown nothing: a public client that pushes its requests (RFC 9126).
//!
//! Counted by address. A loopback peer is a TLS proxy that speaks for everyone: there each client has a bucket of its
//! own, so that the store is bounded behind a proxy too and a flood in the name of one client holds back no other.

use super::buckets::{BucketKeys, Buckets};
use super::random::Random;
use super::time::Timestamp;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThrottleLimits {
    /// At once, after a time without any.
    pub burst: NonZeroU32,
    /// After this long there may be one more.
    pub refill_s: NonZeroU32,
}

impl ThrottleLimits {
    /// A host of many shops sets them up behind one address; no site registers as often as that.
    pub fn of_registrations() -> Self {
        Self {
            burst: NonZeroU32::new(60).expect("60 is not 0"),
            refill_s: NonZeroU32::new(60).expect("60 is not 0"),
        }
    }
}

/// An office behind one address.
impl Default for ThrottleLimits {
    fn default() -> Self {
        Self {
            burst: NonZeroU32::new(600).expect("600 is not 0"),
            refill_s: NonZeroU32::new(1).expect("1 is not 0"),
        }
    }
}

pub struct Throttle {
    buckets: Buckets,
    keys: BucketKeys,
}

impl Throttle {
    /// `keys_max`: buckets kept; past it one that owes little is forgotten.
    pub fn new(limits: ThrottleLimits, keys_max: usize, random: &dyn Random) -> Self {
        let refill = Duration::from_secs(limits.refill_s.get().into());
        Self {
            buckets: Buckets::new(limits.burst, refill, keys_max),
            keys: BucketKeys::new(random),
        }
    }

    /// Counts one write of `client` from `peer`, or says how long to wait with it. Of many at once no more get through.
    pub fn take(&self, client: &str, peer: IpAddr, now: Timestamp) -> Option<Duration> {
        let client = peer.to_canonical().is_loopback().then_some(client);
        self.buckets.take(self.keys.key(client, peer), now)
    }

    /// Whether the bucket that [`Self::take`] would take from is full: nobody there wrote lately.
    pub fn is_full(&self, client: &str, peer: IpAddr, now: Timestamp) -> bool {
        let client = peer.to_canonical().is_loopback().then_some(client);
        self.buckets.is_full(self.keys.key(client, peer), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn throttle() -> Throttle {
        let limits = ThrottleLimits {
            burst: NonZeroU32::new(3).unwrap(),
            refill_s: NonZeroU32::new(10).unwrap(),
        };
        Throttle::new(limits, 1024, &SeededRandom::new(1))
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_bounded_whatever_client_it_names_and_waiting_costs_nothing() {
        let throttle = throttle();
        let here = peer("198.51.100.1");
        for client in ["a", "b", "c"] {
            assert_eq!(throttle.take(client, here, START), None);
        }
        for _ in 0..100 {
            assert_eq!(throttle.take("d", here, START), Some(Duration::from_secs(10)));
        }
        assert_eq!(throttle.take("a", peer("198.51.100.2"), START), None);
        let later = START + Duration::from_secs(10);
        assert_eq!(throttle.take("a", here, later), None);
        assert!(throttle.take("a", here, later).is_some(), "one more, not three");
    }

    #[test]
    fn behind_a_proxy_each_client_is_bounded() {
        let throttle = throttle();
        for here in [peer("127.0.0.1"), peer("::1")] {
            for _ in 0..3 {
                assert_eq!(throttle.take("a", here, START), None);
            }
            assert!(throttle.take("a", here, START).is_some());
            assert_eq!(throttle.take("b", here, START), None);
        }
    }
}
