//! A backup is restored, and what came after it is lost: nothing that was revoked, rotated or used meanwhile comes
//! alive again. Each test takes the backup, ends something as its owner would, and tries it as the attacker afterwards.

use crate::browser::{Browser, param, world};
use crate::delegation::KEY;
use crate::http::Auth;
use crate::proofs::ClientKey;
use crate::support::{Client, START, World, judged};
use grantd::base::jose::Alg;
use grantd::base::time::Timestamp;
use grantd::control::{Command, Revocation, loss};
use grantd::model::app::AuthMethod;
use grantd::model::settings::Settings;
use grantd::store::memory::MemoryStore;
use grantd::store::records::load;
use grantd::store::{Batch, Key, Store, Stored, Write, keys};
use std::sync::Arc;
use std::time::Duration;

const INVALID_GRANT: (u16, &str) = (400, "invalid_grant");
const INVALID_CLIENT: (u16, &str) = (401, "invalid_client");
/// How long it takes until the backup is restored.
const LATER: Duration = Duration::from_secs(600);

pub struct Backup(Vec<(Key, Stored)>);

impl Backup {
    pub async fn of(world: &World) -> Self {
        let rows = world.ctx.store.scan(&Key::default(), None, 100_000).await;
        Self(rows.expect("a scan works"))
    }

    /// Its records in a new store, and a server over them.
    pub async fn restored(&self, world: &World, keep_credentials: bool) -> World {
        let store = Arc::new(MemoryStore::new());
        for (key, stored) in &self.0 {
            let put = Write::Put {
                key: key.clone(),
                value: stored.value.to_vec(),
                expires_at: stored.expires_at,
            };
            let batch = Batch {
                writes: vec![put],
                ..Batch::new()
            };
            store.commit(batch).await.expect("an empty store takes everything");
        }
        world.advance(LATER);
        let now = world.ctx.now();
        let lost_since = Timestamp::from_millis(now.millis() - LATER.as_millis() as u64);
        let ended = loss::end_everything(&*store, now, lost_since, keep_credentials).await;
        ended.expect("everything ends");
        world.restarted_over(store).await
    }
}

pub async fn settings(world: &World) -> Settings {
    let found = load::<Settings>(&*world.ctx.store, &keys::settings()).await;
    found.unwrap().expect("there are settings").value
}

#[tokio::test]
async fn access_tokens_end_whoever_they_belong_to_and_new_ones_work() {
    let (world, app) = World::with_app().await;
    let server = world.add_resource_server().await;
    let (private, (delegated, _)) = (world.mint("").await, world.connect(&app).await);
    let revoked = world.mint("").await;
    let backup = Backup::of(&world).await;
    world
        .run(Command::TokenRevoke {
            what: Revocation::Token(revoked.clone()),
        })
        .await;
    let after = world.mint("").await;
    let world = backup.restored(&world, true).await;
    for dead in [&private, &delegated, &revoked, &after] {
        assert!(!judged(&world.introspect_as(&server, dead).await), "{dead}");
    }
    let (fresh, _) = world.connect(&app).await;
    assert!(judged(&world.introspect_as(&server, &fresh).await));
}

/// Whoever revoked everything meanwhile moved the counter past that of the backup.
#[tokio::test]
async fn the_global_counter_passes_everything_it_may_have_been_meanwhile() {
    let world = World::new("default").await;
    let backup = Backup::of(&world).await;
    for _ in 0..5 {
        world
            .run(Command::TokenRevoke {
                what: Revocation::Everything,
            })
            .await;
    }
    let lost = settings(&world).await.epoch;
    let world = backup.restored(&world, true).await;
    assert!(settings(&world).await.epoch > lost && settings(&world).await.epoch >= START.seconds());
    // Restored once more, still later.
    let first = settings(&world).await.epoch;
    let again = Backup::of(&world).await.restored(&world, true).await;
    assert!(settings(&again).await.epoch > first);
}

