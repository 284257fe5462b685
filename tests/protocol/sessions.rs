//! Sessions: how they end, and what a user sees and ends of what they have.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, PASSWORD, param, world};
use crate::http::Answer;
use crate::support::World;
use grantd::control::{Command, Revocation};
use grantd::model::event::EventKind;
use grantd::model::grant::GrantStatus;
use grantd::model::session::Session;
use grantd::store::records::{Versioned, load};
use grantd::store::{Seq, keys};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn is_signed_in(browser: &Browser<'_>) -> bool {
    let answer = browser.get("/account").await;
    assert!(
        answer.status == 200 || answer.header("location") == Some("/login"),
        "{answer:?}"
    );
    answer.status == 200
}

async fn record(world: &World, browser: &Browser<'_>) -> Versioned<Session> {
    let id = browser.cookie().split('.').next().unwrap().to_owned();
    let found = load::<Session>(&*world.ctx.store, &keys::session(&id)).await;
    found.unwrap().expect("the session is there")
}

#[tokio::test]
async fn a_session_ends_when_idle_and_at_last_however_much_it_is_used() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    for _ in 0..(30 * 24 / 11) {
        asking.world.advance(HOUR * 11);
        assert!(is_signed_in(&browser).await, "used within twelve hours");
    }
    asking.world.advance(HOUR * 11);
    assert!(!is_signed_in(&browser).await, "thirty days are over");

    browser.sign_in().await;
    asking.world.advance(HOUR * 12);
    assert!(!is_signed_in(&browser).await, "not used for twelve hours");
}

#[tokio::test]
async fn a_new_password_a_disabled_user_and_mass_revocation_end_every_session() {
    let asking = world("default").await;
    let world = &asking.world;
    let disable = |disabled| Command::UserDisable {
        user: EMAIL.into(),
        disabled,
    };
    let revoke = |what| Command::TokenRevoke { what };
    let password = Command::UserPassword {
        user: EMAIL.into(),
        password: PASSWORD.into(),
    };
    let endings = [
        password,
        revoke(Revocation::User(EMAIL.into())),
        revoke(Revocation::Everything),
        disable(true),
    ];
    for ending in endings {
        let browsers = [Browser::new(world), Browser::new(world)];
        for browser in &browsers {
            browser.sign_in().await;
            assert!(is_signed_in(browser).await);
        }
        world.run(ending).await;
        for browser in &browsers {
            assert!(!is_signed_in(browser).await);
        }
    }
}

#[tokio::test]
async fn use_is_noted_every_five_minutes_and_no_more_often() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let writes = async || asking.world.ctx.store.changes(Seq(0), 10_000).await.unwrap().len();
    let before = writes().await;
    for _ in 0..4 {
        asking.world.advance(Duration::from_secs(60));
        browser.get("/account").await;
    }
    assert_eq!(writes().await, before);
    asking.world.advance(Duration::from_secs(60));
    browser.get("/account").await;
    assert_eq!(writes().await, before + 1);
    let session = record(&asking.world, &browser).await;
    assert_eq!(session.used_at, asking.world.ctx.now());
    // The page that noted it decides on the session as it is then.
    asking.world.advance(Duration::from_secs(300));
    let page = browser.get(&format!("/oauth/authorize?{}", asking.query(""))).await;
    asking.world.advance(Duration::from_secs(300));
    assert!(param(&approve(&asking, &browser, &page).await, "code").is_some());
}

async fn approve(asking: &Authorizing, browser: &Browser<'_>, page: &Answer) -> Answer {
    let fields = [("organization", &*asking.world.organization), ("decision", "approve")];
    browser.submit(page, "/consent", &fields).await
}

