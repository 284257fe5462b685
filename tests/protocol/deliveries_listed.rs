//! The log of deliveries as it is without parameters, and the form of what stands in a message.

use crate::shop::{ROOT, Shop};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn fifty_are_listed_where_nobody_says_how_many() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    connection.subscribe("/hooks").await;
    for _ in 0..2 {
        for _ in 0..30 {
            let test = connection
                .post(&format!("{}/test", crate::shop::CURRENT), &json!({}))
                .await;
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
