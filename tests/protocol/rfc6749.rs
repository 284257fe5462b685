//! RFC 6749 and OAuth 2.1: the token endpoint.

use crate::support::{Auth, World};

#[tokio::test]
async fn a_private_app_gets_a_token_bound_to_its_organization() {
    let world = World::new("mokapen").await;
    let form = "grant_type=client_credentials&scope=tasks.read+contacts.read&organization_id=849";
    let answer = world.post_as_app("/oauth/token", form).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["token_type"], "Bearer");
    assert_eq!(answer.json["expires_in"], 31_536_000);
    assert_eq!(answer.json["scope"], "tasks.read contacts.read");
    assert_eq!(answer.json["organization_id"], 849);
    assert_eq!(answer.json["organization_name"], "Acme");
    assert!(
        answer.json.get("refresh_token").is_none(),
        "client_credentials gives no refresh token"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let seen = world.introspect(&answer.text("access_token")).await;
    assert_eq!(seen["active"], true);
    assert_eq!(seen["organization_id"], 849);
}

#[tokio::test]
async fn o12_the_token_endpoint_answers_post_only() {
    let world = World::new("default").await;
    let answer = world.get("/oauth/token").await;
    assert_eq!(answer.error(), (405, "method_not_allowed"));
    assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
}

#[tokio::test]
async fn o13_a_wrong_secret_is_invalid_client_with_a_challenge() {
    let world = World::new("default").await;
    let auth = Auth::Basic(&world.client_id, "wrong");
    let answer = world.post("/oauth/token", auth, "grant_type=client_credentials").await;
    assert_eq!(answer.error(), (401, "invalid_client"));
    assert!(
        answer
            .header("www-authenticate")
            .is_some_and(|h| h.starts_with("Basic "))
    );
}
