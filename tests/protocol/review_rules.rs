//! Who may decide at the review desk, on what, and who learns of it.

use crate::administrators::{REVIEWER, actor, events, location, on_duty, signed_in, user};
use crate::browser::{encoded, hidden, unescaped};
use crate::http::Answer;
use crate::mail_server::MailServer;
use crate::reviews::{OTHER, app, decide, handed_in, staged, waiting, world};
use crate::support::OWNER;
use grantd::config::SignUp;
use grantd::control::Command;
use grantd::jobs::mail;
use grantd::model::app::{App, AppState};
use grantd::model::dossier::Verdict;
use grantd::model::event::EventKind;
use grantd::model::role::Role;
use grantd::model::user::Duty;
use grantd::platform::refusal::Refusal;
use grantd::platform::reviews::{self, decisions};
use grantd::store::records::load;
use grantd::store::{Batch, keys};

#[tokio::test]
async fn nobody_reviews_an_app_of_an_organization_they_belong_to() {
    let world = world().await;
    let client_id = handed_in(&world, |_, _, _| {}).await;
    let browser = signed_in(&world, REVIEWER).await;
    let path = format!("/admin/reviews/{client_id}");
    for role in [Role::Owner, Role::Admin, Role::Developer, Role::Member] {
        let free = browser.get(&path).await;
        let form = encoded(&hidden(&free, &path), &[("decision", "approved")]);
        world.set_role(REVIEWER, role).await;
        let page = browser.get(&path).await;
        assert!(page.body.contains("Somebody else has to decide"), "{page:?}");
        assert!(!page.body.contains("name=\"decision\""), "{page:?}");
        assert!(browser.get("/admin/reviews").await.body.contains("yours"));
        assert_eq!(browser.post(&path, &form, &[]).await.status, 403, "{role}");
        assert_eq!(app(&world, &client_id).await.state, AppState::PendingReview);
        world
            .run(Command::MemberRemove {
                organization: world.organization.clone(),
                user: REVIEWER.into(),
            })
            .await;
    }
    // Who has left may.
    assert_eq!(decide(&browser, &client_id, "approved", "").await.status, 303);
    let own = format!("/admin/apps/{client_id}");
    world.set_role(REVIEWER, Role::Member).await;
    let page = browser.get(&own).await;
    assert!(!page.body.contains("name=\"decision\""), "{page:?}");
}

