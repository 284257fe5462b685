//! Where the server listens.

use super::tls::Tls;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// A bound socket; connections wait in its backlog until [`super::server::serve`] runs.
pub enum Listener {
    Https {
        socket: TcpListener,
        tls: Arc<Tls>,
    },
    /// For a TLS proxy on the same machine and for `demo --http`: only loopback addresses.
    Http {
        socket: TcpListener,
    },
    /// For everybody, and for nothing but what `api/acme_http.rs` answers: no token or secret is ever taken there.
    AcmeHttp {
        socket: TcpListener,
    },
}

impl Listener {
    /// Port 0 takes any free port. The error is a sentence for the operator.
    pub fn https(address: SocketAddr, tls: Arc<Tls>) -> Result<Self, String> {
        Ok(Self::Https {
            socket: bind(address)?,
            tls,
        })
    }

    /// Refuses every address but 127.0.0.0/8 and ::1: tokens and secrets never cross a network in clear text
    /// (RFC 6749 §1.6). The error is a sentence for the operator.
    pub fn http(address: SocketAddr) -> Result<Self, String> {
        if !address.ip().to_canonical().is_loopback() {
            return Err(format!(
                "Plain http is served on loopback addresses only, and {address} is reachable from elsewhere: \
                 listen on 127.0.0.1 or [::1], or use https."
            ));
        }
        Ok(Self::Http { socket: bind(address)? })
    }

    /// Any address: whoever serves it answers challenges and leads everything else to https. The error is a sentence
    /// for the operator.
    pub fn acme_http(address: SocketAddr) -> Result<Self, String> {
        Ok(Self::AcmeHttp { socket: bind(address)? })
    }

    /// The address in use, with the port the system chose where 0 was asked for.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        match self {
            Self::Https { socket, .. } | Self::Http { socket } | Self::AcmeHttp { socket } => socket.local_addr(),
        }
    }

    /// Whether clients connect themselves, and no proxy for all of them: then each has a limit of its own.
    pub(super) fn meets_clients(&self) -> bool {
        !matches!(self, Self::Http { .. })
    }

    pub(super) fn into_parts(self) -> (TcpListener, Option<Arc<Tls>>) {
        match self {
            Self::Https { socket, tls } => (socket, Some(tls)),
            Self::Http { socket } | Self::AcmeHttp { socket } => (socket, None),
        }
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let socket = TcpListener::bind(address).map_err(|cause| format!("Cannot listen on {address}: {cause}."))?;
    socket
        .set_nonblocking(true)
        .map_err(|cause| format!("Cannot listen on {address}: {cause}."))?;
    Ok(socket)
}
