//! The local socket, spoken to by hand.

use crate::program::{PATIENCE, Place, Running};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

fn start(place: &Place) -> Running {
    let data = place.path("data").display().to_string();
    let mut running = place.start(&["demo", "--json", "--http", "--listen", "127.0.0.1:0", "--data", &data]);
    running.json_line();
    running
}

/// The line that is answered; `None` where the connection is closed without one.
fn say(place: &Place, bytes: &[u8]) -> Option<Value> {
    let mut stream = UnixStream::connect(place.path("data/control.sock")).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    // A server that has read enough may have closed already.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

#[test]
fn nonsense_is_refused_and_the_socket_goes_on() {
    let place = Place::new();
    let running = start(&place);
    let long = format!("{{\"user_list\":\"{}\"}}\n", "a".repeat(300_000));
    let cases: [&[u8]; 10] = [
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b"{\"nothing\":{}}\n",
        b"{\"app_show\":{}}\n",
        b"{\"app_show\":{\"client_id\":1}}\n",
        b"\xff\xfe\n",
        long.as_bytes(),
    ];
    for case in cases {
        let answer = say(&place, case);
        assert!(answer.is_none_or(|a| a["error"].is_string()), "{}", case.escape_ascii());
    }
    let apps = say(&place, b"{\"app_list\":{\"organization\":null}}\n").expect("an answer");
    assert_eq!(apps["ok"].as_array().map(Vec::len), Some(3));
    let (_, log) = running.terminate();
    assert!(!log.contains("panic"), "{log}");
}

#[test]
fn half_of_a_command_is_not_done() {
    let place = Place::new();
    let _running = start(&place);
    // A later version might say this; one that leaves the second half out would do something else.
    let more = b"{\"user_disable\":{\"user\":\"owner@example.com\",\"disabled\":true,\"until\":\"tomorrow\"}}\n";
    let answer = say(&place, more).expect("an answer");
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|why| why.contains("another version")),
        "{answer}"
    );
    let users = place.json(&["user", "list"]);
    assert!(
        users
            .as_array()
            .expect("a list")
            .iter()
            .all(|user| user["status"] == "active"),
        "{users}"
    );
}

#[test]
fn identifiers_with_separators_name_nothing() {
    let place = Place::new();
    let _running = start(&place);
    for name in [
        "\\u0000",
        "x\\u0000y",
        "owner@example.com\\u0000",
        "../../secret",
        "o_x\\u0000u_y\\u0000",
    ] {
        for command in [
            format!("{{\"user_disable\":{{\"user\":\"{name}\",\"disabled\":true}}}}\n"),
            format!("{{\"app_show\":{{\"client_id\":\"{name}\"}}}}\n"),
            format!("{{\"member_list\":{{\"organization\":\"{name}\"}}}}\n"),
            format!("{{\"key_revoke\":{{\"kid\":\"{name}\"}}}}\n"),
        ] {
            let answer = say(&place, command.as_bytes()).expect("an answer");
            assert!(
                answer["error"].as_str().is_some_and(|why| why.contains("there is no ")),
                "{command}: {answer}"
            );
        }
    }
}
