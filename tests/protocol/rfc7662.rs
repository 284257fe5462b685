//! RFC 7662: introspection.

use crate::http::{Auth, request};
use crate::support::{GRANT, ISSUER, START, World, config, judged, open};
use grantd::app::Service;
use grantd::control::{Command, NewApp, Revocation};
use grantd::model::app::Kind;
use grantd::model::role::Role;
use grantd::store::memory::MemoryStore;
use http::Method;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/oauth/introspect";

#[tokio::test]
async fn i1_a_live_token_is_described_and_nothing_is_cached() {
    for (profile, noun, lifetime_s) in [
        ("default", "organization_id", 600),
        ("mokapen", "organization_id", 31_536_000),
        ("makecrypto", "company_id", 3600),
    ] {
        let world = World::new(profile).await;
        let granted = world.ask("").await;
        let answer = world
            .post_as_app(PATH, &format!("token={}", granted.text("access_token")))
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let seen = &answer.json;
        let expected = json!({
            "active": true,
            "scope": granted.json["scope"],
            "client_id": world.client_id,
            "token_type": "Bearer",
            "exp": START.seconds() + lifetime_s,
            "iat": START.seconds(),
            "sub": seen["sub"],
            "aud": world.ctx.profile().default_resource().identifier,
            "iss": ISSUER,
            "jti": seen["jti"],
            noun: granted.json[noun],
        });
        assert_eq!(*seen, expected, "this and nothing else");
        assert!(seen["sub"].as_str().is_some_and(|sub| sub.starts_with("u_")));
        assert!(seen["jti"].as_str().is_some_and(|jti| jti.len() == 24));
    }
}

