//! Mass revocation and disabling: one write each, seen at once by every endpoint.

use crate::support::{GRANT, OWNER, World, judged};
use grantd::control::app_settings::AppSettings;
use grantd::control::{Command, Revocation};
use grantd::model::role::Role;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Debug)]
enum What {
    App,
    Organization,
    User,
    Member,
}

impl What {
    const ALL: [Self; 4] = [Self::App, Self::Organization, Self::User, Self::Member];

    fn disable(self, world: &World, disabled: bool) -> Command {
        let (client_id, organization) = (world.client_id.clone(), world.organization.clone());
        let user = OWNER.to_owned();
        match (self, disabled) {
            (Self::App, _) => Command::AppDisable { client_id, disabled },
            (Self::Organization, _) => Command::OrganizationDisable { organization, disabled },
            (Self::User, _) => Command::UserDisable { user, disabled },
            (Self::Member, true) => Command::MemberRemove { organization, user },
            (Self::Member, false) => Command::MemberSet {
                organization,
                user,
                role: Role::Owner,
            },
        }
    }
}

/// Past failure: tokens for disabled users, disabled clients that go on (CVE-2025-14559, CVE-2026-1609, CVE-2026-2733).
#[tokio::test]
async fn i2_past_cve_2025_14559_2026_1609_2026_2733_what_is_disabled_works_nowhere_and_comes_back_with_its_tokens() {
    for what in What::ALL {
        let world = World::new("default").await;
        let server = {
            // The API's own app belongs to another organization: it is not what is disabled.
            let (_, organization) = world.add_foreign_app().await;
            let app = world.new_app(grantd::model::app::Kind::ResourceServer, &[]);
            world.add_app(grantd::control::NewApp { organization, ..app }).await
        };
        let token = world.mint("").await;
        assert!(judged(&world.introspect_as(&server, &token).await));
        world.run(what.disable(&world, true)).await;
        let minted = world.ask("").await;
        assert!(matches!(minted.status, 400 | 401), "{what:?} {minted:?}");
        assert!(minted.json.get("access_token").is_none());
        assert!(!judged(&world.introspect_as(&server, &token).await), "{what:?}");
        let by_hand = Command::TokenMint {
            client_id: world.client_id.clone(),
            scopes: Vec::new(),
            resource: None,
            lifetime_s: None,
        };
        world.refused(by_hand).await;
        let inspect = Command::TokenInspect { token: token.clone() };
        let inspected = world.run(inspect).await;
        assert_eq!(inspected["active"], false, "{what:?}");
        let restarted = world.restarted().await;
        assert!(
            !judged(&restarted.introspect_as(&server, &token).await),
            "a restart changes nothing"
        );
        // Enabling brings unexpired tokens back; a member who returns starts anew.
        world.run(what.disable(&world, false)).await;
        let alive = judged(&world.introspect_as(&server, &token).await);
        assert_eq!(alive, what != What::Member, "{what:?}");
        let fresh = world.mint("").await;
        assert!(judged(&world.introspect_as(&server, &fresh).await));
    }
}

#[tokio::test]
async fn i1_a_client_that_is_disabled_or_of_a_disabled_organization_introspects_and_revokes_nothing() {
    for what in [What::App, What::Organization] {
        let world = World::new("default").await;
        let token = world.mint("").await;
        world.run(what.disable(&world, true)).await;
        for (path, form) in [
            ("/oauth/token", GRANT),
            ("/oauth/introspect", "token=x"),
            ("/oauth/revoke", "token=x"),
        ] {
            assert_eq!(
                world.post_as_app(path, form).await.error(),
                (401, "invalid_client"),
                "{what:?} {path}"
            );
        }
        let revoked = world.post_as_app("/oauth/revoke", &format!("token={token}")).await;
        assert_eq!(revoked.status, 401);
        world.run(what.disable(&world, false)).await;
        assert!(world.is_active(&token).await);
    }
}

/// Two apps of one organization, and one of another with its own user.
#[tokio::test]
async fn i2_one_write_ends_all_under_an_object_and_nothing_beside_it() {
    for at in 0..4 {
        let world = World::new("default").await;
        let sibling = world.add_private_app(OWNER, &[]).await;
        world.add_member("second@example.com", Role::Admin).await;
        let of_second = world.add_private_app("second@example.com", &[]).await;
        let (foreign, _) = world.add_foreign_app().await;
        let clients = [world.client(), sibling, of_second, foreign];
        let mut tokens = Vec::new();
        for client in &clients {
            tokens.push(world.mint_as(client, "").await);
        }
        let (what, survive) = match at {
            0 => (Revocation::App(world.client_id.clone()), [false, true, true, true]),
            1 => (Revocation::User(OWNER.into()), [false, false, true, true]),
            2 => (
                Revocation::Organization(world.organization.clone()),
                [false, false, false, true],
            ),
            _ => (Revocation::Everything, [false; 4]),
        };
        world.run(Command::TokenRevoke { what }).await;
        for ((client, token), survives) in clients.iter().zip(&tokens).zip(survive) {
            assert_eq!(judged(&world.introspect_as(client, token).await), survives, "case {at}");
            let fresh = world.mint_as(client, "").await;
            assert!(
                judged(&world.introspect_as(client, &fresh).await),
                "new tokens are good at once"
            );
        }
    }
}

