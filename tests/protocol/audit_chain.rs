//! The chain over the audit log: whatever is done to what was written down is found.

use crate::failing_store::FailingStore;
use crate::support::{START, World, open};
use grantd::base::master::MasterSecret;
use grantd::base::random::SeededRandom;
use grantd::control::Command;
use grantd::model::audit_chain::{Block, Chain};
use grantd::model::event::{Event, KEPT};
use grantd::platform::audit_chain::{Turns, turn, verify};
use grantd::store::memory::MemoryStore;
use grantd::store::records::{Versioned, list, load};
use grantd::store::{Batch, Key, Outcome, Seq, Store, Write, codec, keys};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

pub async fn chain(world: &World) {
    turn(&world.ctx, &mut Turns::default()).await.expect("chained");
}

async fn report(world: &World) -> Value {
    world.run(Command::AuditVerify { since: None }).await
}

/// The sentences of a report.
pub async fn findings(world: &World) -> Vec<String> {
    let report = self::report(world).await;
    let found = report["findings"].as_array().expect("a list");
    assert_eq!(report["findings_total"], found.len(), "{report}");
    found
        .iter()
        .map(|one| one.as_str().expect("a sentence").to_owned())
        .collect()
}

/// A world where several blocks were chained, each of some events.
pub async fn world() -> World {
    let world = World::new("default").await;
    for number in 0..3 {
        world
            .add_member(&format!("m{number}@example.com"), grantd::model::role::Role::Member)
            .await;
        chain(&world).await;
    }
    world
}

pub async fn events(world: &World) -> Vec<Versioned<Event>> {
    list::<Event>(&*world.ctx.store, &keys::events(), None, 100)
        .await
        .expect("read")
        .0
}

pub async fn blocks(world: &World) -> Vec<Versioned<Block>> {
    list::<Block>(&*world.ctx.store, &keys::audit_blocks(), None, 100)
        .await
        .expect("read")
        .0
}

/// As somebody does who writes into the store past everything.
pub async fn write(world: &World, writes: Vec<Write>) {
    let batch = Batch {
        writes,
        ..Batch::default()
    };
    assert!(matches!(world.ctx.store.commit(batch).await, Ok(Outcome::Committed(_))));
}

pub fn put(key: Key, value: Vec<u8>) -> Write {
    Write::Put {
        key,
        value,
        expires_at: None,
    }
}

pub fn key_of(event: &Event) -> Key {
    keys::event(event.at, &event.id)
}

#[tokio::test]
async fn what_was_written_is_chained_and_found_as_it_was() {
    let world = world().await;
    let all = events(&world).await.len();
    assert!(all >= 3, "{all}");
    let report = self::report(&world).await;
    assert_eq!(report["findings_total"], 0, "{report}");
    assert_eq!(
        (report["events"].as_u64(), report["waiting"].as_u64()),
        (Some(all as u64), Some(0))
    );
    assert_eq!(report["lags"], false);
    assert!(report["blocks"].as_u64() >= Some(3), "{report}");
}

#[tokio::test]
async fn an_event_that_was_changed_removed_or_put_elsewhere_is_found() {
    let world = world().await;
    let all = events(&world).await;
    let (changed, moved, removed) = (&all[0], &all[1], &all[2]);
    let other = Event {
        note: Some("it was somebody else".into()),
        ..changed.value.clone()
    };
    write(&world, vec![put(key_of(changed), codec::encode(&other).unwrap())]).await;
    assert_eq!(
        findings(&world).await,
        [format!("The event {} of {} was changed.", changed.id, changed.at)]
    );
    // Back as it was: the chain is about what stands there, not about who wrote it when.
    write(
        &world,
        vec![put(key_of(changed), codec::encode(&changed.value).unwrap())],
    )
    .await;
    assert_eq!(findings(&world).await, Vec::<String>::new());
    write(&world, vec![Write::Delete { key: key_of(removed) }]).await;
    assert_eq!(
        findings(&world).await,
        [format!("The event {} of {} is gone.", removed.id, removed.at)]
    );
    let later = Event {
        at: moved.at + Duration::from_secs(1),
        ..moved.value.clone()
    };
    let moves = vec![
        Write::Delete { key: key_of(moved) },
        put(key_of(&later), codec::encode(&later).unwrap()),
    ];
    write(&world, moves).await;
    let found = findings(&world).await;
    assert!(
        found.contains(&format!("The event {} of {} is gone.", moved.id, moved.at)),
        "{found:?}"
    );
}

