//! `DELETE /oauth/native/installations` (contract §3.5), and the resets of administrators.

use crate::administrators::{ADMINISTRATOR, REVIEWER, on_duty, signed_in};
use crate::http::{Answer, request};
use crate::native::{DAY, INVALID, Native, PATH, Plugin, Tokens, key_of, new_key, proof, world};
use crate::native_consent::stands;
use crate::support::World;
use crate::yielding::Yielding;
use grantd::base::master::Purpose;
use grantd::control::Command;
use grantd::model::event::EventKind;
use grantd::model::subscription::{Subscription, owner_of_grant};
use grantd::model::user::Duty;
use grantd::store::records::load;
use grantd::store::{Batch, Outcome, keys};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

const SITE: &str = "https://shop.example";
const KEY: &str = "medusa-native-reset-0123456789012345678901234567890123456789";

fn uuid(number: usize) -> String {
    format!("{:08x}-0000-4000-8000-000000000000", number * 7919 % 65536)
}

/// A webhook subscription of this installation, under a grant.
async fn subscribe(world: &World, client_id: &str, grant: &str, number: usize, active: bool) -> String {
    let now = world.ctx.now();
    let subscription = Subscription {
        id: uuid(number),
        organization: world.organization.clone(),
        owner: owner_of_grant(grant),
        client_id: Some(client_id.to_owned()),
        url: format!("{SITE}/hooks/makepay"),
        events: vec!["makepay.payment.*".into()],
        active,
        description: None,
        metadata: "{}".into(),
        secret: world
            .ctx
            .secret
            .seal(Purpose::WebhookSecret, b"place", b"a secret", &*world.ctx.random),
        last4: "cret".into(),
        secret_created_at: now,
        secret_updated_at: now,
        created_at: now,
        updated_at: now,
    };
    let mut batch = Batch::new();
    batch.insert(&subscription).unwrap();
    let outcome = world.ctx.store.commit(batch).await.unwrap();
    assert!(matches!(outcome, Outcome::Committed(_)));
    subscription.id
}

async fn subscription(world: &World, grant: &str) -> Subscription {
    let key = keys::subscription(&world.organization, &owner_of_grant(grant));
    load::<Subscription>(&*world.ctx.store, &key)
        .await
        .unwrap()
        .unwrap()
        .value
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
        && matches!(parts[2].as_bytes()[0], b'1'..=b'5')
        && matches!(parts[3].as_bytes()[0], b'8' | b'9' | b'a' | b'b')
}

#[tokio::test]
async fn native_0_11_3_5_a_reset_ends_everything_and_is_repeated_days_later_with_the_dead_token() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let grant = tokens.claim("grant_id");
    let mut ids = vec![subscribe(world, &shop.client_id, &grant, 1, true).await];
    // Of earlier grants, more than one record holds, and one of somebody else.
    for number in 2..=250 {
        ids.push(subscribe(world, &shop.client_id, &format!("g_{number}"), number, false).await);
    }
    subscribe(world, "mco_app_other", "g_other", 999, true).await;
    ids.sort();
    let outstanding = shop.code(&native, &key).await;
    let answer = shop.reset(world, &tokens.access, &key, KEY).await;
    assert_eq!((answer.status, answer.replayed()), (200, false), "{answer:?}");
    let mutation = answer.text("resetMutationId");
    assert!(is_uuid(&mutation), "{mutation}");
    let whole = json!({
        "client_id": shop.client_id,
        "reset": true,
        "historicalDeliveryPreserved": true,
        "signingSecretChanged": false,
        "resetMutationId": mutation,
        "preservedWebhookSubscriptionIds": ids,
    });
    assert_eq!(answer.json, whole);
    assert!(!stands(world, &tokens.access).await);
    assert!(!subscription(world, &grant).await.active);
    assert!(subscription(world, "g_other").await.active);
    let once = key_of(&outstanding);
    assert_eq!(
        shop.exchange(world, &outstanding, &key, Some(&once)).await.error(),
        INVALID
    );
    for other in [&key, &new_key()] {
        assert_eq!(shop.refresh(world, &tokens.refresh, other, None).await.error(), INVALID);
    }
    assert_eq!(world.events(EventKind::InstallationReset).await, 1);
    assert_eq!(world.events(EventKind::GrantRevoked).await, 1);
    for days in [0, 3, 100] {
        world.advance(DAY * days);
        let again = shop.reset(world, &tokens.access, &key, KEY).await;
        assert_eq!((again.status, again.replayed(), &again.body), (200, true, &answer.body));
    }
    assert_eq!(world.events(EventKind::InstallationReset).await, 1);
}

