//! Who did not turn their one-time codes off themselves learns of it.

use crate::browser::{Browser, EMAIL, PASSWORD};
use crate::mail_server::{MailServer, Received};
use crate::support::World;
use crate::totp::enrolled;
use grantd::config::SignUp;
use grantd::control::Command;
use grantd::jobs::mail;
use std::sync::Arc;
use std::time::Duration;

async fn letters(world: &World, server: &MailServer) -> Vec<Received> {
    mail::turn(&world.ctx).await.unwrap();
    server.take()
}

async fn server() -> (Arc<MailServer>, World) {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    letters(&world, &server).await;
    (server, world)
}

#[tokio::test]
async fn past_cve_2026_3429_whoever_turns_codes_off_the_user_is_told_in_their_language() {
    let (server, world) = server().await;
    let device = enrolled(&world).await;
    world.advance(Duration::from_secs(30));
    let browser = Browser::new(&world).with_header("accept-language", "fr");
    let form = browser.get("/login").await;
    let code = device.code(&world);
    let fields = [("email", EMAIL), ("password", PASSWORD), ("totp", code.as_str())];
    assert_eq!(browser.submit(&form, "/login", &fields).await.status, 303);
    let page = browser.get("/account/totp").await;
    let off = "/account/totp/disable";
    let wrong = browser.submit(&page, off, &[("password", "not the password")]).await;
    assert_eq!(wrong.status, 422);
    assert!(letters(&world, &server).await.is_empty(), "nothing was turned off");
    let done = browser.submit(&page, off, &[("password", PASSWORD)]).await;
    assert_eq!(done.header("location"), Some("/account?done=totp_off"));
    let told = letters(&world, &server).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].to, EMAIL);
    assert!(told[0].text.contains("Mot de passe"), "{:?}", told[0]);
    assert!(
        !told[0].text.contains("http"),
        "there is nothing to follow: {:?}",
        told[0]
    );
}

#[tokio::test]
async fn an_administrator_who_takes_codes_away_does_not_do_it_in_silence() {
    let (server, world) = server().await;
    let reset = |second_factor| Command::UserReset {
        user: EMAIL.into(),
        second_factor,
    };
    let subjects = async || -> Vec<bool> {
        let told = letters(&world, &server).await;
        told.iter().map(|mail| mail.text.contains("One-time codes")).collect()
    };
    world.run(reset(true)).await;
    assert_eq!(subjects().await, [false], "there was nothing to take away");
    enrolled(&world).await;
    world.run(reset(false)).await;
    assert_eq!(subjects().await, [false]);
    world.run(reset(true)).await;
    let mut both = subjects().await;
    both.sort_unstable();
    assert_eq!(
        both,
        [false, true],
        "the link for a new password, and what was taken away"
    );
}
