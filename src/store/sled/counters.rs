//! What a store tells of itself.

use crate::base::meter::{Counter, Histogram, LATENCY_US};
use crate::store::Seq;
use std::sync::atomic::AtomicBool;

/// Counts since the store was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    pub commits: u64,
    /// Frames written, each with one sync.
    pub groups: u64,
    /// The length of all journal frames now.
    pub journal_bytes: u64,
    /// The last commit that is durable.
    pub durable: Seq,
    /// New records are being refused for want of space.
    pub full: bool,
}

/// What is counted as it happens.
pub(super) struct Counters {
    pub commits: Counter,
    pub group_commits: Histogram,
    pub sync_us: Histogram,
    pub full: AtomicBool,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            commits: Counter::default(),
            group_commits: Histogram::new(&[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]),
            sync_us: Histogram::new(LATENCY_US),
            full: AtomicBool::new(false),
        }
    }
}
