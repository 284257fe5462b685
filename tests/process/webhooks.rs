//! Webhooks of the real program, which is killed with SIGKILL while they are on their way.

use crate::http::{Http, connect};
use crate::program::{PATIENCE, Place, Running};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

/// Takes messages, one connection after the other, and answers the n-th with `answers(n)`; `None` not at all.
fn receiver(answers: impl Fn(usize) -> Option<u16> + Send + 'static) -> (u16, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut count = 0;
        let mut hanging = Vec::new();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let (mut id, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                let line = line.to_lowercase();
                if let Some(value) = line.strip_prefix("x-webhook-id: ") {
                    id = value.trim().to_owned();
                } else if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().expect("a number");
                }
            }
            let mut body = vec![0; length];
            if id.is_empty() || stream.read_exact(&mut body).is_err() {
                continue;
            }
            let answer = answers(count);
            count += 1;
            let _ = tell.send((id, serde_json::from_slice(&body).expect("JSON")));
            match answer {
                Some(status) => {
                    let text = format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    let _ = stream.get_mut().write_all(text.as_bytes());
                }
                None => hanging.push(stream),
            }
        }
    });
    (port, told)
}

/// A call of the JSON API that goes well.
pub fn call(issuer: &str, token: &str, method: &str, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let request = format!(
        "{method} /api/developer/v1{path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut http = Http::over(connect(issuer).expect("connected"));
    http.send(&request).expect("sent");
    let answer = http.answer().expect("answered");
    assert!((200..300).contains(&answer.status), "{answer:?}");
    answer.json()
}

fn demo(place: &Place, listen: &str) -> (Running, Value) {
    let data = place.path("demo").display().to_string();
    let mut server = place.start(&["demo", "--http", "--json", "--listen", listen, "--data", &data]);
    let facts = server.json_line();
    (server, facts)
}

/// The first life answers no message: whatever it sent, it knows nothing of what came of it. The second is told 500,
/// and killed as well. The third delivers: nothing is lost, and what comes again comes under the same id.
#[test]
fn what_happened_before_a_kill_is_told_after_it() {
    let place = Place::new();
    let (port, told) = receiver(|count| match count {
        0 => None,
        1 => Some(500),
        _ => Some(200),
    });
    let next = || told.recv_timeout(PATIENCE).expect("a message");
    let (server, facts) = demo(&place, "127.0.0.1:0");
    let (issuer, token) = (
        facts["issuer"].as_str().unwrap().to_owned(),
        facts["pat"].as_str().unwrap(),
    );
    let app = facts["private_app"]["client_id"].as_str().unwrap();
    let wanted = json!({ "label": "local", "url": format!("http://127.0.0.1:{port}/"), "events": ["secret.created"] });
    call(&issuer, token, "POST", &format!("/apps/{app}/webhooks"), &wanted);
    let data = place.path("demo").display().to_string();
    place.run(&["--data", &data, "app", "secret", app]).ok();
    let (first, message) = next();
    assert_eq!(message["type"], "secret.created");
    let log = server.kill();
    assert!(!log.contains("panic"), "{log}");
    let listen = issuer.trim_start_matches("http://");
    let (server, _) = demo(&place, listen);
    let (second, again) = next();
    assert_eq!((&first, &message), (&second, &again), "the same delivery");
    // Once more, after the 500: by the schedule in five seconds.
    server.kill();
    let (server, _) = demo(&place, listen);
    let (third, again) = next();
    assert_eq!((&first, &message), (&third, &again));
    let ids: BTreeSet<String> = [first, second, third].into();
    assert_eq!(ids.len(), 1);
    assert!(told.try_recv().is_err(), "delivered once it was taken");
    let (status, log) = server.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
}
