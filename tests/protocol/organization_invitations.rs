//! Invitations from an organization's pages.

use crate::browser::{Browser, EMAIL, PASSWORD, world};
use crate::http::Answer;
use crate::links::{NEW, signs_in};
use crate::mail_server::MailServer;
use crate::organization_pages::{fill, id_of, signed_in, went};
use crate::support::{ISSUER, World};
use grantd::config::SignUp;
use grantd::control::Command;
use grantd::jobs::mail;
use grantd::model::role::Role;

async fn invite(browser: &Browser<'_>, organization: &str, email: &str, role: &str) -> Answer {
    let (members, action) = (
        format!("/organizations/{organization}/members"),
        format!("/organizations/{organization}/invitations"),
    );
    fill(browser, &members, &action, &[("email", email), ("role", role)]).await
}

/// The link that the page shows, where no mail server takes it.
fn link(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let value = page.body.split("readonly value=\"").nth(1).expect("a link");
    let link = value.split('"').next().unwrap();
    link.strip_prefix(ISSUER).expect("on this server").to_owned()
}

async fn role_of(world: &World, email: &str) -> Option<String> {
    let organization = world.organization.clone();
    let members = world.run(Command::MemberList { organization }).await;
    let mut members = members.as_array().unwrap().iter();
    let member = members.find(|member| member["email"] == email)?;
    Some(member["role"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_invitation_is_shown_once_listed_and_accepted_once() {
    let the = world("default").await;
    let ada = the.ada().await;
    let organization = &the.world.organization;
    let link = link(&invite(&ada, organization, "new@example.com", "developer").await);
    let page = ada.get(&the.at("/members")).await;
    assert!(
        page.body.contains("new@example.com") && !page.body.contains(&link),
        "{page:?}"
    );
    assert!(page.body.contains("Invited by"), "{page:?}");

    let browser = Browser::new(&the.world);
    let offer = browser.get(&link).await;
    let fields = [("name", "New"), ("new_password", NEW)];
    the.world.advance(std::time::Duration::from_secs(1));
    went(
        &browser.submit(&offer, "/invitation", &fields).await,
        "/login?other=yes",
    );
    assert!(signs_in(&the.world, "new@example.com", NEW).await);
    assert_eq!(
        role_of(&the.world, "new@example.com").await.as_deref(),
        Some("developer")
    );
    let page = ada.get(&the.at("/members")).await;
    assert!(page.body.contains("Nobody is invited at the moment."), "{page:?}");
    let user = id_of(&the.world, "new@example.com").await;
    let told = the.told().await;
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["member.invited", "member.added"]);
    assert_eq!(told[1].1, Some(user));
    let again = invite(&ada, organization, "NEW@example.com", "member").await;
    assert!(
        again.status == 422 && again.body.contains("member with this address already"),
        "{again:?}"
    );
}

#[tokio::test]
async fn where_there_is_a_mail_server_the_link_goes_by_mail_alone() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Invite).await;
    world.set_role(EMAIL, Role::Owner).await;
    let ada = signed_in(&world, EMAIL).await;
    let sent = invite(&ada, &world.organization, "new@example.com", "member").await;
    went(
        &sent,
        &format!("/organizations/{}/members?done=invited", world.organization),
    );
    mail::turn(&world.ctx).await.unwrap();
    let mails = server.take();
    let mail = mails
        .iter()
        .find(|mail| mail.to == "new@example.com")
        .expect("a letter");
    let page = Browser::new(&world).get(&mail.link()).await;
    assert!(page.status == 200 && page.body.contains("new@example.com"), "{page:?}");
}

#[tokio::test]
async fn nobody_invites_to_a_role_above_their_own() {
    let the = world("default").await;
    let admin = the.person("admin@example.com", Role::Admin).await;
    let organization = &the.world.organization;
    let page = admin.get(&the.at("/members")).await;
    assert!(!page.body.contains("value=\"owner\""), "{page:?}");
    let refused = invite(&admin, organization, "new@example.com", "owner").await;
    assert!(
        refused.status == 422 && refused.body.contains("only owners make owners"),
        "{refused:?}"
    );
    assert!(
        refused.body.contains("value=\"new@example.com\""),
        "what was typed stays"
    );
    for (email, why) in [("new", "fault-email"), ("a b@example.com", "fault-email")] {
        let refused = invite(&admin, organization, email, "member").await;
        assert!(
            refused.status == 422 && refused.body.contains(why),
            "{email}: {refused:?}"
        );
    }
    link(&invite(&admin, organization, "new@example.com", "admin").await);
    let developer = the.person("dev@example.com", Role::Developer).await;
    let page = developer.get(&the.at("/members")).await;
    assert!(!page.body.contains(&the.at("/invitations")), "{page:?}");
    // With the form of somebody who may, in this browser, there is no way either.
    let path = the.at("/invitations");
    let answer = developer.post(&path, "email=x@example.com&role=member", &[]).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_withdrawn_invitation_and_one_replaced_by_another_are_void() {
    let the = world("default").await;
    let (ada, organization) = (the.ada().await, the.world.organization.clone());
    let first = link(&invite(&ada, &organization, "new@example.com", "admin").await);
    let second = link(&invite(&ada, &organization, "New@example.com", "member").await);
    let guest = Browser::new(&the.world);
    assert_eq!(guest.get(&first).await.status, 410, "the second takes its place");
    assert_eq!(guest.get(&second).await.status, 200);
    let (members, withdraw) = (the.at("/members"), the.at("/invitations/withdraw"));
    let page = ada.get(&members).await;
    the.world.advance(std::time::Duration::from_millis(1));
    went(
        &ada.submit(&page, &withdraw, &[]).await,
        &the.at("/members?done=withdrawn"),
    );
    assert_eq!(guest.get(&second).await.status, 410);
    assert_eq!(ada.submit(&page, &withdraw, &[]).await.status, 404, "once");
    let kinds: Vec<String> = the.told().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        kinds,
        ["member.invited", "member.invited", "member.invitation_withdrawn"]
    );
}

