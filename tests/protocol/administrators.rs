//! Who is on duty, and how the first administrator comes.

use crate::browser::{Browser, PASSWORD, set_password};
use crate::http::{Answer, request};
use crate::links::{NEW, signs_in};
use crate::support::{ISSUER, World};
use grantd::control::Command;
use grantd::model::event::{COMMAND_LINE, Event, EventKind};
use grantd::model::role::Role;
use grantd::model::user::{Duty, User};
use grantd::platform::actor::Actor;
use grantd::platform::people;
use grantd::platform::refusal::Refusal;
use grantd::store::keys;
use grantd::store::records::{list, load_by_index};
use http::Method;
use std::sync::Arc;
use std::time::Duration;

pub const ADMINISTRATOR: &str = "administrator@example.com";
pub const REVIEWER: &str = "reviewer@example.com";

/// Adds somebody who can sign in, and gives them a duty.
pub async fn on_duty(world: &World, email: &str, duty: Option<Duty>) {
    world.add_user(email).await;
    set_password(world, email).await;
    set_duty(world, email, duty).await;
}

pub async fn set_duty(world: &World, email: &str, duty: Option<Duty>) {
    world
        .run(Command::UserDuty {
            user: email.into(),
            duty,
        })
        .await;
}

pub async fn signed_in<'w>(world: &'w World, email: &str) -> Browser<'w> {
    let browser = Browser::new(world);
    let page = browser.get("/login").await;
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = browser.submit(&page, "/login", &fields).await;
    assert_eq!(answer.status, 303, "{email} signs in: {answer:?}");
    browser
}

pub async fn user(world: &World, email: &str) -> User {
    let found = load_by_index::<User>(&*world.ctx.store, &keys::email(email)).await;
    found.unwrap().expect("the user is there").value
}

pub async fn actor(world: &World, email: &str) -> Actor {
    let found = load_by_index::<User>(&*world.ctx.store, &keys::email(email)).await;
    Actor::of_user(Arc::new(found.unwrap().expect("the user is there")))
}

pub async fn events(world: &World, kind: EventKind) -> Vec<Event> {
    let (events, _) = list::<Event>(&*world.ctx.store, &keys::events(), None, 1000)
        .await
        .unwrap();
    let events = events.into_iter().map(|event| event.value);
    // What the command line did to make the world is no matter.
    let wanted = |event: &Event| event.kind == kind && event.note.as_deref() != Some(COMMAND_LINE);
    events.filter(wanted).collect()
}

pub fn location(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("location").unwrap_or_default())
}

async fn first_link(world: &World) -> String {
    let link = people::first_link(&world.ctx).await.unwrap().expect("a link is made");
    link.strip_prefix(ISSUER).expect("on this server").to_owned()
}

#[tokio::test]
async fn a_server_without_an_administrator_prints_one_link_and_no_second_while_it_stands() {
    let world = World::new("default").await;
    let link = first_link(&world).await;
    world.secrets.keep(link.split('=').nth(1).unwrap());
    assert_eq!(people::first_link(&world.ctx).await, Ok(None), "it was shown");
    let again = world.restarted().await;
    assert_eq!(people::first_link(&again.ctx).await, Ok(None), "after a restart too");
    world.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(Browser::new(&world).get("/administrator?link=gone").await.status, 410);
    assert!(
        people::first_link(&again.ctx).await.unwrap().is_some(),
        "nobody used it in time"
    );
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    assert_eq!(people::first_link(&world.ctx).await, Ok(None));
}

#[tokio::test]
async fn the_link_makes_an_account_that_administers_once() {
    let world = World::new("default").await;
    let link = first_link(&world).await;
    let browser = Browser::new(&world);
    let page = browser.get(&link).await;
    assert!(page.body.contains("This link works once"), "{page:?}");
    let email = "first@example.com";
    for (email, name, password, why) in [
        ("no address", "First", NEW, "not an email address"),
        (email, "", NEW, "enter a name"),
        (email, "First", "short", "at least 12"),
        ("owner@example.com", "First", NEW, "There is an account"),
    ] {
        let fields = [("email", email), ("name", name), ("new_password", password)];
        let refused = browser.submit(&page, "/administrator", &fields).await;
        assert!(
            refused.status == 422 && refused.body.contains(why),
            "{why}: {refused:?}"
        );
    }
    let fields = [("email", email), ("name", "First"), ("new_password", NEW)];
    let made = browser.submit(&page, "/administrator", &fields).await;
    assert_eq!(location(&made), (303, "/login?next=%2Fadmin"), "{made:?}");
    assert!(signs_in(&world, email, NEW).await);
    assert_eq!(user(&world, email).await.duty, Some(Duty::Administrator));
    assert_eq!(browser.submit(&page, "/administrator", &fields).await.status, 410);
    assert_eq!(browser.get(&link).await.status, 410);
    let noted = events(&world, EventKind::DutyChanged).await;
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].changes[0].after.as_deref(), Some("administrator"));
}

