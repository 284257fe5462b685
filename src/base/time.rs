//! Time is an argument. Everything asks a [`Clock`]; only this file asks the system.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since the Unix epoch (UTC).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    pub const fn from_seconds(s: u64) -> Self {
        Self(s.saturating_mul(1000))
    }

    pub const fn millis(self) -> u64 {
        self.0
    }

    /// As files bear it.
    pub fn of_file(modified: SystemTime) -> Self {
        let since_epoch = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn for_file(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }

    /// When a day begins in UTC, e.g. `2026-01-31`.
    pub fn of_date(text: &str) -> Option<Self> {
        let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == "2026-01-31".len())?;
        let begins = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        u64::try_from(begins.as_millisecond()).ok().map(Self)
    }

    /// For names of files, e.g. `20260131T235959.123Z`.
    pub fn compact(self) -> String {
        self.to_string().replace(['-', ':'], "")
    }

    /// Whole seconds, rounded down: the NumericDate of RFC 7519 §2.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// The first moment of a day in UTC, as `2026-01-31`; `None` where there is no such day.
    pub fn of_day(text: &str) -> Option<Self> {
        let date: jiff::civil::Date = text.parse().ok()?;
        let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        (text.len() == 10).then_some(Self(u64::try_from(start.as_millisecond()).ok()?))
    }

    /// When the next day begins in UTC.
    pub const fn next_day(self) -> Self {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        Self((self.0 / DAY_MS).saturating_add(1).saturating_mul(DAY_MS))
    }

    /// When the next month begins in UTC.
    pub fn next_month(self) -> Self {
        let next = || {
            let at = jiff::Timestamp::from_millisecond(i64::try_from(self.0).ok()?).ok()?;
            let last = at.to_zoned(jiff::tz::TimeZone::UTC).date().last_of_month();
            let begins = last.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            u64::try_from(begins.timestamp().as_millisecond()).ok().map(Self)
        };
        // Past the year 9999 there is none.
        next().unwrap_or(Self(u64::MAX))
    }

    /// Of RFC 3339, with any offset; `None` where it is none or lies before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(at.as_millisecond()).ok().map(Self)
    }

    /// The last second of a day, as [`Self::of_day`] reads it.
    pub fn end_of_day(text: &str) -> Option<Self> {
        Self::of_day(text).map(|day| day + Duration::from_secs(24 * 60 * 60 - 1))
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}

/// RFC 3339 in UTC with milliseconds, e.g. `2026-01-31T08:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_millisecond(ms) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{ms}ms"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

/// The wall clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock set before 1970 reads as 1970: every token is then in the future and refused, which is the safe side.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that moves only when pushed: for tests and simulations.
pub struct ManualClock(AtomicU64);

impl ManualClock {
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicU64::new(start.0))
    }

    pub fn advance(&self, span: Duration) {
        self.0
            .fetch_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    pub fn set(&self, to: Timestamp) {
        self.0.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// How long something took: for people to read, and for whoever waits on a connection. No record rests on it.
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
