//! RFC 9068: what an access token is, as whoever has the JWKS reads it.

use crate::support::{ISSUER, START, World, config};
use crate::tokens::{header, payload};
use grantd::base::jose::{Jwk, PublicKey, UnverifiedJws};
use grantd::store::memory::MemoryStore;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Three audiences of a profile of one's own, each with another algorithm.
const PROFILE: &str = r#"
noun = { singular = "team", plural = "teams" }
ids = "integer"
prefix = "acme"

[[resources]]
identifier = "{issuer}/api"
name = "API"

[[resources]]
identifier = "{issuer}/native"
name = "Native"
algorithm = "RS256"

[[resources]]
identifier = "{issuer}/devices"
name = "Devices"
algorithm = "ES256"
access_token = "1h"
"#;

const SCOPES: &str = r#"{ "scopes": [
  { "name": "things.read", "title": "Read things", "sentence": "Read your things.", "risk": "low",
    "roles": ["owner", "admin", "developer", "member"] }
] }"#;

/// A world with a profile from its data directory, where no other code than a file is needed.
async fn world_of_a_data_directory() -> World {
    let dir = tempfile::tempdir().unwrap();
    let profile = dir.path().join("profiles/acme");
    std::fs::create_dir_all(&profile).unwrap();
    std::fs::write(profile.join("profile.toml"), PROFILE).unwrap();
    std::fs::write(profile.join("scopes.json"), SCOPES).unwrap();
    World::with_config(config("acme", dir.path()), Arc::new(MemoryStore::new())).await
}

/// The payload, proven with the published key that the header names.
async fn verified(world: &World, token: &str) -> Value {
    let jwks = world.get("/oauth/jwks.json").await.json;
    let jws = UnverifiedJws::parse(token, 8192).unwrap();
    let named = |key: &&Value| key["kid"].as_str() == jws.kid();
    let published = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(named)
        .expect("the key is published");
    assert_eq!(published["alg"], jws.alg().as_str());
    let jwk: Jwk = serde_json::from_value(published.clone()).unwrap();
    let proven = jws
        .verify(&PublicKey::from_jwk(&jwk).unwrap())
        .expect("the signature is good");
    serde_json::from_slice(proven).unwrap()
}

#[tokio::test]
async fn r1_the_claims_are_exactly_these() {
    for (profile, noun, id, lifetime_s) in [
        ("default", "organization_id", None, 600),
        ("mokapen", "organization_id", Some(json!(849)), 31_536_000),
        ("makecrypto", "company_id", None, 3600),
    ] {
        let world = World::new(profile).await;
        let token = world.mint("").await;
        let claims = verified(&world, &token).await;
        assert_eq!(claims, payload(&token));
        let expected = json!({
            "iss": ISSUER,
            "sub": claims["sub"],
            "aud": world.ctx.profile().default_resource().identifier,
            "client_id": world.client_id,
            "jti": claims["jti"],
            "iat": START.seconds(),
            "exp": START.seconds() + lifetime_s,
            "scope": world.ctx.profile().scopes.names().collect::<Vec<_>>().join(" "),
            noun: id.unwrap_or_else(|| json!(world.organization)),
            "ep": [0, 0, 0, 0, 0, 0, 0],
        });
        assert_eq!(claims, expected);
        assert!(claims["sub"].as_str().is_some_and(|sub| sub.starts_with("u_")));
    }
}

#[tokio::test]
async fn f9_the_header_names_type_algorithm_and_key_and_nothing_else() {
    let world = World::new("default").await;
    let head = header(&world.mint("").await);
    let set = world.ctx.keyring.set();
    let kid = &set.records.iter().find(|r| r.activated_at.is_some()).unwrap().kid;
    assert_eq!(head, json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid }));
}

#[tokio::test]
async fn r1_each_resource_has_its_algorithm_and_lifetime() {
    let world = world_of_a_data_directory().await;
    for (path, algorithm, lifetime_s) in [
        ("api", "EdDSA", 600),
        ("native", "RS256", 600),
        ("devices", "ES256", 3600),
    ] {
        let token = world.mint(&format!("&resource={ISSUER}/{path}")).await;
        let head = header(&token);
        assert_eq!((&head["alg"], &head["typ"]), (&json!(algorithm), &json!("at+jwt")));
        let claims = verified(&world, &token).await;
        assert_eq!(claims["aud"], format!("{ISSUER}/{path}"));
        assert_eq!(
            claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
            lifetime_s
        );
        let seen = world.introspect(&token).await;
        assert_eq!(seen["active"], true);
        world.advance(Duration::from_secs(lifetime_s));
        assert!(!world.is_active(&token).await);
    }
}

#[tokio::test]
async fn o14_an_id_has_one_type_in_claim_answer_and_introspection() {
    let team = world_of_a_data_directory().await;
    for (world, noun, is_number) in [
        (World::new("mokapen").await, "organization", true),
        (World::new("default").await, "organization", false),
        (World::new("makecrypto").await, "company", false),
        (team, "team", true),
    ] {
        let (id, name) = (format!("{noun}_id"), format!("{noun}_name"));
        let answer = world.ask(&format!("&{id}={}", world.organization)).await;
        let token = answer.text("access_token");
        let seen = world.introspect(&token).await;
        assert_eq!(answer.json[&id].is_u64(), is_number, "{answer:?}");
        assert_eq!(answer.json[&id].is_string(), !is_number);
        assert_eq!(answer.json[&id], payload(&token)[&id]);
        assert_eq!(answer.json[&id], seen[&id]);
        assert_eq!(answer.json[&name], "Acme");
    }
}

#[tokio::test]
async fn o30_no_two_tokens_are_alike() {
    let world = World::new("default").await;
    let (one, two) = (world.mint("").await, world.mint("").await);
    assert_ne!(payload(&one)["jti"], payload(&two)["jti"]);
    assert_ne!(one, two);
}

/// Milliseconds neither lengthen nor shorten what `expires_in` announces.
#[tokio::test]
async fn o14_times_are_whole_seconds() {
    let world = World::new("default").await;
    world.advance(Duration::from_millis(999));
    let claims = payload(&world.mint("").await);
    assert_eq!(claims["iat"], START.seconds());
    assert_eq!(claims["exp"], START.seconds() + 600);
}
