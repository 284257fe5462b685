//! The log of deliveries as it is without parameters, and the form of what stands in a message.

use crate::shop::{CURRENT, ROOT, Shop};
use grantd::model::delivery::KEPT;
use grantd::store::keys;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn fifty_are_listed_where_nobody_says_how_many() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    connection.subscribe("/hooks").await;
    for _ in 0..2 {
        for _ in 0..30 {
            let test = connection.post(&format!("{CURRENT}/test"), &json!({})).await;
            assert_eq!(test.status, 200, "{test:?}");
        }
        shop.turn().await;
    }
    for (query, count) in [("", 50), ("?limit=1", 1), ("?limit=100", 60)] {
        let log = connection.get(&format!("{ROOT}/webhook-requests{query}")).await;
        assert_eq!(log.json["webhookRequests"].as_array().unwrap().len(), count, "{query}");
    }
}

/// As `toISOString` writes it: milliseconds always, and Z.
#[tokio::test]
async fn the_time_of_an_event_has_its_milliseconds() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    connection.subscribe("/hooks").await;
    let link = connection.link(&json!({})).await;
    shop.world.advance(Duration::from_millis(40));
    shop.start(&link).await;
    assert_eq!(shop.one().await.json()["createdAt"], "2026-01-01T00:00:00.040Z");
}

/// Taken or given up or waiting still: after thirty days nothing of it is left, in no list.
#[tokio::test]
async fn a_delivery_is_forgotten_after_thirty_days_with_all_that_leads_to_it() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let (id, _) = connection.subscribe("/hooks").await;
    let store = &shop.world.ctx.store;
    let (taken, waits) = (connection.link(&json!({})).await, connection.link(&json!({})).await);
    shop.start(&taken).await;
    shop.one().await;
    shop.receiver.answers(503);
    shop.start(&waits).await;
    shop.one().await;
    shop.world.advance(KEPT - Duration::from_secs(1));
    while store.sweep(shop.world.ctx.now(), 1000).await.unwrap() > 0 {}
    assert_eq!(shop.deliveries().await.len(), 2);
    shop.world.advance(Duration::from_secs(1));
    while store.sweep(shop.world.ctx.now(), 1000).await.unwrap() > 0 {}
    for prefix in [
        keys::deliveries(&id),
        keys::waiting_deliveries(&id),
        keys::deliveries_of_organization(&shop.world.organization),
    ] {
        let left = store.scan(&prefix, None, 10).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
    shop.none().await;
}