#[tokio::test]
async fn an_event_that_was_slipped_in_behind_the_chains_back_is_found() {
    let world = world().await;
    let known = events(&world).await[0].value.clone();
    let forged = Event {
        id: "e_forged".into(),
        ..known
    };
    write(&world, vec![put(key_of(&forged), codec::encode(&forged).unwrap())]).await;
    assert_eq!(self::report(&world).await["waiting"], 1, "as if it had just happened");
    // Whoever also says that it was looked at cannot seal that.
    let chain = load::<Chain>(&*world.ctx.store, &keys::audit_chain())
        .await
        .unwrap()
        .unwrap();
    let other = MasterSecret::generate(&SeededRandom::new(99));
    let said = Chain::new(
        &other,
        chain.newest.clone(),
        chain.anchor.clone(),
        Seq(chain.cursor + 100),
    );
    write(&world, vec![put(keys::audit_chain(), codec::encode(&said).unwrap())]).await;
    let found = findings(&world).await;
    assert_eq!(
        found,
        [
            "The record of where the chain stands was changed.".to_owned(),
            format!("The event e_forged of {} was put there past the chain.", forged.at)
        ]
    );
}

#[tokio::test]
async fn a_block_that_was_changed_removed_or_swapped_is_found() {
    for (what, wanted) in [
        ("changed", "Block 2 was changed, or does not belong there."),
        ("reordered", "Block 2 was changed, or does not belong there."),
        ("removed", "The blocks 2 to 2 are gone."),
        ("swapped", "Block 2 was changed, or does not belong there."),
        ("first", "The blocks 1 to 1 are gone."),
        ("last", "The chain ends at block"),
    ] {
        let world = world().await;
        let all = blocks(&world).await;
        assert!(all.len() >= 3);
        let [first, second, third] = [0, 1, 2].map(|at| all[at].value.clone());
        let at = |block: &Block| keys::audit_block(block.number);
        let stored = |block: &Block| put(at(block), codec::encode(block).unwrap());
        let writes = match what {
            "changed" => {
                let links = second.links.iter().cloned().chain([second.links[0].clone()]).collect();
                vec![stored(&Block {
                    links,
                    ..second.clone()
                })]
            }
            "reordered" => {
                let links = vec![first.links[0].clone()];
                vec![stored(&Block {
                    links,
                    ..second.clone()
                })]
            }
            "swapped" => vec![
                stored(&Block {
                    number: 3,
                    ..second.clone()
                }),
                stored(&Block {
                    number: 2,
                    ..third.clone()
                }),
            ],
            "removed" => vec![Write::Delete { key: at(&second) }],
            "first" => vec![Write::Delete { key: at(&first) }],
            _ => vec![Write::Delete {
                key: at(&all.last().unwrap().value),
            }],
        };
        write(&world, writes).await;
        let found = findings(&world).await;
        assert!(found.iter().any(|one| one.starts_with(wanted)), "{what}: {found:?}");
    }
}

#[tokio::test]
async fn a_chain_that_was_cut_back_as_a_whole_does_not_lead_through_its_noted_end() {
    let world = world().await;
    let old = load::<Chain>(&*world.ctx.store, &keys::audit_chain())
        .await
        .unwrap()
        .unwrap()
        .value;
    let before: Vec<String> = events(&world).await.iter().map(|event| event.id.clone()).collect();
    world
        .add_member("late@example.com", grantd::model::role::Role::Member)
        .await;
    chain(&world).await;
    let end = self::report(&world).await["end"].as_str().unwrap().to_owned();
    let since = async || {
        let report = world
            .run(Command::AuditVerify {
                since: Some(end.clone()),
            })
            .await;
        report["findings"].clone()
    };
    assert_eq!(since().await, Value::Array(Vec::new()));
    // Everything as it was before: the chain, its blocks and the events.
    let mut writes = vec![put(keys::audit_chain(), codec::encode(&old).unwrap())];
    let later = blocks(&world)
        .await
        .into_iter()
        .filter(|block| block.number > old.newest.number);
    writes.extend(later.map(|block| Write::Delete {
        key: keys::audit_block(block.number),
    }));
    let gone = events(&world)
        .await
        .into_iter()
        .filter(|event| !before.contains(&event.id));
    writes.extend(gone.map(|event| Write::Delete { key: key_of(&event) }));
    write(&world, writes).await;
    assert_eq!(
        findings(&world).await,
        Vec::<String>::new(),
        "it is a good chain, only a short one"
    );
    let found = since().await;
    assert!(
        found[0]
            .as_str()
            .unwrap()
            .starts_with("The chain does not lead through"),
        "{found}"
    );
}