/// A signing key that was withdrawn because somebody has it signs nothing that is believed.
#[tokio::test]
async fn signing_keys_are_made_anew() {
    let world = World::new("default").await;
    let backup = Backup::of(&world).await;
    let old: Vec<String> = world.ctx.keyring.set().records.iter().map(|r| r.kid.clone()).collect();
    let world = backup.restored(&world, true).await;
    let jwks = world.get("/oauth/jwks.json").await;
    let published = jwks.json["keys"].as_array().expect("keys").clone();
    assert_eq!(published.len(), old.len());
    assert!(
        old.iter()
            .all(|kid| published.iter().all(|key| key["kid"] != kid.as_str())),
        "{published:?}"
    );
    assert!(old.iter().all(|kid| world.ctx.keyring.set().verifying(kid).is_none()));
}

#[tokio::test]
async fn refresh_tokens_rotated_or_revoked_meanwhile_and_all_others_end_with_the_consent() {
    let (world, app) = World::with_app().await;
    let (_, rotated) = world.connect(&app).await;
    let (_, untouched) = world.connect(&app).await;
    let backup = Backup::of(&world).await;
    let successor = world.rotate(&app, &rotated).await;
    let world = backup.restored(&world, true).await;
    for token in [&rotated, &untouched, &successor] {
        assert_eq!(world.refresh(&app, token, &[]).await.error(), INVALID_GRANT);
    }
    let grant = world.the_grant().await;
    assert!(
        grant.stamps.global < settings(&world).await.epoch,
        "the user is asked again"
    );
    let (_, fresh) = world.connect(&app).await;
    world.rotate(&app, &fresh).await;
}

