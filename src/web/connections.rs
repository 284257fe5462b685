//! All open connections: who may stay, and who is closed for whom.
//!
//! A request touches only its own connection's atomics here, no timer and no lock. One reaper looks at all of them
//! now and then, on a coarse clock that it advances itself.

use crate::base::limits::Limits;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

/// After a polite end (GOAWAY, close_notify) the client has this long before it is cut off.
const FAREWELL_MS: u64 = 2_000;

/// What a connection without a request in hand is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
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
    number: u64,
    /// Counted against the limit per peer, where there is one.
    peer: Option<IpAddr>,
    /// Phase in the lowest two bits, above them since when, in milliseconds of the coarse clock.
    phase: AtomicU64,
    /// Requests whose header section has arrived and that are not answered yet.
    requests: AtomicU32,
    /// Those of them whose body has arrived too: work is being done for them.
    handling: AtomicU32,
    order: AtomicU8,
    waker: OnceLock<Waker>,
}

pub(super) struct Connections {
    limits: Limits,
    tick_ms: u64,
    now_ms: AtomicU64,
    requests: AtomicUsize,
    table: Mutex<Table>,
    emptied: Notify,
}

#[derive(Default)]
struct Table {
    next: u64,
    live: HashMap<u64, Arc<Connection>>,
    per_peer: HashMap<IpAddr, usize>,
}

/// A connection's place among the open ones; given back on drop.
pub(super) struct Ticket {
    pub all: Arc<Connections>,
    pub own: Arc<Connection>,
}

/// A request's place among those in flight; given back on drop.
pub(super) struct Slot<'a> {
    ticket: &'a Ticket,
    handling: bool,
}

