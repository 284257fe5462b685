//! Mutated bytes to the sockets of the real program: what only the parser of HTTP gets to see.

use crate::http::{Client, Http};
use crate::judge;
use crate::mutate::Mutator;
use crate::program::{PATIENCE, Place, Running};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::Arc;

const PLAIN: usize = 3_000;
const SECURE: usize = 400;
const BETWEEN: usize = 250;
/// More than any number of answers to one piece of nonsense.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

pub struct Demo {
    running: Running,
    facts: Value,
    pub address: String,
    _place: Place,
}

impl Demo {
    pub fn start(more: &[&str]) -> Self {
        let place = Place::new();
        let args = [&["demo", "--json", "--listen", "127.0.0.1:0"][..], more].concat();
        let mut command = place.command(&args);
        command.env("RUST_LOG", "debug");
        let mut running = Running::start(command);
        let facts = running.json_line();
        let issuer = facts["issuer"].as_str().expect("text");
        let address = issuer.split_once("//").expect("an origin").1.to_owned();
        Self {
            running,
            facts,
            address,
            _place: place,
        }
    }

    pub fn secrets(&self) -> Vec<&str> {
        let apps = ["private_app", "public_app"];
        apps.iter()
            .filter_map(|app| self.facts[app]["client_secret"].as_str())
            .collect()
    }

    /// Everything sent so far was answered by a server that lives, and said nothing it should not.
    pub fn end(self) {
        let secrets: Vec<String> = self.secrets().iter().map(|s| (*s).to_owned()).collect();
        let (status, log) = self.running.terminate();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("panic"), "{log}");
        assert!(!log.contains("ERROR"), "{log}");
        assert!(
            !secrets.iter().any(|secret| log.contains(secret.as_str())),
            "the log tells a secret"
        );
    }

    /// Good requests as bytes. The credentials are those of an app that no good request of the test needs: it will be
    /// held back for its failures.
    fn seeds(&self) -> Vec<Vec<u8>> {
        let client = Client::of(&self.facts["public_app"]);
        let own = format!("client_id={}&client_secret={}", client.id, client.secret);
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let post = |path: &str, body: &str| {
            let length = body.len();
            format!("POST {path} HTTP/1.1\r\nHost: a\r\n{form}Content-Length: {length}\r\n\r\n{body}")
        };
        let chunked = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: a\r\n{form}Transfer-Encoding: chunked\r\n\r\n\
             5\r\ngrant\r\n19;x=y\r\n_type=client_credentials&\r\n0\r\nTrailer: x\r\n\r\n"
        );
        let texts = [
            "GET /oauth/jwks.json HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n".to_owned(),
            "GET /.well-known/openid-configuration HTTP/1.0\r\n\r\n".to_owned(),
            "HEAD http://a.example/healthz?x=%41 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n".to_owned(),
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            post("/oauth/token", &format!("grant_type=client_credentials&{own}")),
            post("/oauth/introspect", &format!("token=x&{own}")),
            post("/oauth/revoke", &format!("token=eyJhbGciOiJub25lIn0.e30.&{own}")),
            chunked,
        ];
        texts.into_iter().map(String::into_bytes).collect()
    }
}

/// Sends everything, ends the sending side, and reads whatever comes back.
pub fn exchange(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    // A server that has seen enough may be gone before all is sent: what it answered still counts.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    read(stream, bytes)
}

fn read(stream: impl Read, sent: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer) {
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            ) =>
        {
            panic!("the server neither answers nor closes: {}", sent.escape_ascii())
        }
        _ => answer,
    }
}

/// Status and body of every answer in `bytes`.
pub fn answers(bytes: &[u8]) -> Vec<(u16, String)> {
    let text = std::str::from_utf8(bytes).expect("answers are text");
    let mut found = Vec::new();
    for answer in text.split("HTTP/1.").skip(1) {
        let status = answer
            .get(2..5)
            .and_then(|s| s.parse().ok())
            .unwrap_or_else(|| panic!("no status in {text}"));
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        found.push((status, body.to_owned()));
    }
    found
}

