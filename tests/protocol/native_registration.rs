//! `POST /oauth/native/installations` (contract §3.1, §3.2).

use crate::http::request;
use crate::native::{Native, PATH, Plugin, new_key, proof, register, register_with, world};
use crate::support::World;
use grantd::model::app::App;
use grantd::model::event::EventKind;
use grantd::store::{Seq, keys};
use http::Method;
use serde_json::{Value, json};

const SITE: &str = "https://shop.example";

async fn app(world: &World, client_id: &str) -> App {
    let app = grantd::store::records::load::<App>(&*world.ctx.store, &keys::app(client_id)).await;
    app.unwrap().expect("it is registered").value
}

async fn written(world: &World) -> usize {
    world.ctx.store.changes(Seq(0), 10_000).await.unwrap().len()
}

#[tokio::test]
async fn native_3_1_a_new_installation_is_201_and_active_and_a_known_one_200_without_a_status() {
    let world = World::new("makecrypto").await;
    let mut shop = Plugin::medusa(SITE);
    let key = new_key();
    let new = shop.register(&world, &key, None).await;
    assert_eq!(new.status, 201, "{new:?}");
    assert_eq!(new.header("cache-control"), Some("no-store"));
    let client_id = new.text("client_id");
    assert!(client_id.starts_with("mco_app_"), "{client_id}");
    let scopes = [
        "company:read",
        "makepay:payment-links:read",
        "makepay:payment-links:write",
        "makepay:webhooks:read",
        "makepay:webhooks:write",
    ];
    let whole = json!({
        "client_id": client_id,
        "client_type": "public",
        "dpop_bound": true,
        "registration_id": shop.body["registrationId"],
        "redirect_uri": "https://shop.example/makepay/oauth/callback",
        "scopes": scopes,
        "status": "active",
    });
    assert_eq!(new.json, whole);
    let mut again = whole.clone();
    again.as_object_mut().unwrap().remove("status");
    let known = shop.register(&world, &key, None).await;
    assert_eq!((known.status, &known.json), (200, &again));
    assert_eq!(world.events(EventKind::InstallationRegistered).await, 1);
}

#[tokio::test]
async fn native_3_1_every_missing_member_is_named_and_null_is_as_missing() {
    let world = World::new("makecrypto").await;
    let key = new_key();
    for (plugin, required) in [
        (Plugin::medusa(SITE), 7),
        (Plugin::btcpay("https://pay.example/btc"), 5),
        (Plugin::wordpress("wordpress", "https://blog.example"), 6),
    ] {
        let body = plugin.body_for(&key);
        let mut missing = 0;
        for name in body.as_object().unwrap().keys() {
            for absent in [None, Some(Value::Null), Some(json!(""))] {
                let mut body = body.clone();
                match absent {
                    None => body.as_object_mut().unwrap().remove(name),
                    Some(value) => body.as_object_mut().unwrap().insert(name.clone(), value),
                };
                let before = written(&world).await;
                let answer = register(&world, &body, &key, None).await;
                if answer.status == 400 {
                    assert_eq!(answer.error(), (400, format!("missing_{name}").as_str()));
                    assert_eq!(written(&world).await, before);
                    missing += 1;
                }
            }
        }
        assert_eq!(missing, required * 3, "{body}");
    }
}

