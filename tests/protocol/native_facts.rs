//! Facts of the contract that stand at the edges of what the other files walk through (contract §0 to §6).

use crate::authorizing::Authorizing;
use crate::browser::{EMAIL, param, set_password};
use crate::failing_store::FailingStore;
use crate::http::{Auth, request};
use crate::native::{
    INVALID, Native, PATH, Plugin, Tokens, key_of, new_key, proof, register_with, token, verified_by_a_plugin, world,
};
use crate::native_consent::stands;
use crate::shop::{CURRENT, signed};
use crate::support::{ISSUER, World};
use crate::tokens::payload;
use grantd::base::digest::{base64url, sha256};
use grantd::config::{Config, Overrides};
use grantd::model::event::EventKind;
use grantd::store::memory::MemoryStore;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SITE: &str = "https://shop.example";
const APEX: &str = "https://makecrypto.io/api/partner/v1";

#[tokio::test]
async fn native_1_the_metadata_and_the_keys_are_where_plugins_that_discover_nothing_look() {
    let world = World::new("makecrypto").await;
    let accept = [("accept", "application/json")];
    let path = "/.well-known/oauth-authorization-server";
    let found = world.send(request(Method::GET, path, &accept, b"")).await;
    assert_eq!((found.status, found.header("location")), (200, None));
    assert_eq!(found.header("content-type"), Some("application/json"));
    for (member, path) in [
        ("issuer", ""),
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("jwks_uri", "/oauth/jwks.json"),
        ("native_installation_endpoint", PATH),
        ("revocation_endpoint", "/oauth/revoke"),
        ("introspection_endpoint", "/oauth/introspect"),
        ("pushed_authorization_request_endpoint", "/oauth/par"),
    ] {
        assert_eq!(found.json[member], format!("{ISSUER}{path}"), "{member}");
    }
    for (member, values) in [
        ("grant_types_supported", &["authorization_code", "refresh_token"][..]),
        ("response_types_supported", &["code"]),
        (
            "token_endpoint_auth_methods_supported",
            &["none", "client_secret_basic", "client_secret_post"],
        ),
    ] {
        let listed = found.json[member].as_array().expect(member);
        for value in values {
            assert!(listed.contains(&json!(value)), "{member}: {listed:?}");
        }
    }
    let keys = world.get("/oauth/jwks.json").await;
    assert_eq!((keys.status, keys.header("location")), (200, None));
    assert!(keys.json["keys"].as_array().is_some_and(|keys| !keys.is_empty()));
}

#[tokio::test]
async fn native_1_an_access_token_is_good_for_an_hour_and_says_so_twice() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.register(native.world, &key, None).await;
    let code = shop.code(&native, &key).await;
    let answer = shop.exchange(native.world, &code, &key, None).await;
    let claims = payload(&answer.text("access_token"));
    assert_eq!(answer.json["expires_in"], 3600);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    assert_eq!(claims.get("nbf"), None, "null would be refused");
}

/// The API at another host than the issuer: what tokens are for is a setting of its own.
#[tokio::test]
async fn native_0_4_the_audience_is_what_the_resource_says_and_proofs_for_its_host_count() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("grantd.toml");
    let settings = format!("[[resources]]\nidentifier = \"{APEX}\"\nname = \"API\"\n");
    std::fs::write(&file, settings).unwrap();
    let overrides = Overrides {
        issuer: Some(ISSUER.into()),
        listen: Some(vec!["http://127.0.0.1:0".into()]),
        data_dir: Some(dir.path().join("data")),
        profile: Some("makecrypto".into()),
        ..Overrides::default()
    };
    let config = Config::load(Some(&file), &overrides).expect("it is good");
    let asking = Authorizing::over(World::with_config(config, Arc::new(MemoryStore::new())).await).await;
    set_password(&asking.world, EMAIL).await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut till, key) = (Plugin::btcpay("https://pay.example"), new_key());
    let tokens = till.connect(&native, &key).await;
    assert_eq!(payload(&tokens.access)["aud"], APEX);
    let (mut shop, other) = (Plugin::medusa(SITE), new_key());
    shop.register(world, &other, None).await;
    let page = native
        .browser
        .get(&shop.authorize(&other, &[("resource", Some(APEX))]))
        .await;
    assert_eq!(page.status, 200, "{page:?}");
    let refused = native.browser.get(&shop.authorize(&other, &[])).await;
    assert_eq!(
        param(&refused, "error").as_deref(),
        Some("invalid_target"),
        "{ISSUER} is not it"
    );
    let links = "/api/partner/v1/makepay/payment-links";
    let at_the_api = key.spoiled_proof(world, &|_, claims| {
        (claims["htm"], claims["htu"]) = ("GET".into(), format!("https://makecrypto.io{links}").into());
        claims["ath"] = base64url(sha256(tokens.access.as_bytes())).into();
    });
    let authorization = format!("DPoP {}", tokens.access);
    let headers = [("authorization", authorization.as_str()), ("dpop", &at_the_api)];
    let listed = world.send(request(Method::GET, links, &headers, b"")).await;
    assert_eq!(listed.status, 200, "{listed:?}");
}

