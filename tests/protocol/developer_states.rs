//! From state to state: drafts, reviews, other scopes under both policies, disabling.

use crate::delegation::REDIRECT_URI;
use crate::developing::{ADMIN, CALLBACK, DEVELOPER, Developing, MEMBER};
use grantd::control::Command;
use grantd::control::app_settings::AppSettings;
use grantd::model::app::AppState;
use grantd::model::dossier::Verdict;
use grantd::model::event::EventKind;
use std::time::Duration;

#[tokio::test]
async fn an_edit_takes_the_place_of_the_submission_that_waits() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    // At the very same moment, and later.
    for name in ["Tidier Books", "Tidiest Books"] {
        assert_eq!(d.edit(&browser, &client_id, &[("name", name)]).await.status, 303);
        let [waiting] = d.queue().await.try_into().expect("one submission waits");
        assert_eq!((waiting.number, waiting.name.as_str()), (1, name));
        assert_eq!(d.dossier(&client_id).await.submissions, 1);
        d.world.advance(Duration::from_secs(60));
    }
    // Saving the same again is no submission.
    let version = d.queue().await[0].version;
    d.edit(&browser, &client_id, &[]).await;
    assert_eq!(d.queue().await[0].version, version);
}

#[tokio::test]
async fn what_is_sent_back_or_rejected_is_handed_in_again_by_saving() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    let verdicts = [
        (Verdict::ChangesRequested, AppState::ChangesRequested),
        (Verdict::Rejected, AppState::Rejected),
    ];
    for (at, (verdict, state)) in verdicts.into_iter().enumerate() {
        d.decide(&client_id, verdict, "The <b>terms</b> lead nowhere.").await;
        assert_eq!((d.app(&client_id).await.state, d.queue().await.len()), (state, 0));
        let overview = browser.get(&format!("/developer/apps/{client_id}")).await;
        assert!(
            overview.body.contains("The &lt;b&gt;terms&lt;/b&gt; lead nowhere."),
            "{overview:?}"
        );
        let terms = format!("https://tidy.example/terms/{at}");
        d.edit(&browser, &client_id, &[("terms", &terms)]).await;
        assert_eq!(
            (d.app(&client_id).await.state, d.queue().await.len()),
            (AppState::PendingReview, 1)
        );
    }
    assert_eq!(d.dossier(&client_id).await.submissions, 3);
}

#[tokio::test]
async fn details_of_an_active_app_change_without_a_review() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.approved(&browser).await;
    let epoch = d.app(&client_id).await.epoch;
    d.edit(&browser, &client_id, &[("redirect_uris", "https://app.example/two")])
        .await;
    let app = d.app(&client_id).await;
    assert_eq!(
        (app.state, app.epoch, d.queue().await.len()),
        (AppState::Active, epoch, 0)
    );
    assert_eq!(app.redirect_uris, ["https://app.example/two"]);
}

#[tokio::test]
async fn scopes_given_from_the_command_line_stay_when_its_developer_saves_something_else() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.approved(&browser).await;
    d.world
        .run(Command::AppChange {
            client_id: client_id.clone(),
            dedicated_user: None,
            scopes: vec!["settings.read".into()],
            settings: AppSettings::default(),
        })
        .await;
    d.edit(&browser, &client_id, &[("name", "Tidier")]).await;
    let app = d.app(&client_id).await;
    assert_eq!(
        (app.state, app.scopes.as_slice()),
        (AppState::Active, &["settings.read".to_owned()][..])
    );
}

#[tokio::test]
async fn other_scopes_send_an_active_app_back_and_its_tokens_die_fewer_of_them_too() {
    for wanted in [&["data.read", "data.write"][..], &["data.read"]] {
        let d = Developing::new("default").await;
        let browser = d.browser(DEVELOPER).await;
        let client_id = d.created(&browser, "public", &[("redirect_uris", REDIRECT_URI)]).await;
        d.wish(&browser, &client_id, &["data.read", "settings.read"]).await;
        d.decide(&client_id, Verdict::Approved, "").await;
        let client = d.client(&client_id).await;
        let server = d.world.add_resource_server().await;
        let (token, refresh) = d.world.connect(&client).await;
        assert!(d.world.works(&server, &token).await);

        let page = browser.get(&format!("/developer/apps/{client_id}/scopes")).await;
        assert!(page.body.contains("existing tokens are revoked"), "{page:?}");
        assert_eq!(d.wish(&browser, &client_id, wanted).await.status, 303);
        let app = d.app(&client_id).await;
        assert_eq!(
            (app.state, app.scopes.as_slice()),
            (AppState::PendingReview, wanted.map_to_owned().as_slice())
        );
        assert!(!d.world.works(&server, &token).await);
        let refused = d.world.refresh(&client, &refresh, &[]).await;
        assert_ne!(refused.status, 200, "{refused:?}");
        // Approval brings none of them back.
        d.decide(&client_id, Verdict::Approved, "").await;
        assert_eq!(d.app(&client_id).await.state, AppState::Active);
        assert!(!d.world.works(&server, &token).await);
    }
}

