//! A shop: an app that was granted access, its token bound to its key, and a receiver of what it is told.

use crate::http::{Answer, request};
use crate::proofs::ClientKey;
use crate::receiver::{Leads, PATIENCE, Received, Receiver};
use crate::sandbox::{Api, Headers};
use crate::support::{Client, ISSUER, World};
use grantd::base::digest::{base64url, sha256};
use grantd::base::jose::Alg;
use grantd::jobs::webhooks::{self, Courier};
use grantd::model::delivery::Delivery;
use grantd::model::subscription::Subscription;
use grantd::store::memory::MemoryStore;
use grantd::store::records::list_by_index;
use grantd::store::{Store, keys};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

pub const ROOT: &str = "/api/partner/v1/makepay";
pub const CURRENT: &str = "/api/partner/v1/makepay/webhook-subscriptions/current";
pub const SIGNATURE: &str = "x-makepay-signature";
/// What may become of a payment that was begun (contract §7.2), but for what it may begin as.
pub const LATER: [&str; 9] = [
    "pending",
    "deposit_received",
    "swapping",
    "sending",
    "underpaid",
    "complete",
    "failed",
    "expired",
    "cancelled",
];

pub struct Shop {
    pub world: World,
    pub receiver: Arc<Receiver>,
    pub courier: Arc<Courier>,
    pub app: Client,
}

/// One grant of the shop's app, and the key that its token is bound to.
pub struct Connection<'s> {
    pub shop: &'s Shop,
    pub key: ClientKey,
    pub token: String,
    pub refresh_token: String,
}

impl Shop {
    pub async fn open() -> Self {
        Self::over(Arc::new(MemoryStore::new())).await
    }

    pub async fn over(store: Arc<dyn Store>) -> Self {
        let receiver = Receiver::up().await;
        let world = World::with_config(receiver.config("makecrypto"), store).await;
        let courier = Courier::new(world.ctx.clone(), Leads::to(&["127.0.0.1"]), PATIENCE);
        let app = world.add_public_app().await;
        Self {
            world,
            receiver,
            courier,
            app,
        }
    }

    /// The owner consents, and the code is exchanged.
    pub async fn connect(&self) -> Connection<'_> {
        self.connect_as(&self.app, 1).await
    }

    pub async fn connect_as(&self, app: &Client, seed: u64) -> Connection<'_> {
        let (world, key) = (&self.world, ClientKey::new(Alg::Es256, seed));
        let code = world.code(app, &format!("&dpop_jkt={}", key.jkt())).await;
        let proof = key.proof(world);
        let answer = world.exchange(app, &code, &[("dpop", &proof)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Connection {
            shop: self,
            key,
            token: answer.text("access_token"),
            refresh_token: answer.text("refresh_token"),
        }
    }

    /// Sends what is due.
    pub async fn turn(&self) {
        webhooks::turn(&self.courier).await.expect("the store works");
    }

    /// Sends what is due: the one request that came.
    pub async fn one(&self) -> Received {
        self.turn().await;
        let mut came = self.receiver.take();
        assert_eq!(came.len(), 1, "{came:?}");
        came.remove(0)
    }

    pub async fn none(&self) {
        self.turn().await;
        let came = self.receiver.take();
        assert!(came.is_empty(), "{came:?}");
    }

    /// Somebody begins to pay.
    pub async fn start(&self, link: &Value) {
        let page = format!("/payment/{}/start", link["uid"].as_str().unwrap());
        let answer = self.world.send(request(Method::POST, &page, &[], b"")).await;
        assert_eq!(answer.status, 303, "{answer:?}");
    }

    /// The payment comes to this.
    pub async fn advance(&self, link: &Value, status: &str) {
        let page = format!("/payment/{}/session", link["uid"].as_str().unwrap());
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = format!("status={status}");
        let answer = self
            .world
            .send(request(Method::POST, &page, &form, body.as_bytes()))
            .await;
        assert_eq!(answer.status, 303, "{answer:?}");
    }

    /// All that the organization was sent, the newest first.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        let index = keys::deliveries_of_organization(&self.world.organization);
        let (found, _) = list_by_index::<Delivery>(&*self.world.ctx.store, &index, None, 1000)
            .await
            .unwrap();
        found.into_iter().map(|delivery| delivery.value).collect()
    }

    pub async fn subscriptions(&self) -> Vec<Subscription> {
        let index = keys::subscriptions_of_client(&self.app.0);
        let (found, _) = list_by_index::<Subscription>(&*self.world.ctx.store, &index, None, 100)
            .await
            .unwrap();
        found.into_iter().map(|subscription| subscription.value).collect()
    }
}

impl Connection<'_> {
    pub async fn send(&self, method: Method, path: &str, body: &Value, more: Headers<'_>) -> Answer {
        self.send_with(&self.key, method, path, body, more).await
    }

    /// With a proof of this key.
    pub async fn send_with(
        &self,
        key: &ClientKey,
        method: Method,
        path: &str,
        body: &Value,
        more: Headers<'_>,
    ) -> Answer {
        signed(&self.shop.world, (key, &self.token), method, path, body, more).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &Value::Null, &[]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body, &[]).await
    }

    pub async fn put(&self, body: &Value) -> Answer {
        self.send(Method::PUT, CURRENT, body, &[]).await
    }

    pub async fn delete(&self) -> Answer {
        self.send(Method::DELETE, CURRENT, &Value::Null, &[]).await
    }

    /// As the shop's plugin does it; the id and the secret.
    pub async fn subscribe(&self, path: &str) -> (String, String) {
        let body = json!({
            "url": self.shop.receiver.url(path),
            "events": ["makepay.payment.*"],
            "rotateSecret": true,
            "metadata": { "platform": "shop" },
        });
        let answer = self.put(&body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let secret = answer.text("signingSecret");
        self.shop.world.secrets.keep(&secret);
        (answer.json["subscription"]["id"].as_str().unwrap().to_owned(), secret)
    }

    /// A payment link.
    pub async fn link(&self, more: &Value) -> Value {
        let mut body = crate::sandbox_payment_links::order();
        for (name, value) in more.as_object().into_iter().flatten() {
            body["payload"][name] = value.clone();
        }
        let answer = self.post(&format!("{ROOT}/payment-links"), &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json["paymentLink"].clone()
    }
}

/// A call with a token that is bound to this key.
pub async fn signed(
    world: &World,
    (key, token): (&ClientKey, &str),
    method: Method,
    path: &str,
    body: &Value,
    more: Headers<'_>,
) -> Answer {
    let bare = path.split('?').next().unwrap();
    let proof = key.spoiled_proof(world, &|_, claims| {
        (claims["htm"], claims["htu"]) = (method.as_str().into(), format!("{ISSUER}{bare}").into());
        claims["ath"] = base64url(sha256(token.as_bytes())).into();
    });
    let shown = vec![
        ("authorization".into(), format!("DPoP {token}")),
        ("dpop".into(), proof),
    ];
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    Api { world, shown }.raw(method, path, body.as_bytes(), more).await
}
