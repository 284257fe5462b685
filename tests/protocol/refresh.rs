//! Refresh tokens (OAuth 2.1 §4.3): every use rotates, and of two holders of one token both are shut out.

use crate::proofs::ClientKey;
use crate::support::{OWNER, World};
use grantd::base::jose::Alg;
use grantd::control::Command;
use grantd::control::app_settings::AppSettings;
use grantd::model::event::EventKind;
use grantd::model::role::Role;
use grantd::store::{Seq, Store, Write};
use std::sync::Arc;
use std::time::Duration;

const INVALID: (u16, &str) = (400, "invalid_grant");
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn m4_b4_b10_every_use_of_a_refresh_token_rotates_it() {
    let (world, app) = World::with_app().await;
    let (access, first) = world.connect(&app).await;
    let answer = world.refresh(&app, &first, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let second = answer.text("refresh_token");
    assert!(second != first && answer.text("access_token") != access);
    assert_eq!(answer.json["expires_in"], 600);
    assert_eq!(answer.text("organization_name"), "Acme");
    assert!(world.works(&app, &access).await && world.works(&app, &answer.text("access_token")).await);
    let family = &world.families().await[0];
    assert_eq!(family.counter, 1);
    assert_ne!(world.rotate(&app, &second).await, second);
}

/// Nothing is forgotten: the older tokens are as spent as before, and using one is as much of a theft.
#[tokio::test]
async fn past_cve_2026_9802_a_restart_brings_no_rotated_token_back() {
    for spent in 0..3 {
        let (world, app) = World::with_app().await;
        let mut tokens = vec![world.connect(&app).await.1];
        for _ in 0..3 {
            tokens.push(world.rotate(&app, tokens.last().unwrap()).await);
        }
        world.advance(Duration::from_secs(30));
        let restarted = world.restarted().await;
        assert_eq!(restarted.refresh(&app, &tokens[spent], &[]).await.error(), INVALID);
        assert_eq!(restarted.events(EventKind::RefreshReuseDetected).await, 1);
        let again = restarted.restarted().await;
        for token in &tokens {
            assert_eq!(again.refresh(&app, token, &[]).await.error(), INVALID);
        }
    }
}

#[tokio::test]
async fn o25_whatever_is_not_a_refresh_token_of_this_server_is_refused() {
    let (world, app) = World::with_app().await;
    let (_, token) = world.connect(&app).await;
    for wrong in [
        &token[..token.len() - 1],
        &format!("{token}A"),
        &token.to_uppercase(),
        "grantd_rt_",
        "x",
    ] {
        assert_eq!(world.refresh(&app, wrong, &[]).await.error(), INVALID, "{wrong}");
    }
    let none = world.token(&app, "grant_type=refresh_token", &[]).await;
    assert_eq!(none.error(), (400, "invalid_request"));
    assert_eq!(world.refresh(&app, &token, &[]).await.status, 200);
}

/// F4: a lost answer loses nothing, and says that it was given before.
#[tokio::test]
async fn f4_within_the_grace_a_keyless_repeat_gets_the_same_successor() {
    let (world, app) = World::with_app().await;
    let (_, first) = world.connect(&app).await;
    let answer = world.refresh(&app, &first, &[]).await;
    world.advance(Duration::from_secs(29));
    for world in [&world, &world.restarted().await] {
        let again = world.refresh(&app, &first, &[]).await;
        assert_eq!((again.status, again.replayed()), (200, true));
        for member in [
            "refresh_token",
            "access_token",
            "scope",
            "token_type",
            "organization_id",
        ] {
            assert_eq!(again.text(member), answer.text(member), "{member}");
        }
        assert_eq!(again.json["expires_in"], 571, "what is left of it");
    }
    world.rotate(&app, &answer.text("refresh_token")).await;
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 0);
}

#[tokio::test]
async fn o13_a_confidential_client_authenticates_to_refresh() {
    let (world, app) = World::with_app().await;
    let (_, token) = world.connect(&app).await;
    for secret in ["", "a-wrong-secret"] {
        let wrong = (app.0.clone(), secret.to_owned());
        assert_eq!(
            world.refresh(&wrong, &token, &[]).await.error(),
            (401, "invalid_client")
        );
    }
    world.rotate(&app, &token).await;
}

