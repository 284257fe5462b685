//! The token endpoint for installations (contract §5).

use crate::http::Auth;
use crate::native::{
    DAY, INVALID, Native, Plugin, RESOURCE, Tokens, key_of, new_key, token, verified_by_a_plugin, world,
};
use crate::native_consent::stands;
use crate::support::judged;
use crate::tokens::{header, payload};
use grantd::base::jose::Algorithm;
use grantd::control::Command;
use grantd::jobs;
use grantd::model::event::EventKind;
use std::time::Duration;

const SITE: &str = "https://shop.example";
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn native_0_1_0_5_0_6_1_the_tokens_of_every_platform_pass_the_verifier_of_a_plugin() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    for mut plugin in [
        Plugin::medusa(SITE),
        Plugin::btcpay("https://pay.example/btc"),
        Plugin::wordpress("woocommerce", "https://blog.example"),
    ] {
        let key = new_key();
        plugin.register(world, &key, None).await;
        let code = plugin.code(&native, &key).await;
        let once = plugin.modern.then(|| key_of(&code));
        let first = plugin.exchange(world, &code, &key, once.as_deref()).await;
        verified_by_a_plugin(world, &plugin, &key, &first).await;
        assert_eq!(first.header("cache-control"), Some("no-store"));
        let refresh = first.text("refresh_token");
        let once = plugin.modern.then(|| key_of(&refresh));
        let second = plugin.refresh(world, &refresh, &key, once.as_deref()).await;
        verified_by_a_plugin(world, &plugin, &key, &second).await;
        assert_ne!(second.text("refresh_token"), refresh);
        let (a, b) = (Tokens::of(&first), Tokens::of(&second));
        for id in ["company_id", "grant_id", "installation_id"] {
            assert_eq!(a.claim(id), b.claim(id), "{id}");
        }
        assert_eq!(a.claim("company_id"), world.organization);
    }
}

#[tokio::test]
async fn native_two_installations_of_one_company_have_nothing_in_common() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut one, mut two) = (Plugin::medusa(SITE), Plugin::medusa("https://second.example"));
    let (key, other) = (new_key(), new_key());
    let (first, second) = (one.connect(&native, &key).await, two.connect(&native, &other).await);
    assert_eq!(first.claim("company_id"), second.claim("company_id"));
    for id in ["grant_id", "installation_id", "client_id"] {
        assert_ne!(first.claim(id), second.claim(id), "{id}");
    }
    // Neither may use what the other has.
    for key in [&key, &other] {
        assert_eq!(two.refresh(world, &first.refresh, key, None).await.error(), INVALID);
    }
    let reset = one.reset(world, &first.access, &key, "medusa-native-reset-1").await;
    assert_eq!(reset.status, 200);
    assert!(!stands(world, &first.access).await && stands(world, &second.access).await);
}

#[tokio::test]
async fn d3_d4_native_5_every_request_needs_a_proof_and_no_nonce() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let form = shop.refresh_form(&tokens.refresh);
    let without = world.post("/oauth/token", Auth::None, &form).await;
    assert_eq!(without.error(), (400, "invalid_dpop_proof"));
    let other = token(world, &form, &new_key(), Some(&key_of(&tokens.refresh))).await;
    assert_eq!(
        other.error(),
        (400, "invalid_dpop_key"),
        "a live token, and another key"
    );
    let right = token(world, &form, &key, Some(&key_of(&tokens.refresh))).await;
    assert_eq!((right.status, right.header("dpop-nonce")), (200, None));
}

#[tokio::test]
async fn native_0_9_what_is_rotated_or_revoked_is_invalid_grant_whatever_key_is_shown() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let first = shop.connect(&native, &key).await;
    let once = key_of(&first.refresh);
    let second = Tokens::of(&shop.refresh(world, &first.refresh, &key, Some(&once)).await);
    let stranger = new_key();
    for idempotency in [None, Some(once.as_str()), Some("another-key")] {
        let rotated = shop.refresh(world, &first.refresh, &stranger, idempotency).await;
        assert_eq!(rotated.error(), INVALID, "{idempotency:?}");
    }
    let revoke = format!("token={}&client_id={}", second.refresh, shop.client_id);
    assert_eq!(world.post("/oauth/revoke", Auth::None, &revoke).await.status, 200);
    for key in [&key, &stranger] {
        assert_eq!(shop.refresh(world, &second.refresh, key, None).await.error(), INVALID);
    }
    assert!(!stands(world, &second.access).await);
}

