//! Whole lives of installations, from the first registration to the third reconnect (contract §0).

use crate::http::{Answer, request};
use crate::native::{DAY, INVALID, Native, Plugin, Tokens, key_of, new_key, proof, verified_by_a_plugin, world};
use crate::native_consent::stands;
use crate::proofs::ClientKey;
use crate::shop::CURRENT;
use crate::support::World;
use http::Method;
use serde_json::{Value, json};

const SITE: &str = "https://shop.example";

async fn subscription(world: &World, method: Method, access: &str, key: &ClientKey, body: &Value) -> Answer {
    let dpop = proof(world, key, method.as_str(), CURRENT, Some(access));
    let authorization = format!("DPoP {access}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("dpop", &dpop),
        ("content-type", "application/json"),
    ];
    let body = match method {
        Method::PUT => body.to_string(),
        _ => String::new(),
    };
    world.send(request(method, CURRENT, &headers, body.as_bytes())).await
}

/// As the plugin of Medusa subscribes. Answers with the id.
async fn subscribe(world: &World, access: &str, key: &ClientKey) -> String {
    let body = json!({
        "url": format!("{SITE}/hooks/makepay/makepay_makepay"),
        "events": ["makepay.payment.*"],
        "rotateSecret": true,
    });
    let answer = subscription(world, Method::PUT, access, key, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    if let Some(secret) = answer.json["signingSecret"].as_str() {
        world.secrets.keep(secret);
    }
    answer.json["subscription"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn native_0_11_0_12_a_shop_changes_its_key_is_reset_and_reconnects_and_its_subscriptions_are_all_named() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, first, second) = (Plugin::medusa(SITE), new_key(), new_key());
    let old = shop.connect(&native, &first).await;
    let one = subscribe(world, &old.access, &first).await;
    // Another key, another consent: the grant and its subscription stay.
    assert_eq!(shop.register(world, &second, Some(&first)).await.status, 200);
    let tokens = shop.consent(&native, &second).await;
    assert!(!stands(world, &old.access).await);
    assert_eq!(tokens.claim("grant_id"), old.claim("grant_id"));
    assert_eq!(subscribe(world, &tokens.access, &second).await, one);
    let mut ids = vec![one];
    let mut tokens = tokens;
    for round in 0..3 {
        let idempotency = format!("medusa-native-reset-{round}");
        // As the plugin does: first the subscription, then the installation; no answer of either arrives.
        subscription(world, Method::DELETE, &tokens.access, &second, &Value::Null).await;
        let lost = shop.reset(world, &tokens.access, &second, &idempotency).await;
        assert_eq!(lost.json["preservedWebhookSubscriptionIds"], json!(ids), "{lost:?}");
        world.advance(DAY);
        native.browser.sign_in().await;
        let again = shop.reset(world, &tokens.access, &second, &idempotency).await;
        assert_eq!((again.replayed(), &again.body), (true, &lost.body));
        let grant = tokens.claim("grant_id");
        tokens = shop.connect(&native, &second).await;
        assert_ne!(tokens.claim("grant_id"), grant);
        assert_eq!(tokens.claim("installation_id"), shop.client_id);
        let id = subscribe(world, &tokens.access, &second).await;
        assert!(!ids.contains(&id), "a new grant has a new one");
        ids.push(id);
        ids.sort();
    }
}

/// Every answer is lost once, at every step from the registration to the reset.
#[tokio::test]
async fn native_0_a_shop_whose_every_answer_is_lost_once_still_connects() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, first, second) = (Plugin::medusa(SITE), new_key(), new_key());
    // The registration: the next try has a new key, and first no proof.
    assert_eq!(shop.register(world, &first, None).await.status, 201);
    assert_eq!(shop.register(world, &second, None).await.status, 401);
    assert_eq!(shop.register(world, &second, Some(&second)).await.status, 401);
    assert_eq!(shop.register(world, &second, Some(&first)).await.status, 200);
    // The callback: consent promoted the key, and the code is never seen.
    shop.code(&native, &second).await;
    let third = new_key();
    assert_eq!(shop.register(world, &third, Some(&second)).await.status, 200);
    let code = shop.code(&native, &third).await;
    // The tokens, twice.
    let once = key_of(&code);
    let lost = shop.exchange(world, &code, &third, Some(&once)).await;
    let found = shop.exchange(world, &code, &third, Some(&once)).await;
    assert_eq!((found.replayed(), &found.body), (true, &lost.body));
    let tokens = Tokens::of(&found);
    let once = key_of(&tokens.refresh);
    let lost = shop.refresh(world, &tokens.refresh, &third, Some(&once)).await;
    world.advance(DAY * 31);
    let found = shop.refresh(world, &tokens.refresh, &third, Some(&once)).await;
    assert_eq!((found.replayed(), &found.body), (true, &lost.body));
    verified_by_a_plugin(world, &shop, &third, &found).await;
    // That access token is long over: one refresh more, and the reset.
    let old = Tokens::of(&found);
    let dead = shop.reset(world, &old.access, &third, "medusa-native-reset-x").await;
    assert_eq!(dead.error(), (401, "invalid_token"));
    let tokens = Tokens::of(
        &shop
            .refresh(world, &old.refresh, &third, Some(&key_of(&old.refresh)))
            .await,
    );
    let lost = shop.reset(world, &tokens.access, &third, "medusa-native-reset-x").await;
    let found = shop.reset(world, &tokens.access, &third, "medusa-native-reset-x").await;
    assert_eq!((found.replayed(), &found.body), (true, &lost.body));
    assert_eq!(
        shop.refresh(world, &tokens.refresh, &third, None).await.error(),
        INVALID
    );
}

/// No plugin knows nonces, so they are asked of none of them: where a profile wants them of everybody else.
#[tokio::test]
async fn d7_native_2_where_others_need_nonces_an_installation_needs_none() {
    let mut config = crate::support::config("makecrypto", std::path::Path::new("/nonexistent/grantd"));
    config.profile.dpop.nonces = true;
    let store = std::sync::Arc::new(grantd::store::memory::MemoryStore::new());
    let asking = crate::authorizing::Authorizing::over(World::with_config(config, store).await).await;
    crate::browser::set_password(&asking.world, crate::browser::EMAIL).await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let tokens = Tokens::of(&shop.refresh(world, &tokens.refresh, &key, None).await);
    subscribe(world, &tokens.access, &key).await;
    assert_eq!(
        shop.reset(world, &tokens.access, &key, "medusa-native-reset-n")
            .await
            .status,
        200
    );
    let other = world.ask_with_proof(&key.proof(world)).await;
    assert_eq!(other.error(), (400, "use_dpop_nonce"));
}
