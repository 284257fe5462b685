//! One-time codes (RFC 6238): on with a code, once each, counted, and no way around them.

use crate::browser::{Browser, EMAIL, PASSWORD, hidden, world};
use crate::http::Answer;
use crate::support::{START, World};
use grantd::account::second_factor::check;
use grantd::account::{Refusal, passwords};
use grantd::base::secret::Secret;
use grantd::control::Command;
use grantd::model::user::User;
use grantd::store::keys;
use grantd::store::records::{Versioned, load_by_index};
use std::time::Duration;
use totp_rs::{Builder, Secret as Seed};

const STEP: Duration = Duration::from_secs(30);

pub struct Device {
    seed: Vec<u8>,
    recovery: Vec<String>,
}

impl Device {
    /// As the page shows the secret.
    fn scanned(page: &Answer) -> Self {
        let code = page.body.split("<code>").nth(1).expect("the secret");
        let text: String = code.split('<').next().unwrap().split(' ').collect();
        let seed = Seed::try_from_base32(&text).expect("base32");
        Self {
            seed: seed.as_bytes().to_vec(),
            recovery: Vec::new(),
        }
    }

    pub fn code(&self, world: &World) -> String {
        let totp = Builder::new().with_secret(self.seed.clone()).build_noncompliant();
        totp.generate(world.ctx.now().seconds()).to_string()
    }
}

/// Turns one-time codes on for Ada, in a browser of its own.
pub async fn enrolled(world: &World) -> Device {
    let browser = Browser::new(world);
    browser.sign_in().await;
    let page = browser.get("/account/totp").await;
    let mut device = Device::scanned(&page);
    let done = confirm(&browser, &page, &device.code(world), PASSWORD).await;
    assert_eq!(done.status, 200, "{done:?}");
    let codes = done.body.split("<code>").skip(1);
    device.recovery = codes.map(|code| code.split('<').next().unwrap().to_owned()).collect();
    device
}

async fn confirm(browser: &Browser<'_>, page: &Answer, code: &str, password: &str) -> Answer {
    let fields = [("code", code), ("password", password)];
    browser.submit(page, "/account/totp", &fields).await
}

async fn sign_in(world: &World, code: &str) -> Answer {
    let browser = Browser::new(world);
    let page = browser.get("/login").await;
    let fields = [("email", EMAIL), ("password", PASSWORD), ("totp", code)];
    browser.submit(&page, "/login", &fields).await
}

async fn ada(world: &World) -> Versioned<User> {
    let found = load_by_index::<User>(&*world.ctx.store, &keys::email(EMAIL)).await;
    found.unwrap().expect("Ada is there")
}

#[tokio::test]
async fn codes_are_turned_on_with_a_code_and_the_password_and_asked_for_from_then_on() {
    let asking = world("default").await;
    let world = &asking.world;
    let browser = Browser::new(world);
    assert_eq!(
        browser.get("/account/totp").await.header("location"),
        Some("/login?next=/account/totp")
    );
    browser.sign_in().await;
    let page = browser.get("/account/totp").await;
    assert!(
        page.body.contains("<svg") && page.body.contains("<path d=\"M"),
        "{page:?}"
    );
    let device = Device::scanned(&page);
    assert_eq!(device.seed.len(), 20);
    let good = device.code(world);
    for (code, password) in [
        ("000000", PASSWORD),
        (good.as_str(), "not the password"),
        ("", PASSWORD),
    ] {
        let refused = confirm(&browser, &page, code, password).await;
        assert_eq!(refused.status, 422, "{code}");
        assert_eq!(Device::scanned(&refused).seed, device.seed, "the same picture again");
    }
    assert!(ada(world).await.totp.is_none(), "looking and failing turns nothing on");
    assert_eq!(confirm(&browser, &page, &good, PASSWORD).await.status, 200);
    assert_eq!(sign_in(world, "").await.status, 422);
    world.advance(STEP);
    assert_eq!(sign_in(world, &device.code(world)).await.status, 303);
    let again = confirm(&browser, &page, &device.code(world), PASSWORD).await;
    assert_eq!(again.status, 410, "a seed replaces none that is there");
}