#[tokio::test]
async fn native_5_1_5_2_a_code_or_a_refresh_token_with_another_resource_is_invalid_grant() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.register(world, &key, None).await;
    let code = shop.code(&native, &key).await;
    let resource = form_urlencoded::byte_serialize(RESOURCE.as_bytes()).collect::<String>();
    let wrong = "https%3A%2F%2Fother.example%2Fapi";
    let form = shop.code_form(&code).replace(&resource, wrong);
    assert_eq!(token(world, &form, &key, None).await.error(), INVALID);
    for (name, spoilt) in [
        ("code_verifier", "w".repeat(86)),
        ("redirect_uri", "https%3A%2F%2Fshop.example%2F".into()),
        ("client_id", "mco_app_x".into()),
    ] {
        let form: Vec<String> = shop
            .code_form(&code)
            .split('&')
            .map(|field| match field.strip_prefix(&format!("{name}=")) {
                Some(_) => format!("{name}={spoilt}"),
                None => field.to_owned(),
            })
            .collect();
        let answer = token(world, &form.join("&"), &key, None).await;
        assert!(
            matches!(answer.error(), INVALID | (401, "invalid_client")),
            "{name} {answer:?}"
        );
    }
    let tokens = Tokens::of(&shop.exchange(world, &code, &key, Some(&key_of(&code))).await);
    let form = shop.refresh_form(&tokens.refresh).replace(&resource, wrong);
    for key in [&key, &new_key()] {
        assert_eq!(token(world, &form, key, None).await.error(), INVALID);
    }
    Tokens::of(&shop.refresh(world, &tokens.refresh, &key, None).await);
}

#[tokio::test]
async fn native_0_7_5_1_the_answer_to_a_code_is_repeated_for_ten_minutes_and_then_said_to_be_gone() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.register(world, &key, None).await;
    let code = shop.code(&native, &key).await;
    let once = key_of(&code);
    let lost = shop.exchange(world, &code, &key, Some(&once)).await;
    world.advance(MINUTE * 9);
    let again = shop.exchange(world, &code, &key, Some(&once)).await;
    assert_eq!((again.status, again.replayed(), &again.body), (200, true, &lost.body));
    verified_by_a_plugin(world, &shop, &key, &again).await;
    let other = shop.exchange(world, &code, &new_key(), Some(&once)).await;
    assert_eq!(other.error(), (400, "invalid_dpop_key"));
    world.advance(MINUTE);
    let late = shop.exchange(world, &code, &key, Some(&once)).await;
    assert_eq!(
        (late.error(), late.header("oauth-token-recovery")),
        (INVALID, Some("expired"))
    );
    assert!(stands(world, &lost.text("access_token")).await, "nothing dies of it");
}

#[tokio::test]
async fn native_0_7_5_2_a_refresh_with_its_key_is_repeated_until_the_successor_is_used() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let first = shop.connect(&native, &key).await;
    let once = key_of(&first.refresh);
    let lost = shop.refresh(world, &first.refresh, &key, Some(&once)).await;
    for _ in 0..3 {
        world.advance(DAY);
        let again = shop.refresh(world, &first.refresh, &key, Some(&once)).await;
        assert_eq!((again.status, again.replayed(), &again.body), (200, true, &lost.body));
    }
    let second = lost.text("refresh_token");
    let third = Tokens::of(&shop.refresh(world, &second, &key, Some(&key_of(&second))).await);
    let late = shop.refresh(world, &first.refresh, &key, Some(&once)).await;
    assert_eq!(
        (late.error(), late.header("oauth-token-recovery")),
        (INVALID, Some("expired"))
    );
    assert!(stands(world, &third.access).await);
    // With another key, or without one, it is a theft.
    let stolen = shop
        .refresh(world, &second, &key, Some("medusa-token-of-a-thief"))
        .await;
    assert_eq!((stolen.error(), stolen.header("oauth-token-recovery")), (INVALID, None));
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 1);
    assert_eq!(shop.refresh(world, &third.refresh, &key, None).await.error(), INVALID);
    native.browser.sign_in().await;
    let again = shop.consent(&native, &key).await;
    assert_eq!(again.claim("grant_id"), third.claim("grant_id"));
}

/// The vendor's "31-day-old committed rotation": the answer was lost, the shop slept, the keys were rotated meanwhile.
#[tokio::test]
async fn native_0_8_5_3_a_rotation_of_31_days_ago_is_repeated_and_its_retired_key_is_still_published() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let first = shop.connect(&native, &key).await;
    let once = key_of(&first.refresh);
    let lost = shop.refresh(world, &first.refresh, &key, Some(&once)).await;
    let kid = header(&lost.text("access_token"))["kid"].as_str().unwrap().to_owned();
    let published = async || {
        let keys = world.get("/oauth/jwks.json").await.json["keys"]
            .as_array()
            .unwrap()
            .clone();
        keys.iter().any(|jwk| jwk["kid"] == kid.as_str())
    };
    world
        .run(Command::KeyRotate {
            algorithm: Some(Algorithm::Rs256.as_str().into()),
        })
        .await;
    for _ in 0..31 {
        world.advance(DAY);
        jobs::keys::turn(&world.ctx).await.unwrap();
        while world.ctx.store.sweep(world.ctx.now(), 1000).await.unwrap() > 0 {}
    }
    assert!(published().await, "a receipt may repeat a token that it signed");
    let again = shop.refresh(world, &first.refresh, &key, Some(&once)).await;
    assert_eq!((again.status, again.replayed(), &again.body), (200, true, &lost.body));
    verified_by_a_plugin(world, &shop, &key, &again).await;
    let second = again.text("refresh_token");
    let third = shop.refresh(world, &second, &key, Some(&key_of(&second))).await;
    verified_by_a_plugin(world, &shop, &key, &third).await;
    assert_ne!(header(&third.text("access_token"))["kid"], kid.as_str());
    jobs::keys::turn(&world.ctx).await.unwrap();
    assert!(!published().await, "nothing needs it any more");
}