/// `prompt=none` is answered from a consent: one that was withdrawn meanwhile must not be.
#[tokio::test]
async fn a_consent_is_asked_for_again() {
    let asking = world("default").await;
    let page = {
        let browser = Browser::new(&asking.world);
        browser.sign_in().await;
        let request = asking.good(&asking.query("")).await;
        asking.approve(&request).await.expect("approved");
        let silent = browser
            .get(&format!("/oauth/authorize?{}", asking.query("&prompt=none")))
            .await;
        assert!(param(&silent, "code").is_some(), "{silent:?}");
        asking.query("&prompt=none")
    };
    let backup = Backup::of(&asking.world).await;
    let restored = backup.restored(&asking.world, true).await;
    let browser = Browser::new(&restored);
    browser.sign_in().await;
    let silent = browser.get(&format!("/oauth/authorize?{page}")).await;
    assert_eq!(param(&silent, "code"), None, "{silent:?}");
    assert_eq!(param(&silent, "error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn a_code_redeemed_meanwhile_is_no_code_and_neither_is_one_that_was_not() {
    let (world, app) = World::with_app().await;
    let (redeemed, unused) = (world.code(&app, "").await, world.code(&app, "").await);
    let backup = Backup::of(&world).await;
    assert_eq!(world.exchange(&app, &redeemed, &[]).await.status, 200);
    let world = backup.restored(&world, true).await;
    for code in [&redeemed, &unused] {
        assert_eq!(world.exchange(&app, code, &[]).await.error(), INVALID_GRANT);
        assert_eq!(
            world.exchange(&app, code, &[("idempotency-key", KEY)]).await.error(),
            INVALID_GRANT
        );
    }
}

/// An answer kept for a repeat holds tokens.
#[tokio::test]
async fn a_receipt_is_repeated_no_more() {
    let (world, app) = World::with_app().await;
    let (_, first) = world.connect(&app).await;
    let headers = [("idempotency-key", KEY)];
    assert_eq!(world.refresh(&app, &first, &headers).await.status, 200);
    let backup = Backup::of(&world).await;
    let world = backup.restored(&world, true).await;
    let repeated = world.refresh(&app, &first, &headers).await;
    assert_eq!(repeated.status, 400, "{repeated:?}");
    let left = world.ctx.store.scan(&keys::space("receipt"), None, 9).await.unwrap();
    assert!(left.is_empty());
}

#[tokio::test]
async fn a_client_secret_revoked_meanwhile_stays_revoked_and_a_new_one_works() {
    let world = World::new("default").await;
    let backup = Backup::of(&world).await;
    let listed = world
        .run(Command::AppShow {
            client_id: world.client_id.clone(),
        })
        .await;
    let secret = listed["secrets"][0]["id"].as_str().expect("an id").to_owned();
    let client_id = world.client_id.clone();
    world
        .run(Command::SecretRevoke {
            client_id: client_id.clone(),
            secret,
        })
        .await;
    let restored = backup.restored(&world, false).await;
    assert_eq!(restored.ask("").await.error(), INVALID_CLIENT);
    let made = restored
        .run(Command::SecretAdd {
            client_id: client_id.clone(),
            label: None,
        })
        .await;
    let client: Client = (client_id, made["client_secret"].as_str().expect("text").to_owned());
    restored.mint_as(&client, "").await;
    // Unless the operator says that none was revoked.
    let kept = backup.restored(&world, true).await;
    kept.mint("").await;
}

/// A key of `private_key_jwt` that was taken out meanwhile, and an assertion that was used meanwhile.
#[tokio::test]
async fn keys_of_assertions_are_gone_and_a_used_assertion_is_not_taken_again() {
    let world = World::new("default").await;
    let (client, key) = (world.client(), ClientKey::new(Alg::Es256, 7));
    let jwk = serde_json::from_value(key.jwk()).expect("a key");
    world
        .change_rules(&client, |rules| {
            rules.auth_methods = vec![AuthMethod::PrivateKeyJwt];
            rules.jwks = vec![jwk];
        })
        .await;
    let form = |assertion: &str| {
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}")
    };
    let backup = Backup::of(&world).await;
    let restored = backup.restored(&world, false).await;
    let fresh = key.assertion(&restored, &client.0);
    assert_eq!(
        restored.post("/oauth/token", Auth::None, &form(&fresh)).await.error(),
        INVALID_CLIENT
    );

    // Kept: made before the restore, it may have been used; made well after, it was not.
    let before = key.assertion(&world, &client.0);
    world.ctx.store.commit(Batch::new()).await.unwrap();
    assert_eq!(world.post("/oauth/token", Auth::None, &form(&before)).await.status, 200);
    let kept = Backup(backup.0.clone());
    let ahead = Duration::from_secs(61);
    let late = {
        let store_now = world.ctx.now();
        let world = kept.restored_at_once(&world).await;
        assert_eq!(world.ctx.now(), store_now);
        assert_eq!(
            world.post("/oauth/token", Auth::None, &form(&before)).await.error(),
            INVALID_CLIENT
        );
        world.advance(ahead);
        world
    };
    let after = key.assertion(&late, &client.0);
    assert_eq!(late.post("/oauth/token", Auth::None, &form(&after)).await.status, 200);
}

#[tokio::test]
async fn a_proof_shown_meanwhile_is_not_taken_again() {
    let world = World::new("default").await;
    let key = ClientKey::new(Alg::Es256, 8);
    let backup = Backup::of(&world).await;
    let proof = key.proof(&world);
    assert_eq!(world.ask_with_proof(&proof).await.status, 200);
    let restored = backup.restored_at_once(&world).await;
    let again = restored.ask_with_proof(&proof).await;
    assert_eq!(again.error(), (400, "invalid_dpop_proof"));
    restored.advance(Duration::from_secs(61));
    assert_eq!(restored.ask_with_proof(&key.proof(&restored)).await.status, 200);
}

impl Backup {
    /// Restored in the moment it is needed, with credentials kept: what counts is what was used.
    async fn restored_at_once(&self, world: &World) -> World {
        let restored = self.restored(world, true).await;
        let back = Timestamp::from_millis(world.ctx.now().millis() - LATER.as_millis() as u64);
        world.clock.set(back);
        let found = load::<Settings>(&*restored.ctx.store, &keys::settings()).await;
        let found = found.unwrap().expect("there are settings");
        let now = Settings {
            restored_at: Some(back),
            ..found.value.clone()
        };
        let mut batch = Batch::new();
        batch.replace(&found, &now).unwrap();
        restored.ctx.store.commit(batch).await.unwrap();
        world.restarted_over(restored.ctx.store.clone()).await
    }
}