#[tokio::test]
async fn native_3_1_what_is_no_installation_of_the_platform_is_refused() {
    let world = World::new("makecrypto").await;
    let key = new_key();
    let long = "x".repeat(300);
    let wrong = [
        ("platform", json!("shopify")),
        ("platform", json!(7)),
        ("registrationId", json!("r".repeat(42))),
        ("registrationId", json!("r".repeat(44))),
        ("registrationId", json!("!".repeat(43))),
        ("dpopJkt", json!("j".repeat(43))),
        ("dpopJkt", json!("short")),
        ("siteUrl", json!("http://shop.example")),
        ("siteUrl", json!("https://shop.example/")),
        ("siteUrl", json!("https://shop.example/path")),
        ("siteUrl", json!("https://SHOP.example")),
        ("siteUrl", json!("https://shop.example:443")),
        ("siteUrl", json!("https://user@shop.example")),
        ("siteUrl", json!("https://shop.example?a")),
        ("siteUrl", json!("https://shop.example#a")),
        ("siteUrl", json!("ftp://shop.example")),
        ("siteUrl", json!("http://127.0.0.2:9000")),
        ("siteUrl", json!("http://localhost.evil.example")),
        ("siteUrl", json!(format!("https://{long}.example"))),
        ("redirectUri", json!("https://shop.example/makepay/oauth/callback/")),
        ("redirectUri", json!("https://shop.example/makepay/oauth/callback?a=b")),
        ("redirectUri", json!("https://evil.example/makepay/oauth/callback")),
        ("redirectUri", json!("https://shop.example/other")),
        ("siteName", json!("line\nbreak")),
        ("siteName", json!(long)),
        ("siteName", json!(["a"])),
        ("pluginVersion", json!("v".repeat(101))),
        ("medusaVersion", json!({})),
    ];
    let before = written(&world).await;
    for (name, value) in wrong {
        let mut body = Plugin::medusa(SITE).body_for(&key);
        body[name] = value.clone();
        let answer = register(&world, &body, &key, None).await;
        assert_eq!(answer.error(), (400, "invalid_native_installation"), "{name} {value}");
    }
    for body in [
        "",
        "[]",
        "null",
        "{",
        "{\"platform\":\"medusa\",\"platform\":\"medusa\"}",
    ] {
        let dpop = proof(&world, &key, "POST", PATH, None);
        let headers = [("dpop", dpop.as_str())];
        let answer = world.send(request(Method::POST, PATH, &headers, body.as_bytes())).await;
        assert_eq!(answer.error(), (400, "invalid_native_installation"), "{body}");
    }
    assert_eq!(written(&world).await, before);
}

#[tokio::test]
async fn native_3_1_loopback_sites_are_for_development_and_have_their_port() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    for site in ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"] {
        let mut shop = Plugin::medusa(site);
        let key = new_key();
        assert_eq!(shop.register(native.world, &key, None).await.status, 201, "{site}");
        let other = shop.redirect_uri().replace("9000", "9001");
        let page = native
            .browser
            .get(&shop.authorize(&key, &[("redirect_uri", Some(&other))]))
            .await;
        assert_eq!((page.status, page.header("location")), (400, None), "{site}");
    }
}

#[tokio::test]
async fn native_3_1_each_platform_has_a_redirect_uri_of_its_own_form() {
    let world = World::new("makecrypto").await;
    let (key, pay) = (new_key(), "https://pay.example/btc");
    for (redirect, good) in [
        ("https://pay.example/btc/plugins/Store_7-x/makepay/oauth/callback", true),
        ("https://pay.example/btc/plugins//makepay/oauth/callback", false),
        ("https://pay.example/btc/plugins/a/b/makepay/oauth/callback", false),
        ("https://pay.example/plugins/a/makepay/oauth/callback", false),
        ("https://pay.example/btcx/plugins/a/makepay/oauth/callback", false),
    ] {
        let mut plugin = Plugin::btcpay(pay);
        plugin.body["redirectUri"] = redirect.into();
        let answer = plugin.register(&world, &key, None).await;
        assert_eq!(answer.status, if good { 201 } else { 400 }, "{redirect} {answer:?}");
        assert_eq!(answer.json.get("registration_id"), None);
    }
    for platform in ["wordpress", "woocommerce"] {
        for (redirect, good) in [
            ("https://blog.example/wp-admin/admin.php?page=makepay", true),
            ("https://blog.example/shop/callback", true),
            ("https://blog.example.evil/callback", false),
            ("http://blog.example/callback", false),
            ("https://blog.example/callback?code=1", false),
        ] {
            let mut plugin = Plugin::wordpress(platform, "https://blog.example/shop");
            plugin.body["redirectUri"] = redirect.into();
            let answer = plugin.register(&world, &key, None).await;
            assert_eq!(matches!(answer.status, 200 | 201), good, "{redirect} {answer:?}");
        }
    }
}