#[tokio::test]
async fn o15_o24_a_refresh_asks_for_less_and_never_for_more() {
    let (world, app) = World::with_app().await;
    let code = world.code(&app, "&scope=data.read+webhooks.read").await;
    let answer = world.exchange(&app, &code, &[]).await;
    let token = answer.text("refresh_token");
    for scope in ["data.read+data.write", "unknown", "+"] {
        let answer = world.refresh(&app, &format!("{token}&scope={scope}"), &[]).await;
        assert_eq!(answer.error(), (400, "invalid_scope"), "{scope}");
    }
    // Nothing was used up, and what was narrowed once is whole again.
    let narrowed = world.refresh(&app, &format!("{token}&scope=data.read"), &[]).await;
    assert_eq!(narrowed.text("scope"), "data.read");
    assert_eq!(
        world.introspect_as(&app, &narrowed.text("access_token")).await["scope"],
        "data.read"
    );
    let whole = world.refresh(&app, &narrowed.text("refresh_token"), &[]).await;
    assert_eq!(whole.text("scope"), "data.read webhooks.read");
}

#[tokio::test]
async fn r1_another_resource_is_refused_before_anything_is_used_up() {
    let (world, app) = World::with_app().await;
    let (_, token) = world.connect(&app).await;
    let own = world.ctx.profile().default_resource().identifier.clone();
    for wrong in [
        "https://unknown.example",
        &format!("{own}/"),
        &format!("{own}&resource={own}"),
    ] {
        let answer = world.refresh(&app, &format!("{token}&resource={wrong}"), &[]).await;
        assert_eq!(answer.error(), (400, "invalid_target"), "{wrong}");
    }
    let answer = world.refresh(&app, &format!("{token}&resource={own}"), &[]).await;
    assert_eq!((answer.status, answer.replayed()), (200, false));
}

#[tokio::test]
async fn o24_a_family_ends_when_it_is_idle_and_in_any_case_after_its_time() {
    let (world, app) = World::with_app().await;
    let (_, idle) = world.connect(&app).await;
    let (_, mut used) = world.connect(&app).await;
    world.advance(30 * DAY - Duration::from_secs(1));
    used = world.rotate(&app, &used).await;
    world.advance(Duration::from_secs(1));
    assert_eq!(world.refresh(&app, &idle, &[]).await.error(), INVALID);
    for _ in 0..15 {
        world.advance(22 * DAY);
        used = world.rotate(&app, &used).await;
        grantd::jobs::sweep::turn(&world.ctx).await.unwrap();
    }
    // 360 days; the last access token ends with the family.
    world.advance(5 * DAY - Duration::from_secs(300));
    let last = world.refresh(&app, &used, &[]).await;
    assert_eq!(last.json["expires_in"], 300);
    world.advance(Duration::from_secs(300));
    assert_eq!(
        world.refresh(&app, &last.text("refresh_token"), &[]).await.error(),
        INVALID
    );
    assert!(!world.works(&app, &last.text("access_token")).await);
}

#[tokio::test]
async fn o24_a_family_dies_with_what_its_approval_rested_on() {
    for what in ["user", "member", "scopes"] {
        let (world, app) = World::with_app().await;
        let (_, token) = world.connect(&app).await;
        let (user, organization) = (OWNER.to_owned(), world.organization.clone());
        let end = match what {
            "user" => Command::UserDisable { user, disabled: true },
            "member" => Command::MemberRemove { organization, user },
            _ => Command::AppChange {
                client_id: app.0.clone(),
                dedicated_user: None,
                scopes: vec!["data.read".into()],
                settings: AppSettings::default(),
            },
        };
        world.run(end).await;
        assert_eq!(world.refresh(&app, &token, &[]).await.error(), INVALID, "{what}");
        assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 0);
    }
}