#[tokio::test]
async fn events_that_nobody_chained_yet_are_told_and_after_a_minute_as_a_lag() {
    let world = world().await;
    world
        .add_member("late@example.com", grantd::model::role::Role::Member)
        .await;
    let report = self::report(&world).await;
    assert!(report["waiting"].as_u64() > Some(0), "{report}");
    assert_eq!(
        (report["lags"].as_bool(), report["findings_total"].as_u64()),
        (Some(false), Some(0))
    );
    assert_eq!(report["waiting_since"], START.millis());
    world.advance(Duration::from_secs(61));
    assert_eq!(self::report(&world).await["lags"], true);
    chain(&world).await;
    let report = self::report(&world).await;
    assert_eq!(
        (report["waiting"].as_u64(), report["lags"].as_bool()),
        (Some(0), Some(false))
    );
}

#[tokio::test]
async fn what_was_kept_long_enough_goes_and_the_rest_still_holds() {
    let world = world().await;
    let blocks_before = blocks(&world).await.len();
    world.advance(KEPT);
    world
        .add_member("late@example.com", grantd::model::role::Role::Member)
        .await;
    world.ctx.store.sweep(world.ctx.now(), 1000).await.unwrap();
    assert_eq!(
        findings(&world).await,
        Vec::<String>::new(),
        "between the sweep and the chain's own turn"
    );
    chain(&world).await;
    let left = blocks(&world).await;
    assert!(left.len() < blocks_before && left[0].number > 1, "{left:?}");
    let report = self::report(&world).await;
    assert_eq!(report["findings_total"], 0, "{report}");
    assert!(report["events"].as_u64() > Some(0), "{report}");
    // And what goes now goes too early.
    let event = events(&world).await.pop().unwrap();
    write(&world, vec![Write::Delete { key: key_of(&event) }]).await;
    assert_eq!(findings(&world).await.len(), 1);
}

#[tokio::test]
async fn events_from_before_the_chain_and_from_an_import_are_chained_too() {
    let world = World::new("default").await;
    world
        .add_member("early@example.com", grantd::model::role::Role::Member)
        .await;
    chain(&world).await;
    let report = self::report(&world).await;
    assert_eq!(
        (report["findings_total"].as_u64(), report["waiting"].as_u64()),
        (Some(0), Some(0)),
        "{report}"
    );
    let count = report["events"].as_u64();
    // Every record but the chain's own, as an import writes them: in another order and other commits.
    let rows = world.ctx.store.scan(&Key::default(), None, 10_000).await.unwrap();
    let rows = rows.into_iter().filter(|(key, _)| *key != keys::audit_chain());
    let writes: Vec<Write> = rows
        .map(|(key, stored)| Write::Put {
            key,
            value: stored.value.to_vec(),
            expires_at: stored.expires_at,
        })
        .collect();
    let store = Arc::new(MemoryStore::new());
    for some in writes.chunks(40) {
        let batch = Batch {
            writes: some.to_vec(),
            ..Batch::default()
        };
        store.commit(batch).await.unwrap();
    }
    let config = world.ctx.config.clone();
    let ctx = open(config, store, world.clock.clone(), 1, 3).await.expect("it opens");
    turn(&ctx, &mut Turns::default()).await.expect("chained");
    let report = verify::verify(&ctx, None).await.unwrap();
    assert_eq!((report.findings_total, report.waiting), (0, 0), "{report:?}");
    assert_eq!(Some(report.events), count, "none twice, and none lost");
}

#[tokio::test]
async fn a_store_that_is_away_delays_the_chain_and_loses_nothing() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    chain(&world).await;
    world
        .add_member("late@example.com", grantd::model::role::Role::Member)
        .await;
    let mut turns = Turns::default();
    store.fail_commits(true);
    assert!(turn(&world.ctx, &mut turns).await.is_err());
    store.fail_commits(false);
    turn(&world.ctx, &mut turns).await.expect("chained");
    let report = self::report(&world).await;
    assert_eq!(
        (report["findings_total"].as_u64(), report["waiting"].as_u64()),
        (Some(0), Some(0)),
        "{report}"
    );
}
