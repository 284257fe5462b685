//! The webhook subscription of a grant, as its clients read it.

use crate::sandbox::{Api, members};
use crate::shop::{CURRENT, Connection, ROOT, Shop};
use http::Method;
use serde_json::{Value, json};

const SUBSCRIPTION: [&str; 17] = [
    "active",
    "callbackUrl",
    "companyId",
    "createdAt",
    "description",
    "events",
    "grantId",
    "id",
    "installationId",
    "metadata",
    "oauthGrantId",
    "secretCreatedAt",
    "secretLast4",
    "secretUpdatedAt",
    "status",
    "updatedAt",
    "url",
];

/// Nothing beside these three is told of a secret, at any depth.
fn judge_secretless(value: &Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let told = ["secretLast4", "secretCreatedAt", "secretUpdatedAt"].contains(&name.as_str());
                assert!(told || !name.to_lowercase().contains("secret"), "{name}");
                judge_secretless(value);
            }
        }
        Value::Array(items) => items.iter().for_each(judge_secretless),
        _ => {}
    }
}

#[tokio::test]
async fn it_is_made_under_the_grant_and_read_without_its_secret() {
    let shop = Shop::open().await;
    let world = &shop.world;
    let connection = shop.connect().await;
    let none = connection.get(CURRENT).await;
    assert_eq!(
        none.json,
        json!({ "companyId": world.organization, "subscription": null })
    );
    let gone = connection.delete().await;
    assert_eq!(
        (gone.status, gone.text("errorCode").as_str()),
        (404, "webhook_subscription_not_found")
    );

    let url = shop.receiver.url("/hooks");
    let metadata = json!({ "installationId": "i", "platform": "medusa", "providerId": "p" });
    let body = json!({ "url": url, "events": ["makepay.payment.*"], "rotateSecret": true, "metadata": metadata });
    let made = connection.put(&body).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(
        members(&made.json),
        ["companyId", "created", "ok", "rotated", "signingSecret", "subscription"]
    );
    assert_eq!(
        (&made.json["ok"], &made.json["created"], &made.json["rotated"]),
        (&json!(true), &json!(true), &json!(false))
    );
    let secret = made.text("signingSecret");
    assert!(secret.starts_with("mkwhsec_") && secret.len() > 30);
    world.secrets.keep(&secret);
    let subscription = &made.json["subscription"];
    assert_eq!(members(subscription), SUBSCRIPTION);
    let (id, grant) = (&subscription["id"], world.the_grant().await);
    assert!(
        id.as_str().unwrap().len() == 36 && id.as_str().unwrap().split('-').count() == 5,
        "a UUID: {id}"
    );
    for (member, value) in [
        ("oauthGrantId", json!(grant.id)),
        ("grantId", json!(grant.id)),
        ("installationId", json!(shop.app.0)),
        ("companyId", json!(world.organization)),
        ("url", json!(url)),
        ("callbackUrl", json!(url)),
        ("events", json!(["makepay.payment.*"])),
        ("active", json!(true)),
        ("status", json!("active")),
        ("description", Value::Null),
        ("metadata", metadata),
        ("secretLast4", json!(secret[secret.len() - 4..])),
    ] {
        assert_eq!(subscription[member], value, "{member}");
    }

    let read = connection.get(CURRENT).await;
    assert_eq!(members(&read.json), ["companyId", "subscription"]);
    assert_eq!(read.json["subscription"], *subscription);
    judge_secretless(&read.json);
    assert_eq!(read.header("cache-control"), Some("no-store"));
}

/// One that is there; its id and its secret.
async fn made(shop: &Shop, connection: &Connection<'_>) -> (Value, String) {
    let made = connection.put(&json!({ "url": shop.receiver.url("/hooks") })).await;
    let secret = made.text("signingSecret");
    shop.world.secrets.keep(&secret);
    (made.json["subscription"]["id"].clone(), secret)
}