#[tokio::test]
async fn past_cve_2024_4540_the_cookie_holds_random_ids_and_the_store_no_secret() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let cookie = browser.cookie();
    let (id, secret) = cookie.split_once('.').unwrap();
    assert_eq!((id.len(), secret.len()), (22, 32), "128 and 192 random bits");
    for change in asking.world.ctx.store.changes(Seq(0), 10_000).await.unwrap() {
        assert!(!format!("{change:?}").contains(secret));
        let bytes = change.writes.iter().any(|write| format!("{write:?}").contains(secret));
        assert!(!bytes);
    }
    let wrong = Browser::new(&asking.world);
    for planted in [
        format!("{id}."),
        format!("{id}.{}", "A".repeat(32)),
        id.to_owned(),
        format!(".{secret}"),
    ] {
        wrong.plant(&planted);
        assert!(!is_signed_in(&wrong).await, "{planted}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_itself_not_only_the_cookie() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let cookie = browser.cookie();
    let page = browser.get("/account").await;
    let answer = browser.post("/logout", "", &[]).await;
    assert_eq!(answer.status, 403, "another site signs nobody out");
    let answer = browser.submit(&page, "/logout", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
    assert_eq!(browser.cookie(), "", "the cookie is taken away");
    let kept = Browser::new(&asking.world);
    kept.plant(&cookie);
    assert!(!is_signed_in(&kept).await);
}

#[tokio::test]
async fn one_session_or_all_the_others_can_be_ended_and_nobody_elses() {
    let asking = world("default").await;
    let world = &asking.world;
    let (own, phone, tablet) = (Browser::new(world), Browser::new(world), Browser::new(world));
    for browser in [&own, &phone, &tablet] {
        browser.sign_in().await;
    }
    let page = own.get("/account").await;
    assert_eq!(
        page.body.matches("name=\"session\"").count(),
        2,
        "this browser is not offered: {page:?}"
    );
    let id = record(world, &phone).await.id.clone();
    own.submit(&page, "/account/sessions", &[("session", &id)]).await;
    assert!(!is_signed_in(&phone).await);
    assert!(is_signed_in(&own).await && is_signed_in(&tablet).await);

    phone.sign_in().await;
    let stranger = Browser::new(world);
    world.add_user("eve@example.com").await;
    crate::browser::set_password(world, "eve@example.com").await;
    let login = stranger.get("/login").await;
    let eve = [("email", "eve@example.com"), ("password", PASSWORD)];
    stranger.submit(&login, "/login", &eve).await;
    let second = Browser::new(world);
    let login = second.get("/login").await;
    second.submit(&login, "/login", &eve).await;
    let page = stranger.get("/account").await;
    let id = record(world, &own).await.id.clone();
    stranger.submit(&page, "/account/sessions", &[("session", &id)]).await;
    assert!(is_signed_in(&own).await, "it is not hers");

    let page = own.get("/account").await;
    let csrf = crate::browser::hidden(&page, "/account/sessions");
    let all = crate::browser::encoded(&csrf[..1], &[]);
    own.post("/account/sessions", &all, &[]).await;
    assert!(is_signed_in(&own).await && is_signed_in(&second).await);
    assert!(!is_signed_in(&phone).await && !is_signed_in(&tablet).await);
}

#[tokio::test]
async fn o30_an_app_loses_its_access_with_one_write_and_only_its_own_user_can_do_it() {
    let asking = world("default").await;
    let world = &asking.world;
    let browser = Browser::new(world);
    browser.sign_in().await;
    let page = browser
        .get(&format!("/oauth/authorize?{}", asking.query("&scope=data.read")))
        .await;
    approve(&asking, &browser, &page).await;
    let page = browser.get("/account").await;
    for text in ["Read data", "Acme", "2026-01-01", "Remove access"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    let grant = asking.grant().await;

    let other = world.add_user("eve@example.com").await;
    crate::browser::set_password(world, "eve@example.com").await;
    assert_ne!(other, asking.user);
    let eve = Browser::new(world);
    let login = eve.get("/login").await;
    eve.submit(
        &login,
        "/login",
        &[("email", "eve@example.com"), ("password", PASSWORD)],
    )
    .await;
    let query = asking.query("&scope=data.read");
    world
        .set_role("eve@example.com", grantd::model::role::Role::Owner)
        .await;
    let consent = eve.get(&format!("/oauth/authorize?{query}")).await;
    approve(&asking, &eve, &consent).await;
    let hers = eve.get("/account").await;
    let answer = eve.submit(&hers, "/account/apps", &[("grant", &grant.id)]).await;
    assert_eq!(answer.status, 404, "it is not hers");

    let before = world.ctx.store.changes(Seq(0), 10_000).await.unwrap().len();
    let answer = browser.submit(&page, "/account/apps", &[]).await;
    assert_eq!(answer.header("location"), Some("/account?done=app"));
    assert_eq!(world.ctx.store.changes(Seq(0), 10_000).await.unwrap().len(), before + 1);
    let ended = asking.grant().await;
    assert_eq!((ended.status, ended.epoch), (GrantStatus::Revoked, grant.epoch + 1));
    let events = asking.events().await;
    let revoked = events.iter().find(|event| event.kind == EventKind::GrantRevoked);
    assert_eq!(revoked.and_then(|event| event.grant.as_deref()), Some(&*grant.id));
    let page = browser.get("/account?done=app").await;
    assert!(page.body.contains("No app has access.") && page.body.contains("no longer has access"));
}

#[tokio::test]
async fn somebody_with_many_sessions_keeps_the_last_used_fifty() {
    let asking = world("default").await;
    let first = Browser::new(&asking.world);
    first.sign_in().await;
    for _ in 0..50 {
        asking.world.advance(Duration::from_secs(1));
        Browser::new(&asking.world).sign_in().await;
    }
    assert!(!is_signed_in(&first).await);
    let last = Browser::new(&asking.world);
    asking.world.advance(Duration::from_secs(1));
    last.sign_in().await;
    let page = last.get("/account").await;
    assert_eq!(page.body.matches("name=\"session\"").count(), 49);
}
