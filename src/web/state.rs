//! One connection as the others see it: what it is doing, since when, and what it has been told.

use crate::base::limits::Limits;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;

/// After a polite end (GOAWAY, close_notify) the client has this long before it is cut off.
const FAREWELL_MS: u64 = 2_000;

/// What a connection without a request in hand is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Handshake,
    /// Kept alive, waiting for a request.
    Idle,
    /// The header section of a request is arriving, or a new connection has yet to send its first.
    Head,
    /// An answer waits for the client to take it.
    Stalled,
}

/// What a connection has been told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Run,
    /// Finish the requests in hand, take no more, close.
    Finish,
    /// Close now.
    End,
}

/// One open connection, as the others see it.
pub(super) struct Connection {
    pub number: u64,
    /// Counted against the limit per peer, where there is one.
    pub peer: Option<IpAddr>,
    /// Phase in the lowest two bits, above them since when, in milliseconds of the coarse clock.
    pub phase: AtomicU64,
    /// Requests whose header section has arrived and that are not answered yet.
    pub requests: AtomicU32,
    /// Those of them whose body has arrived too: work is being done for them.
    pub handling: AtomicU32,
    order: AtomicU8,
    waker: OnceLock<Waker>,
}

impl Connection {
    pub fn new(number: u64, peer: Option<IpAddr>, phase: u64) -> Self {
        Self {
            number,
            peer,
            phase: AtomicU64::new(phase),
            requests: AtomicU32::new(0),
            handling: AtomicU32::new(0),
            order: AtomicU8::new(Order::Run as u8),
            waker: OnceLock::new(),
        }
    }

    pub fn phase(&self) -> (Phase, u64) {
        let word = self.phase.load(Ordering::Relaxed);
        let phase = match word & 3 {
            0 => Phase::Handshake,
            1 => Phase::Idle,
            2 => Phase::Head,
            _ => Phase::Stalled,
        };
        (phase, word >> 2)
    }

    /// Whether all it does is wait for the rest of a request.
    pub fn reads_body(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0 && self.handling.load(Ordering::Relaxed) == 0
    }

    /// Who goes first when there is no room, smallest first: kept-alive connections, then those that have yet to ask,
    /// then those whose answer or body does not move. `None`: work is being done for it.
    pub fn expendable(&self) -> Option<(u8, u64)> {
        let (phase, since_ms) = self.phase();
        if self.handling.load(Ordering::Relaxed) > 0 {
            return None;
        }
        if self.requests.load(Ordering::Relaxed) > 0 {
            return Some((2, since_ms));
        }
        match phase {
            Phase::Idle => Some((0, since_ms)),
            Phase::Handshake | Phase::Head => Some((1, since_ms)),
            Phase::Stalled => Some((2, since_ms)),
        }
    }

    /// Whether it must be ended. One that was merely idle is told to finish first.
    pub fn overdue(&self, now_ms: u64, limits: &Limits) -> bool {
        let (phase, since_ms) = self.phase();
        let spent_ms = now_ms.saturating_sub(since_ms);
        if self.requests.load(Ordering::Relaxed) > 0 {
            // The body has its own time limit, and the answer is ours to give; only one that is being given can stall.
            return phase == Phase::Stalled && spent_ms >= limits.write_stall_ms_max;
        }
        match phase {
            Phase::Handshake => spent_ms >= limits.handshake_ms_max,
            Phase::Head => spent_ms >= limits.headers_ms_max,
            Phase::Stalled => spent_ms >= limits.write_stall_ms_max,
            Phase::Idle => {
                if spent_ms >= limits.idle_ms_max && self.order() == Order::Run {
                    self.tell(Order::Finish);
                }
                spent_ms >= limits.idle_ms_max + FAREWELL_MS
            }
        }
    }

    pub fn tell(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::SeqCst);
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// To be asked at every poll, after [`Self::listen`].
    pub fn order(&self) -> Order {
        match self.order.load(Ordering::SeqCst) {
            0 => Order::Run,
            1 => Order::Finish,
            _ => Order::End,
        }
    }

    /// Orders wake this task from now on. A task's waker stays the same for its whole life.
    pub fn listen(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }
}
