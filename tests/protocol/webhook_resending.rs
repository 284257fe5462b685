//! A range of a log sent once more, and the log's filter.

use crate::api::Api;
use crate::browser::{Browser, EMAIL};
use crate::http::Answer;
use crate::receiver::{Hooked, Receiver};
use grantd::base::time::Timestamp;
use grantd::model::delivery::{Delivery, Origin, State};
use grantd::model::event::{Event, EventKind};
use grantd::platform::webhooks::resending::RESENT_MAX;
use grantd::store::Batch;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// An endpoint, and a log of so many deliveries, a minute apart, of which every third failed: the oldest first.
async fn logged(hooked: &Hooked, count: u32) -> (String, Vec<Delivery>) {
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.created"]).await;
    hooked.consent().await;
    hooked.turn().await;
    let one = hooked.only_delivery(&id).await;
    let mut all = vec![one.clone()];
    for number in 1..count {
        let at = one.at + MINUTE * number;
        let failed = number % 3 == 0;
        all.push(Delivery {
            id: Delivery::id_of(at, "more"),
            event: format!("e_{number}"),
            body: format!("{{\"number\":{number}}}"),
            at,
            state: if failed { State::Failed } else { State::Delivered },
            ..one.clone()
        });
    }
    for some in all[1..].chunks(16) {
        let mut batch = Batch::new();
        for delivery in some {
            batch.insert(delivery).unwrap();
        }
        hooked.world().ctx.store.commit(batch).await.unwrap();
    }
    hooked.world().advance(MINUTE * count);
    hooked.receiver.take();
    (id, all)
}

fn log_path(hooked: &Hooked, id: &str) -> String {
    format!("/apps/{}/webhooks/{id}", hooked.app())
}

/// Which of them came again, by id, each once and with the body it had.
fn came_again(hooked: &Hooked, all: &[Delivery]) -> Vec<usize> {
    let messages = hooked.receiver.take();
    let mut found = Vec::new();
    for message in &messages {
        let place = all
            .iter()
            .position(|delivery| delivery.id == message.header("x-webhook-id"));
        let place = place.expect("one of the log");
        assert_eq!(message.body, all[place].body.as_bytes());
        assert_eq!(message.header("x-webhook-origin"), "resend");
        found.push(place);
    }
    found.sort_unstable();
    assert!(found.windows(2).all(|two| two[0] < two[1]), "{found:?}");
    found
}

async fn resent_events(hooked: &Hooked) -> Vec<Event> {
    let mut events = hooked.asking.events().await;
    events.retain(|event| event.kind == EventKind::WebhookResent);
    events
}

#[tokio::test]
async fn a_range_by_time_or_by_delivery_goes_out_again_and_nothing_else() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (id, all) = logged(&hooked, 10).await;
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let path = format!("{}/resend", log_path(&hooked, &id));
    let at = |place: usize| all[place].at.to_string();
    let of = |place: usize| all[place].id.clone();
    for (body, expected) in [
        (json!({ "from": at(2), "until": at(5) }), vec![2, 3, 4]),
        (
            json!({ "from_delivery": of(2), "until_delivery": of(5) }),
            vec![2, 3, 4, 5],
        ),
        (json!({ "from": at(7) }), vec![7, 8, 9]),
        (json!({ "until_delivery": of(1) }), vec![0, 1]),
        (json!({ "from_delivery": of(4), "until": at(5) }), vec![4]),
        (json!({ "status": "failed" }), vec![3, 6, 9]),
        (json!({ "from": at(4), "status": "failed" }), vec![6, 9]),
        (json!({ "from": at(6), "until": at(6) }), vec![]),
        (json!({}), (0..10).collect()),
    ] {
        // As it was: what is sent again here is taken.
        let failed: Vec<&Delivery> = all.iter().filter(|delivery| delivery.state == State::Failed).collect();
        let answer = api.post(&path, &body).await;
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
        assert_eq!(answer.json, json!({ "resent": expected.len(), "next": null }), "{body}");
        hooked.turn().await;
        assert_eq!(came_again(&hooked, &all), expected, "{body}");
        restore(&hooked, &id, &failed).await;
    }
    let events = resent_events(&hooked).await;
    assert_eq!(events.len(), 8, "one for each that sent something");
}

