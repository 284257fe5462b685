//! What a grant's webhook subscription is told of payments: `medusa.v1`, to the member.

use crate::receiver::Received;
use crate::sandbox::members;
use crate::shop::{CURRENT, Connection, LATER, ROOT, SIGNATURE, Shop};
use grantd::model::delivery::State;
use serde_json::{Value, json};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const TOP: [&str; 12] = [
    "companyId",
    "createdAt",
    "deliveryGroupId",
    "deliveryId",
    "grantId",
    "installationId",
    "paymentLink",
    "schemaVersion",
    "session",
    "status",
    "subscriptionId",
    "type",
];

const REQUEST: [&str; 13] = [
    "attempt",
    "createdAt",
    "deliveryGroupId",
    "deliveryId",
    "error",
    "event",
    "id",
    "nextAttemptAt",
    "origin",
    "responseStatus",
    "status",
    "subscriptionId",
    "url",
];

/// A link with what a shop writes into it.
async fn ordered(connection: &Connection<'_>) -> Value {
    let metadata = json!({
        "medusaSessionId": "payses_1",
        "medusaOrderId": "order_1",
        "medusaOrderDisplayId": "1001",
        "customerNote": "private",
    });
    connection
        .link(&json!({ "metadata": metadata, "webhookUrl": "https://elsewhere.example/" }))
        .await
}

fn judge_headers(came: &Received) {
    for (header, value) in [
        ("content-type", "application/json"),
        ("user-agent", "MakePay-Webhooks/1.0"),
        ("x-makepay-event", "makepay.payment.status_changed"),
        ("x-makepay-attempt", "1"),
        ("x-makepay-delivery-origin", "event"),
        ("x-makepay-origin", "event"),
    ] {
        assert_eq!(came.header(header), value, "{header}");
    }
}

#[tokio::test]
async fn a_payment_that_begins_is_told_with_these_headers_and_members_and_no_other() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let (id, secret) = connection.subscribe("/hooks/makepay/makepay_makepay").await;
    let link = ordered(&connection).await;
    shop.none().await;
    shop.start(&link).await;
    let came = shop.one().await;
    assert_eq!(came.path, "/hooks/makepay/makepay_makepay");
    assert!(came.is_signed(SIGNATURE, &secret) && came.is_signed("makecrypto-signature", &secret));
    assert_eq!(came.signed_at(SIGNATURE), shop.world.ctx.now().seconds());
    judge_headers(&came);
    let body = came.json();
    assert_eq!(members(&body), TOP);
    let group = came.header("x-makepay-delivery-group-id");
    let hex = group.strip_prefix("mpwhgrp_").expect("the group's prefix");
    assert!(hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    let attempt = came.header("x-makepay-delivery-id");
    assert!(attempt.len() == 36, "a UUID: {attempt}");
    let grant = shop.world.the_grant().await;
    for (member, value) in [
        ("schemaVersion", json!("medusa.v1")),
        ("deliveryId", json!(attempt)),
        ("deliveryGroupId", json!(group)),
        ("type", json!("makepay.payment.status_changed")),
        ("createdAt", json!("2026-01-01T00:00:00.000Z")),
        ("status", json!("awaiting_deposit")),
        ("companyId", json!(shop.world.organization)),
        ("grantId", json!(grant.id)),
        ("subscriptionId", json!(id)),
        ("installationId", json!(shop.app.0)),
    ] {
        assert_eq!(body[member], value, "{member}");
    }
    assert_eq!(
        members(&body["paymentLink"]),
        ["fiatAmount", "fiatCurrency", "metadata", "uid"]
    );
    assert_eq!(
        (
            &body["paymentLink"]["uid"],
            &body["paymentLink"]["fiatAmount"],
            &body["paymentLink"]["fiatCurrency"]
        ),
        (&link["uid"], &json!("20.00"), &json!("USD"))
    );
    assert_eq!(
        body["paymentLink"]["metadata"],
        json!({
            "medusaSessionId": "payses_1",
            "medusaOrderId": "order_1",
            "medusaOrderDisplayId": "1001",
            "medusaProviderId": "makepay",
        }),
        "nothing else of the merchant's leaks"
    );
    assert_eq!(members(&body["session"]), ["id", "settlement"]);
    let read = connection
        .get(&format!("{ROOT}/payment-links/{}", link["uid"].as_str().unwrap()))
        .await;
    let session = &read.json["paymentLink"]["latestSession"]["id"];
    assert_eq!(
        (&body["session"]["id"], &body["session"]["settlement"]),
        (session, &Value::Null)
    );
    assert!(!came.body.windows(7).any(|bytes| bytes == b"private"));
}