impl Connections {
    pub fn new(limits: Limits) -> Arc<Self> {
        let shortest = [
            limits.handshake_ms_max,
            limits.headers_ms_max,
            limits.idle_ms_max,
            limits.write_stall_ms_max,
        ]
        .into_iter()
        .fold(u64::MAX, u64::min);
        Arc::new(Self {
            // Four looks per limit: a connection outlives its limit by at most half of it.
            tick_ms: (shortest / 4).clamp(10, 1_000),
            limits,
            now_ms: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            table: Mutex::default(),
            emptied: Notify::new(),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A moment no earlier than now, so that no limit ends early by the coarseness of the clock.
    fn stamp(&self, phase: Phase) -> u64 {
        (self.now_ms.load(Ordering::Relaxed) + self.tick_ms) << 2 | phase as u64
    }

    /// A place for a new connection, made by closing waiting ones where there is none. `None`: all the others have a
    /// request in hand. `peer` is given where the limit per peer applies.
    pub fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Ticket> {
        let peer = peer.map(network);
        let mut table = self.table();
        if let Some(peer) = peer {
            let most = self.limits.connections_per_peer_max;
            if table.per_peer.get(&peer).is_some_and(|open| *open >= most)
                && table.shed(most / 16, |other| other.peer == Some(peer)) == 0
            {
                return None;
            }
        }
        let most = self.limits.connections_max;
        if table.live.len() >= most && table.shed(most / 64, |_| true) == 0 {
            return None;
        }
        let number = table.next;
        table.next += 1;
        let own = Arc::new(Connection {
            number,
            peer,
            phase: AtomicU64::new(self.stamp(Phase::Handshake)),
            requests: AtomicU32::new(0),
            handling: AtomicU32::new(0),
            order: AtomicU8::new(Order::Run as u8),
            waker: OnceLock::new(),
        });
        table.live.insert(number, Arc::clone(&own));
        if let Some(peer) = peer {
            *table.per_peer.entry(peer).or_default() += 1;
        }
        Some(Ticket {
            all: Arc::clone(self),
            own,
        })
    }

    /// Frees a few descriptors after accept() found none; true where something was there to close.
    pub fn shed_some(&self) -> bool {
        self.table().shed(self.limits.connections_max / 64, |_| true) > 0
    }

    /// Advances the clock and closes what has outlived its limit. Runs until dropped.
    pub async fn reap(self: Arc<Self>) {
        let mut ticks = interval(Duration::from_millis(self.tick_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let start = ticks.tick().await;
        loop {
            let now_ms = u64::try_from((ticks.tick().await - start).as_millis()).unwrap_or(u64::MAX);
            self.now_ms.store(now_ms, Ordering::Relaxed);
            let mut table = self.table();
            let over: Vec<u64> = table
                .live
                .values()
                .filter(|own| own.overdue(now_ms, &self.limits))
                .map(|own| own.number)
                .collect();
            for number in over {
                table.end(number);
            }
        }
    }

    /// Tells every connection to finish; those that are shaking hands have nothing to finish.
    pub fn finish_all(&self) {
        let mut table = self.table();
        table.live.values().for_each(|own| own.tell(Order::Finish));
        table.end_where(|own| own.phase().0 == Phase::Handshake);
    }

    /// Closes every connection; says how many there were.
    pub fn end_all(&self) -> usize {
        let mut table = self.table();
        let open = table.live.len();
        for (_, own) in table.live.drain() {
            own.tell(Order::End);
        }
        table.per_peer.clear();
        open
    }

    /// Returns once no connection is open.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.table().live.is_empty() {
                return;
            }
            emptied.await;
        }
    }
}

impl Table {
    /// Closes up to `count` (at least one) of those chosen, the longest waiting first; says how many.
    fn shed(&mut self, count: usize, chosen: impl Fn(&Connection) -> bool) -> usize {
        let mut waiting: Vec<((u8, u64), u64)> = self
            .live
            .values()
            .filter(|own| chosen(own))
            .filter_map(|own| own.expendable().map(|rank| (rank, own.number)))
            .collect();
        let count = count.max(1).min(waiting.len());
        if count > 0 {
            waiting.select_nth_unstable(count - 1);
        }
        for (_, number) in &waiting[..count] {
            self.end(*number);
        }
        count
    }

    fn end_where(&mut self, chosen: impl Fn(&Connection) -> bool) {
        let numbers: Vec<u64> = self
            .live
            .values()
            .filter(|own| chosen(own))
            .map(|own| own.number)
            .collect();
        for number in numbers {
            self.end(number);
        }
    }

    fn end(&mut self, number: u64) {
        if let Some(own) = self.remove(number) {
            own.tell(Order::End);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Connection>> {
        let own = self.live.remove(&number)?;
        if let Some(peer) = own.peer
            && let Some(open) = self.per_peer.get_mut(&peer)
        {
            *open -= 1;
            if *open == 0 {
                self.per_peer.remove(&peer);
            }
        }
        Some(own)
    }
}

impl Connection {
    fn phase(&self) -> (Phase, u64) {
        let word = self.phase.load(Ordering::Relaxed);
        let phase = match word & 3 {
            0 => Phase::Handshake,
            1 => Phase::Idle,
            2 => Phase::Head,
            _ => Phase::Stalled,
        };
        (phase, word >> 2)
    }

    /// Who goes first when there is no room, smallest first: kept-alive connections, then those that have yet to ask,
    /// then those whose answer or body does not move. `None`: work is being done for it.
    fn expendable(&self) -> Option<(u8, u64)> {
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
    fn overdue(&self, now_ms: u64, limits: &Limits) -> bool {
        if self.requests.load(Ordering::Relaxed) > 0 {
            // The body has its own time limit, and the answer is ours to give.
            return false;
        }
        let (phase, since_ms) = self.phase();
        let spent_ms = now_ms.saturating_sub(since_ms);
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

    fn tell(&self, order: Order) {
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

impl Ticket {
    fn set(&self, phase: Phase) {
        self.own.phase.store(self.all.stamp(phase), Ordering::Relaxed);
    }

    /// The handshake is done; the first request is due.
    pub fn ready(&self) {
        self.set(Phase::Head);
    }

    /// Bytes arrived on an HTTP/1.1 connection.
    pub fn received(&self) {
        if self.own.phase().0 == Phase::Idle {
            self.set(Phase::Head);
        }
    }

    /// The client takes no bytes.
    pub fn stalled(&self) {
        if self.own.phase().0 != Phase::Stalled {
            self.set(Phase::Stalled);
        }
    }

    /// The client took bytes.
    pub fn sent(&self) {
        if self.own.phase().0 == Phase::Stalled {
            self.set(Phase::Idle);
        }
    }

    /// A place for a request; where there is none, the slowest bodies lose theirs to it. `None`: all places are held
    /// by requests for which work is being done.
    pub fn begin(&self) -> Option<Slot<'_>> {
        let most = self.all.limits.requests_in_flight_max;
        if self.all.requests.fetch_add(1, Ordering::Relaxed) >= most
            && self.all.table().shed(most / 16, |other| {
                other.requests.load(Ordering::Relaxed) > 0 && other.number != self.own.number
            }) == 0
        {
            self.all.requests.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        if self.own.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            self.set(Phase::Idle);
        }
        Some(Slot {
            ticket: self,
            handling: false,
        })
    }
}

impl Slot<'_> {
    /// The whole request is here: the connection is not closed for others any more.
    pub fn handling(&mut self) {
        self.handling = true;
        self.ticket.own.handling.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if self.handling {
            self.ticket.own.handling.fetch_sub(1, Ordering::Relaxed);
        }
        if self.ticket.own.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.ticket.set(Phase::Idle);
        }
        self.ticket.all.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut table = self.all.table();
        table.remove(self.own.number);
        if table.live.is_empty() {
            self.all.emptied.notify_waiters();
        }
    }
}

/// Who counts as one peer: an IPv4 address, or the /64 a single IPv6 customer holds.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}
