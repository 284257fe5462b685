//! Webhooks in the portal: endpoints, their secrets, tests, the log, and sending once more.

use crate::receiver::{Receiver, shown_once};
use grantd::model::delivery::{Origin, State};
use grantd::model::event::EventKind;
use grantd::store::keys;
use serde_json::json;
use std::time::Duration;

const SIGNATURE: &str = "x-webhook-signature";

#[tokio::test]
async fn a_test_reaches_the_receiver_signed_and_stands_in_the_log() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, secret) = hooked.add(&browser, &[]).await;
    assert!(secret.starts_with("grantd_whsec_") && secret.len() == 45, "{secret}");
    let sent = hooked.act(&browser, &id, "test").await;
    assert_eq!(sent.status, 303, "{sent:?}");
    hooked.turn().await;
    let [message] = &receiver.take()[..] else {
        panic!("one message")
    };
    assert_eq!((message.path.as_str(), message.http2), ("/hooks", true));
    assert_eq!(message.header("content-type"), "application/json");
    assert_eq!(message.header("user-agent"), "Webhooks/1.0");
    assert_eq!(message.header("x-webhook-event"), "webhook.test");
    assert_eq!(
        (message.header("x-webhook-attempt"), message.header("x-webhook-origin")),
        ("1", "test")
    );
    assert!(message.is_signed(SIGNATURE, &secret) && !message.is_signed(SIGNATURE, &format!("{secret}x")));
    assert_eq!(message.signed_at(SIGNATURE), hooked.now().seconds());
    let body = message.json();
    assert_eq!(body["data"], json!({}));
    assert_eq!(
        (&body["type"], &body["client_id"]),
        (&json!("webhook.test"), &json!(hooked.app()))
    );
    assert_eq!(body["organization_id"], json!(hooked.world().organization));
    let delivery = hooked.only_delivery(&id).await;
    assert_eq!(delivery.state, State::Delivered);
    assert_eq!(message.header("x-webhook-id"), delivery.id);
    let page = browser.get(&hooked.path(&format!("/{id}"))).await;
    assert!(
        page.body.contains("webhook.test") && page.body.contains("HTTP 200"),
        "{page:?}"
    );
    let page = browser
        .get(&hooked.path(&format!("/{id}/deliveries/{}", delivery.id)))
        .await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("x-webhook-id") || page.body.contains("X-Webhook-Id"),
        "{page:?}"
    );
    assert!(
        !page.body.contains(message.header(SIGNATURE)),
        "signatures are shown to nobody"
    );
}

#[tokio::test]
async fn the_secret_is_shown_once_and_kept_sealed() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, secret) = hooked.add(&browser, &[]).await;
    for path in [
        "".to_owned(),
        format!("/{id}"),
        format!("/{id}/edit"),
        format!("/{id}/rotate"),
    ] {
        // The world judges every answer for kept secrets; this one says so by name.
        assert!(!browser.get(&hooked.path(&path)).await.body.contains(&secret), "{path}");
    }
    let rows = hooked
        .world()
        .ctx
        .store
        .scan(&keys::endpoints(hooked.app()), None, 10)
        .await
        .unwrap();
    let [(_, row)] = &rows[..] else { panic!("one endpoint") };
    let holds = |text: &str| row.value.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("production") && !holds(&secret) && !holds(secret.rsplit('_').next().unwrap()));
}

#[tokio::test]
async fn a_rotated_secret_signs_everything_from_then_on_also_what_failed_before() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, first) = hooked.add(&browser, &["grant.created"]).await;
    receiver.answers(401);
    hooked.consent().await;
    hooked.turn().await;
    let path = hooked.path(&format!("/{id}/rotate"));
    let page = browser.get(&path).await;
    let wrong = browser.submit(&page, &path, &[("confirm", "staging")]).await;
    assert_eq!(wrong.status, 422);
    let made = browser.submit(&page, &path, &[("confirm", "production")]).await;
    assert_eq!(made.status, 200, "{made:?}");
    let second = shown_once(&made);
    assert_ne!(first, second);
    hooked.world().secrets.keep(&second);
    receiver.answers(200);
    hooked.world().advance(Duration::from_secs(6));
    hooked.turn().await;
    let [before, after] = &receiver.take()[..] else {
        panic!("two attempts")
    };
    assert!(before.is_signed(SIGNATURE, &first) && !before.is_signed(SIGNATURE, &second));
    assert!(after.is_signed(SIGNATURE, &second) && !after.is_signed(SIGNATURE, &first));
    assert_eq!(after.header(SIGNATURE).matches("v1=").count(), 1);
    assert_eq!(before.body, after.body);
    assert_eq!(before.header("x-webhook-id"), after.header("x-webhook-id"));
    assert_eq!(after.header("x-webhook-attempt"), "2");
    assert_eq!(after.signed_at(SIGNATURE) - before.signed_at(SIGNATURE), 6);
}