/// Families of an installation may never expire: a reset leaves none, however many consents there were.
#[tokio::test]
async fn native_3_5_a_reset_leaves_nothing_of_many_consents() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let first = shop.connect(&native, &key).await;
    let mut tokens = first;
    for _ in 0..12 {
        tokens = shop.consent(&native, &key).await;
    }
    let once = key_of(&tokens.refresh);
    tokens = Tokens::of(&shop.refresh(world, &tokens.refresh, &key, Some(&once)).await);
    let families = keys::families(&world.organization, &tokens.claim("grant_id"));
    let left = || world.ctx.store.scan(&families, None, 100);
    assert_eq!(left().await.unwrap().len(), 13);
    assert_eq!(shop.reset(world, &tokens.access, &key, KEY).await.status, 200);
    assert_eq!(left().await.unwrap().len(), 0);
}

#[tokio::test]
async fn native_3_5_a_receipt_answers_only_the_same_token_with_the_same_key() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let old = shop.connect(&native, &key).await;
    let newer = Tokens::of(&shop.refresh(world, &old.refresh, &key, None).await);
    shop.reset(world, &newer.access, &key, KEY).await;
    for (access, key) in [(&old.access, &key), (&newer.access, &new_key())] {
        let wrong = shop.reset(world, access, key, KEY).await;
        assert_eq!(wrong.error(), (401, "invalid_reset_receipt_proof"));
    }
    // Another key of idempotency is another request, and the token is dead.
    let other = shop
        .reset(world, &newer.access, &key, "medusa-native-reset-other")
        .await;
    assert_eq!(other.error(), (401, "invalid_token"));
    assert!(other.header("www-authenticate").unwrap().starts_with("DPoP "));
    let again = shop.reset(world, &newer.access, &key, KEY).await;
    assert!(again.replayed());
}

async fn delete(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    world.send(request(Method::DELETE, path, headers, b"")).await
}

#[tokio::test]
async fn native_3_5_a_reset_needs_one_well_formed_idempotency_key() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let dpop = || proof(world, &key, "DELETE", PATH, Some(&tokens.access));
    let authorization = format!("DPoP {}", tokens.access);
    let path = format!("{PATH}?client_id={}", shop.client_id);
    for bad in ["short", "with spaces in it", "dots.are.not.allowed", &"k".repeat(201)] {
        let fresh = dpop();
        let headers = [
            ("authorization", authorization.as_str()),
            ("dpop", &fresh),
            ("idempotency-key", bad),
        ];
        let answer = delete(world, &path, &headers).await;
        assert_eq!(answer.error(), (400, "invalid_idempotency_key"), "{bad}");
    }
    let fresh = dpop();
    let none = delete(world, &path, &[("authorization", &authorization), ("dpop", &fresh)]).await;
    assert_eq!(none.error(), (400, "invalid_idempotency_key"));
    assert!(stands(world, &tokens.access).await);
}