/// Failed once more, in the log alone.
async fn restore(hooked: &Hooked, id: &str, failed: &[&Delivery]) {
    for delivery in failed {
        let key = grantd::store::keys::delivery(id, delivery.at, &delivery.id);
        let store = &*hooked.world().ctx.store;
        let old = grantd::store::records::load::<Delivery>(store, &key)
            .await
            .unwrap()
            .unwrap();
        let mut batch = Batch::new();
        batch.replace(&old, delivery).unwrap();
        store.commit(batch).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_sends_so_many_at_most_the_oldest_first_and_says_where_to_go_on() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (id, all) = logged(&hooked, RESENT_MAX as u32 + 50).await;
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let path = format!("{}/resend", log_path(&hooked, &id));
    let first = api.post(&path, &json!({})).await;
    let next = all[RESENT_MAX].id.clone();
    assert_eq!(first.json, json!({ "resent": RESENT_MAX, "next": next }));
    hooked.turn().await;
    assert_eq!(came_again(&hooked, &all), (0..RESENT_MAX).collect::<Vec<_>>());
    hooked.world().advance(MINUTE);
    let rest = api.post(&path, &json!({ "from_delivery": next })).await;
    assert_eq!(rest.json, json!({ "resent": 50, "next": null }));
    hooked.turn().await;
    assert_eq!(came_again(&hooked, &all), (RESENT_MAX..all.len()).collect::<Vec<_>>());
    let [first, second] = &resent_events(&hooked).await[..] else {
        panic!("two")
    };
    let changes = |event: &Event| -> BTreeMap<String, String> {
        let pairs = event
            .changes
            .iter()
            .map(|change| (change.what.clone(), change.after.clone().unwrap()));
        pairs.collect()
    };
    assert_eq!(changes(first)["deliveries"], RESENT_MAX.to_string());
    assert_eq!(changes(second)["from"], all[RESENT_MAX].at.to_string());
    assert_eq!(second.subject.as_deref(), Some("production"));
}

/// What waits goes out by itself, and is not begun anew.
#[tokio::test]
async fn what_waits_is_left_alone() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (id, all) = logged(&hooked, 3).await;
    receiver.answers(503);
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let path = format!("{}/resend", log_path(&hooked, &id));
    assert_eq!(api.post(&path, &json!({})).await.json["resent"], 3);
    hooked.turn().await;
    let waiting = hooked.deliveries(&id).await;
    assert!(
        waiting
            .iter()
            .all(|delivery| delivery.origin == Origin::Resend && delivery.tries == 1)
    );
    assert_eq!(api.post(&path, &json!({})).await.json["resent"], 0);
    assert_eq!(hooked.deliveries(&id).await, waiting);
    assert_eq!((resent_events(&hooked).await.len(), all.len()), (1, 3));
}

#[tokio::test]
async fn what_is_no_range_is_refused_and_nothing_is_sent() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (id, all) = logged(&hooked, 3).await;
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let path = format!("{}/resend", log_path(&hooked, &id));
    let time = all[0].at.to_string();
    for (body, field) in [
        (json!({ "from": "yesterday" }), "from"),
        (json!({ "until_delivery": "e_1" }), "until_delivery"),
        (json!({ "from": time, "from_delivery": all[0].id }), "from_delivery"),
        (json!({ "status": "pending" }), "status"),
    ] {
        let refused = api.post(&path, &body).await;
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["field"]),
            (422, &json!(field)),
            "{refused:?}"
        );
    }
    let browser = hooked.browser().await;
    hooked.act(&browser, &id, "disable").await;
    assert_eq!(api.post(&path, &json!({})).await.status, 409, "nothing is sent there");
    hooked.turn().await;
    assert!(receiver.take().is_empty());
}

fn lines(page: &Answer, id: &str) -> usize {
    page.body.matches(&format!("/webhooks/{id}/deliveries/")).count()
}

async fn submitted(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{page:?}");
    browser.submit(&page, path, fields).await
}

#[tokio::test]
async fn the_form_takes_times_days_and_deliveries_and_says_how_many() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (id, all) = logged(&hooked, 10).await;
    let browser = hooked.browser().await;
    let path = hooked.path(&format!("/{id}/resend"));
    let minute = |place: usize| all[place].at.to_string()[..16].replace('T', " ");
    let day = |at: Timestamp| at.to_string()[..10].to_owned();
    let today = day(all[0].at);
    for (fields, expected) in [
        (
            [
                ("from", all[7].id.clone()),
                ("until", String::new()),
                ("status", String::new()),
            ],
            vec![7, 8, 9],
        ),
        (
            [("from", minute(1)), ("until", minute(3)), ("status", String::new())],
            vec![1, 2],
        ),
        (
            [
                ("from", today.clone()),
                ("until", today.clone()),
                ("status", "delivered".into()),
            ],
            vec![0, 1, 2, 4, 5, 7, 8, 9],
        ),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let sent = submitted(&browser, &path, &fields).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        let location = sent.header("location").unwrap();
        hooked.turn().await;
        let came = came_again(&hooked, &all);
        assert_eq!(came, expected, "{fields:?}");
        let page = browser.get(location).await;
        assert!(
            page.body.contains(&format!("Sent once more: {}.", came.len())),
            "{page:?}"
        );
    }
    let none = submitted(
        &browser,
        &path,
        &[("from", "2099-01-01"), ("until", ""), ("status", "")],
    )
    .await;
    assert_eq!(none.status, 409);
    assert!(
        none.body.contains("There is nothing of this kind.") && none.body.contains("2099-01-01"),
        "{none:?}"
    );
    let wrong = submitted(&browser, &path, &[("from", "<b>soon"), ("until", ""), ("status", "")]).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("neither a time nor") && !wrong.body.contains("<b>soon"),
        "{wrong:?}"
    );
}

