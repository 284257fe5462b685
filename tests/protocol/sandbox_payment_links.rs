//! Payment links as the public clients of such an API read them.

use crate::http::Answer;
use crate::sandbox::{Api, members};
use crate::support::World;
use serde_json::{Value, json};
use std::time::Duration;

pub const LINKS: &str = "/api/partner/v1/makepay/payment-links";

/// As a shop sends it.
pub fn order() -> Value {
    json!({
        "status": "active",
        "sendPaymentRequestEmail": false,
        "payload": {
            "amount": "20.00",
            "currency": "USD",
            "fiatCurrency": "USD",
            "title": "Order 1001",
            "orderId": "1001",
            "clientId": "client-7",
            "customerEmail": "buyer@example.com",
            "successUrl": "https://shop.example/ok",
            "expirationTime": "1h",
            "metadata": { "medusaSessionId": "s_1", "nested": { "a": 1 } },
        },
    })
}

pub async fn made(api: &Api<'_>) -> (String, Value) {
    let answer = api.post(LINKS, &order()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let link = answer.json["paymentLink"].clone();
    (format!("{LINKS}/{}", link["uid"].as_str().unwrap()), link)
}

pub fn uids(answer: &Answer) -> Vec<&str> {
    let links = answer.json["paymentLinks"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer:?}"));
    links.iter().map(|link| link["uid"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_link_has_the_members_that_clients_read_and_none_that_they_refuse() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let answer = api.post(LINKS, &order()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let keys = [
        "companyId",
        "ok",
        "paymentLink",
        "paymentRequestEmailError",
        "paymentRequestEmailSent",
    ];
    assert_eq!(members(&answer.json), keys);
    assert_eq!(answer.json["companyId"], json!(world.organization));
    let link = &answer.json["paymentLink"];
    let expected = [
        "amount",
        "asset",
        "clientId",
        "createdAt",
        "created_at",
        "currency",
        "customerEmail",
        "description",
        "donation_slug",
        "expires_at",
        "fiatAmount",
        "fiatCurrency",
        "id",
        "label",
        "latestSession",
        "link_type",
        "metadata",
        "orderId",
        "payload",
        "publicUrl",
        "settlement",
        "source",
        "status",
        "timelineEvents",
        "title",
        "uid",
        "updatedAt",
        "updated_at",
    ];
    assert_eq!(members(link), expected);
    for absent in ["companyId", "grantId", "installationId", "webhookSubscriptionId"] {
        assert!(
            link.get(absent).is_none() && link["payload"].get(absent).is_none(),
            "{absent}"
        );
    }
    assert_eq!(
        (&link["amount"], &link["payload"]["amount"]),
        (&json!("20.00"), &json!("20.00"))
    );
    assert_eq!(link["metadata"], link["payload"]["metadata"]);
    assert_eq!(link["payload"]["sandbox"], true);
    assert_eq!(link["latestSession"], Value::Null);
    assert_eq!(link["expires_at"], "2026-01-01T01:00:00.000Z");
    let url = format!("https://auth.example/payment/{}", link["uid"].as_str().unwrap());
    assert_eq!(link["publicUrl"], url.as_str());
    let path = format!("{LINKS}/{}", link["uid"].as_str().unwrap());
    let read = api.get(&path).await;
    assert_eq!(members(&read.json), ["companyId", "paymentLink"], "exactly these");
    assert_eq!(read.json["paymentLink"], *link);
    let patched = api.patch(&path, &json!({ "status": "paused" })).await;
    assert_eq!(members(&patched.json), ["companyId", "paymentLink"], "exactly these");
    assert_eq!(patched.json["paymentLink"]["status"], "paused");
}

#[tokio::test]
async fn a_flat_body_is_a_payload_and_numbers_stay_numbers() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let flat = json!({ "amount": 12.5, "fiatCurrency": "EUR", "label": "Till", "source": "pos", "receiptEmail": null,
                       "settlement": { "currency": "USDC", "priorities": ["lightning"] } });
    let link = api.post(LINKS, &flat).await.json["paymentLink"].clone();
    assert_eq!(
        (&link["amount"], &link["fiatCurrency"], &link["label"]),
        (&json!(12.5), &json!("EUR"), &json!("Till"))
    );
    assert_eq!((&link["source"], &link["metadata"]), (&json!("pos"), &json!({})));
    assert_eq!(link["settlement"]["currency"], "USDC");
    assert!(
        link["payload"].get("source").is_none() && link["payload"].get("receiptEmail").is_some(),
        "{link}"
    );
    let email = json!({ "amount": "1", "sendPaymentRequestEmail": true, "customerEmail": "a@example.com" });
    let answer = api.post(LINKS, &email).await.json;
    assert_eq!(
        (&answer["paymentRequestEmailSent"], &answer["paymentRequestEmailError"]),
        (&json!(true), &Value::Null)
    );
    let answer = api
        .post(LINKS, &json!({ "amount": "1", "sendPaymentRequestEmail": true }))
        .await
        .json;
    assert_eq!(answer["paymentRequestEmailSent"], false);
    assert!(answer["paymentRequestEmailError"].is_string());
}

#[tokio::test]
async fn what_is_no_payment_link_is_refused_with_a_sentence_and_a_code() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    for (body, code) in [
        (json!({}), "invalid_amount"),
        (json!({ "payload": {} }), "invalid_amount"),
        (json!({ "payload": { "amount": "0.00" } }), "invalid_amount"),
        (json!({ "amount": "-1" }), "invalid_amount"),
        (json!({ "amount": [1] }), "invalid_amount"),
        (json!({ "payload": "x" }), "invalid_request"),
        (
            json!({ "payload": { "amount": "1", "sandbox": false } }),
            "sandbox_only",
        ),
        (json!({ "amount": "1", "sandbox": false }), "sandbox_only"),
        (json!({ "payload": { "amount": "1" }, "sandbox": "no" }), "sandbox_only"),
        (json!({ "amount": "1", "metadata": [] }), "invalid_request"),
        (json!({ "amount": "1", "status": "archived" }), "invalid_status"),
        (json!({ "amount": "1", "status": "paid" }), "invalid_status"),
        (
            json!({ "amount": "1", "expirationTime": "2h" }),
            "invalid_expiration_time",
        ),
        (
            json!({ "amount": "1", "sendPaymentRequestEmail": "yes" }),
            "invalid_request",
        ),
        (json!({ "amount": "1", "title": 7 }), "invalid_request"),
    ] {
        let answer = api.post(LINKS, &body).await;
        assert_eq!(
            (answer.status, &answer.json["errorCode"]),
            (400, &json!(code)),
            "{body}: {answer:?}"
        );
        assert!(
            answer.text("error").ends_with('.') && answer.json["requestId"] == "test",
            "{answer:?}"
        );
    }
    assert_eq!(uids(&api.get(LINKS).await), Vec::<&str>::new());
    let missing = api.get(&format!("{LINKS}/00000000000000000000000000")).await;
    assert_eq!(
        (missing.status, &missing.json["errorCode"]),
        (404, &json!("payment_link_not_found"))
    );
}

#[tokio::test]
async fn a_patch_merges_metadata_and_refuses_what_it_does_not_know() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let (path, link) = made(&api).await;
    world.advance(Duration::from_secs(60));
    let patch = json!({ "metadata": { "medusaOrderId": "o_1", "nested": { "b": 2 } }, "extendExpirationTime": "never",
                        "skipQuoteAcceptance": true, "invoicePdfUrl": "https://shop.example/1.pdf",
                        "webhookUrl": "https://shop.example/hook" });
    let changed = api.patch(&path, &patch).await.json["paymentLink"].clone();
    let metadata = json!({ "medusaSessionId": "s_1", "nested": { "a": 1, "b": 2 }, "medusaOrderId": "o_1" });
    assert_eq!(
        (&changed["metadata"], &changed["payload"]["metadata"]),
        (&metadata, &metadata)
    );
    assert_eq!(
        (&changed["expires_at"], &changed["amount"]),
        (&Value::Null, &json!("20.00"))
    );
    assert_eq!(changed["payload"]["webhookUrl"], "https://shop.example/hook");
    assert_eq!(changed["payload"]["skipQuoteAcceptance"], true);
    assert_eq!(
        (&changed["createdAt"], changed["updatedAt"] == link["updatedAt"]),
        (&link["createdAt"], false)
    );
    for bad in [
        json!({ "amount": "1" }),
        json!({ "payload": {} }),
        json!({ "status": "paid" }),
        json!({ "metadata": 1 }),
        json!({ "extendExpirationTime": "1y" }),
        json!({ "sandbox": false }),
        json!({ "status": "paused", "unknown": 1 }),
    ] {
        let answer = api.patch(&path, &bad).await;
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
    }
    assert_eq!(
        api.get(&path).await.json["paymentLink"],
        changed,
        "nothing of them stayed"
    );
}

#[tokio::test]
async fn a_link_is_archived_once_and_only_before_a_session() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let (path, _) = made(&api).await;
    let archive = json!({ "status": "archived" });
    let done = api.patch(&path, &archive).await;
    let keys = [
        "archiveEligibility",
        "archivedWithNoSession",
        "companyId",
        "latestSession",
        "ok",
        "paymentLink",
        "sessionCreationClaimed",
    ];
    assert_eq!((done.status, members(&done.json)), (200, keys.to_vec()));
    assert_eq!(done.json["archiveEligibility"], "no_session");
    assert_eq!(
        (&done.json["archivedWithNoSession"], &done.json["ok"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(done.json["sessionCreationClaimed"], false);
    for again in [&archive, &json!({ "status": "active" })] {
        let again = api.patch(&path, again).await;
        assert_eq!(
            (again.status, &again.json["errorCode"]),
            (409, &json!("payment_link_already_archived"))
        );
        assert_eq!(again.json["archiveEligibility"], "already_archived");
    }
    let (path, link) = made(&api).await;
    let start = format!("/payment/{}/start", link["uid"].as_str().unwrap());
    assert_eq!(
        world
            .send(crate::http::request(http::Method::POST, &start, &[], b""))
            .await
            .status,
        303
    );
    let late = api.patch(&path, &archive).await;
    assert_eq!(
        (late.status, &late.json["errorCode"]),
        (409, &json!("payment_link_has_session"))
    );
    assert_eq!(late.json["archiveEligibility"], "session_started");
    assert_eq!(late.json["latestSession"]["status"], "awaiting_deposit");
    assert!(late.text("error").ends_with('.'));
    assert_eq!(api.patch(&path, &json!({ "status": "paused" })).await.status, 200);
}

#[tokio::test]
async fn a_request_for_payment_by_mail_is_remembered_and_never_too_long_to_be() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let (path, _) = made(&api).await;
    let sent = api
        .send(http::Method::POST, &format!("{path}/send-request-email"), b"", &[])
        .await;
    assert_eq!(members(&sent.json), ["email", "ok", "paymentLink"]);
    assert_eq!(sent.json["email"], "buyer@example.com");
    let other = api
        .post(
            &format!("{path}/send-request-email"),
            &json!({ "email": "b@example.com" }),
        )
        .await;
    let events = other.json["paymentLink"]["timelineEvents"].as_array().unwrap();
    assert_eq!((events.len(), &events[2]["email"]), (3, &json!("b@example.com")));
    let bad = api
        .post(&format!("{path}/send-request-email"), &json!({ "email": "b" }))
        .await;
    assert_eq!((bad.status, &bad.json["errorCode"]), (400, &json!("invalid_email")));
    // A link that leaves no room for what is told of it still works.
    let long = json!({ "amount": "1", "customerEmail": "a@example.com", "note": "x".repeat(5800) });
    let made = api.post(LINKS, &long).await;
    assert_eq!(made.status, 201, "{:?}", made.json["error"]);
    let path = format!("{LINKS}/{}", made.json["paymentLink"]["uid"].as_str().unwrap());
    for _ in 0..5 {
        assert_eq!(
            api.post(&format!("{path}/send-request-email"), &json!({})).await.status,
            200
        );
    }
    let longer = json!({ "metadata": { "x": "x".repeat(1000) } });
    let answer = api.patch(&path, &longer).await;
    assert_eq!((answer.status, &answer.json["errorCode"]), (413, &json!("too_large")));
}
