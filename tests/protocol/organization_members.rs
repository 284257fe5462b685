//! Who may give, change and take away which role, and that an owner always stays.

use crate::authorizing::Authorizing;
use crate::browser::{EMAIL, world};
use crate::consent_policy::Overtaken;
use crate::organization_pages::{fill, id_of, signed_in, went};
use crate::support::{OWNER, World};
use grantd::model::event::{Event, EventKind};
use grantd::model::member::Member;
use grantd::model::role::Role;
use grantd::platform::actor::Actor;
use grantd::platform::members;
use grantd::platform::refusal::Refusal;
use grantd::store::records::{Versioned, load};
use grantd::store::{Batch, keys};
use std::sync::Arc;

async fn member(world: &World, email: &str) -> Versioned<Member> {
    let key = keys::member(&world.organization, &id_of(world, email).await);
    load(&*world.ctx.store, &key).await.unwrap().expect("there once was")
}

async fn actor(world: &World, email: &str) -> Actor {
    let key = keys::user(&id_of(world, email).await);
    Actor::of_user(world.ctx.load(&key).await.unwrap().expect("the user is there"))
}

/// What becomes of each role given by somebody in a role to somebody in another.
#[tokio::test]
async fn owners_manage_everybody_and_admins_everybody_but_owners() {
    let the = Authorizing::new("default").await;
    let (world, organization) = (&the.world, the.world.organization.as_str());
    for email in ["manager@example.com", "other@example.com"] {
        world.add_member(email, Role::Member).await;
    }
    let (manager, other) = (
        actor(world, "manager@example.com").await,
        id_of(world, "other@example.com").await,
    );
    for mine in Role::ALL {
        world.set_role("manager@example.com", mine).await;
        for before in Role::ALL {
            for after in Role::ALL {
                world.set_role("other@example.com", before).await;
                let done = members::change_role(&world.ctx, &manager, organization, &other, after).await;
                let may = match mine {
                    Role::Owner => true,
                    Role::Admin => before != Role::Owner && after != Role::Owner,
                    Role::Developer | Role::Member => false,
                };
                let expected = if may { Ok(()) } else { Err(Refusal::Forbidden) };
                assert_eq!(done, expected, "{mine} changes {before} to {after}");
                let now = member(world, "other@example.com").await.role;
                assert_eq!(now, if may { after } else { before });
            }
            world.set_role("other@example.com", before).await;
            let done = members::remove(&world.ctx, &manager, organization, &other).await;
            let may = mine == Role::Owner || (mine == Role::Admin && before != Role::Owner);
            assert_eq!(done.is_ok(), may, "{mine} removes {before}");
        }
    }
}

#[tokio::test]
async fn nobody_manages_members_of_an_organization_of_others() {
    let the = Authorizing::new("default").await;
    let other = the.world.add_organization("Other").await;
    the.world.add_user("stranger@example.com").await;
    the.world.set_role_in(&other, "stranger@example.com", Role::Owner).await;
    let stranger = actor(&the.world, "stranger@example.com").await;
    let (ctx, organization) = (&the.world.ctx, the.world.organization.as_str());
    let user = the.user.as_str();
    let removed = members::remove(ctx, &stranger, organization, user).await;
    assert_eq!(removed, Err(Refusal::NotFound));
    let changed = members::change_role(ctx, &stranger, organization, user, Role::Member).await;
    assert_eq!(changed, Err(Refusal::NotFound));
    let left = members::leave(ctx, &stranger, organization).await;
    assert_eq!(left, Err(Refusal::NotFound));
    // Of their own organization: Ada is none of its members.
    let removed = members::remove(ctx, &stranger, &other, user).await;
    assert_eq!(removed, Err(Refusal::NotFound));
}

