//! `/gateway/check`: proxies ask whether a request may pass, in the words of nginx, Caddy, Traefik and Envoy.

use crate::gateway::{Guarded, Upstream, challenges};
use crate::http::Answer;
use http::Method;

const PEERS: &str = "[gateway]\nforward_auth_peers = [\"127.0.0.1\"]\n";

async fn the() -> (Guarded, String) {
    let the = Guarded::with("default", PEERS, Upstream::start()).await;
    let token = the.token(&["data.read"]).await;
    (the, format!("Bearer {token}"))
}

/// As each of them asks, about a request of this method and target.
async fn ask(the: &Guarded, who: &str, (method, target): (&str, &str), more: &[(&str, &str)]) -> Answer {
    let mut headers = more.to_vec();
    let (asked, path) = match who {
        "nginx" => {
            headers.extend([("x-original-method", method), ("x-original-uri", target)]);
            (Method::GET, "/gateway/check".to_owned())
        }
        "envoy" => (method.parse().unwrap(), format!("/gateway/check{target}")),
        _ => {
            headers.extend([("x-forwarded-method", method), ("x-forwarded-uri", target)]);
            (Method::GET, "/gateway/check".to_owned())
        }
    };
    the.send(asked, &path, &headers, "").await
}

#[tokio::test]
async fn each_proxy_is_told_in_its_own_words_who_asks_or_what_to_answer() {
    let (the, authorization) = the().await;
    let token = ("authorization", authorization.as_str());
    for who in ["nginx", "caddy", "envoy"] {
        let passed = ask(&the, who, ("GET", "/api/v1/data?page=2"), &[token]).await;
        assert_eq!((passed.status, passed.body.as_str()), (200, ""), "{who}: {passed:?}");
        let organization = Some(the.world.organization.as_str());
        assert_eq!(passed.header("x-grantd-organization"), organization, "{who}");
        assert_eq!(passed.header("x-grantd-scopes"), Some("data.read"), "{who}");

        let nobody = ask(&the, who, ("GET", "/api/v1/data"), &[]).await;
        assert_eq!(nobody.status, 401, "{who}");
        assert!(
            challenges(&nobody)[0].contains("resource_metadata="),
            "{who}: {nobody:?}"
        );
        let lacking = ask(&the, who, ("POST", "/api/v1/data"), &[token]).await;
        assert_eq!(lacking.error(), (403, "insufficient_scope"), "{who}");
        // nginx takes anything else for a failure of the server that it asked.
        let unknown = ask(&the, who, ("GET", "/api/v1/nothing"), &[token]).await;
        assert_eq!(unknown.status, if who == "nginx" { 403 } else { 404 }, "{who}");
        let odd = ask(&the, who, ("GET", "/api/v1/data/%2e%2e/settings"), &[token]).await;
        assert_eq!(odd.status, if who == "nginx" { 403 } else { 400 }, "{who}");
    }
    assert!(the.upstream.take().is_empty());
}

#[tokio::test]
async fn what_it_is_about_is_said_in_one_way() {
    let (the, authorization) = the().await;
    let token = ("authorization", authorization.as_str());
    let nginx = [("x-original-method", "GET"), ("x-original-uri", "/api/v1/data")];
    let caddy = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/api/v1/data")];
    for headers in [
        vec![token],
        vec![token, nginx[0]],
        vec![token, nginx[1]],
        vec![token, caddy[1]],
        vec![token, nginx[0], nginx[1], caddy[0], caddy[1]],
        vec![token, nginx[0], nginx[1], caddy[1]],
        vec![token, nginx[0], nginx[1], nginx[1]],
        vec![token, ("x-original-method", "G E T"), nginx[1]],
    ] {
        let answer = the.send(Method::GET, "/gateway/check", &headers, "").await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{headers:?}");
    }
    // Envoy passes the client's headers on: they change nothing of what is asked.
    let headers = [token, ("x-original-method", "GET"), ("x-original-uri", "/api/v1/data")];
    let answer = ask(&the, "envoy", ("GET", "/api/v1/settings"), &headers).await;
    assert_eq!(answer.error(), (403, "insufficient_scope"));
}

/// Traefik copies the client's headers and adds its own; Envoy asks with the request's own method, `content-length: 0`,
/// the API's host and the path with its query (`path_prefix`).
#[tokio::test]
async fn all_that_traefik_and_envoy_send_is_understood() {
    let (the, authorization) = the().await;
    let token = ("authorization", authorization.as_str());
    let traefik = |uri: &'static str| {
        vec![
            token,
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("x-forwarded-for", "203.0.113.7, 127.0.0.1"),
            ("x-forwarded-host", "api.example.com"),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-port", "443"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-server", "edge"),
            ("x-forwarded-uri", uri),
            ("x-real-ip", "203.0.113.7"),
        ]
    };
    let envoy = [
        token,
        ("content-length", "0"),
        ("x-envoy-internal", "true"),
        ("x-request-id", "5"),
        ("x-forwarded-proto", "https"),
    ];
    let check = "/gateway/check";
    let data = the.send(Method::GET, check, &traefik("/api/v1/data?page=2"), "").await;
    let envoys = "/gateway/check/api/v1/data?page=2";
    for passed in [data, the.send(Method::GET, envoys, &envoy, "").await] {
        assert_eq!((passed.status, passed.body.as_str()), (200, ""), "{passed:?}");
        for name in [
            "organization",
            "user",
            "app",
            "grant",
            "scopes",
            "credential",
            "credential-id",
        ] {
            assert!(passed.header(&format!("x-grantd-{name}")).is_some(), "{name}");
        }
    }
    for trick in [
        "/api/v1/data/..;/settings",
        "/api/v1/data/%2e%2e/settings",
        "//api/v1/data",
        "/api/v1/data%2fa",
    ] {
        let traefik = the.send(Method::GET, check, &traefik(trick), "").await;
        assert_eq!(traefik.error(), (400, "invalid_request"), "{trick}");
        let envoys = the.send(Method::GET, &format!("{check}{trick}"), &envoy, "").await;
        assert_eq!(envoys.error(), (400, "invalid_request"), "{trick}");
    }
    let written = the.send(Method::POST, "/gateway/check/api/v1/data", &envoy, "").await;
    assert_eq!(written.error(), (403, "insufficient_scope"));
}

#[tokio::test]
async fn nobody_but_a_configured_proxy_is_answered() {
    let the = Guarded::with("default", "", Upstream::start()).await;
    let authorization = format!("Bearer {}", the.token(&["data.read"]).await);
    let answer = ask(
        &the,
        "nginx",
        ("GET", "/api/v1/data"),
        &[("authorization", &authorization)],
    )
    .await;
    assert_eq!(answer.error(), (404, "not_found"));
    assert_eq!(answer.header("x-grantd-organization"), None);
}
