//! Endpoints that want their events in order: one at a time, and what fails holds back the rest of its own line alone.

use crate::api::Api;
use crate::browser::EMAIL;
use crate::receiver::{Behaviour, Hooked, Leads, Received, Receiver};
use grantd::jobs::webhooks::{self, Courier};
use grantd::model::delivery::{Delivery, State};
use grantd::model::endpoint::Standing;
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, keys};
use grantd::web::outbound::Patience;
use http::Method;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// An endpoint that is told of consents; its id.
pub async fn add(hooked: &Hooked, path: &str, in_order: bool) -> String {
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let all = format!("/apps/{}/webhooks", hooked.app());
    let events = ["grant.created", "grant.updated"];
    let new = json!({ "label": path, "url": hooked.receiver.url(path), "events": events, "in_order": in_order });
    let made = api.post(&all, &new).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json["webhook"]["in_order"], in_order);
    hooked.world().secrets.keep(&made.text("secret"));
    made.json["webhook"]["id"].as_str().unwrap().to_owned()
}

async fn set_in_order(hooked: &Hooked, id: &str, in_order: bool) {
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let path = format!("/apps/{}/webhooks/{id}", hooked.app());
    let body = json!({ "in_order": in_order }).to_string();
    let headers = [("content-type", "application/json")];
    let changed = api.send(Method::PATCH, &path, &body, &headers).await;
    assert_eq!(
        (changed.status, &changed.json["in_order"]),
        (200, &json!(in_order)),
        "{changed:?}"
    );
}

/// So many consents, a second apart.
pub async fn happen(hooked: &Hooked, count: usize) {
    for _ in 0..count {
        hooked.consent().await;
        hooked.world().advance(SECOND);
    }
}

/// Of one endpoint, in the order in which they came.
pub fn ids(messages: &[Received], path: &str) -> Vec<String> {
    let of_it = messages.iter().filter(|message| message.path == path);
    of_it.map(|message| message.header("x-webhook-id").to_owned()).collect()
}

/// The ids of all deliveries to an endpoint, the oldest event first.
pub async fn in_turn(hooked: &Hooked, id: &str) -> Vec<String> {
    let mut found = hooked.deliveries(id).await;
    found.reverse();
    found.into_iter().map(|delivery| delivery.id).collect()
}

async fn to_next_attempt(hooked: &Hooked, id: &str) {
    let head = hooked.deliveries(id).await.pop().expect("the oldest");
    hooked.world().clock.set(head.next_attempt_at);
}

#[tokio::test]
async fn what_fails_holds_back_the_later_ones_of_its_endpoint_and_of_no_other() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let (ordered, free) = (add(&hooked, "/ordered", true).await, add(&hooked, "/free", false).await);
    receiver.answers(503);
    happen(&hooked, 3).await;
    hooked.turn().await;
    let all = in_turn(&hooked, &ordered).await;
    let came = receiver.take();
    assert_eq!(ids(&came, "/ordered"), all[..1], "one at a time, the first");
    let mut other = ids(&came, "/free");
    other.sort();
    assert_eq!(other.len(), 3, "nobody else waits for it");
    // It is tried again alone, by its schedule and not before.
    hooked.turn().await;
    assert!(ids(&receiver.take(), "/ordered").is_empty());
    to_next_attempt(&hooked, &ordered).await;
    hooked.turn().await;
    assert_eq!(ids(&receiver.take(), "/ordered"), all[..1]);
    // What happens meanwhile stands at the end.
    happen(&hooked, 1).await;
    to_next_attempt(&hooked, &ordered).await;
    receiver.answers(200);
    hooked.turn().await;
    let all = in_turn(&hooked, &ordered).await;
    assert_eq!((ids(&receiver.take(), "/ordered"), all.len()), (all, 4));
    let free = hooked.deliveries(&free).await;
    assert!(
        free.iter().any(|delivery| delivery.state == State::Delivered),
        "{free:?}"
    );
}