#[tokio::test]
async fn a_seed_that_was_offered_is_good_for_its_user_and_for_an_hour() {
    let asking = world("default").await;
    let world = &asking.world;
    let browser = Browser::new(world);
    browser.sign_in().await;
    let page = browser.get("/account/totp").await;
    let device = Device::scanned(&page);
    world.advance(Duration::from_secs(60 * 60));
    let late = confirm(&browser, &page, &device.code(world), PASSWORD).await;
    assert_eq!(late.status, 410, "{late:?}");

    let other = Browser::new(world);
    world.add_user("other@example.com").await;
    crate::browser::set_password(world, "other@example.com").await;
    let form = other.get("/login").await;
    let fields = [("email", "other@example.com"), ("password", PASSWORD)];
    other.submit(&form, "/login", &fields).await;
    let page = browser.get("/account/totp").await;
    let seed = hidden(&page, "/account/totp")
        .into_iter()
        .find(|(name, _)| name == "seed")
        .unwrap()
        .1;
    let code = Device::scanned(&page).code(world);
    let theirs = other.get("/account/totp").await;
    let fields = [("seed", seed.as_str()), ("code", &code), ("password", PASSWORD)];
    assert_eq!(other.submit(&theirs, "/account/totp", &fields).await.status, 410);
}

#[tokio::test]
async fn a_code_works_once_and_one_step_to_either_side() {
    let asking = world("default").await;
    let world = &asking.world;
    let device = enrolled(world).await;
    assert_eq!(
        sign_in(world, &device.code(world)).await.status,
        422,
        "it was used to turn them on"
    );
    world.advance(STEP);
    let code = device.code(world);
    assert_eq!(sign_in(world, &code).await.status, 303);
    assert_eq!(sign_in(world, &code).await.status, 422, "RFC 6238 §5.2");
    world.advance(STEP * 2);
    let early = device.code(world);
    world.clock.set(START + STEP * 2);
    assert_eq!(sign_in(world, &early).await.status, 303, "a device that is ahead");
    assert_eq!(
        sign_in(world, &device.code(world)).await.status,
        422,
        "older than the last one"
    );
    world.clock.set(START + STEP * 10);
    let late = device.code(world);
    world.advance(STEP * 2);
    assert_eq!(sign_in(world, &late).await.status, 422, "two steps late");
    world.clock.set(START + STEP * 11);
    assert_eq!(sign_in(world, &late).await.status, 303, "one step late");
}

