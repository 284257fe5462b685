//! "Ask an admin": how those who may not consent tell those who decide.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, hidden, param, unescaped, world};
use crate::consent_policy::{deny, least, of, shown};
use crate::http::Answer;
use crate::mail_server::MailServer;
use crate::support::World;
use grantd::config::SignUp;
use grantd::control::Command;
use grantd::jobs::mail;
use grantd::model::event::EventKind;
use grantd::model::mail::Mail;
use grantd::model::role::Role;
use grantd::store::keys;
use grantd::store::records::list;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn ask(browser: &Browser<'_>, page: &Answer, organization: &str) -> Answer {
    browser
        .submit(page, "/consent/ask", &[("organization", organization)])
        .await
}

async fn letters(world: &World) -> usize {
    let found = list::<Mail>(&*world.ctx.store, &keys::mails(), None, 100).await;
    found.unwrap().0.len()
}

/// Ada is a member of an organization where only admins may consent; its mail goes to the server.
async fn barred(server: &MailServer) -> Authorizing {
    let world = server.world(SignUp::Invite).await;
    let organization = world.organization.clone();
    world.run(of(&world, least(Role::Admin))).await;
    for (email, role) in [
        ("admin@example.com", Role::Admin),
        ("developer@example.com", Role::Developer),
        ("former@example.com", Role::Admin),
        ("disabled@example.com", Role::Owner),
    ] {
        world.add_member(email, role).await;
    }
    world
        .run(Command::MemberRemove {
            organization,
            user: "former@example.com".into(),
        })
        .await;
    world
        .run(Command::UserDisable {
            user: "disabled@example.com".into(),
            disabled: true,
        })
        .await;
    let web = world.add_public_app().await;
    let users = world.run(Command::UserList).await;
    let ada = users.as_array().unwrap().iter().find(|user| user["email"] == EMAIL);
    let user = ada.unwrap()["id"].as_str().unwrap().to_owned();
    world.set_role(EMAIL, Role::Member).await;
    Authorizing {
        spa: web.clone(),
        world,
        web,
        user,
    }
}

