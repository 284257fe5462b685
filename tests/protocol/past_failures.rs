//! What went wrong in other servers, where these endpoints are concerned. Beside these: altered tokens, missing claims
//! and confused algorithms in `tokens`, disabled things in `epochs`, audiences in `rfc7662`, hosts in `rfc8414`,
//! headers in `rfc6749_client_auth`, spellings in `limiter`.

use crate::http::{basic, request};
use crate::support::{GRANT, World};
use http::Method;

const ENDPOINTS: [&str; 3] = ["/oauth/token", "/oauth/introspect", "/oauth/revoke"];

/// Past failure: a malformed Content-Type that ended in 500 (workers-oauth-provider#240).
#[tokio::test]
async fn o16_past_workers_240_a_content_type_that_is_not_the_forms_is_400() {
    let world = World::new("default").await;
    let header = basic(&world.client_id, &world.client_secret);
    let form = format!("{GRANT}&token=x");
    for path in ENDPOINTS {
        for content_type in [
            "",
            ";",
            "/",
            "application/json",
            "text/plain",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "application/x-www-form-urlencodedx",
            "application/x-www-form-urlencoded/",
            "xapplication/x-www-form-urlencoded",
            "application/x-www-form-urlencoded, application/json",
            "; application/x-www-form-urlencoded",
            "\u{e9}",
        ] {
            let headers = [("content-type", content_type), ("authorization", &header)];
            let answer = world.send(request(Method::POST, path, &headers, form.as_bytes())).await;
            assert_eq!(answer.error(), (400, "invalid_request"), "{path} {content_type:?}");
        }
        let missing = [("authorization", header.as_str())];
        let answer = world.send(request(Method::POST, path, &missing, form.as_bytes())).await;
        assert_eq!(answer.error(), (400, "invalid_request"));
        let twice = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-type", "application/json"),
            ("authorization", &header),
        ];
        let answer = world.send(request(Method::POST, path, &twice, form.as_bytes())).await;
        assert_eq!(answer.error(), (400, "invalid_request"));
        for good in [
            "application/x-www-form-urlencoded; charset=UTF-8",
            "Application/X-WWW-Form-Urlencoded;charset=utf-8",
            "application/x-www-form-urlencoded ;",
        ] {
            let headers = [("content-type", good), ("authorization", &header)];
            let answer = world.send(request(Method::POST, path, &headers, form.as_bytes())).await;
            assert_eq!(answer.status, 200, "{path} {good:?}");
        }
    }
}

/// Past failure: scope processing that took a server down (CVE-2026-4634).
#[tokio::test]
async fn o12_past_cve_2026_4634_a_scope_of_any_size_is_refused_in_few_words() {
    let world = World::new("default").await;
    let distinct: Vec<String> = (0..10_000).map(|at| format!("s{at}")).collect();
    for scope in [
        "x".repeat(64 * 1024),
        "x+".repeat(32 * 1024),
        "+".repeat(64 * 1024),
        distinct.join("+"),
        "data.read+".repeat(10_000),
        "%20".repeat(20_000),
        "data.read%0Adata.write".to_owned(),
    ] {
        let answer = world.ask(&format!("&scope={scope}")).await;
        assert_eq!(answer.error(), (400, "invalid_scope"), "{}", &scope[..20]);
        assert!(answer.body.len() < 300, "nothing long is echoed");
        assert!(world.log().lines().all(|line| line.len() < 500), "nor logged");
    }
    let many = world.ask(&format!("&scope={}", distinct[..101].join("+"))).await;
    let said = many.text("error_description");
    assert_eq!(
        said, "The request names too many scopes.",
        "before any of them is looked up"
    );
    let repeated = format!("&scope={}", ["data.read"; 6000].join("+"));
    assert_eq!(
        world.ask(&repeated).await.text("scope"),
        "data.read",
        "one scope however often it is named"
    );
}

