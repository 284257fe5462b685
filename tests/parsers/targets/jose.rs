//! Keys, signed texts and tokens. Whoever sends them signs what they like with a key of their own, so what is behind a
//! good signature is reached as well.

use super::with_world;
use grantd::base::digest::base64url;
use grantd::base::jose::{Alg, Algorithm, Jwk, PublicKey, SigningKey, UnverifiedJws, sign_jwt};
use grantd::base::json::parse_strict_object;
use grantd::base::time::Timestamp;
use grantd::oauth::offline::{self, Expected};
use grantd::oauth::{access_token, dpop, refresh_token};
use serde_json::json;

const BYTES_MAX: usize = 64 * 1024;
const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

thread_local! {
    static KEY: SigningKey =
        SigningKey::from_private_bytes(Algorithm::EdDsa, &[7; 32]).expect("every 32 bytes are a seed");
}

/// Two lines, a header and a payload, as a compact JWS signed with the key; a third line takes the signature's place.
fn compact(data: &[u8]) -> String {
    let mut lines = data.splitn(3, |b| *b == b'\n');
    let [header, payload] = [lines.next(), lines.next()].map(|line| base64url(line.unwrap_or_default()));
    let signed = format!("{header}.{payload}");
    let signature = match lines.next() {
        Some(bytes) => base64url(bytes),
        None => KEY.with(|key| base64url(key.sign(signed.as_bytes()))),
    };
    format!("{signed}.{signature}")
}

/// The same form for texts that were cut up and for those that were not.
fn texts(data: &[u8]) -> Vec<String> {
    let raw = std::str::from_utf8(data).ok().map(str::to_owned);
    [Some(compact(data)), raw].into_iter().flatten().collect()
}

/// A key that was read is the same when it is read again, and never a private one.
pub fn jwk(data: &[u8]) {
    let Ok(jwk) = parse_strict_object::<Jwk>(data) else {
        return;
    };
    let again = serde_json::to_vec(&jwk).expect("a key is JSON");
    assert_eq!(parse_strict_object::<Jwk>(&again).ok().as_ref(), Some(&jwk));
    let shown = String::from_utf8(again).expect("UTF-8");
    assert!(!shown.contains("\"d\":"), "a private key was taken: {shown}");
    let _ = jwk.thumbprint();
    if let Ok(key) = PublicKey::from_jwk(&jwk) {
        for alg in Alg::ALL {
            assert!(
                key.verify(alg, b"message", &[0; 64]).is_err(),
                "anything is signed: {shown}"
            );
        }
    }
}

pub fn jws(data: &[u8]) {
    for text in texts(data) {
        let Ok(jws) = UnverifiedJws::parse_accepting(&text, BYTES_MAX, &Alg::ALL) else {
            continue;
        };
        assert!(Alg::ALL.contains(&jws.alg()));
        let _ = (jws.typ(), jws.kid(), jws.unproven_payload());
        if let Some(key) = jws.jwk().and_then(|jwk| PublicKey::from_jwk(jwk).ok()) {
            let _ = jws.verify(&key);
        }
        let known = KEY.with(SigningKey::public_key);
        if jws.verify(&known).is_ok() {
            assert!(
                matches!(jws.alg(), Alg::EdDsa | Alg::Ed25519),
                "an Ed25519 key has no other"
            );
        }
    }
}

/// Claims behind a good header and signature, and any header at all.
pub fn dpop(data: &[u8]) {
    let address = || std::iter::once("https://auth.example/oauth/token".to_owned());
    let proof = KEY.with(|key| {
        let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": key.public_jwk() });
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(data));
        let signature = base64url(key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    });
    for text in texts(data).into_iter().chain([proof]) {
        for token in [None, Some("token")] {
            if let Ok(proof) = dpop::examine(&text, "POST", address(), token, NOW) {
                assert_eq!(proof.jkt.len(), 43, "a thumbprint in base64url");
            }
        }
    }
}

/// A text that this server did not make is none of its tokens; claims behind a good signature are judged.
pub fn token(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        with_world(|world| {
            assert!(
                access_token::verify(&world.ctx, text).is_err(),
                "{text:?} was not signed here"
            );
            assert!(
                refresh_token::read(&world.ctx, text).is_none(),
                "{text:?} was not made here"
            );
        });
    }
    KEY.with(|key| {
        let kid = key.public_jwk().kid.clone().expect("a published key has one");
        let token = sign_jwt(key, &kid, "at+jwt", data);
        let expected = Expected {
            issuer: "https://auth.example",
            audience: "https://auth.example/api",
            scopes: &[],
            proof: None,
            now: NOW,
        };
        let _ = offline::verify(&token, &[key.public_jwk().clone()], &expected);
        with_world(|world| assert!(access_token::verify(&world.ctx, &token).is_err(), "a foreign key"));
    });
}