/// What nobody can have repeated any more keeps no key.
#[tokio::test]
async fn native_0_8_a_reset_or_another_key_lets_the_signing_key_of_a_receipt_go() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, first, second) = (Plugin::medusa(SITE), new_key(), new_key());
    let tokens = shop.connect(&native, &first).await;
    let once = key_of(&tokens.refresh);
    let lost = shop.refresh(world, &tokens.refresh, &first, Some(&once)).await;
    let kid = header(&lost.text("access_token"))["kid"].as_str().unwrap().to_owned();
    shop.register(world, &second, Some(&first)).await;
    shop.decided(&native, &second, "approve").await;
    world
        .run(Command::KeyRotate {
            algorithm: Some(Algorithm::Rs256.as_str().into()),
        })
        .await;
    world.advance(DAY * 3);
    jobs::keys::turn(&world.ctx).await.unwrap();
    let keys = world.get("/oauth/jwks.json").await.json["keys"]
        .as_array()
        .unwrap()
        .clone();
    assert!(!keys.iter().any(|jwk| jwk["kid"] == kid.as_str()));
}

#[tokio::test]
async fn native_5_3_a_medusa_shop_sleeps_for_years_and_the_other_platforms_end_when_they_should() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let (mut till, till_key) = (Plugin::btcpay("https://pay.example"), new_key());
    let (sleeps, ends) = (
        shop.connect(&native, &key).await,
        till.connect(&native, &till_key).await,
    );
    world.advance(DAY * 29);
    let ends = Tokens::of(&till.refresh(world, &ends.refresh, &till_key, None).await);
    world.advance(DAY * 30);
    assert_eq!(
        till.refresh(world, &ends.refresh, &till_key, None).await.error(),
        INVALID
    );
    world.advance(DAY * 3650);
    while world.ctx.store.sweep(world.ctx.now(), 1000).await.unwrap() > 0 {}
    let once = key_of(&sleeps.refresh);
    let awake = shop.refresh(world, &sleeps.refresh, &key, Some(&once)).await;
    verified_by_a_plugin(world, &shop, &key, &awake).await;
}

/// A plugin without Idempotency-Key loses an answer: the short grace of a keyless rotation.
#[tokio::test]
async fn native_5_2_a_keyless_repeat_of_the_same_key_is_answered_for_a_moment() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut till, key) = (Plugin::btcpay("https://pay.example"), new_key());
    let first = till.connect(&native, &key).await;
    let lost = till.refresh(world, &first.refresh, &key, None).await;
    world.advance(Duration::from_secs(20));
    let again = till.refresh(world, &first.refresh, &key, None).await;
    assert_eq!((again.status, again.replayed()), (200, true));
    assert_eq!(again.text("access_token"), lost.text("access_token"));
    verified_by_a_plugin(world, &till, &key, &again).await;
    world.advance(MINUTE);
    assert_eq!(till.refresh(world, &first.refresh, &key, None).await.error(), INVALID);
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 1);
}

#[tokio::test]
async fn native_5_2_a_refresh_asks_for_all_scopes_or_none_at_all() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let form = format!("{}&scope=company:read", shop.refresh_form(&tokens.refresh));
    assert_eq!(token(world, &form, &key, None).await.error(), (400, "invalid_scope"));
    let all = "makepay:webhooks:write+makepay:webhooks:read+makepay:payment-links:write+makepay:payment-links:read\
               +company:read";
    let form = format!("{}&scope={all}", shop.refresh_form(&tokens.refresh));
    let answer = token(world, &form, &key, None).await;
    verified_by_a_plugin(world, &shop, &key, &answer).await;
}

#[tokio::test]
async fn i1_d5_native_introspection_tells_the_api_whose_installation_it_is() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let api = world.add_resource_server().await;
    let seen = world.introspect_as(&api, &tokens.access).await;
    assert!(judged(&seen));
    let claims = payload(&tokens.access);
    for name in ["installation_id", "grant_id", "company_id", "client_id", "scope", "cnf"] {
        assert_eq!(seen[name], claims[name], "{name}");
    }
    assert_eq!(seen["token_type"], "DPoP");
}

#[tokio::test]
async fn v1_native_5_4_a_public_client_revokes_by_showing_the_token() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    for (what, client) in [("x", shop.client_id.as_str()), (&tokens.refresh, "mco_app_x")] {
        let form = format!("token={what}&client_id={client}");
        let answer = world.post("/oauth/revoke", Auth::None, &form).await;
        assert!(matches!(answer.status, 200 | 401), "{answer:?}");
    }
    assert!(stands(world, &tokens.access).await);
    let form = format!("token={}&client_id={}", tokens.access, shop.client_id);
    assert_eq!(world.post("/oauth/revoke", Auth::None, &form).await.status, 200);
    assert!(!stands(world, &tokens.access).await);
    Tokens::of(&shop.refresh(world, &tokens.refresh, &key, None).await);
}
