//! The review desk: what waits, who may decide, and what a decision makes of an app.

use crate::administrators::{REVIEWER, actor, events, location, on_duty, signed_in, user};
use crate::browser::{Browser, set_password};
use crate::http::Answer;
use crate::support::{OWNER, World};
use grantd::model::app::{App, AppState, ClientType, Developer, Kind};
use grantd::model::dossier::{Dossier, NOTE_CHARS_MAX, Submission, Verdict};
use grantd::model::event::EventKind;
use grantd::model::user::Duty;
use grantd::platform::reviews::{self};
use grantd::store::records::{Versioned, load};
use grantd::store::{Batch, Outcome, keys};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
pub const OTHER: &str = "other-reviewer@example.com";

/// A world with two reviewers who belong to nobody.
pub async fn world() -> World {
    let world = World::new("default").await;
    for email in [REVIEWER, OTHER] {
        on_duty(&world, email, Some(Duty::Reviewer)).await;
    }
    world
}

/// An app of the world's organization as its developer handed it in, with `change` made to it before.
pub async fn handed_in(world: &World, change: impl FnOnce(&mut App, &mut Dossier, &mut Submission)) -> String {
    let by = user(world, OWNER).await.id;
    let client_id = format!("grantd_app_{}", world.ctx.now().millis());
    let organization = world.organization.clone();
    let mut app = App::new(
        client_id.clone(),
        organization.clone(),
        Kind::Public,
        ClientType::Confidential,
        world.ctx.now(),
    );
    app.name = "Books".into();
    app.state = AppState::PendingReview;
    app.redirect_uris = vec!["https://books.example/callback".into()];
    app.scopes = vec!["profile.read".into(), "data.write".into()];
    app.developer = Developer {
        company: "Books Ltd".into(),
        website: "https://books.example".into(),
        ..Developer::default()
    };
    let mut dossier = Dossier {
        wanted: app.scopes.clone(),
        reasons: vec![("data.write".into(), "To book invoices".into())],
        submissions: 1,
        ..Dossier::new(&client_id)
    };
    let mut submission = Submission {
        client_id: client_id.clone(),
        number: 1,
        organization,
        name: app.name.clone(),
        developer: app.developer.clone(),
        redirect_uris: app.redirect_uris.clone(),
        scopes: app.scopes.clone(),
        reasons: dossier.reasons.clone(),
        by,
        at: world.ctx.now(),
        decision: None,
    };
    change(&mut app, &mut dossier, &mut submission);
    let mut batch = Batch::new();
    batch.insert(&app).unwrap().insert(&dossier).unwrap();
    batch.insert(&submission).unwrap();
    let done = world.ctx.store.commit(batch).await.unwrap();
    assert!(matches!(done, Outcome::Committed(_)));
    world.advance(HOUR);
    client_id
}

/// An active app whose change of scopes waits: `data.read` is approved, `settings.write` is new, `profile.read` goes.
pub async fn staged(world: &World) -> String {
    handed_in(world, |app, dossier, submission| {
        app.state = AppState::Active;
        app.scopes = vec!["profile.read".into(), "data.read".into()];
        dossier.approved = Some(app.scopes.clone());
        dossier.wanted = vec!["data.read".into(), "settings.write".into()];
        submission.scopes = dossier.wanted.clone();
    })
    .await
}

pub async fn app(world: &World, client_id: &str) -> App {
    let found = load::<App>(&*world.ctx.store, &keys::app(client_id)).await;
    found.unwrap().expect("the app is there").value
}

async fn dossier(world: &World, client_id: &str) -> Versioned<Dossier> {
    let found = load::<Dossier>(&*world.ctx.store, &keys::dossier(client_id)).await;
    found.unwrap().expect("the dossier is there")
}

pub async fn waiting(world: &World) -> usize {
    let reviewer = actor(world, REVIEWER).await;
    reviews::waiting(&world.ctx, &reviewer).await.unwrap()
}

pub async fn decide(browser: &Browser<'_>, client_id: &str, decision: &str, note: &str) -> Answer {
    let path = format!("/admin/reviews/{client_id}");
    let page = browser.get(&path).await;
    let fields = [("decision", decision), ("note", note)];
    browser.submit(&page, &path, &fields).await
}

#[tokio::test]
async fn the_queue_is_ordered_by_age_and_says_what_is_risky() {
    let world = world().await;
    let browser = signed_in(&world, REVIEWER).await;
    let empty = browser.get("/admin/reviews").await;
    assert!(empty.body.contains("Nothing waits for a review"), "{empty:?}");
    handed_in(&world, |app, _, submission| {
        submission.name = "First of all".into();
        app.name = submission.name.clone();
    })
    .await;
    staged(&world).await;
    handed_in(&world, |_, dossier, submission| {
        dossier.approved = Some(submission.scopes.clone());
        submission.name = "Fewer".into();
        submission.scopes.pop();
    })
    .await;
    let page = browser.get("/admin/reviews").await;
    let rows: Vec<&str> = page.body.split("<li><div class=\"what\">").skip(1).collect();
    let expected = [
        ("First of all", "First submission", "medium risk", "3 h"),
        ("Books", "Scope change", "high risk", "2 h"),
        ("Fewer", "Scope change", "nothing new", "1 h"),
    ];
    assert_eq!(rows.len(), expected.len(), "{page:?}");
    for (row, (name, kind, risk, age)) in rows.into_iter().zip(expected) {
        for text in [name, kind, risk, age, "Acme"] {
            assert!(row.contains(text), "{text} in {row}");
        }
    }
    let home = browser.get("/admin").await;
    assert!(home.body.contains("3 waiting"), "{home:?}");
}

