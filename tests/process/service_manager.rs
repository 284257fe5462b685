//! What systemd hears of a unit with `Type=notify` and `WatchdogSec`, spoken over a socket as systemd's.

use crate::http::Http;
use crate::program::{PATIENCE, Place, Running};
use std::os::unix::net::UnixDatagram;

/// Waits for a message that says this.
fn hear(socket: &UnixDatagram, wanted: &str) {
    let mut bytes = [0; 4096];
    loop {
        let length = socket.recv(&mut bytes).unwrap_or_else(|e| panic!("no {wanted}: {e}"));
        let message = std::str::from_utf8(&bytes[..length]).expect("text");
        if message.lines().any(|line| line == wanted) {
            return;
        }
    }
}

#[test]
fn the_service_manager_hears_that_it_is_ready_lives_and_ends() {
    let place = Place::new();
    let path = place.path("notify.sock");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let data = place.path("data").display().to_string();
    let mut command = place.command(&["demo", "--json", "--http", "--listen", "127.0.0.1:0", "--data", &data]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "20000");
    let mut running = Running::start(command);
    hear(&socket, "READY=1");
    // It keeps what it said: whoever waited for it is answered.
    let facts = running.json_line();
    let issuer = facts["issuer"].as_str().expect("text");
    let mut http = Http::connect(issuer.split_once("//").expect("an origin").1).expect("connected");
    http.send("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    assert_eq!(http.answer().expect("answered").status, 200);
    for _ in 0..3 {
        hear(&socket, "WATCHDOG=1");
    }
    running.signal("-TERM");
    hear(&socket, "STOPPING=1");
    let (status, log) = running.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}