fn judge_all(answer: &[u8], secrets: &[&str], sent: &[u8], statuses: &mut BTreeMap<u16, usize>) {
    for (status, body) in answers(answer) {
        if let Err(why) = judge::body(status, &body, secrets) {
            panic!("{why}\n{}", sent.escape_ascii());
        }
        *statuses.entry(status).or_default() += 1;
    }
}

#[test]
fn no_mutated_bytes_bring_the_plain_door_down() {
    let demo = Demo::start(&["--http", "--profile", "mokapen"]);
    let (seeds, secrets) = (demo.seeds(), demo.secrets());
    let good = Client::of(&demo.facts["private_app"]);
    let mut mutator = Mutator::new(1);
    let mut statuses = BTreeMap::new();
    for sent in 1..=PLAIN {
        let mut bytes = mutator.pick(&seeds).clone();
        let other = mutator.pick(&seeds).clone();
        mutator.mutate(&mut bytes, &other);
        judge_all(&exchange(&demo.address, &bytes), &secrets, &bytes, &mut statuses);
        if sent % BETWEEN == 0 {
            Http::connect(&demo.address)
                .and_then(|mut http| http.mint(&good))
                .expect("a good request is answered");
        }
    }
    println!("mutated requests over plain sockets: {PLAIN}, answers by status {statuses:?}");
    for status in [200, 400] {
        assert!(statuses.contains_key(&status), "{statuses:?}");
    }
    demo.end();
}

fn trusting(ca_file: &Path, protocol: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca_file).expect("the CA"))
        .expect("a CA");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    Arc::new(config)
}

fn exchange_secure(address: &str, config: &Arc<ClientConfig>, bytes: &[u8]) -> Vec<u8> {
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let connection = ClientConnection::new(config.clone(), name).expect("a client");
    let socket = TcpStream::connect(address).expect("the server accepts");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut stream = StreamOwned::new(connection, socket);
    let _ = stream.write_all(bytes);
    stream.conn.send_close_notify();
    let _ = stream.flush();
    let _ = stream.sock.shutdown(Shutdown::Write);
    read(stream, bytes)
}

/// HTTP/2 as a client begins it: the preface, SETTINGS, HEADERS of `GET /healthz` with a literal path, and DATA.
fn http2_seed() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64");
    let fields = b"\x82\x87\x04\x08/healthz\x41\x01a";
    for stream in [1, 3] {
        bytes.extend([0, 0, u8::try_from(fields.len()).expect("short"), 1, 5, 0, 0, 0, stream]);
        bytes.extend(fields);
    }
    bytes.extend(b"\0\0\x08\x06\0\0\0\0\0pingpong\0\0\x04\x08\0\0\0\0\0\0\0\xff\xff\0\0\x04\x03\0\0\0\0\x03\0\0\0\x08");
    bytes
}

#[test]
fn no_mutated_bytes_bring_the_tls_door_down() {
    let demo = Demo::start(&[]);
    let (seeds, secrets) = (demo.seeds(), demo.secrets());
    let ca_file = Path::new(demo.facts["ca_file"].as_str().expect("text"));
    let (http1, http2) = (trusting(ca_file, "http/1.1"), trusting(ca_file, "h2"));
    let mut mutator = Mutator::new(2);
    let mut statuses = BTreeMap::new();
    for sent in 1..=SECURE {
        let mut bytes = mutator.pick(&seeds).clone();
        let other = mutator.pick(&seeds).clone();
        mutator.mutate(&mut bytes, &other);
        judge_all(
            &exchange_secure(&demo.address, &http1, &bytes),
            &secrets,
            &bytes,
            &mut statuses,
        );
        let mut frames = http2_seed();
        mutator.mutate(&mut frames, &http2_seed());
        exchange_secure(&demo.address, &http2, &frames);
        // And bytes that are no TLS at all.
        exchange(&demo.address, &bytes);
        if sent % BETWEEN == 0 {
            let good = exchange_secure(&demo.address, &http1, &seeds[0]);
            assert_eq!(answers(&good).first().map(|(status, _)| *status), Some(200));
        }
    }
    println!("mutated requests over TLS: {SECURE} of HTTP/1.1 {statuses:?}, {SECURE} of HTTP/2, {SECURE} without TLS");
    demo.end();
}
