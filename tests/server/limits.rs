//! What takes too long is ended, while others are served.

use crate::harness::{header, read_all, read_one, send, start, within};
use grantd::base::limits::Limits;
use grantd::web::signals::Stop;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// Long enough never to be met by a test.
const NEVER_MS: u64 = 600_000;

fn patient() -> Limits {
    Limits {
        handshake_ms_max: NEVER_MS,
        headers_ms_max: NEVER_MS,
        body_ms_max: NEVER_MS,
        idle_ms_max: NEVER_MS,
        write_stall_ms_max: NEVER_MS,
        ..Limits::default()
    }
}

#[tokio::test]
async fn slow_headers_are_ended() {
    let server = start(Limits {
        headers_ms_max: 200,
        ..patient()
    });
    let mut silent = server.connect().await;
    let mut first = server.connect().await;
    send(&mut first, "GET / HT").await;
    let mut later = server.connect().await;
    send(&mut later, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    read_one(&mut later).await;
    send(&mut later, "GET / HTTP/1.1\r\nHost").await;
    server.assert_serves().await;
    for slow in [&mut silent, &mut first, &mut later] {
        assert_eq!(read_all(slow).await, "");
    }
}

#[tokio::test]
async fn headers_one_byte_at_a_time_are_ended() {
    let server = start(Limits {
        headers_ms_max: 200,
        ..patient()
    });
    let (mut read, mut write) = server.connect().await.into_split();
    let trickle = tokio::spawn(async move {
        loop {
            if tokio::io::AsyncWriteExt::write_all(&mut write, b"x").await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    // Ended by the time limit or, where this machine writes fast, by the size.
    let answer = read_all(&mut read).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    within(trickle).await.expect("the writer saw the end");
}

#[tokio::test]
async fn a_slow_body_gets_a_408() {
    let server = start(Limits {
        body_ms_max: 200,
        ..patient()
    });
    let mut slow = server.connect().await;
    send(
        &mut slow,
        "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
    )
    .await;
    server.assert_serves().await;
    let answer = read_all(&mut slow).await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"));
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
    assert_eq!(server.gate.entered.available_permits(), 0);
}

#[tokio::test]
async fn an_idle_connection_is_ended_politely() {
    let server = start(Limits {
        idle_ms_max: 200,
        ..patient()
    });
    let mut idle = server.connect_tls("http/1.1").await;
    send(&mut idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    read_one(&mut idle).await;
    server.assert_serves().await;
    // With close_notify: without it rustls makes an error of the end.
    assert_eq!(within(idle.read(&mut [0; 1])).await.expect("close_notify"), 0);
}

#[tokio::test]
async fn a_silent_handshake_is_ended() {
    let server = start(Limits {
        handshake_ms_max: 200,
        ..patient()
    });
    let mut silent = within(TcpStream::connect(server.https)).await.expect("connect");
    server.assert_serves().await;
    assert_eq!(read_all(&mut silent).await, "");
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_ended() {
    let server = start(Limits {
        write_stall_ms_max: 200,
        drain_ms_max: NEVER_MS,
        ..patient()
    });
    let mut stalled = server.connect().await;
    send(&mut stalled, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut first = [0; 8];
    within(stalled.read_exact(&mut first)).await.expect("the answer begins");
    server.assert_serves().await;
    // The drain waits for it; that it ends at all, and cuts nothing off, shows that the time limit was met.
    server.stop.send_replace(Stop::Drain);
    let ended = within(server.ended).await.expect("task").expect("served");
    assert_eq!(ended.cut_off, 0);
}

#[tokio::test]
async fn a_request_that_is_being_handled_outlives_every_limit() {
    let limits = Limits {
        handshake_ms_max: 200,
        headers_ms_max: 200,
        body_ms_max: 200,
        idle_ms_max: 200,
        write_stall_ms_max: 200,
        ..Limits::default()
    };
    let server = start(limits);
    let mut busy = server.connect().await;
    send(&mut busy, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.gate.wait_entered().await;
    // Two connections that live through the limits one after the other: more time has passed than any of them.
    for _ in 0..2 {
        assert_eq!(read_all(&mut server.connect().await).await, "");
    }
    server.gate.release.add_permits(1);
    let (head, body) = read_one(&mut busy).await;
    assert_eq!(body, "released");
    assert_eq!(header(&head, "connection"), None, "nor was it told to finish");
}
