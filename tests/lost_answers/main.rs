//! A server killed between a decision and its answer. The client asks again, as clients do, and loses nothing; whoever
//! holds what was rotated or revoked holds nothing.
//!
//! The test starts itself again as the server of one request, which kills itself with SIGKILL at one of four points of
//! the commit. GRANTD_TEST_FULL=1 goes through all of them; otherwise through one of each kind.

mod child;
mod client;
mod trap;

use child::World;
use client::{Client, ClientType};
use std::fmt;
use trap::Point;

const KEYS: [Option<&str>; 2] = [None, Some("the-key-of-this-try")];

/// Everything that a case varies.
#[derive(Clone, Copy)]
struct Case {
    client: ClientType,
    key: Option<&'static str>,
    point: Point,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_some() { "keyed" } else { "keyless" };
        write!(f, "{:?}, {key}, {:?}", self.client, self.point)
    }
}

fn cases() -> Vec<Case> {
    let full = std::env::var_os("GRANTD_TEST_FULL").is_some();
    let mut cases = Vec::new();
    for (number, client) in ClientType::ALL.into_iter().enumerate() {
        for key in KEYS {
            for (at, point) in Point::ALL.into_iter().enumerate() {
                if full || (at + number + usize::from(key.is_some())) % 4 == 0 {
                    cases.push(Case { client, key, point });
                }
            }
        }
    }
    cases
}

/// Of requests that only installations make.
fn points() -> &'static [Point] {
    if std::env::var_os("GRANTD_TEST_FULL").is_some() {
        &Point::ALL
    } else {
        &[Point::BeforeAppend, Point::AfterApply]
    }
}

/// A world in which the client was killed while it sent `request` once, at the case's point.
fn killed(case: Case, prepare: impl Fn(&World, &Client) -> String) -> (World, Client, String) {
    let world = World::new(case.client);
    let client = Client::new(&world, case.client);
    let form = prepare(&world, &client);
    world.kill(&client.request("/oauth/token", &form, case.key), case.point);
    (world, client, form)
}

/// A refresh after the answer arrived, and then the old token again: the first goes on, the second is a theft.
fn goes_on(world: &World, client: &Client, refresh_token: &str, case: Case) -> String {
    let next = world.ask(&client.refresh(refresh_token, None));
    assert_eq!(next.status, 200, "{case}: {next:?}");
    next.text("refresh_token")
}

#[test]
fn a_code_exchange_asked_again_gives_what_was_committed_or_ends_it() {
    for case in cases() {
        let (world, client, form) = killed(case, |world, client| client.exchange_form(&world.code(client)));
        let again = world.ask(&client.request("/oauth/token", &form, case.key));
        let committed = case.point != Point::BeforeAppend;
        match case.key {
            // Nobody can tell the client from a thief: what the code made is dead, whether anyone got it or not.
            None if committed => {
                assert_eq!(again.error(), (400, "invalid_grant".to_owned()), "{case}: {again:?}");
                continue;
            }
            _ => assert_eq!(again.status, 200, "{case}: {again:?}"),
        }
        assert_eq!(again.replayed(), committed, "{case}: {again:?}");
        if case.key.is_some() {
            let third = world.ask(&client.request("/oauth/token", &form, case.key));
            assert_eq!((third.status, &third.body), (200, &again.body), "{case}");
        }
        assert!(world.active(&again.text("access_token")), "{case}");
        goes_on(&world, &client, &again.text("refresh_token"), case);
    }
}

#[test]
fn a_refresh_asked_again_gives_the_committed_successor_and_the_rotated_token_stays_dead() {
    for case in cases() {
        let (world, client, form) = killed(case, |world, client| {
            let first = world.ask(&client.request("/oauth/token", &client.exchange_form(&world.code(client)), None));
            client.refresh_form(&first.text("refresh_token"))
        });
        let again = world.ask(&client.request("/oauth/token", &form, case.key));
        assert_eq!(again.status, 200, "{case}: {again:?}");
        let committed = case.point != Point::BeforeAppend;
        assert_eq!(again.replayed(), committed, "{case}: {again:?}");
        let third = world.ask(&client.request("/oauth/token", &form, case.key));
        assert_eq!(third.text("refresh_token"), again.text("refresh_token"), "{case}");
        if case.key.is_some() {
            assert_eq!(third.body, again.body, "{case}");
        }
        let newest = goes_on(&world, &client, &again.text("refresh_token"), case);
        // The rotated token is dead: its own key is told so, anybody else ends everything.
        let late = world.ask(&client.request("/oauth/token", &form, case.key));
        assert_eq!(late.error(), (400, "invalid_grant".to_owned()), "{case}: {late:?}");
        assert_eq!(late.recovery_expired(), case.key.is_some(), "{case}: {late:?}");
        let after = world.ask(&client.refresh(&newest, None));
        assert_eq!(after.status == 200, case.key.is_some(), "{case}: {after:?}");
    }
}

#[test]
fn a_revocation_asked_again_has_happened() {
    for case in cases().into_iter().filter(|case| case.key.is_none()) {
        let world = World::new(case.client);
        let client = Client::new(&world, case.client);
        let first = world.ask(&client.request("/oauth/token", &client.exchange_form(&world.code(&client)), None));
        let (refresh_token, access_token) = (first.text("refresh_token"), first.text("access_token"));
        let form = format!("token={refresh_token}");
        world.kill(&client.request("/oauth/revoke", &form, None), case.point);
        assert_eq!(world.active(&access_token), case.point == Point::BeforeAppend, "{case}");
        let again = world.ask(&client.request("/oauth/revoke", &form, None));
        assert_eq!(again.status, 200, "{case}: {again:?}");
        assert!(!world.active(&access_token), "{case}");
        let refreshed = world.ask(&client.refresh(&refresh_token, None));
        assert_eq!(
            refreshed.error(),
            (400, "invalid_grant".to_owned()),
            "{case}: {refreshed:?}"
        );
    }
}