#[tokio::test]
async fn each_owner_and_admin_gets_one_mail_and_the_app_no_answer() {
    let server = MailServer::up().await;
    let the = barred(&server).await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let page = shown(&the, &browser).await;
    assert!(page.body.contains("You cannot allow this access anywhere."), "{page:?}");
    assert!(page.body.contains("Ask an admin"), "{page:?}");
    let asked = ask(&browser, &page, &the.world.organization).await;
    assert_eq!((asked.status, asked.header("location")), (200, None), "{asked:?}");
    assert!(
        asked.body.contains("The owners and admins of Acme get a mail"),
        "{asked:?}"
    );
    mail::turn(&the.world.ctx).await.unwrap();
    let mut told = server.received();
    told.sort_by(|a, b| a.to.cmp(&b.to));
    let to: Vec<&str> = told.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["admin@example.com", "owner@example.com"]);
    for mail in told {
        for part in ["Subject: An app for Acme: App", EMAIL, &the.web.0, "Their role may not"] {
            assert!(mail.text.contains(part), "{part} is not in {mail:?}");
        }
        assert!(!mail.text.contains('{'), "{mail:?}");
    }
    let events = the.events().await;
    let event = events
        .iter()
        .find(|event| event.kind == EventKind::ConsentAsked)
        .unwrap();
    assert_eq!(event.user.as_ref(), Some(&the.user));
    assert_eq!(event.organization.as_ref(), Some(&the.world.organization));
    assert_eq!(event.client_id.as_ref(), Some(&the.web.0));

    // The request is still open: back to the page, or no.
    let back = unescaped(&asked.body);
    let back = back.split("class=\"button\" href=\"").nth(1).unwrap();
    let again = browser.get(back.split('"').next().unwrap()).await;
    assert_eq!(again.status, 200);
    assert_eq!(hidden(&again, "/consent"), hidden(&page, "/consent"));
    let denied = browser.submit(&asked, "/consent", &[("decision", "deny")]).await;
    assert_eq!(param(&denied, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn a_user_asks_once_a_day_for_each_app_and_organization() {
    let server = MailServer::down().await;
    let the = barred(&server).await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let page = shown(&the, &browser).await;
    let organization = &the.world.organization;
    // All at once, as an impatient finger does.
    let (a, b, c) = tokio::join!(
        ask(&browser, &page, organization),
        ask(&browser, &page, organization),
        ask(&browser, &page, organization)
    );
    let first = [&a, &b, &c].map(|answer| answer.body.contains("get a mail"));
    assert_eq!(first.iter().filter(|first| **first).count(), 1, "{a:?} {b:?} {c:?}");
    assert_eq!(letters(&the.world).await, 2);
    the.world.advance(DAY - Duration::from_secs(60));
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let page = shown(&the, &browser).await;
    let again = ask(&browser, &page, organization).await;
    assert!(again.body.contains("within the last day"), "{again:?}");
    assert_eq!(letters(&the.world).await, 2);

    let other = Authorizing {
        web: the.world.add_public_app().await,
        spa: the.spa.clone(),
        user: the.user.clone(),
        world: the.world,
    };
    let browser = Browser::new(&other.world);
    browser.sign_in().await;
    let page = shown(&other, &browser).await;
    ask(&browser, &page, &other.world.organization).await;
    assert_eq!(letters(&other.world).await, 4, "another app is another wish");
    let the = Authorizing {
        web: other.spa.clone(),
        ..other
    };
    the.world.advance(Duration::from_secs(61));
    let browser = Browser::new(&the.world);
    let page = shown_again(&the, &browser).await;
    let tomorrow = ask(&browser, &page, &the.world.organization).await;
    assert!(tomorrow.body.contains("get a mail"), "{tomorrow:?}");
    assert_eq!(letters(&the.world).await, 6);
}

async fn shown_again(the: &Authorizing, browser: &Browser<'_>) -> Answer {
    browser.sign_in().await;
    shown(the, browser).await
}

#[tokio::test]
async fn nobody_is_asked_where_nothing_is_barred_or_one_does_not_belong() {
    let server = MailServer::down().await;
    let the = barred(&server).await;
    let browser = Browser::new(&the.world);
    let page = shown_again(&the, &browser).await;
    let foreign = the.world.add_organization("Foreign").await;
    let close = Command::OrganizationPolicy {
        organization: foreign.clone(),
        change: least(Role::Owner),
    };
    the.world.run(close).await;
    for organization in [foreign.as_str(), "nonsense"] {
        let answer = ask(&browser, &page, organization).await;
        assert_eq!(answer.status, 303, "{organization}: {answer:?}");
        assert!(answer.header("location").unwrap().starts_with("/oauth/authorize?"));
    }
    // Another form's token, another browser, and no token at all.
    let fields = [("organization", the.world.organization.as_str())];
    let crossed = crate::browser::encoded(&hidden(&page, "/consent"), &fields);
    assert_eq!(browser.post("/consent/ask", &crossed, &[]).await.status, 403);
    let other = Browser::new(&the.world);
    other.sign_in().await;
    assert_eq!(ask(&other, &page, &the.world.organization).await.status, 403);
    assert_eq!(Browser::new(&the.world).post("/consent/ask", "", &[]).await.status, 403);

    the.world.run(of(&the.world, least(Role::Member))).await;
    let answer = ask(&browser, &page, &the.world.organization).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(letters(&the.world).await, 0);
    let events = the.events().await;
    assert!(!events.iter().any(|event| event.kind == EventKind::ConsentAsked));
}

#[tokio::test]
async fn where_nobody_else_decides_or_no_mail_is_sent_the_page_says_so() {
    let server = MailServer::down().await;
    let the = barred(&server).await;
    for user in ["owner@example.com", "admin@example.com"] {
        the.world
            .run(Command::MemberRemove {
                organization: the.world.organization.clone(),
                user: user.into(),
            })
            .await;
    }
    the.world.set_role(EMAIL, Role::Owner).await;
    the.world.run(of(&the.world, deny(&the.web.0))).await;
    let browser = Browser::new(&the.world);
    let page = shown_again(&the, &browser).await;
    let answer = ask(&browser, &page, &the.world.organization).await;
    assert!(answer.body.contains("Nobody could be asked"), "{answer:?}");
    assert_eq!(letters(&the.world).await, 0);

    let mute = world("default").await;
    mute.world.run(of(&mute.world, deny(&mute.web.0))).await;
    let browser = Browser::new(&mute.world);
    let page = shown_again(&mute, &browser).await;
    assert!(page.body.contains("This app is not allowed here."), "{page:?}");
    assert!(!page.body.contains("/consent/ask"), "{page:?}");
}

#[tokio::test]
async fn names_in_the_letter_and_on_the_page_stay_text() {
    const HOSTILE: &str = "<b>{client_id}</b>";
    let server = MailServer::up().await;
    let the = barred(&server).await;
    the.change_app(&the.web.0, |app, _| app.name = HOSTILE.into()).await;
    let browser = Browser::new(&the.world);
    let page = shown_again(&the, &browser).await;
    let asked = ask(&browser, &page, &the.world.organization).await;
    assert!(!asked.body.contains("<b>"), "{asked:?}");
    assert!(unescaped(&asked.body).contains(HOSTILE), "{asked:?}");
    mail::turn(&the.world.ctx).await.unwrap();
    assert!(server.received()[0].text.contains(HOSTILE), "{:?}", server.received());
}
