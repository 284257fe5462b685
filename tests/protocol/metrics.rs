//! `/metrics`: what is counted, under which labels, in which form, and for whom.

use crate::failing_store::FailingStore;
use crate::http::{Answer, Auth, request};
use crate::support::{GRANT, START, World};
use grantd::api::metrics;
use grantd::base::certificate::Validity;
use http::Method;
use std::sync::Arc;
use std::time::Duration;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0";

async fn told(world: &World, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = request(method, path, headers, b"");
    Answer::of(metrics::answer(&world.ctx, &request).await).await
}

async fn scrape(world: &World) -> String {
    let answer = told(
        world,
        Method::GET,
        "/metrics",
        &[("accept", OPENMETRICS), ("host", "localhost:9464")],
    )
    .await;
    assert_eq!(answer.status, 200);
    world.secrets.assert_absent("the metrics", &answer.body);
    answer.body
}

/// The value of a sample, as it is written.
fn value(text: &str, sample: &str) -> String {
    let mut found = text
        .lines()
        .filter_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    let value = found.next().unwrap_or_else(|| panic!("no {sample} in\n{text}"));
    assert_eq!(found.next(), None, "{sample} is told twice");
    value.to_owned()
}

fn answered(text: &str, endpoint: &str, outcome: &str) -> String {
    value(
        text,
        &format!("grantd_requests_total{{endpoint=\"{endpoint}\",outcome=\"{outcome}\"}}"),
    )
}

#[tokio::test]
async fn requests_are_counted_by_what_was_asked_for_and_how_it_ended() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    world.introspect(&token).await;
    world
        .post("/oauth/token", Auth::Basic(&world.client_id, "wrong"), GRANT)
        .await;
    world.get("/oauth/jwks.json").await;
    world.get("/healthz").await;
    world.get("/login").await;
    world.get("/account").await;
    world.get("/oauth/token").await;
    world.get("/nowhere").await;
    let text = scrape(&world).await;
    for (endpoint, outcome, count) in [
        ("token", "ok", "1"),
        // The wrong secret, and the method that is none of it.
        ("token", "client_error", "2"),
        ("introspect", "ok", "1"),
        ("jwks", "ok", "1"),
        ("health", "ok", "1"),
        ("account", "ok", "1"),
        ("account", "redirect", "1"),
        ("unknown", "client_error", "1"),
        ("revoke", "ok", "0"),
    ] {
        assert_eq!(answered(&text, endpoint, outcome), count, "{endpoint} {outcome}");
    }
    let latency = |part: &str| value(&text, &format!("grantd_request_duration_seconds_{part}"));
    assert_eq!(latency("count{endpoint=\"token\"}"), "3");
    assert_eq!(latency("bucket{le=\"+Inf\",endpoint=\"token\"}"), "3");
    assert_ne!(latency("sum{endpoint=\"token\"}"), "0.0", "it took some time");
}