trait MapToOwned {
    fn map_to_owned(&self) -> Vec<String>;
}

impl MapToOwned for &[&str] {
    fn map_to_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[tokio::test]
async fn under_the_other_policy_added_scopes_wait_and_removed_ones_go_at_once() {
    let d = Developing::staged().await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[("redirect_uris", REDIRECT_URI)]).await;
    d.wish(&browser, &client_id, &["data.read", "settings.read"]).await;
    d.decide(&client_id, Verdict::Approved, "").await;
    let client = d.client(&client_id).await;
    let server = d.world.add_resource_server().await;
    let (token, _) = d.world.connect(&client).await;

    d.wish(&browser, &client_id, &["data.read", "data.write"]).await;
    let app = d.app(&client_id).await;
    assert_eq!(
        (app.state, app.scopes.as_slice()),
        (AppState::Active, &["data.read".to_owned()][..])
    );
    let [waiting] = d.queue().await.try_into().expect("one submission waits");
    assert_eq!(waiting.scopes, ["data.read", "data.write"]);
    assert!(d.world.works(&server, &token).await, "what was approved goes on");
    let overview = browser.get(&format!("/developer/apps/{client_id}")).await;
    assert!(overview.body.contains("wait for a reviewer"), "{overview:?}");

    // Thought better of: nothing waits any more.
    d.wish(&browser, &client_id, &["data.read"]).await;
    assert_eq!(
        (d.queue().await.len(), d.app(&client_id).await.state),
        (0, AppState::Active)
    );
    // Asked for once more and rejected: the app goes on with what it has, and asks again when it is saved.
    d.wish(&browser, &client_id, &["data.read", "data.write"]).await;
    d.decide(&client_id, Verdict::Rejected, "No.").await;
    assert_eq!(
        (d.app(&client_id).await.state, d.queue().await.len()),
        (AppState::Active, 0)
    );
    d.edit(&browser, &client_id, &[("name", "Tidier")]).await;
    assert_eq!(d.queue().await.len(), 0, "other details ask for nothing");
    d.wish(&browser, &client_id, &["data.read", "data.write"]).await;
    d.decide(&client_id, Verdict::Approved, "").await;
    assert_eq!(d.app(&client_id).await.scopes, ["data.read", "data.write"]);
}

#[tokio::test]
async fn other_scopes_of_a_private_app_end_its_tokens_without_a_review() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let member = d.user(MEMBER).await;
    let client_id = d.created(&browser, "private", &[("dedicated_user", &member)]).await;
    d.wish(&browser, &client_id, &["data.read"]).await;
    let client = d.client(&client_id).await;
    let token = d.world.mint_as(&client, "").await;
    d.wish(&browser, &client_id, &["data.read", "profile.read"]).await;
    assert_eq!(
        (d.app(&client_id).await.state, d.queue().await.len()),
        (AppState::Active, 0)
    );
    let seen = d.world.introspect_as(&client, &token).await;
    assert_eq!(seen["active"], false);
}

#[tokio::test]
async fn owners_and_admins_disable_a_private_app_by_typing_its_name_and_enable_it_again() {
    let d = Developing::new("default").await;
    let developer = d.browser(DEVELOPER).await;
    let admin = d.browser(ADMIN).await;
    let member = d.user(MEMBER).await;
    let client_id = d.created(&developer, "private", &[("dedicated_user", &member)]).await;
    d.wish(&developer, &client_id, &["data.read"]).await;
    let client = d.client(&client_id).await;
    let token = d.world.mint_as(&client, "").await;
    let path = format!("/developer/apps/{client_id}/status");
    assert_eq!(developer.get(&path).await.status, 403);
    let page = admin.get(&path).await;
    let refused = admin
        .submit(&page, &path, &[("do", "disable"), ("confirm", "Tidy")])
        .await;
    assert_eq!(refused.status, 422);
    assert!(!d.app(&client_id).await.disabled);
    let done = admin
        .submit(&page, &path, &[("do", "disable"), ("confirm", "Tidy Books")])
        .await;
    assert_eq!(done.status, 303);
    let server = d.world.client();
    assert_eq!(d.world.introspect_as(&server, &token).await["active"], false);
    let refused = d
        .world
        .post_as(&client, "/oauth/token", "grant_type=client_credentials")
        .await;
    assert_eq!(refused.status, 401, "{refused:?}");
    let page = admin.get(&path).await;
    assert_eq!(admin.submit(&page, &path, &[("do", "enable")]).await.status, 303);
    assert_eq!(d.world.introspect_as(&client, &token).await["active"], true);
    let events = d.events_of(&client_id).await;
    assert!(
        events.contains(&EventKind::AppDisabled) && events.contains(&EventKind::AppEnabled),
        "{events:?}"
    );
    // A public app is its reviewers' business.
    let public = d.approved(&developer).await;
    assert_eq!(admin.get(&format!("/developer/apps/{public}/status")).await.status, 404);
    assert_eq!(d.app(&public).await.redirect_uris, [CALLBACK]);
}
