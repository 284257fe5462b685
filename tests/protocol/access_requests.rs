//! Asking for access to the API without an account (seed 003), and what administrators answer.

use crate::administrators::{ADMINISTRATOR, events, location, on_duty, signed_in, user};
use crate::browser::Browser;
use crate::http::Answer;
use crate::links::NEW;
use crate::mail_server::MailServer;
use crate::support::{GRANT, ISSUER, World};
use grantd::config::SignUp;
use grantd::jobs::mail;
use grantd::model::access_request::{AccessRequest, DESCRIPTION_CHARS_MAX};
use grantd::model::app::{App, AppState};
use grantd::model::event::EventKind;
use grantd::model::member::Member;
use grantd::model::organization::Organization;
use grantd::model::role::Role;
use grantd::model::user::Duty;
use grantd::store::keys;
use grantd::store::records::{list, load};
use std::time::Duration;

pub const ASKER: &str = "asker@example.com";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub async fn world() -> World {
    let world = World::new("default").await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    world
}

fn fields(email: &str) -> [(&str, &str); 5] {
    [
        ("name", "Ida Asker"),
        ("organization", "Asking Ltd"),
        ("email", email),
        ("integration", "direct_system"),
        ("description", "We sync our books.\r\nEvery night."),
    ]
}

pub async fn send(browser: &Browser<'_>, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get("/access-requests/new").await;
    browser.submit(&page, "/access-requests/new", fields).await
}

/// Path and query of the status page that an answer shows.
pub fn status_link(answer: &Answer) -> String {
    let (_, rest) = answer
        .body
        .split_once("href=\"/access-requests/status")
        .expect("a link");
    format!("/access-requests/status{}", rest.split('"').next().unwrap())
}

/// Sends a request: the link to its status.
pub async fn ask(world: &World, email: &str) -> String {
    let answer = send(&Browser::new(world), &fields(email)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    status_link(&answer)
}

pub async fn requests(world: &World) -> Vec<AccessRequest> {
    let (found, _) = list::<AccessRequest>(&*world.ctx.store, &keys::access_requests(), None, 100)
        .await
        .unwrap();
    found.into_iter().map(|request| request.value).collect()
}

/// The administrator's answer to the only request.
pub async fn answer(world: &World, fields: &[(&str, &str)]) -> Answer {
    let browser = signed_in(world, ADMINISTRATOR).await;
    let path = format!("/admin/access-requests/{}", requests(world).await[0].id);
    let page = browser.get(&path).await;
    browser.submit(&page, &path, fields).await
}

pub const PRIVATE: [(&str, &str); 6] = [
    ("decision", "accept"),
    ("organization_name", "Asking Ltd"),
    ("role", "developer"),
    ("app_name", "Sync"),
    ("kind", "private"),
    ("scopes", "data.read"),
];

/// The invitation that the administrator is shown where no mail is sent.
fn invitation(answer: &Answer) -> String {
    let (_, rest) = answer
        .body
        .split_once(&format!("{ISSUER}/invitation"))
        .expect("an invitation");
    format!("/invitation{}", rest.split('<').next().unwrap())
}

/// Makes the account that the invitation is for, and signs in with it.
pub async fn join<'w>(world: &'w World, invitation: &str, email: &str) -> Browser<'w> {
    let browser = Browser::new(world);
    let page = browser.get(invitation).await;
    let made = [("name", "Ida"), ("new_password", NEW)];
    let joined = browser.submit(&page, "/invitation", &made).await;
    assert_eq!(location(&joined), (303, "/login?other=yes"), "{joined:?}");
    let page = browser.get("/login").await;
    let answer = browser
        .submit(&page, "/login", &[("email", email), ("password", NEW)])
        .await;
    assert_eq!(answer.status, 303, "{answer:?}");
    browser
}

fn shown<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let (_, rest) = answer
        .body
        .split_once(&format!("<dt>{name}</dt><dd><code>"))
        .unwrap_or_else(|| panic!("{name} in {answer:?}"));
    rest.split('<').next().unwrap()
}

