//! Certificates that are obtained by themselves, from a real authority on this machine.

mod authority;
mod keeping;

use crate::http::Http;
use crate::program::{PATIENCE, Place, Running, mode};
use authority::{Authority, NAME, port, shown};
use serde_json::Value;
use std::time::Instant;

/// Sets up a server that asks this authority; more of the section `[acme]`, and of the rest.
fn configure(place: &Place, authority: &Authority, acme: &str, rest: &str) {
    let (https, directory, ca_file) = (authority.https, authority.directory(), authority.ca_file());
    let ca_file = ca_file.display();
    let settings = format!(
        "issuer = \"https://{NAME}:{https}\"\nlisten = [\"https://127.0.0.1:{https}\"]\n{rest}\n[acme]\nterms_agreed = \
         true\ndirectory = \"{directory}\"\nca_file = \"{ca_file}\"\n{acme}\n"
    );
    std::fs::write(place.path("data/grantd.toml"), settings).expect("written");
}

fn serve(place: &Place) -> Running {
    let data = place.path("data").display().to_string();
    let running = place.start(&["serve", "--data", &data]);
    running.wait_for("is ready");
    running
}

/// What a plain http request is answered.
fn plain(port: u16, text: &str) -> (u16, String) {
    let mut http = Http::connect(&format!("127.0.0.1:{port}")).expect("connected");
    http.send(text).expect("sent");
    let answer = http.answer().expect("answered");
    (answer.status, format!("{}\n{}", answer.head, answer.body))
}

fn metric(port: u16, sample: &str) -> f64 {
    let (status, text) = plain(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(status, 200);
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    value
        .unwrap_or_else(|| panic!("no {sample} in\n{text}"))
        .parse()
        .expect("a number")
}

fn doctor(place: &Place) -> Value {
    let done = place.grantd(&["--json", "doctor"]);
    serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"))
}

fn said_of<'v>(answer: &'v Value, about: &str) -> Vec<&'v str> {
    let findings = answer["findings"].as_array().expect("a list").iter();
    let found = findings.filter(|one| one["about"] == about);
    found.map(|one| one["what"].as_str().expect("a sentence")).collect()
}

fn nothing_else_is_given_away(authority: &Authority) {
    let to = format!("https://{NAME}:{}", authority.https);
    for (request, status, has) in [
        (
            "GET /a?b=c HTTP/1.1\r\nHost: evil.test\r\n\r\n",
            308,
            format!("location: {to}/a?b=c\n"),
        ),
        (
            "GET //evil.test/ HTTP/1.1\r\nHost: a\r\n\r\n",
            308,
            format!("location: {to}//evil.test/\n"),
        ),
        (
            "HEAD /oauth/token HTTP/1.1\r\nHost: a\r\n\r\n",
            308,
            format!("location: {to}/oauth/token\n"),
        ),
        (
            "POST /oauth/token HTTP/1.1\r\nHost: a\r\n\r\n",
            405,
            "count a secret in it as known".into(),
        ),
        (
            "GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: a\r\n\r\n",
            404,
            "No such challenge".into(),
        ),
        (
            "GET /.well-known/acme-challenge/ HTTP/1.1\r\nHost: a\r\n\r\n",
            404,
            "No such challenge".into(),
        ),
    ] {
        let (answered, text) = plain(authority.http, request);
        let text = text.replace("\r\n", "\n");
        assert!(
            answered == status && text.contains(&has),
            "{request:?}: {answered} {text}"
        );
    }
    assert_eq!(
        plain(
            authority.http,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b"
        )
        .0,
        413
    );
}