#[tokio::test]
async fn members_developers_and_owners_decide_nothing() {
    let world = world().await;
    let client_id = handed_in(&world, |_, _, _| {}).await;
    let path = format!("/admin/reviews/{client_id}");
    for (email, role) in [
        ("m@example.com", Role::Member),
        ("d@example.com", Role::Developer),
        ("o@example.com", Role::Owner),
    ] {
        on_duty(&world, email, None).await;
        world.set_role(email, role).await;
        let browser = signed_in(&world, email).await;
        for path in [path.clone(), format!("/admin/apps/{client_id}")] {
            assert_eq!(browser.get(&path).await.status, 404, "{email}");
            assert_eq!(
                browser.post(&path, "decision=approved", &[]).await.status,
                404,
                "{email}"
            );
        }
        let actor = actor(&world, email).await;
        let refused = decisions::decide(
            &world.ctx,
            world.ctx.config.pages.texts([]),
            &actor,
            &client_id,
            "1.1.1",
            (Verdict::Approved, ""),
        );
        assert_eq!(refused.await, Err(Refusal::NotFound));
    }
    let reviewer = signed_in(&world, REVIEWER).await;
    assert_eq!(reviewer.get("/admin/reviews/grantd_app_none").await.status, 404);
    // Another form's token, or none.
    assert_eq!(reviewer.post(&path, "decision=approved", &[]).await.status, 403);
    let page = reviewer.get(&path).await;
    let fields = [("decision", "crowned"), ("note", "")];
    assert_eq!(reviewer.submit(&page, &path, &fields).await.status, 400);
    assert_eq!(app(&world, &client_id).await.state, AppState::PendingReview);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_reviewers_who_decide_at_once_one_does() {
    let world = world().await;
    for _ in 0..20 {
        let client_id = handed_in(&world, |_, _, _| {}).await;
        let one = actor(&world, REVIEWER).await;
        let seen = reviews::look(&world.ctx, &one, &client_id).await.unwrap().seen();
        let mut tasks = Vec::new();
        for (email, verdict) in [(REVIEWER, Verdict::Approved), (OTHER, Verdict::Rejected)] {
            let (ctx, client_id, seen) = (world.ctx.clone(), client_id.clone(), seen.clone());
            let actor = actor(&world, email).await;
            tasks.push(tokio::spawn(async move {
                let texts = ctx.config.pages.texts([]);
                let said = (verdict, "A note");
                decisions::decide(&ctx, texts, &actor, &client_id, &seen, said).await
            }));
        }
        let mut done = Vec::new();
        for task in tasks {
            done.push(task.await.unwrap());
        }
        let refused: Vec<_> = done.iter().filter_map(|done| done.as_ref().err()).collect();
        assert_eq!(refused, [&Refusal::Conflict], "{done:?}");
    }
    let decided =
        events(&world, EventKind::AppApproved).await.len() + events(&world, EventKind::AppRejected).await.len();
    assert_eq!(decided, 20);
}

#[tokio::test]
async fn a_decision_holds_only_for_what_the_reviewer_looked_at() {
    let world = world().await;
    let client_id = handed_in(&world, |_, _, _| {}).await;
    let browser = signed_in(&world, REVIEWER).await;
    let path = format!("/admin/reviews/{client_id}");
    let page = browser.get(&path).await;
    let old = load::<App>(&*world.ctx.store, &keys::app(&client_id))
        .await
        .unwrap()
        .unwrap();
    let name = "Something else".to_owned();
    let mut batch = Batch::new();
    batch
        .replace(
            &old,
            &App {
                name,
                ..old.value.clone()
            },
        )
        .unwrap();
    world.ctx.store.commit(batch).await.unwrap();
    let fields = [("decision", "rejected"), ("note", "Kept while they look again")];
    let refused = browser.submit(&page, &path, &fields).await;
    assert!(
        refused.status == 409 && refused.body.contains("Please look again"),
        "{refused:?}"
    );
    assert!(refused.body.contains("Kept while they look again"), "{refused:?}");
    assert_eq!(waiting(&world).await, 1);
    assert_eq!(browser.submit(&refused, &path, &fields).await.status, 303);
}

#[tokio::test]
async fn the_team_the_owners_and_the_support_get_a_letter_each() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    on_duty(&world, REVIEWER, Some(Duty::Reviewer)).await;
    for (email, role) in [
        ("dev@example.com", Role::Developer),
        ("gone@example.com", Role::Developer),
        ("bystander@example.com", Role::Admin),
    ] {
        world.add_member(email, role).await;
    }
    let team = [
        user(&world, "dev@example.com").await.id,
        user(&world, "gone@example.com").await.id,
    ];
    world
        .run(Command::MemberRemove {
            organization: world.organization.clone(),
            user: "gone@example.com".into(),
        })
        .await;
    let client_id = handed_in(&world, |app, dossier, submission| {
        dossier.team = team.to_vec();
        app.name = "<b>{note}</b>".into();
        app.developer.support = Some("Help@books.example".into());
        submission.developer = app.developer.clone();
    })
    .await;
    let browser = signed_in(&world, REVIEWER).await;
    decide(&browser, &client_id, "rejected", "No {link} for you").await;
    mail::turn(&world.ctx).await.unwrap();
    let mut mails = server.take();
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["Help@books.example", "dev@example.com", OWNER]);
    for mail in &mails {
        assert!(mail.text.contains("No {link} for you"), "{mail:?}");
        assert!(mail.text.contains("<b>{note}</b>"), "{mail:?}");
        assert!(mail.text.contains(&format!("/developer/apps/{client_id}")), "{mail:?}");
    }
    assert_eq!(mail::turn(&world.ctx).await.ok().map(|_| ()), Some(()));
    assert!(server.take().is_empty());
}

