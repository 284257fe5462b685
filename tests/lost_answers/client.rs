//! The three kinds of client, and the requests they make.

use crate::child::{Sent, World};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use grantd::base::digest::sha256;
use grantd::base::random::{self, SystemRandom};
use grantd::base::time::{Clock as _, SystemClock};
use serde_json::json;

pub const ISSUER: &str = "https://auth.example";
const INSTALLATIONS: &str = "/oauth/native/installations";
const SUBSCRIPTION: &str = "/api/partner/v1/makepay/webhook-subscriptions/current";
pub const REDIRECT_URI: &str = "https://app.example/callback";
pub const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0123456789";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientType {
    Confidential,
    Public,
    /// Public, with refresh tokens bound to its key.
    Bound,
    /// An installation of a native app.
    Native,
}

impl ClientType {
    pub const ALL: [Self; 4] = [Self::Confidential, Self::Public, Self::Bound, Self::Native];
}

pub struct Client {
    pub client_id: String,
    pub redirect_uri: String,
    secret: Option<String>,
    key: Option<SigningKey>,
}

impl Client {
    pub fn new(world: &World, client_type: ClientType) -> Self {
        match client_type {
            ClientType::Confidential => Self::confidential(world, "confidential"),
            ClientType::Public | ClientType::Bound => Self {
                client_id: fact(world, "public", "client_id"),
                redirect_uri: REDIRECT_URI.to_owned(),
                secret: None,
                key: (client_type == ClientType::Bound).then(|| SigningKey::from_bytes(&[7; 32])),
            },
            ClientType::Native => Self::registered(world, "https://shop.example"),
        }
    }

    /// An installation that has its answer.
    pub fn registered(world: &World, site: &str) -> Self {
        let mut client = Self::of_site(site);
        let answer = world.ask(&client.registration(site, None));
        assert_eq!(answer.status, 201, "{answer:?}");
        client.client_id = answer.text("client_id");
        client
    }

    /// A site that has yet to register.
    pub fn of_site(site: &str) -> Self {
        Self {
            client_id: String::new(),
            redirect_uri: format!("{site}/makepay/oauth/callback"),
            secret: None,
            key: Some(SigningKey::from_bytes(&[9; 32])),
        }
    }

    /// Another key of the same installation.
    pub fn with_key(&self, seed: u8) -> Self {
        Self {
            client_id: self.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            secret: None,
            key: Some(SigningKey::from_bytes(&[seed; 32])),
        }
    }

    /// Thumbprint of its key (RFC 7638), where a consent needs to name it.
    pub fn jkt(&self) -> Option<String> {
        let native = self.redirect_uri != REDIRECT_URI;
        self.key.as_ref().filter(|_| native).map(thumbprint)
    }

    /// With a proof of the key of `previous`, where there is one.
    pub fn registration(&self, site: &str, previous: Option<&Self>) -> Sent {
        let key = self.key.as_ref().expect("an installation has a key");
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("dpop".to_owned(), proof(key, "POST", INSTALLATIONS, None)),
        ];
        let previous = previous.and_then(|previous| previous.key.as_ref());
        headers.extend(previous.map(|key| ("dpop-previous".to_owned(), proof(key, "POST", INSTALLATIONS, None))));
        let body = json!({
            "platform": "medusa",
            "registrationId": URL_SAFE_NO_PAD.encode(sha256(site.as_bytes())),
            "siteUrl": site,
            "redirectUri": self.redirect_uri,
            "dpopJkt": thumbprint(key),
            "pluginVersion": "1",
            "medusaVersion": "2",
        });
        Sent {
            method: "POST".to_owned(),
            path: INSTALLATIONS.to_owned(),
            headers,
            form: body.to_string(),
        }
    }

    pub fn reset(&self, access_token: &str, idempotency_key: &str) -> Sent {
        let key = self.key.as_ref().expect("an installation has a key");
        Sent {
            method: "DELETE".to_owned(),
            path: format!("{INSTALLATIONS}?client_id={}", self.client_id),
            headers: vec![
                ("authorization".to_owned(), format!("DPoP {access_token}")),
                (
                    "dpop".to_owned(),
                    proof(key, "DELETE", INSTALLATIONS, Some(access_token)),
                ),
                ("idempotency-key".to_owned(), idempotency_key.to_owned()),
            ],
            form: String::new(),
        }
    }

    /// What is done with the webhook subscription of a token: it is read, or changed under this key. A proof would be
    /// committed by itself, before the change, so the token is bound to no key.
    pub fn subscription(method: &str, access_token: &str, idempotency_key: Option<&str>) -> Sent {
        let mut headers = vec![
            ("authorization".to_owned(), format!("Bearer {access_token}")),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        headers.extend(idempotency_key.map(|key| ("idempotency-key".to_owned(), key.to_owned())));
        let body = json!({ "url": "https://hooks.example/payments", "events": ["makepay.payment.*"] });
        Sent {
            method: method.to_owned(),
            path: SUBSCRIPTION.to_owned(),
            headers,
            form: if method == "PUT" {
                body.to_string()
            } else {
                String::new()
            },
        }
    }

    /// One of the apps among the facts, with its secret.
    pub fn confidential(world: &World, app: &str) -> Self {
        Self {
            client_id: fact(world, app, "client_id"),
            redirect_uri: REDIRECT_URI.to_owned(),
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
            headers.push(("dpop".to_owned(), proof(signing_key, "POST", path, None)));
        }
        headers.extend(key.map(|key| ("idempotency-key".to_owned(), key.to_owned())));
        Sent {
            method: "POST".to_owned(),
            path: path.to_owned(),
            headers,
            form,
        }
    }
}

fn fact(world: &World, app: &str, name: &str) -> String {
    world.facts[app][name].as_str().expect("made with the world").to_owned()
}

fn thumbprint(key: &SigningKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(sha256(members.as_bytes()))
}

/// RFC 9449 §4.2; with an access token where one is shown.
fn proof(key: &SigningKey, method: &str, path: &str, access_token: Option<&str>) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": x } });
    let mut payload = json!({
        "jti": random::token::<12>(&SystemRandom),
        "htm": method,
        "htu": format!("{ISSUER}{path}"),
        "iat": SystemClock.now().seconds(),
    });
    if let Some(token) = access_token {
        payload["ath"] = URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())).into();
    }
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&header), encode(&payload));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).to_bytes());
    format!("{input}.{signature}")
}
