//! One connection, from accept to its end.

use super::exchange::{Caller, exchange};
use super::request::{Request, Rule};
use super::response::Response;
use super::shared::Shared;
use super::state::Order;
use super::ticket::Ticket;
use super::tls::ACME_TLS;
use crate::base::meter::Refused;
use http::Method;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// Serves one connection until it ends or is told to.
pub(super) async fn run<B, H, F>(
    shared: Arc<Shared<B, H>>,
    socket: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    ticket: Ticket,
) where
    B: Fn(&Method, &str) -> Rule + Send + Sync + 'static,
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let ticket = Arc::new(ticket);
    let mut work = pin!(converse(shared, socket, address, tls, Arc::clone(&ticket)));
    poll_fn(|context| {
        ticket.own.listen(context.waker());
        match ticket.own.order() {
            Order::End => Poll::Ready(()),
            Order::Run | Order::Finish => work.as_mut().poll(context),
        }
    })
    .await;
}

async fn converse<B, H, F>(
    shared: Arc<Shared<B, H>>,
    socket: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    ticket: Arc<Ticket>,
) where
    B: Fn(&Method, &str) -> Rule + Send + Sync + 'static,
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Answers are written whole: waiting for more to send would only delay them.
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let protocols = Arc::clone(&shared.protocols);
    let meter = Arc::clone(&shared.meter);
    let caller = Arc::new(Caller::new(shared, Arc::clone(&ticket), address.ip().to_canonical()));
    let service = service_fn(move |request| exchange(Arc::clone(&caller), request));
    let Some(config) = tls else {
        ticket.ready();
        let io = TokioIo::new(Watched {
            stream: socket,
            ticket: Arc::clone(&ticket),
            heads: true,
        });
        return obey(
            protocols.http1.serve_connection(io, service).with_upgrades(),
            |it| it.graceful_shutdown(),
            &ticket,
        )
        .await;
    };
    let Ok(stream) = TlsAcceptor::from(config).accept(socket).await else {
        meter.refused(Refused::Handshake).one();
        return;
    };
    if stream.get_ref().1.alpn_protocol() == Some(ACME_TLS) {
        // The handshake was all there is to say (RFC 8737 §4).
        return;
    }
    ticket.ready();
    let heads = stream.get_ref().1.alpn_protocol() != Some(b"h2");
    let io = TokioIo::new(Watched {
        stream,
        ticket: Arc::clone(&ticket),
        heads,
    });
    if heads {
        obey(
            protocols.http1.serve_connection(io, service).with_upgrades(),
            |it| it.graceful_shutdown(),
            &ticket,
        )
        .await;
    } else {
        obey(
            protocols.http2.serve_connection(io, service),
            |it| it.graceful_shutdown(),
            &ticket,
        )
        .await;
    }
}

/// Drives a connection; passes the order to finish on to it.
async fn obey<C, E>(connection: C, finish: impl Fn(Pin<&mut C>), ticket: &Ticket)
where
    C: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let mut connection = pin!(connection);
    let mut told = false;
    let end = poll_fn(|context| {
        if !told && ticket.own.order() != Order::Run {
            told = true;
            finish(connection.as_mut());
        }
        connection.as_mut().poll(context)
    })
    .await;
    if let Err(cause) = end {
        log::debug!("connection ended: {cause}");
    }
}

/// A stream that tells its ticket what the client does, for the time limits.
struct Watched<S> {
    stream: S,
    ticket: Arc<Ticket>,
    /// Whether bytes that arrive belong to a header section: not so in HTTP/2, where pings and window updates come too.
    heads: bool,
}

impl<S> Watched<S> {
    fn wrote<T>(&self, outcome: Poll<T>) -> Poll<T> {
        match outcome {
            Poll::Pending => self.ticket.stalled(),
            Poll::Ready(_) => self.ticket.sent(),
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.heads && buffer.filled().len() > before {
            self.ticket.received();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.wrote(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.wrote(outcome)
    }
}
