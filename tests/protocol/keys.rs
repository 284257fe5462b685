//! Signing keys: next → active → retired → dropped, and what a token notices of it.

use crate::failing_store::FailingStore;
use crate::support::{ISSUER, START, World, config, open};
use crate::tokens::header;
use grantd::base::jose::Algorithm;
use grantd::base::time::ManualClock;
use grantd::control::Command;
use grantd::jobs;
use grantd::model::signing_key::{KeyState, SigningKeyRecord};
use grantd::store::Batch;
use grantd::store::disk::Disk;
use grantd::store::memory::MemoryStore;
use grantd::store::sled::{SledOptions, SledStore};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn published(world: &World) -> Vec<Value> {
    let answer = world.get("/oauth/jwks.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json["keys"].as_array().expect("a list").clone()
}

async fn kids(world: &World) -> BTreeSet<String> {
    let keys = published(world).await;
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The kids in this state, as `key list` tells them.
async fn in_state(world: &World, state: &str) -> Vec<String> {
    let rows = world.run(Command::KeyList).await;
    let rows = rows.as_array().unwrap().iter().filter(|row| row["state"] == state);
    rows.map(|row| row["kid"].as_str().unwrap().to_owned()).collect()
}

async fn rotate(world: &World) {
    world.run(Command::KeyRotate { algorithm: None }).await;
}

fn kid(token: &str) -> String {
    header(token)["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn f9_every_published_key_is_public_has_a_unique_kid_and_is_for_signatures() {
    let mut config = config("default", Path::new("/nonexistent/grantd"));
    for (path, algorithm) in [("rsa", Algorithm::Rs256), ("ec", Algorithm::Es256)] {
        let mut resource = config.profile.resources[0].clone();
        resource.identifier = format!("{ISSUER}/{path}");
        resource.algorithm = algorithm;
        config.profile.resources.push(resource);
    }
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    rotate(&world).await;
    let keys = published(&world).await;
    assert_eq!(keys.len(), 9, "an active, a next and a retired one of each algorithm");
    assert_eq!(kids(&world).await.len(), 9);
    for key in &keys {
        let mut members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        let expected: &[&str] = match key["alg"].as_str().unwrap() {
            "EdDSA" => &["alg", "crv", "kid", "kty", "use", "x"],
            "ES256" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            "RS256" => &["alg", "e", "kid", "kty", "n", "use"],
            other => panic!("{other} is published"),
        };
        assert_eq!(members, expected, "nothing private, nothing else");
        assert_eq!(key["use"], "sig");
        if key["alg"] == "RS256" {
            // 2048 bits are 256 bytes are 342 characters.
            assert!(key["n"].as_str().unwrap().len() >= 342);
        }
        let jwk: grantd::base::jose::Jwk = serde_json::from_value(key.clone()).unwrap();
        assert_eq!(key["kid"].as_str(), Some(jwk.thumbprint().as_str()));
    }
}

#[tokio::test]
async fn f9_a_key_is_published_before_it_signs_and_while_its_tokens_live() {
    let world = World::new("default").await;
    let (active, next) = (in_state(&world, "active").await, in_state(&world, "next").await);
    assert_eq!((active.len(), next.len()), (1, 1));
    let old = world.mint("").await;
    assert_eq!(kid(&old), active[0]);
    assert!(
        kids(&world)
            .await
            .is_superset(&active.iter().chain(&next).cloned().collect())
    );
    rotate(&world).await;
    assert_eq!(
        in_state(&world, "active").await,
        next,
        "the one that was published before"
    );
    assert_eq!(in_state(&world, "retired").await, active);
    let new = world.mint("").await;
    assert_eq!(kid(&new), next[0]);
    assert!(kids(&world).await.contains(&active[0]));
    assert!(world.is_active(&old).await && world.is_active(&new).await);
    let restarted = world.restarted().await;
    assert_eq!(
        kids(&restarted).await,
        kids(&world).await,
        "no key is made by a restart"
    );
    assert!(restarted.is_active(&old).await && restarted.is_active(&new).await);
    assert_eq!(kid(&restarted.mint("").await), next[0]);
}

#[tokio::test]
async fn f9_a_public_key_is_dropped_only_when_the_last_token_it_signed_has_expired() {
    let world = World::new("mokapen").await;
    let first = world.mint("").await;
    world.advance(DAY * 100);
    let last = world.mint("").await;
    rotate(&world).await;
    let old = kid(&last);
    assert_eq!(kid(&first), old);
    world.advance(DAY * 364);
    jobs::keys::turn(&world.ctx).await.unwrap();
    assert!(kids(&world).await.contains(&old), "the last token lives another day");
    assert!(!world.is_active(&first).await && world.is_active(&last).await);
    world.advance(DAY - Duration::from_millis(1));
    jobs::keys::turn(&world.ctx).await.unwrap();
    assert!(world.is_active(&last).await && kids(&world).await.contains(&old));
    // Its watermark reaches up to a day past the greatest exp.
    world.advance(DAY + Duration::from_millis(2));
    jobs::keys::turn(&world.ctx).await.unwrap();
    assert!(!kids(&world).await.contains(&old));
    assert!(!kids(&world.restarted().await).await.contains(&old));
}

#[tokio::test]
async fn f9_keys_rotate_by_schedule_and_never_one_that_nobody_has_seen() {
    let world = World::new("default").await;
    let before = kid(&world.mint("").await);
    world.advance(DAY * 90 - Duration::from_millis(1));
    jobs::keys::turn(&world.ctx).await.unwrap();
    assert_eq!(kid(&world.mint("").await), before, "not due yet");
    world.advance(Duration::from_millis(1));
    jobs::keys::turn(&world.ctx).await.unwrap();
    let after = kid(&world.mint("").await);
    assert_ne!(after, before);
    assert!(world.ctx.keyring.set().records.len() >= 3);
    jobs::keys::turn(&world.ctx).await.unwrap();
    assert_eq!(kid(&world.mint("").await), after, "one turn, one rotation");
    // The next key is revoked shortly before the rotation: its successor is published for 7 days first.
    world.advance(DAY * 89);
    let next = in_state(&world, "next").await.remove(0);
    world.run(Command::KeyRevoke { kid: next }).await;
    world.advance(DAY);
    jobs::keys::turn(&world.ctx).await.unwrap();
    assert_eq!(kid(&world.mint("").await), after, "due, but the next key is a day old");
    world.advance(DAY * 6);
    jobs::keys::turn(&world.ctx).await.unwrap();
    assert_ne!(kid(&world.mint("").await), after);
}

#[tokio::test]
async fn f9_a_revoked_key_verifies_nothing_from_that_moment() {
    let world = World::new("default").await;
    let (lost, spare) = (
        in_state(&world, "active").await.remove(0),
        in_state(&world, "next").await.remove(0),
    );
    let dead = world.mint("").await;
    world.run(Command::KeyRevoke { kid: lost.clone() }).await;
    assert!(!world.is_active(&dead).await);
    assert!(!kids(&world).await.contains(&lost));
    let alive = world.mint("").await;
    assert_eq!(kid(&alive), spare, "its successor signs");
    assert!(world.is_active(&alive).await);
    assert_eq!(in_state(&world, "next").await.len(), 1, "and has a successor itself");
    rotate(&world).await;
    let retired = kid(&alive);
    world.run(Command::KeyRevoke { kid: retired }).await;
    assert!(!world.is_active(&alive).await, "a retired key can be lost too");
    assert!(!world.restarted().await.is_active(&dead).await);
}

#[tokio::test]
async fn f9_commands_for_keys_that_are_not_there_say_so() {
    let world = World::new("default").await;
    for kid in ["", "nobody", "\0", "k\0"] {
        let said = world.refused(Command::KeyRevoke { kid: kid.into() }).await;
        assert!(said.contains("grantd key list"), "{said}");
    }
    for algorithm in ["RS256", "HS256", "none", ""] {
        let rotate = Command::KeyRotate {
            algorithm: Some(algorithm.into()),
        };
        assert!(world.refused(rotate).await.contains("grantd key list"));
    }
    let rotate = Command::KeyRotate {
        algorithm: Some("EdDSA".into()),
    };
    world.run(rotate).await;
}

#[tokio::test]
async fn another_secret_is_refused_with_a_sentence() {
    let world = World::new("default").await;
    let (config, store) = (world.ctx.config.clone(), world.ctx.store.clone());
    let refused = open(config, store, world.clock.clone(), 42, 4)
        .await
        .err()
        .expect("refused");
    assert!(
        refused.contains("data/secret") && refused.contains("put the right one back"),
        "{refused}"
    );
    world.secrets.assert_absent("a refusal", &refused);
    assert!(
        world.restarted().await.is_active(&world.mint("").await).await,
        "the store is untouched"
    );
}

#[tokio::test]
async fn private_keys_stand_nowhere_in_the_store() {
    let world = World::new("default").await;
    let exp = START + DAY;
    let signer = world
        .ctx
        .keyring
        .signer(&world.ctx.key_tools(), Algorithm::EdDsa, exp)
        .await
        .unwrap();
    let private = signer.key.to_private_bytes();
    let rows = world
        .ctx
        .store
        .scan(&grantd::store::Key::default(), None, 1000)
        .await
        .unwrap();
    assert!(rows.len() > 5);
    for (key, stored) in rows {
        let holds = |secret: &[u8]| stored.value.windows(secret.len()).any(|window| window == secret);
        assert!(!holds(&private), "{key:?} holds a private key");
        assert!(!holds(world.client_secret.as_bytes()), "{key:?} holds a client secret");
        assert!(
            !key.0
                .windows(20)
                .any(|window| world.client_secret.as_bytes().starts_with(window))
        );
    }
}

#[tokio::test]
async fn no_token_is_answered_that_its_keys_watermark_does_not_cover() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    store.fail_commits(true);
    let answer = world.ask("").await;
    assert_eq!(
        answer.error(),
        (503, "temporarily_unavailable"),
        "the first token must move the watermark"
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    store.fail_commits(false);
    let token = world.mint("").await;
    let exp = crate::tokens::payload(&token)["exp"].as_u64().unwrap();
    let signed_until = world
        .ctx
        .keyring
        .set()
        .records
        .iter()
        .map(|r| r.signed_until.seconds())
        .max()
        .unwrap();
    assert!(signed_until >= exp);
    store.fail_commits(true);
    assert_eq!(
        world.ask("").await.status,
        200,
        "within the watermark nothing is written"
    );
}

#[tokio::test]
async fn a_store_that_fails_while_opening_is_a_sentence() {
    let store = Arc::new(FailingStore::default());
    store.fail_commits(true);
    let config = config("default", Path::new("/nonexistent/grantd"));
    let refused = open(config, store, Arc::new(ManualClock::new(START)), 1, 1)
        .await
        .err()
        .expect("refused");
    assert!(refused.contains("the store is unavailable"), "{refused}");
}

/// A disk with as much room as a test says.
struct Room(AtomicU64);

impl Disk for Room {
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_compromised_key_is_revoked_on_a_full_disk_too() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Room(AtomicU64::new(u64::MAX / 4)));
    let options = SledOptions {
        disk: disk.clone(),
        segment_bytes: 64 * 1024,
        reserve_bytes: 4096,
        floor_bytes: 4096,
        ..SledOptions::default()
    };
    let (store, _) = SledStore::open(dir.path(), options).unwrap();
    let world = World::with_store("default", Arc::new(store)).await;
    disk.0.store(0, Ordering::SeqCst);
    let email = "new@example.com".to_owned();
    let (name, password) = (None, None);
    let full = world.refused(Command::UserAdd { email, name, password }).await;
    assert!(full.contains("the disk is full"), "{full}");
    let [lost] = in_state(&world, "active").await.try_into().unwrap();
    world.run(Command::KeyRevoke { kid: lost.clone() }).await;
    assert!(!kids(&world).await.contains(&lost));
    world.mint("").await;
}

#[tokio::test]
async fn a_thousand_retired_keys_do_not_hide_the_one_that_signs() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    let set = world.ctx.keyring.set();
    let active = set.records.iter().find(|key| key.state == KeyState::Active).unwrap();
    for page in 0..25 {
        let mut batch = Batch::new();
        for number in 0..40 {
            let old = SigningKeyRecord {
                // Before every other in the order of keys.
                kid: format!("--{page:02}{number:02}"),
                ..active.retire(START)
            };
            batch.insert(&old).unwrap();
        }
        world.ctx.store.commit(batch).await.unwrap();
    }
    let world = world.restarted().await;
    assert_eq!(in_state(&world, "retired").await.len(), 1000);
    assert_eq!(in_state(&world, "active").await, [kid(&token)]);
    let seen = world.post_as_app("/oauth/introspect", &format!("token={token}")).await;
    assert_eq!(seen.json["active"], true);
}
