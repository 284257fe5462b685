//! What becomes of a delivery: retries on the clock, receivers that do not behave, restarts, and endpoints that pause.

use crate::browser::Browser;
use crate::failing_store::FailingStore;
use crate::mail_server::MailServer;
use crate::receiver::{Behaviour, Hooked, Leads, PATIENCE, Receiver};
use grantd::config::{MailSecurity, SignUp};
use grantd::jobs::webhooks::{self, Courier};
use grantd::model::delivery::{FINISHED_MAX, State};
use grantd::model::endpoint::Standing;
use grantd::model::event::EventKind;
use grantd::store::keys;
use grantd::store::memory::MemoryStore;
use grantd::web::outbound::Patience;
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An endpoint that is told of consents, and one consent.
async fn asked(receiver: &Arc<Receiver>) -> (Hooked, String) {
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.created", "grant.updated"]).await;
    drop(browser);
    hooked.consent().await;
    (hooked, id)
}

#[tokio::test]
async fn a_refusing_receiver_is_asked_by_the_schedule_for_three_days() {
    let receiver = Receiver::up().await;
    let (hooked, id) = asked(&receiver).await;
    receiver.answers(503);
    let began = hooked.now();
    let mut pauses = Vec::new();
    loop {
        let before = hooked.now();
        hooked.turn().await;
        let delivery = hooked.only_delivery(&id).await;
        if hooked.endpoint(&id).await.standing != Standing::Enabled {
            break;
        }
        assert_eq!(delivery.state, State::Pending);
        pauses.push(delivery.next_attempt_at.since(before));
        // Not a moment before it is due.
        hooked.world().clock.set(delivery.next_attempt_at - SECOND);
        hooked.turn().await;
        assert_eq!(hooked.only_delivery(&id).await.attempted, delivery.attempted);
        hooked.world().clock.set(delivery.next_attempt_at);
    }
    let schedule = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for (pause, wanted) in pauses.iter().zip(schedule) {
        let wanted = Duration::from_secs(wanted);
        assert!(*pause >= wanted * 9 / 10 && *pause <= wanted * 11 / 10, "{pauses:?}");
    }
    let lasted = hooked.now().since(began);
    assert!(lasted >= DAY * 3 - HOUR * 8 && lasted < DAY * 4, "{lasted:?}");
    assert_eq!(receiver.take().len(), pauses.len() + 1);
}

#[tokio::test]
async fn one_that_takes_other_things_is_given_up_alone_at_the_end_of_the_schedule() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("makecrypto").await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.created"]).await;
    receiver.answers(500);
    hooked.consent().await;
    for _ in 0..15 {
        hooked.turn().await;
        hooked.world().advance(Duration::from_secs(6 * 60));
    }
    let delivery = hooked.only_delivery(&id).await;
    assert_eq!(
        (delivery.state, delivery.attempted),
        (State::Failed, 11),
        "ten times after the first"
    );
    let endpoint = hooked.endpoint(&id).await;
    assert_eq!(endpoint.standing, Standing::Enabled);
    assert!(endpoint.failing_since.is_some());
    receiver.answers(204);
    hooked.act(&browser, &id, "test").await;
    hooked.turn().await;
    assert_eq!(hooked.endpoint(&id).await.failing_since, None, "it takes things again");
}

