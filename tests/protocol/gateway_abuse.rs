//! What callers, upstreams and the end of the server do to requests on their way through the gateway.

use crate::gateway::{Door, Guarded, configured};
use crate::gateway_proxy::{ask, before, head, listener};
use crate::http::request;
use crate::proofs::ClientKey;
use crate::support::{ISSUER, OWNER, World};
use bytes::Bytes;
use grantd::base::digest::{base64url, sha256};
use grantd::base::jose::Alg;
use grantd::base::limits::Limits;
use grantd::store::memory::MemoryStore;
use grantd::web::signals::Stop;
use http::{Method, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A world with these rows of `routes.json`, and a token for all scopes that `data` has.
async fn with_routes(settings: &str, rows: &str) -> (World, String, TempDir) {
    let routes = format!("{{\"routes\":[{rows}]}}");
    let (config, dir) = configured("default", settings, &[("routes.json", &routes)]);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let client = world.add_private_app(OWNER, &["data.read", "data.write"]).await;
    let token = world.mint_as(&client, "").await;
    (world, token, dir)
}

async fn until(socket: &mut TcpStream, word: &str) {
    let mut seen = String::new();
    while !seen.ends_with(word) {
        seen.push(char::from(socket.read_u8().await.expect("the answer goes on")));
    }
}

#[tokio::test]
async fn an_answer_that_goes_on_ends_with_its_credential() {
    let (listener, address) = listener().await;
    // For longer than anybody waits for this test: what ends it sooner is the credential.
    let row = r#"{"path":"/api/v1/data/{id}","methods":{"GET":["data.read"]},"time_max":"30m"}"#;
    let settings = format!("[gateway]\nupstream = \"http://{address}\"\n[limits]\ntunnel_max = \"1s\"\n");
    let (world, token, _dir) = with_routes(&settings, row).await;
    let door = Door::open(&world.service, Limits::default());
    let gone = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        head(&mut socket).await;
        let begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        socket.write_all(begin).await.unwrap();
        // Events may come for as long as somebody listens.
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await
    });
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    let request = format!("GET /api/v1/data/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    until(&mut socket, "first").await;
    world.advance(Duration::from_secs(11 * 60));
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(60), socket.read_to_end(&mut rest)).await;
    ended.expect("it ends by itself").ok();
    let rest = String::from_utf8_lossy(&rest);
    assert!(!rest.contains("0\r\n\r\n"), "broken off, not ended: {rest:?}");
    gone.await.unwrap().expect("the upstream is told");
}

#[tokio::test]
async fn a_tunnel_hears_that_the_server_ends() {
    let (listener, address) = listener().await;
    let (world, token, _dir) = before(address, "").await;
    let limits = Limits {
        drain_ms_max: 120_000,
        ..Limits::default()
    };
    let door = Door::open(&world.service, limits);
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        head(&mut socket).await;
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
        socket.write_all(answer).await.unwrap();
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest).await;
    });
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    let request = format!(
        "GET /api/v1/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    assert!(head(&mut socket).await.starts_with("HTTP/1.1 101"));
    door.stop.send_replace(Stop::Drain);
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(60), socket.read_to_end(&mut rest)).await;
    ended.expect("it ends by itself").ok();
    assert_eq!(door.served.await.unwrap().unwrap().cut_off, 0);
}

#[tokio::test]
async fn an_upstream_that_stops_reading_is_late() {
    let (listener, address) = listener().await;
    let settings = format!("[gateway]\nupstream = \"http://{address}\"\n");
    let row =
        r#"{"path":"/api/v1/data","methods":{"POST":["data.write"]},"time_max":"1s","body_bytes_max":1000000000}"#;
    let (world, token, _dir) = with_routes(&settings, row).await;
    let door = Door::open(&world.service, Limits::default());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            open.push(socket);
        }
    });
    let socket = TcpStream::connect(door.address).await.unwrap();
    let (mut answers, mut sends) = socket.into_split();
    let length = 256 << 20;
    let request = format!(
        "POST /api/v1/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    );
    sends.write_all(request.as_bytes()).await.unwrap();
    tokio::spawn(async move {
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..length / chunk.len() {
            if sends.write_all(&chunk).await.is_err() {
                return;
            }
        }
    });
    let mut status = [0; 12];
    answers.read_exact(&mut status).await.unwrap();
    assert_eq!(std::str::from_utf8(&status), Ok("HTTP/1.1 504"));
}

#[tokio::test]
async fn d6_a_proof_is_good_once_however_the_path_is_spelled() {
    let the = Guarded::new("default").await;
    let key = ClientKey::new(Alg::Es256, 1);
    let asked = the.world.ask_with_proof(&key.proof(&the.world)).await;
    let token = asked.text("access_token");
    let ath = base64url(sha256(token.as_bytes()));
    let authorization = format!("DPoP {token}");
    let proof_for = |path: &str| {
        let url = format!("{ISSUER}{path}");
        key.spoiled_proof(&the.world, &|_, claims| {
            (claims["htm"], claims["htu"], claims["ath"]) = ("GET".into(), url.as_str().into(), ath.as_str().into());
        })
    };
    let send = async |path: &str, proof: &str| {
        let headers = [("authorization", authorization.as_str()), ("dpop", proof)];
        the.send(Method::GET, path, &headers, "").await.status
    };
    for spelled in ["/api/v1/data/%c3%a9", "/api/v1/data/%C3%A9"] {
        let proof = proof_for(spelled);
        assert_eq!(send(spelled, &proof).await, 200);
        for again in ["/api/v1/data/%c3%a9", "/api/v1/data/%C3%A9", "/api/v1/data/%c3%A9"] {
            assert_eq!(send(again, &proof).await, 401, "{spelled} then {again}");
        }
    }
    assert_eq!(the.upstream.take().len(), 2);
}

