//! Requests to addresses that somebody else chose.
//!
//! A name is resolved here, each of its addresses is judged, and the connection goes to the very address that was
//! judged: a name that leads elsewhere a moment later leads nowhere (DNS rebinding). Redirects are not followed, no
//! proxy of the environment is asked, and everything has a limit.

use crate::web::trust;
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Of an answer's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 100;
/// Read of an answer's body; what comes after it is not waited for.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Where a name leads. Tests have another one.
pub trait Resolver: Send + Sync + 'static {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a>;
}

pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// The system's: `/etc/hosts`, name servers.
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// How long is waited.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the name, the connection and TLS together.
    pub connect: Duration,
    /// From the request's first byte to the answer's last.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
        }
    }
}

pub struct Outbound {
    resolver: Arc<dyn Resolver>,
    ca_file: Option<PathBuf>,
    patience: Patience,
    /// Read once, at the first need.
    tls: OnceCell<Arc<ClientConfig>>,
}

/// One end of a connection; the other is `host`, at an address that was judged.
pub struct Connection {
    sender: Sender,
    https: bool,
    authority: String,
    driver: JoinHandle<()>,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// What to connect to: a name, or an address without brackets.
pub struct Place<'a> {
    pub https: bool,
    pub host: &'a str,
    pub port: u16,
    /// Host and port, as `Host` has them.
    pub authority: &'a str,
}

pub struct Answer {
    pub status: u16,
    /// Its beginning.
    pub body: Vec<u8>,
    /// Whether the connection may carry another request.
    pub whole: bool,
}

/// Why there is no answer: a sentence without any value that was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Silence {
    pub why: String,
    /// The connection was gone before anything was answered: on one that was used before that says nothing.
    pub hung_up: bool,
}

impl Outbound {
    /// Trusts the certificate authorities of the system, and those of `ca_file`.
    pub fn new(resolver: Arc<dyn Resolver>, ca_file: Option<PathBuf>, patience: Patience) -> Self {
        Self {
            resolver,
            ca_file,
            patience,
            tls: OnceCell::new(),
        }
    }

    /// Connects to the first address of the host that `may` says may be reached, and that answers.
    pub async fn connect(&self, place: &Place<'_>, may: impl Fn(IpAddr) -> bool) -> Result<Connection, String> {
        let connected = timeout(self.patience.connect, self.connected(place, may)).await;
        connected.map_err(|_| "The connection took too long.".to_owned())?
    }

    async fn connected(&self, place: &Place<'_>, may: impl Fn(IpAddr) -> bool) -> Result<Connection, String> {
        let addresses = match place.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let found = self.resolver.resolve(place.host).await;
                found.map_err(|_| "The name of the host leads nowhere.".to_owned())?
            }
        };
        if addresses.is_empty() {
            return Err("The name of the host leads nowhere.".to_owned());
        }
        let allowed = addresses
            .into_iter()
            .filter(|address| may(*address))
            .take(ADDRESSES_MAX);
        let mut failed = None;
        for address in allowed {
            match TcpStream::connect(SocketAddr::new(address, place.port)).await {
                Ok(stream) => return self.shaken(place, stream).await,
                Err(error) => failed = Some(error),
            }
        }
        Err(match failed {
            None => "The host leads to an address that webhooks may not reach.".to_owned(),
            Some(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => "The connection was refused.".to_owned(),
                _ => "No connection could be made.".to_owned(),
            },
        })
    }

    async fn shaken(&self, place: &Place<'_>, stream: TcpStream) -> Result<Connection, String> {
        // A request is written at once; waiting for more of it would only be slower.
        let _ = stream.set_nodelay(true);
        if !place.https {
            return speak_http1(place, stream).await;
        }
        let name = ServerName::try_from(place.host.to_owned());
        let name = name.map_err(|_| "The host has no name that a certificate could have.".to_owned())?;
        let stream = TlsConnector::from(self.tls().await?).connect(name, stream).await;
        let stream = stream.map_err(|error| format!("TLS failed: {error}."))?;
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            speak_http2(place, stream).await
        } else {
            speak_http1(place, stream).await
        }
    }

    async fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        let made = self.tls.get_or_try_init(|| async {
            let ca_file = self.ca_file.clone();
            let made = tokio::task::spawn_blocking(move || trusting(ca_file.as_deref()));
            made.await.map_err(|_| "TLS could not be set up.".to_owned())?
        });
        made.await.cloned()
    }

    /// Sends a request and waits for its answer.
    pub async fn send(
        &self,
        connection: &mut Connection,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Silence> {
        let request = connection.request(path, headers, body)?;
        let answer = timeout(self.patience.answer, connection.answered(request)).await;
        let slow = || Silence {
            why: "No answer came in time.".to_owned(),
            hung_up: false,
        };
        let (head, mut body) = answer.map_err(|_| slow())??.into_parts();
        let mut answer = Answer {
            status: head.status.as_u16(),
            body: Vec::new(),
            whole: false,
        };
        // The status has been said: what is wrong with the rest does not make it another.
        let _ = timeout(self.patience.answer, read(&mut body, &mut answer)).await;
        Ok(answer)
    }
}

