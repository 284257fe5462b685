//! Customers and subscriptions of the sandbox.

use crate::sandbox::{Api, members, together};
use crate::support::World;
use crate::yielding::Yielding;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const CUSTOMERS: &str = "/api/partner/v1/makepay/customers";
const SUBSCRIPTIONS: &str = "/api/partner/v1/makepay/subscriptions";

#[tokio::test]
async fn a_customer_is_one_for_each_address() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let sent = json!({ "email": "Ada@Example.com", "name": "Ada", "clientId": "c1", "metadata": { "a": 1 } });
    let made = api.post(CUSTOMERS, &sent).await;
    assert_eq!((made.status, members(&made.json)), (201, vec!["customer", "ok"]));
    let customer = &made.json["customer"];
    let keys = [
        "clientId",
        "createdAt",
        "email",
        "id",
        "metadata",
        "name",
        "uid",
        "updatedAt",
    ];
    assert_eq!(members(customer), keys);
    assert_eq!(
        (&customer["email"], &customer["name"]),
        (&json!("ada@example.com"), &json!("Ada"))
    );
    let again = json!({ "customerEmail": "ADA@example.com", "metadata": { "b": 2 } });
    let again = api.post(CUSTOMERS, &again).await;
    assert_eq!((again.status, &again.json["customer"]["id"]), (200, &customer["id"]));
    assert_eq!(again.json["customer"]["metadata"], json!({ "a": 1, "b": 2 }));
    assert_eq!(again.json["customer"]["name"], "Ada", "what is not said stays");
    // Known by their id they may have another address, and the old one is free.
    let moved = json!({ "id": customer["id"], "email": "ada@other.example" });
    let moved = api.post(CUSTOMERS, &moved).await;
    assert_eq!((moved.status, &moved.json["customer"]["id"]), (200, &customer["id"]));
    let other = api.post(CUSTOMERS, &json!({ "email": "ada@example.com" })).await;
    assert!(
        other.status == 201 && other.json["customer"]["id"] != customer["id"],
        "{other:?}"
    );
    let list = api.get(CUSTOMERS).await;
    assert_eq!(members(&list.json), ["companyId", "customers", "hasMore", "nextCursor"]);
    assert_eq!(list.json["customers"].as_array().unwrap().len(), 2);
    let path = format!("{CUSTOMERS}/{}", customer["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.json["customer"]["email"], "ada@other.example");
    let portal = api
        .post(
            &format!("{path}/portal"),
            &json!({ "returnUrl": "https://shop.example" }),
        )
        .await;
    let url = portal.text("portalUrl");
    let page = world.get(url.strip_prefix("https://auth.example").unwrap()).await;
    assert!(
        page.status == 200 && page.body.contains("Do not send real funds"),
        "{page:?}"
    );
    for bad in [
        json!({}),
        json!({ "email": "x" }),
        json!({ "email": 5 }),
        json!({ "email": "a@b", "metadata": 1 }),
    ] {
        assert_eq!(api.post(CUSTOMERS, &bad).await.status, 400, "{bad}");
    }
    let missing = api.send(Method::POST, &format!("{CUSTOMERS}/x/portal"), b"", &[]).await;
    assert_eq!(
        (missing.status, &missing.json["errorCode"]),
        (404, &json!("customer_not_found"))
    );
    world.advance(Duration::from_secs(31 * 24 * 60 * 60));
    let late = api.post(CUSTOMERS, &json!({ "email": "ada@example.com" })).await;
    assert_eq!(late.status, 201, "the one before has expired: {late:?}");
}

#[tokio::test]
async fn of_many_that_name_one_address_at_once_one_makes_the_customer() {
    for seed in 0..8 {
        let world = World::with_store("makecrypto", Arc::new(Yielding::new(seed))).await;
        let api = Api::of_key(&world).await;
        let body = json!({ "email": "ada@example.com" });
        let calls = (0..16).map(|_| api.post(CUSTOMERS, &body));
        let answers = together(calls).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let found = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((made, found), (1, 15), "seed {seed}");
        assert_eq!(api.get(CUSTOMERS).await.json["customers"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_subscription_knows_when_it_is_next_due() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let sent = json!({ "amountUsd": "9.90", "customerEmail": "a@example.com", "cadence": "weekly", "label": "Plan" });
    let made = api.post(SUBSCRIPTIONS, &sent).await;
    assert_eq!((made.status, members(&made.json)), (201, vec!["ok", "subscription"]));
    let one = &made.json["subscription"];
    assert_eq!(
        (&one["amountUsd"], &one["status"], &one["label"]),
        (&json!("9.90"), &json!("active"), &json!("Plan"))
    );
    assert_eq!(
        (&one["billingIntervalUnit"], &one["billingIntervalCount"]),
        (&json!("week"), &json!(1))
    );
    assert_eq!(one["nextBillingAt"], "2026-01-08T00:00:00.000Z");
    assert_eq!((&one["metadata"], &one["uid"]), (&json!({}), &one["id"]));
    let path = format!("{SUBSCRIPTIONS}/{}", one["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.json["subscription"], *one);
    let later = json!({ "amountUsd": 5, "customerEmail": "a@example.com", "billingIntervalUnit": "months",
                        "billingIntervalCount": 3, "startAt": "2026-02-01T00:00:00Z" });
    let later = api.post(SUBSCRIPTIONS, &later).await.json["subscription"].clone();
    assert_eq!(
        (&later["cadence"], &later["nextBillingAt"]),
        (&json!("quarterly"), &json!("2026-02-01T00:00:00.000Z"))
    );
    let list = api.get(&format!("{SUBSCRIPTIONS}?limit=1")).await;
    assert_eq!(
        (
            list.json["subscriptions"].as_array().unwrap().len(),
            &list.json["hasMore"]
        ),
        (1, &json!(true))
    );
    let good = json!({ "amountUsd": "1", "customerEmail": "a@example.com" });
    let bad: [(&str, Value); 7] = [
        ("amountUsd", json!("0")),
        ("customerEmail", json!("a")),
        ("cadence", json!("often")),
        ("billingIntervalUnit", json!("decade")),
        ("billingIntervalCount", json!(0)),
        ("billingIntervalCount", json!(1_000_000)),
        ("startAt", json!("tomorrow")),
    ];
    for (name, value) in bad {
        let mut body = good.clone();
        body[name] = value;
        assert_eq!(api.post(SUBSCRIPTIONS, &body).await.status, 400, "{body}");
    }
}
