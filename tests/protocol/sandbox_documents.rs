//! Documents of the sandbox: made, listed, changed, bounded, and nobody else's.

use crate::http::Answer;
use crate::sandbox::Api;
use crate::support::World;
use grantd::model::document::{COLLECTION_MAX, CONTENT_BYTES_MAX};
use grantd::store::keys;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const CONTACTS: &str = "/api/v1/849/contacts";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn names(answer: &Answer) -> Vec<String> {
    let items = answer.json["items"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap_or("-").to_owned())
        .collect()
}

/// The default profile's collection without its samples, of a world that does nothing else.
async fn emptied(api: &Api<'_>) {
    for item in api.get("/api/v1/data").await.json["items"].as_array().unwrap() {
        let gone = api
            .delete(&format!("/api/v1/data/{}", item["id"].as_str().unwrap()))
            .await;
        assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    }
}

#[tokio::test]
async fn the_first_request_of_the_seed_is_answered_with_samples_that_are_made_once() {
    let world = World::new("mokapen").await;
    let api = Api::of_app(&world).await;
    assert_eq!(world.organization, "849");
    let first = api.get(CONTACTS).await;
    let items = first.json["items"].as_array().unwrap();
    assert_eq!((first.status, items.len()), (200, 3), "{first:?}");
    assert_eq!(items[0]["first_name"], "Ana", "in the order of the file");
    assert_eq!(api.get(CONTACTS).await.json, first.json, "and they stay");
    for item in items {
        api.delete(&format!("{CONTACTS}/{}", item["id"].as_str().unwrap()))
            .await;
    }
    assert_eq!(
        api.get(CONTACTS).await.json,
        json!({ "items": [], "next_cursor": null }),
        "deleted for good"
    );
    let tasks = api.get("/api/v1/849/tasks").await;
    assert_eq!(tasks.json["items"][0]["status"], "open", "{tasks:?}");
}

