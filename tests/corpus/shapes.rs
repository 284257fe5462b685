//! Shapes that have split or smuggled requests elsewhere, each with the statuses it may get;
//! where there is none the connection is closed without a word.

use crate::judge;
use crate::raw::{Demo, answers, exchange};

enum Shape {
    /// To the token endpoint: further fields, the empty line and the body.
    Post(&'static str),
    /// A target, and further fields.
    Get(&'static str, &'static str),
    Raw(&'static [u8]),
}
use Shape::{Get, Post, Raw};

type Case = (&'static str, Shape, &'static [u16]);

/// Where does the body end?
const FRAMING: &[Case] = &[
    (
        "two lengths",
        Post("Content-Length: 0\r\nContent-Length: 5\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        &[400],
    ),
    (
        "a list of lengths",
        Post("Content-Length: 0, 5\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        &[400],
    ),
    ("a signed length", Post("Content-Length: +3\r\n\r\na=b"), &[400]),
    ("a negative length", Post("Content-Length: -1\r\n\r\n"), &[400]),
    (
        "an endless length",
        Post("Content-Length: 99999999999999999999\r\n\r\n"),
        &[400],
    ),
    ("a hexadecimal length", Post("Content-Length: 0x3\r\n\r\na=b"), &[400]),
    (
        "a large length",
        Post("Content-Length: 18446744073709551615\r\n\r\n"),
        &[431],
    ),
    (
        "a body that ends too soon",
        Post("Content-Length: 100\r\n\r\na=b"),
        &[400],
    ),
    (
        "chunked is not last",
        Post("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        &[400],
    ),
    (
        "an unknown coding",
        Post("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        &[400],
    ),
    (
        "a vertical tab",
        Post("Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n"),
        &[400],
    ),
    (
        "a chunk that overflows",
        Post("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
        &[400],
    ),
    (
        "a negative chunk",
        Post("Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"),
        &[400],
    ),
    (
        "a long chunk",
        Post("Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
        &[400],
    ),
    (
        "chunked in HTTP/1.0",
        Raw(b"POST /oauth/token HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        &[400],
    ),
    (
        // By its length the request ends in the middle of the first chunk; by its coding after the second one.
        "a length beside a coding",
        Post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n1d\r\nGET / HTTP/1.1\r\nHost: a\r\n0\r\n\r\n"),
        &[400],
    ),
];

const FIELDS: &[Case] = &[
    ("a space before the colon", Get("/healthz", "X-A : b\r\n"), &[400]),
    ("a folded line", Get("/healthz", "X-A: b\r\n c\r\n"), &[400]),
    ("a NUL in a value", Get("/healthz", "X-A: b\0c\r\n"), &[400]),
    ("a lone carriage return", Get("/healthz", "X-A: b\rc\r\n"), &[400]),
    ("a name of no token", Get("/healthz", "X(A): b\r\n"), &[400]),
    ("two hosts", Get("/healthz", "Host: b\r\n"), &[400]),
    ("no host", Raw(b"GET /healthz HTTP/1.1\r\n\r\n"), &[400]),
    (
        "credentials twice",
        Post(
            "Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\nContent-Length: 29\r\n\r\n\
             grant_type=client_credentials",
        ),
        &[400],
    ),
    (
        "an upgrade to h2c",
        Get("/healthz", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
        &[200],
    ),
];

const FIRST_LINES: &[Case] = &[
    ("a space in the target", Get("/health z", ""), &[400]),
    (
        "no UTF-8",
        Raw(b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n"),
        &[400, 404],
    ),
    ("a bad percent-encoding", Get("/%zz%", ""), &[400, 404]),
    ("dots", Get("/oauth/../healthz", ""), &[404]),
    ("encoded dots", Get("/oauth/%2e%2e/healthz", ""), &[404]),
    ("an encoded letter", Get("/health%7a", ""), &[404]),
    ("two slashes", Get("//healthz", ""), &[404]),
    // On to the sign-in page, by a path: not to the host that the request names.
    ("no path", Get("http://evil.example", ""), &[303, 400, 404]),
    (
        "an authority",
        Raw(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
        &[400, 405],
    ),
    ("HTTP/0.9", Raw(b"GET /healthz\r\n\r\n"), &[400]),
    ("HTTP/3.0", Raw(b"GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n"), &[400]),
    (
        "the preface of HTTP/2",
        Raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        &[],
    ),
    (
        "a TLS handshake",
        Raw(b"\x16\x03\x01\0\xa5\x01\0\0\xa1\x03\x03"),
        &[400],
    ),
    ("lower case", Raw(b"get /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), &[405]),
];

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn bytes(shape: &Shape) -> Vec<u8> {
    match shape {
        Post(more) => format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\n{FORM}{more}").into_bytes(),
        Get(target, more) => format!("GET {target} HTTP/1.1\r\nHost: a\r\n{more}\r\n").into_bytes(),
        Raw(bytes) => bytes.to_vec(),
    }
}

/// Too much of something.
fn large() -> Vec<(&'static str, Vec<u8>, &'static [u16])> {
    let get = |target: &str, more: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n{more}\r\n").into_bytes();
    let post = |body: &str| {
        let length = body.len();
        format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\n{FORM}Content-Length: {length}\r\n\r\n{body}").into_bytes()
    };
    let method = format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "A".repeat(9_000));
    vec![
        ("a long method", method.into_bytes(), &[400, 405, 431]),
        ("many fields", get("/healthz", &"X: y\r\n".repeat(500)), &[431]),
        (
            "a long field",
            get("/healthz", &format!("X: {}\r\n", "y".repeat(100_000))),
            &[431],
        ),
        (
            "a long name",
            get("/healthz", &format!("{}: y\r\n", "x".repeat(70_000))),
            &[400, 431],
        ),
        ("a long target", get(&format!("/{}", "a".repeat(9_000)), ""), &[414]),
        (
            "a very long target",
            get(&format!("/{}", "a".repeat(100_000)), ""),
            &[414, 431],
        ),
        ("a long body", post(&"a".repeat(100_000)), &[413]),
        ("many parameters", post(&"a=b&".repeat(10_000)), &[400]),
    ]
}

#[test]
fn shapes_that_split_and_smuggle_elsewhere_are_refused_or_mean_one_thing() {
    let demo = Demo::start(&["--http"]);
    let small = [FRAMING, FIELDS, FIRST_LINES].into_iter().flatten();
    let mut shapes: Vec<_> = small
        .map(|(name, shape, allowed)| (*name, bytes(shape), *allowed))
        .collect();
    shapes.extend(large());
    for (name, bytes, allowed) in &shapes {
        let answers = answers(&exchange(&demo.address, bytes));
        let expected = usize::from(!allowed.is_empty());
        assert_eq!(answers.len(), expected, "{name} is one request: {answers:?}");
        for (status, body) in &answers {
            assert!(allowed.contains(status), "{name}: {status} {body}");
            judge::body(*status, body, &demo.secrets()).unwrap_or_else(|why| panic!("{name}: {why}"));
        }
    }
    println!("malformed shapes: {}", shapes.len());
    demo.end();
}