#[tokio::test]
async fn of_twenty_who_show_the_same_code_at_once_one_gets_in() {
    let asking = world("default").await;
    let world = &asking.world;
    let device = enrolled(world).await;
    world.advance(STEP);
    let code = device.code(world);
    let user = ada(world).await;
    // All have read the user before any of them writes.
    let mut passed = 0;
    for _ in 0..20 {
        let Ok(used) = check(&world.ctx, &user, Some(&code)).await else {
            continue;
        };
        let mut batch = grantd::store::Batch::new();
        batch.replace(&user, &used).unwrap();
        let outcome = world.ctx.store.commit(batch).await.unwrap();
        passed += u32::from(outcome != grantd::store::Outcome::Conflict);
    }
    assert_eq!(passed, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn past_cve_2025_3910_of_fifty_guesses_at_once_five_are_looked_at_and_a_restart_forgives_none() {
    let asking = world("default").await;
    let world = &asking.world;
    let device = enrolled(world).await;
    let user = ada(world).await;
    let guesses = (0..50).map(|n| {
        let (ctx, user) = (world.ctx.clone(), user.value.clone());
        tokio::spawn(async move { check(&ctx, &user, Some(&format!("99{n:04}"))).await })
    });
    let mut looked_at = 0;
    for guess in guesses.collect::<Vec<_>>() {
        match guess.await.unwrap() {
            Err(Refusal::WrongCode) => looked_at += 1,
            Err(Refusal::Wait(wait)) => assert!(wait <= Duration::from_secs(15 * 60)),
            other => panic!("{:?}", other.map(|_| "passed")),
        }
    }
    assert_eq!(looked_at, 5);
    world.advance(STEP);
    assert_eq!(
        sign_in(world, &device.code(world)).await.status,
        422,
        "the right one too"
    );
    let restarted = world.restarted().await;
    assert_eq!(sign_in(&restarted, &device.code(world)).await.status, 422);
    world.advance(Duration::from_secs(15 * 60));
    assert_eq!(sign_in(&restarted, &device.code(world)).await.status, 303);
}

#[tokio::test]
async fn a_good_code_forgives_the_slips_before_it() {
    let asking = world("default").await;
    let world = &asking.world;
    let device = enrolled(world).await;
    for _ in 0..3 {
        for _ in 0..3 {
            assert_eq!(sign_in(world, "999999").await.status, 422);
        }
        world.advance(STEP * 4);
        assert_eq!(sign_in(world, &device.code(world)).await.status, 303);
    }
}

#[tokio::test]
async fn a_recovery_code_works_once_however_it_is_typed() {
    let asking = world("default").await;
    let world = &asking.world;
    let device = enrolled(world).await;
    assert_eq!(device.recovery.len(), 10);
    let mut different = device.recovery.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 10);
    let typed = device.recovery[3].to_lowercase().replace('-', " ");
    assert_eq!(sign_in(world, &typed).await.status, 303);
    assert_eq!(sign_in(world, &device.recovery[3]).await.status, 422);
    assert_eq!(sign_in(world, &device.recovery[4]).await.status, 303);
    assert_eq!(ada(world).await.totp.clone().unwrap().recovery.len(), 8);
}

#[tokio::test]
async fn past_cve_2025_3910_a_reset_password_is_no_way_around_the_second_factor() {
    let asking = world("default").await;
    let world = &asking.world;
    let device = enrolled(world).await;
    let told = world
        .run(Command::UserReset {
            user: EMAIL.into(),
            second_factor: false,
        })
        .await;
    let token = told["link"].as_str().unwrap().split('=').nth(1).unwrap().to_owned();
    let texts = world.ctx.config.pages.texts([]);
    let new = "otter-satchel-9-velvet";
    passwords::reset(&world.ctx, texts, &token, &Secret::new(new))
        .await
        .unwrap();
    let browser = Browser::new(world);
    let page = browser.get("/login").await;
    let fields = |code| [("email", EMAIL), ("password", new), ("totp", code)];
    assert_eq!(browser.submit(&page, "/login", &fields("")).await.status, 422);
    world.advance(STEP);
    let code = device.code(world);
    assert_eq!(browser.submit(&page, "/login", &fields(&code)).await.status, 303);
}

#[tokio::test]
async fn past_cve_2026_3429_codes_are_turned_off_with_the_password_or_a_code_alone() {
    let asking = world("default").await;
    let world = &asking.world;
    for proof in ["password", "code", "recovery"] {
        let device = enrolled(world).await;
        world.advance(STEP);
        let browser = Browser::new(world);
        let form = browser.get("/login").await;
        let code = device.code(world);
        let fields = [("email", EMAIL), ("password", PASSWORD), ("totp", code.as_str())];
        assert_eq!(browser.submit(&form, "/login", &fields).await.status, 303);
        let page = browser.get("/account/totp").await;
        assert!(page.body.contains("Recovery codes left: 10"), "{page:?}");
        let off = "/account/totp/disable";
        for wrong in [
            ("password", ""),
            ("password", "not the password"),
            ("code", "999999"),
            ("code", &code),
        ] {
            assert_eq!(browser.submit(&page, off, &[wrong]).await.status, 422, "{wrong:?}");
        }
        world.advance(STEP);
        let right = match proof {
            "password" => ("password", PASSWORD.to_owned()),
            "code" => ("code", device.code(world)),
            _ => ("code", device.recovery[0].clone()),
        };
        let done = browser.submit(&page, off, &[(right.0, &right.1)]).await;
        assert_eq!(
            done.header("location"),
            Some("/account?done=totp_off"),
            "{proof}: {done:?}"
        );
        assert_eq!(sign_in(world, "").await.status, 303);
        world.advance(Duration::from_secs(60 * 60));
    }
}

#[tokio::test]
async fn an_administrator_turns_codes_off_for_who_has_lost_everything() {
    let asking = world("default").await;
    let world = &asking.world;
    enrolled(world).await;
    let reset = |second_factor| Command::UserReset {
        user: EMAIL.into(),
        second_factor,
    };
    world.run(reset(false)).await;
    assert_eq!(sign_in(world, "").await.status, 422, "only where it is asked for");
    world.run(reset(true)).await;
    assert_eq!(sign_in(world, "").await.status, 303);
}

#[tokio::test]
async fn the_store_has_neither_the_seed_nor_a_recovery_code() {
    let asking = world("default").await;
    let world = &asking.world;
    let device = enrolled(world).await;
    let found = |value: &[u8], needle: &[u8]| value.windows(needle.len()).any(|window| window == needle);
    for change in world.ctx.store.changes(grantd::store::Seq(0), 1000).await.unwrap() {
        for write in change.writes {
            let grantd::store::Write::Put { value, .. } = write else {
                continue;
            };
            assert!(!found(&value, &device.seed));
            for code in &device.recovery {
                assert!(!found(&value, code.as_bytes()) && !found(&value, code.replace('-', "").as_bytes()));
            }
        }
    }
}