#[tokio::test]
async fn a_document_is_made_read_replaced_merged_and_deleted() {
    let world = World::new("mokapen").await;
    let api = Api::of_app(&world).await;
    let sent = json!({
        "id": "mine",
        "created_at": "never",
        "first_name": "Ada",
        "tags": ["a"],
        "address": { "city": "Ljubljana", "zip": "1000" },
        "big": 9_007_199_254_740_993_u64,
        "nothing": null,
    });
    let made = api.post(CONTACTS, &sent).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.text("id");
    assert!(
        id != "mine" && made.json["created_at"] == "2026-01-01T00:00:00.000Z",
        "{made:?}"
    );
    assert_eq!(made.json["big"], 9_007_199_254_740_993_u64);
    let path = format!("{CONTACTS}/{id}");
    assert_eq!(api.get(&path).await.json, made.json);
    let head = api.send(Method::HEAD, &path, b"", &[]).await;
    assert_eq!(head.status, 200);
    world.advance(DAY);
    let patch = json!({ "address": { "zip": null, "street": "Main" }, "tags": [], "first_name": "Grace" });
    let patched = api.patch(&path, &patch).await;
    assert_eq!(
        patched.json["address"],
        json!({ "city": "Ljubljana", "street": "Main" })
    );
    assert_eq!(
        (&patched.json["tags"], &patched.json["first_name"]),
        (&json!([]), &json!("Grace"))
    );
    assert_eq!(patched.json["updated_at"], "2026-01-02T00:00:00.000Z");
    assert_eq!(patched.json["created_at"], made.json["created_at"]);
    let merge = [("content-type", "application/merge-patch+json; charset=utf-8")];
    let again = api.send(Method::PATCH, &path, br#"{"big":null}"#, &merge).await;
    assert!(again.status == 200 && again.json.get("big").is_none(), "{again:?}");
    let put = api.put(&path, &json!({ "only": true })).await;
    assert_eq!(
        crate::sandbox::members(&put.json),
        ["created_at", "id", "only", "updated_at"]
    );
    assert_eq!(api.delete(&path).await.status, 204);
    for answer in [
        api.get(&path).await,
        api.delete(&path).await,
        api.put(&path, &json!({})).await,
    ] {
        assert_eq!(answer.error(), (404, "not_found"), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_one_document_has_first_values_and_stays_one() {
    let world = World::new("default").await;
    let api = Api::of_app(&world).await;
    let first = api.get("/api/v1/settings").await;
    assert_eq!((first.status, &first.json["language"]), (200, &json!("en")));
    let patched = api
        .patch("/api/v1/settings", &json!({ "language": "sl", "time_zone": null }))
        .await;
    assert_eq!(patched.json, json!({ "language": "sl", "notifications": true }));
    let put = api.put("/api/v1/settings", &json!({ "a": 1 })).await;
    assert_eq!((put.status, put.json), (200, json!({ "a": 1 })));
    assert_eq!(api.get("/api/v1/settings").await.json, json!({ "a": 1 }));
    world.advance(31 * DAY);
    let api = Api::of_app(&world).await;
    assert_eq!(
        api.get("/api/v1/settings").await.json,
        first.json,
        "untouched for so long"
    );
    assert_eq!(
        api.patch("/api/v1/settings", &json!({ "b": 2 })).await.json["language"],
        "en"
    );
}

#[tokio::test]
async fn a_list_is_read_in_pages_while_others_write() {
    let world = World::new("default").await;
    let api = Api::of_app(&world).await;
    emptied(&api).await;
    let mut ids = Vec::new();
    for n in 0..7 {
        world.advance(Duration::from_secs(1));
        ids.push(
            api.post("/api/v1/data", &json!({ "name": format!("n{n}") }))
                .await
                .text("id"),
        );
    }
    let first = api.get("/api/v1/data?limit=3").await;
    assert_eq!(names(&first), ["n6", "n5", "n4"], "the newest first");
    let cursor = first.text("next_cursor");
    // The document that the cursor stands at goes, one of the next page goes, and a newer one comes.
    for n in [4, 2] {
        api.delete(&format!("/api/v1/data/{}", ids[n])).await;
    }
    world.advance(Duration::from_secs(1));
    api.post("/api/v1/data", &json!({ "name": "new" })).await;
    let second = api.get(&format!("/api/v1/data?limit=2&cursor={cursor}")).await;
    assert_eq!(names(&second), ["n3", "n1"]);
    let third = api
        .get(&format!("/api/v1/data?limit=1&cursor={}", second.text("next_cursor")))
        .await;
    assert_eq!(
        (names(&third), &third.json["next_cursor"]),
        (vec!["n0".to_owned()], &Value::Null)
    );
    for bad in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=+5",
        "limit=1&limit=2",
        "cursor=x",
        "cursor=..",
        "cursor=%ff",
    ] {
        let answer = api.get(&format!("/api/v1/data?{bad}")).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{bad}: {answer:?}");
    }
}

#[tokio::test]
async fn other_organizations_see_and_touch_nothing() {
    let world = World::new("mokapen").await;
    let api = Api::of_app(&world).await;
    let id = api.post(CONTACTS, &json!({ "first_name": "Ada" })).await.text("id");
    let (foreign, elsewhere) = world.add_foreign_app().await;
    let other = Api::bearer(&world, &world.mint_as(&foreign, "").await);
    let theirs = format!("/api/v1/{elsewhere}/contacts");
    assert_eq!(
        other.get(&theirs).await.json["items"].as_array().unwrap().len(),
        3,
        "samples of their own"
    );
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
        let body: &[u8] = if matches!(method, Method::PUT | Method::PATCH) {
            b"{}"
        } else {
            b""
        };
        let path = format!("{theirs}/{id}");
        assert_eq!(
            other.send(method.clone(), &path, body, &[]).await.status,
            404,
            "{method}"
        );
        let wrong = other.raw(method.clone(), &format!("{CONTACTS}/{id}"), body, &[]).await;
        assert_eq!(wrong.error(), (403, "wrong_organization"), "{method}");
    }
    assert_eq!(api.get(&format!("{CONTACTS}/{id}")).await.status, 200);
    let cursor = grantd::base::digest::base64url(&id);
    let beyond = other.get(&format!("{theirs}?cursor={cursor}")).await;
    assert!(
        !beyond.body.contains("Ada"),
        "a foreign cursor shows nothing foreign: {beyond:?}"
    );
}

#[tokio::test]
async fn hostile_bodies_are_refused_with_a_sentence() {
    let world = World::new("mokapen").await;
    let api = Api::of_app(&world).await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
    let json: &[&[u8]] = &[
        b"[]",
        b"null",
        b"1",
        b"{",
        b"{}{}",
        b"{\"a\":1,\"a\":2}",
        b"{\"a\":{\"b\":1,\"b\":2}}",
        b"{\"a\":1e999}",
        b"{\"a\":NaN}",
        b"{\"\xff\":1}",
        b"{\"a\":\"\\ud800\"}",
        deep.as_bytes(),
        b"<a/>",
    ];
    let before = api.get(CONTACTS).await.json;
    for body in json {
        let answer = api.send(Method::POST, CONTACTS, body, &[]).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{answer:?}");
        assert!(answer.text("error_description").ends_with('.'));
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        "",
        "a",
    ] {
        let answer = api
            .send(Method::POST, CONTACTS, b"{}", &[("content-type", content_type)])
            .await;
        assert_eq!(answer.error(), (415, "unsupported_media_type"), "{content_type:?}");
    }
    let answer = api.send(Method::POST, CONTACTS, b"", &[]).await;
    assert_eq!(answer.status, 415, "{answer:?}");
    let long = json!({ "a": "x".repeat(CONTENT_BYTES_MAX) });
    let answer = api.post(CONTACTS, &long).await;
    assert_eq!(answer.error(), (413, "too_large"));
    let most = json!({ "a": "x".repeat(CONTENT_BYTES_MAX - r#"{"a":""}"#.len()) });
    let made = api.post(CONTACTS, &most).await;
    assert_eq!(made.status, 201, "exactly as much as may be");
    let path = format!("{CONTACTS}/{}", made.text("id"));
    assert_eq!(api.patch(&path, &json!({ "b": 1 })).await.error(), (413, "too_large"));
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(CONTACTS).await.json, before, "nothing was kept");
    let odd = json!({ "__proto__": 1, "constructor": {}, "\u{0}": "\u{0}", "": "", "ключ": "\u{202e}" });
    let made = api.post(CONTACTS, &odd).await;
    assert_eq!(made.status, 201);
    for (name, value) in odd.as_object().unwrap() {
        assert_eq!(&made.json[name], value);
    }
}

#[tokio::test]
async fn an_id_of_any_spelling_is_no_document() {
    let world = World::new("mokapen").await;
    let api = Api::of_app(&world).await;
    let id = api.post(CONTACTS, &json!({})).await.text("id");
    let spellings = [
        id.to_uppercase(),
        format!("{id}0"),
        id[1..].to_owned(),
        "0".into(),
        "x".repeat(300),
    ];
    let encoded = [
        "%C3%A9".to_owned(),
        "@".into(),
        "a,b=c".into(),
        "document".into(),
        format!("{id}%20"),
    ];
    for other in spellings.into_iter().chain(encoded) {
        let answer = api.raw(Method::GET, &format!("{CONTACTS}/{other}"), b"", &[]).await;
        assert_eq!(answer.status, 404, "{other}: {answer:?}");
    }
    for tricky in ["..", "%00", "%2e%2e", "a%2fb", "a;b"] {
        let answer = api.raw(Method::GET, &format!("{CONTACTS}/{tricky}"), b"", &[]).await;
        assert_eq!(answer.status, 400, "{tricky}: {answer:?}");
    }
}

#[tokio::test]
async fn a_collection_is_bounded_and_what_expires_makes_room() {
    let world = World::new("default").await;
    let api = Api::of_app(&world).await;
    emptied(&api).await;
    for _ in 0..COLLECTION_MAX {
        assert_eq!(api.post("/api/v1/data", &json!({})).await.status, 201);
    }
    let full = api.post("/api/v1/data", &json!({})).await;
    assert_eq!(full.error(), (409, "sandbox_full"), "{full:?}");
    let one = api.get("/api/v1/data?limit=1").await.json["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/v1/data/{one}");
    assert_eq!(
        api.put(&path, &json!({ "a": 1 })).await.status,
        200,
        "what is there may change"
    );
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.post("/api/v1/data", &json!({})).await.status, 201);
    assert_eq!(api.post("/api/v1/data", &json!({})).await.status, 409);
    world.advance(29 * DAY);
    let api = Api::of_app(&world).await;
    let kept = api.get("/api/v1/data?limit=1").await.json["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    api.patch(&format!("/api/v1/data/{kept}"), &json!({ "touched": true }))
        .await;
    world.advance(2 * DAY);
    let api = Api::of_app(&world).await;
    let left = api.get("/api/v1/data").await;
    assert_eq!(
        left.json["items"].as_array().unwrap().len(),
        1,
        "the others have expired: {left:?}"
    );
    assert_eq!(left.json["items"][0]["id"], kept.as_str());
    let before = world
        .ctx
        .store
        .scan(&keys::documents(&world.organization, "data"), None, 5000)
        .await
        .unwrap();
    assert_eq!(before.len(), COLLECTION_MAX as usize, "nothing was swept yet");
    assert_eq!(
        api.post("/api/v1/data", &json!({})).await.status,
        201,
        "they take no room"
    );
    world.ctx.store.sweep(world.ctx.now(), 5000).await.unwrap();
    let after = world
        .ctx
        .store
        .scan(&keys::documents(&world.organization, "data"), None, 5000)
        .await
        .unwrap();
    assert_eq!(after.len(), 2);
}