#[tokio::test]
async fn the_form_goes_on_where_there_are_more() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (id, all) = logged(&hooked, RESENT_MAX as u32 + 3).await;
    let browser = hooked.browser().await;
    let path = hooked.path(&format!("/{id}/resend"));
    let sent = submitted(&browser, &path, &[("from", ""), ("until", ""), ("status", "")]).await;
    let location = sent.header("location").unwrap().to_owned();
    let page = browser.get(&location).await;
    assert!(
        page.body
            .contains(&format!("Sent once more: {RESENT_MAX}. There are more")),
        "{page:?}"
    );
    assert!(
        page.body.contains(&format!("value=\"{}\"", all[RESENT_MAX].id)),
        "{page:?}"
    );
    hooked.turn().await;
    receiver.take();
    let rest = browser
        .submit(
            &page,
            &path,
            &[("from", &*all[RESENT_MAX].id), ("until", ""), ("status", "")],
        )
        .await;
    assert!(rest.header("location").unwrap().ends_with("?resent=3"), "{rest:?}");
}

#[tokio::test]
async fn the_log_is_filtered_by_state_and_time_on_the_page_and_by_scripts() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (id, all) = logged(&hooked, 40).await;
    let browser = hooked.browser().await;
    let page = browser.get(&hooked.path(&format!("/{id}?status=failed"))).await;
    assert_eq!(lines(&page, &id), 13, "{page:?}");
    assert!(page.body.contains("value=\"failed\" selected"), "{page:?}");
    let first = browser.get(&hooked.path(&format!("/{id}?status=delivered"))).await;
    assert_eq!(lines(&first, &id), 25);
    let more = first
        .body
        .split("href=\"")
        .find(|link| link.contains("after="))
        .expect("more");
    let more = more.split('"').next().unwrap().replace("&amp;", "&");
    assert_eq!(lines(&browser.get(&more).await, &id), 2);
    let none = browser.get(&hooked.path(&format!("/{id}?from=2099-01-01"))).await;
    assert!(
        lines(&none, &id) == 0 && none.body.contains("There is nothing of this kind."),
        "{none:?}"
    );
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let path = format!("{}/deliveries", log_path(&hooked, &id));
    let ids = |answer: &Answer| -> Vec<Value> {
        let items = answer.json["items"].as_array().unwrap();
        items.iter().map(|item| item["id"].clone()).collect()
    };
    let failed = api.get(&format!("{path}?status=failed&until={}", all[9].at)).await;
    assert_eq!(ids(&failed), [json!(all[6].id), json!(all[3].id)]);
    let from = api.get(&format!("{path}?from={}&limit=3", all[37].at)).await;
    assert_eq!(ids(&from), [json!(all[39].id), json!(all[38].id), json!(all[37].id)]);
    assert_eq!(from.json["next"], Value::Null, "there are no more");
    assert_eq!(api.get(&format!("{path}?status=lost")).await.status, 400);
}

/// Of two at once each delivery goes out once.
#[tokio::test]
async fn two_requests_at_once_send_each_delivery_once() {
    let receiver = Receiver::up().await;
    let store = Arc::new(crate::yielding::Yielding::new(7));
    let hooked = Hooked::with(receiver.clone(), receiver.config("default"), store).await;
    let (id, all) = logged(&hooked, 30).await;
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let path = format!("{}/resend", log_path(&hooked, &id));
    let body = json!({});
    let (one, two) = tokio::join!(api.post(&path, &body), api.post(&path, &body));
    let sent: u64 = [&one, &two]
        .iter()
        .map(|answer| answer.json["resent"].as_u64().unwrap_or(0))
        .sum();
    hooked.turn().await;
    assert_eq!(
        (came_again(&hooked, &all).len() as u64, sent),
        (30, 30),
        "{one:?} {two:?}"
    );
}
