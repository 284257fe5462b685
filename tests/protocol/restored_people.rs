//! The same for what people have: their sessions, tokens, passwords and links; and what stays.

use crate::browser::{Browser, EMAIL, PASSWORD, set_password, world};
use crate::links;
use crate::personal_tokens::with_token;
use crate::restored::{Backup, settings};
use crate::support::{START, World, judged};
use grantd::base::master::{Purpose, Sealed};
use grantd::config::SignUp;
use grantd::control::Command;
use grantd::model::api_key::ApiKey;
use grantd::model::app::App;
use grantd::model::endpoint::{Endpoint, Standing};
use grantd::model::epoch::Epochs;
use grantd::model::role::Role;
use grantd::model::session::Session;
use grantd::model::user::{Totp, User};
use grantd::store::records::{Record as _, list, load, load_by_index};
use grantd::store::{Batch, Key, keys};

#[tokio::test]
async fn personal_access_tokens_and_sessions_end() {
    let (asking, server, token) = with_token("default", &["data.read"]).await;
    let world = &asking.world;
    let browser = Browser::new(world);
    browser.sign_in().await;
    let cookie = browser.cookie();
    let backup = Backup::of(world).await;
    let restored = backup.restored(world, false).await;
    // The API's own secret is gone as well.
    let secret = Command::SecretAdd {
        client_id: server.0.clone(),
        label: None,
    };
    let made = restored.run(secret).await;
    let renewed = (
        server.0.clone(),
        made["client_secret"].as_str().expect("text").to_owned(),
    );
    assert!(!judged(&restored.introspect_as(&renewed, &token).await));
    let thief = Browser::new(&restored);
    thief.plant(&cookie);
    assert_eq!(thief.get("/account").await.status, 303);
    let (sessions, _) = list::<Session>(&*restored.ctx.store, &keys::space("session"), None, 9)
        .await
        .unwrap();
    assert!(sessions.is_empty());
    // Kept where the operator says that none was revoked; sessions never.
    let kept = backup.restored(world, true).await;
    assert!(judged(&kept.introspect_as(&server, &token).await));
    let thief = Browser::new(&kept);
    thief.plant(&cookie);
    assert_eq!(thief.get("/account").await.status, 303);
}

#[tokio::test]
async fn api_keys_end_unless_they_are_kept() {
    let asking = world("makecrypto").await;
    let world = &asking.world;
    let made = api_key(world).await;
    let backup = Backup::of(world).await;
    for (keep, stands) in [(false, false), (true, true)] {
        let restored = backup.restored(world, keep).await;
        let found = load::<ApiKey>(&*restored.ctx.store, &made)
            .await
            .unwrap()
            .expect("the key is there");
        assert_eq!(found.stamps.global >= settings(&restored).await.epoch, stands);
    }
}

/// An API key of the world's organization, as it is stored.
async fn api_key(world: &World) -> Key {
    let secret = world.ctx.secret.digest(Purpose::ApiKey, b"x");
    let key = ApiKey {
        id: "k_1".into(),
        organization: world.organization.clone(),
        digest: secret,
        name: "Till".into(),
        scopes: Vec::new(),
        created_by: "u_1".into(),
        stamps: Epochs::default(),
        created_at: START,
        expires_at: None,
        made_with: None,
        revoked: false,
    };
    let mut batch = Batch::new();
    batch.insert(&key).unwrap();
    world.ctx.store.commit(batch).await.unwrap();
    key.key()
}

/// The password of the backup may be the one that was changed because somebody else knew it.
#[tokio::test]
async fn passwords_and_links_of_before_open_nothing_and_a_new_link_does() {
    let world = links::world(SignUp::Closed).await;
    let old_link = links::link(
        &world,
        Command::UserReset {
            user: EMAIL.into(),
            second_factor: false,
        },
    )
    .await;
    let invitation = links::invitation(&world, "new@example.com", Role::Admin).await;
    let backup = Backup::of(&world).await;
    let restored = backup.restored(&world, false).await;
    let browser = Browser::new(&restored);
    let page = browser.get("/login").await;
    let answer = browser
        .submit(&page, "/login", &[("email", EMAIL), ("password", PASSWORD)])
        .await;
    assert_ne!(answer.status, 303, "{answer:?}");
    for link in [&old_link, &invitation] {
        assert_ne!(Browser::new(&restored).get(link).await.status, 200, "{link}");
    }
    let left = restored.ctx.store.scan(&keys::space("mail"), None, 9).await.unwrap();
    assert!(left.is_empty(), "no letter is sent twice");
    set_password(&restored, EMAIL).await;
    Browser::new(&restored).sign_in().await;
    // Kept: the password is good, the links are not, for they work once.
    let kept = backup.restored(&world, true).await;
    Browser::new(&kept).sign_in().await;
    for link in [&old_link, &invitation] {
        assert_ne!(Browser::new(&kept).get(link).await.status, 200, "{link}");
    }
}

