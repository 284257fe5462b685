//! Keys of clients, and what they sign: DPoP proofs and client assertions, good ones and spoiled ones.

use crate::http::{Answer, basic, request};
use crate::support::{Client, GRANT, ISSUER, World};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use grantd::base::digest::base64url;
use grantd::base::jose::{Alg, Algorithm, SigningKey};
use grantd::base::random::SeededRandom;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

pub const TOKEN_URL: &str = "https://auth.example/oauth/token";

/// A client's own key.
pub struct ClientKey {
    pub alg: Alg,
    signing: SigningKey,
    jtis: AtomicU32,
}

/// Header and claims, to be spoiled.
pub type Spoil<'a> = &'a dyn Fn(&mut Value, &mut Value);

impl ClientKey {
    pub fn new(alg: Alg, seed: u64) -> Self {
        let algorithm = match alg {
            Alg::EdDsa | Alg::Ed25519 => Algorithm::EdDsa,
            Alg::Es256 => Algorithm::Es256,
            Alg::Rs256 | Alg::Ps256 => Algorithm::Rs256,
        };
        Self {
            alg,
            signing: SigningKey::generate(algorithm, &SeededRandom::new(seed)),
            jtis: AtomicU32::new(0),
        }
    }

    /// As a client writes it: the numbers and nothing else.
    pub fn jwk(&self) -> Value {
        let mut jwk = serde_json::to_value(self.signing.public_jwk()).unwrap();
        for optional in ["kid", "alg", "use"] {
            jwk.as_object_mut().unwrap().remove(optional);
        }
        jwk
    }

    pub fn jkt(&self) -> String {
        self.signing.public_jwk().thumbprint()
    }

    /// Whatever it is asked to, also under the name of an algorithm that is not its own.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let signature = if self.alg == Alg::Ps256 {
            let pair = KeyPair::from_pkcs8(&self.signing.to_private_bytes()).unwrap();
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
                .unwrap();
            signature
        } else {
            self.signing.sign(input.as_bytes())
        };
        format!("{input}.{}", base64url(signature))
    }

    fn jti(&self) -> String {
        format!("jti-{}-{}", self.jkt(), self.jtis.fetch_add(1, Ordering::Relaxed))
    }

    /// A proof for the token endpoint (RFC 9449 §4.2), of now.
    pub fn proof(&self, world: &World) -> String {
        self.spoiled_proof(world, &|_, _| {})
    }

    pub fn spoiled_proof(&self, world: &World, spoil: Spoil<'_>) -> String {
        let mut header = json!({ "typ": "dpop+jwt", "alg": self.alg.as_str(), "jwk": self.jwk() });
        let now = world.ctx.now().seconds();
        let mut claims = json!({ "jti": self.jti(), "htm": "POST", "htu": TOKEN_URL, "iat": now });
        spoil(&mut header, &mut claims);
        self.sign(&header, &claims)
    }

    /// An assertion of `client_id` (RFC 7523 §3), of now and good for a minute.
    pub fn assertion(&self, world: &World, client_id: &str) -> String {
        self.spoiled_assertion(world, client_id, &|_, _| {})
    }

    pub fn spoiled_assertion(&self, world: &World, client_id: &str, spoil: Spoil<'_>) -> String {
        let mut header = json!({ "alg": self.alg.as_str() });
        let now = world.ctx.now().seconds();
        let mut claims = json!({
            "iss": client_id, "sub": client_id, "aud": ISSUER, "jti": self.jti(), "iat": now, "exp": now + 60,
        });
        spoil(&mut header, &mut claims);
        self.sign(&header, &claims)
    }
}

impl World {
    /// A request of `client` to the token endpoint with these `DPoP` headers.
    pub async fn ask_with_proofs(&self, client: &Client, proofs: &[&str]) -> Answer {
        let authorization = basic(&client.0, &client.1);
        let mut headers = vec![
            (CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded"),
            (AUTHORIZATION.as_str(), authorization.as_str()),
        ];
        headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
        self.send(request(Method::POST, "/oauth/token", &headers, GRANT.as_bytes()))
            .await
    }

    /// The same of the world's app, with one.
    pub async fn ask_with_proof(&self, proof: &str) -> Answer {
        self.ask_with_proofs(&self.client(), &[proof]).await
    }
}
