//! Clients that dawdle: each holds a place among its caller's, and must not hold it for ever.

use crate::gateway::{Door, Upstream, configured};
use crate::gateway_proxy::{head, listener};
use crate::support::{OWNER, World};
use bytes::Bytes;
use grantd::base::limits::Limits;
use grantd::base::random::SeededRandom;
use grantd::base::time::SystemClock;
use grantd::store::memory::MemoryStore;
use grantd::web::development_certificates;
use grantd::web::listener::Listener;
use grantd::web::server::serve;
use grantd::web::signals::Stop;
use grantd::web::tls::Tls;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Far less than the two seconds for a body.
const PAUSE: Duration = Duration::from_millis(20);
/// Sent 512 at a time it takes longer than those two seconds.
const LONG_BYTES: usize = 64 * 1024;

/// A world whose clients have little time, and a token.
async fn the(upstream: SocketAddr) -> (World, String, TempDir) {
    let settings =
        format!("[gateway]\nupstream = \"http://{upstream}\"\n[limits]\nbody_max = \"2s\"\nwrite_stall_max = \"1s\"\n");
    let (config, dir) = configured("default", &settings, &[]);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let client = world.add_private_app(OWNER, &["data.read", "data.write"]).await;
    let token = world.mint_as(&client, "").await;
    (world, token, dir)
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_broken_off_and_one_that_comes_on_is_not() {
    let upstream = Upstream::start();
    let (world, token, _dir) = the(upstream.address).await;
    let door = Door::open(&world.service, Limits::default());
    let authorized = format!("POST /api/v1/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n");
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    let declared = format!("{authorized}Content-Length: 1000\r\n\r\n");
    socket.write_all(declared.as_bytes()).await.unwrap();
    // Never long without a byte, and a thousand would take twenty seconds.
    let mut answer = [0; 12];
    let mut sent = 0;
    let read = loop {
        if let Ok(read) = timeout(PAUSE, socket.read_exact(&mut answer)).await {
            break read;
        }
        sent += 1;
        if socket.write_all(b"x").await.is_err() {
            break socket.read_exact(&mut answer).await;
        }
    };
    read.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!((2..900).contains(&sent), "{sent}");
    assert!(upstream.take().is_empty());

    // As slowly, but it comes on: it may take longer than the time for a body.
    let (listener, address) = listener().await;
    let (world, token, _dir) = the(address).await;
    let door = Door::open(&world.service, Limits::default());
    let api = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        head(&mut socket).await;
        let mut body = vec![0; LONG_BYTES];
        socket.read_exact(&mut body).await.unwrap();
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    let declared = format!(
        "POST /api/v1/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: {LONG_BYTES}\r\n\r\n"
    );
    socket.write_all(declared.as_bytes()).await.unwrap();
    for _ in 1..LONG_BYTES / 512 {
        socket.write_all(&[b'x'; 512]).await.unwrap();
        let early = timeout(PAUSE, socket.read_u8()).await;
        assert!(early.is_err(), "answered before its end");
    }
    socket.write_all(&[b'x'; 512]).await.unwrap();
    let answer = head(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    api.await.unwrap();
}

/// The service behind TLS, where HTTP/2 is spoken.
async fn tls_door(service: &Arc<grantd::app::Service>, dir: &Path) -> (SocketAddr, watch::Sender<Stop>) {
    let files = development_certificates::ensure(dir, &[], &SystemClock).unwrap();
    let tls = Arc::new(Tls::from_pem(&files.cert_file, &files.key_file).unwrap());
    let listener = Listener::https("127.0.0.1:0".parse().unwrap(), tls).unwrap();
    let address = listener.address().unwrap();
    let (stop, stopped) = watch::channel(Stop::Run);
    let (of_bodies, service) = (service.clone(), service.clone());
    let handle = move |request| {
        let service = service.clone();
        async move { service.answer(request).await }
    };
    tokio::spawn(serve(
        vec![listener],
        Limits::default(),
        Arc::new(SeededRandom::new(2)),
        Arc::default(),
        move |method: &Method, path: &str| of_bodies.rule(method, path),
        handle,
        stopped,
    ));
    (address, stop)
}

type Client = http2::SendRequest<Empty<Bytes>>;

/// A connection each stream of which takes so many bytes before it is asked for more.
async fn http2_client(address: SocketAddr, dir: &Path, window: u32) -> Client {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(dir.join("ca.pem")).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
        .unwrap();
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (client, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn get(client: &mut Client, path: &str, token: &str) -> http::Response<hyper::body::Incoming> {
    let request = Request::get(format!("https://localhost{path}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::new())
        .unwrap();
    client.ready().await.unwrap();
    client.send_request(request).await.unwrap()
}

/// One window stays shut while the rest of the connection lives: what was held for it is let go.
#[tokio::test]
async fn an_answer_that_nobody_takes_is_let_go_though_its_connection_lives() {
    let (listener, address) = listener().await;
    let (world, token, dir) = the(address).await;
    let (door, _stop) = tls_door(&world.service, dir.path()).await;
    // Sends without end, until it is hung up on; the next ones it answers shortly.
    let api = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        head(&mut socket).await;
        let begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(begin).await.unwrap();
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        let endless = async { while socket.write_all(chunk.as_bytes()).await.is_ok() {} };
        let others = async {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                head(&mut socket).await;
                let _ = socket
                    .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                    .await;
            }
        };
        tokio::select! {
            () = endless => {}
            () = others => {}
        }
    });
    let mut client = http2_client(door, dir.path(), 1).await;
    let answer = get(&mut client, "/api/v1/data/1", &token).await;
    assert_eq!(answer.status(), 200);
    // The client takes nothing of it, and goes on asking for other things.
    let mut asked = 0;
    let mut waiting = api;
    loop {
        match timeout(PAUSE, &mut waiting).await {
            Ok(ended) => break ended.unwrap(),
            Err(_) => asked += 1,
        }
        let other = get(&mut client, "/api/v1/data/2", &token).await;
        assert!(matches!(other.status().as_u16(), 204 | 502), "{other:?}");
        assert!(asked < 400, "it is still held");
    }
    let rest = answer.into_body().collect().await;
    assert!(rest.is_err(), "it was broken off, and does not look whole");
}