#[tokio::test]
async fn a_request_becomes_an_organization_a_member_and_a_private_app_that_works() {
    let world = world().await;
    let status = ask(&world, ASKER).await;
    let waits = Browser::new(&world).get(&status).await;
    assert!(waits.body.contains("waits for an answer"), "{waits:?}");
    let browser = signed_in(&world, ADMINISTRATOR).await;
    assert!(browser.get("/admin").await.body.contains("1 waiting"));
    let queue = browser.get("/admin/access-requests").await;
    for text in ["Asking Ltd", "Ida Asker", ASKER, "Direct system integration"] {
        assert!(queue.body.contains(text), "{text}: {queue:?}");
    }
    let accepted = answer(&world, &PRIVATE).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    let signed_out = Browser::new(&world).get(&status).await;
    assert!(signed_out.body.contains("then sign in"), "{signed_out:?}");

    let asker = join(&world, &invitation(&accepted), ASKER).await;
    let page = asker.get(&status).await;
    assert!(page.body.contains("Make the app"), "{page:?}");
    let made = asker.submit(&page, "/access-requests/status", &[]).await;
    assert_eq!(
        (made.status, made.header("cache-control")),
        (200, Some("no-store")),
        "{made:?}"
    );
    let client = (
        shown(&made, "client_id").to_owned(),
        shown(&made, "client_secret").to_owned(),
    );
    let token = world.post_as(&client, "/oauth/token", GRANT).await;
    assert_eq!(
        (token.status, token.text("scope")),
        (200, "data.read".into()),
        "{token:?}"
    );

    let again = asker.submit(&page, "/access-requests/status", &[]).await;
    assert!(again.status == 409 && !again.body.contains(&client.1), "{again:?}");
    let later = asker.get(&status).await;
    assert!(
        later.body.contains("was made already") && !later.body.contains(&client.1),
        "{later:?}"
    );
    let request = requests(&world).await.remove(0);
    let offer = request.offer().unwrap();
    let organization = load::<Organization>(&*world.ctx.store, &keys::organization(&offer.organization)).await;
    assert_eq!(organization.unwrap().unwrap().name, "Asking Ltd");
    assert_eq!(shown(&made, "organization_id"), offer.organization);
    for kind in [EventKind::AccessRequested, EventKind::AccessRequestAnswered] {
        assert_eq!(events(&world, kind).await.len(), 1, "{kind:?}");
    }
    let mut created = events(&world, EventKind::AppCreated).await;
    created.retain(|event| event.client_id.as_ref() == Some(&client.0));
    assert_eq!(created.len(), 1);
}

