//! All open connections: who may stay, and who is closed for whom.
//!
//! A request touches only its own connection's atomics here, no timer and no lock. One reaper looks at all of them
//! now and then, on a coarse clock that it advances itself.

use super::state::{Connection, Order, Phase};
use crate::base::limits::Limits;
use crate::base::meter::ServerMeter;
use crate::base::peer::network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

pub(super) struct Connections {
    limits: Limits,
    tick_ms: u64,
    now_ms: AtomicU64,
    meter: Arc<ServerMeter>,
    table: Mutex<Table>,
    emptied: Notify,
}

#[derive(Default)]
struct Table {
    next: u64,
    live: HashMap<u64, Arc<Connection>>,
    per_peer: HashMap<IpAddr, usize>,
}

impl Connections {
    pub fn new(limits: Limits, meter: Arc<ServerMeter>) -> Arc<Self> {
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
            meter,
            table: Mutex::default(),
            emptied: Notify::new(),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A moment no earlier than now, so that no limit ends early by the coarseness of the clock.
    pub fn stamp(&self, phase: Phase) -> u64 {
        (self.now_ms.load(Ordering::Relaxed) + self.tick_ms) << 2 | phase as u64
    }

    /// A place for a new connection, made by closing waiting ones where there is none. `None`: all the others have a
    /// request in hand. `peer` is given where the limit per peer applies. It is given back with [`Self::remove`].
    pub fn admit(&self, peer: Option<IpAddr>) -> Option<Arc<Connection>> {
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
        let own = Arc::new(Connection::new(number, peer, self.stamp(Phase::Handshake)));
        table.live.insert(number, Arc::clone(&own));
        if let Some(peer) = peer {
            *table.per_peer.entry(peer).or_default() += 1;
        }
        self.meter.connections.set(table.live.len() as u64);
        Some(own)
    }

    /// Counts a request in. Where all places are held, the slowest bodies lose theirs to it; `false`: all are held by
    /// requests for which work is being done. Some places are kept for those that end something.
    pub fn request_begins(&self, connection: &Connection, revokes: bool) -> bool {
        let kept = if revokes { 0 } else { self.limits.revocations_reserved() };
        let most = self.limits.requests_in_flight_max - kept;
        let room = self.meter.requests_in_flight.up() < most as u64
            || self.table().shed(most / 16, |other| {
                other.reads_body() && other.number != connection.number
            }) > 0;
        if !room {
            self.request_ends();
        }
        room
    }

    pub fn request_ends(&self) {
        self.meter.requests_in_flight.down();
    }

    /// A connection has ended.
    pub fn remove(&self, number: u64) {
        let mut table = self.table();
        table.remove(number);
        self.meter.connections.set(table.live.len() as u64);
        if table.live.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Frees a few descriptors after accept() found none.
    pub fn shed_some(&self) {
        self.table().shed(self.limits.connections_max / 64, |_| true);
    }

    /// Advances the clock and closes what has outlived its limit. Runs until dropped.
    pub async fn reap(self: Arc<Self>) {
        let mut ticks = interval(Duration::from_millis(self.tick_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // One tick at a time, however late it comes: a server that was held up does not charge its clients for it.
            let now_ms = self.now_ms.fetch_add(self.tick_ms, Ordering::Relaxed) + self.tick_ms;
            self.table().end_where(|own| own.overdue(now_ms, &self.limits));
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
