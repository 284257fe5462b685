//! Leaves an upstream alone that fails again and again: its callers are told at once, and it gets time to recover.

use crate::base::time::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Failures in a row before it rests.
const FAILURES_MAX: u32 = 5;
const REST: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    /// Until then nobody is let through; after it one at a time is, who finds out.
    rests_until: Option<Timestamp>,
    probing_until: Option<Timestamp>,
}

impl Breaker {
    /// Whether a request may go; else how long to wait. One that was let through tells how it went.
    pub fn pass(&self, now: Timestamp) -> Result<(), Duration> {
        let mut state = self.state();
        let Some(until) = state.rests_until else {
            return Ok(());
        };
        if now < until {
            return Err(until.since(now));
        }
        // A probe whose client went away never tells: it is not waited for longer than a rest.
        match state.probing_until {
            Some(probing) if now < probing => Err(probing.since(now)),
            _ => {
                state.probing_until = Some(now + REST);
                Ok(())
            }
        }
    }

    pub fn succeeded(&self) {
        let mut state = self.state();
        if state.failures > 0 || state.rests_until.is_some() {
            *state = State::default();
        }
    }

    /// It came to no answer through no fault of the upstream: the next may find out.
    pub fn learned_nothing(&self) {
        self.state().probing_until = None;
    }

    pub fn failed(&self, now: Timestamp) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MAX {
            state.rests_until = Some(now + REST);
            state.probing_until = None;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn it_rests_after_failures_in_a_row_and_one_request_finds_out_whether_it_may_go_on() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES_MAX - 1 {
            breaker.failed(START);
        }
        breaker.succeeded();
        for _ in 0..FAILURES_MAX {
            assert_eq!(breaker.pass(START), Ok(()));
            breaker.failed(START);
        }
        assert_eq!(breaker.pass(START), Err(REST));
        let later = START + REST;
        assert_eq!(breaker.pass(later), Ok(()), "the probe");
        assert_eq!(breaker.pass(later), Err(REST), "nobody else meanwhile");
        breaker.failed(later);
        assert_eq!(breaker.pass(later), Err(REST));
        let later = later + REST;
        assert_eq!(breaker.pass(later), Ok(()));
        breaker.learned_nothing();
        assert_eq!(breaker.pass(later), Ok(()), "another probe");
        breaker.succeeded();
        for _ in 0..3 {
            assert_eq!(breaker.pass(later), Ok(()));
        }
    }
}
