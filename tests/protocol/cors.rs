//! Which pages may read what the endpoints answer (RFC 9700 §2.6).

use crate::http::{Answer, request};
use crate::support::{Client, GRANT, World};
use grantd::control::NewApp;
use grantd::model::app::Kind;
use http::Method;

#[tokio::test]
async fn b5_other_origins_get_nothing_from_the_form_endpoints() {
    let world = World::new("default").await;
    let evil = [("origin", "https://evil.example")];
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/par"] {
        let answer = world.token_at(path, &world.client(), GRANT, &evil).await;
        let cors = answer.headers.keys().find(|n| n.as_str().starts_with("access-control"));
        assert_eq!(cors, None, "{path}");
    }
    for path in ["/oauth/introspect", "/oauth/par"] {
        let preflight = world.send(request(Method::OPTIONS, path, &evil, b"")).await;
        assert_eq!(preflight.header("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn b5_past_cve_2026_37977_kanidm_a_page_may_use_the_token_endpoint_where_its_public_client_has_a_redirect_uri() {
    let world = World::new("default").await;
    let (app, confidential) = (world.add_public_client().await, world.add_public_app().await);
    let own = [("origin", "https://app.example")];
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    for (client, origin, expected) in [
        (&app, "https://app.example", Some("https://app.example".to_owned())),
        (&app, "https://app.example:444", None),
        (&app, "http://app.example", None),
        (&app, "https://app.example.evil.example", None),
        (&app, "https://evilapp.example", None),
        (&app, "https://evil.app.example", None),
        (&app, "null", None),
        (&confidential, "https://app.example", None),
        (
            &("unknown".to_owned(), String::new()) as &Client,
            "https://app.example",
            None,
        ),
    ] {
        let answer = world.exchange(client, "unknown", &[("origin", origin)]).await;
        assert_eq!(allowed(&answer), expected, "{origin}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let code = world.code(&app, "").await;
    let answer = world.exchange(&app, &code, &own).await;
    assert_eq!(
        (answer.status, allowed(&answer).as_deref()),
        (200, Some("https://app.example"))
    );
    assert!(
        answer
            .header("access-control-expose-headers")
            .unwrap()
            .contains("DPoP-Nonce")
    );
    let form = format!("token={}", answer.text("access_token"));
    let answer = world.token_at("/oauth/revoke", &app, &form, &own).await;
    assert_eq!(
        (answer.status, allowed(&answer).as_deref()),
        (200, Some("https://app.example"))
    );
    let preflight = world.send(request(Method::OPTIONS, "/oauth/token", &own, b"")).await;
    assert_eq!(
        (preflight.status, allowed(&preflight).as_deref()),
        (204, Some("https://app.example"))
    );
    assert_eq!(preflight.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn b5_the_scheme_of_a_native_app_lets_no_sandboxed_page_in() {
    let world = World::new("default").await;
    let native = NewApp {
        public_client: true,
        redirect_uris: vec!["com.example.app:/callback".into()],
        ..world.new_app(Kind::Public, &[])
    };
    let native = world.add_app(native).await;
    for origin in ["null", "com.example.app://", "com.example.app:"] {
        let answer = world.exchange(&native, "unknown", &[("origin", origin)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
}
