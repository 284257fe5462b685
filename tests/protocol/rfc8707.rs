//! RFC 8707: which API a token is for.

use crate::support::{ISSUER, World, config};
use crate::tokens::payload;
use grantd::store::memory::MemoryStore;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Two audiences with lifetimes of their own.
async fn world() -> World {
    let mut config = config("default", Path::new("/nonexistent/grantd"));
    let mut second = config.profile.resources[0].clone();
    second.identifier = "https://reports.example/v2".into();
    second.access_token_lifetime = Duration::from_secs(60);
    config.profile.resources.push(second);
    World::with_config(config, Arc::new(MemoryStore::new())).await
}

#[tokio::test]
async fn r1_b4_a_token_has_the_one_audience_that_was_named() {
    let world = world().await;
    for (resource, lifetime_s) in [("https://auth.example/api", 600), ("https://reports.example/v2", 60)] {
        let answer = world.ask(&format!("&resource={resource}")).await;
        assert_eq!(answer.json["expires_in"], lifetime_s);
        let token = answer.text("access_token");
        assert_eq!(payload(&token)["aud"], resource, "text, not a list");
        assert_eq!(world.introspect(&token).await["aud"], resource);
    }
    let encoded = world.mint("&resource=https%3A%2F%2Freports.example%2Fv2").await;
    assert_eq!(payload(&encoded)["aud"], "https://reports.example/v2");
}

#[tokio::test]
async fn r1_no_resource_means_the_profiles_first() {
    let world = world().await;
    for more in ["", "&resource=", "&resource=&resource="] {
        assert_eq!(
            payload(&world.mint(more).await)["aud"],
            format!("{ISSUER}/api"),
            "{more:?}"
        );
    }
}

#[tokio::test]
async fn r1_unknown_malformed_or_several_resources_are_invalid_target() {
    let world = world().await;
    let known = "https://auth.example/api";
    for resource in [
        "https://else.example/api",
        "https://auth.example/api%23fragment",
        "https://auth.example/api?query",
        "https://auth.example/api?",
        "/api",
        "api",
        "urn:nothing",
        "%20",
        "%00",
        "https://",
        "javascript:alert(1)",
        &format!("{known}&resource={known}"),
        &format!("{known}&resource=https://reports.example/v2"),
        &"x".repeat(60_000),
    ] {
        let answer = world.ask(&format!("&resource={resource}")).await;
        assert_eq!(answer.error(), (400, "invalid_target"), "{resource}");
        assert!(answer.body.len() < 500, "nothing is echoed");
    }
}

/// MCP clients send the form without a trailing slash, and audiences are compared byte for byte.
#[tokio::test]
async fn m3_the_identifier_is_taken_as_it_is_written_and_in_no_other_spelling() {
    let world = world().await;
    assert_eq!(world.ask("&resource=https://auth.example/api").await.status, 200);
    for other in [
        "https://auth.example/api/",
        "https://auth.example:443/api",
        "https://AUTH.example/api",
        "HTTPS://auth.example/api",
        "https://auth.example/./api",
        "https://auth.example/%2561pi",
        "http://auth.example/api",
        "https://auth.example/api%20",
    ] {
        let answer = world.ask(&format!("&resource={other}")).await;
        assert_eq!(answer.error(), (400, "invalid_target"), "{other}");
    }
}

#[tokio::test]
async fn r1_who_may_not_ask_does_not_learn_which_resources_exist() {
    let world = world().await;
    let wrong = crate::http::Auth::Basic(&world.client_id, "a-wrong-secret");
    let form = format!("{}&resource=https://else.example", crate::support::GRANT);
    let answer = world.post("/oauth/token", wrong, &form).await;
    assert_eq!(answer.error(), (401, "invalid_client"));
}
