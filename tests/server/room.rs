//! Who gets in when there is no room.

use crate::harness::{Running, client, handshake, header, read_all, read_one, send, start, within};
use grantd::base::limits::Limits;
use std::net::SocketAddr;
use tokio::net::{TcpSocket, TcpStream};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
const SLOW_BODY: &str = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";

/// A connection that has had one request answered.
async fn idle(server: &Running) -> TcpStream {
    let mut socket = server.connect().await;
    send(&mut socket, GET).await;
    read_one(&mut socket).await;
    socket
}

/// A connection whose request is at the gate.
async fn busy(server: &Running) -> TcpStream {
    let mut socket = server.connect().await;
    send(&mut socket, WAIT).await;
    server.gate.wait_entered().await;
    socket
}

/// A connection whose body is being waited for.
async fn slow(server: &Running) -> TcpStream {
    let mut socket = server.connect().await;
    send(&mut socket, SLOW_BODY).await;
    assert_eq!(read_one(&mut socket).await.0, "HTTP/1.1 100 Continue\r\n\r\n");
    socket
}

#[tokio::test]
async fn idle_connections_make_room_for_newcomers() {
    let server = start(Limits {
        connections_max: 8,
        ..Limits::default()
    });
    let mut early = Vec::new();
    for _ in 0..8 {
        early.push(idle(&server).await);
    }
    let mut busy = busy(&server).await;
    let mut late = Vec::new();
    for _ in 0..8 {
        late.push(idle(&server).await);
    }
    for socket in &mut early {
        assert_eq!(read_all(socket).await, "");
    }
    server.gate.release.add_permits(1);
    assert_eq!(read_one(&mut busy).await.1, "released");
}

#[tokio::test]
async fn connections_that_never_ask_make_room_after_idle_ones() {
    let server = start(Limits {
        connections_max: 3,
        ..Limits::default()
    });
    let mut silent = server.connect().await;
    let mut begun = server.connect().await;
    send(&mut begun, "GET / HTTP/1.1\r\nHos").await;
    let mut kept_alive = idle(&server).await;
    let mut first = busy(&server).await;
    assert_eq!(read_all(&mut kept_alive).await, "");
    let mut second = busy(&server).await;
    let mut third = busy(&server).await;
    assert_eq!(read_all(&mut silent).await, "");
    assert_eq!(read_all(&mut begun).await, "");
    server.gate.release.add_permits(3);
    for socket in [&mut first, &mut second, &mut third] {
        assert_eq!(read_one(socket).await.1, "released");
    }
}

#[tokio::test]
async fn slow_bodies_make_room_for_newcomers() {
    let server = start(Limits {
        connections_max: 4,
        ..Limits::default()
    });
    let mut slow_ones = Vec::new();
    for _ in 0..4 {
        slow_ones.push(slow(&server).await);
    }
    let mut newcomers = Vec::new();
    for _ in 0..4 {
        newcomers.push(busy(&server).await);
    }
    for socket in &mut slow_ones {
        assert_eq!(read_all(socket).await, "");
    }
    server.gate.release.add_permits(4);
    for socket in &mut newcomers {
        assert_eq!(read_one(socket).await.1, "released");
    }
}

#[tokio::test]
async fn where_all_are_busy_the_newcomer_is_closed_at_once() {
    let server = start(Limits {
        connections_max: 2,
        ..Limits::default()
    });
    let mut first = busy(&server).await;
    let mut second = busy(&server).await;
    let mut newcomer = server.connect().await;
    assert_eq!(read_all(&mut newcomer).await, "");
    server.gate.release.add_permits(2);
    assert_eq!(read_one(&mut first).await.1, "released");
    assert_eq!(read_one(&mut second).await.1, "released");
    server.assert_serves().await;
}

#[tokio::test]
async fn a_flood_of_connections_leaves_room_for_a_request() {
    let server = start(Limits {
        connections_max: 64,
        ..Limits::default()
    });
    let mut flood = Vec::new();
    for _ in 0..500 {
        flood.push(server.connect().await);
    }
    server.assert_serves().await;
    let mut socket = idle(&server).await;
    for _ in 0..500 {
        flood.push(server.connect().await);
    }
    server.assert_serves().await;
    drop(flood);
    // The one that was idle for longer than all of the flood had to go.
    assert_eq!(read_all(&mut socket).await, "");
}

async fn connect_from(source: &str, server: &Running) -> std::io::Result<impl AsyncBoth + use<>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(source.parse::<SocketAddr>().expect("address"))?;
    let stream = within(socket.connect(server.https)).await?;
    handshake(stream, client(&server.files.ca_file, "http/1.1")).await
}

trait AsyncBoth: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {}
impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> AsyncBoth for S {}

#[tokio::test]
async fn one_address_cannot_take_all_the_room() {
    let server = start(Limits {
        connections_per_peer_max: 2,
        ..Limits::default()
    });
    let mut first = connect_from("127.0.0.2:0", &server).await.expect("handshake");
    send(&mut first, WAIT).await;
    server.gate.wait_entered().await;
    let mut second = connect_from("127.0.0.2:0", &server).await.expect("handshake");
    send(&mut second, GET).await;
    read_one(&mut second).await;
    // Its own idle connection makes room for its next one …
    let mut third = connect_from("127.0.0.2:0", &server).await.expect("handshake");
    assert_eq!(read_all(&mut second).await, "");
    send(&mut third, WAIT).await;
    server.gate.wait_entered().await;
    // … and where it has none it is refused, while another address is served.
    assert!(connect_from("127.0.0.2:0", &server).await.is_err());
    let mut other = connect_from("127.0.0.3:0", &server).await.expect("handshake");
    send(&mut other, GET).await;
    read_one(&mut other).await;
    server.gate.release.add_permits(2);
    assert_eq!(read_one(&mut first).await.1, "released");
    assert_eq!(read_one(&mut third).await.1, "released");
}

#[tokio::test]
async fn too_many_requests_at_once_get_a_503() {
    let server = start(Limits {
        requests_in_flight_max: 1,
        ..Limits::default()
    });
    let mut first = busy(&server).await;
    let answer = server.get("/").await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("1"));
    assert!(
        answer.contains(r#"{"error":"temporarily_unavailable","error_description":""#),
        "{answer}"
    );
    server.gate.release.add_permits(1);
    assert_eq!(read_one(&mut first).await.1, "released");
    server.assert_serves().await;
}

#[tokio::test]
async fn what_ends_something_finds_a_place_where_others_find_none() {
    let server = start(Limits {
        requests_in_flight_max: 16,
        ..Limits::default()
    });
    let mut waiting = Vec::new();
    for _ in 0..15 {
        waiting.push(busy(&server).await);
    }
    let answer = server.get("/").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let answer = server.get("/revoke").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.gate.release.add_permits(15);
    for socket in &mut waiting {
        assert_eq!(read_one(socket).await.1, "released");
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn slow_bodies_lose_their_place_to_whole_requests() {
    let server = start(Limits {
        requests_in_flight_max: 1,
        ..Limits::default()
    });
    let mut slow = slow(&server).await;
    server.assert_serves().await;
    assert_eq!(read_all(&mut slow).await, "");
}
