//! Who sees and changes an app: its team, owners and admins, stakeholders, and nobody else; its way to another owner.

use crate::developing::{ADMIN, COLLEAGUE, DEVELOPER, Developing, MEMBER, STAKEHOLDER};
use crate::support::OWNER;
use grantd::model::app::AppState;
use grantd::model::event::EventKind;
use grantd::model::role::Role;

const PAGES: [&str; 8] = [
    "",
    "/history",
    "/consent",
    "/details",
    "/logo",
    "/scopes",
    "/team",
    "/transfer",
];

/// The statuses of [`PAGES`].
async fn seen(d: &Developing, email: &str, client_id: &str) -> Vec<u16> {
    let browser = d.browser(email).await;
    let mut statuses = Vec::new();
    for ending in PAGES {
        statuses.push(
            browser
                .get(&format!("/developer/apps/{client_id}{ending}"))
                .await
                .status,
        );
    }
    statuses
}

#[tokio::test]
async fn each_sees_of_an_app_what_they_may() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[("stakeholders", STAKEHOLDER)]).await;
    assert_eq!(seen(&d, OWNER, &client_id).await, [200; 8]);
    assert_eq!(seen(&d, ADMIN, &client_id).await, [200; 8]);
    assert_eq!(
        seen(&d, DEVELOPER, &client_id).await,
        [200, 200, 200, 200, 200, 200, 200, 403]
    );
    assert_eq!(
        seen(&d, COLLEAGUE, &client_id).await,
        [200, 200, 200, 403, 403, 403, 403, 403]
    );
    assert_eq!(
        seen(&d, STAKEHOLDER, &client_id).await,
        [200, 200, 200, 403, 403, 403, 403, 403]
    );
    assert_eq!(seen(&d, MEMBER, &client_id).await, [404; 8]);
    assert_eq!(seen(&d, OWNER, "grantd_app_unknown").await, [404; 8]);
    let anonymous = crate::browser::Browser::new(&d.world);
    let sent = anonymous.get(&format!("/developer/apps/{client_id}")).await;
    assert!(sent.header("location").unwrap().starts_with("/login?next="), "{sent:?}");
}

#[tokio::test]
async fn stakeholders_find_their_apps_and_no_button_members_find_nothing() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d
        .created(&browser, "public", &[("stakeholders", "Stake@Elsewhere.example")])
        .await;
    let stakeholder = d.browser(STAKEHOLDER).await;
    let list = stakeholder.get("/developer").await;
    assert!(
        list.body.contains(&client_id) && !list.body.contains("/developer/apps/new"),
        "{list:?}"
    );
    let overview = stakeholder.get(&format!("/developer/apps/{client_id}")).await;
    for ending in ["/details", "/scopes", "/team", "/credentials", "/transfer", "/logo"] {
        let link = format!("href=\"/developer/apps/{client_id}{ending}");
        assert!(!overview.body.contains(&link), "{ending}");
    }
    let member = d.browser(MEMBER).await;
    let list = member.get("/developer").await;
    assert_eq!(list.status, 200);
    assert!(
        !list.body.contains(&client_id) && !list.body.contains("/developer/apps/new"),
        "{list:?}"
    );
    assert_eq!(member.get("/developer/apps/new").await.status, 403);
    // Named no longer, they see nothing.
    d.edit(&browser, &client_id, &[("stakeholders", "")]).await;
    assert_eq!(seen(&d, STAKEHOLDER, &client_id).await, [404; 8]);
}

#[tokio::test]
async fn what_one_may_not_do_is_refused_even_with_a_form_of_ones_own() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    let version = d.app(&client_id).await.version;
    let colleague = d.browser(COLLEAGUE).await;
    let own = d.created(&colleague, "public", &[]).await;
    for ending in ["details", "scopes", "team"] {
        let mine = colleague.get(&format!("/developer/apps/{own}/{ending}")).await;
        let hidden = crate::browser::hidden(&mine, &format!("/developer/apps/{own}/{ending}"));
        let fields = [("name", "Mine"), ("scope", "data.read"), ("do", "add"), ("user", "u_x")];
        let form = crate::browser::encoded(&hidden, &fields);
        let answer = colleague
            .post(&format!("/developer/apps/{client_id}/{ending}"), &form, &[])
            .await;
        assert_eq!(answer.status, 403, "{ending}: {answer:?}");
    }
    // Nor does a form of the owner's session in somebody else's browser.
    let page = browser.get(&format!("/developer/apps/{own}/logo")).await;
    assert_eq!(page.status, 403);
    let theirs = colleague.get(&format!("/developer/apps/{own}/logo")).await;
    let stolen = d
        .upload(
            &browser,
            &theirs,
            &format!("/developer/apps/{own}/logo"),
            &[],
            Some(b"x"),
        )
        .await;
    assert_eq!(stolen.status, 403);
    assert_eq!(d.app(&client_id).await.version, version);
}