#[tokio::test]
async fn hostile_names_reasons_notes_and_links_stay_text() {
    const HOSTILE: &str = "\"><script>alert(1)</script>";
    let world = world().await;
    let client_id = handed_in(&world, |app, dossier, submission| {
        app.name = HOSTILE.into();
        app.developer.company = HOSTILE.into();
        app.developer.website = "javascript:alert(1)".into();
        app.redirect_uris = vec![format!("https://books.example/{HOSTILE}")];
        submission.name = HOSTILE.into();
        submission.developer = app.developer.clone();
        submission.redirect_uris = app.redirect_uris.clone();
        submission.scopes.push("gone<script>".into());
        submission.reasons = vec![("data.write".into(), HOSTILE.into())];
        dossier.reasons = submission.reasons.clone();
    })
    .await;
    let browser = signed_in(&world, REVIEWER).await;
    let (review, apps) = (
        format!("/admin/reviews/{client_id}"),
        format!("/admin/apps/{client_id}"),
    );
    let look = async |count: usize| {
        for path in ["/admin/reviews", "/admin/apps", &review, &apps] {
            let page = browser.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(
                !page.body.contains("<script") && !page.body.contains("javascript:"),
                "{count}: {page:?}"
            );
            if count == 0 {
                assert!(unescaped(&page.body).contains(HOSTILE), "{path}: {page:?}");
            }
        }
    };
    look(0).await;
    let done = decide(&browser, &client_id, "changes_requested", HOSTILE).await;
    assert_eq!(done.status, 303, "{done:?}");
    look(1).await;
}

#[tokio::test]
async fn a_suspended_app_is_reinstated_before_anything_else_is_decided() {
    let world = world().await;
    let client_id = staged(&world).await;
    let browser = signed_in(&world, REVIEWER).await;
    let path = format!("/admin/apps/{client_id}");
    let page = browser.get(&path).await;
    let fields = [("decision", "suspended"), ("note", "Leaks"), ("confirm", "Books")];
    assert_eq!(browser.submit(&page, &path, &fields).await.status, 303);
    let refused = decide(&browser, &client_id, "approved", "").await;
    assert!(
        refused.status == 409 && refused.body.contains("Reinstate it first"),
        "{refused:?}"
    );
    assert_eq!(app(&world, &client_id).await.state, AppState::Suspended);
    let fields = [("decision", "reinstated")];
    let page = browser.get(&path).await;
    assert_eq!(browser.submit(&page, &path, &fields).await.status, 303);
    assert_eq!(decide(&browser, &client_id, "approved", "").await.status, 303);
}

#[tokio::test]
async fn long_lists_come_in_pages_and_apps_are_found_by_their_id() {
    let world = world().await;
    let mut all = Vec::new();
    for _ in 0..26 {
        all.push(handed_in(&world, |_, _, _| {}).await);
    }
    let browser = signed_in(&world, REVIEWER).await;
    for (path, total) in [("/admin/reviews", 26), ("/admin/apps", 27)] {
        let first = browser.get(path).await;
        let rows = |page: &Answer| page.body.matches("<h2 class=\"plain\">").count();
        assert_eq!(rows(&first), 25, "{first:?}");
        let (_, next) = first.body.split_once(&format!("href=\"{path}?after=")).expect("more");
        let next = next.split('"').next().unwrap();
        let second = browser.get(&format!("{path}?after={next}")).await;
        assert_eq!(rows(&second), total - 25, "{second:?}");
        assert!(!second.body.contains("?after="), "{second:?}");
        assert_eq!(browser.get(&format!("{path}?after=nonsense")).await.status, 200);
    }
    let found = browser.get(&format!("/admin/apps?client_id=+{}+", all[7])).await;
    assert_eq!(location(&found), (303, &*format!("/admin/apps/{}", all[7])));
    let missing = browser.get("/admin/apps?client_id=%22%3E%3Cscript%3E").await;
    assert!(
        missing.body.contains("There is no app") && !missing.body.contains("<script>"),
        "{missing:?}"
    );
}
