//! Whoever lost access is told nothing more of payments.

use crate::sandbox::Api;
use crate::sandbox_payment_links::order;
use crate::shop::{CURRENT, ROOT, Shop};
use crate::support::OWNER;
use grantd::control::Command;
use grantd::model::delivery::State;
use http::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn an_app_that_is_disabled_hears_nothing_at_an_address_of_its_own() {
    let shop = Shop::open().await;
    let api = Api::of_key(&shop.world).await;
    let settings = json!({ "callbackUrl": shop.receiver.url("/company") });
    assert_eq!(api.put(&format!("{ROOT}/settings"), &settings).await.status, 200);
    let connection = shop.connect().await;
    let link = connection
        .link(&json!({ "webhookUrl": shop.receiver.url("/app") }))
        .await;
    shop.receiver.answers(500);
    shop.start(&link).await;
    assert_eq!(shop.one().await.path, "/app");
    let off = Command::AppDisable {
        client_id: shop.app.0.clone(),
        disabled: true,
    };
    shop.world.run(off).await;
    shop.world.advance(Duration::from_secs(360));
    shop.none().await;
    assert_eq!(
        shop.deliveries().await[0].state,
        State::Cancelled,
        "what waited is dropped"
    );
    shop.receiver.answers(200);
    shop.advance(&link, "complete").await;
    assert_eq!(
        shop.one().await.path,
        "/company",
        "the organization hears of its payment"
    );
}

#[tokio::test]
async fn a_key_whose_maker_may_not_act_hears_nothing_and_hears_again_when_they_may() {
    let shop = Shop::open().await;
    let api = Api::of_key(&shop.world).await;
    let body = json!({ "url": shop.receiver.url("/key") }).to_string();
    assert_eq!(api.raw(Method::PUT, CURRENT, body.as_bytes(), &[]).await.status, 200);
    let mut own = order();
    own["payload"]["webhookUrl"] = json!(shop.receiver.url("/link"));
    let made = api.post(&format!("{ROOT}/payment-links"), &own).await;
    let link = &made.json["paymentLink"];
    shop.start(link).await;
    assert_eq!(shop.one().await.path, "/key");
    let disable = |disabled| Command::UserDisable {
        user: OWNER.into(),
        disabled,
    };
    shop.world.run(disable(true)).await;
    shop.advance(link, "pending").await;
    shop.none().await;
    assert_eq!(shop.deliveries().await.len(), 1, "nor is it written down for later");
    shop.world.run(disable(false)).await;
    shop.advance(link, "complete").await;
    assert_eq!(shop.one().await.path, "/key");
}

#[tokio::test]
async fn an_app_of_its_own_hears_nothing_once_its_dedicated_user_is_gone() {
    let shop = Shop::open().await;
    let api = Api::of_app(&shop.world).await;
    let mut own = order();
    own["payload"]["webhookUrl"] = json!(shop.receiver.url("/robot"));
    let made = api.post(&format!("{ROOT}/payment-links"), &own).await;
    assert_eq!(made.status, 201, "{made:?}");
    let link = &made.json["paymentLink"];
    shop.start(link).await;
    assert_eq!(shop.one().await.path, "/robot");
    let gone = Command::UserDisable {
        user: OWNER.into(),
        disabled: true,
    };
    shop.world.run(gone).await;
    shop.advance(link, "complete").await;
    shop.none().await;
}
