//! `/admin/health`: what administrators see of the server, and what worries it.

use crate::administrators::{ADMINISTRATOR, REVIEWER, on_duty, signed_in};
use crate::failing_store::FailingStore;
use crate::support::{START, World};
use grantd::base::certificate::Validity;
use grantd::base::process::{self, Room};
use grantd::base::time::Timestamp;
use grantd::control::Command;
use grantd::model::backup_state::Failing;
use grantd::model::user::Duty;
use grantd::platform::watching::warnings::{self, bytes};
use grantd::platform::watching::{Seen, history, look};
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/admin/health";
const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn administrators_find_it_from_their_first_page_and_nobody_else_does() {
    let world = World::new("default").await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    on_duty(&world, REVIEWER, Some(Duty::Reviewer)).await;
    let reviewer = signed_in(&world, REVIEWER).await;
    assert_eq!(reviewer.get(PATH).await.status, 404);
    assert!(!reviewer.get("/admin").await.body.contains(PATH));
    let administrator = signed_in(&world, ADMINISTRATOR).await;
    assert!(administrator.get("/admin").await.body.contains(PATH));
    let page = administrator.get(PATH).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("Nothing needs your attention."), "{}", page.body);
    assert!(!page.body.contains("<svg"), "there is nothing to draw yet");
    for _ in 0..3 {
        administrator.get("/account").await;
        history::note(&world.ctx).await;
    }
    let page = administrator.get(PATH).await;
    assert_eq!(page.body.matches("<svg").count(), 5, "{}", page.body);
    assert!(page.body.contains("Each minute of the last 3."), "{}", page.body);
    // The first row has everything since the start; of the last two each has one.
    let minutes = world.ctx.history.minutes();
    assert!(
        minutes[0].requests > 1 && minutes[1].requests == 1 && minutes[2].requests == 1,
        "{minutes:?}"
    );
    assert!(!page.body.contains("style="), "the page allows no style of its own");
}

#[tokio::test]
async fn a_failure_shows_in_the_minute_it_happened() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    history::note(&world.ctx).await;
    store.fail_reads(true);
    assert_eq!(world.get("/readyz").await.status, 503);
    history::note(&world.ctx).await;
    let last = *world.ctx.history.minutes().last().unwrap();
    assert_eq!((last.requests, last.failed), (1, 1));
}

/// A moment at which nothing worries.
async fn calm(world: &World) -> Seen {
    let seen = look(&world.ctx).await;
    Seen {
        room: Some(Room {
            free_bytes: 1 << 40,
            total_bytes: 1 << 41,
        }),
        ..seen
    }
}

fn keys(world: &World, seen: &Seen) -> Vec<(&'static str, bool)> {
    warnings::of(&world.ctx, seen)
        .into_iter()
        .map(|one| (one.key, one.urgent))
        .collect()
}

#[tokio::test]
async fn each_worry_has_its_sentence() {
    let world = World::new("default").await;
    let calm = calm(&world).await;
    assert_eq!(keys(&world, &calm), []);
    let room = |free: u64| Seen {
        room: Some(Room {
            free_bytes: free << 20,
            total_bytes: 1 << 34,
        }),
        ..calm.clone()
    };
    assert_eq!(keys(&world, &room(255)), [("health_disk_low", false)]);
    assert_eq!(keys(&world, &room(900)), []);
    let ends = |ends: Timestamp| Seen {
        certificate: Some(Validity {
            begins: START - DAY * 30,
            ends,
        }),
        ..calm.clone()
    };
    assert_eq!(keys(&world, &ends(START + DAY * 30)), []);
    assert_eq!(
        keys(&world, &ends(START + DAY * 9)),
        [("health_certificate_ends", false)]
    );
    assert_eq!(
        keys(&world, &ends(START + DAY * 2)),
        [("health_certificate_ends", true)]
    );
    assert_eq!(keys(&world, &ends(START)), [("health_certificate_ended", true)]);
    let later = |span: Duration| Seen {
        at: START + span,
        ..calm.clone()
    };
    assert_eq!(keys(&world, &later(DAY * 97)), []);
    assert_eq!(keys(&world, &later(DAY * 98)), [("health_key_overdue", false)]);
    let back = Seen {
        at: START - Duration::from_secs(3600),
        ..calm.clone()
    };
    assert_eq!(keys(&world, &back), [("health_clock", true)]);
    let chained = process::began();
    let lagging = |late: u64| Seen {
        at: chained + Duration::from_secs(late),
        keys: Vec::new(),
        chained: Some(chained),
        ..calm.clone()
    };
    assert_eq!(keys(&world, &lagging(290)), []);
    assert_eq!(keys(&world, &lagging(301)), [("health_chain_lags", false)]);
    let mut full = calm.clone();
    full.process.descriptors = Some(900);
    full.process.descriptors_max = Some(1024);
    assert_eq!(keys(&world, &full), [("health_descriptors", true)]);
    let mut unsaved = calm.clone();
    unsaved.backups.failing = Some(Failing {
        since: START,
        why: "the directory is gone".to_owned(),
    });
    assert_eq!(keys(&world, &unsaved), [("health_backups_fail", true)]);
    assert_eq!(
        (bytes(0).as_str(), bytes(1536).as_str(), bytes(3 << 30).as_str()),
        ("0 bytes", "1.5 KiB", "3.0 GiB")
    );
}

#[tokio::test]
async fn events_that_wait_too_long_and_a_store_that_is_away_are_told_the_urgent_first() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    // It is told by webhook.
    let client = world.client_id.clone();
    world
        .run(Command::SecretAdd {
            client_id: client,
            label: None,
        })
        .await;
    world.advance(Duration::from_secs(14 * 60));
    assert_eq!(keys(&world, &calm(&world).await), []);
    world.advance(Duration::from_secs(2 * 60));
    assert_eq!(keys(&world, &calm(&world).await), [("health_events_stuck", false)]);
    let told = world.run(Command::Health).await;
    let sentence = told["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|one| one["text"].as_str())
        .unwrap();
    assert!(
        sentence.contains("wait to be told by webhook, the first for 16 minutes"),
        "{sentence}"
    );
    store.fail_reads(true);
    let mut seen = calm(&world).await;
    seen.certificate = Some(Validity {
        begins: START - DAY * 30,
        ends: START + DAY * 9,
    });
    assert_eq!(
        keys(&world, &seen),
        [("health_store_away", true), ("health_certificate_ends", false)]
    );
}
