//! RFC 7523 §3 and its revision: `private_key_jwt`.

use crate::http::{Answer, Auth};
use crate::proofs::{ClientKey, Spoil};
use crate::support::{GRANT, ISSUER, OWNER, World};
use grantd::base::digest::base64url;
use grantd::base::jose::Alg;
use grantd::control::NewApp;
use grantd::control::app_settings::AppSettings;
use grantd::model::app::{AuthMethod, Kind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub const REFUSED: (u16, &str) = (401, "invalid_client");
pub const TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
const ALGS: [Alg; 4] = [Alg::Es256, Alg::EdDsa, Alg::Ed25519, Alg::Ps256];

fn key() -> ClientKey {
    ClientKey::new(Alg::Es256, 1)
}

pub fn with_assertion(form: &str, assertion: &str) -> String {
    format!("{form}&client_assertion_type={TYPE}&client_assertion={assertion}")
}

impl World {
    /// A private app that signs with one of these; its client_id.
    pub async fn add_app_with_keys(&self, jwks: &[Value], settings: AppSettings) -> String {
        let app = NewApp {
            dedicated_user: Some(OWNER.into()),
            auth_method: Some(AuthMethod::PrivateKeyJwt),
            settings: AppSettings {
                jwks: Some(jwks.to_vec()),
                ..settings
            },
            ..self.new_app(Kind::Private, &[])
        };
        let (client_id, secret) = self.add_app(app).await;
        assert_eq!(secret, "", "it needs none");
        client_id
    }

    pub async fn ask_with_assertion(&self, assertion: &str) -> Answer {
        let form = with_assertion(GRANT, assertion);
        self.post("/oauth/token", Auth::None, &form).await
    }
}

pub async fn world_with(key: &ClientKey) -> (World, String) {
    let world = World::new("default").await;
    let client_id = world.add_app_with_keys(&[key.jwk()], AppSettings::default()).await;
    (world, client_id)
}

#[tokio::test]
async fn f2_b5_m8_an_assertion_of_any_listed_algorithm_authenticates_at_every_endpoint() {
    let world = World::new("default").await;
    let document = world.get("/.well-known/oauth-authorization-server").await.json;
    for alg in ALGS {
        let key = ClientKey::new(alg, 1);
        let id = &world.add_app_with_keys(&[key.jwk()], AppSettings::default()).await;
        for (endpoint, form) in [
            ("token", GRANT),
            ("introspection", "token=x"),
            ("revocation", "token=x"),
        ] {
            let listed = &document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
            assert_eq!(*listed, json!(ALGS.map(Alg::as_str)));
            let url = document[format!("{endpoint}_endpoint")].as_str().unwrap();
            let path = url.strip_prefix(ISSUER).unwrap();
            for client_id in ["", &format!("&client_id={id}")] {
                let form = with_assertion(&format!("{form}{client_id}"), &key.assertion(&world, id));
                let answer = world.post(path, Auth::None, &form).await;
                assert_eq!(answer.status, 200, "{alg:?} {endpoint}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn f3_o9_the_audience_is_the_issuer_alone_and_as_text() {
    let key = key();
    let (world, id) = world_with(&key).await;
    let for_aud = |aud: &Value| {
        let aud = aud.clone();
        key.spoiled_assertion(&world, &id, &move |_, claims| claims["aud"] = aud.clone())
    };
    assert_eq!(world.ask_with_assertion(&for_aud(&json!(ISSUER))).await.status, 200);
    for aud in [
        json!([ISSUER]),
        json!([ISSUER, "https://other.example"]),
        json!([]),
        json!(format!("{ISSUER}/")),
        json!(format!("{ISSUER}/oauth/token")),
        json!(format!("{ISSUER}/oauth/par")),
        json!(format!("{ISSUER}/api")),
        json!("https://AUTH.example"),
        json!("https://other.example"),
        json!(id),
        json!(""),
        json!(null),
        json!(1),
    ] {
        // Enough failures to be held back otherwise.
        world.advance(Duration::from_secs(60));
        assert_eq!(world.ask_with_assertion(&for_aud(&aud)).await.error(), REFUSED, "{aud}");
    }
}

#[tokio::test]
async fn p1_f3_an_app_registered_so_may_name_the_endpoints_as_it_used_to() {
    let (world, key) = (World::new("default").await, key());
    let legacy = AppSettings {
        legacy_audience: Some(true),
        ..AppSettings::default()
    };
    let id = world.add_app_with_keys(&[key.jwk()], legacy).await;
    let token_url = format!("{ISSUER}/oauth/token");
    for (aud, good) in [
        (json!(ISSUER), true),
        (json!(token_url), true),
        (json!(format!("{ISSUER}/oauth/par")), true),
        (json!([ISSUER, token_url]), true),
        (json!([token_url, "https://other.example"]), false),
        (json!([]), false),
        (json!([[ISSUER]]), false),
        (json!(format!("{ISSUER}/")), false),
        (json!(format!("{ISSUER}/oauth/revoke")), false),
        (json!(format!("{ISSUER}.evil.example/oauth/token")), false),
        (json!("https://other.example/oauth/token"), false),
    ] {
        let assertion = key.spoiled_assertion(&world, &id, &|_, claims| claims["aud"] = aud.clone());
        assert_eq!(world.ask_with_assertion(&assertion).await.status == 200, good, "{aud}");
    }
}

#[tokio::test]
async fn f6_its_times_are_near_the_servers() {
    let key = key();
    let (world, id) = world_with(&key).await;
    for (claim, seconds, good) in [
        ("iat", 0, true),
        ("iat", 10, true),
        ("iat", 60, true),
        ("iat", 61, false),
        ("iat", -3600, true),
        ("nbf", -10, true),
        ("nbf", 10, true),
        ("nbf", 60, true),
        ("nbf", 61, false),
        ("exp", 1, true),
        ("exp", 0, false),
        ("exp", -1, false),
        ("exp", -300, false),
        ("exp", 300, true),
        ("exp", 600, true),
        ("exp", 601, false),
        ("exp", 86_400, false),
    ] {
        let now = world.ctx.now().seconds();
        let assertion = key.spoiled_assertion(&world, &id, &|_, claims| {
            claims[claim] = json!(now.saturating_add_signed(seconds));
        });
        let answer = world.ask_with_assertion(&assertion).await;
        assert_eq!(answer.status == 200, good, "{claim} {seconds}");
        if !good {
            assert_eq!(answer.error(), REFUSED);
        }
    }
}

#[tokio::test]
async fn f6_an_assertion_with_anything_wrong_is_refused_in_the_same_words() {
    let key = key();
    let (world, id) = world_with(&key).await;
    let other = world
        .add_app_with_keys(&[ClientKey::new(Alg::Es256, 9).jwk()], AppSettings::default())
        .await;
    let remove = |value: &mut Value, name: &str| drop(value.as_object_mut().unwrap().remove(name));
    let spoils: [(&str, Spoil<'_>); 22] = [
        ("no sub", &|_, claims| remove(claims, "sub")),
        ("no iss", &|_, claims| remove(claims, "iss")),
        ("another iss", &|_, claims| claims["iss"] = json!(other)),
        ("another sub", &|_, claims| claims["sub"] = json!(other)),
        ("another client", &|_, claims| {
            (claims["iss"], claims["sub"]) = (json!(other), json!(other))
        }),
        ("nobody", &|_, claims| {
            (claims["iss"], claims["sub"]) = (json!("nobody"), json!("nobody"))
        }),
        ("no aud", &|_, claims| remove(claims, "aud")),
        ("no exp", &|_, claims| remove(claims, "exp")),
        ("a textual exp", &|_, claims| {
            claims["exp"] = json!(claims["exp"].to_string())
        }),
        ("an endless exp", &|_, claims| claims["exp"] = json!(u64::MAX)),
        ("a textual iat", &|_, claims| claims["iat"] = json!("now")),
        ("an iat of no value", &|_, claims| claims["iat"] = json!(null)),
        ("no jti", &|_, claims| remove(claims, "jti")),
        ("an empty jti", &|_, claims| claims["jti"] = json!("")),
        ("an endless jti", &|_, claims| claims["jti"] = json!("j".repeat(129))),
        ("the typ of a proof", &|header, _| header["typ"] = json!("dpop+jwt")),
        ("the typ of an access token", &|header, _| {
            header["typ"] = json!("at+jwt")
        }),
        ("a key it brings along", &|header, _| {
            header["jwk"] = json!({ "kty": "oct", "k": "AAAA" })
        }),
        ("another kid", &|header, _| header["kid"] = json!("other")),
        ("an extension", &|header, _| header["crit"] = json!(["exp"])),
        ("another algorithm", &|header, _| header["alg"] = json!("EdDSA")),
        ("no algorithm", &|header, _| header["alg"] = json!("none")),
    ];
    let mut bodies = Vec::new();
    for (what, spoil) in spoils {
        let answer = world
            .ask_with_assertion(&key.spoiled_assertion(&world, &id, spoil))
            .await;
        assert_eq!(answer.error(), REFUSED, "{what}");
        bodies.push(answer.body);
        // Enough failures to be held back otherwise.
        world.advance(Duration::from_secs(60));
    }
    let wrong_secret = world.post("/oauth/token", Auth::Basic(&id, "wrong"), GRANT).await;
    assert!(bodies.iter().all(|body| *body == wrong_secret.body), "{bodies:?}");
    for typ in [
        "JWT",
        "client-authentication+jwt",
        "application/client-authentication+jwt",
    ] {
        let typed = key.spoiled_assertion(&world, &id, &|header, _| header["typ"] = json!(typ));
        assert_eq!(world.ask_with_assertion(&typed).await.status, 200, "{typ}");
    }
}

/// Past failure: an assertion that worked twice, also after a restart (GHSA-3p3g-vpw6-4w66).
#[tokio::test]
async fn f6_past_ghsa_3p3g_vpw6_4w66_an_assertion_is_used_once_whichever_endpoint_it_is_shown_to() {
    let key = key();
    let (world, id) = world_with(&key).await;
    let endpoints = [
        ("/oauth/token", GRANT),
        ("/oauth/introspect", "token=x"),
        ("/oauth/revoke", "token=x"),
    ];
    for (first, form) in endpoints {
        let assertion = key.spoiled_assertion(&world, &id, &|_, claims| claims["jti"] = json!(first));
        let used = world.post(first, Auth::None, &with_assertion(form, &assertion)).await;
        assert_eq!(used.status, 200, "{used:?}");
        let restarted = world.restarted().await;
        for (path, form) in endpoints {
            let form = with_assertion(form, &assertion);
            assert_eq!(
                world.post(path, Auth::None, &form).await.error(),
                REFUSED,
                "{first} {path}"
            );
            assert_eq!(restarted.post(path, Auth::None, &form).await.error(), REFUSED);
        }
    }
    // The name is the client's own.
    let other = world.add_app_with_keys(&[key.jwk()], AppSettings::default()).await;
    let same = key.spoiled_assertion(&world, &other, &|_, claims| claims["jti"] = json!("/oauth/token"));
    assert_eq!(world.ask_with_assertion(&same).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_of_many_requests_with_one_assertion_one_succeeds() {
    let key = key();
    let (world, id) = world_with(&key).await;
    let assertion = key.assertion(&world, &id);
    let world = Arc::new(world);
    let asked: Vec<_> = (0..32)
        .map(|_| {
            let (world, assertion) = (world.clone(), assertion.clone());
            tokio::spawn(async move { world.ask_with_assertion(&assertion).await.status })
        })
        .collect();
    let mut good = 0;
    for one in asked {
        match one.await.unwrap() {
            200 => good += 1,
            status => assert_eq!(status, 401),
        }
    }
    assert_eq!(good, 1);
}

#[tokio::test]
async fn f6_an_assertion_is_no_token_and_its_parts_prove_nothing() {
    let key = key();
    let (world, id) = world_with(&key).await;
    let assertion = key.assertion(&world, &id);
    let parts: Vec<_> = assertion.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!()
    };
    let encoded = base64url("{}");
    for bad in [
        String::from("x"),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}.{encoded}.{signature}"),
        format!("{encoded}.{claims}.{signature}"),
        format!("{assertion}.{signature}"),
        format!("{assertion}="),
        "a".repeat(6000),
    ] {
        assert_eq!(world.ask_with_assertion(&bad).await.error(), REFUSED, "{bad}");
    }
    assert_eq!(world.ask_with_assertion(&assertion).await.status, 200);
}