/// Past failure: a client registered for one grant that used another (better-auth#9974, CVE-2026-7571).
#[tokio::test]
async fn o23_past_cve_2026_7571_better_auth_9974_nothing_a_client_sends_gives_it_another_grant() {
    let world = World::new("default").await;
    let public = world.add_public_app().await;
    for more in [
        "&kind=private",
        "&grant_types=client_credentials",
        "&dedicated_user=owner@example.com",
        "&sub=owner@example.com",
        "&user=owner@example.com",
        "&response_type=token",
    ] {
        let answer = world.post_as(&public, "/oauth/token", &format!("{GRANT}{more}")).await;
        assert_eq!(answer.error(), (400, "unauthorized_client"), "{more}");
    }
}

/// NUL bytes, controls and separators of the key space in everything that names something.
#[tokio::test]
async fn o12_no_name_reaches_another_record() {
    let world = World::new("default").await;
    let id = world.client_id.clone();
    for hostile in [
        format!("{id}\0"),
        format!("\0{id}"),
        format!("{id}\0{}", world.organization),
        format!("{id}/../{id}"),
        format!("{id}\r\nx-injected: 1"),
        format!("{id}\u{7f}"),
        format!("{id}\u{feff}"),
        format!("{id} "),
        "a".repeat(5000),
        "\u{1F980}".repeat(100),
    ] {
        let encoded: String = form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
        for path in ENDPOINTS {
            let body = format!(
                "{GRANT}&token=x&client_id={encoded}&client_secret={}",
                world.client_secret
            );
            let headers = [("content-type", "application/x-www-form-urlencoded")];
            let answer = world.send(request(Method::POST, path, &headers, body.as_bytes())).await;
            assert_eq!(answer.error(), (401, "invalid_client"), "{hostile:?}");
            assert!(answer.headers.get("x-injected").is_none());
            let in_header = basic(&hostile, &world.client_secret);
            let headers = [headers[0], ("authorization", in_header.as_str())];
            let answer = world
                .send(request(Method::POST, path, &headers, GRANT.as_bytes()))
                .await;
            assert_eq!(answer.error(), (401, "invalid_client"), "{hostile:?}");
        }
        for name in ["scope", "resource", "organization_id"] {
            let answer = world.ask(&format!("&{name}={encoded}")).await;
            assert_eq!(answer.status, 400, "{name} {hostile:?}");
        }
    }
    let lines = world.log();
    assert!(
        lines.chars().all(|c| c == '\n' || !c.is_control()),
        "a line of the log is one line"
    );
    assert!(!lines.lines().any(|line| line.starts_with("x-injected")));
}

/// Past failure: an endpoint that failed with 500 on input of its own (workers-oauth-provider#76).
#[tokio::test]
async fn o16_past_workers_76_no_body_is_answered_with_a_server_error() {
    let world = World::new("default").await;
    let header = basic(&world.client_id, &world.client_secret);
    let good = format!("{GRANT}&scope=data.read&token=a.b.c&resource=https://auth.example/api");
    let mut bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"\0".to_vec(),
        b"&&&&".to_vec(),
        b"====".to_vec(),
        b"%".to_vec(),
        vec![0xff; 1000],
        b"{\"grant_type\":\"client_credentials\"}".to_vec(),
        b"token[]=x&token[a]=y&grant_type[]=z".to_vec(),
        "=".repeat(65_536).into_bytes(),
        "a&".repeat(32_768).into_bytes(),
    ];
    for at in 0..good.len() {
        for byte in [0, b'&', b'=', b'%', b'+', 0x80, 0xff] {
            let mut body = good.clone().into_bytes();
            body[at] = byte;
            bodies.push(body);
        }
        bodies.push(good.as_bytes()[at..].to_vec());
    }
    for path in ENDPOINTS {
        for body in &bodies {
            let headers = [
                ("content-type", "application/x-www-form-urlencoded"),
                ("authorization", &header),
            ];
            let answer = world.send(request(Method::POST, path, &headers, body)).await;
            assert!(
                matches!(answer.status, 200 | 400),
                "{path} {:?} {answer:?}",
                String::from_utf8_lossy(body)
            );
        }
    }
}