#[tokio::test]
async fn recovery_codes_are_gone_and_the_second_factor_stays() {
    let world = links::world(SignUp::Closed).await;
    let user = load_by_index::<User>(&*world.ctx.store, &keys::email(EMAIL)).await;
    let user = user.unwrap().expect("Ada is there");
    let recovery = vec![world.ctx.secret.digest(Purpose::RecoveryCode, b"x")];
    let seed = Sealed::from_bytes(vec![1; 40]);
    let with = User {
        totp: Some(Totp {
            seed: seed.clone(),
            last_step: 1,
            recovery,
        }),
        ..user.value.clone()
    };
    let mut batch = Batch::new();
    batch.replace(&user, &with).unwrap();
    world.ctx.store.commit(batch).await.unwrap();
    let restored = Backup::of(&world).await.restored(&world, false).await;
    let user = load::<User>(&*restored.ctx.store, &keys::user(&with.id))
        .await
        .unwrap()
        .expect("there");
    let totp = user.value.totp.expect("still asked for");
    assert!(totp.recovery.is_empty() && totp.seed == seed && user.value.password.is_none());
}

/// An endpoint that was removed meanwhile, whoever has its address now, hears of nothing.
#[tokio::test]
async fn webhooks_wait_until_somebody_looked_at_them() {
    let world = World::new("default").await;
    let endpoint = Endpoint {
        in_order: false,
        id: "we_1".into(),
        client_id: world.client_id.clone(),
        label: String::new(),
        url: "https://hook.example/".into(),
        kinds: Vec::new(),
        secret: Sealed::from_bytes(vec![1; 40]),
        secret_at: START,
        standing: Standing::Enabled,
        failing_since: None,
        created_at: START,
    };
    let mut batch = Batch::new();
    batch.insert(&endpoint).unwrap();
    world.ctx.store.commit(batch).await.unwrap();
    let backup = Backup::of(&world).await;
    for (keep, standing) in [(false, Standing::Restored), (true, Standing::Enabled)] {
        let restored = backup.restored(&world, keep).await;
        let key = endpoint.key();
        let found = load::<Endpoint>(&*restored.ctx.store, &key)
            .await
            .unwrap()
            .expect("there");
        assert_eq!(found.standing, standing);
    }
    assert!(Standing::Restored.is_paused());
}

/// Numbers given to organizations meanwhile are given to no other: the API may know them.
#[tokio::test]
async fn an_organization_gets_no_number_that_was_given_meanwhile() {
    let world = World::new("mokapen").await;
    let backup = Backup::of(&world).await;
    let mut lost = Vec::new();
    for name in ["B", "C", "D"] {
        lost.push(world.add_organization(name).await);
    }
    let restored = backup.restored(&world, true).await;
    let next = restored.add_organization("E").await;
    assert!(
        lost.iter()
            .all(|id| id.parse::<u64>().unwrap() < next.parse::<u64>().unwrap()),
        "{next} after {lost:?}"
    );
}

/// Everything else is as it was: what an honest operator keeps.
#[tokio::test]
async fn who_and_what_there_is_stays() {
    let (world, app) = World::with_app().await;
    world.connect(&app).await;
    let backup = Backup::of(&world).await;
    let restored = backup.restored(&world, false).await;
    for command in [
        || Command::UserList,
        || Command::OrganizationList,
        || Command::InstallationList,
    ] {
        assert_eq!(restored.run(command()).await, world.run(command()).await);
    }
    let found = load::<App>(&*restored.ctx.store, &keys::app(&app.0))
        .await
        .unwrap()
        .expect("there");
    assert_eq!((found.usable(), found.secrets.len()), (true, 0));
    assert_eq!(restored.families().await.len(), 1);
}
