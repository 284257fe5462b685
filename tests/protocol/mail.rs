//! Mail: the outbox, and what a mail server takes of it.

use crate::browser::{Browser, EMAIL};
use crate::mail_server::{Behaviour, MailServer};
use crate::support::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantd::config::{MailSecurity, SignUp};
use grantd::control::Command;
use grantd::jobs::mail;
use grantd::model::mail::Mail;
use grantd::model::role::Role;
use grantd::store::keys;
use grantd::store::records::{Versioned, list};
use serde_json::json;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

pub fn invite(world: &World, email: &str) -> Command {
    Command::UserInvite {
        email: email.into(),
        organization: world.organization.clone(),
        role: Role::Developer,
    }
}

async fn outbox(world: &World) -> Vec<Versioned<Mail>> {
    list::<Mail>(&*world.ctx.store, &keys::mails(), None, 100)
        .await
        .unwrap()
        .0
}

async fn turn(world: &World) {
    mail::turn(&world.ctx).await.unwrap();
}

#[tokio::test]
async fn mail_goes_out_over_starttls_with_credentials_and_leaves_nothing_behind() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    let told = world.run(invite(&world, "new@example.com")).await;
    assert_eq!(
        told,
        json!({ "email": "new@example.com", "mailed": true, "valid_hours": 168 })
    );
    turn(&world).await;
    let [mail] = &server.received()[..] else {
        panic!("{:?}", server.received())
    };
    assert!(mail.encrypted && mail.to == "new@example.com", "{mail:?}");
    let credentials = STANDARD.encode("\0grantd\0mail server password");
    assert_eq!(mail.credentials, Some(credentials));
    for part in [
        "From: \"Acme accounts\" <accounts@auth.example>",
        "Subject: Invitation to Acme",
        "Date: ",
        "Message-ID: <m_",
        "https://auth.example/invitation?link=grantd_invitation_",
    ] {
        assert!(mail.text.contains(part), "{part} is not in {mail:?}");
    }
    assert_eq!(outbox(&world).await.len(), 0);
    turn(&world).await;
    assert_eq!(server.received().len(), 1, "sent once");
}

#[tokio::test]
async fn the_outbox_is_sealed_and_neither_it_nor_the_log_tells_the_link() {
    let server = MailServer::down().await;
    let world = server.world(SignUp::Invite).await;
    world.run(invite(&world, "new@example.com")).await;
    let rows = world.ctx.store.scan(&keys::mails(), None, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    let contains = |needle: &[u8]| rows[0].1.value.windows(needle.len()).any(|window| window == needle);
    assert!(contains(b"given_up_at") && !contains(b"grantd_invitation_") && !contains(b"new@example.com"));
    turn(&world).await;
    server.start().await;
    world.advance(HOUR);
    turn(&world).await;
    let link = server.received()[0].link();
    let log = format!("{}{}", world.log(), crate::leaks::logged().join("\n"));
    let token = link.split('=').nth(1).unwrap();
    assert!(
        log.contains("cannot be talked to") && !log.contains(token) && !log.contains("new@example.com"),
        "{log}"
    );
}

#[tokio::test]
async fn without_starttls_or_with_a_foreign_certificate_nothing_is_sent() {
    let server = MailServer::up().await;
    server.behave(Behaviour::Plain);
    // Without credentials, which the client of itself keeps from a server without TLS.
    let anonymous = |mail: &mut grantd::config::MailServer| (mail.username, mail.password_file) = (None, None);
    let world = server.world_with(SignUp::Invite, anonymous).await;
    world.run(invite(&world, "new@example.com")).await;
    turn(&world).await;
    assert_eq!(
        (
            server.connections(),
            server.received().len(),
            outbox(&world).await.len()
        ),
        (1, 0, 1)
    );

    let server = MailServer::up().await;
    let world = server.world_with(SignUp::Invite, |mail| mail.ca_file = None).await;
    world.run(invite(&world, "new@example.com")).await;
    turn(&world).await;
    assert_eq!(
        (
            server.connections(),
            server.received().len(),
            outbox(&world).await.len()
        ),
        (1, 0, 1)
    );

    let server = MailServer::up().await;
    let world = server
        .world_with(SignUp::Invite, |mail| mail.security = MailSecurity::Tls)
        .await;
    world.run(invite(&world, "new@example.com")).await;
    turn(&world).await;
    assert_eq!(server.received().len(), 0, "no TLS from the first byte, no mail");
}

#[tokio::test]
async fn a_dead_server_delays_no_request_and_gets_the_mail_when_it_is_back() {
    let server = MailServer::down().await;
    let world = server.world(SignUp::Invite).await;
    let delivering = {
        let ctx = world.ctx.clone();
        tokio::spawn(async move { mail::run(&ctx).await })
    };
    let browser = Browser::new(&world);
    let page = browser.get("/password/forgot").await;
    let answer = browser.submit(&page, "/password/forgot", &[("email", EMAIL)]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/password/forgot?done=yes"))
    );
    world.run(invite(&world, "new@example.com")).await;
    delivering.abort();
    let _ = delivering.await;
    turn(&world).await;
    assert_eq!(outbox(&world).await.len(), 2);
    server.start().await;
    world.advance(Duration::from_secs(5 * 60));
    turn(&world).await;
    let mut to: Vec<String> = server.received().into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, [EMAIL, "new@example.com"]);
}

