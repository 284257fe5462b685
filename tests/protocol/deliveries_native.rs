//! What installations are told of payments: a shop makes no link that nobody would hear of, and hears of what it made
//! under the address and the secret it had then, also after it disconnected.

use crate::http::{Answer, request};
use crate::native::{Native, Plugin, Tokens, new_key};
use crate::proofs::ClientKey;
use crate::receiver::{Hooked, Received, Receiver};
use crate::sandbox_payment_links::order;
use crate::shop::{CURRENT, ROOT, SIGNATURE, signed};
use http::Method;
use serde_json::{Value, json};

/// An installation with a token.
struct Installed<'h> {
    hooked: &'h Hooked,
    key: ClientKey,
    tokens: Tokens,
}

impl Installed<'_> {
    async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        let shown = (&self.key, self.tokens.access.as_str());
        signed(self.hooked.world(), shown, method, path, body, &[]).await
    }

    /// The subscription's id, and its secret.
    async fn subscribe(&self, path: &str) -> (String, String) {
        let body = json!({ "url": self.hooked.receiver.url(path), "rotateSecret": true });
        let answer = self.call(Method::PUT, CURRENT, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let id = answer.json["subscription"]["id"].as_str().unwrap().to_owned();
        (id, answer.text("signingSecret"))
    }

    async fn link(&self) -> Answer {
        self.call(Method::POST, &format!("{ROOT}/payment-links"), &order())
            .await
    }

    async fn made(&self) -> String {
        let answer = self.link().await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let link = &answer.json["paymentLink"];
        for hidden in [
            "companyId",
            "grantId",
            "installationId",
            "webhookSubscriptionId",
            "subscription",
        ] {
            assert_eq!(link.get(hidden), None, "{hidden}");
        }
        link["uid"].as_str().unwrap().to_owned()
    }
}

/// The one message that comes of the payment's next step.
async fn told(hooked: &Hooked, uid: &str, step: &str) -> Received {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let (path, body) = match step {
        "start" => (format!("/payment/{uid}/start"), String::new()),
        status => (format!("/payment/{uid}/session"), format!("status={status}")),
    };
    let answer = hooked
        .world()
        .send(request(Method::POST, &path, &form, body.as_bytes()))
        .await;
    assert_eq!(answer.status, 303, "{answer:?}");
    hooked.turn().await;
    let mut came = hooked.receiver.take();
    assert_eq!(came.len(), 1, "{came:?}");
    came.remove(0)
}

#[tokio::test]
async fn a_shop_without_an_active_subscription_makes_no_link_and_a_till_makes_them() {
    let hooked = Receiver::up().await.hooked("makecrypto").await;
    let asking = Native::new(&hooked.asking).await;
    let key = new_key();
    let tokens = Plugin::medusa("https://shop.example").connect(&asking, &key).await;
    let shop = Installed {
        hooked: &hooked,
        key,
        tokens,
    };
    let refused = |answer: Answer| assert_eq!((answer.status, answer.text("errorCode").as_str()), INACTIVE);
    refused(shop.link().await);
    shop.subscribe("/hooks").await;
    shop.made().await;
    let off = json!({ "url": hooked.receiver.url("/hooks"), "active": false });
    assert_eq!(shop.call(Method::PUT, CURRENT, &off).await.status, 200);
    refused(shop.link().await);
    shop.subscribe("/hooks").await;
    shop.made().await;
    shop.call(Method::DELETE, CURRENT, &Value::Null).await;
    refused(shop.link().await);

    let key = new_key();
    let tokens = Plugin::btcpay("https://till.example").connect(&asking, &key).await;
    let till = Installed {
        hooked: &hooked,
        key,
        tokens,
    };
    till.made().await;
}

const INACTIVE: (u16, &str) = (409, "webhook_subscription_inactive");