#[tokio::test]
async fn what_a_shop_did_not_say_is_null() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    connection.subscribe("/hooks").await;
    let metadata =
        json!({ "medusaSessionId": "  payses_1 ", "medusaOrderId": {}, "medusaOrderDisplayId": "9".repeat(300) });
    let link = connection.link(&json!({ "metadata": metadata, "amount": 7.5 })).await;
    shop.start(&link).await;
    let body = shop.one().await.json();
    assert_eq!(body["paymentLink"]["fiatAmount"], "7.5");
    let metadata = &body["paymentLink"]["metadata"];
    assert_eq!(
        (&metadata["medusaSessionId"], &metadata["medusaOrderId"]),
        (&json!("payses_1"), &Value::Null),
        "no blanks around"
    );
    assert_eq!(metadata["medusaOrderDisplayId"].as_str().unwrap().len(), 120);
}

#[tokio::test]
async fn every_status_is_told_and_the_same_event_has_the_same_group() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    connection.subscribe("/hooks").await;
    let link = ordered(&connection).await;
    shop.start(&link).await;
    let mut groups = vec![shop.one().await.header("x-makepay-delivery-group-id").to_owned()];
    for status in ["quoted"].into_iter().chain(LATER) {
        shop.advance(&link, status).await;
        let came = shop.one().await;
        assert_eq!(came.json()["status"], status);
        let group = came.header("x-makepay-delivery-group-id").to_owned();
        assert!(!groups.contains(&group), "{status}");
        groups.push(group);
    }
    shop.advance(&link, "complete").await;
    assert_eq!(shop.one().await.header("x-makepay-delivery-group-id"), groups[7]);
    // Nothing changed.
    shop.advance(&link, "complete").await;
    shop.none().await;
}

/// Everything but its id is the same at each attempt; the signature is of that moment, and of the secret as it is then.
#[tokio::test]
async fn it_is_tried_ten_times_more_and_signed_anew_each_time() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let (_, old) = connection.subscribe("/hooks").await;
    let link = ordered(&connection).await;
    shop.receiver.answers(503);
    shop.start(&link).await;
    let first = shop.one().await;
    shop.world.advance(6 * MINUTE);
    let rotated = connection
        .put(&json!({ "url": shop.receiver.url("/moved"), "rotateSecret": true }))
        .await;
    let new = rotated.text("signingSecret");
    let mut ids = vec![first.header("x-makepay-delivery-id").to_owned()];
    for attempt in 2..=11 {
        let came = shop.one().await;
        assert_eq!(came.path, "/moved", "the address as it is now");
        assert_eq!(came.header("x-makepay-attempt"), attempt.to_string());
        assert!(came.is_signed(SIGNATURE, &new) && !came.is_signed(SIGNATURE, &old));
        assert_eq!(came.signed_at(SIGNATURE), shop.world.ctx.now().seconds());
        assert_eq!(
            came.header("x-makepay-delivery-group-id"),
            first.header("x-makepay-delivery-group-id")
        );
        let id = came.header("x-makepay-delivery-id").to_owned();
        assert!(!ids.contains(&id), "another id");
        let (mut one, mut two) = (first.json(), came.json());
        assert_eq!(two["deliveryId"], id);
        (one["deliveryId"], two["deliveryId"]) = (Value::Null, Value::Null);
        assert_eq!(one, two);
        ids.push(id);
        shop.world.advance(6 * MINUTE);
    }
    shop.none().await;
    assert_eq!(shop.deliveries().await[0].state, State::Failed);
}

#[tokio::test]
async fn only_what_it_asked_for_and_only_its_own_grants() {
    let shop = Shop::open().await;
    let second = shop.world.add_public_app().await;
    let (one, two) = (shop.connect().await, shop.connect_as(&second, 2).await);
    one.subscribe("/one").await;
    let body = json!({ "url": shop.receiver.url("/two"), "events": ["makepay.payment.refunded"] });
    assert_eq!(two.put(&body).await.status, 200);
    let (of_one, of_two) = (one.link(&json!({})).await, two.link(&json!({})).await);
    shop.start(&of_one).await;
    shop.start(&of_two).await;
    assert_eq!(shop.one().await.path, "/one");
    let body = json!({ "url": shop.receiver.url("/two"), "events": ["makepay.payment.status_changed"] });
    assert_eq!(two.put(&body).await.status, 200);
    shop.advance(&of_two, "complete").await;
    assert_eq!(shop.one().await.path, "/two");
}

/// Of an app that is no platform's: who switched it off, or lost access, hears nothing more.
#[tokio::test]
async fn one_that_is_off_or_whose_app_may_not_act_hears_nothing() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    connection.subscribe("/hooks").await;
    let link = connection.link(&json!({})).await;
    shop.receiver.answers(500);
    shop.start(&link).await;
    shop.one().await;
    connection.delete().await;
    shop.world.advance(6 * MINUTE);
    shop.none().await;
    assert_eq!(
        shop.deliveries().await[0].state,
        State::Cancelled,
        "what waited is dropped"
    );
    shop.advance(&link, "complete").await;
    shop.none().await;
    connection.put(&json!({ "url": shop.receiver.url("/hooks") })).await;
    shop.advance(&link, "failed").await;
    shop.one().await;
    let off = grantd::control::Command::AppDisable {
        client_id: shop.app.0.clone(),
        disabled: true,
    };
    shop.world.run(off).await;
    shop.advance(&link, "expired").await;
    shop.none().await;
}