#[tokio::test]
async fn native_3_2_both_names_of_a_platform_are_one_and_its_site_and_redirect_uri_are_its_identity() {
    let world = World::new("makecrypto").await;
    let key = new_key();
    let mut blog = Plugin::wordpress("wordpress", "https://blog.example");
    assert_eq!(blog.register(&world, &key, None).await.status, 201);
    let mut same = Plugin::wordpress("woocommerce", "https://blog.example");
    assert_eq!(same.register(&world, &key, None).await.status, 200);
    assert_eq!(same.client_id, blog.client_id);
    let mut other = Plugin::btcpay("https://pay.example");
    assert_eq!(other.register(&world, &key, None).await.status, 201);
    let mut store = Plugin::btcpay("https://pay.example");
    store.body["redirectUri"] = "https://pay.example/plugins/store8/makepay/oauth/callback".into();
    assert_eq!(store.register(&world, &key, None).await.status, 201, "another store");
    // A registrationId that its platform does not know changes nothing.
    other.body["registrationId"] = "x".into();
    assert_eq!(other.register(&world, &key, None).await.status, 200);
}

#[tokio::test]
async fn native_0_10_another_key_without_proof_of_the_accepted_one_is_401_and_changes_nothing() {
    let world = World::new("makecrypto").await;
    let mut shop = Plugin::medusa(SITE);
    let (first, second, third) = (new_key(), new_key(), new_key());
    shop.register(&world, &first, None).await;
    let before = written(&world).await;
    // An honest plugin that lost an answer tries its keys one by one; nobody holds that against it.
    for _ in 0..20 {
        let missing = shop.register(&world, &second, None).await;
        assert_eq!(missing.error(), (401, "previous_dpop_required"));
        assert!(
            missing.header("www-authenticate").unwrap().starts_with("DPoP "),
            "{missing:?}"
        );
        for wrong in [&second, &third] {
            let answer = shop.register(&world, &second, Some(wrong)).await;
            assert_eq!(answer.error(), (401, "invalid_previous_dpop_key"));
        }
    }
    let body = shop.body_for(&second);
    let own = || proof(&world, &second, "POST", PATH, None);
    for bad in ["", "no proof", &proof(&world, &first, "POST", "/oauth/token", None)] {
        let answer = register_with(&world, &body, Some(&own()), Some(bad)).await;
        assert_eq!(answer.error(), (401, "invalid_previous_dpop_key"), "{bad}");
    }
    assert_eq!(written(&world).await, before, "a failed try has no side effect");
    assert_eq!(
        app(&world, &shop.client_id).await.installation.unwrap().pending_key,
        None
    );
}

#[tokio::test]
async fn native_3_2_a_stranger_who_names_a_site_first_does_not_keep_it_out() {
    let asking = world().await;
    let (world, browser) = (&asking.world, Native::new(&asking).await);
    let (stranger, own, another) = (new_key(), new_key(), new_key());
    for mut shop in [
        Plugin::btcpay("https://pay.example"),
        Plugin::wordpress("wordpress", "https://blog.example"),
    ] {
        let named = shop.register(world, &stranger, None).await;
        assert_eq!(named.status, 201);
        let taken = shop.register(world, &own, None).await;
        assert_eq!((taken.status, taken.text("client_id")), (200, named.text("client_id")));
        let installation = app(world, &shop.client_id).await.installation.unwrap();
        assert_eq!(
            (installation.active_key, installation.pending_key),
            (Some(own.jkt()), None)
        );
        // Once somebody has consented it is theirs.
        shop.consent(&browser, &own).await;
        for key in [&stranger, &another] {
            let late = shop.register(world, key, None).await;
            assert_eq!(late.error(), (401, "previous_dpop_required"));
        }
    }
}

