//! An organization's pages: who sees which, and what they say of themselves.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, PASSWORD, set_password, world};
use crate::http::Answer;
use crate::support::{OWNER, World};
use grantd::control::Command;
use grantd::model::event::EventKind;
use grantd::model::role::Role;
use grantd::model::user::User;
use grantd::store::keys;
use grantd::store::records::load_by_index;

/// Names that try to be something else.
pub const HOSTILE: &str = "\"><script>alert(1)</script>";

impl Authorizing {
    /// An address below the organization's.
    pub fn at(&self, rest: &str) -> String {
        format!("/organizations/{}{rest}", self.world.organization)
    }

    /// Somebody with this role who can sign in, in a browser where they have.
    pub async fn person<'w>(&'w self, email: &str, role: Role) -> Browser<'w> {
        self.world.add_member(email, role).await;
        set_password(&self.world, email).await;
        signed_in(&self.world, email).await
    }

    /// Ada, who owns the organization with somebody else.
    pub async fn ada(&self) -> Browser<'_> {
        signed_in(&self.world, EMAIL).await
    }

    /// The kinds of events that people made, and whom they concern.
    pub async fn told(&self) -> Vec<(String, Option<String>)> {
        let events = self.events().await.into_iter();
        let told = events.filter(|event| event.organization.is_some());
        told.map(|event| (event.kind.as_str().to_owned(), event.user)).collect()
    }
}

pub async fn signed_in<'w>(world: &'w World, email: &str) -> Browser<'w> {
    let browser = Browser::new(world);
    let page = browser.get("/login").await;
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = browser.submit(&page, "/login", &fields).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    browser
}

pub async fn id_of(world: &World, email: &str) -> String {
    let user = load_by_index::<User>(&*world.ctx.store, &keys::email(email)).await;
    user.unwrap().expect("the user is there").id.clone()
}

/// Opens the page and sends its form with this action.
pub async fn fill(browser: &Browser<'_>, path: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}: {page:?}");
    browser.submit(&page, action, fields).await
}

#[track_caller]
pub fn went(answer: &Answer, to: &str) {
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some(to)),
        "{answer:?}"
    );
}

#[tokio::test]
async fn each_role_sees_its_pages_and_whoever_is_no_member_sees_none() {
    let the = world("makecrypto").await;
    the.world.connect(&the.web).await;
    let stranger = the.world.add_organization("Other").await;
    the.world.add_user("stranger@example.com").await;
    the.world
        .set_role_in(&stranger, "stranger@example.com", Role::Owner)
        .await;
    set_password(&the.world, "stranger@example.com").await;
    let owner = id_of(&the.world, OWNER).await;
    let people = [
        ("owner", the.ada().await),
        ("admin", the.person("admin@example.com", Role::Admin).await),
        ("developer", the.person("dev@example.com", Role::Developer).await),
        ("member", the.person("member@example.com", Role::Member).await),
        ("stranger", signed_in(&the.world, "stranger@example.com").await),
    ];
    let member = id_of(&the.world, "member@example.com").await;
    let app = format!("/apps/{}", the.web.0);
    let (private, about) = (
        format!("/apps/{}/switch", the.world.client_id),
        format!("/members/{member}"),
    );
    // What owner, admin, developer, member and stranger get.
    for (rest, statuses) in [
        ("", [200, 200, 200, 200, 404]),
        ("/leave", [200, 200, 200, 200, 404]),
        ("/members", [200, 200, 200, 403, 404]),
        (&about, [200, 200, 403, 403, 404]),
        (&format!("{about}/remove"), [200, 200, 403, 403, 404]),
        (&format!("/members/{owner}"), [200, 403, 403, 403, 404]),
        (&format!("/members/{owner}/remove"), [200, 403, 403, 403, 404]),
        ("/apps", [200, 200, 403, 403, 404]),
        (&app, [200, 200, 403, 403, 404]),
        (&format!("{app}/revoke"), [200, 200, 403, 403, 404]),
        (&private, [200, 200, 403, 403, 404]),
        ("/policy", [200, 200, 403, 403, 404]),
        ("/keys", [200, 200, 403, 403, 404]),
        ("/audit", [200, 200, 403, 403, 404]),
        ("/audit.csv", [200, 200, 403, 403, 404]),
        ("/nothing", [404; 5]),
        ("/members/u_nobody", [404, 404, 403, 403, 404]),
        ("/apps/mco_app_nothing", [404, 404, 403, 403, 404]),
        ("/keys/mk_makepay_nothing/revoke", [404, 404, 403, 403, 404]),
    ] {
        let path = the.at(rest);
        for ((name, browser), status) in people.iter().zip(statuses) {
            assert_eq!(browser.get(&path).await.status, status, "{name} at {path}");
        }
        let anonymous = Browser::new(&the.world).get(&path).await;
        let to_sign_in = anonymous.header("location").is_some_and(|to| to.starts_with("/login"));
        assert_eq!(to_sign_in, rest != "/nothing", "{path}: {anonymous:?}");
    }
}