#[tokio::test]
async fn what_is_given_up_makes_way_for_the_next() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("makecrypto").await;
    let id = add(&hooked, "/ordered", true).await;
    receiver.answers(500);
    happen(&hooked, 2).await;
    let attempted = async || -> Vec<(State, u32)> {
        let found = hooked.deliveries(&id).await;
        found
            .iter()
            .rev()
            .map(|delivery| (delivery.state, delivery.attempted))
            .collect()
    };
    for tries in 1..=10 {
        hooked.turn().await;
        assert_eq!(attempted().await, [(State::Pending, tries), (State::Pending, 0)]);
        hooked.world().advance(Duration::from_secs(6 * 60));
    }
    hooked.turn().await;
    assert_eq!(attempted().await, [(State::Failed, 11), (State::Pending, 1)]);
}

#[tokio::test]
async fn a_paused_endpoint_gets_its_line_in_order_once_it_is_enabled() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let id = add(&hooked, "/ordered", true).await;
    receiver.answers(410);
    happen(&hooked, 3).await;
    hooked.turn().await;
    hooked.world().advance(HOUR);
    hooked.turn().await;
    assert_eq!(hooked.endpoint(&id).await.standing, Standing::Gone);
    assert_eq!(receiver.take().len(), 1);
    receiver.answers(200);
    let browser = hooked.browser().await;
    assert_eq!(hooked.act(&browser, &id, "enable").await.status, 303);
    hooked.turn().await;
    assert_eq!(ids(&receiver.take(), "/ordered"), in_turn(&hooked, &id).await);
}

/// A clock that was set back says nothing about what was written first.
#[tokio::test]
async fn the_order_is_that_of_the_commits_and_not_of_the_clock() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let id = add(&hooked, "/ordered", true).await;
    let now = hooked.now();
    hooked.consent().await;
    hooked.world().clock.set(now - SECOND * 30);
    hooked.consent().await;
    hooked.world().clock.set(now);
    hooked.turn().await;
    let messages = receiver.take();
    let kinds: Vec<&str> = messages
        .iter()
        .map(|message| message.header("x-webhook-event"))
        .collect();
    assert_eq!(kinds, ["grant.created", "grant.updated"]);
    assert_ne!(
        ids(&messages, "/ordered"),
        in_turn(&hooked, &id).await,
        "by the clock it is the other way round"
    );
}

/// Many that wait, due in another order than they happened: what was chosen counts for them at once.
#[tokio::test]
async fn the_choice_counts_for_what_waits_already() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let id = add(&hooked, "/ordered", false).await;
    happen(&hooked, 1).await;
    receiver.answers(503);
    hooked.turn().await;
    let one = hooked.only_delivery(&id).await;
    for number in 1..70_u64 {
        let at = one.at + SECOND * number as u32;
        let mut batch = Batch::new();
        let more = Delivery {
            id: Delivery::id_of(at, "more"),
            at,
            next_attempt_at: one.at + SECOND * ((number as u32 * 37) % 70),
            ..one.clone()
        };
        batch.insert(&more).unwrap();
        hooked.world().ctx.store.commit(batch).await.unwrap();
    }
    set_in_order(&hooked, &id, true).await;
    receiver.take();
    hooked.world().advance(HOUR);
    hooked.turn().await;
    let all = in_turn(&hooked, &id).await;
    assert_eq!(ids(&receiver.take(), "/ordered"), all[..1]);
    to_next_attempt(&hooked, &id).await;
    receiver.answers(200);
    hooked.turn().await;
    assert_eq!(ids(&receiver.take(), "/ordered"), all, "no matter when each was due");
    // And the other way: nobody holds back anybody any more.
    receiver.answers(503);
    happen(&hooked, 3).await;
    hooked.turn().await;
    assert_eq!(ids(&receiver.take(), "/ordered").len(), 1);
    set_in_order(&hooked, &id, false).await;
    hooked.turn().await;
    assert_eq!(ids(&receiver.take(), "/ordered").len(), 2);
    let waiting = keys::waiting_deliveries(&id);
    let waiting = hooked.world().ctx.store.scan(&waiting, None, 10).await.unwrap();
    assert_eq!(waiting.len(), 3, "each stands in the queue once");
}

