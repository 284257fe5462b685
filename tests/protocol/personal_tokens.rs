//! Personal access tokens: made on a page, used wherever a Bearer token is, dead with what they rest on.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, PASSWORD, world};
use crate::http::Answer;
use crate::support::{Client, World, judged};
use grantd::control::{Command, Revocation};
use grantd::model::event::{Event, EventKind};
use grantd::model::role::Role;
use grantd::store::keys;
use grantd::store::records::list;
use serde_json::json;
use std::time::Duration;

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub const NEW: &str = "/account/tokens/new";

/// What the page shows once.
pub fn text(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{page:?}");
    let input = page.body.split("id=\"token\"").nth(1).expect("the token is shown");
    let value = input.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
    value.expect("it has a text").to_owned()
}

/// All scopes that the page offers.
pub fn offered(page: &Answer) -> Vec<String> {
    let boxes = page.body.split("<input type=\"checkbox\"").skip(1);
    boxes.map(|input| input.split('"').nth(3).unwrap().to_owned()).collect()
}

/// Signs in somebody whose password is the usual one.
pub async fn sign_in(browser: &Browser<'_>, email: &str) {
    let page = browser.get("/login").await;
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = browser.submit(&page, "/login", &fields).await;
    assert_eq!(answer.status, 303, "{answer:?}");
}

pub async fn make(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{page:?}");
    browser.submit(&page, path.split('?').next().unwrap(), fields).await
}

/// A token of Ada's for everything her role may do, a resource server, and the world.
pub async fn with_token(profile: &str, scopes: &[&str]) -> (Authorizing, Client, String) {
    let asking = world(profile).await;
    let server = asking.world.add_resource_server().await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let mut fields = vec![("name", "Export"), ("expiry", "30")];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let token = text(&make(&browser, NEW, &fields).await);
    asking.world.secrets.keep_token(&token);
    (asking, server, token)
}

pub async fn is_active(world: &World, server: &Client, token: &str) -> bool {
    judged(&world.introspect_as(server, token).await)
}

#[tokio::test]
async fn a_token_is_made_shown_once_used_and_revoked() {
    for (profile, noun) in [
        ("default", "organization_id"),
        ("mokapen", "organization_id"),
        ("makecrypto", "company_id"),
    ] {
        let asking = world(profile).await;
        let world = &asking.world;
        let server = world.add_resource_server().await;
        let browser = Browser::new(world);
        browser.sign_in().await;
        let list = browser.get("/account/tokens").await;
        assert!(list.body.contains("You have no token yet"), "{list:?}");

        let form = browser.get(NEW).await;
        let catalog: Vec<&str> = world.ctx.profile().scopes.names().collect();
        let checked = form.body.matches(" checked").count();
        // All that an owner may do, and one lifetime.
        assert_eq!(checked, catalog.len() + 1, "{form:?}");
        let mut fields = vec![("name", "Nightly export"), ("expiry", "90")];
        fields.extend(catalog.iter().map(|scope| ("scope", *scope)));
        let made = browser.submit(&form, NEW, &fields).await;
        let token = text(&made);
        assert_eq!(made.header("cache-control"), Some("no-store"));
        let prefix = &world.ctx.profile().prefix;
        assert!(token.starts_with(&format!("{prefix}_pat_")), "{token}");
        world.secrets.keep_token(&token);

        let seen = world.introspect_as(&server, &token).await;
        let now = world.ctx.now();
        let expected = json!({
            "active": true,
            "scope": catalog.join(" "),
            "token_type": "Bearer",
            "exp": (now + DAY * 90).seconds(),
            "iat": now.seconds(),
            "sub": asking.user,
            "iss": world.ctx.issuer(),
            noun: if profile == "mokapen" { json!(849) } else { json!(world.organization) },
        });
        assert_eq!(seen, expected, "this and nothing else");

        let list = browser.get("/account/tokens").await;
        assert!(list.body.contains("Nightly export"), "{list:?}");
        assert!(
            list.body.contains("last used") && !list.body.contains("never used"),
            "{list:?}"
        );
        let id = list.body.split("href=\"/account/tokens/").nth(2).unwrap();
        let page = format!("/account/tokens/{}", id.split('"').next().unwrap());
        let confirm = browser.get(&page).await;
        let wrong = browser.submit(&confirm, &page, &[("confirm", "Export")]).await;
        assert_eq!(wrong.status, 422);
        assert!(is_active(world, &server, &token).await, "only its name ends it");
        let gone = browser.submit(&wrong, &page, &[("confirm", "Nightly export")]).await;
        assert_eq!(gone.header("location"), Some("/account/tokens?done=revoked"));
        assert!(!is_active(world, &server, &token).await);
        assert_eq!(browser.get(&page).await.status, 404);
    }
}