/// Past failure: one counter ignored where another was set (CVE-2026-8922).
#[tokio::test]
async fn i2_past_cve_2026_8922_all_counters_count_together_and_survive_a_restart() {
    let world = World::new("default").await;
    let mut dead = Vec::new();
    for what in [
        Revocation::Everything,
        Revocation::Organization(world.organization.clone()),
        Revocation::User(OWNER.into()),
        Revocation::App(world.client_id.clone()),
        Revocation::Everything,
    ] {
        dead.push(world.mint("").await);
        world.run(Command::TokenRevoke { what }).await;
        for token in &dead {
            assert!(!world.is_active(token).await);
        }
    }
    assert_eq!(
        crate::tokens::payload(&world.mint("").await)["ep"],
        serde_json::json!([2, 1, 1, 0, 1, 0, 0])
    );
    let restarted = world.restarted().await;
    for token in &dead {
        assert!(!restarted.is_active(token).await);
    }
}

#[tokio::test]
async fn i2_a_member_who_leaves_and_returns_does_not_bring_tokens_back() {
    let world = World::new("default").await;
    let mut dead = Vec::new();
    for _ in 0..3 {
        dead.push(world.mint("").await);
        world.run(What::Member.disable(&world, true)).await;
        world.run(What::Member.disable(&world, false)).await;
        world.set_role(OWNER, Role::Admin).await;
        world.set_role(OWNER, Role::Owner).await;
        for token in &dead {
            assert!(!world.is_active(token).await);
        }
        assert!(world.is_active(&world.mint("").await).await);
    }
}

#[tokio::test]
async fn i2_a_smaller_role_shrinks_live_tokens_and_none_left_is_inactive() {
    for (profile, wide, narrow, none) in [
        (
            "default",
            "data.read+data.write+settings.write",
            "data.read",
            "settings.write",
        ),
        ("mokapen", "tasks.read+tasks.write", "tasks.read", "tasks.write"),
    ] {
        let world = World::new(profile).await;
        let (shrinks, ends) = (
            world.mint(&format!("&scope={wide}")).await,
            world.mint(&format!("&scope={none}")).await,
        );
        world.set_role(OWNER, Role::Member).await;
        assert_eq!(world.introspect(&shrinks).await["scope"], narrow);
        assert!(!world.is_active(&ends).await);
        assert_eq!(
            world.ask(&format!("&scope={none}")).await.error(),
            (400, "invalid_scope")
        );
        world.set_role(OWNER, Role::Owner).await;
        assert_eq!(
            world.introspect(&shrinks).await["scope"],
            wide.replace('+', " "),
            "never wider than granted"
        );
        assert!(world.is_active(&ends).await);
    }
}

#[tokio::test]
async fn i2_another_dedicated_user_or_other_scopes_end_the_apps_tokens_for_good() {
    let world = World::new("default").await;
    world.add_member("second@example.com", Role::Admin).await;
    let change = |user: Option<&str>, scopes: &[&str]| Command::AppChange {
        client_id: world.client_id.clone(),
        dedicated_user: user.map(str::to_owned),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        settings: AppSettings::default(),
    };
    let first = world.mint("").await;
    let first_sub = world.introspect(&first).await["sub"].clone();
    world.run(change(Some("second@example.com"), &[])).await;
    assert!(!world.is_active(&first).await);
    let second = world.mint("").await;
    assert_ne!(world.introspect(&second).await["sub"], first_sub);
    world.run(change(Some(OWNER), &[])).await;
    assert!(
        !world.is_active(&first).await,
        "naming the former again brings nothing back"
    );
    assert!(!world.is_active(&second).await);
    let third = world.mint("").await;
    world.run(change(None, &["data.read"])).await;
    assert!(!world.is_active(&third).await);
    assert_eq!(world.ask("").await.text("scope"), "data.read");
}

#[tokio::test]
async fn i2_a_new_password_ends_what_acted_as_the_user() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    let password = "correct horse battery staple";
    let answer = world
        .run(Command::UserPassword {
            user: OWNER.into(),
            password: password.into(),
        })
        .await;
    assert!(!answer.to_string().contains(password) && !world.log().contains(password));
    assert!(!world.is_active(&token).await);
    assert!(world.is_active(&world.mint("").await).await);
}

#[tokio::test]
async fn i2_sweeping_brings_no_token_back() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    world.post_as_app("/oauth/revoke", &format!("token={token}")).await;
    for _ in 0..3 {
        grantd::jobs::sweep::turn(&world.ctx).await.unwrap();
        assert!(!world.is_active(&token).await);
        world.advance(Duration::from_secs(200));
    }
    assert!(
        world
            .ctx
            .store
            .scan(&grantd::store::Key(b"r".to_vec()), None, 10)
            .await
            .unwrap()
            .len()
            == 1
    );
    // A day longer than the token: the clock may be ahead.
    world.advance(Duration::from_secs(24 * 3600));
    grantd::jobs::sweep::turn(&world.ctx).await.unwrap();
    let left = world
        .ctx
        .store
        .scan(&grantd::store::Key(b"r".to_vec()), None, 10)
        .await
        .unwrap();
    assert!(left.is_empty(), "what nothing needs is forgotten");
}

#[tokio::test]
async fn i2_a_clock_that_was_a_day_ahead_brings_no_token_back() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    world.post_as_app("/oauth/revoke", &format!("token={token}")).await;
    let right = world.ctx.now();
    world.advance(Duration::from_secs(24 * 3600));
    grantd::jobs::sweep::turn(&world.ctx).await.unwrap();
    world.clock.set(right);
    assert!(!world.is_active(&token).await);
    let other = world.mint("").await;
    assert!(world.is_active(&other).await);
}