async fn read(body: &mut Incoming, answer: &mut Answer) {
    while answer.body.len() < BODY_BYTES_MAX {
        match body.frame().await {
            None => {
                answer.whole = true;
                return;
            }
            Some(Err(_)) => return,
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                let room = BODY_BYTES_MAX - answer.body.len();
                answer.body.extend_from_slice(&data[..data.len().min(room)]);
            }
        }
    }
}

impl Connection {
    fn request(&self, path: &str, headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, Silence> {
        let unsendable = |_| Silence {
            why: "The address cannot be written into a request.".to_owned(),
            hung_up: false,
        };
        // HTTP/2 says the host in the address, HTTP/1.1 in a header (RFC 9113 §8.3.1, RFC 9112 §3.2).
        let uri = match &self.sender {
            Sender::Http1(_) => Uri::try_from(path).map_err(|error| unsendable(error.into()))?,
            Sender::Http2(_) => Uri::builder()
                .scheme(if self.https { "https" } else { "http" })
                .authority(self.authority.as_str())
                .path_and_query(path)
                .build()
                .map_err(unsendable)?,
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        if matches!(self.sender, Sender::Http1(_)) {
            let host = self.authority.parse().map_err(|_| Silence {
                why: "The host cannot be written into a request.".to_owned(),
                hung_up: false,
            })?;
            request.headers_mut().insert(HOST, host);
        }
        Ok(request)
    }

    async fn answered(&mut self, request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>, Silence> {
        let answer = match &mut self.sender {
            Sender::Http1(sender) => match sender.ready().await {
                Ok(()) => sender.send_request(request).await,
                Err(error) => Err(error),
            },
            Sender::Http2(sender) => match sender.ready().await {
                Ok(()) => sender.send_request(request).await,
                Err(error) => Err(error),
            },
        };
        answer.map_err(|error| Silence {
            hung_up: error.is_closed() || error.is_canceled() || error.is_incomplete_message(),
            why: if error.is_parse() || error.is_parse_too_large() {
                "The answer was no HTTP.".to_owned()
            } else {
                "The connection ended without an answer.".to_owned()
            },
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn speak_http1<S>(place: &Place<'_>, stream: S) -> Result<Connection, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    let (sender, connection) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    Ok(Connection::new(place, Sender::Http1(sender), async {
        // How it ended, the request itself says.
        let _ = connection.await;
    }))
}

async fn speak_http2<S>(place: &Place<'_>, stream: S) -> Result<Connection, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http2::Builder::new(TokioExecutor::new());
    let head_bytes_max = u32::try_from(HEAD_BYTES_MAX).expect("a limit of kilobytes");
    builder.timer(TokioTimer::new()).max_header_list_size(head_bytes_max);
    let (sender, connection) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    Ok(Connection::new(place, Sender::Http2(sender), async {
        let _ = connection.await;
    }))
}

impl Connection {
    fn new(place: &Place<'_>, sender: Sender, driver: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            sender,
            https: place.https,
            authority: place.authority.to_owned(),
            driver: tokio::spawn(driver),
        }
    }
}

/// The error is a sentence for whoever runs the server.
fn trusting(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    // With none at all no certificate will do, which is told then.
    let mut roots = trust::of_system();
    if let Some(file) = ca_file {
        trust::add_file(&mut roots, file).map_err(|why| format!("`webhooks.ca_file`: {why}."))?;
    }
    let mut config = trust::client(roots).map_err(|why| format!("{why}."))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