#[tokio::test]
async fn developers_join_and_leave_the_team() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[]).await;
    let path = format!("/developer/apps/{client_id}/team");
    let page = browser.get(&path).await;
    assert!(
        page.body.contains(COLLEAGUE) && !page.body.contains(MEMBER) && !page.body.contains(ADMIN),
        "{page:?}"
    );
    for nobody in [d.user(MEMBER).await, d.user(STAKEHOLDER).await, "u_unknown".to_owned()] {
        let refused = browser.submit(&page, &path, &[("do", "add"), ("user", &nobody)]).await;
        assert_eq!(refused.status, 422, "{nobody}");
    }
    let colleague = d.user(COLLEAGUE).await;
    for _ in 0..2 {
        assert_eq!(
            browser
                .submit(&page, &path, &[("do", "add"), ("user", &colleague)])
                .await
                .status,
            303
        );
    }
    assert_eq!(d.dossier(&client_id).await.team.len(), 2);
    let other = d.browser(COLLEAGUE).await;
    assert_eq!(d.edit(&other, &client_id, &[("name", "Ours")]).await.status, 303);
    let page = browser.get(&path).await;
    assert_eq!(
        browser
            .submit(&page, &path, &[("do", "remove"), ("user", &colleague)])
            .await
            .status,
        303
    );
    assert_eq!(seen(&d, COLLEAGUE, &client_id).await[3], 403);
    // Whoever is no developer any more is in the team no longer, whatever the dossier says.
    d.world.set_role(DEVELOPER, Role::Member).await;
    assert_eq!(seen(&d, DEVELOPER, &client_id).await, [404; 8]);
}

#[tokio::test]
async fn an_app_goes_to_another_owner_with_whom_its_tokens_die() {
    let d = Developing::new("default").await;
    let admin = d.browser(ADMIN).await;
    let user = d.user(ADMIN).await;
    let client_id = d.created(&admin, "private", &[("dedicated_user", &user)]).await;
    d.wish(&admin, &client_id, &["data.read"]).await;
    let client = d.client(&client_id).await;
    let token = d.world.mint_as(&client, "").await;
    let other = d.world.add_organization("Other").await;
    let path = format!("/developer/apps/{client_id}/transfer");
    let page = admin.get(&path).await;
    assert!(page.body.contains("nowhere to transfer"), "{page:?}");
    d.world.set_role_in(&other, ADMIN, Role::Developer).await;
    assert!(
        admin.get(&path).await.body.contains("nowhere to transfer"),
        "a developer takes over nothing"
    );
    d.world.set_role_in(&other, ADMIN, Role::Owner).await;
    d.world.set_role_in(&other, COLLEAGUE, Role::Member).await;
    let page = admin.get(&path).await;
    let (dev, colleague) = (d.user(DEVELOPER).await, d.user(COLLEAGUE).await);
    let send = async |organization: &str, user: &str, name: &str| {
        let fields = [
            ("organization", organization),
            ("dedicated_user", user),
            ("confirm", name),
        ];
        admin.submit(&page, &path, &fields).await.status
    };
    assert_eq!(send(&other, &colleague, "Tidy").await, 422, "the name is another");
    assert_eq!(send(&other, "", "Tidy Books").await, 422, "it acts as nobody");
    assert_eq!(send(&other, &dev, "Tidy Books").await, 422, "no member there");
    assert_eq!(send("o_unknown", &colleague, "Tidy Books").await, 422);
    assert_eq!(
        send(&d.world.organization, &user, "Tidy Books").await,
        422,
        "it is there already"
    );
    assert_eq!(d.app(&client_id).await.organization, d.world.organization);
    assert_eq!(send(&other, &colleague, "Tidy Books").await, 303);

    let app = d.app(&client_id).await;
    assert_eq!(
        (app.organization.as_str(), app.dedicated_user.clone()),
        (other.as_str(), Some(colleague))
    );
    assert_eq!(d.dossier(&client_id).await.team, [user]);
    let asked = d
        .world
        .post_as(&client, "/oauth/introspect", &format!("token={token}"))
        .await;
    assert_eq!(
        asked.status, 401,
        "whoever knew its secret does not act for the new owner"
    );
    let server = d.world.add_resource_server().await;
    assert_eq!(d.world.introspect_as(&server, &token).await["active"], false);
    assert_eq!(
        seen(&d, OWNER, &client_id).await,
        [404; 8],
        "the old owner sees it no more"
    );
    assert!(d.events_of(&client_id).await.contains(&EventKind::AppTransferred));
}

