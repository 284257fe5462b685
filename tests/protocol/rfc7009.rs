//! RFC 7009: revocation.

use crate::failing_store::FailingStore;
use crate::http::{Auth, request};
use crate::proofs::ClientKey;
use crate::rfc7523::with_assertion;
use crate::support::{World, judged};
use grantd::base::jose::Alg;
use grantd::control::app_settings::AppSettings;
use http::Method;
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/oauth/revoke";

#[tokio::test]
async fn v1_a_client_ends_its_own_token_at_once_and_for_good() {
    let world = World::new("mokapen").await;
    let (token, other) = (world.mint("").await, world.mint("").await);
    assert!(world.is_active(&token).await);
    let answer = world.post_as_app(PATH, &format!("token={token}")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(!world.is_active(&token).await);
    assert!(world.is_active(&other).await, "one token and no other");
    let again = world.post_as_app(PATH, &format!("token={token}")).await;
    assert_eq!(again.status, 200);
    // Sweep may forget the revocation only with the token itself.
    for days in [1, 363] {
        world.advance(Duration::from_secs(days * 24 * 3600));
        grantd::jobs::sweep::turn(&world.ctx).await.unwrap();
        assert!(!world.is_active(&token).await);
    }
    assert!(world.is_active(&other).await);
    assert!(!world.restarted().await.is_active(&token).await);
}

#[tokio::test]
async fn v1_what_cannot_be_revoked_is_answered_alike() {
    let world = World::new("default").await;
    let (foreign, _) = world.add_foreign_app().await;
    let expired = world.mint("").await;
    world.advance(Duration::from_secs(600));
    let others = world.mint_as(&foreign, "").await;
    let own = world.mint("").await;
    let mut answers = Vec::new();
    for token in [
        expired.as_str(),
        &others,
        &own,
        "unknown",
        "a.b.c",
        "%00%01",
        "..",
        "grantd_rt_x",
    ] {
        let answer = world.post_as_app(PATH, &format!("token={token}")).await;
        answers.push(format!("{} {:?} {}", answer.status, answer.headers, answer.body));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "no oracle: {answers:?}");
    assert!(answers[0].starts_with("200 "));
}

/// Past failure: a token of app A revoked by app B.
#[tokio::test]
async fn v1_a_token_of_another_client_stays_alive() {
    let world = World::new("default").await;
    let (foreign, _) = world.add_foreign_app().await;
    let sibling = world.add_private_app("owner@example.com", &[]).await;
    let server = world.add_resource_server().await;
    let token = world.mint("").await;
    for client in [&foreign, &sibling, &server] {
        let answer = world.post_as(client, PATH, &format!("token={token}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert!(world.is_active(&token).await);
    }
}

#[tokio::test]
async fn v1_the_client_authenticates() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    let wrong = Auth::Basic(&world.client_id, "a-wrong-secret");
    for auth in [Auth::None, wrong, Auth::Raw(&format!("Bearer {token}"))] {
        let answer = world.post(PATH, auth, &format!("token={token}")).await;
        assert_eq!(answer.error(), (401, "invalid_client"));
    }
    assert!(world.is_active(&token).await);
}

#[tokio::test]
async fn v1_a_wrong_or_unknown_hint_is_searched_past() {
    let world = World::new("default").await;
    for hint in ["access_token", "refresh_token", "saml2_assertion", ""] {
        let token = world.mint("").await;
        let answer = world
            .post_as_app(PATH, &format!("token={token}&token_type_hint={hint}"))
            .await;
        assert_eq!(answer.status, 200);
        assert!(!world.is_active(&token).await, "{hint}");
    }
}

#[tokio::test]
async fn v1_a_request_without_one_token_is_refused() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    for form in ["", "token=", "tokens=x", &format!("token={token}&token={token}")] {
        assert_eq!(
            world.post_as_app(PATH, form).await.error(),
            (400, "invalid_request"),
            "{form}"
        );
    }
    assert!(world.is_active(&token).await);
    let get = world
        .send(request(Method::GET, &format!("{PATH}?token={token}"), &[], b""))
        .await;
    assert_eq!(get.error(), (405, "method_not_allowed"));
    assert!(world.is_active(&token).await);
}

#[tokio::test]
async fn v1_a_store_that_is_away_is_503_with_retry_after() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    let token = world.mint("").await;
    store.fail_commits(true);
    let answer = world.post_as_app(PATH, &format!("token={token}")).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    store.fail_commits(false);
    assert!(world.is_active(&token).await, "no answer 200, no revocation");
    world.post_as_app(PATH, &format!("token={token}")).await;
    assert!(!world.is_active(&token).await);
    store.fail_reads(true);
    for (path, form) in [
        ("/oauth/introspect", "token=x"),
        ("/oauth/token", "grant_type=client_credentials"),
    ] {
        let answer = world.post_as_app(path, form).await;
        assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{path}");
        assert!(!answer.body.contains("disk"), "the cause is for the log: {answer:?}");
    }
    assert!(world.log().contains("the disk is on fire"));
}

#[tokio::test]
async fn v1_a_full_disk_keeps_nobody_from_revoking_however_they_show_who_they_are() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    let key = ClientKey::new(Alg::Es256, 1);
    let keyed = world.add_app_with_keys(&[key.jwk()], AppSettings::default()).await;
    let api = world.add_resource_server().await;
    let by_secret = world.mint("").await;
    let by_key = world
        .ask_with_assertion(&key.assertion(&world, &keyed))
        .await
        .text("access_token");
    store.fill();
    let minted = world.ask_with_assertion(&key.assertion(&world, &keyed)).await;
    assert_eq!(minted.error(), (503, "temporarily_unavailable"), "it is full");
    let form = with_assertion(&format!("token={by_key}"), &key.assertion(&world, &keyed));
    assert_eq!(world.post(PATH, Auth::None, &form).await.status, 200);
    assert_eq!(world.post_as_app(PATH, &format!("token={by_secret}")).await.status, 200);
    for token in [by_key, by_secret] {
        assert!(!judged(&world.introspect_as(&api, &token).await));
    }
}
