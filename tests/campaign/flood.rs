//! Floods of HTTP/2 frames: streams opened and reset, header sections without an end, settings, pings. The server ends
//! such a connection or takes it in its stride; its memory stays bounded, and others are served meanwhile.

use crate::size;
use crate::tls::Demo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `GET https://t/oauth/jwks.json`, by HPACK's static table (RFC 7541 appendix A) and literals.
const GET: &[u8] = b"\x82\x87\x41\x01t\x04\x10/oauth/jwks.json";
/// Frames that are written at once.
const CHUNK: u64 = 200;
/// Of growth during all floods: connections keep buffers, nothing keeps what was sent.
const GROWTH_KIB_MAX: u64 = 64 * 1024;

/// The n-th piece of a flood.
type Piece = fn(u64, &mut Vec<u8>);

const FLOODS: [(&str, Piece); 4] = [
    ("rapid reset", |n, out| {
        let stream = 2 * (n as u32) + 1;
        frame(out, HEADERS, END_HEADERS | END_STREAM, stream, GET);
        frame(out, RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    }),
    ("CONTINUATION", |n, out| {
        let kind = if n == 0 { HEADERS } else { CONTINUATION };
        // One more field each time: a literal with a name of its own.
        frame(
            out,
            kind,
            0,
            1,
            b"\x00\x01a\x7f\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        );
    }),
    ("SETTINGS", |n, out| {
        let window = (n as u32 % 65_535 + 1).to_be_bytes();
        frame(out, SETTINGS, 0, 0, &[&[0, 4], window.as_slice()].concat());
    }),
    ("PING", |n, out| frame(out, PING, 0, 0, &n.to_be_bytes())),
];

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

#[test]
fn floods_of_frames_end_and_others_are_served() {
    let frames = size(2_000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let demo = Demo::start();
    runtime.block_on(async {
        demo.mint(0).await.expect("served before");
        let [before, ..] = demo.footprint();
        for ((name, piece), n) in FLOODS.into_iter().zip(1..) {
            let (sent, goaway) = flood(&demo, n, piece, frames).await;
            let ended = if goaway {
                "told to go away"
            } else {
                "taken in its stride"
            };
            println!("flood of {name}: {sent} pieces, {ended}");
            demo.mint(100).await.expect("others are served after it");
        }
        let [after, ..] = demo.footprint();
        let growth = after.saturating_sub(before);
        assert!(growth < GROWTH_KIB_MAX, "the server has grown by {growth} KiB");
        println!(
            "floods: {frames} pieces each of {} kinds, {growth} KiB more memory",
            FLOODS.len()
        );
    });
    let log = demo.server.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// How many pieces could be sent, and whether the server said that it is enough. Somebody else is served meanwhile.
async fn flood(demo: &Demo, n: u32, piece: Piece, frames: u64) -> (u64, bool) {
    let stream = demo.tls(n, "h2").await.expect("connected");
    let (mut read, mut write) = tokio::io::split(stream);
    let reading = tokio::spawn(async move {
        let (mut all, mut room) = (Vec::new(), [0; 16 * 1024]);
        let mut goaway = false;
        while let Ok(read @ 1..) = read.read(&mut room).await {
            all.extend_from_slice(&room[..read]);
            while let Some((kind, length)) = whole(&all) {
                goaway |= kind == GOAWAY;
                all.drain(..length);
            }
        }
        goaway
    });
    let mut out = PREFACE.to_vec();
    frame(&mut out, SETTINGS, 0, 0, &[]);
    let mut sent = 0;
    while sent < frames {
        for at in sent..sent + CHUNK {
            piece(at, &mut out);
        }
        let written = write.write_all(&out).await.is_ok() && write.flush().await.is_ok();
        out.clear();
        if !written {
            break;
        }
        sent += CHUNK;
        if sent % (50 * CHUNK) == CHUNK {
            demo.mint(50).await.expect("others are served meanwhile");
        }
    }
    let _ = write.shutdown().await;
    (sent, reading.await.expect("no panic"))
}

/// Kind and length of the frame at the beginning, once it is there whole.
fn whole(bytes: &[u8]) -> Option<(u8, usize)> {
    let [a, b, c, kind] = *bytes.first_chunk::<4>()?;
    let length = 9 + u32::from_be_bytes([0, a, b, c]) as usize;
    (bytes.len() >= length).then_some((kind, length))
}