#[tokio::test]
async fn i1_only_a_posted_form_is_answered() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    let answer = world
        .send(request(Method::GET, &format!("{PATH}?token={token}"), &[], b""))
        .await;
    assert_eq!(answer.error(), (405, "method_not_allowed"));
    assert_eq!(
        world.post_as_app(PATH, "").await.error(),
        (400, "invalid_request"),
        "no token"
    );
    assert_eq!(
        world.post_as_app(PATH, "token=").await.error(),
        (400, "invalid_request"),
        "an empty one"
    );
    let twice = format!("token={token}&token={token}");
    assert_eq!(world.post_as_app(PATH, &twice).await.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn i1_who_may_not_ask_is_told_401_whatever_the_token() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    let spa = NewApp {
        public_client: true,
        redirect_uris: vec!["https://spa.example/callback".into()],
        ..world.new_app(Kind::Public, &[])
    };
    let (spa, _) = world.add_app(spa).await;
    let mut bodies = Vec::new();
    for asked in [token.as_str(), "no-token-at-all-of-anyone", ""] {
        for more in [
            "",
            &format!("&client_id={spa}"),
            &format!("&client_id={}", world.client_id),
        ] {
            let answer = world.post(PATH, Auth::None, &format!("token={asked}{more}")).await;
            assert_eq!(answer.error(), (401, "invalid_client"));
            assert!(answer.header("www-authenticate").is_some());
            bodies.push(answer.body);
        }
        // The token is no credential for its own introspection.
        let answer = world
            .post(PATH, Auth::Raw(&format!("Bearer {token}")), &format!("token={asked}"))
            .await;
        assert_eq!(answer.error(), (401, "invalid_client"));
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn i1_every_dead_or_foreign_token_gets_the_same_bytes() {
    let world = World::new("default").await;
    let (foreign, _) = world.add_foreign_app().await;
    let expired = world.mint("").await;
    world.advance(Duration::from_secs(600));
    let revoked = world.mint("").await;
    world.post_as_app("/oauth/revoke", &format!("token={revoked}")).await;
    let others = world.mint_as(&foreign, "").await;
    for token in [
        expired.as_str(),
        &revoked,
        &others,
        "unknown",
        "a.b.c",
        "%00",
        "..",
        "%F0%9F%A6%80",
    ] {
        let answer = world.post_as_app(PATH, &format!("token={token}")).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"active":false}"#),
            "{token}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn i2_a_token_ends_with_its_last_second() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    world.advance(Duration::from_millis(599_999));
    assert!(world.is_active(&token).await);
    world.advance(Duration::from_millis(1));
    assert!(!world.is_active(&token).await);
}

#[tokio::test]
async fn i2_a_hint_changes_nothing() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    for hint in ["access_token", "refresh_token", "nonsense", ""] {
        let answer = world
            .post_as_app(PATH, &format!("token={token}&token_type_hint={hint}"))
            .await;
        assert_eq!(answer.json["active"], true, "{hint}");
    }
    let twice = format!("token={token}&token_type_hint=a&token_type_hint=a");
    assert_eq!(world.post_as_app(PATH, &twice).await.error(), (400, "invalid_request"));
}

/// Two audiences, the second introspected by the client the configuration names.
async fn two_resources(introspection_client: Option<&str>) -> World {
    let mut config = config("default", Path::new("/nonexistent/grantd"));
    let mut second = config.profile.resources[0].clone();
    second.identifier = "https://reports.example/v2".into();
    second.introspection_clients = introspection_client.into_iter().map(str::to_owned).collect();
    config.profile.resources.push(second);
    World::with_config(config, Arc::new(MemoryStore::new())).await
}

/// Past failure: introspection that ignored the audience (CVE-2026-37979).
#[tokio::test]
async fn i2_past_cve_2026_37979_a_resource_server_sees_the_tokens_of_its_audience_alone() {
    let world = two_resources(None).await;
    let (first, second) = ("https://auth.example/api", "https://reports.example/v2");
    let guard_of = async |audience: &str| {
        let server = world.new_app(Kind::ResourceServer, &[]);
        world
            .add_app(NewApp {
                resources: vec![audience.into()],
                ..server
            })
            .await
    };
    let (of_first, of_second) = (guard_of(first).await, guard_of(second).await);
    let of_all = world.add_resource_server().await;
    for (audience, sees, blind) in [(first, &of_first, &of_second), (second, &of_second, &of_first)] {
        let token = world.mint(&format!("&resource={audience}")).await;
        assert!(judged(&world.introspect_as(sees, &token).await), "{audience}");
        assert!(!judged(&world.introspect_as(blind, &token).await), "{audience}");
        assert!(judged(&world.introspect_as(&of_all, &token).await));
        assert!(world.is_active(&token).await, "its own client sees it");
    }
}

#[tokio::test]
async fn i2_the_configuration_may_name_clients_that_introspect_an_audience() {
    // The first app of a world is made of the same random bytes each time.
    let client_id = two_resources(None).await.client_id;
    let world = two_resources(Some(&client_id)).await;
    assert_eq!(world.client_id, client_id);
    let (foreign, _) = world.add_foreign_app().await;
    let shown = world.mint_as(&foreign, "&resource=https://reports.example/v2").await;
    assert!(world.is_active(&shown).await);
    let hidden = world.mint_as(&foreign, "&resource=https://auth.example/api").await;
    assert!(!world.is_active(&hidden).await);
}

#[tokio::test]
async fn i2_scope_is_what_is_effective_now() {
    for (profile, scopes, left) in [
        ("default", "data.read+settings.read", "data.read"),
        ("mokapen", "tasks.write+tasks.read", "tasks.read"),
    ] {
        let world = World::new(profile).await;
        world.add_member("admin@example.com", Role::Admin).await;
        let app = world.add_private_app("admin@example.com", &[]).await;
        let token = world.mint_as(&app, &format!("&scope={scopes}")).await;
        let before = world.introspect_as(&app, &token).await;
        assert_eq!(before["scope"], scopes.replace('+', " "));
        world.set_role("admin@example.com", Role::Member).await;
        let after = world.introspect_as(&app, &token).await;
        assert_eq!(after["scope"], left);
        let server = world.add_resource_server().await;
        assert_eq!(world.introspect_as(&server, &token).await["scope"], left);
    }
}

#[tokio::test]
async fn i2_a_revoked_token_is_inactive_for_everybody() {
    let world = World::new("default").await;
    let server = world.add_resource_server().await;
    let (dead, alive) = (world.mint("").await, world.mint("").await);
    assert!(judged(&world.introspect_as(&server, &dead).await));
    let revoke = Command::TokenRevoke {
        what: Revocation::Token(dead.clone()),
    };
    world.run(revoke).await;
    assert!(!judged(&world.introspect_as(&server, &dead).await));
    assert!(!world.is_active(&dead).await);
    assert!(
        judged(&world.introspect_as(&server, &alive).await),
        "one jti and no other"
    );
}

#[tokio::test]
async fn i1_a_resource_server_gets_no_token_for_its_trouble() {
    let world = World::new("default").await;
    let server = world.add_resource_server().await;
    let answer = world.post_as(&server, "/oauth/token", GRANT).await;
    assert_eq!(answer.error(), (400, "unauthorized_client"));
}

#[tokio::test]
async fn i2_a_token_for_an_audience_that_left_the_configuration_is_inactive_for_everybody() {
    let store = Arc::new(MemoryStore::new());
    let mut wide = config("default", Path::new("/nonexistent/grantd"));
    let mut second = wide.profile.resources[0].clone();
    second.identifier = format!("{ISSUER}/second");
    wide.profile.resources.push(second);
    let mut world = World::with_config(wide, store.clone()).await;
    let guard = world.add_resource_server().await;
    let token = world.mint(&format!("&resource={ISSUER}/second")).await;
    let form = format!("token={token}");
    for client in [world.client(), guard.clone()] {
        assert_eq!(world.post_as(&client, PATH, &form).await.json["active"], true);
    }
    let narrow = config("default", Path::new("/nonexistent/grantd"));
    let ctx = open(narrow, store, world.clock.clone(), 1, 3).await;
    world.ctx = Arc::new(ctx.expect("the store opens"));
    world.service = Arc::new(Service::new(world.ctx.clone()).expect("the routes are good"));
    for client in [world.client(), guard] {
        let answer = world.post_as(&client, PATH, &form).await;
        assert_eq!(answer.json, json!({ "active": false }));
    }
}