#[tokio::test]
async fn tabs_and_buttons_are_those_of_the_role() {
    let the = world("default").await;
    let tabs = ["/members", "/apps", "/policy", "/tokens", "/audit"];
    for (email, role, opens) in [
        ("a@example.com", Role::Admin, 5),
        ("d@example.com", Role::Developer, 1),
        ("m@example.com", Role::Member, 0),
    ] {
        let page = the.person(email, role).await.get(&the.at("")).await;
        let shown = tabs
            .iter()
            .filter(|tab| page.body.contains(&format!("href=\"{}\"", the.at(tab))));
        assert_eq!(shown.count(), opens, "{role}: {page:?}");
        assert_eq!(page.body.contains("name=\"name\""), role == Role::Admin, "{role}");
    }
    let page = the.ada().await.get(&the.at("/keys")).await;
    assert_eq!(page.status, 404, "this profile has no API keys");
}

#[tokio::test]
async fn owners_and_admins_rename_and_the_log_says_what_it_was_before() {
    let the = world("default").await;
    let ada = the.ada().await;
    let here = the.at("");
    for bad in ["", " ", "Ac\u{202e}me", &"x".repeat(101)] {
        let page = fill(&ada, &here, &here, &[("name", bad)]).await;
        assert_eq!(page.status, 422, "{bad:?}");
        assert!(page.body.contains("id=\"fault-name\""), "{page:?}");
    }
    let renamed = fill(&ada, &here, &here, &[("name", HOSTILE)]).await;
    went(&renamed, &format!("{here}?done=renamed"));
    let page = ada.get(&format!("{here}?done=renamed")).await;
    assert!(!page.body.contains("<script>"), "{page:?}");
    assert!(page.body.contains("&lt;script&gt;") && page.body.contains("The name was changed."));
    let mut events = the.events().await.into_iter();
    let event = events
        .find(|event| event.kind == EventKind::OrganizationChanged)
        .unwrap();
    assert_eq!(event.by.as_deref(), Some(the.user.as_str()));
    assert_eq!(event.changes[0].before.as_deref(), Some("Acme"));
    assert_eq!(event.changes[0].after.as_deref(), Some(HOSTILE));
    for page in ["/members", "/apps", "/policy", "/audit", "/leave"] {
        assert!(!ada.get(&the.at(page)).await.body.contains("<script>"), "{page}");
    }
}

#[tokio::test]
async fn a_form_of_another_page_or_of_another_browser_changes_nothing() {
    let the = world("default").await;
    let (ada, admin) = (the.ada().await, the.person("admin@example.com", Role::Admin).await);
    let here = the.at("");
    let page = ada.get(&here).await;
    assert_eq!(admin.submit(&page, &here, &[("name", "New")]).await.status, 403);
    let leave = ada.get(&the.at("/leave")).await;
    let form = crate::browser::hidden(&leave, &the.at("/leave"));
    let form = crate::browser::encoded(&form, &[("name", "New")]);
    assert_eq!(ada.post(&here, &form, &[]).await.status, 403);
    assert_eq!(ada.post(&here, "name=New", &[]).await.status, 403);
    assert!(the.told().await.is_empty());
}

#[tokio::test]
async fn the_page_of_an_organization_opens_it_and_the_switcher_leads_to_another() {
    let the = world("default").await;
    let other = the.world.add_organization("Zebra").await;
    the.world.set_role_in(&other, EMAIL, Role::Admin).await;
    let ada = the.ada().await;
    let page = ada.get(&format!("/organizations/{other}/members")).await;
    let selected = format!("value=\"{other}\" selected");
    assert!(page.body.contains(&selected), "{page:?}");
    let answer = ada
        .submit(&page, "/organization", &[("organization", &the.world.organization)])
        .await;
    went(&answer, &the.at(""));
    let list = ada.get("/organizations").await;
    for id in [&the.world.organization, &other] {
        assert!(list.body.contains(&format!("href=\"/organizations/{id}\"")), "{list:?}");
    }
}

#[tokio::test]
async fn a_disabled_organization_has_no_pages() {
    let the = world("default").await;
    let ada = the.ada().await;
    assert_eq!(ada.get(&the.at("")).await.status, 200);
    let organization = the.world.organization.clone();
    the.world
        .run(Command::OrganizationDisable {
            organization,
            disabled: true,
        })
        .await;
    assert_eq!(ada.get(&the.at("")).await.status, 404);
    let list = ada.get("/organizations").await;
    assert!(list.body.contains("You do not belong anywhere yet."), "{list:?}");
}

#[tokio::test]
async fn pages_speak_the_language_of_the_browser() {
    let the = world("makecrypto").await;
    for (language, word) in [("fr", "Membres"), ("sl", "Člani")] {
        let browser = Browser::new(&the.world).with_header("accept-language", language);
        browser.sign_in().await;
        for rest in ["", "/members", "/apps", "/policy", "/keys", "/audit"] {
            let page = browser.get(&the.at(rest)).await;
            assert!(
                page.status == 200 && page.body.contains(word),
                "{language} {rest}: {page:?}"
            );
            assert!(!page.body.contains("org_"), "{language} {rest}: a text is missing");
        }
    }
}
