use crate::harness::{header, read_all, read_one, send, start, within};
use grantd::base::limits::Limits;
use grantd::web::signals::Stop;
use tokio::net::TcpStream;

const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn a_drain_answers_what_was_asked_and_takes_nothing_new() {
    let server = start(Limits {
        handshake_ms_max: 600_000,
        ..Limits::default()
    });
    let mut idle = server.connect().await;
    send(&mut idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    read_one(&mut idle).await;
    let mut handshaking = within(TcpStream::connect(server.https)).await.expect("connect");
    let mut plain = server.connect().await;
    let mut secure = server.connect_tls("http/1.1").await;
    send(&mut plain, WAIT).await;
    send(&mut secure, WAIT).await;
    server.gate.wait_entered().await;
    server.gate.wait_entered().await;
    server.stop.send_replace(Stop::Drain);
    assert_eq!(read_all(&mut idle).await, "");
    assert_eq!(read_all(&mut handshaking).await, "");
    for address in [server.http, server.https] {
        assert!(within(TcpStream::connect(address)).await.is_err());
    }
    server.gate.release.add_permits(2);
    for answer in [read_all(&mut plain).await, read_all(&mut secure).await] {
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("released"),
            "{answer}"
        );
        assert_eq!(header(&answer, "connection"), Some("close"));
    }
    assert_eq!(within(server.ended).await.expect("task").expect("served").cut_off, 0);
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let server = start(Limits::default());
    let mut busy = server.connect().await;
    send(&mut busy, WAIT).await;
    server.gate.wait_entered().await;
    server.stop.send_modify(|step| *step = step.next());
    assert_eq!(*server.stop.borrow(), Stop::Drain);
    server.stop.send_modify(|step| *step = step.next());
    assert_eq!(within(server.ended).await.expect("task").expect("served").cut_off, 1);
    assert_eq!(read_all(&mut busy).await, "");
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let server = start(Limits {
        drain_ms_max: 50,
        ..Limits::default()
    });
    let mut busy = server.connect().await;
    send(&mut busy, WAIT).await;
    server.gate.wait_entered().await;
    server.stop.send_replace(Stop::Drain);
    assert_eq!(within(server.ended).await.expect("task").expect("served").cut_off, 1);
    assert_eq!(read_all(&mut busy).await, "");
}