#[tokio::test]
async fn a_reviewer_sees_the_scopes_that_are_new_and_why() {
    let world = world().await;
    let client_id = staged(&world).await;
    let page = signed_in(&world, REVIEWER)
        .await
        .get(&format!("/admin/reviews/{client_id}"))
        .await;
    let (_, scopes) = page.body.split_once("<h2>Scopes</h2>").expect("scopes");
    let of = |heading: &str| {
        let (_, rest) = scopes
            .split_once(heading)
            .unwrap_or_else(|| panic!("{heading} in {scopes}"));
        rest.split("</ul>").next().unwrap().to_owned()
    };
    assert!(of("New (1)").contains("settings.write") && of("New (1)").contains("high risk"));
    assert!(of("New (1)").contains("Change your organization&#39;s settings") || of("New (1)").contains("settings."));
    assert!(of("Given up (1)").contains("profile.read"));
    assert!(of("Approved before (1)").contains("data.read"));
    for text in ["Books Ltd", "https://books.example/callback", "owner@example.com"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
}

#[tokio::test]
async fn approving_puts_the_scopes_in_force_and_tells_of_it() {
    let world = world().await;
    let client_id = handed_in(&world, |_, _, _| {}).await;
    let browser = signed_in(&world, REVIEWER).await;
    let done = decide(&browser, &client_id, "approved", "").await;
    assert_eq!(location(&done), (303, "/admin/reviews?done=approved"), "{done:?}");
    let (app, dossier) = (app(&world, &client_id).await, dossier(&world, &client_id).await);
    assert_eq!((app.state, app.epoch), (AppState::Active, 0));
    assert_eq!(dossier.approved.as_ref(), Some(&app.scopes));
    assert_eq!(dossier.verdict.as_ref().unwrap().verdict, Verdict::Approved);
    assert_eq!(waiting(&world).await, 0);
    let noted = events(&world, EventKind::AppApproved).await;
    assert_eq!(noted.len(), 1);
    let by = user(&world, REVIEWER).await.id;
    assert_eq!((noted[0].by.as_deref(), noted[0].note.as_deref()), (Some(&*by), None));
    assert_eq!(noted[0].client_id.as_ref(), Some(&client_id));
    assert_eq!(noted[0].changes[0].before.as_deref(), Some("pending_review"));
    let page = browser.get(&format!("/admin/reviews/{client_id}")).await;
    assert!(page.body.contains("nothing to decide here"), "{page:?}");
}

#[tokio::test]
async fn rejecting_and_asking_for_changes_need_a_note() {
    let world = world().await;
    let browser = signed_in(&world, REVIEWER).await;
    for (decision, state, kind) in [
        ("rejected", AppState::Rejected, EventKind::AppRejected),
        (
            "changes_requested",
            AppState::ChangesRequested,
            EventKind::AppChangesRequested,
        ),
    ] {
        let client_id = handed_in(&world, |_, _, _| {}).await;
        let long = "x".repeat(NOTE_CHARS_MAX + 1);
        for (note, why) in [
            ("", "Say why"),
            (" \r\n ", "Say why"),
            (&*long, "at most 500"),
            ("a\u{202e}b", "cannot be seen"),
        ] {
            let refused = decide(&browser, &client_id, decision, note).await;
            assert!(
                refused.status == 422 && refused.body.contains(why),
                "{why}: {refused:?}"
            );
        }
        assert_eq!(app(&world, &client_id).await.state, AppState::PendingReview);
        let done = decide(&browser, &client_id, decision, "Tell us more.\r\nPlease.").await;
        assert_eq!(done.status, 303, "{done:?}");
        assert_eq!(app(&world, &client_id).await.state, state);
        let verdict = dossier(&world, &client_id).await.value.verdict.unwrap();
        assert_eq!(verdict.note, "Tell us more.\nPlease.");
        assert_eq!(
            events(&world, kind).await[0].note.as_deref(),
            Some("Tell us more.\nPlease.")
        );
        assert_eq!(waiting(&world).await, 0);
    }
}

#[tokio::test]
async fn a_change_that_waits_leaves_the_approved_scopes_in_force_until_it_is_approved() {
    let world = world().await;
    let browser = signed_in(&world, REVIEWER).await;
    let approved = ["profile.read", "data.read"];
    let wanted = ["data.read", "settings.write"];
    for (decision, scopes, left) in [
        ("approved", wanted, wanted),
        ("rejected", approved, approved),
        ("changes_requested", approved, wanted),
    ] {
        let client_id = staged(&world).await;
        let done = decide(&browser, &client_id, decision, "A note").await;
        assert_eq!(done.status, 303, "{done:?}");
        let (app, dossier) = (app(&world, &client_id).await, dossier(&world, &client_id).await);
        assert_eq!(
            (app.state, &*app.scopes),
            (AppState::Active, &scopes.map(String::from)[..])
        );
        assert_eq!(dossier.wanted, left.map(String::from), "{decision}");
        assert_eq!(dossier.approved, Some(scopes.map(String::from).to_vec()), "{decision}");
        assert_eq!(dossier.verdict.as_ref().unwrap().verdict.as_str(), decision);
    }
    assert_eq!(waiting(&world).await, 0);
}

#[tokio::test]
async fn a_reviewer_sees_what_changed_between_two_submissions() {
    let world = world().await;
    let browser = signed_in(&world, REVIEWER).await;
    let client_id = handed_in(&world, |_, _, _| {}).await;
    decide(&browser, &client_id, "changes_requested", "Name your company in full").await;
    let old = load::<Submission>(&*world.ctx.store, &keys::submission(&client_id, 1)).await;
    let old = old.unwrap().unwrap();
    let before = load::<App>(&*world.ctx.store, &keys::app(&client_id))
        .await
        .unwrap()
        .unwrap();
    let dossier = dossier(&world, &client_id).await;
    let mut again = Submission {
        number: 2,
        decision: None,
        at: world.ctx.now(),
        ..old.value.clone()
    };
    again.developer.company = "Books and Ledgers Ltd".into();
    let mut batch = Batch::new();
    batch.insert(&again).unwrap();
    let state = AppState::PendingReview;
    let app = App {
        state,
        ..before.value.clone()
    };
    batch.replace(&before, &app).unwrap();
    let submissions = 2;
    batch
        .replace(
            &dossier,
            &Dossier {
                submissions,
                ..dossier.value.clone()
            },
        )
        .unwrap();
    world.ctx.store.commit(batch).await.unwrap();
    let page = browser.get(&format!("/admin/reviews/{client_id}")).await;
    let (_, table) = page.body.split_once("<table").expect("what is different");
    let table = table.split("</table>").next().unwrap();
    assert!(
        table.contains("Books Ltd") && table.contains("Books and Ledgers Ltd"),
        "{table}"
    );
    assert!(!table.contains("callback"), "what is the same is left out: {table}");
    for text in ["Resubmission", "Name your company in full", "Changes requested"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
}

#[tokio::test]
async fn suspending_ends_every_token_and_reinstating_brings_none_back() {
    let world = world().await;
    let server = world.add_resource_server().await;
    let token = world.mint("").await;
    let browser = signed_in(&world, REVIEWER).await;
    let path = format!("/admin/apps/{}", world.client_id);
    let page = browser.get(&path).await;
    for (note, confirm, why) in [("", "App", "Say why"), ("Leaks", "Ap", "not the app&#39;s name")] {
        let fields = [("decision", "suspended"), ("note", note), ("confirm", confirm)];
        let refused = browser.submit(&page, &path, &fields).await;
        assert_eq!(refused.status, 422, "{why}: {refused:?}");
    }
    assert_eq!(world.introspect_as(&server, &token).await["active"], true);
    let fields = [("decision", "suspended"), ("note", "Leaks"), ("confirm", "App")];
    let done = browser.submit(&page, &path, &fields).await;
    assert_eq!(location(&done), (303, &*format!("{path}?done=suspended")), "{done:?}");
    assert_eq!(world.introspect_as(&server, &token).await["active"], false);
    assert!(matches!(world.ask("").await.status, 400 | 401));
    assert_eq!(
        browser.submit(&page, &path, &fields).await.status,
        409,
        "what was seen is gone"
    );

    let page = browser.get(&path).await;
    assert!(page.body.contains("Leaks"), "{page:?}");
    let done = browser.submit(&page, &path, &[("decision", "reinstated")]).await;
    assert_eq!(location(&done), (303, &*format!("{path}?done=reinstated")), "{done:?}");
    assert_eq!(
        world.introspect_as(&server, &token).await["active"],
        false,
        "ended for good"
    );
    let fresh = world.mint("").await;
    assert_eq!(world.introspect_as(&server, &fresh).await["active"], true);
    for kind in [EventKind::AppSuspended, EventKind::AppReinstated] {
        assert_eq!(events(&world, kind).await.len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn what_a_reviewer_reads_is_read_in_three_languages() {
    let world = world().await;
    set_password(&world, OWNER).await;
    let client_id = handed_in(&world, |_, _, _| {}).await;
    for (language, texts) in [
        ("fr", ["Première soumission", "risque moyen", "Approuver"]),
        ("sl", ["Prva oddaja", "srednje tveganje", "Odobri"]),
    ] {
        let browser = signed_in(&world, REVIEWER)
            .await
            .with_header("accept-language", language);
        let page = browser.get(&format!("/admin/reviews/{client_id}")).await;
        for text in texts {
            assert!(page.body.contains(text), "{text}: {page:?}");
        }
    }
}