#[tokio::test]
async fn the_last_owner_neither_leaves_nor_loses_the_role() {
    let the = world("default").await;
    let ada = the.ada().await;
    let owner = id_of(&the.world, OWNER).await;
    let path = the.at(&format!("/members/{owner}/remove"));
    let page = fill(&ada, &path, &path, &[("confirm", "owner@example.org")]).await;
    assert!(
        page.status == 422 && page.body.contains("not what had to be typed"),
        "{page:?}"
    );
    let removed = fill(&ada, &path, &path, &[("confirm", OWNER)]).await;
    went(&removed, &the.at("/members?done=removed"));

    let leave = the.at("/leave");
    let refused = fill(&ada, &leave, &leave, &[("confirm", "Acme")]).await;
    assert!(
        refused.status == 422 && refused.body.contains("no other owner"),
        "{refused:?}"
    );
    let mine = the.at(&format!("/members/{}", the.user));
    let refused = fill(&ada, &mine, &mine, &[("role", "admin")]).await;
    assert!(
        refused.status == 422 && refused.body.contains("no other owner"),
        "{refused:?}"
    );

    // An owner who cannot sign in is none who could take over.
    the.world.add_member("next@example.com", Role::Owner).await;
    let disable = |disabled| grantd::control::Command::UserDisable {
        user: "next@example.com".into(),
        disabled,
    };
    the.world.run(disable(true)).await;
    assert_eq!(fill(&ada, &leave, &leave, &[("confirm", "Acme")]).await.status, 422);
    the.world.run(disable(false)).await;
    went(
        &fill(&ada, &leave, &leave, &[("confirm", "  Acme ")]).await,
        "/organizations?done=left",
    );
    assert_eq!(ada.get(&the.at("")).await.status, 404);
    assert!(member(&the.world, EMAIL).await.removed);
}

#[tokio::test]
async fn of_two_owners_who_leave_at_the_same_moment_one_stays() {
    let store = Arc::new(Overtaken::default());
    let world = World::with_store("default", store.clone()).await;
    world.add_member("second@example.com", Role::Owner).await;
    let (first, second) = (member(&world, OWNER).await, member(&world, "second@example.com").await);
    let mut batch = Batch::new();
    let event = Event::by_command_line(
        EventKind::MemberRemoved,
        &world.organization,
        world.ctx.now(),
        &*world.ctx.random,
    );
    members::put_removal(&mut batch, &second, event).unwrap();
    // Judged while both are owners; the other one is gone when it is written.
    *store.first.lock().unwrap() = Some(batch);
    let actor = actor(&world, OWNER).await;
    let left = members::leave(&world.ctx, &actor, &world.organization).await;
    assert_eq!(left, Err(Refusal::State("org_last_owner")));
    assert!(store.first.lock().unwrap().is_none(), "the other one was faster");
    assert!(!member(&world, OWNER).await.removed && first.role == Role::Owner);
    assert!(member(&world, "second@example.com").await.removed);
}

#[tokio::test]
async fn owners_who_demote_each_other_at_once_leave_one_owner() {
    for round in 0..20 {
        let the = Authorizing::new("default").await;
        let (ctx, organization) = (the.world.ctx.clone(), the.world.organization.clone());
        let (ada, owner) = (actor(&the.world, EMAIL).await, actor(&the.world, OWNER).await);
        let demote = |by: Actor, who: String| {
            let (ctx, organization) = (ctx.clone(), organization.clone());
            tokio::spawn(async move { members::change_role(&ctx, &by, &organization, &who, Role::Member).await })
        };
        let (ada_id, owner_id) = (ada.id().to_owned(), owner.id().to_owned());
        let (a, b) = tokio::join!(demote(ada, owner_id), demote(owner, ada_id));
        let won = [a.unwrap(), b.unwrap()].iter().filter(|done| done.is_ok()).count();
        assert_eq!(won, 1, "round {round}");
        let roles = [
            member(&the.world, EMAIL).await.role,
            member(&the.world, OWNER).await.role,
        ];
        assert_eq!(roles.iter().filter(|role| **role == Role::Owner).count(), 1);
    }
}

#[tokio::test]
async fn whoever_loses_their_role_at_the_last_moment_changes_nothing() {
    let store = Arc::new(Overtaken::default());
    let world = World::with_store("default", store.clone()).await;
    world.add_member("admin@example.com", Role::Admin).await;
    world.add_member("other@example.com", Role::Member).await;
    let admin = member(&world, "admin@example.com").await;
    let mut batch = Batch::new();
    batch.replace(&admin, &admin.with_role(Role::Member)).unwrap();
    *store.first.lock().unwrap() = Some(batch);
    let (by, other) = (
        actor(&world, "admin@example.com").await,
        id_of(&world, "other@example.com").await,
    );
    let changed = members::change_role(&world.ctx, &by, &world.organization, &other, Role::Admin).await;
    assert_eq!(changed, Err(Refusal::Forbidden));
    assert_eq!(member(&world, "other@example.com").await.role, Role::Member);
}