#[tokio::test]
async fn what_was_delivered_or_failed_is_sent_once_more_under_the_same_id() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.created"]).await;
    hooked.consent().await;
    hooked.turn().await;
    let first = hooked.only_delivery(&id).await;
    let path = hooked.path(&format!("/{id}/deliveries/{}", first.id));
    let page = browser.get(&path).await;
    let sent = browser.submit(&page, &path, &[]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    receiver.answers(500);
    hooked.turn().await;
    let again = hooked.only_delivery(&id).await;
    assert_eq!(
        (again.state, again.origin, again.attempted),
        (State::Pending, Origin::Resend, 2)
    );
    let [one, two] = &receiver.take()[..] else {
        panic!("two messages")
    };
    assert_eq!(one.body, two.body);
    assert_eq!(one.header("x-webhook-id"), two.header("x-webhook-id"));
    assert_eq!(
        (one.header("x-webhook-origin"), two.header("x-webhook-origin")),
        ("event", "resend")
    );
    // Not while it is off, and not of another endpoint.
    hooked.act(&browser, &id, "disable").await;
    assert_eq!(browser.submit(&page, &path, &[]).await.status, 409);
    let (other, _) = hooked.add(&browser, &[]).await;
    let foreign = hooked.path(&format!("/{other}/deliveries/{}", first.id));
    assert_eq!(browser.get(&foreign).await.status, 404);
}

#[tokio::test]
async fn an_endpoint_is_changed_and_told_only_of_what_it_wants() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["app.suspended"]).await;
    hooked.consent().await;
    hooked.turn().await;
    assert_eq!(hooked.deliveries(&id).await.len(), 0);
    let path = hooked.path(&format!("/{id}/edit"));
    let page = browser.get(&path).await;
    let url = receiver.url("/other?key=of-the-receiver");
    let fields = [
        ("label", "<b>new</b>"),
        ("url", &url),
        ("which", "some"),
        ("events", "grant.revoked"),
    ];
    let saved = browser.submit(&page, &path, &fields).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    let grant = hooked.asking.grant().await;
    let organization = &hooked.world().organization;
    grantd::platform::granted::revoke(&hooked.world().ctx, &hooked.asking.user, organization, &grant.id)
        .await
        .unwrap();
    hooked.turn().await;
    let [message] = &receiver.take()[..] else {
        panic!("one message")
    };
    assert_eq!(
        (message.path.as_str(), message.header("x-webhook-event")),
        ("/other?key=of-the-receiver", "grant.revoked")
    );
    let page = browser.get(&hooked.path("")).await;
    assert!(
        page.body.contains("&lt;b&gt;new") && !page.body.contains("<b>new"),
        "{page:?}"
    );
    // The history tells of the address, and not of what its query holds.
    let history = browser.get(&format!("/developer/apps/{}/history", hooked.app())).await;
    assert!(
        history.body.contains("/other") && !history.body.contains("of-the-receiver"),
        "{history:?}"
    );
}

#[tokio::test]
async fn what_is_no_good_is_refused_with_a_sentence_and_keeps_what_was_typed() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let page = browser.get(&hooked.path("")).await;
    let good = receiver.url("/");
    let long = format!("https://hooks.example/{}", "a".repeat(1000));
    for (label, url, events, sentence) in [
        ("", good.as_str(), "grant.created", "visible characters"),
        ("one", "", "grant.created", "This is no address"),
        ("one", "ftp://hooks.example/", "grant.created", "begin with https://"),
        ("one", &long, "grant.created", "longer than 1000"),
        ("one", &good, "grant.invented", "does not exist"),
        ("one", &good, "member.removed", "does not exist"),
    ] {
        let fields = [("label", label), ("url", url), ("which", "some"), ("events", events)];
        let refused = browser.submit(&page, &hooked.path(""), &fields).await;
        assert_eq!(refused.status, 422, "{url}");
        assert!(refused.body.contains(sentence), "{sentence}: {refused:?}");
        assert!(refused.body.contains(&format!("value=\"{url}\"")), "{url}");
    }
    assert_eq!(
        hooked
            .world()
            .ctx
            .store
            .scan(&keys::endpoints(hooked.app()), None, 10)
            .await
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn an_app_has_ten_endpoints_at_most() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let first = browser.get(&hooked.path("")).await;
    for _ in 0..10 {
        hooked.add(&browser, &[]).await;
    }
    let page = browser.get(&hooked.path("")).await;
    assert!(!page.body.contains("name=\"url\"") && page.body.contains("as many endpoints as it may"));
    let fields = [("label", "one more"), ("url", &*receiver.url("/")), ("which", "all")];
    assert_eq!(browser.submit(&first, &hooked.path(""), &fields).await.status, 409);
}

