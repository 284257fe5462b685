//! Bodies through the gateway of the real program: however long they are, what it needs for them stays the same.

use crate::http::{Client, Http, connect};
use crate::program::{PATIENCE, Place, Running};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

const MIB: u64 = 1024 * 1024;
/// Buffers of two connections and of the allocator; a body that was kept would need all of its own length.
const MORE_MIB_MAX: u64 = 16;

/// Answers GET with a body of so many bytes, and anything else once it has taken so many.
fn upstream(body_bytes: u64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            // One request after the other, over as many connections as the gateway opens.
            std::thread::spawn(move || while serve(&mut stream, body_bytes).is_some() {});
        }
    });
    port
}

fn serve(stream: &mut BufReader<TcpStream>, body_bytes: u64) -> Option<()> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = stream.read_line(&mut head).ok()?;
        (read > 0).then_some(())?;
    }
    let sends = head.starts_with("GET /api/v1/large");
    let length = if sends { body_bytes } else { 0 };
    if head.starts_with("POST ") {
        let taken = std::io::copy(&mut stream.by_ref().take(body_bytes), &mut std::io::sink()).ok()?;
        assert_eq!(taken, body_bytes);
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    stream.get_mut().write_all(head.as_bytes()).ok()?;
    let sent = std::io::copy(&mut std::io::repeat(b'x').take(length), stream.get_mut()).ok()?;
    (sent == length).then_some(())
}

/// The most memory that the program ever had, in MiB (proc_pid_status(5): VmHWM).
fn peak_mib(server: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("Linux");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib / 1024
}

fn start(place: &Place, port: u16) -> (Running, Value) {
    let own = place.path("demo/profiles/default");
    std::fs::create_dir_all(&own).expect("a directory");
    let row = |path: &str| {
        json!({
            "path": path,
            "upstream": format!("http://127.0.0.1:{port}"),
            "methods": { "GET": [], "POST": [] },
            "body_bytes_max": 2048 * MIB,
        })
    };
    let routes = json!({ "routes": [row("/api/v1/small"), row("/api/v1/large")] });
    std::fs::write(own.join("routes.json"), routes.to_string()).expect("written");
    let data = place.path("demo").display().to_string();
    let mut server = place.start(&["demo", "--http", "--json", "--listen", "127.0.0.1:0", "--data", &data]);
    let facts = server.json_line();
    (server, facts)
}

#[test]
fn a_long_body_keeps_memory_flat_in_both_directions() {
    let full = std::env::var_os("GRANTD_TEST_FULL").is_some();
    let body_bytes = if full { 1024 * MIB } else { 128 * MIB };
    let place = Place::new();
    let (server, facts) = start(&place, upstream(body_bytes));
    let issuer = facts["issuer"].as_str().expect("a text");
    let token = Http::connect(issuer).and_then(|mut http| http.mint(&Client::of(&facts["private_app"])));
    let token = token.expect("a token");
    let head = |method: &str, path: &str, more: &str| {
        format!("{method} {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n{more}\r\n")
    };
    let mut http = Http::over(connect(issuer).expect("connected"));
    http.send(&head("GET", "/api/v1/small", "")).expect("sent");
    assert_eq!(http.answer().expect("answered").status, 200);
    let before = peak_mib(&server);

    let stream = connect(issuer).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut down = BufReader::new(stream);
    let get = head("GET", "/api/v1/large", "Connection: close\r\n");
    down.get_mut().write_all(get.as_bytes()).expect("sent");
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\n") {
        assert!(down.read_line(&mut answer).expect("read") > 0, "{answer}");
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let came = std::io::copy(&mut down, &mut std::io::sink()).expect("read");
    assert_eq!(came, body_bytes);
    let after_down = peak_mib(&server);

    let mut up = connect(issuer).expect("connected");
    up.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let post = head("POST", "/api/v1/large", &format!("Content-Length: {body_bytes}\r\n"));
    up.write_all(post.as_bytes()).expect("sent");
    std::io::copy(&mut std::io::repeat(b'x').take(body_bytes), &mut up).expect("sent");
    assert_eq!(Http::over(up).answer().expect("answered").status, 200);
    let after_up = peak_mib(&server);

    println!("peak memory: {before} MiB, {after_down} after {body_bytes} bytes down, {after_up} after as many up");
    assert!(
        after_down <= before + MORE_MIB_MAX,
        "{before} MiB, {after_down} after a long answer"
    );
    assert!(
        after_up <= after_down + MORE_MIB_MAX,
        "{after_down} MiB, {after_up} after a long request"
    );
}
