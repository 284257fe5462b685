use crate::harness::{BODY_BYTES_MAX, header, log_lines, read_all, read_one, send, start};
use grantd::base::limits::Limits;
use tokio::io::AsyncWriteExt as _;

fn assert_refused(answer: &str, status: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert_eq!(header(answer, "content-type"), Some("application/json"), "{answer}");
    assert!(
        answer.contains(r#"{"error":"invalid_request","error_description":""#),
        "{answer}"
    );
}

#[tokio::test]
async fn a_request_arrives_whole_and_its_answer_bears_its_id() {
    let server = start(Limits::default());
    let mut socket = server.connect().await;
    send(
        &mut socket,
        "POST /a/%2Fb?c=d%20e HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345",
    )
    .await;
    let (head, body) = read_one(&mut socket).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(body, "POST /a/%2Fb Some(\"c=d%20e\") 5 bytes");
    assert_eq!(header(&head, "server"), None);
    send(
        &mut socket,
        "GET /id HTTP/1.1\r\nHost: a\r\n\r\nGET /id HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .await;
    let (first_head, first) = read_one(&mut socket).await;
    let (second_head, second) = read_one(&mut socket).await;
    assert_eq!(header(&first_head, "x-request-id"), Some(first.as_str()));
    assert_eq!(header(&second_head, "x-request-id"), Some(second.as_str()));
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let server = start(Limits::default());
    let mut socket = server.connect().await;
    send(
        &mut socket,
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    .await;
    for piece in ["2\r\nab\r\n", "1\r\nc\r\n", "3\r\ndef\r\n", "0\r\nTrailer: x\r\n\r\n"] {
        send(&mut socket, piece).await;
    }
    assert_eq!(read_one(&mut socket).await.1, "abcdef");
}

#[tokio::test]
async fn head_gets_the_headers_of_get_and_no_body() {
    let server = start(Limits::default());
    let mut socket = server.connect().await;
    send(&mut socket, "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let answer = read_all(&mut socket).await;
    assert_eq!(header(&answer, "content-length"), Some("20"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn http_1_1_needs_exactly_one_host() {
    let server = start(Limits::default());
    for head in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n",
    ] {
        let mut socket = server.connect().await;
        send(&mut socket, &format!("{head}Connection: close\r\n\r\n")).await;
        let answer = read_all(&mut socket).await.replacen("HTTP/1.0", "HTTP/1.1", 1);
        assert_refused(&answer, "400");
    }
    let mut socket = server.connect().await;
    send(&mut socket, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(read_all(&mut socket).await.starts_with("HTTP/1.0 200 OK\r\n"));
}

#[tokio::test]
async fn every_form_of_request_target_is_a_path_or_refused() {
    let server = start(Limits::default());
    for (line, expected) in [
        ("GET http://elsewhere:1/a?b", "GET /a Some(\"b\") 0 bytes"),
        ("GET https://elsewhere", "GET / None 0 bytes"),
        ("OPTIONS *", "OPTIONS * None 0 bytes"),
    ] {
        let mut socket = server.connect().await;
        send(&mut socket, &format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(read_one(&mut socket).await.1, expected);
    }
    for (line, status) in [("GET *", "400"), ("GET a:80", "400"), ("CONNECT a:80", "405")] {
        let mut socket = server.connect().await;
        send(
            &mut socket,
            &format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert_refused(&read_all(&mut socket).await, status);
    }
}

#[tokio::test]
async fn past_cve_2026_33870_2025_67735_nothing_is_smuggled_behind_conflicting_lengths() {
    let server = start(Limits::default());
    for both in [
        "Transfer-Encoding: chunked\r\nContent-Length: 40",
        "Content-Length: 40\r\nTransfer-Encoding: chunked",
    ] {
        let mut socket = server.connect().await;
        let hidden = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        send(
            &mut socket,
            &format!("POST /x HTTP/1.1\r\nHost: a\r\n{both}\r\n\r\n0\r\n\r\n{hidden}"),
        )
        .await;
        // RFC 9112 §6.3: answered by the chunks, and the connection ends with it.
        let answer = read_all(&mut socket).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(!answer.contains("smuggled"), "{answer}");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_and_end_the_connection() {
    let server = start(Limits::default());
    for wrong in [
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        "GET /\u{1f} HTTP/1.1\r\nHost: a\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        let mut socket = server.connect().await;
        send(&mut socket, &format!("{wrong}GET /second HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        let answer = read_all(&mut socket).await;
        assert!(answer.contains(" 400 "), "{wrong:?} got {answer:?}");
        assert!(!answer.contains("second"), "{wrong:?} got {answer:?}");
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn large_heads_are_refused_with_431_and_long_targets_with_414() {
    let server = start(Limits::default());
    let many = |count: usize| "x: y\r\n".repeat(count);
    let long = |count: usize| format!("x: {}\r\n", "y".repeat(count));
    for (uri, fields, status) in [
        (1, many(63), None),
        (1, many(64), Some("431")),
        (1, long(16_000), None),
        (1, long(17_000), Some("431")),
        (8000, String::new(), None),
        (9000, String::new(), Some("414")),
    ] {
        let mut socket = server.connect().await;
        send(
            &mut socket,
            &format!("GET /{} HTTP/1.1\r\nHost: a\r\n{fields}\r\n", "p".repeat(uri)),
        )
        .await;
        let (head, body) = read_one(&mut socket).await;
        match status {
            Some(status) => assert_refused(&format!("{head}{body}"), status),
            None => assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}"),
        }
    }
    for flood in [many(200), many(100_000), long(200_000)] {
        let mut socket = server.connect().await;
        _ = socket
            .write_all(format!("GET / HTTP/1.1\r\nHost: a\r\n{flood}\r\n").as_bytes())
            .await;
        let answer = read_all(&mut socket).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn a_body_over_its_routes_limit_is_refused_with_413() {
    let server = start(Limits::default());
    let mut socket = server.connect().await;
    // A little too large: read and thrown away, so the connection lives on.
    for (path, length, status) in [
        ("/small", 1000, "200"),
        ("/small", 1001, "413"),
        ("/other", BODY_BYTES_MAX, "200"),
        ("/other", BODY_BYTES_MAX + 1, "413"),
    ] {
        let body = "b".repeat(length);
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        send(&mut socket, &format!("{head}{body}")).await;
        let answer = read_one(&mut socket).await.0;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{length}: {answer}");
        let chunked = format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
        send(&mut socket, &format!("{chunked}{body}\r\n0\r\n\r\n")).await;
        let answer = read_one(&mut socket).await.0;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "chunked {length}: {answer}"
        );
    }
    // Far too large: answered at once, and closed.
    send(
        &mut socket,
        "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n",
    )
    .await;
    let answer = read_all(&mut socket).await;
    assert_refused(&answer, "413");
    assert_eq!(header(&answer, "connection"), Some("close"));
}

#[tokio::test]
async fn a_client_that_asks_before_sending_is_told() {
    let server = start(Limits::default());
    let mut socket = server.connect().await;
    let ask =
        |length| format!("POST /small HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
    send(&mut socket, &ask(3)).await;
    assert_eq!(read_one(&mut socket).await.0, "HTTP/1.1 100 Continue\r\n\r\n");
    send(&mut socket, "abc").await;
    assert!(read_one(&mut socket).await.0.starts_with("HTTP/1.1 200 OK\r\n"));
    send(&mut socket, &ask(1001)).await;
    assert_refused(&read_all(&mut socket).await, "413");
}

#[tokio::test]
async fn chunk_extensions_are_no_way_around_the_limits() {
    let server = start(Limits::default());
    let mut socket = server.connect().await;
    let flood = format!("1;{}\r\nb\r\n", "e".repeat(1000)).repeat(100);
    let head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    send(&mut socket, head).await;
    _ = socket.write_all(flood.as_bytes()).await;
    let answer = read_all(&mut socket).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    server.assert_serves().await;
}

#[tokio::test]
async fn a_body_cut_short_reaches_no_handler() {
    let server = start(Limits::default());
    for start in [
        "Content-Length: 10\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ] {
        let mut socket = server.connect().await;
        send(&mut socket, &format!("POST /wait HTTP/1.1\r\nHost: a\r\n{start}")).await;
        socket.shutdown().await.expect("half close");
        let answer = read_all(&mut socket).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    assert_eq!(server.gate.entered.available_permits(), 0);
}

#[tokio::test]
async fn a_client_that_closes_its_side_still_gets_the_answer() {
    let server = start(Limits::default());
    let mut socket = server.connect().await;
    send(&mut socket, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    socket.shutdown().await.expect("half close");
    server.gate.wait_entered().await;
    server.gate.release.add_permits(1);
    assert!(read_all(&mut socket).await.ends_with("released"));
}

#[tokio::test]
async fn a_panic_is_a_500_and_a_log_line_without_secrets() {
    let server = start(Limits::default());
    let mut socket = server.connect().await;
    send(&mut socket, "GET /panic?code=hidden-query HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (head, body) = read_one(&mut socket).await;
    assert!(head.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{head}");
    assert_eq!(body, r#"{"error":"server_error"}"#);
    let id = header(&head, "x-request-id").expect("id");
    let lines = log_lines();
    assert!(
        lines.contains(&format!("ERROR request {id}: GET /panic panicked")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("ERROR panic at tests/server/harness.rs:")),
        "{lines:?}"
    );
    assert!(!lines.iter().any(|line| line.contains("hidden-")), "{lines:?}");
    send(&mut socket, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(read_one(&mut socket).await.1, "GET /next None 0 bytes");
}
