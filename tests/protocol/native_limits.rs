//! What strangers may make of registrations, and where there are none (contract §3.1).

use crate::http::{Answer, request};
use crate::native::{DAY, Native, PATH, Plugin, new_key, proof, register, world};
use crate::support::World;
use crate::yielding::Yielding;
use http::Method;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const SITE: &str = "https://shop.example";

async fn from(world: &World, plugin: &Plugin, peer: [u8; 4]) -> Answer {
    let key = new_key();
    let dpop = proof(world, &key, "POST", PATH, None);
    let body = plugin.body_for(&key).to_string();
    let mut asked = request(Method::POST, PATH, &[("dpop", &dpop)], body.as_bytes());
    asked.peer = IpAddr::from(peer);
    world.send(asked).await
}

#[tokio::test]
async fn native_new_installations_of_one_address_or_of_one_site_are_counted() {
    let world = World::new("makecrypto").await;
    for number in 0..60 {
        let shop = Plugin::medusa(&format!("https://shop{number}.example"));
        assert_eq!(from(&world, &shop, [198, 51, 100, 1]).await.status, 201);
    }
    let full = from(&world, &Plugin::medusa(SITE), [198, 51, 100, 1]).await;
    assert_eq!(full.status, 429, "{full:?}");
    let wait: u64 = full.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(from(&world, &Plugin::medusa(SITE), [198, 51, 100, 2]).await.status, 201);
    world.advance(Duration::from_secs(wait));
    let other = Plugin::medusa("https://other.example");
    assert_eq!(from(&world, &other, [198, 51, 100, 1]).await.status, 201);
    // One site from many addresses.
    for number in 0..60u8 {
        let mut store = Plugin::btcpay("https://pay.example");
        store.body["redirectUri"] = format!("https://pay.example/plugins/s{number}/makepay/oauth/callback").into();
        assert_eq!(
            from(&world, &store, [203, 0, 113, number]).await.status,
            201,
            "{number}"
        );
    }
    let mut store = Plugin::btcpay("https://pay.example");
    store.body["redirectUri"] = "https://pay.example/plugins/more/makepay/oauth/callback".into();
    assert_eq!(from(&world, &store, [203, 0, 113, 7]).await.status, 429);
    // Whoever used it up does not keep out the site itself, at an address from which nothing came lately.
    assert_eq!(from(&world, &store, [203, 0, 113, 99]).await.status, 201);
}

#[tokio::test]
async fn native_behind_a_proxy_all_new_installations_together_are_counted_and_known_ones_are_not() {
    let world = World::new("makecrypto").await;
    let local = [127, 0, 0, 1];
    for number in 0..60 {
        let shop = Plugin::medusa(&format!("https://shop{number}.example"));
        assert_eq!(from(&world, &shop, local).await.status, 201);
    }
    let more = from(&world, &Plugin::medusa(SITE), local).await;
    assert_eq!(more.status, 429, "{more:?}");
    let known = Plugin::medusa("https://shop7.example");
    assert_eq!(
        from(&world, &known, local).await.error(),
        (401, "previous_dpop_required")
    );
    world.advance(Duration::from_secs(60));
    assert_eq!(from(&world, &Plugin::medusa(SITE), local).await.status, 201);
}

#[tokio::test]
async fn native_an_installation_that_nobody_ever_consented_to_is_forgotten_after_a_week() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut abandoned, mut used) = (Plugin::medusa(SITE), Plugin::medusa("https://used.example"));
    let key = new_key();
    let first = abandoned.register(world, &key, None).await.text("client_id");
    used.connect(&native, &key).await;
    world.advance(DAY * 8);
    while world.ctx.store.sweep(world.ctx.now(), 1000).await.unwrap() > 0 {}
    let again = abandoned.register(world, &new_key(), None).await;
    assert_eq!(again.status, 201);
    assert_ne!(again.text("client_id"), first);
    assert_eq!(used.register(world, &key, None).await.status, 200);
}

#[tokio::test]
async fn native_3_where_there_are_no_templates_there_is_no_endpoint() {
    let world = World::new("default").await;
    let key = new_key();
    let answer = register(&world, &Plugin::medusa(SITE).body_for(&key), &key, None).await;
    assert_eq!(answer.status, 404);
    let deleted = world.send(request(Method::DELETE, PATH, &[], b"")).await;
    assert_eq!(deleted.status, 404);
    let metadata = world.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata.json.get("native_installation_endpoint"), None);
}

#[tokio::test]
async fn native_0_2_0_3_the_metadata_names_every_endpoint_under_the_origin_of_the_issuer() {
    let world = World::new("makecrypto").await;
    let metadata = world.get("/.well-known/oauth-authorization-server").await.json;
    assert_eq!(
        metadata["native_installation_endpoint"],
        format!("https://auth.example{PATH}")
    );
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "native_installation_endpoint",
    ] {
        let endpoint = url::Url::parse(metadata[name].as_str().unwrap()).unwrap();
        assert_eq!(endpoint.origin().ascii_serialization(), metadata["issuer"], "{name}");
        assert!(endpoint.query().is_none() && endpoint.fragment().is_none());
    }
}

#[tokio::test]
async fn native_registrations_of_one_site_at_once_make_one_client() {
    for seed in 0..3 {
        let world = World::with_store("makecrypto", Arc::new(Yielding::new(seed))).await;
        let (world, mut tasks) = (Arc::new(world), JoinSet::new());
        for _ in 0..8 {
            let world = world.clone();
            tasks.spawn(async move {
                let (mut shop, key) = (Plugin::medusa(SITE), new_key());
                let answer = shop.register(&world, &key, None).await;
                // As long as its answer is lost it asks again, with the same key.
                let again = shop.register(&world, &key, None).await;
                (answer, again)
            });
        }
        let answers = tasks.join_all().await;
        let (new, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(answer, _)| answer.status == 201);
        assert_eq!(new.len(), 1, "{new:?}");
        assert_eq!(new[0].1.status, 200);
        assert_eq!(others.len(), 7);
        for (answer, again) in others {
            assert_eq!(answer.error(), (401, "previous_dpop_required"));
            assert_eq!(again.error(), (401, "previous_dpop_required"));
        }
    }
}
