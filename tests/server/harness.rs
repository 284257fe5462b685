//! A running server with a handler made for these tests, and small clients.

use bytes::Bytes;
use grantd::base::limits::Limits;
use grantd::base::random::SeededRandom;
use grantd::base::time::SystemClock;
use grantd::web::development_certificates::{DevelopmentCertificates, ensure};
use grantd::web::listener::Listener;
use grantd::web::panics::log_panics;
use grantd::web::request::{BodyRule, Request, Rule};
use grantd::web::response::Response;
use grantd::web::server::{Ended, serve};
use grantd::web::signals::Stop;
use grantd::web::tls::Tls;
use http::StatusCode;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub struct Running {
    pub http: SocketAddr,
    pub https: SocketAddr,
    pub stop: watch::Sender<Stop>,
    pub ended: JoinHandle<std::io::Result<Ended>>,
    pub gate: Arc<Gate>,
    pub tls: Arc<Tls>,
    pub files: DevelopmentCertificates,
    pub dir: TempDir,
}

/// `/wait` says that it was entered and answers when released.
pub struct Gate {
    pub entered: Semaphore,
    pub release: Semaphore,
}

impl Gate {
    pub async fn wait_entered(&self) {
        within(self.entered.acquire())
            .await
            .expect("the gate stays open")
            .forget();
    }
}

/// Bodies of at most this many bytes, 1000 on `/small`.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

pub fn start(limits: Limits) -> Running {
    init_log();
    let dir = tempfile::tempdir().expect("temporary directory");
    let files = ensure(dir.path(), &[], &SystemClock).expect("certificates");
    let tls = Arc::new(Tls::from_pem(&files.cert_file, &files.key_file).expect("tls"));
    let any = "127.0.0.1:0".parse().expect("address");
    let https = Listener::https(any, Arc::clone(&tls)).expect("https");
    let http = Listener::http(any).expect("http");
    let (https_address, http_address) = (https.address().expect("address"), http.address().expect("address"));
    let gate = Arc::new(Gate {
        entered: Semaphore::new(0),
        release: Semaphore::new(0),
    });
    let (stop, stopped) = watch::channel(Stop::Run);
    let for_handler = Arc::clone(&gate);
    let ended = tokio::spawn(serve(
        vec![https, http],
        limits,
        Arc::new(SeededRandom::new(1)),
        Arc::default(),
        |_, path| Rule {
            body: BodyRule::Whole(if path == "/small" { 1000 } else { BODY_BYTES_MAX }),
            revokes: path == "/revoke",
        },
        move |request| handle(request, Arc::clone(&for_handler)),
        stopped,
    ));
    Running {
        http: http_address,
        https: https_address,
        stop,
        ended,
        gate,
        tls,
        files,
        dir,
    }
}

async fn handle(request: Request, gate: Arc<Gate>) -> Response {
    match request.path.as_str() {
        "/wait" => {
            gate.entered.add_permits(1);
            gate.release.acquire().await.expect("the gate stays open").forget();
            Response::text(StatusCode::OK, "released")
        }
        "/panic" => panic!("{}", String::from("hidden-message")),
        "/large" => {
            let mut response = Response::new(StatusCode::OK);
            response.body = Bytes::from(vec![b'x'; 32 << 20]);
            response
        }
        "/id" => Response::text(StatusCode::OK, request.id),
        "/echo" => {
            let mut response = Response::new(StatusCode::OK);
            response.body = request.body;
            response
        }
        path => Response::text(
            StatusCode::OK,
            format!(
                "{} {path} {:?} {} bytes",
                request.method,
                request.query,
                request.body.len()
            ),
        ),
    }
}

impl Running {
    pub async fn connect(&self) -> TcpStream {
        within(TcpStream::connect(self.http)).await.expect("connect")
    }

    pub async fn connect_tls(&self, alpn: &str) -> TlsStream<TcpStream> {
        let socket = within(TcpStream::connect(self.https)).await.expect("connect");
        handshake(socket, client(&self.files.ca_file, alpn))
            .await
            .expect("handshake")
    }

    /// One request on a connection of its own; the whole answer.
    pub async fn get(&self, path: &str) -> String {
        let mut socket = self.connect().await;
        send(
            &mut socket,
            &format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        )
        .await;
        read_all(&mut socket).await
    }

    pub async fn assert_serves(&self) {
        assert!(self.get("/fine").await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
}

pub fn client(ca_file: &Path, alpn: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca_file).expect("ca"))
        .expect("ca");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    config
}

pub async fn handshake(socket: TcpStream, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").expect("name");
    within(TlsConnector::from(Arc::new(config)).connect(name, socket)).await
}

/// Fails instead of hanging.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("nothing happened for 30 seconds")
}

pub async fn send(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    within(stream.write_all(text.as_bytes())).await.expect("write");
    within(stream.flush()).await.expect("flush");
}

/// Everything until the server closes, which it may do by a reset.
pub async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    _ = within(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer with a Content-Length from a connection that stays open: head and body.
pub async fn read_one(stream: &mut (impl AsyncRead + Unpin)) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(stream.read_u8()).await.expect("the head of an answer"));
    }
    let head = String::from_utf8(head).expect("head");
    let length = header(&head, "content-length").map_or(0, |value| value.parse().expect("length"));
    let mut body = vec![0; length];
    within(stream.read_exact(&mut body))
        .await
        .expect("the body of an answer");
    (head, String::from_utf8(body).expect("body"))
}

pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// All log lines of all tests of this program.
pub fn log_lines() -> Vec<String> {
    LINES.lock().expect("log").clone()
}

fn init_log() {
    struct Lines;
    impl log::Log for Lines {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            if record.target().starts_with("grantd") {
                LINES
                    .lock()
                    .expect("log")
                    .push(format!("{} {}", record.level(), record.args()));
            }
        }
        fn flush(&self) {}
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Lines).expect("the only logger");
        log::set_max_level(log::LevelFilter::Debug);
        let before = std::panic::take_hook();
        log_panics();
        let logging = std::panic::take_hook();
        // Failed assertions of the tests themselves stay visible.
        std::panic::set_hook(Box::new(move |info| {
            logging(info);
            before(info);
        }));
    });
}