#[tokio::test]
async fn native_2_a_proof_at_the_token_endpoint_has_no_token_and_is_used_once_whatever_its_query() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let form = shop.refresh_form(&tokens.refresh);
    let once = key_of(&tokens.refresh);
    let send = async |dpop: &str| {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("dpop", dpop),
            ("idempotency-key", once.as_str()),
        ];
        world
            .send(request(Method::POST, "/oauth/token", &headers, form.as_bytes()))
            .await
    };
    let with_token = proof(world, &key, "POST", "/oauth/token", Some(&tokens.access));
    assert_eq!(send(&with_token).await.error(), (400, "invalid_dpop_proof"));
    let with_query = proof(world, &key, "POST", "/oauth/token?a=b#c", None);
    assert_eq!(send(&with_query).await.status, 200);
    assert_eq!(send(&with_query).await.error(), (400, "invalid_dpop_proof"), "a replay");
    let again = send(&proof(world, &key, "POST", "/oauth/token", None)).await;
    assert!(again.replayed(), "a refused proof has used nothing up: {again:?}");
}

/// Trouble of the server's own is said in a way that a plugin takes for a reason to ask again, with the same key.
#[tokio::test]
async fn native_2_trouble_of_the_servers_own_is_no_refusal_and_the_same_key_goes_on_afterwards() {
    let store = Arc::new(FailingStore::default());
    let asking = Authorizing::over(World::with_store("makecrypto", store.clone()).await).await;
    set_password(&asking.world, EMAIL).await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let once = key_of(&tokens.refresh);
    store.fail_commits(true);
    let trouble = shop.refresh(world, &tokens.refresh, &key, Some(&once)).await;
    assert_eq!(trouble.error(), (503, "temporarily_unavailable"));
    store.fail_commits(false);
    let answer = shop.refresh(world, &tokens.refresh, &key, Some(&once)).await;
    verified_by_a_plugin(world, &shop, &key, &answer).await;
}

#[tokio::test]
async fn native_3_2_after_a_reset_any_previous_proof_is_ignored_and_the_new_key_is_good_at_once() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let mut shop = Plugin::medusa(SITE);
    let mut key = new_key();
    for previous in ["no proof", ""] {
        let tokens = shop.connect(&native, &key).await;
        let once = format!("medusa-native-reset-{}", previous.len());
        assert_eq!(shop.reset(world, &tokens.access, &key, &once).await.status, 200);
        key = new_key();
        let own = proof(world, &key, "POST", PATH, None);
        let again = register_with(world, &shop.body_for(&key), Some(&own), Some(previous)).await;
        assert_eq!((again.status, again.json.get("status")), (200, None), "{again:?}");
        shop.consent(&native, &key).await;
    }
}

/// 8 to 200 of `[A-Za-z0-9_-]`, and an address whose query a proof does not have.
#[tokio::test]
async fn native_3_5_keys_of_8_and_of_200_characters_are_good() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    for once in ["aZ0_-aZ0", &"k".repeat(200)] {
        let tokens = shop.connect(&native, &key).await;
        let reset = shop.reset(world, &tokens.access, &key, once).await;
        assert_eq!((reset.status, reset.replayed()), (200, false), "{reset:?}");
        assert!(shop.reset(world, &tokens.access, &key, once).await.replayed());
    }
}