/// Whoever tries an endpoint wants to know now.
#[tokio::test]
async fn a_test_passes_the_line_and_what_is_sent_once_more_takes_its_old_place() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let id = add(&hooked, "/ordered", true).await;
    happen(&hooked, 1).await;
    hooked.turn().await;
    receiver.answers(503);
    happen(&hooked, 2).await;
    hooked.turn().await;
    receiver.take();
    let browser = hooked.browser().await;
    hooked.act(&browser, &id, "test").await;
    hooked.turn().await;
    let [test] = &receiver.take()[..] else {
        panic!("the test alone")
    };
    assert_eq!(test.header("x-webhook-event"), "webhook.test");
    let first = in_turn(&hooked, &id).await.remove(0);
    let path = hooked.path(&format!("/{id}/deliveries/{first}"));
    let page = browser.get(&path).await;
    assert_eq!(browser.submit(&page, &path, &[]).await.status, 303);
    hooked.turn().await;
    assert_eq!(
        ids(&receiver.take(), "/ordered"),
        std::slice::from_ref(&first),
        "ahead of the newer ones"
    );
    receiver.answers(200);
    hooked.world().advance(HOUR);
    hooked.turn().await;
    let came = ids(&receiver.take(), "/ordered");
    assert_eq!((came[0].clone(), came.len()), (first, 3));
}

/// A page of the developer's says it, and the history.
#[tokio::test]
async fn developers_choose_the_order_in_the_form() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &[]).await;
    assert!(!hooked.endpoint(&id).await.in_order, "unless they say so");
    let path = hooked.path(&format!("/{id}/edit"));
    let page = browser.get(&path).await;
    let url = receiver.url("/hooks");
    let fields = [
        ("label", "production"),
        ("url", &*url),
        ("which", "all"),
        ("in_order", "yes"),
    ];
    assert_eq!(browser.submit(&page, &path, &fields).await.status, 303);
    assert!(hooked.endpoint(&id).await.in_order);
    let page = browser.get(&path).await;
    assert!(
        page.body.contains("name=\"in_order\" value=\"yes\" checked"),
        "{page:?}"
    );
    let page = browser.get(&hooked.path(&format!("/{id}"))).await;
    assert!(
        page.body.contains("One at a time, in the order of the events"),
        "{page:?}"
    );
    let history = browser.get(&format!("/developer/apps/{}/history", hooked.app())).await;
    assert!(history.body.contains("At once, in any order"), "{history:?}");
}

/// A connection that is kept for the next message leads to where the endpoint was: it is not used for where it is now.
#[tokio::test]
async fn a_kept_connection_is_not_used_for_another_address() {
    let (before, after) = (Receiver::speaking(&[b"http/1.1"], &[]).await, Receiver::up().await);
    let mut config = before.config("default");
    let both = [&before, &after].map(|receiver| std::fs::read_to_string(&receiver.certificates.ca_file).unwrap());
    let ca_file = before.certificates.ca_file.with_file_name("both.pem");
    std::fs::write(&ca_file, both.concat()).unwrap();
    config.webhooks.ca_file = Some(ca_file);
    let hooked = Hooked::with(before.clone(), config, Arc::new(MemoryStore::new())).await;
    let id = add(&hooked, "/hooks", true).await;
    happen(&hooked, 3).await;
    before.behave(Behaviour::Waits);
    // However long the change takes.
    let patience = Patience {
        connect: HOUR,
        answer: HOUR,
    };
    let courier = Courier::new(hooked.world().ctx.clone(), Leads::to(&["127.0.0.1"]), patience);
    let sending = tokio::spawn(async move { webhooks::turn(&courier).await });
    before.got.notified().await;
    let api = Api::of(hooked.world(), EMAIL, &[]).await;
    let path = format!("/apps/{}/webhooks/{id}", hooked.app());
    let body = json!({ "url": after.url("/moved") }).to_string();
    let headers = [("content-type", "application/json")];
    assert_eq!(api.send(Method::PATCH, &path, &body, &headers).await.status, 200);
    // Whatever came here besides would be answered.
    before.answers(200);
    before.go_on.notify_one();
    sending.await.unwrap().unwrap();
    assert_eq!((before.take().len(), before.connections()), (1, 1));
    let moved = after.take();
    assert_eq!(ids(&moved, "/moved"), in_turn(&hooked, &id).await[1..]);
    assert_eq!(after.connections(), 1, "which is kept as well");
}