#[tokio::test]
async fn o24_scopes_beyond_the_users_role_of_today_are_left_out() {
    let (world, app) = World::with_app().await;
    let (_, token) = world.connect(&app).await;
    world.add_member("second@example.com", Role::Owner).await;
    world.set_role(OWNER, Role::Member).await;
    let answer = world.refresh(&app, &token, &[]).await;
    let catalog = &world.ctx.profile().scopes;
    let expected: Vec<_> = catalog.grantable_by(Role::Member).collect();
    assert!(expected.len() < catalog.len());
    assert_eq!(answer.text("scope"), expected.join(" "));
    // The role comes back, and the scopes with it: the family kept them.
    world.set_role(OWNER, Role::Owner).await;
    let answer = world.refresh(&app, &answer.text("refresh_token"), &[]).await;
    assert_eq!(answer.text("scope").split(' ').count(), catalog.len());
}

#[tokio::test]
async fn m4_an_app_without_the_grant_type_gets_no_refresh_token() {
    let (world, app) = World::with_app().await;
    let code = world.code(&app, "").await;
    let (_, before) = world.connect(&app).await;
    world
        .change_rules(&app, |rules| {
            rules.grant_types.retain(|t| t.as_str() == "authorization_code")
        })
        .await;
    let answer = world.exchange(&app, &code, &[]).await;
    assert_eq!((answer.status, answer.json.get("refresh_token")), (200, None));
    assert_eq!(
        world.refresh(&app, &before, &[]).await.error(),
        (400, "unauthorized_client")
    );
    let code = world.code(&app, "").await;
    world.change_rules(&app, |rules| rules.grant_types.clear()).await;
    assert_eq!(
        world.exchange(&app, &code, &[]).await.error(),
        (400, "unauthorized_client")
    );
}

#[tokio::test]
async fn d4_an_app_of_bound_tokens_alone_proves_its_key_at_every_request() {
    let (world, app) = World::with_app().await;
    let (_, token) = world.connect(&app).await;
    let code = world.code(&app, "").await;
    world.change_rules(&app, |rules| rules.require_dpop = true).await;
    assert_eq!(
        world.refresh(&app, &token, &[]).await.error(),
        (400, "invalid_dpop_proof")
    );
    assert_eq!(
        world.exchange(&app, &code, &[]).await.error(),
        (400, "invalid_dpop_proof")
    );
    let prover = ClientKey::new(Alg::Es256, 1);
    let answer = world.refresh(&app, &token, &[("dpop", &prover.proof(&world))]).await;
    assert_eq!(answer.text("token_type"), "DPoP");
    let answer = world.exchange(&app, &code, &[("dpop", &prover.proof(&world))]).await;
    assert_eq!(answer.text("token_type"), "DPoP");
}

#[tokio::test]
async fn b10_a_plain_rotation_rewrites_one_record() {
    let store = Arc::new(grantd::store::memory::MemoryStore::new());
    let world = World::with_store("default", store.clone()).await;
    let app = world.add_public_app().await;
    let (_, mut token) = world.connect(&app).await;
    // The receipt of the rotation before goes with the use of its successor, however that is used.
    let cases: [(Option<&str>, &[&str]); 6] = [
        (None, &["+f"]),
        (None, &["+f"]),
        (Some("first-key"), &["+f", "+q"]),
        (Some("second-key"), &["+f", "-q", "+q"]),
        (None, &["+f", "-q"]),
        (None, &["+f"]),
    ];
    for (key, expected) in cases {
        let before = Seq(store.changes(Seq(0), u32::MAX).await.unwrap().len() as u64);
        let headers: Vec<_> = key.iter().map(|key| ("idempotency-key", *key)).collect();
        let answer = world.refresh(&app, &token, &headers).await;
        assert_eq!(answer.status, 200);
        token = answer.text("refresh_token");
        let changes = store.changes(before, 100).await.unwrap();
        let of = |write: &Write| match write {
            Write::Put { key, .. } => format!("+{}", char::from(key.0[0])),
            Write::Delete { key } => format!("-{}", char::from(key.0[0])),
        };
        let mut spaces: Vec<_> = changes.iter().flat_map(|change| change.writes.iter().map(of)).collect();
        // Once a day the signing key's record says how long it is needed.
        spaces.retain(|space| space != "+k");
        assert_eq!(spaces, expected, "{key:?}");
    }
}