#[tokio::test]
async fn a_waiting_submission_tells_the_new_owner() {
    let d = Developing::new("default").await;
    let admin = d.browser(ADMIN).await;
    let client_id = d.submitted(&admin).await;
    let other = d.world.add_organization("Other").await;
    d.world.set_role_in(&other, ADMIN, Role::Admin).await;
    let path = format!("/developer/apps/{client_id}/transfer");
    let page = admin.get(&path).await;
    let done = admin
        .submit(&page, &path, &[("organization", &other), ("confirm", "Tidy Books")])
        .await;
    assert_eq!(done.status, 303, "{done:?}");
    let [waiting] = d.queue().await.try_into().expect("one submission waits");
    assert_eq!((waiting.organization.as_str(), waiting.number), (other.as_str(), 1));
    assert_eq!(d.app(&client_id).await.state, AppState::PendingReview);
}

#[tokio::test]
async fn the_history_tells_every_change_the_newest_first_and_goes_on() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    for number in 0..20 {
        d.world.advance(std::time::Duration::from_secs(60));
        d.edit(&browser, &client_id, &[("name", &format!("Name {number}"))])
            .await;
    }
    let path = format!("/developer/apps/{client_id}/history");
    let page = browser.get(&path).await;
    let (newest, older) = (page.body.find("Name 19").unwrap(), page.body.find("Name 18").unwrap());
    assert!(newest < older && !page.body.contains("Name 2<"), "{page:?}");
    assert!(
        page.body
            .contains("<del><bdi>Name 17</bdi></del> <ins><bdi>Name 18</bdi></ins>"),
        "{page:?}"
    );
    let next = page.body.split("?after=").nth(1).expect("it goes on");
    let next = next.split('"').next().unwrap();
    let rest = browser.get(&format!("{path}?after={next}")).await;
    assert!(
        rest.body.contains("Created") && rest.body.contains("<ins><bdi>Name 2<"),
        "{rest:?}"
    );
    assert!(!rest.body.contains("<ins><bdi>Name 19"), "{rest:?}");
    assert!(!rest.body.contains("?after="), "{rest:?}");
    for bad in ["AA", "%00", "x".repeat(500).as_str()] {
        assert_eq!(browser.get(&format!("{path}?after={bad}")).await.status, 200, "{bad}");
    }
}

#[tokio::test]
async fn the_consent_preview_speaks_every_language_and_allows_nothing() {
    let d = Developing::new("default").await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.submitted(&browser).await;
    let path = format!("/developer/apps/{client_id}/consent");
    for (language, heading) in [
        ("en", "Allow access?"),
        ("fr", "Autoriser l'accès ?"),
        ("sl", "Dovolite dostop?"),
    ] {
        let page = browser.get(&format!("{path}?lang={language}")).await;
        assert!(
            page.body
                .contains(&format!("<section class=\"preview\" lang=\"{language}\"")),
            "{page:?}"
        );
        let preview = page
            .body
            .split("<section class=\"preview\"")
            .nth(1)
            .unwrap()
            .split("</section>")
            .next()
            .unwrap();
        let texts = d.world.ctx.config.pages.texts([language]);
        assert!(preview.contains(texts.get("consent_heading")), "{heading}: {preview}");
        assert!(
            preview.contains("Tidy Books") && preview.contains("app.example"),
            "{preview}"
        );
        let sentence = d
            .world
            .ctx
            .profile()
            .scopes
            .get("data.read")
            .unwrap()
            .sentence(language);
        assert!(preview.contains(sentence), "{preview}");
        assert!(
            !preview.contains("<form") && preview.matches("disabled").count() == 2,
            "{preview}"
        );
    }
    let member = d.user(MEMBER).await;
    let private = d.created(&browser, "private", &[("dedicated_user", &member)]).await;
    assert_eq!(
        browser.get(&format!("/developer/apps/{private}/consent")).await.status,
        404
    );
}