#[tokio::test]
async fn an_admin_does_not_withdraw_what_an_owner_offers_an_owner() {
    let the = world("default").await;
    let (ada, admin) = (the.ada().await, the.person("admin@example.com", Role::Admin).await);
    let organization = the.world.organization.clone();
    let offer = link(&invite(&ada, &organization, "heir@example.com", "owner").await);
    link(&invite(&ada, &organization, "new@example.com", "member").await);
    let page = admin.get(&the.at("/members")).await;
    assert!(page.body.contains("heir@example.com"), "{page:?}");
    let refused = admin
        .submit(
            &page,
            &the.at("/invitations/withdraw"),
            &[("email", "heir@example.com")],
        )
        .await;
    assert_eq!(refused.status, 403);
    assert_eq!(Browser::new(&the.world).get(&offer).await.status, 200);
}

#[tokio::test]
async fn whoever_is_removed_leaves_no_invitation_behind_to_come_back_by() {
    let the = world("default").await;
    let (ada, admin) = (the.ada().await, the.person("admin@example.com", Role::Admin).await);
    let organization = the.world.organization.clone();
    let back_door = link(&invite(&admin, &organization, "second@example.com", "admin").await);
    let honest = link(&invite(&admin, &organization, "third@example.com", "developer").await);
    let guest = Browser::new(&the.world);
    let offer = guest.get(&back_door).await;
    // Less than they offered to somebody, and then nothing at all.
    the.world.set_role("admin@example.com", Role::Developer).await;
    for link in [&back_door, &honest] {
        assert_eq!(guest.get(link).await.status, 410);
    }
    let fields = [("name", "Second"), ("new_password", NEW)];
    assert_eq!(guest.submit(&offer, "/invitation", &fields).await.status, 410);
    let page = ada.get(&the.at("/members")).await;
    assert!(!page.body.contains("second@example.com"), "{page:?}");
    the.world.set_role("admin@example.com", Role::Admin).await;
    assert_eq!(guest.get(&honest).await.status, 200);
    let user = id_of(&the.world, "admin@example.com").await;
    let path = the.at(&format!("/members/{user}/remove"));
    let removed = fill(&ada, &path, &path, &[("confirm", "admin@example.com")]).await;
    assert_eq!(removed.status, 303, "{removed:?}");
    assert_eq!(guest.get(&honest).await.status, 410);
    assert_eq!(role_of(&the.world, "second@example.com").await, None);
}

#[tokio::test]
async fn one_address_gets_only_so_many_invitations_a_day() {
    let the = world("default").await;
    let (ada, organization) = (the.ada().await, the.world.organization.clone());
    for _ in 0..10 {
        link(&invite(&ada, &organization, "new@example.com", "member").await);
    }
    let refused = invite(&ada, &organization, "New@Example.com", "member").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    link(&invite(&ada, &organization, "other@example.com", "member").await);
    the.world.advance(std::time::Duration::from_secs(24 * 60 * 60));
    let ada = Browser::new(&the.world);
    let page = ada.get("/login").await;
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    ada.submit(&page, "/login", &fields).await;
    link(&invite(&ada, &organization, "new@example.com", "member").await);
}

#[tokio::test]
async fn the_list_of_invitations_shows_neither_expired_ones_nor_those_of_others() {
    let the = world("default").await;
    let other = the.world.add_organization("Other").await;
    the.world.set_role_in(&other, EMAIL, Role::Owner).await;
    let ada = the.ada().await;
    link(&invite(&ada, &other, "other@example.com", "member").await);
    link(&invite(&ada, &the.world.organization, "mine@example.com", "member").await);
    let page = ada.get(&the.at("/members")).await;
    assert!(page.body.contains("mine@example.com") && !page.body.contains("other@example.com"));
    the.world.advance(std::time::Duration::from_secs(7 * 24 * 60 * 60));
    let ada = the.ada().await;
    let page = ada.get(&the.at("/members")).await;
    assert!(page.body.contains("Nobody is invited at the moment."), "{page:?}");
}
