//! Taking a submission back, and handing in as it is.

use crate::browser::Browser;
use crate::delegation::REDIRECT_URI;
use crate::developing::{COLLEAGUE, DEVELOPER, Developing};
use crate::http::Answer;
use grantd::model::app::AppState;
use grantd::model::dossier::Verdict;
use grantd::model::event::EventKind;
use grantd::platform::actor::Actor;
use grantd::platform::apps::withdrawal::withdraw;
use grantd::platform::refusal::Refusal;
use grantd::platform::reviews::{self, decisions};
use std::sync::Arc;

const WITHDRAW: &str = "Withdraw the submission";

/// Sends the form of the app's review page, which has to be there.
async fn step(browser: &Browser<'_>, client_id: &str, what: &str) -> Answer {
    let path = format!("/developer/apps/{client_id}/review");
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200, "{page:?}");
    browser.submit(&page, &path, &[("do", what)]).await
}

async fn overview(browser: &Browser<'_>, client_id: &str) -> Answer {
    browser.get(&format!("/developer/apps/{client_id}")).await
}

#[tokio::test]
async fn a_first_submission_is_taken_back_and_becomes_a_draft_that_a_change_or_a_button_hands_in_again() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    assert!(overview(&browser, &client_id).await.body.contains(WITHDRAW));
    let done = step(&browser, &client_id, "withdraw").await;
    assert_eq!(done.status, 303, "{done:?}");
    let page = browser.get(done.header("location").unwrap()).await;
    for said in [
        "The submission is withdrawn.",
        "nothing is missing",
        "Submit for review",
    ] {
        assert!(page.body.contains(said), "{said}: {page:?}");
    }
    assert!(!page.body.contains(WITHDRAW), "{page:?}");
    assert_eq!(
        (d.app(&client_id).await.state, d.queue().await.len()),
        (AppState::Draft, 0)
    );
    // Who works on it is none of a reviewer's business, and the same saved again is nothing new.
    let team = format!("/developer/apps/{client_id}/team");
    let form = browser.get(&team).await;
    let colleague = d.user(COLLEAGUE).await;
    browser
        .submit(&form, &team, &[("do", "add"), ("user", &colleague)])
        .await;
    assert_eq!(d.dossier(&client_id).await.team.len(), 2);
    d.edit(&browser, &client_id, &[]).await;
    assert_eq!(
        (d.app(&client_id).await.state, d.queue().await.len()),
        (AppState::Draft, 0)
    );

    assert_eq!(step(&browser, &client_id, "submit").await.status, 303);
    assert_eq!(
        (d.app(&client_id).await.state, d.queue().await.len()),
        (AppState::PendingReview, 1)
    );
    step(&browser, &client_id, "withdraw").await;
    d.edit(&browser, &client_id, &[("name", "Tidier Books")]).await;
    let [waiting] = d.queue().await.try_into().expect("one submission waits");
    assert_eq!((waiting.number, waiting.name.as_str()), (1, "Tidier Books"));
    let events = d.events_of(&client_id).await;
    let withdrawn = events.iter().filter(|kind| **kind == EventKind::AppWithdrawn);
    assert_eq!(withdrawn.count(), 2, "{events:?}");
    let history = browser.get(&format!("/developer/apps/{client_id}/history")).await;
    assert!(history.body.contains("Submission withdrawn"), "{history:?}");
}

