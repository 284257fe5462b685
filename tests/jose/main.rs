//! Signed JWTs: the examples printed in the RFCs, and everything that must be refused (RFC 8725).

mod algorithms;
mod form;
mod keys;
mod signing;
mod vectors_of_the_rfcs;

use grantd::base::digest::{base64url, from_base64url, hmac_sha256, sha256};
use grantd::base::jose::{Alg, Algorithm, Ed25519Key, JoseError, Jwk, PublicKey, SigningKey, UnverifiedJws, sign_jwt};
use grantd::base::json::parse_strict_object;
use grantd::base::random::{Random as _, SeededRandom};
use serde_json::{Value, json};

const BYTES_MAX: usize = 4096;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/jose.json")).unwrap()
}

fn read_jwk(jwk: &Value) -> Result<Jwk, String> {
    serde_json::from_value(jwk.clone()).map_err(|e| e.to_string())
}

fn public_key(jwk: &Value) -> PublicKey {
    PublicKey::from_jwk(&read_jwk(jwk).unwrap()).unwrap()
}

fn signing_key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm, &SeededRandom::new(7))
}

/// Signs any header, as an attacker with a key of their own could.
fn token(header: impl AsRef<[u8]>, payload: &[u8], key: &SigningKey) -> String {
    let input = format!("{}.{}", base64url(header), base64url(payload));
    let signature = base64url(key.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

fn refusal(text: &str) -> JoseError {
    match UnverifiedJws::parse(text, BYTES_MAX) {
        Ok(jws) => panic!("accepted: {text}\n{jws:?}"),
        Err(error) => error,
    }
}
