//! Brute force: every endpoint that looks at a credential counts its failures in the same place.

use crate::http::{Answer, Auth, post};
use crate::support::{GRANT, World};
use std::net::IpAddr;
use std::time::Duration;

async fn from(world: &World, peer: &str, path: &str, auth: Auth<'_>, form: &str) -> Answer {
    let mut request = post(path, auth, form);
    request.peer = peer.parse::<IpAddr>().unwrap();
    world.send(request).await
}

/// Ten wrong secrets in a row, spread over the endpoints.
async fn guess(world: &World, peer: &str, client_id: &str) {
    let endpoints = ["/oauth/token", "/oauth/introspect", "/oauth/revoke"];
    for at in 0..10 {
        let wrong = format!("a-wrong-secret-{at}");
        let form = format!("{GRANT}&token=x");
        let answer = from(world, peer, endpoints[at % 3], Auth::Basic(client_id, &wrong), &form).await;
        assert_eq!(answer.error(), (401, "invalid_client"), "guess {at}");
    }
}

#[tokio::test]
async fn o10_v1_guessing_is_held_back_for_this_client_at_this_address_alone() {
    let world = World::new("default").await;
    let other = world.add_private_app("owner@example.com", &[]).await;
    guess(&world, "198.51.100.7", &world.client_id).await;
    for (path, form) in [
        ("/oauth/token", GRANT),
        ("/oauth/introspect", "token=x"),
        ("/oauth/revoke", "token=x"),
    ] {
        let good = Auth::Basic(&world.client_id, &world.client_secret);
        let held = from(&world, "198.51.100.7", path, good, form).await;
        assert_eq!(
            held.error(),
            (429, "temporarily_unavailable"),
            "the right secret waits too"
        );
        let wait: u64 = held.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&wait), "{wait} s");
        assert_eq!(held.header("cache-control"), Some("no-store"));
        let elsewhere = Auth::Basic(&world.client_id, &world.client_secret);
        assert_eq!(
            from(&world, "198.51.100.8", path, elsewhere, form).await.status,
            200,
            "another address"
        );
        let another = Auth::Basic(&other.0, &other.1);
        assert_eq!(
            from(&world, "198.51.100.7", path, another, form).await.status,
            200,
            "another client"
        );
    }
    world.advance(Duration::from_secs(30));
    let good = Auth::Basic(&world.client_id, &world.client_secret);
    assert_eq!(
        from(&world, "198.51.100.7", "/oauth/token", good, GRANT).await.status,
        200,
        "forgiven in time"
    );
}

#[tokio::test]
async fn o10_unknown_clients_are_held_back_like_known_ones() {
    let world = World::new("default").await;
    let unknown = world.client_id.replace("_app_", "_app_x");
    let mut answers = Vec::new();
    for client_id in [&world.client_id, &unknown] {
        guess(&world, "198.51.100.7", client_id).await;
        let held = from(
            &world,
            "198.51.100.7",
            "/oauth/token",
            Auth::Basic(client_id, "wrong"),
            GRANT,
        )
        .await;
        answers.push(format!("{} {:?} {}", held.status, held.headers, held.body));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

/// Past failure: a limiter keyed on the raw header gave every spelling a fresh bucket (hyperdx#2775).
#[tokio::test]
async fn o10_past_hyperdx_2775_authelia_12170_another_spelling_of_the_same_credentials_is_no_fresh_start() {
    let world = World::new("default").await;
    guess(&world, "198.51.100.7", &world.client_id).await;
    let encoded = world.client_id.replace('_', "%5F");
    let body = format!(
        "{GRANT}&client_id={}&client_secret={}",
        world.client_id, world.client_secret
    );
    let header = crate::http::basic(&encoded, &world.client_secret).replace("Basic", "bAsIc");
    for (auth, form) in [
        (Auth::Basic(&encoded, &world.client_secret), GRANT),
        (Auth::Raw(&header), GRANT),
        (Auth::None, &body),
    ] {
        let answer = from(&world, "198.51.100.7", "/oauth/token", auth, form).await;
        assert_eq!(answer.error(), (429, "temporarily_unavailable"));
    }
    let mapped = Auth::Basic(&world.client_id, &world.client_secret);
    let answer = from(&world, "::ffff:198.51.100.7", "/oauth/token", mapped, GRANT).await;
    assert_eq!(answer.status, 429, "the same address written as IPv6");
}

/// The peer is the connection's, whatever headers say of it.
#[tokio::test]
async fn b9_forwarding_headers_give_no_fresh_start() {
    let world = World::new("default").await;
    guess(&world, "198.51.100.7", &world.client_id).await;
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "::1"),
    ] {
        let mut request = post(
            "/oauth/token",
            Auth::Basic(&world.client_id, &world.client_secret),
            GRANT,
        );
        request.peer = "198.51.100.7".parse().unwrap();
        request.headers.insert(name, value.parse().unwrap());
        assert_eq!(world.send(request).await.status, 429, "{name}");
    }
}