#[tokio::test]
async fn what_was_written_is_sent_at_once_and_a_server_that_hangs_holds_up_no_other_job() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    let jobs = tokio::spawn(grantd::jobs::run(world.ctx.clone(), None));
    // The first may find the job before its first look; the second is told.
    for email in ["first@example.com", "second@example.com"] {
        world.run(invite(&world, email)).await;
        tokio::time::timeout(Duration::from_secs(20), server.taken())
            .await
            .expect("sent without waiting for the next minute");
    }
    server.behave(Behaviour::Hangs);
    world.run(invite(&world, "third@example.com")).await;
    let browser = Browser::new(&world);
    assert_eq!(browser.get("/password/forgot").await.status, 200);
    assert_eq!(server.received().len(), 2);
    assert!(!jobs.is_finished());
    jobs.abort();
}

#[tokio::test]
async fn a_refusing_server_is_asked_later_and_later_and_given_up_after_three_days() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    server.behave(Behaviour::Refuses("451 not now"));
    let began = world.ctx.now();
    world.run(invite(&world, "new@example.com")).await;
    let mut pauses = Vec::new();
    while let [mail] = &outbox(&world).await[..] {
        world.clock.set(mail.next_attempt_at);
        turn(&world).await;
        if let [later] = &outbox(&world).await[..] {
            pauses.push(later.next_attempt_at.since(world.ctx.now()));
        }
    }
    let lasted = world.ctx.now().since(began);
    assert!(lasted >= HOUR * 72 && lasted < HOUR * 74, "{lasted:?}");
    for (pause, (least, most)) in pauses.iter().zip([(45, 75), (90, 150), (180, 300), (360, 600)]) {
        let range = Duration::from_secs(least)..=Duration::from_secs(most);
        assert!(range.contains(pause), "{pauses:?}");
    }
    assert!(
        pauses[8..]
            .iter()
            .all(|pause| *pause >= HOUR * 3 / 4 && *pause <= HOUR * 5 / 4)
    );
    assert!(
        pauses[8..].iter().any(|pause| *pause != pauses[8]),
        "every pause is the same"
    );
    assert_eq!(server.connections() as usize, pauses.len());
    let log = format!("{}{}", world.log(), crate::leaks::logged().join("\n"));
    assert!(
        log.contains("localhost answered 451") && log.contains("was given up after"),
        "{log}"
    );
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn a_mail_whose_link_has_expired_is_not_sent_any_more() {
    let server = MailServer::down().await;
    let world = server.world(SignUp::Invite).await;
    world
        .run(Command::UserReset {
            user: EMAIL.into(),
            second_factor: false,
        })
        .await;
    turn(&world).await;
    assert_eq!(outbox(&world).await.len(), 1);
    server.start().await;
    world.advance(HOUR);
    turn(&world).await;
    assert_eq!((server.received().len(), outbox(&world).await.len()), (0, 0));
}

#[tokio::test]
async fn a_server_that_is_down_is_not_asked_for_every_mail_that_waits() {
    let server = MailServer::down().await;
    let world = server.world(SignUp::Invite).await;
    for n in 0..5 {
        world.run(invite(&world, &format!("user{n}@example.com"))).await;
    }
    turn(&world).await;
    let tried = outbox(&world).await.iter().filter(|mail| mail.attempts > 0).count();
    assert_eq!(tried, 1);
    server.start().await;
    world.advance(HOUR);
    turn(&world).await;
    assert_eq!(server.received().len(), 5);
}
