//! One-time links: each works once, in time, for what it was made for. What invitations give is in joining.rs.

use crate::browser::{Browser, EMAIL, PASSWORD, hidden, set_password};
use crate::http::Answer;
use crate::mail_server::MailServer;
use crate::support::{ISSUER, World, config};
use grantd::account::Refusal;
use grantd::account::passwords;
use grantd::base::secret::Secret;
use grantd::config::{Config, SignUp};
use grantd::control::Command;
use grantd::jobs::mail;
use grantd::model::role::Role;
use grantd::store::memory::MemoryStore;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub const NEW: &str = "otter-satchel-9-velvet";
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Without a mail server: links are shown to the administrator.
pub async fn world(sign_up: SignUp) -> World {
    let config = Config {
        sign_up,
        ..config("default", Path::new("/nonexistent/grantd"))
    };
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    world.add_user(EMAIL).await;
    set_password(&world, EMAIL).await;
    world
}

pub async fn link(world: &World, command: Command) -> String {
    let told = world.run(command).await;
    let link = told["link"].as_str().expect("a link");
    link.strip_prefix(ISSUER).expect("on this server").to_owned()
}

async fn reset_link(world: &World) -> String {
    link(
        world,
        Command::UserReset {
            user: EMAIL.into(),
            second_factor: false,
        },
    )
    .await
}

pub async fn invitation(world: &World, email: &str, role: Role) -> String {
    let command = Command::UserInvite {
        email: email.into(),
        organization: world.organization.clone(),
        role,
    };
    link(world, command).await
}

async fn reset(world: &World, link: &str, password: &str) -> Answer {
    let browser = Browser::new(world);
    let page = browser.get(link).await;
    if page.status != 200 {
        return page;
    }
    browser
        .submit(&page, "/password/reset", &[("new_password", password)])
        .await
}

pub async fn signs_in(world: &World, email: &str, password: &str) -> bool {
    let browser = Browser::new(world);
    let page = browser.get("/login").await;
    let answer = browser
        .submit(&page, "/login", &[("email", email), ("password", password)])
        .await;
    answer.status == 303
}

