//! RFC 9449: proofs of possession at the token endpoint, and what they bind. Resources are the gateway's.

use crate::proofs::{ClientKey, Spoil, TOKEN_URL};
use crate::support::{OWNER, World};
use crate::tokens::payload;
use grantd::base::digest::{base64url, hmac_sha256, sha256};
use grantd::base::jose::Alg;
use grantd::control::NewApp;
use grantd::control::app_settings::AppSettings;
use grantd::model::app::Kind;
use grantd::oauth::dpop;
use grantd::oauth::error::{ErrorCode, OAuthError};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const REFUSED: (u16, &str) = (400, "invalid_dpop_proof");

fn key() -> ClientKey {
    ClientKey::new(Alg::Es256, 1)
}

#[tokio::test]
async fn d1_d3_d5_a_proof_binds_the_token_to_its_key() {
    let (world, key) = (World::new("default").await, key());
    let answer = world.ask_with_proof(&key.proof(&world)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["token_type"], "DPoP");
    assert_eq!(
        payload(&answer.text("access_token"))["cnf"],
        json!({ "jkt": key.jkt() })
    );

    let unbound = world.ask("").await;
    assert_eq!(unbound.json["token_type"], "Bearer");
    assert_eq!(payload(&unbound.text("access_token")).get("cnf"), None);
}

#[tokio::test]
async fn d5_i1_introspection_tells_the_key_and_the_type() {
    let (world, key) = (World::new("default").await, key());
    let token = world.ask_with_proof(&key.proof(&world)).await.text("access_token");
    for client in [world.client(), world.add_resource_server().await] {
        let seen = world.introspect_as(&client, &token).await;
        assert_eq!(seen["cnf"], json!({ "jkt": key.jkt() }));
        assert_eq!((&seen["active"], &seen["token_type"]), (&json!(true), &json!("DPoP")));
    }
    let seen = world.introspect(&world.mint("").await).await;
    assert_eq!((seen.get("cnf"), &seen["token_type"]), (None, &json!("Bearer")));
}

#[tokio::test]
async fn d2_d4_f9_every_algorithm_that_the_metadata_names_works() {
    let world = World::new("default").await;
    let document = world.get("/.well-known/oauth-authorization-server").await.json;
    let listed = &document["dpop_signing_alg_values_supported"];
    assert_eq!(*listed, json!(["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]));
    for (name, seed) in listed.as_array().unwrap().iter().zip(1..) {
        let key = ClientKey::new(Alg::parse(name.as_str().unwrap()).unwrap(), seed);
        let answer = world.ask_with_proof(&key.proof(&world)).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(payload(&answer.text("access_token"))["cnf"]["jkt"], key.jkt());
    }
}

#[tokio::test]
async fn d2_d9_no_symmetric_and_no_missing_signature_is_a_proof() {
    let (world, key) = (World::new("default").await, key());
    let good = key.proof(&world);
    let claims = good.split('.').nth(1).unwrap();
    let with_header = |header: Value| format!("{}.{claims}", base64url(header.to_string()));
    let jwk = key.jwk();
    for alg in ["none", "None", "HS256", "HS512", "ES384", "es256", ""] {
        let input = with_header(json!({ "typ": "dpop+jwt", "alg": alg, "jwk": jwk }));
        let tag = base64url(hmac_sha256(jwk.to_string().as_bytes(), &[input.as_bytes()]));
        for proof in [format!("{input}.{tag}"), format!("{input}.")] {
            assert_eq!(world.ask_with_proof(&proof).await.error(), REFUSED, "{alg}");
        }
    }
    let symmetric = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "k": "AAAA" } });
    let input = with_header(symmetric);
    let tag = base64url(hmac_sha256(&[0; 3], &[input.as_bytes()]));
    assert_eq!(world.ask_with_proof(&format!("{input}.{tag}")).await.error(), REFUSED);
    assert_eq!(world.ask_with_proof(&good).await.status, 200);
}

async fn refused(world: &World, key: &ClientKey, what: &str, spoil: Spoil<'_>) {
    let answer = world.ask_with_proof(&key.spoiled_proof(world, spoil)).await;
    assert_eq!(answer.error(), REFUSED, "{what}");
    assert_eq!(answer.header("dpop-nonce"), None, "{what}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn d1_d2_a_proof_with_anything_wrong_in_its_header_is_refused() {
    let (world, key) = (World::new("default").await, key());
    let other = ClientKey::new(Alg::Es256, 2).jwk();
    let jwk = key.jwk();
    let with = |member: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[member] = value;
        jwk
    };
    for (member, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("at+jwt")),
        ("typ", json!(null)),
        ("jwk", json!(null)),
        ("jwk", json!([jwk])),
        ("jwk", json!(jwk.to_string())),
        ("jwk", with("d", json!("AAAA"))),
        ("jwk", with("d", json!(null))),
        ("jwk", with("y", jwk["x"].clone())),
        ("jwk", with("crv", json!("P-384"))),
        ("jwk", with("use", json!("enc"))),
        ("jwk", with("alg", json!("RS256"))),
        ("jwk", other),
        ("alg", json!("EdDSA")),
        ("crit", json!(["exp"])),
    ] {
        let what = format!("{member} {value}");
        refused(&world, &key, &what, &|header, _| header[member] = value.clone()).await;
    }
    for member in ["typ", "jwk", "alg"] {
        refused(&world, &key, member, &|header, _| {
            header.as_object_mut().unwrap().remove(member);
            header["kid"] = json!(key.jkt());
        })
        .await;
    }
}