#[tokio::test]
async fn other_scopes_taken_back_leave_the_approved_ones_and_no_token_lives_again() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[("redirect_uris", REDIRECT_URI)]).await;
    d.wish(&browser, &client_id, &["data.read", "settings.read"]).await;
    d.decide(&client_id, Verdict::Approved, "").await;
    let client = d.client(&client_id).await;
    let server = d.world.add_resource_server().await;
    let (token, _) = d.world.connect(&client).await;
    d.wish(&browser, &client_id, &["data.read", "data.write"]).await;
    let page = browser.get(&format!("/developer/apps/{client_id}/review")).await;
    assert!(page.body.contains("Tokens that were revoked stay revoked"), "{page:?}");
    step(&browser, &client_id, "withdraw").await;
    let (app, dossier) = (d.app(&client_id).await, d.dossier(&client_id).await);
    assert_eq!((app.state, d.queue().await.len()), (AppState::Active, 0));
    assert_eq!(app.scopes, ["data.read", "settings.read"]);
    assert_eq!(dossier.wanted, app.scopes);
    assert!(
        dossier.reasons.iter().all(|(scope, _)| scope != "data.write"),
        "{dossier:?}"
    );
    assert!(!d.world.works(&server, &token).await);
    let (token, _) = d.world.connect(&client).await;
    assert!(d.world.works(&server, &token).await, "it is in use again");
    // Nothing is left to take back or to hand in.
    let page = overview(&browser, &client_id).await;
    assert!(!page.body.contains("/review\""), "{page:?}");
    let path = format!("/developer/apps/{client_id}/review");
    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn under_the_other_policy_what_was_added_is_given_up() {
    let d = Developing::staged().await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.approved(&browser).await;
    d.wish(&browser, &client_id, &["data.read", "data.write"]).await;
    // A reviewer asks: nothing waits, though it is wanted still, and the page says whose turn it is.
    d.decide(&client_id, Verdict::ChangesRequested, "What for?").await;
    let page = overview(&browser, &client_id).await;
    assert!(page.body.contains("A reviewer asks for changes before"), "{page:?}");
    assert_eq!(step(&browser, &client_id, "submit").await.status, 303);
    let page = overview(&browser, &client_id).await;
    assert!(
        page.body.contains("wait for a reviewer") && page.body.contains(WITHDRAW),
        "{page:?}"
    );
    step(&browser, &client_id, "withdraw").await;
    let (app, dossier) = (d.app(&client_id).await, d.dossier(&client_id).await);
    assert_eq!((app.state, d.queue().await.len()), (AppState::Active, 0));
    assert_eq!((&app.scopes, &dossier.wanted), (&vec!["data.read".into()], &app.scopes));
}

#[tokio::test]
async fn what_a_reviewer_did_not_want_is_no_better_for_being_taken_back() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    for (verdict, state) in [
        (Verdict::ChangesRequested, AppState::ChangesRequested),
        (Verdict::Rejected, AppState::Rejected),
    ] {
        let client_id = d.approved(&browser).await;
        d.wish(&browser, &client_id, &["data.read", "data.write"]).await;
        d.decide(&client_id, verdict, "No.").await;
        // The team alone hands nothing in.
        let team = format!("/developer/apps/{client_id}/team");
        let form = browser.get(&team).await;
        let colleague = d.user(COLLEAGUE).await;
        browser
            .submit(&form, &team, &[("do", "add"), ("user", &colleague)])
            .await;
        assert_eq!(d.app(&client_id).await.state, state);
        assert_eq!(step(&browser, &client_id, "submit").await.status, 303);
        assert_eq!(d.app(&client_id).await.state, AppState::PendingReview);
        step(&browser, &client_id, "withdraw").await;
        assert_eq!((d.app(&client_id).await.state, d.queue().await.len()), (state, 0));
    }
}

/// Whoever comes second is told to look again: a decision about what is gone, or a withdrawal of what is decided.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_decision_and_a_withdrawal_at_once_come_to_one_of_them() {
    let d = Developing::new("default").await;
    let reviewer = crate::administrators::REVIEWER;
    crate::administrators::on_duty(&d.world, reviewer, Some(grantd::model::user::Duty::Reviewer)).await;
    let developer = crate::administrators::actor(&d.world, DEVELOPER).await;
    let developer: Arc<Actor> = Arc::new(developer);
    let browser = d.browser(DEVELOPER).await;
    for _ in 0..20 {
        let client_id = d.submitted(&browser).await;
        let judge = crate::administrators::actor(&d.world, reviewer).await;
        let seen = reviews::look(&d.world.ctx, &judge, &client_id).await.unwrap().seen();
        let decided = {
            let (ctx, client_id) = (d.world.ctx.clone(), client_id.clone());
            tokio::spawn(async move {
                let texts = ctx.config.pages.texts([]);
                decisions::decide(&ctx, texts, &judge, &client_id, &seen, (Verdict::Approved, "")).await
            })
        };
        let withdrawn = {
            let (ctx, client_id, actor) = (d.world.ctx.clone(), client_id.clone(), developer.clone());
            tokio::spawn(async move { withdraw(&ctx, &actor, &client_id).await })
        };
        let (decided, withdrawn) = (decided.await.unwrap(), withdrawn.await.unwrap());
        let state = d.app(&client_id).await.state;
        match (&decided, &withdrawn) {
            (Ok(()), Err(Refusal::State("developer_nothing_to_withdraw"))) => assert_eq!(state, AppState::Active),
            (Err(Refusal::Conflict), Ok(_)) => assert_eq!(state, AppState::Draft),
            _ => panic!("{decided:?} {withdrawn:?}"),
        }
    }
    assert_eq!(d.queue().await.len(), 0);
}
