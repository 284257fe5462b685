//! What this server signs.

use super::*;
use grantd::store::codec;

#[test]
fn every_algorithm_signs_what_its_published_key_verifies() {
    for algorithm in Algorithm::ALL {
        let key = signing_key(algorithm);
        let jwk = serde_json::to_value(key.public_jwk()).unwrap();
        assert_eq!((&jwk["use"], &jwk["alg"]), (&json!("sig"), &json!(algorithm.as_str())));
        assert_eq!(jwk["kid"].as_str(), Some(key.public_jwk().thumbprint().as_str()));
        let stored: Jwk = codec::decode(&codec::encode(key.public_jwk()).unwrap()).unwrap();
        assert_eq!(&stored, key.public_jwk(), "as the store keeps it");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert_eq!(jwk.get(private), None);
        }

        let jwt = sign_jwt(&key, "key 1", "at+jwt", br#"{"sub":"u_1"}"#);
        let jws = UnverifiedJws::parse(&jwt, BYTES_MAX).unwrap();
        assert_eq!(
            (jws.alg(), jws.typ(), jws.kid()),
            (Alg::from(algorithm), Some("at+jwt"), Some("key 1"))
        );
        assert!(jws.jwk().is_none());
        assert_eq!(jws.verify(&public_key(&jwk)), Ok(br#"{"sub":"u_1"}"#.as_slice()));
        assert_eq!(jws.verify(&key.public_key()), Ok(br#"{"sub":"u_1"}"#.as_slice()));
        let other = SigningKey::generate(algorithm, &SeededRandom::new(8));
        assert_eq!(jws.verify(&other.public_key()), Err(JoseError::Signature));

        let header = from_base64url(jwt.split('.').next().unwrap()).unwrap();
        let expected = format!(r#"{{"typ":"at+jwt","alg":"{}","kid":"key 1"}}"#, algorithm.as_str());
        assert_eq!(String::from_utf8(header).unwrap(), expected);
    }
}

#[test]
fn private_bytes_bring_the_key_back_and_those_of_another_kind_do_not() {
    for algorithm in Algorithm::ALL {
        let key = signing_key(algorithm);
        let bytes = key.to_private_bytes();
        let back = SigningKey::from_private_bytes(algorithm, &bytes).unwrap();
        assert_eq!(back.public_jwk(), key.public_jwk());
        assert_eq!(back.to_private_bytes(), bytes);
        assert!(SigningKey::from_private_bytes(algorithm, &bytes[1..]).is_err());
        assert_eq!(
            format!("{key:?}"),
            format!("SigningKey({} {})", algorithm.as_str(), jwk_kid(&key))
        );
    }
    for scalar in [[0; 32], [0xff; 32]] {
        assert!(
            SigningKey::from_private_bytes(Algorithm::Es256, &scalar).is_err(),
            "not in 1..n"
        );
    }
}

fn jwk_kid(key: &SigningKey) -> &str {
    key.public_jwk().kid.as_deref().unwrap()
}

#[test]
fn elliptic_keys_are_a_function_of_the_randomness() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        assert_eq!(signing_key(algorithm).public_jwk(), signing_key(algorithm).public_jwk());
    }
}

#[test]
fn both_ed25519_implementations_make_the_same_bytes() {
    let random = SeededRandom::new(25519);
    for length in 0..200 {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        let mut message = vec![0; length * 7];
        random.fill(&mut message);
        let key = Ed25519Key::from_seed(&seed);
        assert_eq!(key.sign_dalek(&message), key.sign_aws(&message));
    }
}

#[test]
fn typ_is_a_media_type() {
    let key = signing_key(Algorithm::EdDsa);
    for (typ, same) in [
        ("at+jwt", true),
        ("AT+JWT", true),
        ("application/at+jwt", true),
        ("Application/at+jwt", true),
        ("jwt", false),
        ("dpop+jwt", false),
        ("application/", false),
        ("text/at+jwt", false),
        ("", false),
    ] {
        let jwt = sign_jwt(&key, "k", typ, b"{}");
        assert_eq!(
            UnverifiedJws::parse(&jwt, BYTES_MAX).unwrap().has_typ("at+jwt"),
            same,
            "{typ:?}"
        );
    }
    let without = token(r#"{"alg":"EdDSA"}"#, b"{}", &key);
    assert!(!UnverifiedJws::parse(&without, BYTES_MAX).unwrap().has_typ("at+jwt"));
}
