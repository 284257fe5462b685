//! The same code or refresh token many times at once: one request decides, the others are judged by what it did.

use crate::world::{Answer, World};
use crate::yielding::Yielding;
use grantd::model::event::{Event, EventKind};
use grantd::model::grant::GrantStatus;
use grantd::store::keys;
use grantd::store::records::list;
use std::sync::Arc;
use std::time::Duration;

const EXCHANGES: usize = 16;
const REFRESHES: usize = 8;
/// As many as broke the chain elsewhere.
const REFRESHES_MANY: usize = 50;
const KEY: &str = "the-key-of-the-client";
/// Rounds with one server; then another begins, so that none gets slow.
const ROUNDS_PER_WORLD: u64 = 50;

/// Rounds of each race, from the number of requests the full run promises.
fn rounds(at_once: usize) -> u64 {
    let requests: u64 = if std::env::var_os("GRANTD_TEST_FULL").is_some() {
        50_000
    } else {
        800
    };
    requests.div_ceil(at_once as u64)
}

/// Plays `round` in worlds whose stores order requests differently, and says how many requests that were.
async fn play(name: &str, at_once: usize, round: impl AsyncFn(&World)) {
    let rounds = rounds(at_once);
    for first in (0..rounds).step_by(usize::try_from(ROUNDS_PER_WORLD).expect("small")) {
        let world = World::new(Arc::new(Yielding::new(first)), first).await;
        for _ in first..rounds.min(first + ROUNDS_PER_WORLD) {
            // Families begin one after the other, and no grace reaches from one round into the next.
            world.clock.advance(Duration::from_secs(60));
            round(&world).await;
        }
    }
    println!("raced requests: {}, {name}, {at_once} at once", rounds * at_once as u64);
}

async fn at_once<F>(requests: impl IntoIterator<Item = F>) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let running: Vec<_> = requests.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for request in running {
        answers.push(request.await.expect("no panic"));
    }
    answers
}

async fn refresh_token(world: &World) -> String {
    let answer = world.exchange(&world.code().await, None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text("refresh_token")
}

/// Since the world began.
async fn events(world: &World, kind: EventKind) -> usize {
    let (events, _) = list::<Event>(&*world.ctx.store, &keys::events(), None, 10_000)
        .await
        .unwrap();
    events.iter().filter(|event| event.kind == kind).count()
}

fn count(answers: &[Answer], status: u16, error: &str) -> usize {
    let matches = |a: &&Answer| a.status == status && a.json["error"].as_str().unwrap_or_default() == error;
    answers.iter().filter(matches).count()
}

/// All are answered 200 and alike; one of them was not a repeat.
#[track_caller]
fn assert_one_answer(answers: &[Answer]) {
    assert_eq!(count(answers, 200, ""), answers.len(), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(
        answers.iter().all(|answer| answer.body == answers[0].body),
        "{answers:?}"
    );
}

/// One is answered 200, the others are refused and told nothing more.
#[track_caller]
fn assert_one_winner(answers: &[Answer]) -> &Answer {
    assert_eq!(count(answers, 200, ""), 1, "{answers:?}");
    assert_eq!(count(answers, 400, "invalid_grant"), answers.len() - 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| !answer.recovery_expired && !answer.replayed)
    );
    answers.iter().find(|answer| answer.status == 200).expect("one")
}

#[tokio::test]
async fn of_many_exchanges_of_a_code_one_wins_and_what_it_made_ends() {
    play("keyless exchanges", EXCHANGES, async |world| {
        let before = events(world, EventKind::CodeReuseDetected).await;
        let code = world.code().await;
        let answers = at_once((0..EXCHANGES).map(|_| world.exchange(&code, None))).await;
        let won = assert_one_winner(&answers);
        assert!(!world.is_active(&won.text("access_token")).await);
        assert!(!world.is_active(&won.text("refresh_token")).await);
        assert_eq!(events(world, EventKind::CodeReuseDetected).await, before + 1);
    })
    .await;
}

#[tokio::test]
async fn many_exchanges_of_a_code_with_one_key_get_one_answer() {
    play("keyed exchanges", EXCHANGES, async |world| {
        let code = world.code().await;
        let answers = at_once((0..EXCHANGES).map(|_| world.exchange(&code, Some(KEY)))).await;
        assert_one_answer(&answers);
        assert!(world.is_active(&answers[0].text("refresh_token")).await);
        assert_eq!(events(world, EventKind::CodeReuseDetected).await, 0);
    })
    .await;
}

/// Parallel tabs, or a retry that overtakes the request.
#[tokio::test]
async fn past_cve_2026_1035_hydra_3604_many_refreshes_without_a_key_get_one_successor() {
    play("keyless refreshes", REFRESHES, async |world| {
        let token = refresh_token(world).await;
        let answers = at_once((0..REFRESHES).map(|_| world.refresh(&token, None))).await;
        assert_one_answer(&answers);
        assert!(world.is_active(&answers[0].text("refresh_token")).await);
        assert!(world.is_active(&answers[0].text("access_token")).await);
        assert_eq!(world.family().await.counter, 1);
        assert_eq!(events(world, EventKind::RefreshReuseDetected).await, 0);
    })
    .await;
}

/// Fifty at once in a few worlds, with the receipt of a key and without.
#[tokio::test]
async fn past_cve_2026_1035_of_fifty_refreshes_at_once_one_makes_a_branch() {
    for seed in 0..4 {
        let world = World::new(Arc::new(Yielding::new(seed)), seed).await;
        for key in [None, Some(KEY)] {
            let token = refresh_token(&world).await;
            let answers = at_once((0..REFRESHES_MANY).map(|_| world.refresh(&token, key))).await;
            assert_one_answer(&answers);
            assert_eq!(world.family().await.counter, 1);
            // The one branch goes on.
            let next = world.refresh(&answers[0].text("refresh_token"), None).await;
            assert_eq!((next.status, next.replayed), (200, false));
            assert_eq!(world.family().await.counter, 2);
            assert_eq!(events(&world, EventKind::RefreshReuseDetected).await, 0);
            world.clock.advance(Duration::from_secs(60));
        }
    }
}

#[tokio::test]
async fn many_refreshes_with_one_key_get_one_answer() {
    play("refreshes with one key", REFRESHES, async |world| {
        let token = refresh_token(world).await;
        let answers = at_once((0..REFRESHES).map(|_| world.refresh(&token, Some(KEY)))).await;
        assert_one_answer(&answers);
        assert!(world.is_active(&answers[0].text("refresh_token")).await);
        assert_eq!(world.family().await.counter, 1);
        assert_eq!(events(world, EventKind::RefreshReuseDetected).await, 0);
    })
    .await;
}

#[tokio::test]
async fn of_many_refreshes_with_different_keys_one_wins_and_the_grant_ends() {
    play("refreshes with different keys", REFRESHES, async |world| {
        let before = events(world, EventKind::RefreshReuseDetected).await;
        let token = refresh_token(world).await;
        let keys: Vec<_> = (0..REFRESHES).map(|n| format!("key-number-{n}")).collect();
        let answers = at_once(keys.iter().map(|key| world.refresh(&token, Some(key)))).await;
        let won = assert_one_winner(&answers);
        assert!(!world.is_active(&won.text("refresh_token")).await);
        assert!(!world.is_active(&won.text("access_token")).await);
        assert_eq!(world.grant().await.status, GrantStatus::NeedsConsent);
        assert_eq!(events(world, EventKind::RefreshReuseDetected).await, before + 1);
    })
    .await;
}
