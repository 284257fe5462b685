//! Bodies and tunnels through the gateway, over real connections.

use crate::gateway::{Door, Upstream};
use crate::gateway_proxy::{ask, before, head, listener};
use grantd::base::limits::Limits;
use http::Method;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Everything a client sends over one connection, and what comes back until the end or an answer that says 200 times.
async fn over(door: &Door, sent: &[u8]) -> String {
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    socket.write_all(sent).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_could_be_read_as_two_requests_reaches_the_upstream_as_one_or_not_at_all() {
    let upstream = Upstream::start();
    let (world, token, _dir) = before(upstream.address, "").await;
    let door = Door::open(&world.service, Limits::default());
    let authorized = format!("POST /api/v1/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n");
    let inner = "GET /api/v1/data/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    for framing in [
        format!("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n\r\n0\r\n\r\n{inner}",
            inner.len() + 5
        ),
        format!("Content-Length: 0\r\nContent-Length: {}\r\n\r\n{inner}", inner.len()),
        format!("Content-Length: +{}\r\n\r\n{inner}", inner.len()),
        format!("Content-Length: 0, {}\r\n\r\n{inner}", inner.len()),
        format!("Transfer-Encoding: xchunked\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{inner}"),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\n5;\nx\r\nhello\r\n0\r\n\r\n{inner}"),
    ] {
        let answer = over(&door, format!("{authorized}{framing}").as_bytes()).await;
        for seen in upstream.take() {
            assert_eq!(seen.target, "/api/v1/data", "{framing:?}: {answer}");
            assert!(!seen.body.contains("smuggled"), "{framing:?}: {seen:?}");
            let lengths = seen.headers.get_all("content-length").iter().count();
            let chunked = seen.headers.get_all("transfer-encoding").iter().count();
            assert!(lengths + chunked <= 1, "{framing:?}: {seen:?}");
        }
    }
    // What is no trick goes through, twice on one connection.
    let twice = format!("{authorized}Content-Length: 2\r\n\r\nab").repeat(2);
    let answer = over(&door, twice.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(upstream.take().len(), 2);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_does_not_come_is_broken_off() {
    let (listener, address) = listener().await;
    let (world, token, _dir) = before(address, "").await;
    let door = Door::open(&world.service, Limits::default());
    // Takes whatever comes and never answers.
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move { tokio::io::copy(&mut socket, &mut tokio::io::sink()).await });
        }
    });
    let authorized = format!("POST /api/v1/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n");
    let send = async |rest: String| {
        let mut socket = TcpStream::connect(door.address).await.unwrap();
        socket
            .write_all(format!("{authorized}{rest}").as_bytes())
            .await
            .unwrap();
        head(&mut socket).await
    };
    let declared = send("Content-Length: 1001\r\n\r\n".into()).await;
    assert!(declared.starts_with("HTTP/1.1 413"), "{declared}");
    let chunk = "x".repeat(600);
    let endless = format!("Transfer-Encoding: chunked\r\n\r\n258\r\n{chunk}\r\n258\r\n{chunk}\r\n");
    let chunked = send(endless).await;
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    for broken in [
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ] {
        for _ in 0..6 {
            over(&door, format!("{authorized}{broken}").as_bytes()).await;
        }
    }
    // None of that was the upstream's fault: it is asked still.
    let stalled = send("Content-Length: 9\r\n\r\nhalf".into()).await;
    assert!(stalled.starts_with("HTTP/1.1 408"), "{stalled}");
}

#[tokio::test]
async fn an_answer_is_passed_on_as_it_comes_and_its_break_is_not_hidden() {
    let (listener, address) = listener().await;
    let (world, token, _dir) = before(address, "").await;
    let door = Door::open(&world.service, Limits::default());
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        head(&mut socket).await;
        let begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        socket.write_all(begin).await.unwrap();
        // The rest only once the client has seen this: a proxy that waits for the whole would wait for ever.
        gone.await.unwrap();
        socket.write_all(b"6\r\nsecond\r\n").await.unwrap();
        // No end: the upstream dies.
    });
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    let request = format!("GET /api/v1/data/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let head = head(&mut socket).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let mut seen = String::new();
    while !seen.contains("first") {
        seen.push(char::from(socket.read_u8().await.unwrap()));
    }
    go.send(()).unwrap();
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
    let rest = String::from_utf8_lossy(&rest);
    assert!(
        rest.contains("second") && !rest.contains("0\r\n\r\n"),
        "broken off, not ended: {rest:?}"
    );
}

#[tokio::test]
async fn a_websocket_is_a_tunnel_until_its_credential_ends() {
    let (listener, address) = listener().await;
    let (world, token, _dir) = before(address, "").await;
    let door = Door::open(&world.service, Limits::default());
    let upstream = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let head = head(&mut socket).await.to_lowercase();
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                       sec-websocket-accept: x\r\n\r\n";
        socket.write_all(answer).await.unwrap();
        let mut word = [0; 4];
        socket.read_exact(&mut word).await.unwrap();
        socket.write_all(&word).await.unwrap();
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest).await;
        (head, rest)
    });
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    let request = format!(
        "GET /api/v1/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let answer = head(&mut socket).await.to_lowercase();
    assert!(
        answer.starts_with("http/1.1 101") && answer.contains("sec-websocket-accept: x"),
        "{answer}"
    );
    socket.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    socket.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"ping");

    world.advance(Duration::from_secs(11 * 60));
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    let (head, rest) = upstream.await.unwrap();
    assert!(
        head.contains("upgrade: websocket") && head.contains("sec-websocket-key: a"),
        "{head}"
    );
    assert!(!head.contains("authorization") && rest.is_empty(), "{head}");
}

#[tokio::test]
async fn nothing_is_a_tunnel_that_nobody_asked_for() {
    let (listener, address) = listener().await;
    let (world, token, _dir) = before(address, "").await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            head(&mut socket).await;
            let _ = socket
                .write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
                .await;
        }
    });
    assert_eq!(ask(&world, Method::GET, &token, "").await.0, 502);
}