#[test]
fn a_registration_asked_again_gives_the_one_client_and_its_key_still_proves_whose_it_is() {
    const SITE: &str = "https://lost.example";
    for point in points() {
        let world = World::new(ClientType::Native);
        let lost = Client::of_site(SITE);
        world.kill(&lost.registration(SITE, None), *point);
        let committed = *point != Point::BeforeAppend;
        // The plugin makes a new key for every try, and keeps the keys of before.
        let second = lost.with_key(10);
        let unproven = world.ask(&second.registration(SITE, None));
        if committed {
            assert_eq!(
                unproven.error(),
                (401, "previous_dpop_required".to_owned()),
                "{point:?}"
            );
            let proven = world.ask(&second.registration(SITE, Some(&lost)));
            assert_eq!(proven.status, 200, "{point:?}: {proven:?}");
            let same = world.ask(&lost.registration(SITE, None));
            assert_eq!(same.text("client_id"), proven.text("client_id"), "{point:?}");
        } else {
            assert_eq!(unproven.status, 201, "{point:?}: {unproven:?}");
        }
    }
}

#[test]
fn a_reset_asked_again_with_the_token_that_it_killed_gives_the_committed_answer() {
    for point in points() {
        let world = World::new(ClientType::Native);
        let client = Client::new(&world, ClientType::Native);
        let form = client.exchange_form(&world.code(&client));
        let access = world
            .ask(&client.request("/oauth/token", &form, None))
            .text("access_token");
        world.kill(&client.reset(&access, "the-key-of-the-reset"), *point);
        let committed = *point != Point::BeforeAppend;
        assert_eq!(world.active(&access), !committed, "{point:?}");
        let again = world.ask(&client.reset(&access, "the-key-of-the-reset"));
        assert_eq!(
            (again.status, again.replayed()),
            (200, committed),
            "{point:?}: {again:?}"
        );
        let third = world.ask(&client.reset(&access, "the-key-of-the-reset"));
        assert_eq!((third.replayed(), &third.body), (true, &again.body), "{point:?}");
    }
}

/// The access token of an app that acts for itself.
fn minted(world: &World) -> String {
    let robot = Client::confidential(world, "private");
    let answer = world.ask(&robot.request("/oauth/token", "grant_type=client_credentials", None));
    answer.text("access_token")
}

fn subscription_of(world: &World, access: &str) -> serde_json::Value {
    let read = world.ask(&Client::subscription("GET", access, None));
    assert_eq!(read.status, 200, "{read:?}");
    read.json()["subscription"].clone()
}

#[test]
fn a_webhook_subscription_put_again_gives_the_committed_answer_with_its_secret() {
    for point in points() {
        let world = World::new(ClientType::Native);
        let access = minted(&world);
        let put = Client::subscription("PUT", &access, Some("the-key-of-the-put"));
        world.kill(&put, *point);
        let committed = *point != Point::BeforeAppend;
        let kept = subscription_of(&world, &access);
        assert_eq!(kept.is_object(), committed, "{point:?}: {kept}");
        let again = world.ask(&put);
        assert_eq!(
            (again.status, again.replayed()),
            (200, committed),
            "{point:?}: {again:?}"
        );
        assert!(
            again.text("signingSecret").starts_with("mkwhsec_"),
            "{point:?}: {again:?}"
        );
        assert!(
            !committed || again.json()["subscription"] == kept,
            "{point:?}: {again:?}"
        );
        let third = world.ask(&put);
        assert_eq!((third.replayed(), &third.body), (true, &again.body), "{point:?}");
    }
}

#[test]
fn a_webhook_subscription_deleted_again_gives_the_committed_answer_and_is_off_once() {
    for point in points() {
        let world = World::new(ClientType::Native);
        let access = minted(&world);
        let made = world.ask(&Client::subscription("PUT", &access, Some("the-key-of-the-put")));
        assert_eq!(made.status, 200, "{made:?}");
        let delete = Client::subscription("DELETE", &access, Some("the-key-of-the-end"));
        world.kill(&delete, *point);
        let committed = *point != Point::BeforeAppend;
        let kept = subscription_of(&world, &access);
        assert_eq!(kept["active"], !committed, "{point:?}: {kept}");
        let again = world.ask(&delete);
        assert_eq!(
            (again.status, again.replayed()),
            (200, committed),
            "{point:?}: {again:?}"
        );
        let off = &again.json()["subscription"];
        assert_eq!(
            (&off["id"], off["active"] == false),
            (&kept["id"], true),
            "{point:?}: {off}"
        );
        let third = world.ask(&delete);
        assert_eq!((third.replayed(), &third.body), (true, &again.body), "{point:?}");
    }
}

#[test]
fn the_full_run_goes_through_every_point_with_and_without_a_key_for_every_client() {
    let kills = cases().len() * 2 + cases().iter().filter(|case| case.key.is_none()).count() + points().len() * 4;
    println!("lost answers: {kills} kills at four points of a commit");
    if std::env::var_os("GRANTD_TEST_FULL").is_some() {
        assert_eq!(kills, 4 * 2 * 4 * 2 + 4 * 4 + 4 * 4);
    }
}

/// Not a test of its own: what the tests above run as a process of its own.
#[test]
fn child() {
    child::run();
}
