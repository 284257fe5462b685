//! Of two holders of one refresh token nobody can tell which is the thief: both are shut out (RFC 9700 §4.14.2).
//! Whoever could not have used it ends nothing.

use crate::delegation::KEY;
use crate::proofs::ClientKey;
use crate::support::World;
use grantd::base::jose::Alg;
use grantd::model::event::EventKind;
use grantd::model::grant::GrantStatus;
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, Store, Write, keys};
use std::sync::Arc;
use std::time::Duration;

const INVALID: (u16, &str) = (400, "invalid_grant");

/// Any other valid presentation of a rotated token is reuse: both holders are shut out.
#[tokio::test]
async fn o24_b10_past_zitadel_7321_reuse_ends_every_token_of_the_grant_and_its_record_stays() {
    for case in ["after the grace", "with a key", "when the successor was used"] {
        let (world, app) = World::with_app().await;
        let (sibling, sibling_refresh) = world.connect(&app).await;
        let (access, first) = world.connect(&app).await;
        let second = world.rotate(&app, &first).await;
        let headers: &[(&str, &str)] = match case {
            "with a key" => &[("idempotency-key", KEY)],
            _ => &[],
        };
        match case {
            "after the grace" => world.advance(Duration::from_secs(30)),
            "with a key" => {}
            _ => drop(world.rotate(&app, &second).await),
        }
        let id = world.the_grant().await.id;
        assert_eq!(world.refresh(&app, &first, headers).await.error(), INVALID, "{case}");
        let grant = world.the_grant().await;
        assert_eq!(
            (grant.id.as_str(), grant.status),
            (id.as_str(), GrantStatus::NeedsConsent)
        );
        for token in [&access, &sibling] {
            assert!(!world.works(&app, token).await, "{case}");
        }
        for token in [&first, &second, &sibling_refresh] {
            assert_eq!(world.refresh(&app, token, &[]).await.error(), INVALID, "{case}");
        }
        assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 1, "{case}");
        assert!(world.log().contains("it was used before: grant"));
        // The user consents again: the same grant, new tokens, and the old ones stay dead.
        let (renewed, _) = world.connect(&app).await;
        assert_eq!(world.the_grant().await.id, id);
        assert!(world.works(&app, &renewed).await && !world.works(&app, &access).await);
        assert_eq!(world.refresh(&app, &second, &[]).await.error(), INVALID, "{case}");
    }
}

#[tokio::test]
async fn o24_a_profile_may_count_every_repeat_as_theft() {
    let mut config = crate::support::config("default", std::path::Path::new("/nonexistent/grantd"));
    config.profile.lifetimes.refresh_grace = Duration::ZERO;
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let app = world.add_public_app().await;
    let (_, first) = world.connect(&app).await;
    world.rotate(&app, &first).await;
    assert_eq!(world.refresh(&app, &first, &[]).await.error(), INVALID);
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 1);
}

/// Past failure: a token of app A accepted for app B, and with it somebody's connection ended.
#[tokio::test]
async fn o24_past_cve_2024_47077_another_client_gets_nothing_and_ends_nothing() {
    let (world, app) = World::with_app().await;
    let (other, public) = (world.add_public_app().await, world.add_public_client().await);
    let (access, first) = world.connect(&app).await;
    let second = world.rotate(&app, &first).await;
    world.advance(Duration::from_secs(60));
    for client in [&other, &public] {
        for token in [&first, &second] {
            assert_eq!(world.refresh(client, token, &[]).await.error(), INVALID);
        }
    }
    assert!(world.works(&app, &access).await);
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 0);
    world.rotate(&app, &second).await;
}