#[tokio::test]
async fn whoever_is_signed_in_takes_the_duty_by_the_link() {
    let world = World::new("default").await;
    on_duty(&world, REVIEWER, None).await;
    let link = first_link(&world).await;
    let browser = signed_in(&world, REVIEWER).await;
    let page = browser.get(&link).await;
    assert!(!page.body.contains("new_password"), "{page:?}");
    let taken = browser.submit(&page, "/administrator", &[]).await;
    assert_eq!(location(&taken), (303, "/admin"));
    assert_eq!(browser.get("/admin/people").await.status, 200);
    assert_eq!(browser.submit(&page, "/administrator", &[]).await.status, 410);
    // From another site, or without its token, nothing happens.
    let other = Browser::new(&world);
    assert_eq!(other.submit(&page, "/administrator", &[]).await.status, 403);
}

#[tokio::test]
async fn a_link_ends_when_somebody_becomes_an_administrator_otherwise_or_another_is_made() {
    let world = World::new("default").await;
    let link = first_link(&world).await;
    let told = world.run(Command::UserAdministratorLink).await;
    let second = told["link"].as_str().unwrap().strip_prefix(ISSUER).unwrap().to_owned();
    assert_eq!(told["valid_hours"], 24);
    let browser = Browser::new(&world);
    assert_eq!(browser.get(&link).await.status, 410, "the one before ends");
    assert_eq!(browser.get(&second).await.status, 200);
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    assert_eq!(browser.get(&second).await.status, 410);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_who_use_the_link_at_once_one_becomes_an_administrator() {
    let world = World::new("default").await;
    let link = first_link(&world).await;
    let token = link.split('=').nth(1).unwrap().to_owned();
    let mut tasks = Vec::new();
    for number in 0..10 {
        let id = world.add_user(&format!("user{number}@example.com")).await;
        let (ctx, token) = (world.ctx.clone(), token.clone());
        tasks.push(tokio::spawn(async move { people::take(&ctx, &token, &id).await }));
    }
    let mut done = 0;
    for task in tasks {
        done += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(done, 1);
    assert_eq!(events(&world, EventKind::DutyChanged).await.len(), 1);
}

#[tokio::test]
async fn the_command_line_gives_and_takes_duties_and_lists_them() {
    let world = World::new("default").await;
    on_duty(&world, REVIEWER, Some(Duty::Reviewer)).await;
    let duty = async || {
        let users = world.run(Command::UserList).await;
        let mut users = users.as_array().unwrap().iter();
        users.find(|user| user["email"] == REVIEWER).unwrap()["duty"].clone()
    };
    assert_eq!(duty().await, "reviewer");
    set_duty(&world, REVIEWER, Some(Duty::Administrator)).await;
    assert_eq!(duty().await, "administrator");
    // Even of the last one: who holds the machine can always make another.
    set_duty(&world, REVIEWER, None).await;
    assert!(duty().await.is_null());
    let changes: Vec<_> = events(&world, EventKind::DutyChanged).await;
    assert_eq!(changes.len(), 3);
    assert!(
        changes
            .iter()
            .all(|event| event.by.is_none() && event.subject.as_deref() == Some(REVIEWER))
    );
    let missing = Command::UserDuty {
        user: "nobody@example.com".into(),
        duty: None,
    };
    world.refused(missing).await;
}

#[tokio::test]
async fn who_is_not_on_duty_finds_nothing_under_admin() {
    let world = World::new("default").await;
    set_password(&world, "owner@example.com").await;
    on_duty(&world, REVIEWER, Some(Duty::Reviewer)).await;
    let pages = [
        "/admin",
        "/admin/reviews",
        "/admin/apps",
        "/admin/people",
        "/admin/access-requests",
    ];
    let owner = signed_in(&world, "owner@example.com").await;
    let reviewer = signed_in(&world, REVIEWER).await;
    for path in pages {
        let anonymous = world.get(path).await;
        assert_eq!(anonymous.status, 303, "{path}");
        assert!(
            anonymous.header("location").unwrap().starts_with("/login?next="),
            "{path}"
        );
        assert_eq!(owner.get(path).await.status, 404, "{path}");
        let reviews = !["/admin/people", "/admin/access-requests"].contains(&path);
        assert_eq!(
            reviewer.get(path).await.status,
            if reviews { 200 } else { 404 },
            "{path}"
        );
    }
    let form = &[("content-type", "application/x-www-form-urlencoded")];
    let posted = request(Method::POST, "/admin/people", form, b"email=x&duty=administrator");
    assert_eq!(world.send(posted).await.status, 303, "to the sign-in");
    assert_eq!(reviewer.post("/admin/people", "email=x", &[]).await.status, 404);
    // A duty that ends, ends at once.
    set_duty(&world, REVIEWER, None).await;
    assert_eq!(reviewer.get("/admin").await.status, 404);
}

#[tokio::test]
async fn administrators_choose_who_is_on_duty() {
    let world = World::new("default").await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    on_duty(&world, REVIEWER, None).await;
    let browser = signed_in(&world, ADMINISTRATOR).await;
    let page = browser.get("/admin/people").await;
    for (email, duty, why) in [
        ("nobody@example.com", "reviewer", "Nobody here has this address"),
        (REVIEWER, "", "Choose what they do"),
        (REVIEWER, "king", "Choose what they do"),
    ] {
        let fields = [("email", email), ("duty", duty)];
        let refused = browser.submit(&page, "/admin/people", &fields).await;
        assert!(
            refused.status == 422 && refused.body.contains(why),
            "{why}: {refused:?}"
        );
    }
    let fields = [("email", REVIEWER), ("duty", "reviewer")];
    let added = browser.submit(&page, "/admin/people", &fields).await;
    assert_eq!(location(&added), (303, "/admin/people?done=appointed"), "{added:?}");
    let reviewer = user(&world, REVIEWER).await;
    assert_eq!(reviewer.duty, Some(Duty::Reviewer));

    let path = format!("/admin/people/{}", reviewer.id);
    let page = browser.get(&path).await;
    let wrong = browser.submit(&page, &path, &[("confirm", ADMINISTRATOR)]).await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let gone = browser.submit(&page, &path, &[("confirm", REVIEWER)]).await;
    assert_eq!(location(&gone), (303, "/admin/people?done=dismissed"), "{gone:?}");
    assert_eq!(user(&world, REVIEWER).await.duty, None);
    assert_eq!(browser.get(&path).await.status, 404, "they are on no list");
    let by: Vec<_> = events(&world, EventKind::DutyChanged).await;
    assert_eq!(
        by.last().unwrap().by.as_deref(),
        Some(user(&world, ADMINISTRATOR).await.id.as_str())
    );
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new("default").await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    // Those who cannot act do not count.
    world.add_user("mute@example.com").await;
    set_duty(&world, "mute@example.com", Some(Duty::Administrator)).await;
    let browser = signed_in(&world, ADMINISTRATOR).await;
    let path = format!("/admin/people/{}", user(&world, ADMINISTRATOR).await.id);
    let page = browser.get(&path).await;
    let kept = browser.submit(&page, &path, &[("confirm", ADMINISTRATOR)]).await;
    assert!(
        kept.status == 409 && kept.body.contains("The last administrator stays"),
        "{kept:?}"
    );
    set_password(&world, "mute@example.com").await;
    let gone = browser.submit(&page, &path, &[("confirm", ADMINISTRATOR)]).await;
    assert_eq!(location(&gone), (303, "/account"));
    assert_eq!(browser.get("/admin").await.status, 404);
}

#[tokio::test]
async fn two_administrators_cannot_dismiss_each_other_at_once() {
    let world = World::new("default").await;
    for email in [ADMINISTRATOR, REVIEWER] {
        on_duty(&world, email, Some(Duty::Administrator)).await;
    }
    // Both looked before either did anything.
    let (one, two) = (actor(&world, ADMINISTRATOR).await, actor(&world, REVIEWER).await);
    let first = people::dismiss(&world.ctx, &one, two.id()).await;
    assert!(first.is_ok());
    let second = people::dismiss(&world.ctx, &two, one.id()).await;
    assert_eq!(second.unwrap_err(), Refusal::State("people_last"));
    // Not even where somebody else is left: their own duty is over.
    on_duty(&world, "third@example.com", Some(Duty::Administrator)).await;
    let second = people::dismiss(&world.ctx, &two, one.id()).await;
    assert_eq!(second.unwrap_err(), Refusal::Conflict);
}

#[tokio::test]
async fn hostile_names_of_people_stay_text() {
    let world = World::new("default").await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    let add = Command::UserAdd {
        email: "x'onmouseover=alert(1)@example.com".replace(['(', ')'], ""),
        name: Some("\"><script>alert(1)</script>".into()),
        password: None,
    };
    world.run(add).await;
    let email = "x'onmouseover=alert1@example.com";
    set_duty(&world, email, Some(Duty::Reviewer)).await;
    let browser = signed_in(&world, ADMINISTRATOR).await;
    let id = user(&world, email).await.id;
    for path in ["/admin/people".to_owned(), format!("/admin/people/{id}")] {
        let page = browser.get(&path).await;
        assert!(page.status == 200 && !page.body.contains("<script>"), "{page:?}");
        assert!(page.body.contains("&lt;script&gt;"), "{page:?}");
    }
}

#[tokio::test]
async fn the_pages_speak_three_languages() {
    let world = World::new("default").await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    world.set_role(ADMINISTRATOR, Role::Member).await;
    for (language, title) in [("fr", "Personnes"), ("sl", "Ljudje"), ("en", "People")] {
        let browser = signed_in(&world, ADMINISTRATOR)
            .await
            .with_header("accept-language", language);
        let page = browser.get("/admin/people").await;
        assert!(page.body.contains(&format!("<h1>{title}</h1>")), "{page:?}");
    }
}
