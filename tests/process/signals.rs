//! SIGTERM, SIGHUP and exit codes of a running server.

use crate::http::{Client, Http};
use crate::program::{PATIENCE, Place, Running};
use bytes::Bytes;
use grantd::web::client::Client as Secure;
use http::Request;
use serde_json::Value;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Instant;

fn start(place: &Place, more: &[&str]) -> (Running, Value) {
    let data = place.path("data").display().to_string();
    let mut args = vec!["demo", "--json", "--listen", "127.0.0.1:0", "--data", &data];
    args.extend(more);
    let mut running = place.start(&args);
    let facts = running.json_line();
    (running, facts)
}

fn address(facts: &Value) -> &str {
    let issuer = facts["issuer"].as_str().expect("text");
    issuer.split_once("//").expect("an origin").1
}

/// Connects until nobody answers any more.
fn wait_until_closed(address: &str) {
    let begun = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "still accepting");
        std::thread::yield_now();
    }
}

/// A request of which the last byte is missing, received by the server: it asked for the body.
fn begin_request(http: &mut Http) {
    let head = "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    http.send(&format!("{head}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"))
        .expect("sent");
    let answer = http.answer().expect("answered");
    assert_eq!(answer.status, 100, "{answer:?}");
}

#[test]
fn sigterm_answers_what_was_asked_and_takes_nothing_new() {
    let place = Place::new();
    let (running, facts) = start(&place, &["--http"]);
    let mut http = Http::connect(address(&facts)).expect("connected");
    begin_request(&mut http);
    running.signal("-TERM");
    wait_until_closed(address(&facts));
    http.send("a=b").expect("sent");
    let answer = http.answer().expect("answered");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "invalid_request");
    let (status, log) = running.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!place.path("data/control.sock").exists());
}

#[test]
fn the_second_signal_ends_at_once() {
    for second in ["-TERM", "-INT"] {
        let place = Place::new();
        let (running, facts) = start(&place, &["--http"]);
        let mut http = Http::connect(address(&facts)).expect("connected");
        begin_request(&mut http);
        running.signal("-INT");
        wait_until_closed(address(&facts));
        running.signal(second);
        let (status, log) = running.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("1 connections were cut off"), "{log}");
        assert!(http.answer().is_err());
    }
}

#[tokio::test]
async fn sighup_reads_the_certificates_again() {
    let place = Place::new();
    let (running, facts) = start(&place, &[]);
    let certs = place.path("data/certs");
    let ask = || {
        Request::get(format!("https://{}/healthz", address(&facts)))
            .body(Bytes::new())
            .expect("a request")
    };
    let old = Secure::new(Some(&certs.join("ca.pem"))).expect("a client");
    old.send(ask()).await.expect("the first certificate is served");

    let other = Place::new();
    let (made, _) = start(&other, &[]);
    for file in ["ca.pem", "server.pem", "server.key"] {
        std::fs::copy(other.path("data/certs").join(file), certs.join(file)).expect("copied");
    }
    drop(made);
    let new = Secure::new(Some(&certs.join("ca.pem"))).expect("a client");
    new.send(ask()).await.expect_err("not yet read");
    // The demo logs warnings alone; what it serves is what counts.
    running.signal("-HUP");
    let begun = Instant::now();
    while new.send(ask()).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "{}", running.log());
    }
    old.send(ask()).await.expect_err("the old certificate is gone");

    std::fs::File::create(certs.join("server.pem"))
        .and_then(|mut f| f.write_all(b"broken"))
        .expect("written");
    running.signal("-HUP");
    running.wait_for("the certificates stay as they were");
    new.send(ask()).await.expect("the certificate in use stays");
}

#[test]
fn a_killed_server_leaves_nothing_that_keeps_the_next_one_away() {
    let place = Place::new();
    let (running, facts) = start(&place, &["--http"]);
    running.kill();
    assert!(place.path("data/control.sock").exists(), "left by the killed one");
    let (running, again) = start(&place, &["--http"]);
    assert_eq!(again["private_app"], facts["private_app"]);
    assert_eq!(place.json(&["key", "list"]).as_array().map(Vec::len), Some(2));
    let mut http = Http::connect(address(&again)).expect("connected");
    http.mint(&Client::of(&facts["private_app"])).expect("minted");
    assert_eq!(running.terminate().0.code(), Some(0));
}

#[test]
fn ordinary_requests_warn_of_nothing() {
    let place = Place::new();
    let (running, facts) = start(&place, &["--http"]);
    let mut http = Http::connect(address(&facts)).expect("connected");
    for path in ["/", "/oauth/token", "/.well-known/openid-configuration/x", "*"] {
        http.get(path).expect("answered");
    }
    let (status, log) = running.terminate();
    assert_eq!(status.code(), Some(0));
    assert_eq!(log, "", "nothing to warn of");
}
