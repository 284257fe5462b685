//! Making an app: every field and rule of the seeds, and what is wrong with a form beside its field.

use crate::browser::Browser;
use crate::developing::{ADMIN, CALLBACK, DEVELOPER, Developing, MEMBER, STAKEHOLDER, png};
use crate::support::OWNER;
use grantd::model::app::{AppState, ClientType, Kind, REDIRECT_URIS_MAX};
use grantd::model::event::EventKind;

const HOSTILE: &str = "\"><script>alert(1)</script>&{app}";

#[tokio::test]
async fn a_public_app_takes_two_steps_and_then_waits_for_a_reviewer() {
    let d = Developing::new("mokapen").await;
    let browser = d.browser(DEVELOPER).await;
    let list = browser.get("/developer").await;
    assert!(list.body.contains("href=\"/developer/apps/new\""), "{list:?}");
    let kinds = browser.get("/developer/apps/new").await;
    for kind in ["public", "private"] {
        assert!(
            kinds
                .body
                .contains(&format!("href=\"/developer/apps/new?kind={kind}\"")),
            "{kinds:?}"
        );
    }
    let client_id = d.created(&browser, "public", &[("stakeholders", STAKEHOLDER)]).await;
    let app = d.app(&client_id).await;
    assert_eq!(
        (app.kind, app.client_type, app.state),
        (Kind::Public, ClientType::Confidential, AppState::Draft)
    );
    assert_eq!(
        (app.name.as_str(), app.developer.company.as_str()),
        ("Tidy Books", "Tidy Inc.")
    );
    assert_eq!(app.developer.website, "https://tidy.example/");
    assert_eq!(app.developer.support.as_deref(), Some("help@tidy.example"));
    assert_eq!(
        app.developer.privacy_policy.as_deref(),
        Some("https://tidy.example/privacy")
    );
    assert_eq!(app.developer.terms.as_deref(), Some("https://tidy.example/terms"));
    assert_eq!(app.redirect_uris, [CALLBACK]);
    assert!(app.developer.logo.is_some() && app.secrets.is_empty());
    let dossier = d.dossier(&client_id).await;
    assert_eq!(dossier.team, [d.user(DEVELOPER).await]);
    assert_eq!(dossier.stakeholders, [STAKEHOLDER]);

    assert_step_two(&d, &browser, &client_id).await;
}

/// The scopes with a reason each, and the app is handed in.
async fn assert_step_two(d: &Developing, browser: &Browser<'_>, client_id: &str) {
    let saved = d.wish(browser, client_id, &["tasks.read", "tasks.write"]).await;
    assert_eq!(
        saved.header("location"),
        Some(&*format!("/developer/apps/{client_id}?done=scopes"))
    );
    let app = d.app(client_id).await;
    assert_eq!(app.state, AppState::PendingReview);
    assert_eq!(app.scopes, ["tasks.read", "tasks.write"]);
    assert_eq!(d.dossier(client_id).await.reason("tasks.write"), "To show tasks.write");
    let [waiting] = d.queue().await.try_into().expect("one submission waits");
    assert_eq!((waiting.number, waiting.client_id.as_str()), (1, client_id));
    assert_eq!(
        (waiting.by.as_str(), &waiting.scopes),
        (d.user(DEVELOPER).await.as_str(), &app.scopes)
    );
    assert_eq!(
        (waiting.name.as_str(), &waiting.redirect_uris),
        ("Tidy Books", &app.redirect_uris)
    );
    let kinds = [
        EventKind::AppCreated,
        EventKind::AppScopesChanged,
        EventKind::AppSubmitted,
    ];
    let events = d.events_of(client_id).await;
    assert!(
        events.len() == 3 && kinds.iter().all(|kind| events.contains(kind)),
        "{events:?}"
    );

    let overview = browser.get(&format!("/developer/apps/{client_id}")).await;
    for text in [
        "Pending review",
        client_id,
        "Tidy Inc.",
        CALLBACK,
        STAKEHOLDER,
        "To show tasks.write",
    ] {
        assert!(overview.body.contains(text), "{text} is missing in {overview:?}");
    }
    // Until it is approved nobody can allow it.
    let asked = browser
        .get(&format!("/oauth/authorize?client_id={client_id}&response_type=code"))
        .await;
    assert_eq!((asked.status, asked.header("location")), (400, None));
}