#[tokio::test]
async fn b4_d3_a_public_clients_refresh_token_works_with_its_key_alone() {
    let world = World::new("default").await;
    let app = world.add_public_client().await;
    let (prover, thief) = (ClientKey::new(Alg::Es256, 1), ClientKey::new(Alg::Es256, 2));
    let code = world.code(&app, "").await;
    let answer = world.exchange(&app, &code, &[("dpop", &prover.proof(&world))]).await;
    let first = answer.text("refresh_token");
    assert_eq!(
        world.refresh(&app, &first, &[]).await.error(),
        (400, "invalid_dpop_proof")
    );
    let stolen = world.refresh(&app, &first, &[("dpop", &thief.proof(&world))]).await;
    assert_eq!(stolen.error(), (400, "invalid_dpop_key"));
    let answer = world.refresh(&app, &first, &[("dpop", &prover.proof(&world))]).await;
    assert_eq!((answer.status, answer.text("token_type").as_str()), (200, "DPoP"));
    let second = answer.text("refresh_token");
    // Rotated: a repeat needs a fresh proof of the key; without it nothing is told and nothing dies.
    world.advance(Duration::from_secs(1));
    for headers in [&[][..], &[("dpop", thief.proof(&world).as_str())]] {
        assert_eq!(world.refresh(&app, &first, headers).await.error(), INVALID);
    }
    let proof = prover.proof(&world);
    let again = world.refresh(&app, &first, &[("dpop", &proof)]).await;
    assert_eq!((again.replayed(), again.text("refresh_token")), (true, second.clone()));
    let recorded = world.refresh(&app, &first, &[("dpop", &proof)]).await;
    assert_eq!(recorded.error(), (400, "invalid_dpop_proof"));
    world.advance(Duration::from_secs(60));
    for headers in [&[][..], &[("dpop", thief.proof(&world).as_str())]] {
        assert_eq!(world.refresh(&app, &first, headers).await.error(), INVALID);
    }
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 0);
    // With the key it is reuse; and after the end the answer is the same for every key.
    assert_eq!(
        world
            .refresh(&app, &first, &[("dpop", &prover.proof(&world))])
            .await
            .error(),
        INVALID
    );
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 1);
    for prover in [&prover, &thief] {
        let dead = world.refresh(&app, &second, &[("dpop", &prover.proof(&world))]).await;
        assert_eq!(dead.error(), INVALID);
    }
}

/// A thief who was first, and sent a proof that nobody asked for, is found like any other.
#[tokio::test]
async fn o24_a_proof_hides_no_thief_where_refresh_tokens_are_not_bound() {
    let world = World::new("default").await;
    let app = world.add_public_client().await;
    let (_, token) = world.connect(&app).await;
    let stolen = world
        .refresh(&app, &token, &[("dpop", &ClientKey::new(Alg::Es256, 2).proof(&world))])
        .await;
    assert_eq!(stolen.status, 200);
    assert_eq!(world.refresh(&app, &token, &[]).await.error(), INVALID);
    assert_eq!(world.the_grant().await.status, GrantStatus::NeedsConsent);
    let next = world.refresh(&app, &stolen.text("refresh_token"), &[]).await;
    assert_eq!(next.error(), INVALID);
}

/// A backup was restored: the tokens of the time between are no theft.
#[tokio::test]
async fn b10_a_refresh_token_from_after_the_restored_backup_ends_nothing() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with_store("default", store.clone()).await;
    let app = world.add_public_app().await;
    let (_, first) = world.connect(&app).await;
    let family = world.families().await.remove(0);
    let key = keys::family(&family.organization, &family.grant, &family.id);
    let backup = store.get(&key).await.unwrap().unwrap();
    let second = world.rotate(&app, &first).await;
    let third = world.rotate(&app, &second).await;
    let restore = Write::Put {
        key,
        value: backup.value.to_vec(),
        expires_at: backup.expires_at,
    };
    let batch = Batch {
        writes: vec![restore],
        ..Batch::new()
    };
    store.commit(batch).await.unwrap();
    for future in [&second, &third] {
        assert_eq!(world.refresh(&app, future, &[]).await.error(), INVALID);
    }
    let other_second = world.rotate(&app, &first).await;
    assert_eq!(world.refresh(&app, &second, &[]).await.error(), INVALID);
    world.rotate(&app, &other_second).await;
    assert_eq!(
        world.refresh(&app, &second, &[]).await.error(),
        INVALID,
        "the rotated number, another text"
    );
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 0);
}
