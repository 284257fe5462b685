//! The three kinds of client, and the requests they make.

use crate::child::{Sent, World};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use grantd::base::random::{self, SystemRandom};
use grantd::base::time::{Clock as _, SystemClock};
use serde_json::json;

pub const ISSUER: &str = "https://auth.example";
pub const REDIRECT_URI: &str = "https://app.example/callback";
pub const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0123456789";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientType {
    Confidential,
    Public,
    /// Public, with refresh tokens bound to its key.
    Bound,
}

impl ClientType {
    pub const ALL: [Self; 3] = [Self::Confidential, Self::Public, Self::Bound];
}

pub struct Client {
    pub client_id: String,
    secret: Option<String>,
    key: Option<SigningKey>,
}

impl Client {
    pub fn new(world: &World, client_type: ClientType) -> Self {
        match client_type {
            ClientType::Confidential => Self::confidential(world, "confidential"),
            ClientType::Public | ClientType::Bound => Self {
                client_id: fact(world, "public", "client_id"),
                secret: None,
                key: (client_type == ClientType::Bound).then(|| SigningKey::from_bytes(&[7; 32])),
            },
        }
    }

    /// One of the apps among the facts, with its secret.
    pub fn confidential(world: &World, app: &str) -> Self {
        Self {
            client_id: fact(world, app, "client_id"),
            secret: Some(fact(world, app, "client_secret")),
            key: None,
        }
    }

    pub fn exchange_form(&self, code: &str) -> String {
        format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}")
    }

    pub fn refresh_form(&self, refresh_token: &str) -> String {
        format!("grant_type=refresh_token&refresh_token={refresh_token}")
    }

    pub fn refresh(&self, refresh_token: &str, key: Option<&str>) -> Sent {
        self.request("/oauth/token", &self.refresh_form(refresh_token), key)
    }

    /// With what shows who asks: a secret, or a fresh proof of the key, or the client_id alone.
    pub fn request(&self, path: &str, form: &str, key: Option<&str>) -> Sent {
        let mut headers = vec![(
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let mut form = form.to_owned();
        match &self.secret {
            Some(secret) => {
                let pair = STANDARD.encode(format!("{}:{secret}", self.client_id));
                headers.push(("authorization".to_owned(), format!("Basic {pair}")));
            }
            None => form.push_str(&format!("&client_id={}", self.client_id)),
        }
        if let Some(signing_key) = &self.key {
            headers.push(("dpop".to_owned(), proof(signing_key, path)));
        }
        headers.extend(key.map(|key| ("idempotency-key".to_owned(), key.to_owned())));
        Sent {
            path: path.to_owned(),
            headers,
            form,
        }
    }
}

fn fact(world: &World, app: &str, name: &str) -> String {
    world.facts[app][name].as_str().expect("made with the world").to_owned()
}

/// RFC 9449 §4.2.
fn proof(key: &SigningKey, path: &str) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": x } });
    let payload = json!({
        "jti": random::token::<12>(&SystemRandom),
        "htm": "POST",
        "htu": format!("{ISSUER}{path}"),
        "iat": SystemClock.now().seconds(),
    });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&header), encode(&payload));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).to_bytes());
    format!("{input}.{signature}")
}
