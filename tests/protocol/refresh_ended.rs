//! Refresh tokens at the endpoints for revocation (RFC 7009) and introspection (RFC 7662).

use crate::support::World;
use grantd::model::event::EventKind;
use std::time::Duration;

const INVALID: (u16, &str) = (400, "invalid_grant");
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn v1_a_client_ends_its_family_with_any_of_its_refresh_tokens() {
    for rotated in [false, true] {
        let (world, app) = World::with_app().await;
        let (sibling, _) = world.connect(&app).await;
        let (access, first) = world.connect(&app).await;
        let second = world.rotate(&app, &first).await;
        let token = if rotated { &first } else { &second };
        let other = world.add_public_app().await;
        for (client, works) in [(&other, true), (&app, false), (&app, false)] {
            for hint in ["", "&token_type_hint=access_token"] {
                let answer = world
                    .token_at("/oauth/revoke", client, &format!("token={token}{hint}"), &[])
                    .await;
                assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
                assert_eq!(world.works(&app, &access).await, works);
            }
        }
        for token in [&first, &second] {
            assert_eq!(world.refresh(&app, token, &[]).await.error(), INVALID);
        }
        assert!(world.works(&app, &sibling).await, "another approval of the same grant");
        assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 0);
    }
}

#[tokio::test]
async fn v1_a_public_client_ends_its_own_tokens() {
    let world = World::new("default").await;
    let (app, other) = (world.add_public_client().await, world.add_public_client().await);
    let server = world.add_resource_server().await;
    let (access, refresh) = world.connect(&app).await;
    let form = format!("token={access}");
    world.token_at("/oauth/revoke", &other, &form, &[]).await;
    assert!(world.works(&server, &access).await);
    world.token_at("/oauth/revoke", &app, &form, &[]).await;
    assert!(!world.works(&server, &access).await);
    let refreshed = world.refresh(&app, &refresh, &[]).await;
    assert!(
        world.works(&server, &refreshed.text("access_token")).await,
        "one token and no other"
    );
}

#[tokio::test]
async fn i1_a_refresh_token_is_shown_to_its_client_while_it_is_the_live_one() {
    let (world, app) = World::with_app().await;
    let (_, first) = world.connect(&app).await;
    let seen = world.introspect_as(&app, &first).await;
    assert_eq!(
        (&seen["active"], &seen["client_id"]),
        (&true.into(), &app.0.as_str().into())
    );
    assert_eq!(seen["exp"], (world.ctx.now() + 30 * DAY).seconds());
    assert_eq!(seen["grant_id"], world.the_grant().await.id.as_str());
    assert_eq!((seen.get("token_type"), seen.get("jti")), (None, None));
    let (server, other) = (world.add_resource_server().await, world.add_public_app().await);
    assert!(!world.works(&server, &first).await && !world.works(&other, &first).await);
    let second = world.rotate(&app, &first).await;
    assert!(!world.works(&app, &first).await && world.works(&app, &second).await);
    world.advance(30 * DAY);
    assert!(!world.works(&app, &second).await);
}
