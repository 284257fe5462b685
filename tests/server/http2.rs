use crate::harness::{Running, start, within};
use bytes::Bytes;
use grantd::base::limits::Limits;
use grantd::web::signals::Stop;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

type Client = SendRequest<Full<Bytes>>;

async fn connect(server: &Running) -> (Client, JoinHandle<hyper::Result<()>>) {
    let stream = server.connect_tls("h2").await;
    let (client, connection) = within(handshake(TokioExecutor::new(), TokioIo::new(stream)))
        .await
        .expect("handshake");
    (client, tokio::spawn(connection))
}

async fn ask(
    client: &mut Client,
    request: http::request::Builder,
    body: &'static str,
) -> (u16, http::HeaderMap, String) {
    let request = request
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .expect("request");
    let (head, body) = within(client.send_request(request)).await.expect("answer").into_parts();
    let body = within(body.collect()).await.expect("body").to_bytes();
    (
        head.status.as_u16(),
        head.headers,
        String::from_utf8(body.to_vec()).expect("text"),
    )
}

fn request(method: &str, path: &str) -> http::request::Builder {
    http::Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"))
}

#[tokio::test]
async fn requests_are_served_over_http_2() {
    let server = start(Limits::default());
    let (mut client, _connection) = connect(&server).await;
    let (status, headers, body) = ask(&mut client, request("POST", "/a?b=c"), "12345").await;
    assert_eq!((status, body.as_str()), (200, "POST /a Some(\"b=c\") 5 bytes"));
    assert!(headers.contains_key("x-request-id"));
    let (status, headers, body) = ask(&mut client, request("HEAD", "/a"), "").await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(headers["content-length"], "20");
    let (status, _, body) = ask(&mut client, request("GET", "/panic"), "").await;
    assert_eq!((status, body.as_str()), (500, r#"{"error":"server_error"}"#));
    let long = "y".repeat(300_000).leak();
    assert_eq!(ask(&mut client, request("POST", "/small"), &long[..1000]).await.0, 200);
    assert_eq!(ask(&mut client, request("POST", "/small"), &long[..1001]).await.0, 413);
    assert_eq!(
        ask(&mut client, request("GET", "/").header("x", &long[..20_000]), "")
            .await
            .0,
        431
    );
    let many = (0..64).fold(request("GET", "/"), |request, number| {
        request.header(format!("x{number}"), "y")
    });
    assert_eq!(ask(&mut client, many.header("last", "y"), "").await.0, 431);
    assert_eq!(
        ask(&mut client, request("GET", &format!("/{}", &long[..9000])), "")
            .await
            .0,
        414
    );
    assert_eq!(ask(&mut client, request("GET", "/after"), "").await.0, 200);
}

#[tokio::test]
async fn a_slow_body_gets_a_408_over_http_2() {
    let server = start(Limits {
        body_ms_max: 200,
        ..Limits::default()
    });
    let mut raw = Raw::connect(&server).await;
    raw.frame(HEADERS, END_HEADERS, 1, &head("POST", "/wait")).await;
    let frame = raw.until(|frame| frame.kind == HEADERS && frame.stream == 1).await;
    // HPACK: a literal :status, indexed name 8, Huffman-coded or not; 408 is in no static entry.
    assert!(!frame.payload.is_empty() && frame.payload[0] != 0x88);
    assert_eq!(server.gate.entered.available_permits(), 0);
    server.assert_serves().await;
}

#[tokio::test]
async fn a_drain_says_goaway_and_answers_open_streams() {
    let server = start(Limits::default());
    let (mut client, connection) = connect(&server).await;
    let (_idle, idle_connection) = connect(&server).await;
    let waiting = request("GET", "/wait").body(Full::default()).expect("request");
    let waiting = tokio::spawn(client.send_request(waiting));
    server.gate.wait_entered().await;
    server.stop.send_replace(Stop::Drain);
    within(idle_connection).await.expect("task").expect("ended by GOAWAY");
    server.gate.release.add_permits(1);
    let answer = within(waiting).await.expect("task").expect("answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(
        within(answer.into_body().collect()).await.expect("body").to_bytes(),
        "released"
    );
    within(connection).await.expect("task").expect("ended by GOAWAY");
    assert_eq!(within(server.ended).await.expect("task").expect("served").cut_off, 0);
}

const DATA_END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

/// HTTP/2 by hand, to do what no client would.
struct Raw {
    stream: TlsStream<TcpStream>,
}

struct Frame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Raw {
    async fn connect(server: &Running) -> Self {
        let mut raw = Self {
            stream: server.connect_tls("h2").await,
        };
        raw.stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .expect("preface");
        raw.frame(SETTINGS, 0, 0, &[]).await;
        raw
    }

    /// Whether it could still be written.
    async fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.stream.write_all(&frame).await.is_ok() && self.stream.flush().await.is_ok()
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        within(self.stream.read_exact(&mut head)).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        within(self.stream.read_exact(&mut payload)).await.ok()?;
        Some(Frame {
            kind: head[3],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.read().await.expect("the connection ended first");
            if wanted(&frame) {
                return frame;
            }
        }
    }
}

/// HPACK without indexing: `:method`, `:scheme https`, `:path`, `:authority a`.
fn head(method: &str, path: &str) -> Vec<u8> {
    let mut block = vec![0x87];
    for (index, value) in [(0x02, method), (0x04, path), (0x01, "a")] {
        block.extend([index, u8::try_from(value.len()).expect("short")]);
        block.extend(value.as_bytes());
    }
    block
}

#[tokio::test]
async fn streams_are_limited() {
    let server = start(Limits {
        http2_streams_max: 2,
        ..Limits::default()
    });
    let mut raw = Raw::connect(&server).await;
    let settings = raw
        .until(|frame| frame.kind == SETTINGS && !frame.payload.is_empty())
        .await
        .payload;
    let setting = |id: u16| {
        let row = settings
            .chunks(6)
            .find(|row| row[..2] == id.to_be_bytes())
            .expect("setting");
        u32::from_be_bytes([row[2], row[3], row[4], row[5]])
    };
    assert_eq!(setting(3), 2, "SETTINGS_MAX_CONCURRENT_STREAMS");
    assert_eq!(setting(6), 16 * 1024, "SETTINGS_MAX_HEADER_LIST_SIZE");
    for stream in [1, 3, 5] {
        raw.frame(HEADERS, END_HEADERS | DATA_END_STREAM, stream, &head("GET", "/wait"))
            .await;
    }
    let refused = raw.until(|frame| frame.kind == RST_STREAM).await;
    assert_eq!(
        (refused.stream, refused.payload),
        (5, vec![0, 0, 0, 7]),
        "REFUSED_STREAM"
    );
    server.gate.wait_entered().await;
    server.gate.wait_entered().await;
    server.gate.release.add_permits(2);
    raw.until(|frame| frame.kind == HEADERS).await;
    raw.until(|frame| frame.kind == HEADERS).await;
    assert_eq!(server.gate.entered.available_permits(), 0);
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let server = start(Limits::default());
    let mut raw = Raw::connect(&server).await;
    for number in 0..2_000_u32 {
        let stream = number * 2 + 1;
        if !raw
            .frame(HEADERS, END_HEADERS | DATA_END_STREAM, stream, &head("GET", "/wait"))
            .await
            || !raw.frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]).await
        {
            break;
        }
    }
    assert_ended(raw).await;
    server.assert_serves().await;
}

#[tokio::test]
async fn past_cve_2026_33871_endless_continuations_end_the_connection() {
    let server = start(Limits::default());
    let mut raw = Raw::connect(&server).await;
    raw.frame(HEADERS, 0, 1, &head("GET", "/")).await;
    // A literal field, 4 bytes of name and 8000 of value.
    let mut field = vec![0x00, 4, b'n', b'a', b'm', b'e', 0x7f, 0xc1, 0x3d];
    field.extend(vec![b'v'; 8000]);
    while raw.frame(CONTINUATION, 0, 1, &field).await {}
    assert_ended(raw).await;
    server.assert_serves().await;
}

/// GOAWAY with a reason, or an end at once; no answer to any request.
async fn assert_ended(mut raw: Raw) {
    while let Some(frame) = raw.read().await {
        assert_ne!(frame.kind, HEADERS);
        if frame.kind == GOAWAY {
            assert_ne!(frame.payload[4..8], [0; 4], "a GOAWAY for an error");
            return;
        }
    }
}