#[tokio::test]
async fn native_3_2_the_accepted_key_lets_another_one_wait_and_a_waiting_one_never_does() {
    let world = World::new("makecrypto").await;
    let mut shop = Plugin::medusa(SITE);
    let (first, second, third) = (new_key(), new_key(), new_key());
    let client_id = shop.register(&world, &first, None).await.text("client_id");
    let staged = shop.register(&world, &second, Some(&first)).await;
    assert_eq!((staged.status, staged.text("client_id")), (200, client_id.clone()));
    let by_waiting = shop.register(&world, &third, Some(&second)).await;
    assert_eq!(by_waiting.error(), (401, "invalid_previous_dpop_key"));
    let replaced = shop.register(&world, &third, Some(&first)).await;
    assert_eq!(replaced.status, 200);
    let installation = app(&world, &client_id).await.installation.unwrap();
    assert_eq!(installation.active_key, Some(first.jkt()));
    assert_eq!(installation.pending_key, Some(third.jkt()));
    assert_eq!(world.events(EventKind::InstallationRegistered).await, 3);
}

#[tokio::test]
async fn native_3_1_the_same_registration_id_of_another_site_is_409_even_with_the_right_proof() {
    let world = World::new("makecrypto").await;
    let mut shop = Plugin::medusa(SITE);
    let (first, second) = (new_key(), new_key());
    shop.register(&world, &first, None).await;
    let mut thief = Plugin::medusa("https://evil.example");
    thief.body["registrationId"] = shop.body["registrationId"].clone();
    for (key, previous) in [(&first, None), (&second, Some(&first)), (&second, None)] {
        let answer = thief.register(&world, key, previous).await;
        assert_eq!(answer.error(), (409, "registration_identity_mismatch"));
    }
}

#[tokio::test]
async fn d9_native_3_1_a_pair_of_proofs_is_good_once_and_a_replay_is_400() {
    let world = World::new("makecrypto").await;
    let shop = Plugin::medusa(SITE);
    let (first, second) = (new_key(), new_key());
    let own = proof(&world, &first, "POST", PATH, None);
    let body = shop.body_for(&first);
    assert_eq!(register_with(&world, &body, Some(&own), None).await.status, 201);
    let replayed = register_with(&world, &body, Some(&own), None).await;
    assert_eq!(replayed.error(), (400, "invalid_dpop_proof"));
    let (own, previous) = (
        proof(&world, &second, "POST", PATH, None),
        proof(&world, &first, "POST", PATH, None),
    );
    let body = shop.body_for(&second);
    assert_eq!(
        register_with(&world, &body, Some(&own), Some(&previous)).await.status,
        200
    );
    let fresh = || proof(&world, &second, "POST", PATH, None);
    for (own, previous) in [(&own, &previous), (&fresh(), &previous)] {
        let answer = register_with(&world, &body, Some(own), Some(previous)).await;
        assert_eq!(answer.error(), (400, "invalid_dpop_proof"));
    }
}

#[tokio::test]
async fn d2_native_3_1_without_a_good_proof_of_the_key_there_is_no_registration() {
    let world = World::new("makecrypto").await;
    let (shop, key) = (Plugin::medusa(SITE), new_key());
    let body = shop.body_for(&key);
    let none = register_with(&world, &body, None, None).await;
    assert_eq!(none.error(), (400, "invalid_dpop_proof"));
    for bad in [
        "no proof".to_owned(),
        proof(&world, &key, "DELETE", PATH, None),
        proof(&world, &key, "POST", "/oauth/token", None),
        proof(&world, &key, "POST", PATH, Some("a token")),
    ] {
        let answer = register_with(&world, &body, Some(&bad), None).await;
        assert_eq!(answer.error(), (400, "invalid_dpop_proof"));
    }
    let with_query = proof(&world, &key, "POST", &format!("{PATH}?a=b#c"), None);
    assert_eq!(register_with(&world, &body, Some(&with_query), None).await.status, 201);
}
