//! What failed sign-ins tell: that they failed. Not whether it was the password, the code, or too many of them.

use crate::browser::{Browser, EMAIL, PASSWORD, hidden, set_password, world};
use crate::support::World;
use crate::totp::enrolled;
use grantd::store::{Seq, Write};
use std::time::Duration;

/// Status, headers that say something, the page without what differs by browser, and what the attempt cost: its writes,
/// by the first byte of their keys and their length.
type Seen = (u16, Option<String>, String, Vec<Vec<(u8, usize)>>);

async fn attempt(world: &World, (email, password, code): (&str, &str, &str)) -> Seen {
    let browser = Browser::new(world);
    let page = browser.get("/login").await;
    let before = last(world).await;
    let fields = [("email", email), ("password", password), ("totp", code)];
    let answer = browser.submit(&page, "/login", &fields).await;
    let changes = world.ctx.store.changes(before, 100).await.unwrap();
    let cost = changes.iter().map(|change| change.writes.iter().map(size).collect());
    assert!(answer.header("location").is_none(), "{answer:?}");
    let csrf = hidden(&answer, "/login")[0].1.clone();
    let shown = answer.body.replace(&csrf, "").replace(email, "");
    (
        answer.status,
        answer.header("retry-after").map(str::to_owned),
        shown,
        cost.collect(),
    )
}

fn size(write: &Write) -> (u8, usize) {
    match write {
        Write::Put { key, value, .. } => (key.0[0], value.len()),
        Write::Delete { key } => (key.0[0], 0),
    }
}

async fn last(world: &World) -> Seq {
    let mut last = Seq(0);
    while let Some(change) = world.ctx.store.changes(last, 1000).await.unwrap().last() {
        last = change.seq;
    }
    last
}

/// Twelve attempts of each kind, past the five that the codes allow and the ten that the address does.
#[tokio::test]
async fn past_cve_2025_3910_2026_4633_wrong_codes_look_like_wrong_passwords_however_many() {
    let mut kinds = Vec::new();
    for kind in [
        (EMAIL, "not the password", "999999"),
        (EMAIL, PASSWORD, "999999"),
        (EMAIL, PASSWORD, ""),
        (EMAIL, PASSWORD, "ABCDE-FGHJK"),
        ("plain@example.com", "not the password", "999999"),
        ("plain@example.com", "not the password", ""),
        ("nobody@example.com", PASSWORD, "999999"),
    ] {
        let asking = world("default").await;
        let world = &asking.world;
        enrolled(world).await;
        world.add_user("plain@example.com").await;
        set_password(world, "plain@example.com").await;
        let mut seen = Vec::new();
        for _ in 0..12 {
            seen.push(attempt(world, kind).await);
        }
        kinds.push((kind, seen));
    }
    let (_, first) = &kinds[0];
    let statuses: Vec<u16> = first.iter().map(|seen| seen.0).collect();
    assert_eq!(statuses, [[422; 10].as_slice(), &[429; 2]].concat());
    assert!(
        first[..10].iter().all(|seen| seen.3.len() == 1),
        "one commit each: {first:?}"
    );
    for (kind, seen) in &kinds {
        for (at, (seen, expected)) in seen.iter().zip(first).enumerate() {
            assert_eq!(seen, expected, "{kind:?}, attempt {at}");
        }
    }
}

/// Once the wrong codes are forgotten the right one works: nobody is shut out for longer.
#[tokio::test]
async fn after_five_wrong_codes_the_right_one_waits_a_quarter_of_an_hour() {
    let asking = world("default").await;
    let world = &asking.world;
    let device = enrolled(world).await;
    for _ in 0..5 {
        assert_eq!(attempt(world, (EMAIL, PASSWORD, "999999")).await.0, 422);
    }
    let enters = async || {
        let browser = Browser::new(world);
        let page = browser.get("/login").await;
        let code = device.code(world);
        let fields = [("email", EMAIL), ("password", PASSWORD), ("totp", code.as_str())];
        browser.submit(&page, "/login", &fields).await
    };
    world.advance(Duration::from_secs(15 * 60 - 1));
    let held = enters().await;
    assert_eq!(held.status, 422);
    assert!(held.body.contains("none is accepted for 15 minutes"), "{held:?}");
    world.advance(Duration::from_secs(1));
    assert_eq!(enters().await.status, 303);
}
