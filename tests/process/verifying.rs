//! `grantd token verify`: a token judged with the issuer's public keys alone.

use crate::program::{Done, Place};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantd::base::digest::sha256;
use grantd::base::jose::{Algorithm, SigningKey, sign_jwt};
use grantd::base::random::SystemRandom;
use grantd::base::time::{Clock as _, SystemClock};
use serde_json::{Value, json};

const ISSUER: &str = "https://auth.example";
const API: &str = "https://auth.example/api";
const URL: &str = "https://api.example/v1/data";

/// An issuer of our own: its keys stand in a file.
struct World {
    place: Place,
    key: SigningKey,
}

impl World {
    fn new(algorithm: Algorithm) -> Self {
        let (place, key) = (Place::new(), SigningKey::generate(algorithm, &SystemRandom));
        let other = SigningKey::generate(Algorithm::EdDsa, &SystemRandom);
        let unknown = json!({ "kty": "EC", "crv": "P-521", "kid": "other", "x": "AA", "y": "AA" });
        let keys = json!({ "keys": [unknown, other.public_jwk(), key.public_jwk()] });
        std::fs::write(place.path("keys.json"), keys.to_string()).expect("written");
        Self { place, key }
    }

    fn kid(&self) -> String {
        self.key.public_jwk().kid.clone().expect("named")
    }

    fn token(&self, claims: &Value) -> String {
        sign_jwt(&self.key, &self.kid(), "at+jwt", claims.to_string().as_bytes())
    }

    fn verify(&self, token: &str, more: &[&str]) -> Done {
        let keys = self.place.path("keys.json").display().to_string();
        let mut args = vec!["--json", "token", "verify", "--jwks", &keys, "--issuer", ISSUER];
        if !more.contains(&"--audience") {
            args.extend(["--audience", API]);
        }
        args.extend(more);
        self.place.run_with(&args, &format!("{token}\n"))
    }

    fn refused(&self, token: &str, more: &[&str]) -> String {
        let error: Value = serde_json::from_str(&self.verify(token, more).refused(1)).expect("JSON");
        let sentence = error["error"].as_str().expect("a sentence");
        assert!(
            sentence.starts_with("The token is no good. ") && !sentence.contains(token),
            "{error}"
        );
        error["reason"].as_str().expect("a reason").to_owned()
    }
}

fn now() -> u64 {
    SystemClock.now().seconds()
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": API, "sub": "u_1", "client_id": "app_1", "jti": "j", "iat": now(), "exp": now() + 600,
        "scope": "data.read data.write", "organization_id": 849,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_good_token_of_every_algorithm_is_shown_with_what_is_not_seen() {
    for algorithm in Algorithm::ALL {
        let world = World::new(algorithm);
        let token = world.token(&claims());
        let more = ["--scope", "data.write", "--scope", "data.read"];
        let said = world.verify(&token, &more).json();
        assert_eq!((&said["valid"], &said["token_type"]), (&json!(true), &json!("Bearer")));
        assert_eq!(said["claims"], claims_of(&token), "{said}");
        assert!(
            said["notes"][0].as_str().is_some_and(|note| note.contains("revoked")),
            "{said}"
        );
        let many = world.token(&with("aud", json!(["https://b.example", API])));
        world.verify(&many, &[]).ok();
    }
}

fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[test]
fn each_thing_that_is_wrong_has_a_reason_and_a_sentence() {
    let world = World::new(Algorithm::Es256);
    for (claims, reason) in [
        (with("iss", json!("https://other.example")), "wrong_issuer"),
        (with("iss", json!(null)), "wrong_issuer"),
        (with("aud", json!("https://auth.example/api/")), "wrong_audience"),
        (with("aud", json!(["https://b.example"])), "wrong_audience"),
        (with("exp", json!(now() - 1)), "expired"),
        (with("nbf", json!(now() + 600)), "not_yet"),
        (with("iat", json!(now() + 600)), "not_yet"),
        (with("exp", json!("tomorrow")), "malformed"),
        (with("sub", json!("")), "malformed"),
        (with("client_id", json!(7)), "malformed"),
        (with("cnf", json!({ "x5t#S256": "AA" })), "malformed"),
    ] {
        assert_eq!(world.refused(&world.token(&claims), &[]), reason, "{claims}");
    }
    let good = world.token(&claims());
    assert_eq!(world.refused(&good, &["--scope", "data"]), "insufficient_scope");
    assert_eq!(
        world.refused(&good, &["--audience", "https://b.example"]),
        "wrong_audience"
    );
    assert_eq!(world.refused("grantd_pat_abc", &[]), "malformed");
    let typ = sign_jwt(&world.key, &world.kid(), "JWT", claims().to_string().as_bytes());
    assert_eq!(world.refused(&typ, &[]), "wrong_type");
    assert_eq!(
        world.refused(&World::new(Algorithm::Es256).token(&claims()), &[]),
        "unknown_key"
    );
}

#[test]
fn no_token_chooses_how_it_is_verified() {
    let world = World::new(Algorithm::Rs256);
    let good = world.token(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let header = |alg: &str| encoded(json!({ "alg": alg, "typ": "at+jwt", "kid": world.kid() }).to_string());
    for (token, reason) in [
        (format!("{}.{}.", header("none"), parts[1]), "malformed"),
        (format!("{}.{}.{}", header("none"), parts[1], parts[2]), "malformed"),
        (format!("{}.{}.{}", header("HS256"), parts[1], parts[2]), "malformed"),
        (
            format!("{}.{}.{}", header("EdDSA"), parts[1], parts[2]),
            "wrong_signature",
        ),
        (
            format!(
                "{}.{}.{}",
                parts[0],
                encoded(with("sub", json!("u_2")).to_string()),
                parts[2]
            ),
            "wrong_signature",
        ),
    ] {
        assert_eq!(world.refused(&token, &[]), reason, "{token}");
    }
}

/// A proof of this key for this method and address (RFC 9449 §4.2).
fn proof(key: &SigningKey, method: &str, url: &str, token: &str) -> String {
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public_jwk() });
    let ath = encoded(sha256(token.as_bytes()));
    let claims = json!({ "jti": "once", "htm": method, "htu": url, "iat": now(), "ath": ath });
    let text = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    format!("{text}.{}", encoded(key.sign(text.as_bytes())))
}