#[tokio::test]
async fn it_is_changed_and_its_secret_rotated_under_one_id() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let (id, secret) = made(&shop, &connection).await;
    let other = shop.receiver.url("/other");
    let changed = connection
        .put(&json!({ "callbackUrl": other, "description": "till" }))
        .await;
    assert_eq!(
        members(&changed.json),
        ["companyId", "created", "ok", "rotated", "subscription"],
        "no secret where it stays"
    );
    assert_eq!(
        (&changed.json["created"], &changed.json["rotated"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        (
            &changed.json["subscription"]["id"],
            &changed.json["subscription"]["url"]
        ),
        (&id, &json!(other))
    );
    let rotated = connection.put(&json!({ "url": other, "rotateSecret": true })).await;
    assert_eq!(
        (
            &rotated.json["created"],
            &rotated.json["rotated"],
            &rotated.json["subscription"]["id"]
        ),
        (&json!(false), &json!(true), &id)
    );
    assert_ne!(rotated.text("signingSecret"), secret);
    shop.world.secrets.keep(&rotated.text("signingSecret"));
}

#[tokio::test]
async fn it_is_switched_off_and_on_again_under_one_id() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let (id, _) = made(&shop, &connection).await;
    let other = shop.receiver.url("/other");
    let off = connection.delete().await;
    assert_eq!(
        members(&off.json),
        [
            "companyId",
            "historicalDeliveryPreserved",
            "ok",
            "signingSecretChanged",
            "subscription"
        ]
    );
    assert_eq!(
        (
            &off.json["historicalDeliveryPreserved"],
            &off.json["signingSecretChanged"]
        ),
        (&json!(true), &json!(false))
    );
    let subscription = &off.json["subscription"];
    assert_eq!(
        (&subscription["id"], &subscription["status"], &subscription["active"]),
        (&id, &json!("disabled"), &json!(false))
    );
    assert_eq!(connection.get(CURRENT).await.json["subscription"], *subscription);
    assert_eq!(connection.delete().await.status, 200, "it is off");
    let again = connection.put(&json!({ "url": other })).await;
    assert_eq!(
        (
            &again.json["created"],
            &again.json["subscription"]["id"],
            &again.json["subscription"]["active"]
        ),
        (&json!(false), &id, &json!(true))
    );
    assert_eq!(again.json.get("signingSecret"), None, "its secret is the one it had");
}

#[tokio::test]
async fn the_other_path_is_the_same_subscription() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let alias = "/api/partner/v1/webhook-subscriptions/current";
    let body = json!({ "webhookUrl": shop.receiver.url("/hooks") });
    let made = connection.send(Method::PUT, alias, &body, &[]).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(
        connection.get(CURRENT).await.json["subscription"],
        made.json["subscription"]
    );
    assert_eq!(
        connection.send(Method::DELETE, alias, &Value::Null, &[]).await.status,
        200
    );
    assert_eq!(connection.get(CURRENT).await.json["subscription"]["active"], false);
}

