//! The server through real sockets on loopback addresses.

mod certificates;
mod drain;
mod harness;
mod http1;
mod http2;
mod limits;
mod room;
mod tls;
