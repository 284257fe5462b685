//! What is made with a personal access token is no more than the token, and ends with it.

use crate::api::Api;
use crate::browser::{EMAIL, world};
use grantd::base::secret::Secret;
use grantd::base::time::Timestamp;
use grantd::platform::api_keys::authenticate;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

#[tokio::test]
async fn an_api_key_that_is_made_with_a_token_is_neither_wider_nor_longer_and_ends_with_it() {
    let the = world("makecrypto").await;
    let world = &the.world;
    let api = Api::of(world, EMAIL, &["grantd:tokens", "makepay:settings:read"]).await;
    let path = format!("/organizations/{}/api-keys", world.organization);
    let key = |scopes: &[&str]| json!({ "name": "Till", "scopes": scopes, "days": Value::Null });
    for wider in [
        &["makepay:settings:write"][..],
        &["makepay:settings:read", "company:read"],
    ] {
        let refused = api.post(&path, &key(wider)).await;
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["field"]),
            (422, &json!("scopes"))
        );
    }
    let made = api.post(&path, &key(&["makepay:settings:read"])).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (id, secret) = (made.json["key"]["id"].as_str().unwrap(), made.text("secret"));
    world.secrets.keep(&secret);
    let token = &api.get("/tokens").await.json["items"][0];
    let ends = |value: &Value| Timestamp::parse(value.as_str().expect("it ends")).unwrap();
    assert_eq!(ends(&made.json["key"]["expires_at"]), ends(&token["expires_at"]));
    let works = async || {
        authenticate(&world.ctx, id, &Secret::new(secret.as_str()), PEER)
            .await
            .unwrap()
            .is_some()
    };
    assert!(works().await);
    let token_id = token["id"].as_str().unwrap();
    assert_eq!(api.delete(&format!("/tokens/{token_id}")).await.status, 204);
    assert!(!works().await);
}