#[tokio::test]
async fn a_test_says_nothing_and_is_tried_once() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let path = format!("{CURRENT}/test");
    let none = connection.post(&path, &json!({})).await;
    assert_eq!(
        (none.status, none.text("errorCode").as_str()),
        (404, "webhook_subscription_not_found")
    );
    let (_, secret) = connection.subscribe("/hooks").await;
    shop.receiver.answers(400);
    let sent = connection.post(&path, &json!({})).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    assert_eq!(sent.json["webhookRequest"]["origin"], "test");
    let came = shop.one().await;
    assert!(came.is_signed(SIGNATURE, &secret));
    assert_eq!(
        (came.header("x-makepay-event"), came.header("x-makepay-delivery-origin")),
        ("webhook.test", "test")
    );
    assert!(came.header("x-makepay-delivery-group-id").starts_with("mpwhgrp_"));
    shop.world.advance(6 * MINUTE);
    shop.none().await;
    for _ in 0..50 {
        assert_eq!(connection.post(&path, &json!({})).await.status, 200);
    }
    assert_eq!(
        connection.post(&path, &json!({})).await.status,
        429,
        "it is no way to fill the queue"
    );
    connection.delete().await;
    let off = connection.post(&path, &json!({})).await;
    assert_eq!(
        (off.status, off.text("errorCode").as_str()),
        (409, "webhook_subscription_inactive")
    );
}

#[tokio::test]
async fn the_log_tells_what_was_sent_and_sends_it_once_more() {
    let shop = Shop::open().await;
    let second = shop.world.add_public_app().await;
    let (connection, foreign) = (shop.connect().await, shop.connect_as(&second, 2).await);
    connection.subscribe("/hooks").await;
    let link = connection.link(&json!({})).await;
    shop.receiver.answers(500);
    shop.start(&link).await;
    let came = shop.one().await;
    let requests = format!("{ROOT}/webhook-requests");
    let log = connection.get(&requests).await;
    assert_eq!(members(&log.json), ["companyId", "nextCursor", "webhookRequests"]);
    let row = &log.json["webhookRequests"][0];
    assert_eq!(members(row), REQUEST);
    assert_eq!(row["deliveryGroupId"], came.header("x-makepay-delivery-group-id"));
    assert_eq!(
        (&row["attempt"], &row["status"], &row["responseStatus"]),
        (&json!(1), &json!("pending"), &json!(500))
    );
    let retry = format!("{requests}/{}/retry", row["id"].as_str().unwrap());
    assert_eq!(
        foreign.post(&retry, &json!({})).await.status,
        404,
        "it is another grant's"
    );
    assert_eq!(foreign.get(&requests).await.json["webhookRequests"], json!([]));
    shop.receiver.answers(200);
    assert_eq!(connection.post(&retry, &json!({})).await.status, 200);
    let again = shop.one().await;
    assert_eq!(
        (
            again.header("x-makepay-delivery-origin"),
            again.header("x-makepay-attempt")
        ),
        ("resend", "2")
    );
    assert_eq!(
        again.header("x-makepay-delivery-group-id"),
        came.header("x-makepay-delivery-group-id")
    );
    for status in ["pending", "complete"] {
        shop.world.advance(MINUTE);
        shop.advance(&link, status).await;
    }
    let first = connection.get(&format!("{requests}?limit=2")).await;
    assert_eq!(first.json["webhookRequests"].as_array().unwrap().len(), 2);
    let cursor = first.json["nextCursor"].as_str().unwrap();
    let rest = connection.get(&format!("{requests}?limit=2&cursor={cursor}")).await;
    assert_eq!(
        rest.json["webhookRequests"][0]["id"], row["id"],
        "the newest come first"
    );
    judge_states(&connection, &requests, &row["id"]).await;
    for bad in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1&limit=2",
        "cursor=%00",
        "status=lost",
    ] {
        assert_eq!(connection.get(&format!("{requests}?{bad}")).await.status, 400, "{bad}");
    }
    for none in ["d_0_x", "x", "d_zz_zz", "..", "%00"] {
        let answer = connection.post(&format!("{requests}/{none}/retry"), &json!({})).await;
        assert!(answer.status == 404 || answer.status == 400, "{none}: {answer:?}");
    }
}

/// Two wait, and the oldest was taken: it is found behind them.
async fn judge_states(connection: &Connection<'_>, requests: &str, oldest: &Value) {
    let of_state = async |status: &str, more: &str| {
        let page = connection.get(&format!("{requests}?status={status}{more}")).await;
        assert_eq!(page.json["nextCursor"], json!(null), "{page:?}");
        page.json["webhookRequests"].as_array().unwrap().clone()
    };
    let taken = of_state("delivered", "&limit=2").await;
    assert_eq!((taken.len(), &taken[0]["id"]), (1, oldest));
    assert_eq!(of_state("pending", "").await.len(), 2);
    assert_eq!(of_state("failed", "").await.len(), 0);
}