#[tokio::test]
async fn a_request_becomes_the_draft_of_a_public_app_in_an_organization_there_is() {
    let world = world().await;
    let status = ask(&world, ASKER).await;
    for (field, value, why) in [
        ("organization", "o_none", "There is none with this id"),
        ("role", "member", "Choose a role"),
        ("app_name", "", "visible characters"),
        ("kind", "resource_server", "Choose what the asker gets"),
        ("scopes", "", "at least one scope"),
        ("scopes", "grantd:apps:read", "at least one scope"),
    ] {
        let mut fields = PRIVATE.to_vec();
        fields.push(("organization", &world.organization));
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let refused = answer(&world, &fields).await;
        assert!(
            refused.status == 422 && refused.body.contains(why),
            "{why}: {refused:?}"
        );
    }
    let mut fields = PRIVATE.to_vec();
    fields.retain(|(name, _)| *name != "kind");
    fields.extend([("organization", world.organization.as_str()), ("kind", "public")]);
    let accepted = answer(&world, &fields).await;
    let asker = join(&world, &invitation(&accepted), ASKER).await;
    let page = asker.get(&status).await;
    let made = asker.submit(&page, "/access-requests/status", &[]).await;
    assert!(
        made.body.contains("is a draft") && !made.body.contains("client_secret"),
        "{made:?}"
    );
    let client_id = shown(&made, "client_id");
    let app = load::<App>(&*world.ctx.store, &keys::app(client_id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((app.state, app.secrets.len()), (AppState::Draft, 0));
    assert_eq!(app.organization, world.organization);
    let key = keys::member(&world.organization, &user(&world, ASKER).await.id);
    let member = load::<Member>(&*world.ctx.store, &key).await.unwrap();
    assert_eq!(member.unwrap().role, Role::Developer);
}

#[tokio::test]
async fn a_declined_request_says_why() {
    let world = world().await;
    let status = ask(&world, ASKER).await;
    let refused = answer(&world, &[("decision", "decline")]).await;
    assert!(refused.status == 422 && refused.body.contains("Say why"), "{refused:?}");
    let declined = answer(&world, &[("decision", "decline"), ("note", "Not for books.")]).await;
    assert_eq!(
        location(&declined),
        (303, "/admin/access-requests?done=declined"),
        "{declined:?}"
    );
    let page = Browser::new(&world).get(&status).await;
    assert!(
        page.body.contains("was declined") && page.body.contains("Not for books."),
        "{page:?}"
    );
    let browser = signed_in(&world, ADMINISTRATOR).await;
    assert!(
        browser
            .get("/admin/access-requests")
            .await
            .body
            .contains("Nobody waits")
    );
}

#[tokio::test]
async fn the_asker_gets_letters_without_credentials_and_without_what_strangers_wrote() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    let browser = Browser::new(&world).with_header("accept-language", "sl");
    let sent = send(&browser, &fields(ASKER)).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let status = status_link(&sent);
    mail::turn(&world.ctx).await.unwrap();
    let mut received = server.take();
    // The administrator gets one of their own.
    received.retain(|letter| letter.to == ASKER);
    assert_eq!((received.len(), &*received[0].to), (1, ASKER));
    assert_eq!(received[0].link(), status);
    for text in ["Ida", "Asking Ltd", "books"] {
        assert!(!received[0].text.contains(text), "{text}: {received:?}");
    }
    let accepted = answer(&world, &PRIVATE).await;
    assert_eq!(
        location(&accepted),
        (303, "/admin/access-requests?done=accepted"),
        "{accepted:?}"
    );
    mail::turn(&world.ctx).await.unwrap();
    let letter = server.take().remove(0);
    assert!(
        letter.text.contains("Sprejmite povabilo"),
        "in the asker's language: {letter:?}"
    );
    assert!(letter.text.contains(&status), "{letter:?}");
    let asker = join(&world, &letter.link(), ASKER).await;
    let page = asker.get(&status).await;
    let made = asker.submit(&page, "/access-requests/status", &[]).await;
    assert!(made.body.contains("client_secret"), "{made:?}");
    mail::turn(&world.ctx).await.unwrap();
    assert!(server.take().is_empty(), "credentials never go by mail");
}

#[tokio::test]
async fn the_form_says_what_is_wrong_and_keeps_what_was_typed() {
    let world = world().await;
    let browser = Browser::new(&world);
    let long = "x".repeat(DESCRIPTION_CHARS_MAX + 1);
    for (field, value, why) in [
        ("name", "", "visible characters"),
        ("organization", "a\u{202e}b", "visible characters"),
        ("email", "nobody", "not an email address"),
        ("integration", "magic", "Choose the type"),
        ("description", "", "Describe it"),
        ("description", &*long, "Describe it"),
    ] {
        let entered = fields(ASKER).map(|(name, old)| (name, if name == field { value } else { old }));
        let refused = send(&browser, &entered).await;
        assert!(
            refused.status == 422 && refused.body.contains(why),
            "{field}: {refused:?}"
        );
        assert!(
            field == "name" || refused.body.contains("value=\"Ida Asker\""),
            "{refused:?}"
        );
    }
    assert!(requests(&world).await.is_empty());
    assert_eq!(browser.post("/access-requests/new", "name=x", &[]).await.status, 403);
}

#[tokio::test]
async fn one_address_asks_three_times_a_day() {
    let world = world().await;
    for _ in 0..3 {
        ask(&world, ASKER).await;
    }
    let refused = send(&Browser::new(&world), &fields("Asker@EXAMPLE.com")).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(requests(&world).await.len(), 3);
    ask(&world, "else@example.com").await;
    world.advance(DAY);
    ask(&world, ASKER).await;
}