/// Certificates are no way to authenticate here, and no header makes one.
#[tokio::test]
async fn b9_past_cve_2024_10039_a_header_with_a_client_certificate_authenticates_nobody() {
    let world = World::new("default").await;
    let form = format!("{GRANT}&client_id={}", world.client_id);
    for name in [
        "client-cert",
        "client-cert-chain",
        "x-client-cert",
        "x-ssl-client-cert",
        "x-forwarded-client-cert",
        "ssl-client-cert",
        "x-ssl-client-verify",
        "x-ssl-client-s-dn",
        "x-arr-clientcert",
    ] {
        let mut request = post("/oauth/token", Auth::None, &form);
        let subject = format!("CN={}", world.client_id);
        request.headers.insert(name, subject.parse().unwrap());
        assert_eq!(world.send(request).await.error(), (401, "invalid_client"), "{name}");
    }
}

#[tokio::test]
async fn o10_spraying_many_clients_from_one_address_is_held_back() {
    let world = World::new("default").await;
    for at in 0..100 {
        let id = format!("grantd_app_{at}");
        let answer = from(&world, "198.51.100.7", "/oauth/token", Auth::Basic(&id, "wrong"), GRANT).await;
        assert_eq!(answer.status, 401, "client {at}");
    }
    let good = Auth::Basic(&world.client_id, &world.client_secret);
    assert_eq!(
        from(&world, "198.51.100.7", "/oauth/token", good, GRANT).await.status,
        429
    );
    let good = Auth::Basic(&world.client_id, &world.client_secret);
    assert_eq!(
        from(&world, "198.51.100.8", "/oauth/token", good, GRANT).await.status,
        200
    );
}

#[tokio::test]
async fn o10_a_good_client_is_never_counted() {
    let world = World::new("default").await;
    for _ in 0..50 {
        let good = Auth::Basic(&world.client_id, &world.client_secret);
        assert_eq!(
            from(&world, "198.51.100.7", "/oauth/introspect", good, "token=x")
                .await
                .status,
            200
        );
    }
    guess(&world, "198.51.100.7", &world.client_id).await;
}

#[tokio::test]
async fn o10_the_limits_are_those_of_the_configuration() {
    let mut config = crate::support::config("default", std::path::Path::new("/nonexistent/grantd"));
    config.limits.failures.failures_max = std::num::NonZeroU32::new(2).unwrap();
    let store = std::sync::Arc::new(grantd::store::memory::MemoryStore::new());
    let world = World::with_config(config, store).await;
    for status in [401, 401, 429] {
        let wrong = Auth::Basic(&world.client_id, "wrong");
        assert_eq!(
            from(&world, "198.51.100.7", "/oauth/token", wrong, GRANT).await.status,
            status
        );
    }
}