#[tokio::test]
async fn a_draft_says_what_is_missing_and_goes_on_by_itself() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let page = browser.get("/developer/apps/new?kind=public").await;
    let fields = [("name", "Tidy Books"), ("company", "Tidy Inc.")];
    let made = d.upload(&browser, &page, "/developer/apps/new", &fields, None).await;
    assert_eq!(made.status, 303, "{made:?}");
    let client_id = made.header("location").unwrap()["/developer/apps/".len()..]
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let at = format!("/developer/apps/{client_id}");
    d.wish(&browser, &client_id, &["data.read"]).await;
    let overview = browser.get(&at).await;
    let link = |ending: &str| format!("href=\"{at}{ending}\"");
    for missing in ["/details#redirect_uris", "/details#website", "/logo"] {
        assert!(overview.body.contains(&link(missing)), "{missing} in {overview:?}");
    }
    assert!(!overview.body.contains(&link("/details#company")) && !overview.body.contains(&link("/details#name")));
    assert_eq!(d.app(&client_id).await.state, AppState::Draft);

    d.edit(
        &browser,
        &client_id,
        &[("redirect_uris", CALLBACK), ("website", "https://tidy.example/")],
    )
    .await;
    assert_eq!(
        (d.app(&client_id).await.state, d.queue().await.len()),
        (AppState::Draft, 0)
    );
    let page = browser.get(&format!("{at}/logo")).await;
    d.upload(&browser, &page, &format!("{at}/logo"), &[], Some(&png()))
        .await;
    assert_eq!(
        (d.app(&client_id).await.state, d.queue().await.len()),
        (AppState::PendingReview, 1)
    );
}

#[tokio::test]
async fn a_private_app_needs_a_dedicated_user_and_is_active_at_once() {
    let d = Developing::new("mokapen").await;
    let browser = d.browser(DEVELOPER).await;
    let page = browser.get("/developer/apps/new?kind=private").await;
    assert!(
        page.body.contains("name=\"dedicated_user\"") && !page.body.contains("name=\"redirect_uris\""),
        "{page:?}"
    );
    assert!(
        page.body.contains(MEMBER) && !page.body.contains(ADMIN),
        "nobody above a developer is offered"
    );
    let member = d.user(MEMBER).await;
    let client_id = d.created(&browser, "private", &[("dedicated_user", &member)]).await;
    let saved = d.wish(&browser, &client_id, &["tasks.read"]).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    let app = d.app(&client_id).await;
    assert_eq!(
        (app.state, app.dedicated_user.as_deref()),
        (AppState::Active, Some(member.as_str()))
    );
    assert!(app.redirect_uris.is_empty() && d.queue().await.is_empty());
    let client = d.client(&client_id).await;
    assert!(!d.world.mint_as(&client, "").await.is_empty());
}

