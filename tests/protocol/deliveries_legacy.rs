//! What receivers are told that know nothing of grants: the address of a payment link, or the organization's.

use crate::sandbox::{Api, members};
use crate::sandbox_payment_links::order;
use crate::shop::{CURRENT, ROOT, SIGNATURE, Shop};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const LINK: [&str; 13] = [
    "amount",
    "asset",
    "clientEmail",
    "clientId",
    "currency",
    "description",
    "expiresAt",
    "id",
    "label",
    "merchantOrderId",
    "publicUrl",
    "status",
    "uid",
];

async fn link(api: &Api<'_>, webhook_url: Option<&str>) -> Value {
    let mut body = order();
    if let Some(url) = webhook_url {
        body["payload"]["webhookUrl"] = json!(url);
    }
    let answer = api.post(&format!("{ROOT}/payment-links"), &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json["paymentLink"].clone()
}

async fn secret(api: &Api<'_>) -> String {
    let answer = api
        .raw(Method::POST, &format!("{ROOT}/webhook-secret"), b"{}", &[])
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(members(&answer.json["webhookSecret"]), ["last4", "secret", "updatedAt"]);
    let secret = answer.json["webhookSecret"]["secret"].as_str().unwrap().to_owned();
    assert_eq!(answer.json["webhookSecret"]["last4"], secret[secret.len() - 4..]);
    api.world.secrets.keep(&secret);
    secret
}

#[tokio::test]
async fn a_links_own_address_is_told_in_the_form_of_before() {
    let shop = Shop::open().await;
    let api = Api::of_key(&shop.world).await;
    let secret = secret(&api).await;
    let link = link(&api, Some(&shop.receiver.url("/link?token=t"))).await;
    shop.start(&link).await;
    let came = shop.one().await;
    assert_eq!(came.path, "/link?token=t");
    assert!(came.is_signed(SIGNATURE, &secret) && came.is_signed("makecrypto-signature", &secret));
    assert_eq!(came.header("x-makepay-event"), "status_changed");
    assert!(came.header("x-makepay-delivery-group-id").starts_with("mpwhgrp_"));
    let body = came.json();
    assert_eq!(
        members(&body),
        [
            "createdAt",
            "data",
            "deliveryId",
            "event",
            "paymentLink",
            "session",
            "type"
        ]
    );
    assert_eq!(body["deliveryId"], came.header("x-makepay-delivery-id"));
    assert_eq!(body["type"], "makepay.payment.status_changed");
    assert_eq!(
        (&body["event"]["type"], &body["data"]),
        (&json!("status_changed"), &json!({}))
    );
    assert_eq!(members(&body["paymentLink"]), LINK);
    for (member, value) in [
        ("uid", link["uid"].clone()),
        ("publicUrl", link["publicUrl"].clone()),
        ("merchantOrderId", json!("1001")),
        ("clientEmail", json!("buyer@example.com")),
        ("amount", json!("20.00")),
        ("status", json!("active")),
    ] {
        assert_eq!(body["paymentLink"][member], value, "{member}");
    }
    let session = &body["session"];
    assert_eq!(
        (
            &session["status"],
            &session["previousStatus"],
            &session["invoiceAmount"]
        ),
        (&json!("awaiting_deposit"), &json!("quoted"), &json!("20.00"))
    );
    assert!(
        session["depositAddress"]
            .as_str()
            .unwrap()
            .starts_with("SANDBOX-DO-NOT-SEND")
    );
    let log = api
        .raw(Method::GET, &format!("{ROOT}/webhook-requests"), b"", &[])
        .await;
    let told = log.json["webhookRequests"][0]["url"].as_str().unwrap();
    assert!(told.ends_with("/link"), "a query may hold a secret: {told}");
}

#[tokio::test]
async fn else_the_organizations_address_is_with_its_secret_as_it_is_then() {
    let shop = Shop::open().await;
    let api = Api::of_key(&shop.world).await;
    let settings = json!({ "callbackUrl": shop.receiver.url("/company") });
    assert_eq!(api.put(&format!("{ROOT}/settings"), &settings).await.status, 200);
    let link = link(&api, None).await;
    shop.receiver.answers(401);
    shop.start(&link).await;
    let first = shop.one().await;
    assert_eq!(first.path, "/company");
    // Nobody had asked for a secret: whoever does now knows the one of the next attempt.
    let secret = secret(&api).await;
    assert!(!first.is_signed(SIGNATURE, &secret));
    shop.receiver.answers(200);
    shop.world.advance(Duration::from_secs(360));
    let again = shop.one().await;
    assert!(again.is_signed(SIGNATURE, &secret));
    assert_eq!(again.header("x-makepay-attempt"), "2");
    // What an app makes is told there too, in the organization's name.
    let connection = shop.connect().await;
    let of_app = connection.link(&json!({})).await;
    shop.start(&of_app).await;
    let came = shop.one().await;
    assert!(came.path == "/company" && came.is_signed(SIGNATURE, &secret));
}

/// No app gets a signature in the organization's name for an address of its own.
#[tokio::test]
async fn an_apps_own_address_is_signed_with_the_apps_own_secret() {
    let shop = Shop::open().await;
    let api = Api::of_key(&shop.world).await;
    let of_organization = secret(&api).await;
    let connection = shop.connect().await;
    let answer = connection.post(&format!("{ROOT}/webhook-secret"), &json!({})).await;
    let own = answer.json["webhookSecret"]["secret"].as_str().unwrap().to_owned();
    let link = connection
        .link(&json!({ "webhookUrl": shop.receiver.url("/app") }))
        .await;
    shop.start(&link).await;
    let came = shop.one().await;
    assert!(came.is_signed(SIGNATURE, &own) && !came.is_signed(SIGNATURE, &of_organization));
    let rotated = connection.post(&format!("{ROOT}/webhook-secret"), &json!({})).await;
    assert_ne!(rotated.json["webhookSecret"]["secret"], own);
    shop.advance(&link, "complete").await;
    assert!(!shop.one().await.is_signed(SIGNATURE, &own), "another one, at once");
    shop.advance(&link, "failed").await;
    let before = shop.deliveries().await.len();
    shop.turn().await;
    assert_eq!(before, 3);
}

/// An API key that subscribes is told there, in the form it knows, and nowhere else.
#[tokio::test]
async fn a_key_that_subscribes_is_told_in_the_form_of_before() {
    let shop = Shop::open().await;
    let api = Api::of_key(&shop.world).await;
    let body = json!({ "url": shop.receiver.url("/key") }).to_string();
    let made = api.raw(Method::PUT, CURRENT, body.as_bytes(), &[]).await;
    let secret = made.text("signingSecret");
    let link = link(&api, Some(&shop.receiver.url("/link"))).await;
    shop.start(&link).await;
    let came = shop.one().await;
    assert!(came.path == "/key" && came.is_signed(SIGNATURE, &secret));
    assert_eq!(came.json()["event"]["type"], "status_changed");
    assert!(came.json().get("schemaVersion").is_none());
}

#[tokio::test]
async fn nobody_is_told_where_nobody_asked_and_nothing_goes_where_it_may_not() {
    let shop = Shop::open().await;
    let api = Api::of_key(&shop.world).await;
    let quiet = link(&api, None).await;
    shop.start(&quiet).await;
    assert!(shop.deliveries().await.is_empty());
    let private = link(&api, Some("https://10.0.0.1/hooks")).await;
    shop.start(&private).await;
    shop.none().await;
    let delivery = shop.deliveries().await.remove(0);
    assert!(delivery.trouble.is_some_and(|why| !why.is_empty()), "the log says why");
}

/// One address that hangs holds up no other.
#[tokio::test]
async fn addresses_wait_in_queues_of_their_own() {
    let shop = Shop::open().await;
    let api = Api::of_key(&shop.world).await;
    let bad = link(&api, Some("https://10.0.0.1/hooks")).await;
    let good = link(&api, Some(&shop.receiver.url("/good"))).await;
    shop.start(&bad).await;
    shop.start(&good).await;
    assert_eq!(shop.one().await.path, "/good");
    let queues: Vec<String> = shop
        .deliveries()
        .await
        .into_iter()
        .map(|delivery| delivery.endpoint)
        .collect();
    assert_ne!(queues[0], queues[1]);
}
