//! RFC 9449 §8: nonces, where a profile wants them.

use crate::http::Answer;
use crate::proofs::ClientKey;
use crate::support::{World, config, open};
use grantd::base::jose::Alg;
use grantd::oauth::dpop;
use grantd::store::memory::MemoryStore;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn key() -> ClientKey {
    ClientKey::new(Alg::Es256, 1)
}

/// A server that wants nonces.
async fn with_nonces() -> World {
    let mut config = config("default", Path::new("/nonexistent/grantd"));
    config.profile.dpop.nonces = true;
    World::with_config(config, Arc::new(MemoryStore::new())).await
}

/// The one nonce of an answer, which scripts of other origins may read and no cache keeps.
fn nonce_of(answer: &Answer) -> String {
    assert_eq!(answer.headers.get_all("dpop-nonce").iter().count(), 1, "{answer:?}");
    assert_eq!(answer.header("access-control-expose-headers"), Some("DPoP-Nonce"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let nonce = answer.header("dpop-nonce").unwrap();
    // 1*NQCHAR (RFC 9449 §8.1).
    assert!(!nonce.is_empty() && nonce.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
    nonce.to_owned()
}

fn with_nonce(world: &World, key: &ClientKey, nonce: &str) -> String {
    key.spoiled_proof(world, &|_, claims| claims["nonce"] = json!(nonce))
}

#[tokio::test]
async fn d7_d9_where_nonces_are_wanted_a_proof_without_one_is_told_it() {
    let (world, key) = (with_nonces().await, key());
    let without = world.ask_with_proof(&key.proof(&world)).await;
    assert_eq!(without.error(), (400, "use_dpop_nonce"));
    let nonce = nonce_of(&without);
    let good = world.ask_with_proof(&with_nonce(&world, &key, &nonce)).await;
    assert_eq!((good.status, &good.json["token_type"]), (200, &json!("DPoP")));
    nonce_of(&good);
    // Having been given one, the client cannot go on without.
    assert_eq!(
        world.ask_with_proof(&key.proof(&world)).await.error(),
        (400, "use_dpop_nonce")
    );
}

#[tokio::test]
async fn d7_a_nonce_is_good_for_minutes_and_one_that_was_never_made_is_refused() {
    let (world, key) = (with_nonces().await, key());
    let first = nonce_of(&world.ask_with_proof(&key.proof(&world)).await);
    world.advance(Duration::from_secs(300));
    let next = world.ask_with_proof(&with_nonce(&world, &key, &first)).await;
    assert_eq!(next.status, 200);
    let second = nonce_of(&next);
    assert_ne!(first, second);
    assert_eq!(
        world
            .restarted()
            .await
            .ask_with_proof(&with_nonce(&world, &key, &second))
            .await
            .status,
        200
    );
    world.advance(Duration::from_secs(300));
    let stale = world.ask_with_proof(&with_nonce(&world, &key, &first)).await;
    assert_eq!(stale.error(), (400, "use_dpop_nonce"));
    let third = nonce_of(&stale);

    let store = Arc::new(MemoryStore::new());
    let elsewhere = open(world.ctx.config.clone(), store, world.clock.clone(), 77, 78)
        .await
        .unwrap();
    let foreign = dpop::next_nonce(&elsewhere).unwrap();
    for unknown in [
        &foreign,
        &third[..third.len() - 4],
        &third[..24],
        &format!("{third}AAAA"),
        "",
        "AAAA",
        "x y",
    ] {
        let answer = world.ask_with_proof(&with_nonce(&world, &key, unknown)).await;
        assert_eq!(answer.error(), (400, "use_dpop_nonce"), "{unknown}");
        assert_eq!(nonce_of(&answer), third);
    }
}

/// When they are no longer wanted, those that are still good are no mistake.
#[tokio::test]
async fn d7_a_server_that_wants_no_nonce_refuses_all_but_its_own() {
    let (world, key) = (World::new("default").await, key());
    let wanting = with_nonces().await;
    let own = dpop::next_nonce(&wanting.ctx).unwrap();
    let good = world.ask_with_proof(&with_nonce(&world, &key, &own)).await;
    assert_eq!((good.status, good.header("dpop-nonce")), (200, None));
    let foreign = world.ask_with_proof(&with_nonce(&world, &key, &own[1..])).await;
    assert_eq!(foreign.error(), (400, "invalid_dpop_proof"));
    assert_eq!(
        foreign.header("dpop-nonce"),
        None,
        "or proofs without one had to be refused from then on"
    );
}