#[tokio::test]
async fn only_who_guards_a_resource_is_told_what_a_token_is_worth() {
    let (asking, server, token) = with_token("default", &["data.read"]).await;
    let world = &asking.world;
    assert!(is_active(world, &server, &token).await);
    // The private app of the same organization guards nothing.
    assert!(!world.is_active(&token).await);
    assert!(!judged(&world.introspect_as(&asking.web, &token).await));
    // Ending it is its owner's, on the portal: an app is told no more than of any text (RFC 7009 §2.2).
    let answer = world.post_as_app("/oauth/revoke", &format!("token={token}")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert!(is_active(world, &server, &token).await);
}

#[tokio::test]
async fn a_changed_text_is_worth_nothing_and_never_reaches_the_store() {
    let (asking, server, token) = with_token("default", &["data.read"]).await;
    let world = &asking.world;
    let last = if token.ends_with('A') { "B" } else { "A" };
    for changed in [
        format!("{token}A"),
        token[..token.len() - 1].to_owned(),
        format!("{}{last}", &token[..token.len() - 1]),
        token.to_uppercase(),
        "grantd_pat_".to_owned(),
        "grantd_pat_AAAA".to_owned(),
    ] {
        assert!(!is_active(world, &server, &changed).await, "{changed}");
    }
}

#[tokio::test]
async fn it_ends_with_its_time() {
    let (asking, server, token) = with_token("default", &["data.read"]).await;
    asking.world.advance(DAY * 30 - Duration::from_secs(1));
    assert!(is_active(&asking.world, &server, &token).await);
    asking.world.advance(Duration::from_secs(1));
    assert!(!is_active(&asking.world, &server, &token).await);
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let list = browser.get("/account/tokens").await;
    assert!(list.body.contains("Works no more"), "{list:?}");
}

#[tokio::test]
async fn i2_it_shrinks_with_the_role_and_ends_with_the_membership() {
    let (asking, server, token) = with_token("mokapen", &["tasks.read", "tasks.write"]).await;
    let world = &asking.world;
    world.set_role(EMAIL, Role::Member).await;
    let seen = world.introspect_as(&server, &token).await;
    assert_eq!(seen["scope"], "tasks.read", "a member may not grant tasks.write");
    world
        .run(Command::MemberRemove {
            organization: world.organization.clone(),
            user: EMAIL.into(),
        })
        .await;
    assert!(!is_active(world, &server, &token).await);
    world.set_role(EMAIL, Role::Owner).await;
    assert!(!is_active(world, &server, &token).await, "a return brings nothing back");
}

#[tokio::test]
async fn i2_it_ends_with_the_password_the_user_the_organization_and_everything() {
    for ending in 0..5 {
        let (asking, server, token) = with_token("default", &["data.read"]).await;
        let world = &asking.world;
        let (user, organization) = (EMAIL.to_owned(), world.organization.clone());
        let command = match ending {
            0 => Command::UserPassword {
                user,
                password: "another-plum-48-lantern".into(),
            },
            1 => Command::TokenRevoke {
                what: Revocation::User(user),
            },
            2 => Command::TokenRevoke {
                what: Revocation::Organization(organization),
            },
            3 => Command::TokenRevoke {
                what: Revocation::Everything,
            },
            _ => Command::UserDisable { user, disabled: true },
        };
        assert!(is_active(world, &server, &token).await);
        world.run(command).await;
        assert!(!is_active(world, &server, &token).await, "ending {ending}");
    }
}

#[tokio::test]
async fn i2_what_is_only_disabled_comes_back() {
    let (asking, server, token) = with_token("default", &["data.read"]).await;
    let world = &asking.world;
    for disabled in [true, false] {
        let user = EMAIL.to_owned();
        world.run(Command::UserDisable { user, disabled }).await;
        assert_eq!(is_active(world, &server, &token).await, !disabled);
    }
}

#[tokio::test]
async fn making_and_ending_one_are_events_without_its_text() {
    let (asking, _, token) = with_token("default", &["data.read"]).await;
    let world = &asking.world;
    let events = list::<Event>(&*world.ctx.store, &keys::events(), None, 1000)
        .await
        .unwrap()
        .0;
    let made = events
        .iter()
        .find(|event| event.kind == EventKind::PersonalTokenCreated);
    let made = made.expect("an event tells of it");
    assert_eq!(made.organization.as_deref(), Some(&*world.organization));
    assert_eq!((made.user.as_deref(), made.by.as_deref()), (Some(&*asking.user), None));
    assert_eq!(made.subject.as_deref(), Some("Export"));
    assert!(
        made.changes
            .iter()
            .any(|change| change.after.as_deref() == Some("data.read"))
    );
    assert!(!format!("{events:?}").contains(&token));
}
