//! Webhooks by the JSON API: what the pages do, for scripts.

use crate::api::{Api, BASE};
use crate::browser::EMAIL;
use crate::receiver::Receiver;
use grantd::model::role::Role;
use http::Method;
use serde_json::json;

#[tokio::test]
async fn an_endpoint_is_added_tested_changed_rotated_and_removed_by_a_script() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let world = hooked.world();
    let api = Api::of(world, EMAIL, &[]).await;
    let all = format!("/apps/{}/webhooks", hooked.app());
    let new = json!({ "label": "script", "url": receiver.url("/hooks"), "events": ["grant.created"] });
    let made = api.post(&all, &new).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (secret, id) = (
        made.text("secret"),
        made.json["webhook"]["id"].as_str().unwrap().to_owned(),
    );
    world.secrets.keep(&secret);
    let one = format!("{all}/{id}");
    assert_eq!(
        made.header("location"),
        Some(format!("https://auth.example{BASE}{one}").as_str())
    );
    assert_eq!(api.get(&all).await.json["items"][0], api.get(&one).await.json);
    let sent = api.post(&format!("{one}/test"), &json!({})).await;
    assert_eq!(
        (sent.status, &sent.json["status"]),
        (200, &json!("pending")),
        "{sent:?}"
    );
    hooked.turn().await;
    let [message] = &receiver.take()[..] else {
        panic!("one message")
    };
    assert!(message.is_signed("x-webhook-signature", &secret));
    let log = api.get(&format!("{one}/deliveries")).await;
    let delivery = &log.json["items"][0];
    assert_eq!(
        (&delivery["status"], &delivery["response_status"]),
        (&json!("delivered"), &json!(200))
    );
    assert_eq!(
        delivery["body"],
        json!(String::from_utf8(message.body.to_vec()).unwrap())
    );
    let path = format!("{one}/deliveries/{}", delivery["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.json, *delivery);
    assert_eq!(
        api.post(&format!("{path}/resend"), &json!({})).await.json["origin"],
        "resend"
    );
    let rotated = api.post(&format!("{one}/secret"), &json!({})).await;
    assert_ne!(rotated.text("secret"), secret);
    world.secrets.keep(&rotated.text("secret"));
    hooked.turn().await;
    assert!(receiver.take()[0].is_signed("x-webhook-signature", &rotated.text("secret")));
    changed(&api, &one).await;
    assert_eq!(api.delete(&one).await.status, 204);
    assert_eq!(api.get(&one).await.status, 404);
}

/// What is said changes, and nothing else.
async fn changed(api: &Api<'_>, one: &str) {
    let json_type = [("content-type", "application/json")];
    let changed = api
        .send(Method::PATCH, one, r#"{"label":"new","enabled":false}"#, &json_type)
        .await;
    assert_eq!(
        (&changed.json["label"], &changed.json["status"]),
        (&json!("new"), &json!("disabled")),
        "{changed:?}"
    );
    assert_eq!(
        changed.json["events"],
        json!(["grant.created"]),
        "what is not said stays"
    );
    assert_eq!(api.post(&format!("{one}/test"), &json!({})).await.status, 409);
    let wrong = api
        .send(Method::PATCH, one, r#"{"url":"https://10.0.0.1/"}"#, &json_type)
        .await;
    assert_eq!(
        (wrong.status, &wrong.json["errors"][0]["field"]),
        (422, &json!("url")),
        "{wrong:?}"
    );
}

/// A developer of the organization who is not in the team sees without queries and changes nothing.
#[tokio::test]
async fn whoever_may_not_change_the_app_sees_no_query_and_changes_nothing() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (world, app) = (hooked.world(), hooked.app());
    let ada = Api::of(world, EMAIL, &[]).await;
    let all = format!("/apps/{app}/webhooks");
    let new = json!({ "label": "script", "url": receiver.url("/hooks?key=of-the-receiver") });
    let made = ada.post(&all, &new).await;
    world.secrets.keep(&made.text("secret"));
    let one = format!("{all}/{}", made.json["webhook"]["id"].as_str().unwrap());
    world.add_member("colleague@example.com", Role::Developer).await;
    let colleague = Api::of(world, "colleague@example.com", &[]).await;
    let seen = colleague.get(&one).await;
    assert_eq!(seen.json["url"], json!(receiver.url("/hooks")));
    for (method, path, body) in [
        (Method::POST, all.clone(), new.to_string()),
        (Method::POST, format!("{one}/test"), "{}".into()),
        (Method::POST, format!("{one}/secret"), "{}".into()),
        (Method::PATCH, one.clone(), "{}".into()),
        (Method::DELETE, one.clone(), String::new()),
    ] {
        let json_type = [("content-type", "application/json")];
        let refused = colleague.send(method.clone(), &path, &body, &json_type).await;
        assert_eq!(refused.status, 403, "{method} {path}: {refused:?}");
    }
    world.add_member("member@example.com", Role::Member).await;
    let member = Api::of(world, "member@example.com", &[]).await;
    assert!([403, 404].contains(&member.get(&one).await.status));
    let reader = Api::of(world, EMAIL, &["grantd:apps:read"]).await;
    assert_eq!(
        (reader.get(&one).await.status, reader.delete(&one).await.status),
        (200, 403)
    );
}
