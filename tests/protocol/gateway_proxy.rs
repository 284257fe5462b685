//! The way to the upstream and back: what is told, what is taken out, what happens when either side misbehaves.

use crate::gateway::{Guarded, Upstream, configured};
use crate::personal_tokens::with_token;
use crate::sandbox::Api;
use crate::support::{ISSUER, OWNER, World};
use grantd::base::jose::UnverifiedJws;
use grantd::store::memory::MemoryStore;
use http::Method;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ROUTES: &str = r#"{"routes":[
    {"path":"/api/v1/data","methods":{"GET":["data.read"],"POST":["data.write"]},"time_max":"1s","body_bytes_max":1000},
    {"path":"/api/v1/data/{id}","methods":{"GET":["data.read"]},"time_max":"30s"}]}"#;

/// A world whose upstream is whatever listens there.
pub async fn before(upstream: SocketAddr, more: &str) -> (World, String, TempDir) {
    let settings = format!(
        "[gateway]\nupstream = \"http://{upstream}\"\n{more}\n[limits]\nbody_max = \"1s\"\ntunnel_max = \"1s\"\n"
    );
    let (config, dir) = configured("default", &settings, &[("routes.json", ROUTES)]);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let client = world.add_private_app(OWNER, &["data.read", "data.write"]).await;
    let token = world.mint_as(&client, "").await;
    (world, token, dir)
}

pub async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The head of one request, to its empty line.
pub async fn head(socket: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => text.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(text).unwrap()
}

pub async fn ask(world: &World, method: Method, token: &str, body: &str) -> (u16, Option<String>) {
    let header = format!("Bearer {token}");
    let request = crate::http::request(method, "/api/v1/data", &[("authorization", &header)], body.as_bytes());
    let answer = world.send(request).await;
    (answer.status, answer.header("retry-after").map(str::to_owned))
}