#[tokio::test]
async fn a_removed_member_loses_tokens_at_once_and_for_good() {
    let the = world("default").await;
    // The owner whom Ada removes granted something, and the private app acts as them.
    let (access, refresh) = the.world.connect(&the.web).await;
    let server = the.world.add_resource_server().await;
    let own = the.world.mint("").await;
    assert!(the.world.works(&server, &access).await && the.world.works(&server, &own).await);
    let ada = the.ada().await;
    let owner = id_of(&the.world, OWNER).await;
    let path = the.at(&format!("/members/{owner}/remove"));
    let page = ada.get(&path).await;
    assert!(page.body.contains("their tokens and their API keys"), "{page:?}");
    went(
        &ada.submit(&page, &path, &[("confirm", OWNER)]).await,
        &the.at("/members?done=removed"),
    );
    for token in [&access, &own] {
        assert!(!the.world.works(&server, token).await);
    }
    assert_eq!(the.world.refresh(&the.web, &refresh, &[]).await.status, 400);
    the.world.set_role(OWNER, Role::Owner).await;
    assert!(!the.world.works(&server, &access).await, "not even after a return");
    let removed = the.told().await.into_iter().find(|(kind, _)| kind == "member.removed");
    assert_eq!(removed, Some(("member.removed".to_owned(), Some(owner))));
    let page = ada.get(&the.at("/members")).await;
    assert!(page.body.contains(OWNER), "{page:?}");
}

#[tokio::test]
async fn a_role_is_changed_on_the_members_own_page_and_its_holder_sees_less_at_once() {
    let the = world("default").await;
    let (ada, admin) = (the.ada().await, the.person("admin@example.com", Role::Admin).await);
    assert_eq!(admin.get(&the.at("/audit")).await.status, 200);
    let user = id_of(&the.world, "admin@example.com").await;
    let path = the.at(&format!("/members/{user}"));
    let changed = fill(&ada, &path, &path, &[("role", "developer")]).await;
    went(&changed, &the.at("/members?done=role"));
    assert_eq!(admin.get(&the.at("/audit")).await.status, 403);
    let page = fill(&ada, &path, &path, &[("role", "emperor")]).await;
    assert_eq!(page.status, 400);
    // Whoever demotes themselves is led to what they may still see.
    went(
        &fill(&ada, &path, &path, &[("role", "admin")]).await,
        &the.at("/members?done=role"),
    );
    let mine = fill(&admin, &path, &path, &[("role", "member")]).await;
    went(&mine, &the.at("?done=role"));
    assert_eq!(admin.get(&the.at("")).await.status, 200);
}

#[tokio::test]
async fn a_long_list_of_members_comes_in_pages_and_each_is_on_one() {
    let the = world("default").await;
    for number in 0..60 {
        let email = format!("member{number}@example.com");
        the.world.add_member(&email, Role::Member).await;
        if number % 10 == 0 {
            let remove = grantd::control::Command::MemberRemove {
                organization: the.world.organization.clone(),
                user: email,
            };
            the.world.run(remove).await;
        }
    }
    let ada = signed_in(&the.world, EMAIL).await;
    let mut seen = String::new();
    let mut path = the.at("/members");
    let mut pages = 0;
    loop {
        let page = ada.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        let rows = page.body.split("<h2>").next().unwrap().to_owned();
        pages += 1;
        let next = rows
            .split("?after=")
            .nth(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned());
        seen.push_str(&rows);
        match next {
            Some(next) => path = the.at(&format!("/members?after={next}")),
            None => break,
        }
    }
    assert_eq!(pages, 2);
    for number in 0..60 {
        let times = seen.matches(&format!(">member{number}@example.com<")).count();
        assert_eq!(times, usize::from(number % 10 != 0), "member{number}");
    }
    for bad in ["%00", "..%2f", &"x".repeat(500)] {
        let page = ada.get(&the.at(&format!("/members?after={bad}"))).await;
        assert_eq!(page.status, 200, "{bad}");
    }
}
