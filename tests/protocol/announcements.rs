//! Letters to those on duty: that something waits for them.

use crate::access_requests::{ask, requests};
use crate::administrators::{ADMINISTRATOR, REVIEWER, on_duty, set_duty};
use crate::browser::{Browser, PASSWORD};
use crate::developing::{DEVELOPER, Developing, MEMBER};
use crate::mail_server::{MailServer, Received};
use crate::support::{ISSUER, World};
use grantd::control::Command;
use grantd::jobs::mail;
use grantd::model::dossier::Verdict;
use grantd::model::user::Duty;
use std::sync::Arc;

const GONE: &str = "gone@example.com";

async fn letters(world: &World, mails: &Arc<MailServer>) -> Vec<Received> {
    mail::turn(&world.ctx).await.unwrap();
    let mut received = mails.take();
    received.sort_by(|a, b| a.to.cmp(&b.to));
    received
}

async fn signs_in_reading(world: &World, email: &str, language: &'static str) {
    let browser = Browser::new(world).with_header("accept-language", language);
    let page = browser.get("/login").await;
    let answer = browser
        .submit(&page, "/login", &[("email", email), ("password", PASSWORD)])
        .await;
    assert_eq!(answer.status, 303, "{answer:?}");
}

/// A reviewer, an administrator, one whose account is disabled and one of the developer's own organization.
async fn staffed(mails: &Arc<MailServer>) -> Developing {
    let d = Developing::with_mail(mails).await;
    on_duty(&d.world, REVIEWER, Some(Duty::Reviewer)).await;
    on_duty(&d.world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    on_duty(&d.world, GONE, Some(Duty::Reviewer)).await;
    set_duty(&d.world, MEMBER, Some(Duty::Reviewer)).await;
    d.world
        .run(Command::UserDisable {
            user: GONE.into(),
            disabled: true,
        })
        .await;
    d
}

#[tokio::test]
async fn reviewers_are_told_once_of_each_submission_in_their_own_language() {
    let mails = MailServer::up().await;
    let d = staffed(&mails).await;
    signs_in_reading(&d.world, REVIEWER, "fr").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    let told = letters(&d.world, &mails).await;
    let to: Vec<&str> = told.iter().map(|letter| letter.to.as_str()).collect();
    assert_eq!(to, [ADMINISTRATOR, REVIEWER]);
    let link = format!("{ISSUER}/admin/reviews/{client_id}");
    for (letter, says) in told.iter().zip(["was handed in at", "Examinez-la ici"]) {
        let text = &letter.text;
        assert!(
            text.contains(says) && text.contains(&link) && text.contains("Tidy Books"),
            "{letter:?}"
        );
    }
    // It waits already.
    assert_eq!(
        d.wish(&browser, &client_id, &["data.read", "profile.read"])
            .await
            .status,
        303
    );
    assert_eq!(letters(&d.world, &mails).await.len(), 0);
    d.decide(&client_id, Verdict::ChangesRequested, "Which data?").await;
    assert_eq!(d.wish(&browser, &client_id, &["data.read"]).await.status, 303);
    assert_eq!(letters(&d.world, &mails).await.len(), 2, "another submission");
}

#[tokio::test]
async fn an_organization_that_hands_in_all_day_fills_no_letter_box() {
    let mails = MailServer::up().await;
    let d = staffed(&mails).await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    for _ in 0..21 {
        d.decide(&client_id, Verdict::ChangesRequested, "Again").await;
        assert_eq!(d.wish(&browser, &client_id, &["data.read"]).await.status, 303);
    }
    assert_eq!(letters(&d.world, &mails).await.len(), 2 * 20);
    assert_eq!(d.queue().await.len(), 1, "it waits all the same");
}

#[tokio::test]
async fn administrators_are_told_of_access_requests_and_not_what_strangers_wrote() {
    let mails = MailServer::up().await;
    let d = staffed(&mails).await;
    ask(&d.world, "asker@example.com").await;
    let told = letters(&d.world, &mails).await;
    let to: Vec<&str> = told.iter().map(|letter| letter.to.as_str()).collect();
    assert_eq!(to, [ADMINISTRATOR, "asker@example.com"]);
    let link = format!("{ISSUER}/admin/access-requests/{}", requests(&d.world).await[0].id);
    assert!(told[0].text.contains(&link), "{told:?}");
    for written in ["Ida", "Asking Ltd", "books", "asker@example.com"] {
        assert!(!told[0].text.contains(written), "{written}: {told:?}");
    }
}
