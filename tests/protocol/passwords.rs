//! Passwords: which may be chosen, how they are changed, and what a forgotten one tells about who has an account.

use crate::browser::{Browser, EMAIL, PASSWORD, hidden, set_password, world};
use crate::http::Answer;
use crate::mail_server::MailServer;
use crate::support::World;
use grantd::account::passwords;
use grantd::base::secret::Secret;
use grantd::config::SignUp;
use grantd::control::Command;
use grantd::jobs::mail;
use grantd::store::Seq;
use std::net::{IpAddr, Ipv4Addr};

const NEW: &str = "otter-satchel-9-velvet";

async fn change(browser: &Browser<'_>, old: &str, new: &str) -> Answer {
    let page = browser.get("/account/password").await;
    let fields = [("password", old), ("new_password", new)];
    browser.submit(&page, "/account/password", &fields).await
}

#[tokio::test]
async fn weak_passwords_are_refused_with_a_sentence_that_does_not_repeat_them() {
    let asking = world("default").await;
    let world = &asking.world;
    let browser = Browser::new(world);
    browser.sign_in().await;
    for (weak, command, page) in [
        ("eleven chrs", "at least 12 characters", "at least 12 characters"),
        (&*"long ".repeat(300), "at most 1024 bytes", "too long"),
        ("Unbelievable", "guessed first", "data breach"),
        ("Password2026!", "guessed first", "data breach"),
        ("abcabcabcabc", "repeats a few characters", "repeats a few characters"),
        ("ada@example.com", "email address", "email address"),
    ] {
        let refused = world
            .refused(Command::UserPassword {
                user: EMAIL.into(),
                password: weak.into(),
            })
            .await;
        assert!(refused.contains(command) && !refused.contains(weak), "{refused}");
        let answer = change(&browser, PASSWORD, weak).await;
        assert_eq!(answer.status, 422, "{weak}");
        assert!(answer.body.contains(page), "{weak}: {answer:?}");
        if weak != EMAIL {
            assert!(!answer.body.contains(weak), "{weak}");
        }
    }
    assert_eq!(Browser::new(world).sign_in().await.status, 303, "nothing was changed");
}

#[tokio::test]
async fn past_cve_2026_3429_a_password_is_changed_only_by_who_knows_the_old_one() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    assert_eq!(
        browser.get("/account/password").await.header("location"),
        Some("/login?next=/account/password")
    );
    browser.sign_in().await;
    let answer = change(&browser, "not the old password", NEW).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("present password is wrong"), "{answer:?}");
    assert_eq!(change(&browser, "", NEW).await.status, 422);
    Browser::new(&asking.world).sign_in().await;
}

#[tokio::test]
async fn i2_a_changed_password_ends_every_other_session_and_token_and_this_one_goes_on() {
    let asking = world("default").await;
    let world = &asking.world;
    let app = world.add_private_app(EMAIL, &[]).await;
    let token = world.mint_as(&app, "").await;
    let (here, there) = (Browser::new(world), Browser::new(world));
    here.sign_in().await;
    there.sign_in().await;
    let before = here.cookie();
    let answer = change(&here, PASSWORD, NEW).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/account?done=password"))
    );
    assert!(
        here.get("/account?done=password")
            .await
            .body
            .contains("The new password is saved")
    );
    assert_ne!(
        here.cookie().split('.').next(),
        before.split('.').next(),
        "another session"
    );
    assert_eq!(there.get("/account").await.header("location"), Some("/login"));
    let thief = Browser::new(world);
    thief.plant(&before);
    assert_eq!(thief.get("/account").await.header("location"), Some("/login"));
    assert_eq!(world.introspect_as(&app, &token).await["active"], false);
    let page = there.get("/login").await;
    let fields = |password| [("email", EMAIL), ("password", password)];
    assert_eq!(there.submit(&page, "/login", &fields(PASSWORD)).await.status, 422);
    assert_eq!(there.submit(&page, "/login", &fields(NEW)).await.status, 303);
}

#[tokio::test]
async fn past_cve_2026_9798_wrong_old_passwords_count_like_wrong_sign_ins() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    for _ in 0..10 {
        assert_eq!(change(&browser, "not the old password", NEW).await.status, 422);
    }
    let held = change(&browser, PASSWORD, NEW).await;
    assert_eq!((held.status, held.header("retry-after")), (429, Some("30")));
    let other = Browser::new(&asking.world);
    let page = other.get("/login").await;
    let answer = other
        .submit(&page, "/login", &[("email", EMAIL), ("password", PASSWORD)])
        .await;
    assert_eq!(
        answer.status, 429,
        "one count for every place that asks for the password"
    );
}