#[tokio::test]
async fn nothing_from_outside_becomes_a_label() {
    let world = World::new("default").await;
    let series = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    let before = series(&scrape(&world).await);
    for number in 0..50 {
        world.get(&format!("/nowhere-{number}")).await;
        world.get(&format!("/api/v1/nothing-{number}?q={number}")).await;
        let path = format!("/oauth/token\"}}{number}");
        world
            .send(request(
                Method::from_bytes(b"BREW").unwrap(),
                &path,
                &[("host", "evil")],
                b"",
            ))
            .await;
        world
            .post("/oauth/token", Auth::Basic(&format!("client-{number}"), "wrong"), GRANT)
            .await;
    }
    let text = scrape(&world).await;
    assert_eq!(series(&text), before, "{text}");
    for word in ["nowhere", "evil", "client-", "BREW"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[tokio::test]
async fn what_waits_behind_a_limit_is_counted_where_it_waits() {
    let world = World::new("default").await;
    for _ in 0..12 {
        world
            .post("/oauth/token", Auth::Basic(&world.client_id, "wrong"), GRANT)
            .await;
    }
    let text = scrape(&world).await;
    assert_eq!(value(&text, "grantd_limited_total{limit=\"failed_credentials\"}"), "2");
    assert_eq!(answered(&text, "token", "limited"), "2");
    assert_eq!(value(&text, "grantd_limited_total{limit=\"gateway_rate\"}"), "0");
}

#[tokio::test]
async fn keys_and_certificates_tell_their_age_and_queues_their_length() {
    let world = World::new("default").await;
    let text = scrape(&world).await;
    let start = START.seconds();
    let age = value(&text, "grantd_key_activated_timestamp_seconds{algorithm=\"EdDSA\"}");
    assert_eq!(age, format!("{start}.0"));
    let due = value(&text, "grantd_key_due_timestamp_seconds{algorithm=\"EdDSA\"}");
    assert_eq!(due, format!("{}.0", start + 90 * 86_400));
    let ends = "grantd_certificate_ends_timestamp_seconds";
    assert!(!text.contains(&format!("\n{ends} ")), "there is none");
    let ends = START + Duration::from_secs(86_400);
    world.ctx.set_certificate(Some(Validity { begins: START, ends }));
    let text = scrape(&world).await;
    assert_eq!(
        value(&text, "grantd_certificate_ends_timestamp_seconds"),
        format!("{}.0", start + 86_400)
    );
    assert_eq!(value(&text, "grantd_queue_waiting{queue=\"mail\"}"), "0.0");
    assert_eq!(value(&text, "grantd_ready"), "1.0");
}

#[tokio::test]
async fn a_store_that_is_away_is_told_and_the_rest_is_too() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    world.get("/healthz").await;
    store.fail_reads(true);
    let text = scrape(&world).await;
    assert_eq!(value(&text, "grantd_ready"), "0.0");
    assert!(!text.contains("grantd_queue_waiting{"), "{text}");
    assert_eq!(answered(&text, "health", "ok"), "1");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn both_forms_tell_the_same_and_each_says_what_it_is() {
    let world = World::new("default").await;
    let ask = async |accept: &str| told(&world, Method::GET, "/metrics", &[("accept", accept)]).await;
    let open = ask(OPENMETRICS).await;
    let older = ask("text/plain").await;
    let say = |answer: &Answer| answer.header("content-type").unwrap().to_owned();
    assert_eq!(say(&open), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(say(&older), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(open.header("cache-control"), Some("no-store"));
    assert!(open.body.contains("# TYPE grantd_requests counter\n"), "{}", open.body);
    assert!(
        older.body.contains("# TYPE grantd_requests_total counter\n"),
        "{}",
        older.body
    );
    assert!(
        older.body.contains("# TYPE grantd_build_info gauge\n"),
        "{}",
        older.body
    );
    assert!(
        !older.body.contains("# EOF") && !older.body.contains("# UNIT"),
        "{}",
        older.body
    );
    // What the process uses may differ from one moment to the next.
    let samples = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| line.starts_with("grantd_") && !line.starts_with("grantd_disk"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(samples(&open.body), samples(&older.body));
}

#[tokio::test]
async fn only_get_of_one_path_is_answered_and_only_under_a_name_of_this_machine() {
    let world = World::new("default").await;
    let ask = async |method: Method, path: &str, host: &str| {
        let answer = told(&world, method, path, &[("host", host)]).await;
        assert!(answer.status == 200 || !answer.body.contains("grantd_"), "{answer:?}");
        answer.status
    };
    for host in [
        "localhost",
        "localhost:9464",
        "127.0.0.1:9464",
        "[::1]:9464",
        "127.8.8.8",
    ] {
        assert_eq!(ask(Method::GET, "/metrics", host).await, 200, "{host}");
    }
    // A name that somebody lets lead here (DNS rebinding).
    for host in [
        "evil.example",
        "evil.example:9464",
        "localhost.evil.example",
        "192.0.2.1",
        "",
        "a b",
    ] {
        assert_eq!(ask(Method::GET, "/metrics", host).await, 421, "{host:?}");
    }
    assert_eq!(ask(Method::POST, "/metrics", "localhost").await, 405);
    for path in ["/", "/metrics/", "/healthz", "/oauth/token"] {
        assert_eq!(ask(Method::GET, path, "localhost").await, 404, "{path}");
    }
    assert_eq!(world.get("/metrics").await.status, 404, "never where everybody comes");
}
