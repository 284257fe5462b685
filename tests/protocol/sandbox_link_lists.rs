//! Lists of payment links: in pages, by status, and of those alone that a caller may see.

use crate::sandbox::{Api, members};
use crate::sandbox_payment_links::{LINKS, made, order, uids};
use crate::support::World;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn lists_have_limit_offset_cursor_and_status() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let mut all = Vec::new();
    for n in 0..5 {
        world.advance(Duration::from_secs(1));
        let (path, link) = made(&api).await;
        if n == 1 {
            api.patch(&path, &json!({ "status": "paused" })).await;
        }
        all.insert(0, link["uid"].as_str().unwrap().to_owned());
    }
    let list = api.get(LINKS).await;
    assert_eq!(
        members(&list.json),
        ["companyId", "hasMore", "nextCursor", "paymentLinks"]
    );
    assert_eq!(uids(&list), all, "the newest first");
    assert_eq!(
        (&list.json["hasMore"], &list.json["nextCursor"]),
        (&json!(false), &Value::Null)
    );
    let first = api.get(&format!("{LINKS}?limit=2")).await;
    assert_eq!(
        (uids(&first), &first.json["hasMore"]),
        (vec![&*all[0], &*all[1]], &json!(true))
    );
    made(&api).await;
    let second = api
        .get(&format!("{LINKS}?limit=3&cursor={}", first.text("nextCursor")))
        .await;
    assert_eq!(
        (uids(&second), &second.json["hasMore"]),
        (vec![&*all[2], &*all[3], &*all[4]], &json!(false))
    );
    let offset = api.get(&format!("{LINKS}?limit=2&offset=2")).await;
    assert_eq!(uids(&offset), [&*all[1], &*all[2]]);
    assert_eq!(uids(&api.get(&format!("{LINKS}?offset=50")).await).len(), 0);
    assert_eq!(uids(&api.get(&format!("{LINKS}?status=paused")).await), [&*all[3]]);
    assert_eq!(uids(&api.get(&format!("{LINKS}?status=complete")).await).len(), 0);
    let cursor = first.text("nextCursor");
    for bad in [
        format!("offset=1&cursor={cursor}"),
        "offset=-1".into(),
        "offset=5001".into(),
        "limit=500".into(),
    ] {
        assert_eq!(api.get(&format!("{LINKS}?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_grant_sees_its_own_links_and_a_key_the_whole_organizations() {
    let world = World::new("makecrypto").await;
    let (one, other) = (world.add_public_app().await, world.add_public_app().await);
    let one = Api::bearer(&world, &world.connect(&one).await.0);
    let other = Api::bearer(&world, &world.connect(&other).await.0);
    let app = Api::of_app(&world).await;
    let (key, second_key) = (Api::of_key(&world).await, Api::of_key(&world).await);
    let ((ours, _), (theirs, _), (by_key, _), (by_app, _)) =
        (made(&one).await, made(&other).await, made(&key).await, made(&app).await);
    for (api, own) in [(&one, &ours), (&other, &theirs), (&app, &by_app)] {
        let list = api.get(LINKS).await;
        assert_eq!(uids(&list), [own.rsplit('/').next().unwrap()]);
        for path in [&ours, &theirs, &by_key, &by_app] {
            let expected = if path == own { 200 } else { 404 };
            assert_eq!(api.get(path).await.status, expected);
            assert_eq!(api.patch(path, &json!({ "status": "paused" })).await.status, expected);
            let email = api.post(&format!("{path}/send-request-email"), &json!({})).await;
            assert_eq!(email.status, expected);
        }
    }
    for key in [&key, &second_key] {
        assert_eq!(uids(&key.get(LINKS).await).len(), 4);
        assert_eq!(key.get(&ours).await.status, 200);
    }
    let (foreign, _) = world.add_foreign_app().await;
    let foreign = Api::bearer(&world, &world.mint_as(&foreign, "").await);
    assert_eq!(foreign.get(&by_key).await.status, 404);
    assert_eq!(uids(&foreign.get(LINKS).await).len(), 0);
}

#[tokio::test]
async fn the_other_addresses_of_payment_links_are_the_same() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let own = format!("/api/partner/v1/companies/{}/payment-links", world.organization);
    let (path, link) = made(&api).await;
    let uid = link["uid"].as_str().unwrap();
    for alias in ["/api/partner/v1/payment-links", &own] {
        assert_eq!(api.get(alias).await.json, api.get(LINKS).await.json);
        assert_eq!(api.get(&format!("{alias}/{uid}")).await.json, api.get(&path).await.json);
        let made = api.post(alias, &order()).await;
        assert_eq!(made.status, 201);
        let uid = made.json["paymentLink"]["uid"].as_str().unwrap();
        let patched = api
            .patch(&format!("{alias}/{uid}"), &json!({ "status": "paused" }))
            .await;
        assert_eq!(patched.json["paymentLink"]["status"], "paused");
        assert_eq!(api.get(&format!("{LINKS}/{uid}")).await.json, patched.json);
    }
    let wrong = api
        .raw(
            http::Method::GET,
            "/api/partner/v1/companies/o_other/payment-links",
            b"",
            &[],
        )
        .await;
    assert_eq!((wrong.status, &wrong.json["errorCode"]), (403, &json!("wrong_company")));
}