#[tokio::test]
async fn what_was_made_before_is_told_at_the_old_address_with_the_old_secret_and_the_old_names() {
    let hooked = Receiver::up().await.hooked("makecrypto").await;
    let asking = Native::new(&hooked.asking).await;
    let world = hooked.world();
    let mut plugin = Plugin::medusa("https://shop.example");
    let (first, second) = (new_key(), new_key());
    let tokens = plugin.connect(&asking, &first).await;
    let grant = tokens.claim("grant_id");
    let shop = Installed {
        hooked: &hooked,
        key: first,
        tokens,
    };
    let (id, secret) = shop.subscribe("/old").await;
    let link = shop.made().await;
    told(&hooked, &link, "start").await;
    shop.call(Method::DELETE, CURRENT, &Value::Null).await;
    let judge = |came: &Received, status: &str| {
        assert_eq!((came.path.as_str(), came.is_signed(SIGNATURE, &secret)), ("/old", true));
        let body = came.json();
        assert_eq!(
            (&body["grantId"], &body["subscriptionId"], &body["status"]),
            (&json!(grant), &json!(id), &json!(status))
        );
    };
    judge(&told(&hooked, &link, "pending").await, "pending");
    let reset = plugin
        .reset(world, &shop.tokens.access, &shop.key, "medusa-native-reset-1")
        .await;
    assert_eq!(reset.json["preservedWebhookSubscriptionIds"], json!([id]), "{reset:?}");
    judge(&told(&hooked, &link, "swapping").await, "swapping");

    let tokens = plugin.connect(&asking, &second).await;
    assert_ne!(tokens.claim("grant_id"), grant);
    let again = Installed {
        hooked: &hooked,
        key: second,
        tokens,
    };
    let (new_id, new_secret) = again.subscribe("/new").await;
    assert_ne!(new_id, id);
    let new_link = again.made().await;
    let came = told(&hooked, &new_link, "start").await;
    assert_eq!(
        (came.path.as_str(), came.is_signed(SIGNATURE, &new_secret)),
        ("/new", true)
    );
    assert_eq!(came.json()["subscriptionId"], new_id);
    judge(&told(&hooked, &link, "complete").await, "complete");
    let foreign = again
        .call(Method::GET, &format!("{ROOT}/payment-links/{link}"), &Value::Null)
        .await;
    assert_eq!(foreign.status, 404, "the old grant's links are not the new one's");
}

/// As the plugin of a till does it: no subscription, a secret of its own, an address with each link.
#[tokio::test]
async fn a_till_asks_for_its_secret_and_is_told_at_the_address_of_its_link() {
    let hooked = Receiver::up().await.hooked("makecrypto").await;
    let asking = Native::new(&hooked.asking).await;
    let key = new_key();
    let tokens = Plugin::btcpay("https://till.example").connect(&asking, &key).await;
    let till = Installed {
        hooked: &hooked,
        key,
        tokens,
    };
    let secret = async || {
        let answer = till
            .call(Method::POST, &format!("{ROOT}/webhook-secret"), &json!({}))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let secret = answer.json["webhookSecret"]["secret"].as_str().unwrap().to_owned();
        hooked.world().secrets.keep(&secret);
        secret
    };
    let old = secret().await;
    let mut body = order();
    body["payload"]["webhookUrl"] = json!(hooked.receiver.url("/till"));
    let made = till.call(Method::POST, &format!("{ROOT}/payment-links"), &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let uid = made.json["paymentLink"]["uid"].as_str().unwrap().to_owned();
    let began = told(&hooked, &uid, "start").await;
    assert_eq!((began.path.as_str(), began.is_signed(SIGNATURE, &old)), ("/till", true));
    let new = secret().await;
    let done = told(&hooked, &uid, "complete").await;
    assert!(done.is_signed(SIGNATURE, &new) && !done.is_signed(SIGNATURE, &old));
    let body = done.json();
    assert_eq!(
        (&body["session"]["status"], &body["paymentLink"]["uid"]),
        (&json!("complete"), &json!(uid))
    );
    assert!(body["session"]["id"].is_string() && body["deliveryId"].is_string());
}
