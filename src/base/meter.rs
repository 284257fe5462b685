//! Counts of what happens, for whoever watches: atomics that are named where they are used, so that counting looks
//! nothing up. They begin anew with the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Only grows.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn one(&self) {
        self.add(1);
    }

    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Default, Debug)]
pub struct Gauge(AtomicU64);

impl Gauge {
    pub fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
    }

    /// Returns what it was before.
    pub fn up(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    pub fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often how much: a count for each stretch between two bounds, and the sum of all.
#[derive(Debug)]
pub struct Histogram {
    /// Ascending; what is equal to a bound counts below it.
    bounds: &'static [u64],
    /// One more than there are bounds.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A [`Histogram`] as it stood at a moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Distribution {
    pub bounds: &'static [u64],
    /// One more than there are bounds: the last is of what lies above all of them.
    pub counts: Vec<u64>,
    pub sum: u64,
}

/// Microseconds: from what memory answers to what somebody waits for.
pub const LATENCY_US: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

impl Histogram {
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    pub fn observe(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// In whole microseconds.
    pub fn took(&self, span: Duration) {
        self.observe(u64::try_from(span.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn read(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

impl Distribution {
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The bound below which this share of all lies, in the unit of the bounds; `None` where there is nothing, and the
    /// highest bound for what lies above it.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted && wanted > 0
        })?;
        self.bounds.get(found).or(self.bounds.last()).copied()
    }

    /// What was added since an earlier reading of the same histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = earlier.counts.iter().chain(std::iter::repeat(&0));
        Self {
            bounds: self.bounds,
            counts: self
                .counts
                .iter()
                .zip(before)
                .map(|(now, then)| now.saturating_sub(*then))
                .collect(),
            sum: self.sum.saturating_sub(earlier.sum),
        }
    }
}

macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$of])* $variant),* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As metrics spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// What the server answers itself, before or instead of a handler, or closes without an answer.
    Refused {
        Connection = "connection_limit",
        Handshake = "tls_handshake",
        Busy = "requests_in_flight",
        Request = "malformed",
        TooLarge = "too_large",
        Slow = "slow_body",
        Panicked = "panic",
    }
}

/// What one server counts of its connections and requests.
#[derive(Default, Debug)]
pub struct ServerMeter {
    pub accepted: Counter,
    pub connections: Gauge,
    pub requests_in_flight: Gauge,
    refused: [Counter; Refused::ALL.len()],
}

impl ServerMeter {
    pub fn refused(&self, why: Refused) -> &Counter {
        &self.refused[why as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_to_a_bound_counts_below_it_and_the_rest_above_all() {
        let histogram = Histogram::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, 1000] {
            histogram.observe(value);
        }
        let read = histogram.read();
        assert_eq!(
            (read.counts.as_slice(), read.sum, read.count()),
            (&[2, 2, 2][..], 1062, 6)
        );
    }

    #[test]
    fn a_quantile_is_the_bound_below_which_the_share_lies() {
        let histogram = Histogram::new(&[10, 20, 30]);
        assert_eq!(histogram.read().quantile(0.5), None, "nothing was counted");
        (0..99).for_each(|_| histogram.observe(5));
        assert_eq!(histogram.read().quantile(0.99), Some(10));
        (0..2).for_each(|_| histogram.observe(25));
        assert_eq!(histogram.read().quantile(0.99), Some(30));
        (0..1000).for_each(|_| histogram.observe(99));
        assert_eq!(histogram.read().quantile(0.99), Some(30), "the highest bound there is");
    }

    #[test]
    fn the_difference_of_two_readings_is_what_came_between_them() {
        let histogram = Histogram::new(&[10]);
        histogram.observe(1);
        let before = histogram.read();
        histogram.observe(50);
        let between = histogram.read().since(&before);
        assert_eq!((between.counts.as_slice(), between.sum), (&[0, 1][..], 50));
        let from_nothing = histogram.read().since(&Distribution::default());
        assert_eq!(from_nothing.count(), 2);
    }
}