#[test]
fn a_bound_token_is_worth_something_with_a_proof_for_this_request_alone() {
    let world = World::new(Algorithm::EdDsa);
    let [mine, stolen] = [0, 1].map(|_| SigningKey::generate(Algorithm::Es256, &SystemRandom));
    let bound = world.token(&with("cnf", json!({ "jkt": mine.public_jwk().thumbprint() })));
    let free = world.token(&claims());
    let file = world.place.path("proof").display().to_string();
    let shown = |text: &str| std::fs::write(&file, text).expect("written");
    let with_proof = [
        "--proof-file",
        &file,
        "--method",
        "GET",
        "--url",
        "https://api.example/v1/data?page=2",
    ];
    shown(&proof(&mine, "GET", URL, &bound));
    let said = world.verify(&bound, &with_proof).json();
    assert_eq!(said["token_type"], "DPoP");
    assert_eq!(said["notes"].as_array().map(Vec::len), Some(2), "{said}");
    assert_eq!(world.refused(&bound, &[]), "proof_needed");
    assert_eq!(world.refused(&free, &with_proof), "not_bound");
    for text in [
        proof(&stolen, "GET", URL, &bound),
        proof(&mine, "POST", URL, &bound),
        proof(&mine, "GET", "https://api.example/v1/other", &bound),
        proof(&mine, "GET", URL, &free),
        "nonsense".to_owned(),
    ] {
        shown(&text);
        assert_eq!(world.refused(&bound, &with_proof), "wrong_proof", "{text}");
    }
}

#[test]
fn keys_come_from_a_server_that_says_who_it_is() {
    let place = Place::new();
    let data = place.path("data").display().to_string();
    let mut server = place.start(&["demo", "--json", "--http", "--listen", "127.0.0.1:0", "--data", &data]);
    let facts = server.json_line();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (issuer, api) = (text(&facts["issuer"]), text(&facts["resource"]));
    let app = text(&facts["private_app"]["client_id"]);
    let minted = place.json(&["token", "mint", &app]);
    std::fs::write(place.path("token"), text(&minted["access_token"])).expect("written");
    let file = place.path("token").display().to_string();
    let verify = |more: &[&str]| {
        let args = ["--json", "token", "verify", "--token-file", &file, "--audience", &api];
        place.run(&[&args[..], more].concat())
    };
    assert_eq!(verify(&["--issuer", &issuer]).json()["claims"]["jti"], minted["jti"]);
    let keys = format!("{issuer}/oauth/jwks.json");
    verify(&["--issuer", &issuer, "--jwks", &keys]).ok();
    // It is revoked, and that is what cannot be seen.
    place
        .grantd_with(&["token", "revoke"], &text(&minted["access_token"]))
        .ok();
    verify(&["--issuer", &issuer]).ok();
    let elsewhere = issuer.replace("127.0.0.1", "localhost");
    for (more, sentence) in [
        (
            ["--issuer", elsewhere.as_str(), "--jwks", "/nowhere/keys.json"],
            "cannot be read",
        ),
        (
            ["--issuer", &issuer, "--jwks", "http://auth.example/jwks"],
            "must be https",
        ),
        (
            ["--issuer", &issuer, "--jwks", &format!("{issuer}/nothing")],
            "answered 404",
        ),
        (["--issuer", &issuer, "--jwks", &file], "no JWK set"),
    ] {
        let error = verify(&more).refused(3);
        assert!(
            error.contains(sentence) && error.contains("\"reason\":\"unknown\""),
            "{error}"
        );
    }
    // The metadata there is the word of another issuer.
    assert!(
        verify(&["--issuer", &elsewhere])
            .refused(3)
            .contains("of another issuer")
    );
    let (status, _) = server.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(verify(&["--issuer", &issuer]).refused(3).contains("refused"));
}

#[test]
fn half_a_proof_and_a_token_among_the_arguments_are_bad_usage() {
    let world = World::new(Algorithm::EdDsa);
    let token = world.token(&claims());
    let done = world.verify(&token, &["--method", "GET"]);
    assert!(done.refused(1).contains("belong together"));
    assert!(world.verify("", &[&token]).refused(2).contains("Unrecognized argument"));
    assert!(world.verify("", &[]).refused(1).contains("the token is expected"));
}
