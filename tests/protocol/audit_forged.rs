//! What somebody wrote past the chain over the audit log is never sealed as if it belonged there.

use crate::audit_chain::{blocks, chain, events, findings, key_of, put, world, write};
use grantd::base::master::MasterSecret;
use grantd::base::random::SeededRandom;
use grantd::model::audit_chain::{Chain, Place};
use grantd::model::event::Event;
use grantd::platform::audit_chain::{Turns, turn};
use grantd::store::records::load;
use grantd::store::{Seq, StoreError, Write, codec, keys};
use std::time::Duration;

/// The chain names an event by its time and its id.
#[tokio::test]
async fn an_event_under_the_id_of_another_is_found() {
    let world = world().await;
    let known = events(&world).await[0].value.clone();
    let forged = Event {
        at: known.at + Duration::from_secs(1),
        ..known
    };
    write(&world, vec![put(key_of(&forged), codec::encode(&forged).unwrap())]).await;
    // The job would chain it as if it had just happened: so that was looked at before.
    let ctx = &world.ctx;
    let stands = load::<Chain>(&*ctx.store, &keys::audit_chain()).await.unwrap().unwrap();
    let written = load::<Event>(&*ctx.store, &key_of(&forged)).await.unwrap().unwrap();
    let (newest, anchor) = (stands.newest.clone(), stands.anchor.clone());
    let said = Chain::new(&ctx.secret, newest, anchor, written.version);
    write(&world, vec![put(keys::audit_chain(), codec::encode(&said).unwrap())]).await;
    let wanted = format!("The event {} of {} was put there past the chain.", forged.id, forged.at);
    assert_eq!(findings(&world).await, [wanted]);
}

/// Cut back to an earlier block by somebody without the secret, it would be sealed by the next event.
#[tokio::test]
async fn a_record_of_the_chain_that_somebody_else_wrote_is_not_gone_on_from() {
    let world = world().await;
    let last = blocks(&world).await.pop().expect("blocks");
    let stands = load::<Chain>(&*world.ctx.store, &keys::audit_chain())
        .await
        .unwrap()
        .unwrap();
    let other = MasterSecret::generate(&SeededRandom::new(99));
    let said = Chain::new(&other, last.before.clone(), Place::default(), Seq(stands.cursor));
    let block = Write::Delete {
        key: keys::audit_block(last.number),
    };
    write(
        &world,
        vec![put(keys::audit_chain(), codec::encode(&said).unwrap()), block],
    )
    .await;
    world.add_organization("Later").await;

    let refused = turn(&world.ctx, &mut Turns::default()).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    let found = findings(&world).await;
    assert_eq!(
        found[0], "The record of where the chain stands was changed.",
        "{found:?}"
    );
}

/// Whoever takes the record away has the chain begun anew, behind blocks that are its own.
#[tokio::test]
async fn a_chain_is_not_begun_anew_behind_blocks_that_were_changed() {
    let world = world().await;
    let first = &blocks(&world).await[0];
    let record = Write::Delete {
        key: keys::audit_chain(),
    };
    write(&world, vec![record]).await;
    chain(&world).await;
    assert_eq!(findings(&world).await, [""; 0], "what is whole goes on");

    let mut changed = first.value.clone();
    changed.links.pop();
    let record = Write::Delete {
        key: keys::audit_chain(),
    };
    let writes = vec![
        put(keys::audit_block(first.number), codec::encode(&changed).unwrap()),
        record,
    ];
    write(&world, writes).await;
    let refused = turn(&world.ctx, &mut Turns::default()).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
}