/// What an answer shows, without what differs from browser to browser, and what it wrote.
async fn forgot(world: &World, email: &str) -> (u16, String, String, Vec<usize>) {
    let browser = Browser::new(world);
    let page = browser.get("/password/forgot").await;
    let before = last_seq(world).await;
    let answer = browser.submit(&page, "/password/forgot", &[("email", email)]).await;
    let written = world.ctx.store.changes(before, 100).await.unwrap();
    let written = written.iter().map(|change| change.writes.len()).collect();
    let location = answer.header("location").unwrap_or_default().to_owned();
    let headers = format!(
        "{:?}",
        answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>()
    );
    assert!(answer.body.is_empty(), "{answer:?}");
    (answer.status, location, headers, written)
}

async fn last_seq(world: &World) -> Seq {
    let mut last = Seq(0);
    loop {
        let more = world.ctx.store.changes(last, 1000).await.unwrap();
        match more.last() {
            Some(change) => last = change.seq,
            None => return last,
        }
    }
}

#[tokio::test]
async fn past_cve_2026_4633_a_forgotten_password_tells_nobody_who_has_an_account() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    for email in ["disabled@example.com", "passwordless@example.com"] {
        world.add_user(email).await;
    }
    set_password(&world, "disabled@example.com").await;
    let user = "disabled@example.com".to_owned();
    world.run(Command::UserDisable { user, disabled: true }).await;
    mail::turn(&world.ctx).await.unwrap();
    server.take();
    let known = forgot(&world, EMAIL).await;
    assert_eq!((known.0, known.1.as_str()), (303, "/password/forgot?done=yes"));
    for email in ["nobody@example.com", "disabled@example.com", "passwordless@example.com"] {
        assert_eq!(forgot(&world, email).await, known, "{email}");
    }
    mail::turn(&world.ctx).await.unwrap();
    let to: Vec<String> = server.take().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, [EMAIL], "and only who has one gets a mail");
}

#[tokio::test]
async fn nobody_is_flooded_with_letters_and_the_answer_stays_the_same() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    for _ in 0..6 {
        assert_eq!(forgot(&world, EMAIL).await.0, 303);
    }
    mail::turn(&world.ctx).await.unwrap();
    assert_eq!(server.take().len(), 3);
    for _ in 0..4 {
        forgot(&world, &EMAIL.to_uppercase()).await;
    }
    let browser = Browser::new(&world);
    let page = browser.get("/password/forgot").await;
    let held = browser.submit(&page, "/password/forgot", &[("email", EMAIL)]).await;
    assert_eq!((held.status, held.header("retry-after")), (429, Some("30")));
    mail::turn(&world.ctx).await.unwrap();
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn without_a_mail_server_the_page_says_whom_to_ask() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    let page = browser.get("/password/forgot").await;
    assert!(
        page.status == 200 && page.body.contains("Ask whoever runs it"),
        "{page:?}"
    );
    assert!(!page.body.contains("<form"), "{page:?}");
}

#[tokio::test]
async fn a_form_of_another_site_changes_no_password() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let page = browser.get("/account/password").await;
    let mut fields = hidden(&page, "/account/password");
    let own = crate::browser::encoded(&fields, &[("password", PASSWORD), ("new_password", NEW)]);
    fields[0].1 = "forged".into();
    let forged = crate::browser::encoded(&fields, &[("password", PASSWORD), ("new_password", NEW)]);
    assert_eq!(browser.post("/account/password", &forged, &[]).await.status, 403);
    let foreign = [("sec-fetch-site", "cross-site")];
    assert_eq!(browser.post("/account/password", &own, &foreign).await.status, 403);
    Browser::new(&asking.world).sign_in().await;
}

#[tokio::test]
async fn a_full_line_of_passwords_is_refused_and_the_token_endpoint_never_waits_for_it() {
    let asking = world("default").await;
    let world = &asking.world;
    let guess = Secret::new("not the password");
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let all: Vec<_> = (0..(cores - 1).max(1) * 33 + 8)
        .map(|_| Box::pin(world.ctx.passwords.verify_nobody(&guess)))
        .collect();
    let mut busy = 0;
    let mut waiting = Vec::new();
    for mut one in all {
        match std::future::poll_fn(|cx| std::task::Poll::Ready(one.as_mut().poll(cx))).await {
            std::task::Poll::Ready(refused) => busy += usize::from(refused.is_err()),
            std::task::Poll::Pending => waiting.push(one),
        }
    }
    assert!(busy >= 8, "{busy} were refused");
    let browser = Browser::new(world);
    let page = browser.get("/login").await;
    let answer = browser
        .submit(&page, "/login", &[("email", EMAIL), ("password", PASSWORD)])
        .await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    assert_eq!(world.ask("").await.status, 200, "tokens are minted meanwhile");
    drop(waiting);
    let verified = loop {
        let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
        let user = grantd::store::records::load_by_index(&*world.ctx.store, &grantd::store::keys::email(EMAIL)).await;
        match passwords::verify(&world.ctx, &user.unwrap().unwrap(), &Secret::new(PASSWORD), peer).await {
            Err(grantd::account::Refusal::Busy(_)) => tokio::task::yield_now().await,
            done => break done,
        }
    };
    assert_eq!(verified, Ok(()), "and there is room again");
}