/// The plugin waits ten minutes for whoever reads the page.
#[tokio::test]
async fn native_4_a_page_that_was_opened_minutes_ago_still_approves() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.register(world, &key, None).await;
    let page = native.browser.get(&shop.authorize(&key, &[])).await;
    world.advance(Duration::from_secs(9 * 60 + 50));
    let fields = [("organization", world.organization.as_str()), ("decision", "approve")];
    let answer = native.browser.submit(&page, "/consent", &fields).await;
    let code = param(&answer, "code").unwrap_or_else(|| panic!("{answer:?}"));
    world.secrets.keep(&code);
    Tokens::of(&shop.exchange(world, &code, &key, None).await);
}

/// Third parties are no installations: they have secrets, and tokens that are bound to nothing.
#[tokio::test]
async fn native_4_a_partners_app_shows_its_secret_either_way_and_gets_bearer_tokens() {
    let world = World::new("makecrypto").await;
    let app = world.add_public_app().await;
    let code = world.code(&app, "").await;
    let by_header = world.exchange(&app, &code, &[]).await;
    let code = world.code(&app, "").await;
    let form = format!(
        "grant_type=authorization_code&code={code}&code_verifier={}&client_id={}&client_secret={}",
        crate::delegation::VERIFIER,
        app.0,
        app.1
    );
    let by_form = world.post("/oauth/token", Auth::None, &form).await;
    for answer in [&by_header, &by_form] {
        assert_eq!(
            (answer.status, &answer.json["token_type"]),
            (200, &json!("Bearer")),
            "{answer:?}"
        );
        assert_eq!(payload(&answer.text("access_token")).get("cnf"), None);
    }
}

#[tokio::test]
async fn native_5_1_a_used_code_is_invalid_grant_with_another_key_or_with_none() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    for idempotency in [None, Some("medusa-token-of-somebody-else")] {
        let (mut shop, key) = (
            Plugin::medusa(&format!("https://{}.example", idempotency.is_some())),
            new_key(),
        );
        shop.register(world, &key, None).await;
        let code = shop.code(&native, &key).await;
        let tokens = Tokens::of(&shop.exchange(world, &code, &key, Some(&key_of(&code))).await);
        let again = shop.exchange(world, &code, &key, idempotency).await;
        assert_eq!((again.error(), again.header("oauth-token-recovery")), (INVALID, None));
        assert!(!stands(world, &tokens.access).await, "what the code made is dead");
    }
}

/// A repeated form is the same request as far as the credential goes: nothing but the key decides.
#[tokio::test]
async fn native_5_2_a_token_rotated_with_a_key_is_a_theft_with_another_key_at_once() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let first = shop.connect(&native, &key).await;
    let once = key_of(&first.refresh);
    let second = Tokens::of(&shop.refresh(world, &first.refresh, &key, Some(&once)).await);
    let thief = token(
        world,
        &shop.refresh_form(&first.refresh),
        &key,
        Some("medusa-token-other"),
    )
    .await;
    assert_eq!((thief.error(), thief.header("oauth-token-recovery")), (INVALID, None));
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 1);
    for refresh in [&first.refresh, &second.refresh] {
        assert_eq!(shop.refresh(world, refresh, &key, Some(&once)).await.error(), INVALID);
    }
    assert!(!stands(world, &second.access).await);
}

#[tokio::test]
async fn native_6_a_subscription_that_says_nothing_wants_every_payment_and_is_active() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let shown = (&key, tokens.access.as_str());
    let body = json!({ "url": format!("{SITE}/hooks/makepay/makepay_makepay") });
    let key_of_it = [(
        "idempotency-key",
        "medusa-webhook-0123456789012345678901234567890123456789",
    )];
    let put = async || signed(world, shown, Method::PUT, CURRENT, &body, &key_of_it).await;
    let made = put().await;
    assert_eq!(made.status, 200, "{made:?}");
    world.secrets.keep(&made.text("signingSecret"));
    let subscription = &made.json["subscription"];
    assert_eq!(
        (
            &subscription["events"],
            &subscription["active"],
            &subscription["metadata"]
        ),
        (&json!(["makepay.payment.*"]), &json!(true), &json!({}))
    );
    assert_eq!(subscription["grantId"], tokens.claim("grant_id").as_str());
    // A key of its own is asked for with another key of idempotency, whatever the installation.
    assert_eq!(put().await.body, made.body);
    let read = signed(world, shown, Method::GET, CURRENT, &Value::Null, &[]).await;
    assert_eq!(read.json["subscription"], *subscription);
    assert_eq!(read.json.get("signingSecret"), None);
}