#[tokio::test]
async fn one_that_takes_nothing_for_three_days_is_paused_with_a_letter_and_loses_nothing() {
    let mail = MailServer::up().await;
    let receiver = Receiver::up().await;
    let mut config = receiver.config("default");
    config.mail = Some(mail.settings(MailSecurity::Starttls));
    config.sign_up = SignUp::Invite;
    let hooked = Hooked::with(receiver.clone(), config, Arc::new(MemoryStore::new())).await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.created", "grant.updated"]).await;
    receiver.behave(Behaviour::HangsUp);
    hooked.consent().await;
    while hooked.endpoint(&id).await.standing == Standing::Enabled {
        hooked.turn().await;
        hooked.world().advance(HOUR);
    }
    assert_eq!(hooked.endpoint(&id).await.standing, Standing::Failing);
    let paused = hooked.asking.events().await;
    assert_eq!(
        paused
            .iter()
            .filter(|event| event.kind == EventKind::WebhookPaused)
            .count(),
        1
    );
    grantd::jobs::mail::turn(&hooked.world().ctx).await.unwrap();
    let letters = mail.take();
    let to_ada: Vec<_> = letters
        .iter()
        .filter(|letter| letter.to == crate::browser::EMAIL)
        .collect();
    assert_eq!(to_ada.len(), 1, "{letters:?}");
    assert!(to_ada[0].text.contains("production") && to_ada[0].text.contains(&format!("/webhooks/{id}")));
    // What happens meanwhile waits, and what was under way when it was paused is not given up.
    let attempted = hooked.only_delivery(&id).await.attempted;
    hooked.consent().await;
    hooked.world().advance(DAY * 5);
    hooked.turn().await;
    let waiting = hooked.deliveries(&id).await;
    assert!(
        waiting.len() == 2 && waiting.iter().all(|delivery| delivery.state == State::Pending),
        "{waiting:?}"
    );
    assert_eq!(waiting[1].attempted, attempted, "nothing was sent");
    let browser = hooked.browser().await;
    let page = browser.get(&hooked.path(&format!("/{id}"))).await;
    assert!(page.body.contains("took nothing for three days"), "{page:?}");
    receiver.answers(200);
    assert_eq!(hooked.act(&browser, &id, "enable").await.status, 303);
    hooked.turn().await;
    assert!(
        hooked
            .deliveries(&id)
            .await
            .iter()
            .all(|delivery| delivery.state == State::Delivered)
    );
    assert_eq!(receiver.take().len(), 2);
}

#[tokio::test]
async fn one_that_answers_410_is_paused_at_once() {
    let receiver = Receiver::up().await;
    let (hooked, id) = asked(&receiver).await;
    receiver.answers(410);
    hooked.turn().await;
    assert_eq!(hooked.endpoint(&id).await.standing, Standing::Gone);
    hooked.consent().await;
    hooked.world().advance(HOUR);
    hooked.turn().await;
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(hooked.deliveries(&id).await.len(), 2, "what happens meanwhile waits");
}

/// What each kind of bad receiver comes to: the status and the sentence in the log.
#[tokio::test]
async fn bad_receivers_are_failures_within_the_limits() {
    let receiver = Receiver::speaking(&[b"http/1.1"], &[]).await;
    let (hooked, id) = asked(&receiver).await;
    for (behaviour, status, sentence) in [
        (Behaviour::Hangs, 0, Some("No answer came in time.")),
        (Behaviour::HalfAHead, 0, Some("No answer came in time.")),
        (Behaviour::HangsUp, 0, Some("The connection ended without an answer.")),
        (Behaviour::Answers(404, "x".repeat(100_000)), 404, None),
    ] {
        receiver.behave(behaviour.clone());
        hooked.turn().await;
        let delivery = hooked.only_delivery(&id).await;
        assert_eq!(delivery.state, State::Pending, "{behaviour:?}");
        assert_eq!(delivery.attempts.last().unwrap().1, status, "{behaviour:?}");
        assert_eq!(delivery.trouble.as_deref(), sentence, "{behaviour:?}");
        assert!(delivery.answer.len() <= 256);
        hooked.world().clock.set(delivery.next_attempt_at);
    }
    receiver.behave(Behaviour::HalfABody);
    hooked.turn().await;
    let delivery = hooked.only_delivery(&id).await;
    assert_eq!(
        (delivery.state, delivery.answer.as_str()),
        (State::Delivered, "begun"),
        "the status was said"
    );
}