#[tokio::test]
async fn d1_d2_a_proof_with_anything_wrong_in_its_claims_is_refused() {
    let (world, key) = (World::new("default").await, key());
    let now = world.ctx.now().seconds();
    for (claim, value) in [
        ("jti", json!("")),
        ("jti", json!(1)),
        ("jti", json!("j".repeat(129))),
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htu", json!("https://auth.example/oauth/par")),
        ("htu", json!("https://evil.example/oauth/token")),
        ("htu", json!([TOKEN_URL])),
        ("iat", json!(now.to_string())),
        ("iat", json!(-1)),
        ("iat", json!(1e300)),
        ("iat", json!(null)),
        // There is no token here that it could be for.
        ("ath", json!(base64url(sha256(b"")))),
        ("ath", json!(null)),
        ("nonce", json!("eyJ7S_zG.eyJH0-Z.HX4w-7v")),
        ("nonce", json!("")),
        ("nonce", json!(null)),
    ] {
        let what = format!("{claim} {value}");
        refused(&world, &key, &what, &|_, claims| claims[claim] = value.clone()).await;
    }
    for claim in ["jti", "htm", "htu", "iat"] {
        refused(&world, &key, claim, &|_, claims| {
            claims.as_object_mut().unwrap().remove(claim);
        })
        .await;
    }
}

#[tokio::test]
async fn d2_what_a_proof_says_besides_is_ignored() {
    let (world, key) = (World::new("default").await, key());
    let proof = key.spoiled_proof(&world, &|header, claims| {
        header["jwk"]["ext"] = json!(true);
        header["jwk"]["key_ops"] = json!(["verify"]);
        header["typ"] = json!("application/DPoP+JWT");
        claims["aud"] = json!("https://elsewhere.example");
        claims["iat"] = json!(claims["iat"].as_u64().unwrap() as f64 + 0.25);
    });
    assert_eq!(world.ask_with_proof(&proof).await.status, 200);
}

#[tokio::test]
async fn d2_one_header_with_one_jwt_is_a_proof() {
    let (world, key) = (World::new("default").await, key());
    let (one, two) = (key.proof(&world), key.proof(&world));
    let client = world.client();
    let long = "a".repeat(5000);
    for headers in [
        vec![one.as_str(), two.as_str()],
        vec![&one, &one],
        vec![&one, ""],
        vec![""],
        vec!["no-jwt"],
        vec![&format!("{one}, {two}")],
        vec![&format!("{one} {two}")],
        vec![&format!("DPoP {one}")],
        vec![&one[1..]],
        vec![&one[..one.len() - 4]],
        vec![&format!("{one}.{two}")],
        vec![&long],
    ] {
        assert_eq!(
            world.ask_with_proofs(&client, &headers).await.error(),
            REFUSED,
            "{headers:?}"
        );
    }
    assert_eq!(world.ask_with_proof(&one).await.status, 200);
}

#[tokio::test]
async fn d2_past_authelia_12169_the_address_is_compared_in_its_normal_form() {
    let (world, key) = (World::new("default").await, key());
    for same in [
        TOKEN_URL,
        "https://auth.example/oauth/token?resource=x",
        "https://auth.example/oauth/token#fragment",
        "HTTPS://AUTH.example:443/oauth/token",
        "https://auth.example/%6Fauth/tok%65n",
    ] {
        let proof = key.spoiled_proof(&world, &|_, claims| claims["htu"] = json!(same));
        assert_eq!(world.ask_with_proof(&proof).await.status, 200, "{same}");
    }
    for other in [
        "http://auth.example/oauth/token",
        "https://auth.example:8443/oauth/token",
        "https://auth.example/oauth/token/",
        "https://auth.example//oauth/token",
        "https://auth.example/OAuth/token",
        "https://auth.example/oauth%2Ftoken",
        "https://auth.example/x/../oauth/token",
        "https://auth.example.evil.example/oauth/token",
        "https://auth.example@evil.example/oauth/token",
        "https://evil.example/https://auth.example/oauth/token",
        "//auth.example/oauth/token",
        " https://auth.example/oauth/token",
        "https://auth.example",
        "",
    ] {
        let proof = key.spoiled_proof(&world, &|_, claims| claims["htu"] = json!(other));
        assert_eq!(world.ask_with_proof(&proof).await.error(), REFUSED, "{other}");
    }
}