#[tokio::test]
async fn native_3_5_each_thing_that_is_wrong_has_its_error_and_nothing_happens() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, mut second) = (Plugin::medusa(SITE), Plugin::medusa("https://second.example"));
    let key = new_key();
    let tokens = shop.connect(&native, &key).await;
    second.connect(&native, &new_key()).await;
    let dpop = || proof(world, &key, "DELETE", PATH, Some(&tokens.access));
    let authorization = format!("DPoP {}", tokens.access);
    let bearer = format!("Bearer {}", tokens.access);
    let path = format!("{PATH}?client_id={}", shop.client_id);
    let other_method = proof(world, &key, "POST", PATH, Some(&tokens.access));
    let without_ath = proof(world, &key, "DELETE", PATH, None);
    for (auth, proof, error) in [
        (None, Some(dpop()), "invalid_token"),
        (Some(bearer.as_str()), Some(dpop()), "invalid_token"),
        (
            Some("DPoP x"),
            Some(proof(world, &key, "DELETE", PATH, Some("x"))),
            "invalid_token",
        ),
        (Some(authorization.as_str()), None, "invalid_dpop_proof"),
        (Some(authorization.as_str()), Some(other_method), "invalid_dpop_proof"),
        (Some(authorization.as_str()), Some(without_ath), "invalid_dpop_proof"),
        (
            Some(authorization.as_str()),
            Some(self::proof(world, &new_key(), "DELETE", PATH, Some(&tokens.access))),
            "invalid_token",
        ),
    ] {
        let mut headers = vec![("idempotency-key", KEY)];
        headers.extend(auth.map(|auth| ("authorization", auth)));
        headers.extend(proof.as_deref().map(|proof| ("dpop", proof)));
        let answer = delete(world, &path, &headers).await;
        assert_eq!(answer.error(), (401, error), "{auth:?}");
    }
    for client_id in [second.client_id.as_str(), "mco_app_01234567890123456789", ""] {
        let fresh = dpop();
        let headers = [
            ("authorization", authorization.as_str()),
            ("dpop", &fresh),
            ("idempotency-key", KEY),
        ];
        let answer = delete(world, &format!("{PATH}?client_id={client_id}"), &headers).await;
        assert_eq!(answer.error(), (404, "native_installation_not_found"), "{client_id}");
    }
    assert!(stands(world, &tokens.access).await);
    // A proof is good once here too.
    let fresh = dpop();
    let headers = [
        ("authorization", authorization.as_str()),
        ("dpop", &fresh),
        ("idempotency-key", KEY),
    ];
    assert_eq!(delete(world, &path, &headers).await.status, 200);
    assert_eq!(
        delete(world, &path, &headers).await.error(),
        (401, "invalid_dpop_proof")
    );
}

#[tokio::test]
async fn native_0_12_after_a_reset_the_same_client_gets_a_new_grant_and_no_proof_of_before_is_asked() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, first, second) = (Plugin::medusa(SITE), new_key(), new_key());
    let mut grants = Vec::new();
    for round in 0..3 {
        let (key, next) = if round == 1 {
            (&second, &first)
        } else {
            (&first, &second)
        };
        let tokens = shop.connect(&native, key).await;
        assert!(!grants.contains(&tokens.claim("grant_id")), "a new grant");
        grants.push(tokens.claim("grant_id"));
        let client_id = shop.client_id.clone();
        let reset = shop
            .reset(world, &tokens.access, key, &format!("medusa-reset-{round}"))
            .await;
        assert_eq!(reset.status, 200, "{reset:?}");
        // Before it registers again nobody can consent to it.
        let refused = native.browser.get(&shop.authorize(key, &[])).await;
        assert!(refused.header("location").unwrap().contains("error=invalid_request"));
        let again = shop.register(world, next, Some(&new_key())).await;
        assert_eq!((again.status, again.text("client_id")), (200, client_id));
    }
}

