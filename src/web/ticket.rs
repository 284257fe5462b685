//! Places, given back on drop: a connection's among the open ones, a request's among those in flight.

use super::connections::Connections;
use super::state::{Connection, Order, Phase};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;

/// How long a tunnel may take to notice that it is to end.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(500);

/// A connection's place among the open ones; given back on drop.
pub(super) struct Ticket {
    all: Arc<Connections>,
    pub own: Arc<Connection>,
}

/// A request's place among those in flight; given back on drop.
pub(super) struct Slot {
    ticket: Arc<Ticket>,
    handling: bool,
}

impl Ticket {
    /// A place for a new connection; `None` where all the others have a request in hand. See [`Connections::admit`].
    pub fn take(all: &Arc<Connections>, peer: Option<IpAddr>) -> Option<Self> {
        let own = all.admit(peer)?;
        Some(Self {
            all: Arc::clone(all),
            own,
        })
    }

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

    /// A place for a request; `None` where the server is busy.
    pub fn begin(self: &Arc<Self>, revokes: bool) -> Option<Slot> {
        if !self.all.request_begins(&self.own, revokes) {
            return None;
        }
        if self.own.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            self.set(Phase::Idle);
        }
        Some(Slot {
            ticket: Arc::clone(self),
            handling: false,
        })
    }
}

impl Slot {
    /// The whole request is here: the connection is not closed for others any more.
    pub fn handling(&mut self) {
        self.handling = true;
        self.ticket.own.handling.fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing wakes for it: the connection's own task is gone, so it is looked at now and then.
    pub async fn told_to_end(&self) {
        while self.ticket.own.order() == Order::Run {
            sleep(LOOKED_AT_EVERY).await; // allowed: orders wake the task of the connection, which is over
        }
    }

    /// A part of the answer is ready and waits for the client to ask for more.
    pub fn gave(&self) {
        self.ticket.stalled();
    }

    /// The client asked for more.
    pub fn asked(&self) {
        self.ticket.sent();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.handling {
            self.ticket.own.handling.fetch_sub(1, Ordering::Relaxed);
        }
        if self.ticket.own.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.ticket.set(Phase::Idle);
        }
        self.ticket.all.request_ends();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.all.remove(self.own.number);
    }
}
