//! The server: accepts connections, keeps the limits, ends gracefully. It knows no routes.
//!
//! ```text
//! serve -> accept -> Ticket::take -> connection::run (TLS, HTTP/1.1 or HTTP/2)
//!                                            -> exchange (limits, body, panics) -> the handler
//! ```

use super::connection;
use super::connections::Connections;
use super::listener::Listener;
use super::protocols::Protocols;
use super::request::{Request, Rule};
use super::response::Response;
use super::shared::Shared;
use super::signals::{Stop, reached};
use super::ticket::Ticket;
use super::tls::Tls;
use crate::base::limits::Limits;
use crate::base::meter::{Refused, ServerMeter};
use crate::base::random::Random;
use http::Method;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Connections that were still busy when the drain's time was over or the second signal came.
    pub cut_off: usize,
}

/// Serves until `stop` says otherwise.
///
/// `rule(method, path)` says what is read of a request's body, and whether it finds a place where others find none;
/// `handle` answers it. A handler may be dropped at an await point when its client resets the connection or the stream.
pub async fn serve<B, H, F>(
    listeners: Vec<Listener>,
    limits: Limits,
    random: Arc<dyn Random>,
    meter: Arc<ServerMeter>,
    rule: B,
    handle: H,
    mut stop: watch::Receiver<Stop>,
) -> io::Result<Ended>
where
    B: Fn(&Method, &str) -> Rule + Send + Sync + 'static,
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let connections = Connections::new(limits.clone(), Arc::clone(&meter));
    let drain = Duration::from_millis(limits.drain_ms_max);
    let protocols = Arc::new(Protocols::new(&limits));
    let shared = Arc::new(Shared {
        limits,
        protocols,
        random,
        meter,
        rule,
        handle,
    });
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let per_peer = listener.meets_clients();
        let (socket, tls) = listener.into_parts();
        let socket = TcpListener::from_std(socket)?;
        let door = Door { socket, tls, per_peer };
        accepting.spawn(accept(door, Arc::clone(&connections), Arc::clone(&shared)));
    }
    let mut reaping = JoinSet::new();
    reaping.spawn(Arc::clone(&connections).reap());

    reached(&mut stop, Stop::Drain).await;
    // Ending the accepting tasks closes their sockets: newcomers are refused by the system.
    accepting.shutdown().await;
    connections.finish_all();
    let drained = async {
        tokio::select! {
            () = connections.emptied() => (),
            () = reached(&mut stop, Stop::Now) => (),
        }
    };
    // Whoever is left is cut off, whether the time is over or not.
    timeout(drain, drained).await.ok();
    Ok(Ended {
        cut_off: connections.end_all(),
    })
}

/// One listener, open.
struct Door {
    socket: TcpListener,
    tls: Option<Arc<Tls>>,
    /// Whether the limit per peer applies.
    per_peer: bool,
}

/// Accepts until it is dropped.
async fn accept<B, H, F>(door: Door, connections: Arc<Connections>, shared: Arc<Shared<B, H>>)
where
    B: Fn(&Method, &str) -> Rule + Send + Sync + 'static,
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    loop {
        match door.socket.accept().await {
            Ok((stream, address)) => {
                let peer = door.per_peer.then(|| address.ip());
                // Where everybody else is busy the newcomer is closed at once: it may go elsewhere, a queue would only
                // make all of them late.
                shared.meter.accepted.one();
                if let Some(ticket) = Ticket::take(&connections, peer) {
                    let config = door.tls.as_ref().map(|tls| tls.current());
                    tokio::spawn(connection::run(Arc::clone(&shared), stream, address, config, ticket));
                } else {
                    shared.meter.refused(Refused::Connection).one();
                }
            }
            Err(cause) => {
                if let Some(pause) = pause_after(&cause) {
                    log::warn!("cannot accept connections: {cause}");
                    connections.shed_some();
                    sleep(pause).await; // allowed: nothing tells when descriptors are free again
                }
            }
        }
    }
}

/// A connection that ended before it was accepted says nothing about the next one. Anything else (no descriptors, no
/// memory) would come back at once: the loop waits a moment instead of spinning.
fn pause_after(cause: &io::Error) -> Option<Duration> {
    match cause.kind() {
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => None,
        _ => Some(Duration::from_millis(100)),
    }
}