#[tokio::test]
async fn native_3_5_of_two_resets_at_once_one_happens_and_both_have_its_answer() {
    for seed in 0..3 {
        let world = World::with_store("makecrypto", Arc::new(Yielding::new(seed))).await;
        let asking = crate::authorizing::Authorizing::over(world).await;
        crate::browser::set_password(&asking.world, crate::browser::EMAIL).await;
        let (mut shop, key) = (Plugin::medusa(SITE), Arc::new(new_key()));
        let tokens = shop.connect(&Native::new(&asking).await, &key).await;
        let (asking, shop) = (Arc::new(asking), Arc::new(shop));
        let mut tasks = JoinSet::new();
        for number in 0..6 {
            let (asking, shop, key, access) = (asking.clone(), shop.clone(), key.clone(), tokens.access.clone());
            let idempotency = if number < 4 {
                KEY.to_owned()
            } else {
                format!("another-{number}")
            };
            tasks.spawn(async move { shop.reset(&asking.world, &access, &key, &idempotency).await });
        }
        let answers = tasks.join_all().await;
        let (done, dead): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(done.iter().filter(|answer| !answer.replayed()).count(), 1, "{done:?}");
        assert!(done.iter().all(|answer| answer.body == done[0].body));
        assert!(
            dead.iter().all(|answer| answer.error() == (401, "invalid_token")),
            "{dead:?}"
        );
        assert_eq!(asking.world.events(EventKind::InstallationReset).await, 1);
    }
}

#[tokio::test]
async fn native_3_2_an_administrator_resets_an_installation_that_lost_its_keys() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    on_duty(world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    on_duty(world, REVIEWER, Some(Duty::Reviewer)).await;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    subscribe(world, &shop.client_id, &tokens.claim("grant_id"), 1, true).await;
    let browser = signed_in(world, ADMINISTRATOR).await;
    let list = browser.get("/admin/installations").await;
    assert!(list.body.contains(SITE) && list.body.contains("Acme"), "{}", list.body);
    let path = format!("/admin/installations/{}", shop.client_id);
    let page = browser.get(&path).await;
    for shown in [SITE, "2.17.2", &shop.client_id, &key.jkt()] {
        assert!(page.body.contains(shown), "{shown} in {}", page.body);
    }
    let wrong = browser
        .submit(&page, &path, &[("confirm", "https://other.example")])
        .await;
    assert_eq!(wrong.status, 422);
    assert!(stands(world, &tokens.access).await);
    let done = browser.submit(&wrong, &path, &[("confirm", SITE)]).await;
    assert_eq!(done.header("location"), Some("/admin/installations?done=reset"));
    assert!(!stands(world, &tokens.access).await);
    assert!(!subscription(world, &tokens.claim("grant_id")).await.active);
    let client_id = shop.client_id.clone();
    let again = shop.register(world, &new_key(), None).await;
    assert_eq!((again.status, again.text("client_id")), (200, client_id));
    let audit = native
        .browser
        .get(&format!("/organizations/{}/audit", world.organization))
        .await;
    assert!(audit.body.contains("Installation reset"), "{}", audit.body);
    let reviewer = signed_in(world, REVIEWER).await;
    for path in ["/admin/installations", &path] {
        assert_eq!(reviewer.get(path).await.status, 404);
    }
}

#[tokio::test]
async fn native_3_2_whoever_runs_the_server_lists_and_resets_installations() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let listed = world.run(Command::InstallationList).await;
    assert_eq!(listed[0]["client_id"], shop.client_id.as_str());
    assert_eq!(
        (&listed[0]["site_url"], &listed[0]["organization"]),
        (&json!(SITE), &json!("Acme"))
    );
    let reset = |client_id: &str| Command::InstallationReset {
        client_id: client_id.to_owned(),
    };
    for other in [world.client_id.as_str(), "mco_app_x", "/"] {
        assert!(world.refused(reset(other)).await.contains("grantd installation list"));
    }
    world.run(reset(&shop.client_id)).await;
    assert!(!stands(world, &tokens.access).await);
    let listed = world.run(Command::InstallationList).await;
    assert_eq!(
        (&listed[0]["active_key"], &listed[0]["organization"]),
        (&Value::Null, &Value::Null)
    );
    let apps = world.run(Command::AppList { organization: None }).await;
    assert!(!apps.to_string().contains(&shop.client_id));
    let show = Command::AppShow {
        client_id: shop.client_id.clone(),
    };
    assert!(world.refused(show).await.contains("grantd installation"));
}