const SPOOFED: [(&str, &str); 26] = [
    ("x-grantd-organization", "o_evil"),
    ("x-grantd-admin", "yes"),
    ("x_grantd_organization", "o_evil"),
    ("x_grantd-user", "u_evil"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("x_forwarded_for", "203.0.113.9"),
    ("x-forwarded-host", "evil.example"),
    ("forwarded", "for=203.0.113.9"),
    ("x-real-ip", "203.0.113.9"),
    ("x-request-id", "evil"),
    ("x-http-method-override", "DELETE"),
    ("x-original-url", "/api/v1/settings"),
    ("x-forwarded-user", "u_evil"),
    ("x.forwarded~email", "evil@example.com"),
    ("remote-user", "u_evil"),
    ("proxy", "http://evil.example"),
    ("x.grantd.organization", "o_evil"),
    ("cookie", "__Host-grantd_session=secret-of-a-session"),
    ("connection", "close, x-internal"),
    ("x-internal", "hop"),
    ("keep-alive", "timeout=5"),
    ("te", "gzip"),
    ("proxy-authorization", "Basic YTpi"),
    ("accept", "application/json"),
    ("x-custom", "kept"),
    ("content-type", "application/json"),
];

const GONE: [&str; 22] = [
    "x-grantd-admin",
    "x_grantd_organization",
    "x_grantd-user",
    "x_forwarded_for",
    "forwarded",
    "x-real-ip",
    "cookie",
    "authorization",
    "dpop",
    "x-http-method-override",
    "x-original-url",
    "x-forwarded-user",
    "x.forwarded~email",
    "remote-user",
    "proxy",
    "x.grantd.organization",
    "x-internal",
    "keep-alive",
    "te",
    "proxy-authorization",
    "connection",
    "transfer-encoding",
];

#[tokio::test]
async fn the_upstream_is_told_who_asks_and_nobody_else_can_tell_it() {
    let the = Guarded::new("default").await;
    let client = the.world.add_private_app(OWNER, &["data.read", "data.write"]).await;
    let token = the.world.mint_as(&client, "").await;
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("authorization", authorization.as_str())];
    headers.extend(SPOOFED);
    let answer = the
        .send(Method::POST, "/api/v1/data?a=b&c", &headers, "{\"x\":1}")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = the.upstream.one();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str(), seen.body.as_str()),
        ("POST", "/api/v1/data?a=b&c", "{\"x\":1}")
    );
    let user = the.world.introspect(&the.world.mint("").await).await["sub"]
        .as_str()
        .unwrap()
        .to_owned();
    for (name, value) in [
        ("x-grantd-organization", the.world.organization.as_str()),
        ("x-grantd-user", &user),
        ("x-grantd-app", &client.0),
        ("x-grantd-grant", ""),
        ("x-grantd-scopes", "data.read data.write"),
        ("x-grantd-credential", "access_token"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", ISSUER.split("//").nth(1).unwrap()),
        ("x-forwarded-proto", ISSUER.split(':').next().unwrap()),
        ("x-request-id", "test"),
        ("host", &the.upstream.address.to_string()),
        ("accept", "application/json"),
        ("x-custom", "kept"),
        ("content-type", "application/json"),
        ("content-length", "7"),
        ("via", "1.1 grantd"),
    ] {
        assert_eq!(seen.header(name), value, "{name}: {seen:?}");
        assert_eq!(seen.headers.get_all(name).iter().count(), 1, "{name}");
    }
    for gone in GONE {
        assert!(!seen.headers.contains_key(gone), "{gone}: {seen:?}");
    }
    let text = format!("{seen:?}");
    assert!(
        !text.contains("evil") && !text.contains("secret-of-a-session") && !text.contains(&token),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_brings_nothing_to_the_origin_where_people_sign_in() {
    let the = Guarded::new("default").await;
    let token = the.token(&["data.read"]).await;
    let answer = the.get("/api/v1/data", &token).await;
    assert_eq!(answer.json, serde_json::json!({ "ok": true }));
    assert_eq!(answer.header("x-answer"), Some("kept"));
    for (name, value) in [
        ("set-cookie", None),
        ("strict-transport-security", None),
        ("x-content-type-options", Some("nosniff")),
        ("cache-control", Some("private, no-cache")),
        (
            "content-security-policy",
            Some("default-src 'none'; frame-ancestors 'none'; sandbox"),
        ),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_path_before_the_api_and_one_signed_header_are_matters_of_configuration() {
    let upstream = Upstream::start();
    let settings = format!(
        "[gateway]\nupstream = \"http://{}/base/\"\nidentity_jwt = true\nidentity_headers = \"x-acme-\"\n",
        upstream.address
    );
    let the = Guarded::with("makecrypto", &settings, upstream).await;
    let token = the.token(&["makepay:settings:read"]).await;
    assert_eq!(the.get("/api/partner/v1/makepay/settings", &token).await.status, 200);
    let seen = the.upstream.one();
    assert_eq!(seen.target, "/base/api/partner/v1/makepay/settings");
    let own: Vec<&str> = seen
        .headers
        .keys()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with("x-acme-"))
        .collect();
    assert_eq!(own, ["x-acme-identity"]);
    let jwt = seen.header("x-acme-identity");
    let jws = UnverifiedJws::parse(jwt, 8192).unwrap();
    assert!(jws.has_typ("grantd-identity+jwt"));
    let keys = the.world.ctx.keyring.set();
    let claims: Value =
        serde_json::from_slice(jws.verify(keys.verifying(jws.kid().unwrap()).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], format!("http://{}", the.upstream.address));
    assert_eq!(claims["company_id"], the.world.organization);
    assert_eq!(claims["scope"], "makepay:settings:read");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
    // It is no access token, here or anywhere.
    assert_eq!(the.get("/api/partner/v1/makepay/settings", jwt).await.status, 401);
}

/// Whatever the case and the order in which its headers are written.
#[tokio::test]
async fn an_api_key_passes_as_its_organization_and_goes_no_further() {
    let the = Guarded::new("makecrypto").await;
    let caller = Api::of_key(&the.world).await;
    let [(_, id), (_, secret)] = &caller.shown[..] else {
        panic!("an id and a secret")
    };
    for names in [
        ["X-MakeCrypto-Key-Id", "x-makecrypto-key-secret"],
        ["X-MakePay-Key-Id", "X-MAKEPAY-KEY-SECRET"],
        ["x-api-key", "X-Api-Secret"],
    ] {
        let headers = [
            (names[1], secret.as_str()),
            ("x-custom", "kept"),
            (names[0], id.as_str()),
        ];
        let answer = the.send(Method::GET, "/api/partner/v1/makepay/settings", &headers, "");
        assert_eq!(answer.await.status, 200, "{names:?}");
        let seen = the.upstream.one();
        for name in names {
            assert!(!seen.headers.contains_key(name), "{name} reaches the upstream");
        }
        assert!(
            !format!("{:?}", seen.headers).contains(secret.as_str()),
            "under no other name either"
        );
        assert_eq!(seen.header("x-custom"), "kept");
        assert_eq!(seen.header("x-grantd-organization"), the.world.organization);
        assert_eq!(
            (
                seen.header("x-grantd-credential"),
                seen.header("x-grantd-credential-id")
            ),
            ("api_key", id.as_str())
        );
    }
}

#[tokio::test]
async fn a_personal_token_passes_with_its_scopes_and_as_bearer_alone() {
    let (the, _, token) = with_token("default", &["data.read"]).await;
    let answer = the.world.send(crate::http::request(
        Method::GET,
        "/api/v1/data",
        &[("authorization", &format!("Bearer {token}"))],
        b"",
    ));
    // The sandbox or nothing: what matters here is who may go on.
    assert_ne!(answer.await.status, 401);
    let answer = the.world.send(crate::http::request(
        Method::GET,
        "/api/v1/settings",
        &[("authorization", &format!("Bearer {token}"))],
        b"",
    ));
    assert_eq!(answer.await.error(), (403, "insufficient_scope"));
    let answer = the.world.send(crate::http::request(
        Method::GET,
        "/api/v1/data",
        &[("authorization", &format!("DPoP {token}"))],
        b"",
    ));
    assert_eq!(answer.await.error(), (401, "invalid_token"));
}

#[tokio::test]
async fn the_use_of_a_grant_is_noted() {
    let upstream = Upstream::start();
    let (world, _, _dir) = before(upstream.address, "").await;
    let app = world.add_public_app().await;
    let code = world.code(&app, "&scope=data.read").await;
    let token = world.exchange(&app, &code, &[]).await.text("access_token");
    let grant = world.the_grant().await;
    world.advance(Duration::from_secs(60));
    assert_eq!(ask(&world, Method::GET, &token, "").await.0, 200);
    let used = grantd::oauth::last_use::of(&world.ctx, "grant", &grant.id)
        .await
        .unwrap();
    assert_eq!(used, Some(world.ctx.now()));
    assert_eq!(upstream.one().header("x-grantd-grant"), grant.id);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_left_alone_after_a_while_and_found_again() {
    let (listener, address) = listener().await;
    drop(listener);
    let (world, token, _dir) = before(address, "").await;
    for _ in 0..5 {
        assert_eq!(ask(&world, Method::POST, &token, "x").await, (502, None));
    }
    assert_eq!(ask(&world, Method::GET, &token, "").await, (503, Some("5".into())));
    let listener = TcpListener::bind(address).await.unwrap();
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        head(&mut socket).await;
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        socket
    });
    world.advance(Duration::from_secs(6));
    let client = world.add_private_app(OWNER, &["data.read"]).await;
    let token = world.mint_as(&client, "").await;
    assert_eq!(ask(&world, Method::GET, &token, "").await.0, 204);
    served.await.unwrap();
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_in_time_is_a_504() {
    let (listener, address) = listener().await;
    let (world, token, _dir) = before(address, "").await;
    let silent = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        head(&mut socket).await;
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
    });
    assert_eq!(ask(&world, Method::GET, &token, "").await.0, 504);
    // It was hung up on.
    silent.await.unwrap();
}

/// Answers the second connection only.
async fn dies_once(method: Method, body: &str) -> (u16, usize) {
    let (listener, address) = listener().await;
    let (world, token, _dir) = before(address, "").await;
    let served = tokio::spawn(async move {
        let mut heads = 0;
        while let Ok((mut socket, _)) = listener.accept().await {
            if head(&mut socket).await.is_empty() {
                continue;
            }
            heads += 1;
            if heads == 2 {
                let _ = socket
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    .await;
                return heads;
            }
        }
        heads
    });
    let status = ask(&world, method, &token, body).await.0;
    served.abort();
    (status, served.await.unwrap_or(1))
}

#[tokio::test]
async fn only_what_is_safe_is_asked_again() {
    assert_eq!(dies_once(Method::GET, "").await, (200, 2));
    assert_eq!(dies_once(Method::POST, "").await, (502, 1));
    assert_eq!(dies_once(Method::POST, "body").await, (502, 1));
}

#[tokio::test]
async fn without_an_upstream_and_a_sandbox_for_it_a_route_says_so() {
    let routes = r#"{"routes":[{"path":"/api/v1/other","methods":{"POST":[]}}]}"#;
    let (config, _dir) = configured("default", "", &[("routes.json", routes)]);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let token = world.mint("").await;
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    let answer = world
        .send(crate::http::request(Method::POST, "/api/v1/other", &headers, b"{}"))
        .await;
    assert_eq!(answer.error(), (501, "not_in_sandbox"));
}
