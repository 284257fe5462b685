//! `Idempotency-Key` of the calls that change a webhook subscription.

use crate::http::Answer;
use crate::proofs::ClientKey;
use crate::sandbox::together;
use crate::shop::{CURRENT, Connection, Shop};
use crate::yielding::Yielding;
use grantd::base::jose::Alg;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "medusa-webhook-0123456789012345678901234567890123456789";

async fn put(connection: &Connection<'_>, key: &str, body: &Value) -> Answer {
    connection
        .send(Method::PUT, CURRENT, body, &[("idempotency-key", key)])
        .await
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text("errorCode"))
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_with_the_secret_for_ten_minutes() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let body = json!({ "url": shop.receiver.url("/hooks"), "rotateSecret": true });
    let first = put(&connection, KEY, &body).await;
    assert_eq!((first.status, first.replayed()), (200, false));
    shop.world.secrets.keep(&first.text("signingSecret"));
    shop.world.advance(Duration::from_secs(599));
    let again = put(&connection, KEY, &body).await;
    assert_eq!((again.status, again.replayed()), (200, true));
    assert_eq!(again.json, first.json, "with the secret");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    shop.world.advance(Duration::from_secs(1));
    let late = put(&connection, KEY, &body).await;
    assert_eq!(refused(&late), (409, "idempotency_receipt_expired".into()));
    let read = connection.get(CURRENT).await;
    assert_eq!(
        read.json["subscription"], first.json["subscription"],
        "nothing happened"
    );
}

#[tokio::test]
async fn a_key_is_one_grants_one_bodys_and_one_dpop_keys() {
    let shop = Shop::open().await;
    let second = shop.world.add_public_app().await;
    let (one, two) = (shop.connect().await, shop.connect_as(&second, 2).await);
    let body = json!({ "url": shop.receiver.url("/hooks") });
    let first = put(&one, KEY, &body).await;
    shop.world.secrets.keep(&first.text("signingSecret"));
    let other = put(&two, KEY, &body).await;
    assert!(other.status == 200 && !other.replayed(), "another grant: {other:?}");
    assert_ne!(other.json["subscription"]["id"], first.json["subscription"]["id"]);
    let another = json!({ "url": shop.receiver.url("/other") });
    let reused = put(&one, KEY, &another).await;
    assert_eq!(refused(&reused), (409, "idempotency_key_reused".into()));
    let deleted = one
        .send(Method::DELETE, CURRENT, &Value::Null, &[("idempotency-key", KEY)])
        .await;
    assert_eq!(refused(&deleted), (409, "idempotency_key_reused".into()));
    // The same grant, its token bound to another key.
    let moved = shop.connect_as(&shop.app, 3).await;
    assert_eq!(moved.key.jkt(), ClientKey::new(Alg::Es256, 3).jkt());
    let mismatch = put(&moved, KEY, &body).await;
    assert_eq!(refused(&mismatch), (409, "idempotency_key_dpop_mismatch".into()));
    for bad in ["short", "with blank in it", &"x".repeat(201), "slashes\\are\\bad"] {
        assert_eq!(
            refused(&put(&one, bad, &body).await),
            (400, "invalid_idempotency_key".into()),
            "{bad}"
        );
    }
    for good in ["12345678", "a.b_c~d:e+f/g=h-", &"x".repeat(200)] {
        assert_eq!(put(&one, good, &body).await.status, 200, "{good}");
    }
}

#[tokio::test]
async fn a_deletion_is_repeated_too() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    connection.subscribe("/hooks").await;
    let key = [("idempotency-key", "medusa-webhook-disconnect-0123456789")];
    let first = connection.send(Method::DELETE, CURRENT, &Value::Null, &key).await;
    connection.put(&json!({ "url": shop.receiver.url("/new") })).await;
    let again = connection.send(Method::DELETE, CURRENT, &Value::Null, &key).await;
    assert_eq!((again.status, again.replayed()), (200, true));
    assert_eq!(again.json, first.json);
    assert_eq!(
        connection.get(CURRENT).await.json["subscription"]["active"],
        true,
        "once is once"
    );
}

#[tokio::test]
async fn a_refusal_takes_no_key_and_no_owner_takes_more_than_its_share() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    assert_eq!(put(&connection, KEY, &json!({})).await.status, 400);
    let body = json!({ "url": shop.receiver.url("/hooks") });
    let good = put(&connection, KEY, &body).await;
    assert!(good.status == 200 && !good.replayed(), "{good:?}");
    for number in 1..200 {
        assert_eq!(
            put(&connection, &format!("key-number-{number}"), &body).await.status,
            200
        );
    }
    let beyond = put(&connection, "key-number-200", &body).await;
    assert_eq!((beyond.status, beyond.header("retry-after")), (429, Some("300")));
    assert_eq!(connection.put(&body).await.status, 200, "without a key it goes on");
    assert_eq!(
        put(&connection, KEY, &body).await.status,
        200,
        "and so do answers that are kept"
    );
}

/// Whoever comes at the same moment with the same key finds the one answer.
#[tokio::test]
async fn of_many_at_once_with_one_key_one_happens() {
    let shop = Shop::over(Arc::new(Yielding::new(7))).await;
    let connection = shop.connect().await;
    let body = json!({ "url": shop.receiver.url("/hooks"), "rotateSecret": true });
    let answers = together((0..8).map(|_| put(&connection, KEY, &body))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| !answer.replayed()).count(), 1);
    let secret = answers[0].text("signingSecret");
    assert!(answers.iter().all(|answer| answer.text("signingSecret") == secret));
}
