//! The order of the commits, where times and numbers would tell another: a clock that was set back, another store.

use crate::authorizing::Authorizing;
use crate::failing_store::FailingStore;
use crate::receiver::{Behaviour, Hooked, Leads, PATIENCE, Receiver};
use crate::transfer::{export, import};
use crate::webhook_order::{SECOND, add, happen, ids, in_turn};
use grantd::jobs::webhooks::{self, Courier};
use grantd::model::delivery::{Delivery, State};
use grantd::store::keys;
use grantd::web::outbound::Patience;
use std::sync::Arc;
use std::time::Duration;

/// However long the test takes.
const PATIENT: Patience = Patience {
    connect: Duration::from_secs(3600),
    answer: Duration::from_secs(3600),
};

/// Two events are told of one after the other, and the later one first: whoever sends meanwhile waits for the other.
#[tokio::test]
async fn what_was_written_first_goes_first_when_the_clock_was_set_back_and_it_is_told_of_last() {
    let receiver = Receiver::up().await;
    let store = Arc::new(FailingStore::default());
    let hooked = Hooked::with(receiver.clone(), receiver.config("default"), store.clone()).await;
    let (world, start) = (hooked.world(), hooked.now());
    add(&hooked, "/ordered", true).await;
    hooked.consent().await;
    // A message is on its way while more happens.
    receiver.behave(Behaviour::Waits);
    let courier = Courier::new(world.ctx.clone(), Leads::to(&["127.0.0.1"]), PATIENT);
    let sending = tokio::spawn(async move { webhooks::turn(&courier).await });
    receiver.got.notified().await;
    let (first_at, second_at) = (start + SECOND, start - SECOND * 30);
    for at in [first_at, second_at] {
        world.clock.set(at);
        hooked.consent().await;
    }
    world.clock.set(first_at);
    let untold = world.ctx.store.scan(&keys::untold_events(), None, 10).await.unwrap();
    let [(second, later), (first, earlier)] = &untold[..] else {
        panic!("{untold:?}")
    };
    assert!(
        second < first && earlier.version < later.version,
        "times and commits differ"
    );
    store.hold(Some(first.clone()));
    assert!(
        webhooks::turn(&hooked.courier).await.is_err(),
        "one of the two is told of"
    );
    receiver.answers(200);
    receiver.go_on.notify_one();
    sending.await.unwrap().unwrap();
    assert_eq!(
        ids(&receiver.take(), "/ordered").len(),
        1,
        "the one that was on its way"
    );
    store.hold(None);
    hooked.turn().await;
    let came = ids(&receiver.take(), "/ordered");
    let times: Vec<_> = came.iter().filter_map(|id| Delivery::time_of(id)).collect();
    assert_eq!(times, [first_at, second_at]);
}

/// The same server once more, over a store that has what this one has.
async fn moved(hooked: &Hooked) -> Hooked {
    let lines = export(hooked.world(), async || {}).await;
    let (store, _) = import(&lines, |_| true).await.expect("the export is whole");
    let world = hooked.world().restarted_over(store).await;
    let courier = Courier::new(world.ctx.clone(), Leads::to(&["127.0.0.1"]), PATIENCE);
    let asking = Authorizing {
        world,
        web: hooked.asking.web.clone(),
        spa: hooked.asking.spa.clone(),
        user: hooked.asking.user.clone(),
    };
    Hooked {
        asking,
        receiver: hooked.receiver.clone(),
        courier,
    }
}

/// A new store counts its commits from one again.
#[tokio::test]
async fn what_was_imported_goes_before_what_happens_in_the_new_store() {
    let receiver = Receiver::up().await;
    let mut hooked = receiver.hooked("default").await;
    let id = add(&hooked, "/ordered", true).await;
    happen(&hooked, 1).await;
    hooked.turn().await;
    receiver.answers(503);
    happen(&hooked, 2).await;
    hooked.turn().await;
    for _ in 0..2 {
        // One that waits in the outbox, and one in the new store; then that is moved too.
        happen(&hooked, 1).await;
        hooked = moved(&hooked).await;
        happen(&hooked, 1).await;
        hooked.turn().await;
    }
    receiver.take();
    receiver.answers(200);
    until_all_is_due(&hooked, &id).await;
    hooked.turn().await;
    let all = in_turn(&hooked, &id).await;
    assert_eq!((ids(&receiver.take(), "/ordered"), all.len()), (all[1..].to_vec(), 7));
}

async fn until_all_is_due(hooked: &Hooked, id: &str) {
    let all = hooked.deliveries(id).await;
    let waiting = all.iter().filter(|delivery| delivery.state == State::Pending);
    let latest = waiting.map(|delivery| delivery.next_attempt_at).max();
    hooked.world().clock.set(latest.expect("something waits"));
}
