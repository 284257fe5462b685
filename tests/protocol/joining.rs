//! How people come in: by invitation, and by signing up where that is open.

use crate::browser::{Browser, EMAIL, PASSWORD, set_password};
use crate::links::{NEW, invitation, link, signs_in, world};
use crate::mail_server::MailServer;
use crate::support::World;
use grantd::account::{Refusal, joining};
use grantd::base::secret::Secret;
use grantd::config::SignUp;
use grantd::control::Command;
use grantd::jobs::mail;
use grantd::model::role::Role;

async fn role_of(world: &World, organization: &str, email: &str) -> Option<String> {
    let members = world
        .run(Command::MemberList {
            organization: organization.into(),
        })
        .await;
    let mut members = members.as_array().unwrap().iter();
    let member = members.find(|member| member["email"] == email)?;
    Some(member["role"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn past_cve_2026_1529_an_invitation_is_for_its_address_and_organization_alone() {
    let world = world(SignUp::Invite).await;
    let other = world.add_organization("Other").await;
    let link = invitation(&world, EMAIL, Role::Developer).await;
    let stranger = Browser::new(&world);
    world.add_user("stranger@example.com").await;
    set_password(&world, "stranger@example.com").await;
    let page = stranger.get("/login").await;
    let fields = [("email", "stranger@example.com"), ("password", PASSWORD)];
    stranger.submit(&page, "/login", &fields).await;
    let page = stranger.get(&link).await;
    assert!(
        page.body.contains("Sign in with it") && !page.body.contains("action=\"/invitation\""),
        "{page:?}"
    );
    let token = link.split('=').nth(1).unwrap();
    let user = world.run(Command::UserList).await;
    let mut users = user.as_array().unwrap().iter();
    let stranger = users.find(|user| user["email"] == "stranger@example.com").unwrap();
    let accepted = joining::accept(&world.ctx, token, stranger["id"].as_str().unwrap()).await;
    assert_eq!(accepted, Err(Refusal::OtherAccount));
    let made = joining::accept_as_new(&world.ctx, token, "Mallory", &Secret::new(NEW)).await;
    assert_eq!(
        made,
        Err(Refusal::OtherAccount),
        "the account there is keeps its password"
    );

    let ada = Browser::new(&world);
    ada.sign_in_at(&format!("/login?next={}", link.replace('?', "%3F")))
        .await;
    let page = ada.get(&link).await;
    let joined = ada.submit(&page, "/invitation", &[]).await;
    assert_eq!(joined.header("location"), Some("/account?done=joined"), "{joined:?}");
    assert_eq!(
        role_of(&world, &world.organization, EMAIL).await.as_deref(),
        Some("developer")
    );
    assert_eq!(role_of(&world, &other, EMAIL).await, None);
    assert_eq!(ada.get(&link).await.status, 410, "once");
}

#[tokio::test]
async fn whoever_has_no_account_makes_one_with_the_invitation_and_signs_in() {
    let world = world(SignUp::Invite).await;
    let link = invitation(&world, "new@example.com", Role::Admin).await;
    let browser = Browser::new(&world);
    let page = browser.get(&link).await;
    assert!(
        page.body.contains("new@example.com") && page.body.contains("admin"),
        "{page:?}"
    );
    for (name, password, why) in [
        ("", NEW, "enter a name"),
        ("New", "short", "at least 12"),
        ("New", "new@example.com", "email address"),
        ("New\u{202e}man", NEW, "enter a name"),
    ] {
        let fields = [("name", name), ("new_password", password)];
        let refused = browser.submit(&page, "/invitation", &fields).await;
        assert!(
            refused.status == 422 && refused.body.contains(why),
            "{why}: {refused:?}"
        );
    }
    let fields = [("name", "New"), ("new_password", NEW)];
    let made = browser.submit(&page, "/invitation", &fields).await;
    assert_eq!((made.status, made.header("location")), (303, Some("/login?other=yes")));
    assert!(signs_in(&world, "new@example.com", NEW).await);
    assert_eq!(
        role_of(&world, &world.organization, "new@example.com").await.as_deref(),
        Some("admin")
    );
    assert_eq!(browser.submit(&page, "/invitation", &fields).await.status, 410);
}

#[tokio::test]
async fn an_old_invitation_takes_no_role_away_and_ends_with_the_organization() {
    let world = world(SignUp::Invite).await;
    let old = invitation(&world, EMAIL, Role::Member).await;
    world.set_role(EMAIL, Role::Owner).await;
    let ada = Browser::new(&world);
    ada.sign_in().await;
    let page = ada.get(&old).await;
    assert_eq!(ada.submit(&page, "/invitation", &[]).await.status, 303);
    assert_eq!(
        role_of(&world, &world.organization, EMAIL).await.as_deref(),
        Some("owner")
    );
    let link = invitation(&world, "new@example.com", Role::Member).await;
    let organization = world.organization.clone();
    world
        .run(Command::OrganizationDisable {
            organization,
            disabled: true,
        })
        .await;
    assert_eq!(ada.get(&link).await.status, 410);
}

#[tokio::test]
async fn an_invitation_of_before_a_removal_brings_nobody_back() {
    let world = world(SignUp::Invite).await;
    let first = invitation(&world, EMAIL, Role::Admin).await;
    let second = invitation(&world, EMAIL, Role::Admin).await;
    let ada = Browser::new(&world);
    ada.sign_in().await;
    let page = ada.get(&first).await;
    assert_eq!(ada.submit(&page, "/invitation", &[]).await.status, 303);
    let (organization, user) = (world.organization.clone(), EMAIL.to_owned());
    world.run(Command::MemberRemove { organization, user }).await;
    let page = ada.get(&second).await;
    assert_eq!(ada.submit(&page, "/invitation", &[]).await.status, 410);
    assert_eq!(role_of(&world, &world.organization, EMAIL).await, None);
    // Whoever wants them back says so.
    let page = ada.get(&invitation(&world, EMAIL, Role::Member).await).await;
    assert_eq!(ada.submit(&page, "/invitation", &[]).await.status, 303);
    let role = role_of(&world, &world.organization, EMAIL).await;
    assert_eq!(role.as_deref(), Some("member"));
}

#[tokio::test]
async fn past_cve_2026_37980_a_hostile_organization_is_only_text() {
    let world = world(SignUp::Invite).await;
    let organization = world.add_organization("\"><script>alert(1)</script>").await;
    let command = Command::UserInvite {
        email: "new@example.com".into(),
        organization,
        role: Role::Member,
    };
    let page = Browser::new(&world).get(&link(&world, command).await).await;
    assert!(page.status == 200 && !page.body.contains("<script>"), "{page:?}");
    assert!(page.body.contains("&lt;script&gt;"), "{page:?}");
}

#[tokio::test]
async fn where_sign_up_is_closed_invitations_make_no_accounts() {
    let world = world(SignUp::Closed).await;
    let link = invitation(&world, "new@example.com", Role::Member).await;
    let page = Browser::new(&world).get(&link).await;
    assert!(
        page.body.contains("already have an account") && !page.body.contains("new_password"),
        "{page:?}"
    );
    let token = link.split('=').nth(1).unwrap();
    let made = joining::accept_as_new(&world.ctx, token, "New", &Secret::new(NEW)).await;
    assert_eq!(made, Err(Refusal::Closed));
    assert_eq!(Browser::new(&world).get("/sign-up").await.status, 404);
}

#[tokio::test]
async fn past_cve_2026_4633_signing_up_tells_nobody_who_has_an_account() {
    let server = MailServer::up().await;
    let world = server.world(SignUp::Open).await;
    let mut answers = Vec::new();
    for email in [EMAIL, "new@example.com"] {
        let browser = Browser::new(&world);
        let page = browser.get("/sign-up").await;
        let answer = browser.submit(&page, "/sign-up", &[("email", email)]).await;
        answers.push((
            answer.status,
            answer.body.clone(),
            answer.header("location").map(str::to_owned),
        ));
    }
    assert_eq!(answers[0], answers[1]);
    mail::turn(&world.ctx).await.unwrap();
    let mails = server.take();
    let of = |email: &str| mails.iter().find(|mail| mail.to == email).unwrap();
    assert!(of(EMAIL).text.contains("There is one already") && !of(EMAIL).text.contains("?link="));
    let browser = Browser::new(&world);
    let page = browser.get(&of("new@example.com").link()).await;
    let fields = [("name", "New"), ("new_password", NEW)];
    let made = browser.submit(&page, "/sign-up/confirm", &fields).await;
    assert_eq!(
        (made.status, made.header("location")),
        (303, Some("/login?other=yes")),
        "{made:?}"
    );
    assert!(signs_in(&world, "new@example.com", NEW).await);
    assert_eq!(browser.submit(&page, "/sign-up/confirm", &fields).await.status, 410);
}

#[tokio::test]
async fn by_default_accounts_are_made_by_invitation_alone() {
    let world = world(SignUp::Invite).await;
    let browser = Browser::new(&world);
    let page = browser.get("/sign-up").await;
    assert!(
        page.body.contains("by invitation") && !page.body.contains("<form"),
        "{page:?}"
    );
    let asked = joining::ask_sign_up(
        &world.ctx,
        world.ctx.config.pages.texts([]),
        "new@example.com",
        [198, 51, 100, 1].into(),
    );
    assert_eq!(asked.await, Err(Refusal::Closed));
}