#[tokio::test]
async fn http_01_brings_a_certificate_and_its_listener_gives_nothing_else_away() {
    let (place, authority, metrics) = (Place::new(), Authority::start(90 * 86_400), port());
    place.grantd(&["init"]).ok();
    let listen = format!(
        "challenge = \"http-01\"\nlisten = [\"http://127.0.0.1:{}\"]",
        authority.http
    );
    let metrics_listen = format!("metrics.listen = \"http://127.0.0.1:{metrics}\"");
    configure(&place, &authority, &listen, &metrics_listen);
    assert!(said_of(&doctor(&place), "certificate")[0].starts_with("There is none yet"));
    let running = serve(&place);
    running.wait_for(&format!("a certificate for {NAME} is in use"));
    let root = authority.root().await;
    let (own, _) = shown(authority.https, &root, NAME, "h2").await.expect("it is trusted");
    assert_eq!(
        metric(metrics, "grantd_certificate_orders_total{outcome=\"obtained\"}"),
        1.0
    );
    assert_eq!(metric(metrics, "grantd_certificate_failing"), 0.0);
    let (ends, next) = (
        "grantd_certificate_ends_timestamp_seconds",
        "grantd_certificate_next_timestamp_seconds",
    );
    let before = metric(metrics, ends) - metric(metrics, next);
    let days = before / 86_400.0;
    assert!((29.9..34.6).contains(&days), "it is renewed {days} days before its end");
    let said = doctor(&place);
    assert!(
        said_of(&said, "certificate").contains(&"It is for auth.example.test."),
        "{said}"
    );
    assert!(said_of(&said, "server")[0].contains("nothing worries it"), "{said}");

    nothing_else_is_given_away(&authority);
    let kept = ["data/acme", "data/acme/account.json", "data/acme/certificate.pem"];
    assert_eq!(kept.map(|file| mode(&place.path(file))), [0o700, 0o600, 0o600]);
    let log = running.log();
    assert!(!log.contains("PRIVATE") && !log.contains("key_pkcs8"), "{log}");
    assert_eq!(running.terminate().0.code(), Some(0));
    // The next start has it, and asks for no other.
    let running = serve(&place);
    let (again, _) = shown(authority.https, &root, NAME, "h2").await.expect("it is trusted");
    assert_eq!(own, again);
    assert_eq!(
        metric(metrics, "grantd_certificate_orders_total{outcome=\"obtained\"}"),
        0.0
    );
    running.terminate();
}

#[tokio::test]
async fn tls_alpn_01_brings_a_certificate_and_then_nobody_speaks_it_any_more() {
    let (place, authority) = (Place::new(), Authority::start(90 * 86_400));
    place.grantd(&["init"]).ok();
    let other = "api.example.test";
    configure(&place, &authority, &format!("domains = [\"{NAME}\", \"{other}\"]"), "");
    let running = serve(&place);
    running.wait_for(&format!("a certificate for {NAME}, {other} is in use"));
    let root = authority.root().await;
    for name in [NAME, other] {
        let (_, protocol) = shown(authority.https, &root, name, "h2").await.expect("it is trusted");
        assert_eq!(protocol.as_deref(), Some(&b"h2"[..]));
    }
    let refused = shown(authority.https, &root, NAME, "acme-tls/1").await;
    let refused = refused.expect_err("no challenge is waited for").to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    running.terminate();
}

#[tokio::test]
async fn without_its_authority_a_first_start_serves_and_says_so_and_asks_again_when_told() {
    let (place, mut authority, metrics) = (Place::new(), Authority::away(), port());
    place.grantd(&["init"]).ok();
    let metrics_listen = format!("metrics.listen = \"http://127.0.0.1:{metrics}\"");
    configure(&place, &authority, "", &metrics_listen);
    let running = serve(&place);
    let why = running.wait_for("no certificate could be obtained: ");
    assert!(why.contains("refused") && why.contains("it is tried again at"), "{why}");
    assert_eq!(metric(metrics, "grantd_certificate_failing"), 1.0);
    assert_eq!(
        metric(metrics, "grantd_certificate_orders_total{outcome=\"failed\"}"),
        1.0
    );
    let said = doctor(&place);
    assert!(
        said_of(&said, "server")[0].starts_with("There is no certificate yet"),
        "{said}"
    );
    authority.come(90 * 86_400);
    let root = authority.root().await;
    let refused = shown(authority.https, &root, NAME, "h2")
        .await
        .expect_err("it only stands in");
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    running.signal("-HUP");
    running.wait_for("is in use");
    shown(authority.https, &root, NAME, "h2").await.expect("it is trusted");
    let begun = Instant::now();
    while metric(metrics, "grantd_certificate_failing") != 0.0 {
        assert!(begun.elapsed() < PATIENCE, "it still fails");
        std::thread::yield_now();
    }
    running.terminate();
}
