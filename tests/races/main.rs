//! Two things at once, in an order that a store holds them to.

mod gate;
mod tokens;
mod world;
mod yielding;

use gate::Gate;
use grantd::base::jose::Algorithm;
use grantd::base::master::MasterSecret;
use grantd::base::random::SeededRandom;
use grantd::base::time::{ManualClock, Timestamp};
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::control::{Command, NewApp, execute};
use grantd::model::app::Kind;
use grantd::model::role::Role;
use grantd::model::signing_key::KeyState;
use grantd::store::keys;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const USER: &str = "owner@example.com";

async fn open() -> (Arc<Context>, Arc<Gate>) {
    let overrides = Overrides {
        issuer: Some("https://auth.example".into()),
        listen: Some(vec!["http://127.0.0.1:0".into()]),
        data_dir: Some("/nonexistent/grantd".into()),
        profile: Some("mokapen".into()),
        ..Overrides::default()
    };
    let store = Arc::new(Gate::default());
    let random = Arc::new(SeededRandom::new(1));
    let secret = MasterSecret::generate(&*random);
    let parts = Parts {
        config: Config::load(None, &overrides).expect("the built-in profiles are good"),
        store: store.clone(),
        clock: Arc::new(ManualClock::new(Timestamp::from_seconds(1_767_225_600))),
        random,
        secret,
    };
    let ctx = Arc::new(Context::open(parts).await.expect("an empty store opens"));
    let (name, id) = ("Acme".to_owned(), None);
    run(&ctx, Command::OrganizationCreate { name, id }).await;
    let (email, name, password) = (USER.to_owned(), None, None);
    run(&ctx, Command::UserAdd { email, name, password }).await;
    let (organization, user, role) = ("849".to_owned(), USER.to_owned(), Role::Owner);
    run(
        &ctx,
        Command::MemberSet {
            organization,
            user,
            role,
        },
    )
    .await;
    (ctx, store)
}

async fn run(ctx: &Context, command: Command) -> Value {
    execute(ctx, command).await.expect("the command succeeds")
}

fn new_app() -> Command {
    Command::AppCreate(NewApp {
        dedicated_user: Some(USER.into()),
        ..NewApp::new(Kind::Private, "849", "App")
    })
}

#[tokio::test]
async fn a_revoked_key_does_not_come_back_with_keys_that_were_read_before() {
    let (ctx, gate) = open().await;
    let keys_now = run(&ctx, Command::KeyList).await;
    let active = keys_now
        .as_array()
        .expect("a list")
        .iter()
        .find(|key| key["state"] == "active");
    let kid = active
        .expect("one")
        .get("kid")
        .and_then(Value::as_str)
        .expect("text")
        .to_owned();
    // Somebody has read all keys and is about to put them in place …
    gate.hold_next_scan(keys::signing_keys());
    let slow = tokio::spawn({
        let ctx = ctx.clone();
        async move { ctx.keyring.reload(&ctx.key_tools()).await }
    });
    gate.held().await;
    // … when the key is revoked.
    let revoking = tokio::spawn({
        let (ctx, kid) = (ctx.clone(), kid.clone());
        async move { run(&ctx, Command::KeyRevoke { kid }).await }
    });
    for _ in 0..100 {
        // As far as it comes.
        tokio::task::yield_now().await;
    }
    gate.release();
    slow.await.expect("no panic").expect("read");
    revoking.await.expect("no panic");
    assert!(
        ctx.keyring.set().verifying(&kid).is_none(),
        "the revoked key verifies again"
    );
    assert!(
        !String::from_utf8_lossy(&ctx.keyring.set().jwks).contains(&kid),
        "the revoked key is published again"
    );
}

fn active_kid(ctx: &Context) -> String {
    let set = ctx.keyring.set();
    let active = set.records.iter().find(|key| key.state == KeyState::Active);
    active.expect("one signs").kid.clone()
}

#[tokio::test]
async fn a_key_is_revoked_though_its_record_changes_at_that_moment() {
    let (ctx, gate) = open().await;
    let kid = active_kid(&ctx);
    gate.hold_next_commit();
    let revoking = tokio::spawn({
        let (ctx, kid) = (ctx.clone(), kid.clone());
        async move { execute(&ctx, Command::KeyRevoke { kid }).await }
    });
    gate.held().await;
    // A token moves the key's watermark.
    let exp = ctx.now() + Duration::from_secs(3600);
    let signer = ctx.keyring.signer(&ctx.key_tools(), Algorithm::EdDsa, exp).await;
    assert_eq!(signer.expect("a key signs").record.kid, kid);
    gate.release();
    revoking.await.expect("no panic").expect("the key is revoked");
    assert!(ctx.keyring.set().verifying(&kid).is_none());
}

#[tokio::test]
async fn revoking_a_key_again_finishes_what_was_interrupted_after_the_commit() {
    let (ctx, gate) = open().await;
    let kid = active_kid(&ctx);
    gate.hold_next_commit();
    let revoking = tokio::spawn({
        let (ctx, kid) = (ctx.clone(), kid.clone());
        async move { execute(&ctx, Command::KeyRevoke { kid }).await }
    });
    gate.held().await;
    // Committed, but the keys left are not read any more.
    gate.hold_next_scan(keys::signing_keys());
    gate.release();
    gate.held().await;
    revoking.abort();
    assert!(revoking.await.expect_err("it was aborted").is_cancelled());
    assert!(ctx.keyring.set().verifying(&kid).is_some(), "nothing was interrupted");
    let again = execute(&ctx, Command::KeyRevoke { kid: kid.clone() }).await;
    assert!(again.expect_err("the store has it no more").contains("there is no key"));
    assert!(
        ctx.keyring.set().verifying(&kid).is_none(),
        "the revoked key still verifies"
    );
    assert_ne!(active_kid(&ctx), kid, "the revoked key still signs");
}

#[tokio::test]
async fn an_app_never_gets_a_dedicated_user_who_has_just_left() {
    let (ctx, gate) = open().await;
    // The app is about to be written …
    gate.hold_next_commit();
    let creating = tokio::spawn({
        let ctx = ctx.clone();
        async move { execute(&ctx, new_app()).await }
    });
    gate.held().await;
    // … when the member leaves.
    let (organization, user) = ("849".to_owned(), USER.to_owned());
    run(&ctx, Command::MemberRemove { organization, user }).await;
    gate.release();
    let why = creating
        .await
        .expect("no panic")
        .expect_err("the decision rested on a member who is gone");
    assert!(why.contains("changed by somebody else"), "{why}");
    assert_eq!(
        run(&ctx, Command::AppList { organization: None }).await,
        Value::Array(Vec::new())
    );
}

#[tokio::test]
async fn keys_are_not_rotated_without_end() {
    let (ctx, _) = open().await;
    let mut rotations = 0;
    let why = loop {
        match execute(&ctx, Command::KeyRotate { algorithm: None }).await {
            Ok(_) => rotations += 1,
            Err(why) => break why,
        }
        assert!(rotations < 1000, "every one of these keys is published");
    };
    assert!(why.contains("keys already"), "{why}");
    // The set is as good as before.
    let keys = run(&ctx, Command::KeyList).await;
    let in_state = |state: &str| {
        keys.as_array()
            .into_iter()
            .flatten()
            .filter(|key| key["state"] == state)
            .count()
    };
    assert_eq!((in_state("active"), in_state("next")), (1, 1));
}
