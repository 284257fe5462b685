//! Tokens that were altered, or made by somebody else, or that lack something.

use crate::support::{START, World, judged};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantd::base::jose::{Algorithm, SigningKey, sign_jwt};
use grantd::base::random::SeededRandom;
use grantd::model::role::Role;
use serde_json::{Map, Value, json};
use std::time::Duration;

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).expect("a token has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

pub fn header(token: &str) -> Value {
    part(token, 0)
}

pub fn payload(token: &str) -> Value {
    part(token, 1)
}

/// A good token's claims, changed and signed with the real key.
async fn signed_with(world: &World, typ: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut claims = payload(&world.mint("").await);
    change(claims.as_object_mut().expect("claims are an object"));
    let exp = START + Duration::from_secs(60);
    let tools = world.ctx.key_tools();
    let signer = world.ctx.keyring.signer(&tools, Algorithm::EdDsa, exp).await.unwrap();
    sign_jwt(&signer.key, &signer.record.kid, typ, claims.to_string().as_bytes())
}

/// Past failure: a truncated token that was still valid (CVE-2026-27840).
#[tokio::test]
async fn i2_past_cve_2026_27840_a_token_with_any_byte_removed_added_or_changed_is_dead() {
    let world = World::new("default").await;
    let token = world.mint("&scope=data.read").await;
    let mut altered = Vec::new();
    for at in 0..token.len() {
        let (before, rest) = token.split_at(at);
        let (byte, after) = rest.split_at(1);
        altered.push(format!("{before}{after}"));
        altered.push(format!("{before}A{rest}"));
        altered.push(before.to_owned());
        let flipped = if byte == byte.to_lowercase() {
            byte.to_uppercase()
        } else {
            byte.to_lowercase()
        };
        if flipped != byte {
            altered.push(format!("{before}{flipped}{after}"));
        }
    }
    altered.extend(["=", ".", "A", "+", "%0A", "%00", "%20"].map(|end| format!("{token}{end}")));
    altered.extend(["+", "%0A", "%EF%BB%BF", "Bearer+"].map(|start| format!("{start}{token}")));
    assert!(altered.len() > 3 * token.len());
    for text in &altered {
        if !text.is_empty() {
            assert!(!world.is_active(text).await, "{text} is a token too");
        }
    }
    assert!(world.is_active(&token).await);
}

/// Past failure: tokens without exp, iat, aud or sub (GHSA-wxg7, CVE-2026-55669).
#[tokio::test]
async fn i2_past_ghsa_wxg7_cve_2026_55669_a_token_that_lacks_a_claim_is_dead_though_signed_with_our_key() {
    let world = World::new("default").await;
    let whole = signed_with(&world, "at+jwt", |_| {}).await;
    assert!(world.is_active(&whole).await, "the forge works");
    let names = [
        "iss",
        "sub",
        "aud",
        "client_id",
        "jti",
        "iat",
        "exp",
        "scope",
        "organization_id",
        "ep",
    ];
    for name in names {
        let wrong = [
            None,
            Some(Value::Null),
            Some(json!("")),
            Some(json!([])),
            Some(json!({})),
            Some(json!(true)),
            Some(json!(-1)),
            Some(json!(1.5e300)),
        ];
        for value in wrong {
            let token = signed_with(&world, "at+jwt", |claims| {
                claims.remove(name);
                if let Some(value) = value.clone() {
                    claims.insert(name.into(), value);
                }
            });
            assert!(!world.is_active(&token.await).await, "{name} is {value:?}");
        }
    }
}

#[tokio::test]
async fn i2_a_token_for_other_times_places_or_people_is_dead_though_signed_with_our_key() {
    let world = World::new("default").await;
    let client = &world.client_id;
    let now = START.seconds();
    for (name, value) in [
        ("exp", json!(now)),
        ("exp", json!((now + 600).to_string())),
        ("nbf", json!(now + 1)),
        ("nbf", json!("now")),
        ("nbf", Value::Null),
        ("iss", json!("https://auth.example/")),
        ("iss", json!("https://AUTH.example")),
        ("iss", json!("https://evil.example")),
        ("aud", json!(["https://auth.example/api"])),
        ("aud", json!(["https://auth.example/api", "https://evil.example"])),
        ("client_id", json!("grantd_app_nobody")),
        ("client_id", json!(format!("{client}\0"))),
        ("sub", json!(client)),
        ("sub", json!("u_nobody")),
        ("sub", json!("u_\0")),
        ("organization_id", json!("o_nobody")),
        ("organization_id", json!(format!("{}\0", world.organization))),
        ("organization_id", json!(849)),
        ("scope", json!("no.such")),
        ("scope", json!("data.read\u{a0}data.write")),
        ("ep", json!([0, 0, 0, 0, 0, 0])),
        ("ep", json!([0, 0, 0, 0, 0, 0, 0, 0])),
        ("ep", json!([0, 0, 0, 0, 0, 0, -1])),
    ] {
        let token = signed_with(&world, "at+jwt", |claims| {
            claims.insert(name.into(), value.clone());
        });
        assert!(!world.is_active(&token.await).await, "{name} is {value}");
    }
    // Another member of the organization, whom this app does not act as.
    let other = world.add_user("other@example.com").await;
    world.set_role("other@example.com", Role::Owner).await;
    let token = signed_with(&world, "at+jwt", |claims| {
        claims.insert("sub".into(), other.into());
    });
    assert!(!world.is_active(&token.await).await);
    let begun = signed_with(&world, "at+jwt", |claims| {
        claims.insert("nbf".into(), now.into());
    });
    assert!(world.is_active(&begun.await).await, "an nbf that has come is good");
}

#[tokio::test]
async fn i2_another_kind_of_jwt_is_no_access_token() {
    let world = World::new("default").await;
    for typ in [
        "JWT",
        "jwt",
        "",
        "at",
        "at+jwt+x",
        "application/jwt",
        "dpop+jwt",
        "rt+jwt",
        "at jwt",
    ] {
        let token = signed_with(&world, typ, |_| {}).await;
        assert!(!world.is_active(&token).await, "{typ}");
    }
    for typ in ["AT+JWT", "application/at+jwt"] {
        let token = signed_with(&world, typ, |_| {}).await;
        assert!(world.is_active(&token).await, "RFC 9068 section 4 allows {typ}");
    }
}

/// Past failure: algorithm confusion (CVE-2026-11800), `none`, and JWEs in the place of tokens (CVE-2026-9793).
#[tokio::test]
async fn f9_past_cve_2026_11800_2026_9793_the_key_decides_the_algorithm_and_a_token_brings_no_key() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    let body = token.split('.').nth(1).unwrap();
    let signature = token.split('.').nth(2).unwrap();
    let kid = header(&token)["kid"].clone();
    let jwks = world.get("/oauth/jwks.json").await.json;
    let jwk = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == kid)
        .unwrap();
    let raw_public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let encode = |head: &Value| URL_SAFE_NO_PAD.encode(head.to_string());
    let mut forged = Vec::new();
    for algorithm in [
        "none", "None", "NONE", "", "HS256", "HS512", "RS256", "ES256", "PS256", "Ed25519", "eddsa",
    ] {
        let input = format!(
            "{}.{body}",
            encode(&json!({ "typ": "at+jwt", "alg": algorithm, "kid": kid }))
        );
        // With the public key as symmetric one, in the spellings in which it is published.
        for key in [
            raw_public.as_slice(),
            jwk.to_string().as_bytes(),
            jwk["x"].as_str().unwrap().as_bytes(),
        ] {
            let mac = grantd::base::digest::hmac_sha256(key, &[input.as_bytes()]);
            forged.push(format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac)));
        }
        forged.push(format!("{input}.{signature}"));
        forged.push(format!("{input}."));
        forged.push(input);
    }
    let own = SigningKey::generate(Algorithm::EdDsa, &SeededRandom::new(99));
    let own_jwk = serde_json::to_value(own.public_jwk()).unwrap();
    let sign = |head: Value| {
        let input = format!("{}.{body}", encode(&head));
        let signature = URL_SAFE_NO_PAD.encode(own.sign(input.as_bytes()));
        format!("{input}.{signature}")
    };
    forged.push(sign(json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid })));
    forged.push(sign(json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": own_jwk["kid"] })));
    forged.push(sign(json!({ "typ": "at+jwt", "alg": "EdDSA" })));
    forged.push(sign(
        json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": own_jwk["kid"], "jwk": own_jwk }),
    ));
    forged.push(sign(
        json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid, "jku": "https://evil.example/jwks" }),
    ));
    forged.push(sign(
        json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "../../etc/passwd" }),
    ));
    forged.push(sign(json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "\u{0}" })));
    forged.push(format!("{token}.{signature}.{signature}"));
    forged.push(format!(
        "{}.{body}.{signature}",
        encode(&json!({ "alg": "dir", "enc": "A256GCM" }))
    ));
    for token in &forged {
        assert!(!world.is_active(token).await, "{token}");
    }
}

#[tokio::test]
async fn i2_a_token_of_another_server_is_unknown_here() {
    let here = World::new("default").await;
    // The same issuer, organization and client ids; only the random bytes of the keys differ.
    let elsewhere = {
        let config = here.ctx.config.clone();
        let store = std::sync::Arc::new(grantd::store::memory::MemoryStore::new());
        crate::support::open(config, store, here.clock.clone(), 1, 77)
            .await
            .unwrap()
    };
    let (ours, theirs) = (here.ctx.keyring.set(), elsewhere.keyring.set());
    assert_ne!(ours.jwks, theirs.jwks);
    let token = here.mint("").await;
    assert!(grantd::oauth::access_token::verify(&elsewhere, &token).is_err());
    assert!(judged(&here.introspect(&token).await));
}

#[tokio::test]
async fn i2_a_token_as_long_as_the_body_allows_is_refused_quietly() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    for text in [
        "a".repeat(60_000),
        ".".repeat(60_000),
        format!("{token}{}", "A".repeat(50_000)),
        format!("{}.{}", "e30".repeat(10_000), "e30.e30"),
    ] {
        assert!(!world.is_active(&text).await);
    }
}