#[tokio::test]
async fn past_cve_2026_22751_a_reset_link_works_once_and_looking_at_it_changes_nothing() {
    let world = world(SignUp::Invite).await;
    let link = reset_link(&world).await;
    for _ in 0..3 {
        let page = Browser::new(&world).get(&link).await;
        assert!(page.status == 200 && page.body.contains(EMAIL), "{page:?}");
    }
    assert!(signs_in(&world, EMAIL, PASSWORD).await);
    let weak = reset(&world, &link, "Password2026!").await;
    assert!(weak.status == 422 && weak.body.contains("data breach"), "{weak:?}");
    let done = reset(&world, &link, NEW).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/password/reset?done=yes"))
    );
    assert!(done.header("set-cookie").is_none(), "nobody is signed in by a link");
    assert!(signs_in(&world, EMAIL, NEW).await && !signs_in(&world, EMAIL, PASSWORD).await);
    let again = reset(&world, &link, "another-good-passphrase-7").await;
    assert!(
        again.status == 410 && again.body.contains("does not work any more"),
        "{again:?}"
    );
    assert!(signs_in(&world, EMAIL, NEW).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn past_cve_2026_22751_of_twenty_who_use_a_link_at_once_one_sets_the_password() {
    let world = world(SignUp::Invite).await;
    let link = reset_link(&world).await;
    let token = link.split('=').nth(1).unwrap().to_owned();
    // Hashed one after the other, decided at once.
    let all = (0..20).map(|n| {
        let (ctx, token) = (world.ctx.clone(), token.clone());
        tokio::spawn(async move {
            let texts = ctx.config.pages.texts([]);
            passwords::reset(&ctx, texts, &token, &Secret::new(format!("{NEW}-{n}"))).await
        })
    });
    let mut done = Vec::new();
    for (n, one) in all.collect::<Vec<_>>().into_iter().enumerate() {
        match one.await.unwrap() {
            Ok(()) => done.push(n),
            refused => assert_eq!(refused, Err(Refusal::LinkGone)),
        }
    }
    let [winner] = done[..] else { panic!("{done:?}") };
    assert!(signs_in(&world, EMAIL, &format!("{NEW}-{winner}")).await);
}

#[tokio::test]
async fn i2_a_reset_ends_sessions_and_tokens_and_every_other_reset_link() {
    let world = world(SignUp::Invite).await;
    world.set_role(EMAIL, Role::Owner).await;
    let app = world.add_private_app(EMAIL, &[]).await;
    let token = world.mint_as(&app, "").await;
    let browser = Browser::new(&world);
    browser.sign_in().await;
    let (first, second) = (reset_link(&world).await, reset_link(&world).await);
    assert_eq!(
        browser.get("/account").await.status,
        200,
        "asking for a link ends nothing"
    );
    assert_eq!(reset(&world, &first, NEW).await.status, 303);
    assert_eq!(browser.get("/account").await.header("location"), Some("/login"));
    assert_eq!(world.introspect_as(&app, &token).await["active"], false);
    assert_eq!(reset(&world, &second, "another-good-passphrase-7").await.status, 410);
}

#[tokio::test]
async fn links_end_in_time_and_with_the_user() {
    let world = world(SignUp::Invite).await;
    let link = reset_link(&world).await;
    world.advance(HOUR - Duration::from_secs(1));
    assert_eq!(Browser::new(&world).get(&link).await.status, 200);
    world.advance(Duration::from_secs(1));
    assert_eq!(Browser::new(&world).get(&link).await.status, 410);

    let link = reset_link(&world).await;
    let user = EMAIL.to_owned();
    world.run(Command::UserDisable { user, disabled: true }).await;
    assert_eq!(Browser::new(&world).get(&link).await.status, 410);
    world
        .refused(Command::UserReset {
            user: EMAIL.into(),
            second_factor: false,
        })
        .await;

    let link = invitation(&world, "new@example.com", Role::Member).await;
    world.advance(HOUR * 24 * 7 - Duration::from_secs(1));
    assert_eq!(Browser::new(&world).get(&link).await.status, 200);
    world.advance(Duration::from_secs(1));
    assert_eq!(Browser::new(&world).get(&link).await.status, 410);
}

#[tokio::test]
async fn past_cve_2026_4282_27840_a_link_is_good_for_its_own_page_and_only_whole() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Open).await;
    world
        .run(Command::UserReset {
            user: EMAIL.into(),
            second_factor: false,
        })
        .await;
    world.run(crate::mail::invite(&world, "new@example.com")).await;
    let browser = Browser::new(&world);
    let page = browser.get("/sign-up").await;
    browser
        .submit(&page, "/sign-up", &[("email", "else@example.com")])
        .await;
    mail::turn(&world.ctx).await.unwrap();
    let links: Vec<String> = server.take().iter().map(|mail| mail.link()).collect();
    assert_eq!(links.len(), 3);
    let paths: Vec<&str> = links.iter().map(|link| link.split('?').next().unwrap()).collect();
    for link in &links {
        let (path, token) = link.split_once("?link=").unwrap();
        for other in &paths {
            let status = browser.get(&format!("{other}?link={token}")).await.status;
            assert_eq!(status, if *other == path { 200 } else { 410 }, "{path} at {other}");
        }
        for at in [0, 8, token.len() / 2, token.len() - 1] {
            let cut = format!("{path}?link={}{}", &token[..at], &token[at + 1..]);
            assert_eq!(browser.get(&cut).await.status, 410, "without character {at}");
        }
        assert_eq!(browser.get(&format!("{path}?link={token}A")).await.status, 410);
        assert_eq!(browser.get(path).await.status, 410);
    }
}

#[tokio::test]
async fn links_are_stored_as_digests_and_every_page_of_them_is_in_the_readers_language() {
    let world = world(SignUp::Invite).await;
    let link = reset_link(&world).await;
    let token = link.split('=').nth(1).unwrap();
    for change in world.ctx.store.changes(grantd::store::Seq(0), 1000).await.unwrap() {
        let change = format!("{change:?}");
        assert!(!change.contains(token));
    }
    for (language, text) in [("fr", "Nouveau mot de passe"), ("sl", "Novo geslo")] {
        let browser = Browser::new(&world).with_header("accept-language", language);
        let page = browser.get(&link).await;
        assert!(page.body.contains(text), "{page:?}");
        assert_eq!(hidden(&page, "/password/reset").len(), 2);
    }
}