#[tokio::test]
async fn what_it_cannot_be_is_refused_and_changes_nothing() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let url = shop.receiver.url("/hooks");
    for (body, code) in [
        (json!({}), "missing_callback_url"),
        (json!({ "url": "" }), "missing_callback_url"),
        (
            json!({ "url": null, "events": ["makepay.payment.*"] }),
            "missing_callback_url",
        ),
        (json!({ "url": 7 }), "invalid_request"),
        (json!({ "url": "http://shop.example/hooks" }), "invalid_callback_url"),
        (json!({ "url": "https://10.0.0.1/hooks" }), "invalid_callback_url"),
        (
            json!({ "url": "https://user:word@shop.example/" }),
            "invalid_callback_url",
        ),
        (json!({ "url": url, "events": ["makepay.*"] }), "invalid_events"),
        (json!({ "url": url, "events": ["makepay.payment."] }), "invalid_events"),
        (json!({ "url": url, "events": ["grant.revoked"] }), "invalid_events"),
        (json!({ "url": url, "events": "makepay.payment.*" }), "invalid_events"),
        (
            json!({ "url": url, "events": vec!["makepay.payment.*"; 6] }),
            "invalid_events",
        ),
        (json!({ "url": url, "description": "a\nb" }), "invalid_description"),
        (
            json!({ "url": url, "description": "x".repeat(301) }),
            "invalid_description",
        ),
        (json!({ "url": url, "metadata": [] }), "invalid_metadata"),
        (
            json!({ "url": url, "metadata": { "a": { "clientSecret": "x" } } }),
            "invalid_metadata",
        ),
        (
            json!({ "url": url, "metadata": { "a": "x".repeat(1100) } }),
            "invalid_metadata",
        ),
        (json!({ "url": url, "active": "yes" }), "invalid_request"),
        (json!({ "url": url, "rotateSecret": 1 }), "invalid_request"),
    ] {
        let answer = connection.put(&body).await;
        assert_eq!(
            (answer.status, answer.text("errorCode").as_str()),
            (400, code),
            "{body}"
        );
        assert!(answer.text("error").ends_with('.'), "a sentence: {answer:?}");
    }
    let twice = format!("{{\"url\":\"{url}\",\"url\":\"{url}\"}}");
    let api = Api::of_key(&shop.world).await;
    assert_eq!(api.raw(Method::PUT, CURRENT, twice.as_bytes(), &[]).await.status, 400);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(api.raw(Method::PUT, CURRENT, b"url=x", &form).await.status, 415);
    assert_eq!(connection.get(CURRENT).await.json["subscription"], Value::Null);
    assert_eq!(
        api.raw(Method::GET, CURRENT, b"", &[]).await.json["subscription"],
        Value::Null
    );
}

#[tokio::test]
async fn a_key_has_one_of_its_own_and_so_has_every_grant() {
    let shop = Shop::open().await;
    let second = shop.world.add_public_app().await;
    let (one, two) = (shop.connect().await, shop.connect_as(&second, 2).await);
    let key = Api::of_key(&shop.world).await;
    let (of_one, _) = one.subscribe("/one").await;
    let (of_two, _) = two.subscribe("/two").await;
    let body = json!({ "endpointUrl": shop.receiver.url("/key") }).to_string();
    let made = key.raw(Method::PUT, CURRENT, body.as_bytes(), &[]).await;
    assert_eq!(made.status, 200, "{made:?}");
    shop.world.secrets.keep(&made.text("signingSecret"));
    let of_key = made.json["subscription"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json["subscription"]["installationId"], Value::Null);
    assert!(
        made.json["subscription"]["oauthGrantId"]
            .as_str()
            .unwrap()
            .starts_with("key:")
    );
    assert!(of_one != of_two && of_two != of_key && of_one != of_key);
    two.delete().await;
    assert_eq!(one.get(CURRENT).await.json["subscription"]["active"], true);
    assert_eq!(
        key.raw(Method::GET, CURRENT, b"", &[]).await.json["subscription"]["active"],
        true
    );
}

#[tokio::test]
async fn reading_needs_one_scope_and_changing_another() {
    let shop = Shop::open().await;
    let world = &shop.world;
    for (scopes, read, changed, secret) in [
        (&["makepay:webhooks:read"][..], 200, 403, 403),
        (&["makepay:webhooks:write"][..], 403, 200, 200),
        (&["makepay:settings:write"][..], 403, 403, 200),
    ] {
        let client = world.add_private_app(crate::support::OWNER, scopes).await;
        let api = Api::bearer(world, &world.mint_as(&client, "").await);
        let body = json!({ "url": shop.receiver.url("/hooks") }).to_string();
        assert_eq!(api.raw(Method::GET, CURRENT, b"", &[]).await.status, read, "{scopes:?}");
        assert_eq!(
            api.raw(Method::PUT, CURRENT, body.as_bytes(), &[]).await.status,
            changed,
            "{scopes:?}"
        );
        let path = format!("{ROOT}/webhook-secret");
        assert_eq!(
            api.raw(Method::POST, &path, b"{}", &[]).await.status,
            secret,
            "{scopes:?}"
        );
    }
}