#[tokio::test]
async fn past_cve_2026_4366_a_redirect_is_a_failure_and_never_followed() {
    let elsewhere = Receiver::up().await;
    let receiver = Receiver::up().await;
    let (hooked, id) = asked(&receiver).await;
    for to in [
        elsewhere.url("/stolen"),
        receiver.url("/again"),
        "http://169.254.169.254/".to_owned(),
    ] {
        receiver.behave(Behaviour::Redirects(to));
        hooked.turn().await;
        let delivery = hooked.only_delivery(&id).await;
        assert_eq!(
            (delivery.state, delivery.attempts.last().unwrap().1),
            (State::Pending, 302)
        );
        hooked.world().clock.set(delivery.next_attempt_at);
    }
    assert_eq!((receiver.take().len(), elsewhere.connections()), (3, 0));
}

#[tokio::test]
async fn an_endless_answer_is_read_to_a_bound() {
    let receiver = Receiver::speaking(&[b"http/1.1"], &[]).await;
    let (hooked, id) = asked(&receiver).await;
    receiver.behave(Behaviour::Endless);
    hooked.turn().await;
    let delivery = hooked.only_delivery(&id).await;
    assert_eq!((delivery.state, delivery.answer.len()), (State::Delivered, 256));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_trusted_or_is_for_another_name_is_refused() {
    let receiver = Receiver::up().await;
    let mut config = receiver.config("default");
    config.webhooks.ca_file = None;
    let hooked = Hooked::with(receiver.clone(), config, Arc::new(MemoryStore::new())).await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.created"]).await;
    hooked.consent().await;
    hooked.turn().await;
    let delivery = hooked.only_delivery(&id).await;
    assert!(delivery.trouble.unwrap().contains("TLS failed"), "an unknown authority");

    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let url = format!("https://other.example:{}/", receiver.address.port());
    let (id, _) = hooked.add_at(&browser, &url, &["grant.created"]).await;
    hooked.consent().await;
    hooked.turn().await;
    let delivery = hooked.only_delivery(&id).await;
    assert!(delivery.trouble.unwrap().contains("TLS failed"), "another name");
    assert_eq!(receiver.take().len(), 0);
}

#[tokio::test]
async fn http_1_1_is_spoken_where_http_2_is_not() {
    let receiver = Receiver::speaking(&[b"http/1.1"], &[]).await;
    let (hooked, id) = asked(&receiver).await;
    for _ in 0..4 {
        hooked.consent().await;
    }
    hooked.turn().await;
    let messages = receiver.take();
    assert_eq!((messages.len(), hooked.deliveries(&id).await.len()), (5, 5));
    assert!(messages.iter().all(|message| !message.http2));
    assert_eq!(
        messages[0].header("host"),
        format!("localhost:{}", receiver.address.port())
    );
    assert_eq!(receiver.connections(), 2, "connections are used again");
}

#[tokio::test]
async fn what_was_committed_and_not_sent_is_sent_after_a_restart() {
    let receiver = Receiver::up().await;
    let (hooked, id) = asked(&receiver).await;
    // The program ends before the event was told of at all.
    let courier = |world: &crate::support::World| Courier::new(world.ctx.clone(), Leads::to(&["127.0.0.1"]), PATIENCE);
    let restarted = hooked.world().restarted().await;
    receiver.answers(500);
    webhooks::turn(&courier(&restarted)).await.unwrap();
    assert_eq!(receiver.take().len(), 1);
    // And once more, between two attempts.
    let restarted = restarted.restarted().await;
    receiver.answers(200);
    restarted.advance(HOUR);
    webhooks::turn(&courier(&restarted)).await.unwrap();
    webhooks::turn(&courier(&restarted)).await.unwrap();
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(hooked.only_delivery(&id).await.state, State::Delivered);
}

#[tokio::test]
async fn what_was_sent_and_not_written_down_goes_out_again_under_the_same_id() {
    let receiver = Receiver::up().await;
    let store = Arc::new(FailingStore::default());
    let hooked = Hooked::with(receiver.clone(), receiver.config("default"), store.clone()).await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.created"]).await;
    receiver.answers(500);
    hooked.consent().await;
    hooked.turn().await;
    receiver.answers(200);
    receiver.take();
    hooked.world().advance(HOUR);
    store.fail_commits(true);
    // The store fails while it is on its way: the receiver has it, and nobody knows.
    webhooks::turn(&hooked.courier).await.expect("nothing has to be told");
    store.fail_commits(false);
    hooked.turn().await;
    let [one, two] = &receiver.take()[..] else {
        panic!("twice")
    };
    assert_eq!(one.header("x-webhook-id"), two.header("x-webhook-id"));
    assert_eq!(one.body, two.body);
    assert_eq!(hooked.only_delivery(&id).await.state, State::Delivered);
    let log = crate::leaks::logged().join("\n");
    assert!(log.contains("could not be sent"), "{log}");
}

#[tokio::test]
async fn receivers_that_hang_delay_no_request_and_no_other_receiver() {
    let (dead, alive) = (Receiver::up().await, Receiver::up().await);
    let mut config = dead.config("default");
    let both = [&dead, &alive].map(|receiver| std::fs::read_to_string(&receiver.certificates.ca_file).unwrap());
    let ca_file = dead.certificates.ca_file.with_file_name("both.pem");
    std::fs::write(&ca_file, both.concat()).unwrap();
    config.webhooks.ca_file = Some(ca_file);
    let hooked = Hooked::with(dead.clone(), config, Arc::new(MemoryStore::new())).await;
    let browser = hooked.browser().await;
    dead.behave(Behaviour::Hangs);
    for _ in 0..9 {
        hooked.add_at(&browser, &dead.url("/"), &[]).await;
    }
    hooked.add_at(&browser, &alive.url("/"), &["grant.created"]).await;
    // Nobody waits for those that hang: with this patience the test would.
    let patience = Patience {
        connect: HOUR,
        answer: HOUR,
    };
    let courier = Courier::new(hooked.world().ctx.clone(), Leads::to(&["127.0.0.1"]), patience);
    let running = tokio::spawn(webhooks::run(courier));
    hooked.consent().await;
    let reached = tokio::time::timeout(Duration::from_secs(20), alive.got.notified()).await;
    reached.expect("the one that lives is told");
    let stranger = Browser::new(hooked.world());
    assert_eq!(stranger.get("/login").await.status, 200);
    assert!(!running.is_finished());
    running.abort();
}

/// A consent and its deliveries, more than a log keeps.
#[tokio::test]
async fn a_log_keeps_its_newest_thousand() {
    let receiver = Receiver::up().await;
    let (hooked, id) = asked(&receiver).await;
    hooked.turn().await;
    let one = hooked.only_delivery(&id).await;
    for number in 0..1050_u64 {
        let at = one.at + Duration::from_millis(number + 1);
        let mut batch = grantd::store::Batch::new();
        let more = grantd::model::delivery::Delivery {
            id: grantd::model::delivery::Delivery::id_of(at, "more"),
            at,
            ..one.clone()
        };
        batch.insert(&more).unwrap();
        hooked.world().ctx.store.commit(batch).await.unwrap();
    }
    grantd::platform::webhooks::outcome::forget(&hooked.world().ctx, &id)
        .await
        .unwrap();
    let kept = hooked.deliveries(&id).await;
    assert_eq!(kept.len(), FINISHED_MAX);
    assert!(kept.iter().all(|delivery| delivery.id != one.id), "the oldest went");
    hooked.world().advance(DAY * 31);
    hooked.world().ctx.store.sweep(hooked.now(), 100_000).await.unwrap();
    assert_eq!(hooked.deliveries(&id).await.len(), 0, "and after thirty days the rest");
    let waiting = hooked
        .world()
        .ctx
        .store
        .scan(&keys::all_waiting_deliveries(), None, 1)
        .await
        .unwrap();
    assert_eq!(waiting.len(), 0);
}
