//! `Idempotency-Key` in the sandbox: what is sent twice happens once.

use crate::sandbox::{Api, together};
use crate::sandbox_payment_links::LINKS;
use crate::support::World;
use crate::yielding::Yielding;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "medusa-makepay-create-0123456789abcdef";
const DATA: &str = "/api/v1/data";

async fn count(api: &Api<'_>) -> usize {
    api.get(LINKS).await.json["paymentLinks"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_call_gets_the_first_answer_and_another_is_refused() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let body = json!({ "amount": "20.00", "note": "é".repeat(2500) });
    let first = api.keyed(LINKS, KEY, &body).await;
    assert_eq!((first.status, first.replayed()), (201, false));
    assert!(
        first.body.len() < 2 * 6144 && first.body.len() > 5000,
        "{}",
        first.body.len()
    );
    let uid = first.json["paymentLink"]["uid"].as_str().unwrap();
    let path = format!("{LINKS}/{uid}");
    api.patch(&path, &json!({ "status": "paused" })).await;
    for _ in 0..2 {
        let again = api.keyed(LINKS, KEY, &body).await;
        assert_eq!((again.status, again.replayed()), (200, true), "nothing was made");
        assert_eq!(again.body, first.body, "byte for byte, whatever became of the link");
    }
    for (method, path, body) in [
        (
            Method::POST,
            LINKS,
            json!({ "amount": "21.00", "note": "é".repeat(2500) }),
        ),
        (Method::POST, "/api/partner/v1/payment-links", body.clone()),
        (Method::POST, "/api/partner/v1/makepay/payment-links?x=1", body.clone()),
        (Method::PATCH, &*path, json!({ "status": "active" })),
    ] {
        let key = [("idempotency-key", KEY)];
        let other = api.send(method, path, body.to_string().as_bytes(), &key).await;
        assert_eq!(
            (other.status, &other.json["errorCode"]),
            (409, &json!("idempotency_key_reused")),
            "{other:?}"
        );
    }
    assert_eq!(count(&api).await, 1);
    assert_eq!(api.get(&path).await.json["paymentLink"]["status"], "paused");
    world.advance(Duration::from_secs(24 * 60 * 60));
    let late = api.keyed(LINKS, KEY, &json!({ "amount": "1" })).await;
    assert_eq!(
        (late.status, late.replayed()),
        (201, false),
        "a day later it is a new key: {late:?}"
    );
}

#[tokio::test]
async fn a_key_belongs_to_a_grant_or_a_credential() {
    let world = World::new("makecrypto").await;
    let (one, other) = (world.add_public_app().await, world.add_public_app().await);
    let (first, _) = world.connect(&one).await;
    let (newer, _) = world.connect(&one).await;
    let first = Api::bearer(&world, &first);
    let newer = Api::bearer(&world, &newer);
    let other = Api::bearer(&world, &world.connect(&other).await.0);
    let (key, second_key) = (Api::of_key(&world).await, Api::of_key(&world).await);
    let body = json!({ "amount": "5" });
    let made = first.keyed(LINKS, KEY, &body).await;
    assert_eq!(made.status, 201);
    let again = newer.keyed(LINKS, KEY, &body).await;
    assert_eq!(
        (again.status, &again.json),
        (200, &made.json),
        "another token of the same grant"
    );
    for api in [&other, &key, &second_key] {
        assert_eq!(api.keyed(LINKS, KEY, &body).await.status, 201);
    }
    assert_eq!(count(&key).await, 4);
}

#[tokio::test]
async fn what_was_refused_may_be_tried_again_with_its_key() {
    let world = World::new("default").await;
    let api = Api::of_app(&world).await;
    let refused = api.send(Method::POST, DATA, b"{", &[("idempotency-key", KEY)]).await;
    assert_eq!((refused.status, refused.replayed()), (400, false));
    let made = api.keyed(DATA, KEY, &json!({ "a": 1 })).await;
    assert_eq!(made.status, 201);
    let again = api.keyed(DATA, KEY, &json!({ "a": 1 })).await;
    assert_eq!((again.status, again.replayed(), &again.json), (201, true, &made.json));
    let path = format!("{DATA}/{}", made.text("id"));
    let key = [("idempotency-key", "another-key")];
    assert_eq!(api.send(Method::DELETE, &path, b"", &key).await.status, 204);
    let again = api.send(Method::DELETE, &path, b"", &key).await;
    assert_eq!((again.status, again.replayed(), again.body.as_str()), (204, true, ""));
    assert_eq!(api.delete(&path).await.status, 404);
    for bad in ["short", "with blanks in it", "käse-käse", &"x".repeat(201), ""] {
        let answer = api.keyed(DATA, bad, &json!({})).await;
        assert_eq!(answer.error(), (400, "invalid_idempotency_key"), "{bad:?}");
    }
    let twice = [("idempotency-key", "12345678"), ("idempotency-key", "12345678")];
    assert_eq!(api.send(Method::POST, DATA, b"{}", &twice).await.status, 400);
    let read = [("idempotency-key", "no")];
    assert_eq!(
        api.send(Method::GET, DATA, b"", &read).await.status,
        200,
        "nobody reads twice by mistake"
    );
}

#[tokio::test]
async fn of_sixteen_at_once_with_one_key_one_happens() {
    let mut races = 0;
    for seed in 0..12 {
        let world = World::with_store("makecrypto", Arc::new(Yielding::new(seed))).await;
        let api = Api::of_key(&world).await;
        let same = json!({ "amount": "20.00" });
        let answers = together((0..16).map(|_| api.keyed(LINKS, KEY, &same))).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        let told = answers
            .iter()
            .filter(|answer| answer.status == 200 && answer.replayed());
        assert_eq!((made.len(), told.count()), (1, 15), "seed {seed}");
        assert!(answers.iter().all(|answer| answer.body == made[0].body), "seed {seed}");
        // With amounts of their own all but one are refused.
        let bodies: Vec<Value> = (1..=16).map(|n| json!({ "amount": n })).collect();
        let answers = together(bodies.iter().map(|body| api.keyed(LINKS, "another-key-of-16", body))).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let refused = answers
            .iter()
            .filter(|answer| answer.json["errorCode"] == "idempotency_key_reused");
        assert_eq!((made, refused.count()), (1, 15), "seed {seed}");
        // And with keys of their own all of them happen.
        let keys: Vec<String> = (0..16).map(|n| format!("key-number-{n}")).collect();
        let answers = together(keys.iter().map(|key| api.keyed(LINKS, key, &same))).await;
        assert!(answers.iter().all(|answer| answer.status == 201), "seed {seed}");
        assert_eq!(count(&api).await, 18, "seed {seed}");
        races += 3;
    }
    println!("{races} races of 16 calls");
}