#[tokio::test]
async fn d2_d9_f6_a_proof_is_good_for_five_minutes_and_for_clocks_a_minute_ahead() {
    let (world, key) = (World::new("default").await, key());
    for (seconds, good) in [
        (-301_i64, false),
        (-300, true),
        (0, true),
        (10, true),
        (60, true),
        (61, false),
    ] {
        let proof = key.spoiled_proof(&world, &|_, claims| {
            claims["iat"] = json!(claims["iat"].as_i64().unwrap() + seconds);
        });
        let answer = world.ask_with_proof(&proof).await;
        assert_eq!(answer.status == 200, good, "{seconds}: {answer:?}");
    }
}

#[tokio::test]
async fn d9_a_proof_is_used_once_also_after_a_restart() {
    let (world, key) = (World::new("default").await, key());
    let proof = key.spoiled_proof(&world, &|_, claims| claims["jti"] = json!("one"));
    assert_eq!(world.ask_with_proof(&proof).await.status, 200);
    assert_eq!(world.ask_with_proof(&proof).await.error(), REFUSED);
    let restarted = world.restarted().await;
    assert_eq!(restarted.ask_with_proof(&proof).await.error(), REFUSED);
    // Until the second in which it is too old, sweep included.
    world.advance(Duration::from_secs(300));
    world.ctx.store.sweep(world.ctx.now(), 100).await.unwrap();
    let again = world.ask_with_proof(&proof).await;
    assert!(again.text("error_description").contains("used before"), "{again:?}");
    world.advance(Duration::from_secs(1));
    world.ctx.store.sweep(world.ctx.now(), 100).await.unwrap();
    let late = world.ask_with_proof(&proof).await;
    assert!(late.text("error_description").contains("iat"), "{late:?}");
    // The name is the key's own: another key may use the same.
    let other = ClientKey::new(Alg::Es256, 2);
    for key in [&key, &other] {
        let proof = key.spoiled_proof(&world, &|_, claims| claims["jti"] = json!("two"));
        assert_eq!(world.ask_with_proof(&proof).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_of_many_requests_with_one_proof_one_succeeds() {
    let (world, key) = (Arc::new(World::new("default").await), key());
    let proof = key.proof(&world);
    let asked: Vec<_> = (0..32)
        .map(|_| {
            let (world, proof) = (world.clone(), proof.clone());
            tokio::spawn(async move { world.ask_with_proof(&proof).await.status })
        })
        .collect();
    let mut good = 0;
    for one in asked {
        match one.await.unwrap() {
            200 => good += 1,
            status => assert_eq!(status, 400),
        }
    }
    assert_eq!(good, 1);
}

#[tokio::test]
async fn d4_an_app_registered_for_bound_tokens_gets_no_others() {
    let (world, key) = (World::new("default").await, key());
    let app = NewApp {
        dedicated_user: Some(OWNER.into()),
        settings: AppSettings {
            require_dpop: Some(true),
            ..AppSettings::default()
        },
        ..world.new_app(Kind::Private, &[])
    };
    let client = world.add_app(app).await;
    assert_eq!(world.ask_with_proofs(&client, &[]).await.error(), REFUSED);
    let bound = world.ask_with_proofs(&client, &[&key.proof(&world)]).await;
    assert_eq!((bound.status, &bound.json["token_type"]), (200, &json!("DPoP")));
}

fn with_token(world: &World, proof: &str) -> Result<Option<dpop::Proof>, OAuthError> {
    dpop::verify(
        &world.ctx,
        &dpop::Asked {
            origins: &[world.ctx.issuer()],
            headers: &[proof.as_bytes()],
            method: "POST",
            path: "/oauth/token",
            access_token: Some("the-token"),
            native: false,
        },
    )
}

/// At an API: the proof is for the token shown with it.
#[tokio::test]
async fn d1_d2_with_a_token_the_proof_names_its_digest() {
    let (world, key) = (World::new("default").await, key());
    let digest = base64url(sha256(b"the-token"));
    for (ath, good) in [
        (json!(digest), true),
        (json!(null), false),
        (json!(base64url(sha256(b"another"))), false),
        (json!(&digest[1..]), false),
        (json!("the-token"), false),
        (json!(format!("{digest}=")), false),
        (json!([digest]), false),
    ] {
        let proof = key.spoiled_proof(&world, &|_, claims| claims["ath"] = ath.clone());
        let judged = with_token(&world, &proof);
        assert_eq!(judged.is_ok(), good, "{ath}: {judged:?}");
    }
    let without = key.proof(&world);
    let judged = with_token(&world, &without);
    assert_eq!(judged.unwrap_err().code, ErrorCode::InvalidDpopProof);
}