#[tokio::test]
async fn nobody_lets_an_app_act_as_a_member_above_themselves() {
    let d = Developing::new("default").await;
    let developer = d.browser(DEVELOPER).await;
    let member = d.user(MEMBER).await;
    let client_id = d.created(&developer, "private", &[("dedicated_user", &member)]).await;
    d.wish(&developer, &client_id, &["data.read"]).await;
    for above in [OWNER, ADMIN] {
        let above = d.user(above).await;
        let refused = d.edit(&developer, &client_id, &[("dedicated_user", &above)]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains("dedicated_user-fault"), "{refused:?}");
    }
    assert_eq!(d.app(&client_id).await.dedicated_user, Some(member));
    // An admin may; the developer may then change everything else.
    let admin = d.user(ADMIN).await;
    let by_admin = d.browser(ADMIN).await;
    assert_eq!(
        d.edit(&by_admin, &client_id, &[("dedicated_user", &admin)])
            .await
            .status,
        303
    );
    assert_eq!(d.edit(&developer, &client_id, &[("name", "Other")]).await.status, 303);
    let app = d.app(&client_id).await;
    assert_eq!((app.dedicated_user.clone(), app.name.as_str()), (Some(admin), "Other"));
    for nobody in ["u_unknown".to_owned(), d.user(STAKEHOLDER).await] {
        assert_eq!(
            d.edit(&by_admin, &client_id, &[("dedicated_user", &nobody)])
                .await
                .status,
            422,
            "{nobody}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[]).await;
    let before = d.app(&client_id).await.version;
    let many: String = (0..=REDIRECT_URIS_MAX)
        .map(|i| format!("https://a.example/{i}\n"))
        .collect();
    let cases = [
        ("name", "\u{202e}skooB", "name"),
        ("name", &*"x".repeat(101), "name"),
        ("company", "a\u{200b}b", "company"),
        ("website", "http://tidy.example/", "website"),
        ("website", "javascript:alert(1)", "website"),
        ("privacy_policy", "https://tidy.example/\"onload=", "privacy_policy"),
        ("terms", "tidy", "terms"),
        ("support", "help@tidy", "support"),
        ("support", "https://user:pw@tidy.example", "support"),
        ("redirect_uris", "http://app.example/callback", "redirect_uris"),
        ("redirect_uris", "https://app.example/cb?code=1", "redirect_uris"),
        ("redirect_uris", "https://*.app.example/", "redirect_uris"),
        ("redirect_uris", &many, "redirect_uris"),
        ("stakeholders", "not an address", "stakeholders"),
    ];
    for (field, value, beside) in cases {
        let refused = d.edit(&browser, &client_id, &[(field, value)]).await;
        assert_eq!(refused.status, 422, "{field}={value:?}");
        assert!(
            refused.body.contains(&format!("id=\"{beside}-fault\"")),
            "{field}: {refused:?}"
        );
        assert!(refused.body.contains("aria-invalid=\"true\""), "{field}");
    }
    let refused = d
        .edit(&browser, &client_id, &[("name", HOSTILE), ("terms", HOSTILE)])
        .await;
    assert_eq!(refused.status, 422);
    assert!(!refused.body.contains("<script>alert"), "{refused:?}");
    assert!(
        refused
            .body
            .contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;{app}"),
        "{refused:?}"
    );
    assert_eq!(d.app(&client_id).await.version, before, "nothing was saved");
}

#[tokio::test]
async fn a_hostile_name_changes_nothing_on_any_page() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let fields = [("name", HOSTILE), ("company", HOSTILE)];
    let client_id = d.created(&browser, "public", &fields).await;
    assert_eq!(d.app(&client_id).await.name, HOSTILE);
    d.wish(&browser, &client_id, &["data.read"]).await;
    let endings = ["", "/details", "/logo", "/scopes", "/team", "/history", "/consent"];
    let pages = endings
        .iter()
        .map(|ending| format!("/developer/apps/{client_id}{ending}"));
    for path in pages.chain(["/developer".to_owned()]) {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains("&lt;script&gt;alert(1)"), "{path}");
        assert!(!page.body.contains("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn an_app_past_its_draft_keeps_what_is_required() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    for field in ["name", "company", "website", "redirect_uris"] {
        let refused = d.edit(&browser, &client_id, &[(field, "")]).await;
        assert_eq!(refused.status, 422, "{field}");
        assert!(
            refused.body.contains(&format!("id=\"{field}-fault\"")),
            "{field}: {refused:?}"
        );
    }
    for field in ["support", "privacy_policy", "terms"] {
        assert_eq!(
            d.edit(&browser, &client_id, &[(field, "")]).await.status,
            303,
            "{field}"
        );
    }
    assert_eq!(d.wish(&browser, &client_id, &[]).await.status, 422);
}

#[tokio::test]
async fn what_a_profile_requires_is_required_there() {
    let d = Developing::new("makecrypto").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[("terms", "")]).await;
    d.wish(&browser, &client_id, &["company:read"]).await;
    assert_eq!(d.app(&client_id).await.state, AppState::Draft);
    d.edit(&browser, &client_id, &[("terms", "https://tidy.example/terms")])
        .await;
    assert_eq!(d.app(&client_id).await.state, AppState::PendingReview);
}

#[tokio::test]
async fn every_scope_of_a_public_app_says_why() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[]).await;
    let path = format!("/developer/apps/{client_id}/scopes");
    let page = browser.get(&path).await;
    let long = "x".repeat(301);
    for (why, scope) in [
        ("", "data.read"),
        (&*long, "data.read"),
        ("a\u{202e}b", "data.read"),
        ("why", "no.such"),
    ] {
        let fields = [("scope", scope), ("why_1", why)];
        let refused = browser.submit(&page, &path, &fields).await;
        assert_eq!(refused.status, 422, "{scope} {why}");
        assert!(
            refused.body.contains("class=\"fault\"") || scope == "no.such",
            "{refused:?}"
        );
    }
    let refused = browser
        .submit(&page, &path, &[("scope", "data.read"), ("why_1", "")])
        .await;
    assert!(
        refused.body.contains("id=\"why_1-fault\"") && refused.body.contains("checked"),
        "{refused:?}"
    );
    assert!(d.dossier(&client_id).await.wanted.is_empty());
    // Nobody reads the reasons of a private one.
    let member = d.user(MEMBER).await;
    let private = d.created(&browser, "private", &[("dedicated_user", &member)]).await;
    let path = format!("/developer/apps/{private}/scopes");
    let page = browser.get(&path).await;
    assert_eq!(
        browser.submit(&page, &path, &[("scope", "data.read")]).await.status,
        303
    );
}

#[tokio::test]
async fn a_public_client_has_schemes_of_its_own_and_the_type_it_was_made_with() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let own = "com.example.app:/callback";
    let fields = [("client_type", "public"), ("redirect_uris", own)];
    let client_id = d.created(&browser, "public", &fields).await;
    let app = d.app(&client_id).await;
    assert_eq!(
        (app.client_type, app.redirect_uris.as_slice()),
        (ClientType::Public, &[own.to_owned()][..])
    );
    let page = browser.get("/developer/apps/new?kind=public").await;
    let fields = [("name", "A"), ("client_type", "confidential"), ("redirect_uris", own)];
    let refused = d
        .upload(&browser, &page, "/developer/apps/new", &fields, Some(&png()))
        .await;
    assert_eq!(refused.status, 422);
    // The picture need not be chosen once more.
    let kept = refused.body.split("name=\"kept_logo\" value=\"").nth(1).unwrap();
    assert_eq!(kept.split('"').next().unwrap().len(), 43, "{refused:?}");
}