#[tokio::test]
async fn a_row_for_anything_below_does_not_stand_in_for_a_more_exact_one() {
    let (listener, address) = listener().await;
    let settings = format!("[gateway]\nupstream = \"http://{address}\"\n");
    let rows = r#"{"path":"/api/v1/items:batch","methods":{"GET":["data.write"]}},
                  {"path":"/api/v1/items","methods":{"GET":["data.write"]}},
                  {"path":"/api/v1/{*rest}","methods":{"GET":["data.read"]}}"#;
    let (world, _, _dir) = with_routes(&settings, rows).await;
    let reads = world.add_private_app(OWNER, &["data.read"]).await;
    let token = world.mint_as(&reads, "").await;
    let authorization = format!("Bearer {token}");
    for (path, status) in [
        ("/api/v1/items", 403),
        ("/api/v1/items/", 404),
        ("/api/v1/other/", 404),
        ("/api/v1/items:batch", 403),
        ("/api/v1/items%3abatch", 403),
        ("/api/v1/items%3Abatch", 403),
    ] {
        let asked = request(Method::GET, path, &[("authorization", &authorization)], b"");
        let answer = world.send(asked).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    // Nothing of that came to the upstream; what the wide row is for does.
    let came = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let head = head(&mut socket).await;
        let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        head
    });
    let asked = request(Method::GET, "/api/v1/other", &[("authorization", &authorization)], b"");
    assert_eq!(world.send(asked).await.status, 204);
    assert!(came.await.unwrap().starts_with("GET /api/v1/other HTTP/1.1"));
}

#[tokio::test]
async fn one_caller_has_its_places_and_leaves_the_others_theirs() {
    let (listener, address) = listener().await;
    // Eight for the gateway, one for each caller.
    let settings = format!("[gateway]\nupstream = \"http://{address}\"\n[limits]\nrequests_in_flight_max = 16\n");
    let row = r#"{"path":"/api/v1/data","methods":{"GET":["data.read"]}}"#;
    let (world, token, _dir) = with_routes(&settings, row).await;
    let world = Arc::new(world);
    let other = world.add_private_app(OWNER, &["data.read"]).await;
    let other = world.mint_as(&other, "").await;
    let (came, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (came.clone(), go.clone());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (tell, wait) = (tell.clone(), wait.clone());
            tokio::spawn(async move {
                head(&mut socket).await;
                tell.notify_one();
                wait.notified().await;
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            });
        }
    });
    let sent = |token: &str| {
        let (world, token) = (world.clone(), token.to_owned());
        tokio::spawn(async move { ask(&world, Method::GET, &token, "").await })
    };
    let first = sent(&token);
    came.notified().await;
    assert_eq!(ask(&world, Method::GET, &token, "").await, (429, Some("1".to_owned())));
    let another = sent(&other);
    came.notified().await;
    go.notify_waiters();
    assert_eq!((first.await.unwrap().0, another.await.unwrap().0), (200, 200));
    let next = sent(&token);
    came.notified().await;
    go.notify_waiters();
    assert_eq!(next.await.unwrap().0, 200, "a place that is given back is taken again");
}

#[tokio::test]
async fn no_cache_keeps_an_answer_for_others() {
    for (said, told) in [
        (
            "Cache-Control: public, max-age=60, s-maxage=9\r\n",
            "private, max-age=60",
        ),
        (
            "Cache-Control: Public\r\nCache-Control: S-MaxAge=9\r\n",
            "private, no-cache",
        ),
        ("Cache-Control: no-store\r\n", "private, no-store"),
        ("", "private, no-cache"),
    ] {
        let (listener, address) = listener().await;
        let (world, token, _dir) = before(address, "").await;
        let answer = format!("HTTP/1.1 200 OK\r\n{said}Content-Length: 0\r\n\r\n");
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            head(&mut socket).await;
            socket.write_all(answer.as_bytes()).await.unwrap();
        });
        let headers = [("authorization", &*format!("Bearer {token}"))];
        let answer = world.send(request(Method::GET, "/api/v1/data", &headers, b"")).await;
        let told_by: Vec<_> = answer.headers.get_all("cache-control").iter().collect();
        assert_eq!(told_by, [told], "{said}");
    }
}

#[tokio::test]
async fn what_stands_behind_a_body_does_not_reach_the_upstream() {
    let (listener, address) = listener().await;
    let (world, token, _dir) = before(address, "http2 = true\n").await;
    let door = Door::open(&world.service, Limits::default());
    let seen: Arc<Mutex<Vec<(Bytes, bool)>>> = Arc::default();
    let remembered = seen.clone();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let remembered = remembered.clone();
            async move {
                let body = request.into_body().collect().await.unwrap();
                let trailers = body.trailers().is_some();
                remembered.lock().unwrap().push((body.to_bytes(), trailers));
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
            }
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = connection.serve_connection(TokioIo::new(socket), service).await;
    });
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    let asked = format!(
        "POST /api/v1/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\
         Trailer: x-grantd-user\r\n\r\n4\r\nbody\r\n0\r\nx-grantd-user: u_evil\r\n\r\n"
    );
    socket.write_all(asked.as_bytes()).await.unwrap();
    let head = head(&mut socket).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(*seen.lock().unwrap(), [(Bytes::from_static(b"body"), false)]);
}