#[tokio::test]
async fn disabling_drops_what_waits_and_removal_all_of_it() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.created", "grant.updated"]).await;
    receiver.answers(500);
    hooked.consent().await;
    hooked.turn().await;
    assert_eq!(hooked.only_delivery(&id).await.state, State::Pending);
    assert_eq!(hooked.act(&browser, &id, "disable").await.status, 303);
    hooked.consent().await;
    receiver.answers(200);
    hooked.world().advance(Duration::from_secs(3600));
    hooked.turn().await;
    // The second consent made none.
    assert_eq!(hooked.only_delivery(&id).await.state, State::Cancelled);
    assert_eq!(hooked.act(&browser, &id, "enable").await.status, 303);
    hooked.turn().await;
    assert_eq!(receiver.take().len(), 1, "only the first attempt");
    receiver.answers(500);
    hooked.consent().await;
    hooked.turn().await;
    let path = hooked.path(&format!("/{id}/remove"));
    let page = browser.get(&path).await;
    assert_eq!(
        browser.submit(&page, &path, &[("confirm", "productio")]).await.status,
        422
    );
    assert_eq!(
        browser.submit(&page, &path, &[("confirm", "production")]).await.status,
        303
    );
    hooked.world().advance(Duration::from_secs(3600));
    receiver.take();
    hooked.turn().await;
    assert_eq!(receiver.take().len(), 0);
    assert_eq!(
        hooked
            .world()
            .ctx
            .store
            .scan(&keys::all_waiting_deliveries(), None, 10)
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!(browser.get(&hooked.path(&format!("/{id}"))).await.status, 404);
    let kinds: Vec<EventKind> = hooked.asking.events().await.iter().map(|event| event.kind).collect();
    for kind in [
        EventKind::WebhookCreated,
        EventKind::WebhookChanged,
        EventKind::WebhookRemoved,
    ] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
}

#[tokio::test]
async fn the_names_of_headers_are_the_profiles() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("makecrypto").await;
    let browser = hooked.browser().await;
    let (id, secret) = hooked.add(&browser, &["grant.created"]).await;
    assert!(secret.starts_with("mkwhsec_"), "{secret}");
    receiver.answers(503);
    hooked.consent().await;
    hooked.turn().await;
    hooked.world().advance(Duration::from_secs(6 * 60));
    hooked.turn().await;
    let [one, two] = &receiver.take()[..] else {
        panic!("two attempts")
    };
    assert_eq!(one.header("user-agent"), "MakePay-Webhooks/1.0");
    assert_eq!(one.header("makecrypto-signature"), one.header("x-makepay-signature"));
    assert!(one.is_signed("makecrypto-signature", &secret) && two.is_signed("x-makepay-signature", &secret));
    assert_eq!(one.header("x-makepay-event"), "grant.created");
    assert_eq!(
        (one.header("x-makepay-attempt"), two.header("x-makepay-attempt")),
        ("1", "2")
    );
    let stable = "x-makepay-delivery-group-id";
    assert_eq!(
        (one.header(stable), two.header(stable)),
        (&*hooked.only_delivery(&id).await.id, one.header(stable))
    );
    let (a, b) = (one.header("x-makepay-delivery-id"), two.header("x-makepay-delivery-id"));
    assert!(a != b && a.len() == 36 && a.as_bytes()[14] == b'4', "{a} {b}");
    for name in ["x-makepay-delivery-origin", "x-makepay-origin"] {
        assert_eq!(one.header(name), "event");
    }
    assert_eq!(one.json()["company_id"], json!(hooked.world().organization));
}
