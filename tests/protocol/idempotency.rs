//! `Idempotency-Key` at the token endpoint: a lost answer is given once more, to the byte.

use crate::delegation::KEY;
use crate::http::Answer;
use crate::proofs::ClientKey;
use crate::support::{Client, World};
use grantd::base::jose::Alg;
use grantd::model::app::ClientType;
use grantd::model::event::EventKind;
use grantd::store::keys;
use std::time::Duration;

const INVALID: (u16, &str) = (400, "invalid_grant");
const KEYED: &[(&str, &str)] = &[("idempotency-key", KEY)];
const MINUTES: Duration = Duration::from_secs(60);
const HOURS: Duration = Duration::from_secs(3600);

async fn world() -> (World, Client) {
    let world = World::new("makecrypto").await;
    let app = world.add_public_app().await;
    (world, app)
}

/// Refused because the answer is too old to be repeated: the client asks its user to connect again.
#[track_caller]
fn assert_recovery_expired(answer: &Answer) {
    assert_eq!(answer.error(), INVALID);
    assert_eq!(answer.header("oauth-token-recovery"), Some("expired"));
}

async fn receipts(world: &World) -> usize {
    let all = grantd::store::Key(vec![keys::receipt("", "", "", 0).0[0]]);
    world.ctx.store.scan(&all, None, 100).await.unwrap().len()
}

#[tokio::test]
async fn f4_a_code_with_a_key_is_answered_alike_for_ten_minutes() {
    let (world, app) = world().await;
    let code = world.code(&app, "").await;
    let first = world.exchange(&app, &code, KEYED).await;
    assert_eq!((first.status, first.replayed()), (200, false));
    for minutes in [0, 9] {
        world.advance(minutes * MINUTES);
        let again = world.restarted().await.exchange(&app, &code, KEYED).await;
        assert_eq!((again.status, again.replayed()), (200, true));
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("cache-control"), Some("no-store"));
    }
    world.advance(MINUTES);
    assert_recovery_expired(&world.exchange(&app, &code, KEYED).await);
    assert!(world.works(&app, &first.text("access_token")).await, "nothing died");
    grantd::jobs::sweep::turn(&world.ctx).await.unwrap();
    assert_eq!(receipts(&world).await, 0);
    assert_recovery_expired(&world.exchange(&app, &code, KEYED).await);
}

#[tokio::test]
async fn o21_with_another_key_or_none_a_replayed_code_ends_what_it_made() {
    for headers in [&[][..], &[("idempotency-key", "another-key")]] {
        let (world, app) = world().await;
        let code = world.code(&app, "").await;
        let access = world.exchange(&app, &code, KEYED).await.text("access_token");
        let answer = world.exchange(&app, &code, headers).await;
        assert_eq!((answer.error(), answer.header("oauth-token-recovery")), (INVALID, None));
        assert!(!world.works(&app, &access).await);
        assert_eq!(world.events(EventKind::CodeReuseDetected).await, 1);
        assert_eq!(world.exchange(&app, &code, KEYED).await.error(), INVALID);
    }
}

#[tokio::test]
async fn f4_a_keyed_rotation_is_answered_alike_until_its_successor_is_used() {
    let (world, app) = world().await;
    let (_, token) = world.connect(&app).await;
    let first = world.refresh(&app, &token, KEYED).await;
    assert_eq!((first.status, first.replayed()), (200, false));
    for hours in [0, 12, 11] {
        world.advance(hours * HOURS);
        let again = world.restarted().await.refresh(&app, &token, KEYED).await;
        assert_eq!((again.status, again.replayed()), (200, true));
        assert_eq!(again.body, first.body);
    }
    assert_eq!(receipts(&world).await, 1);
    let next = world.refresh(&app, &first.text("refresh_token"), &[]).await;
    assert_eq!(next.status, 200);
    assert_eq!(receipts(&world).await, 0, "swept with the use of the successor");
    assert_recovery_expired(&world.refresh(&app, &token, KEYED).await);
    assert!(world.works(&app, &next.text("access_token")).await, "nothing died");
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 0);
}

#[tokio::test]
async fn f4_after_a_day_a_key_recovers_nothing_and_nothing_dies() {
    let (world, app) = world().await;
    let (_, token) = world.connect(&app).await;
    let first = world.refresh(&app, &token, KEYED).await;
    world.advance(24 * HOURS);
    assert_recovery_expired(&world.refresh(&app, &token, KEYED).await);
    assert_eq!(world.refresh(&app, &first.text("refresh_token"), &[]).await.status, 200);
}

#[tokio::test]
async fn o24_a_rotation_with_a_key_is_reuse_for_everyone_without_it() {
    for headers in [&[][..], &[("idempotency-key", "another-key")]] {
        let (world, app) = world().await;
        let (access, token) = world.connect(&app).await;
        world.refresh(&app, &token, KEYED).await;
        let answer = world.refresh(&app, &token, headers).await;
        assert_eq!((answer.error(), answer.header("oauth-token-recovery")), (INVALID, None));
        assert!(!world.works(&app, &access).await);
        assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 1);
        let late = world.refresh(&app, &token, KEYED).await;
        assert_eq!((late.error(), late.header("oauth-token-recovery")), (INVALID, None));
    }
}

/// The same key for every rotation is bad style and not theft.
#[tokio::test]
async fn f4_a_key_may_serve_several_rotations() {
    let (world, app) = world().await;
    let (_, token) = world.connect(&app).await;
    let first = world.refresh(&app, &token, KEYED).await;
    let second = world.refresh(&app, &first.text("refresh_token"), KEYED).await;
    assert_eq!((second.status, second.replayed()), (200, false));
    let again = world.refresh(&app, &first.text("refresh_token"), KEYED).await;
    assert_eq!((again.replayed(), again.body), (true, second.body));
    assert_recovery_expired(&world.refresh(&app, &token, KEYED).await);
}

#[tokio::test]
async fn f4_a_repeat_needs_the_same_client_and_the_same_dpop_key_with_a_fresh_proof() {
    // Refresh tokens of confidential clients are not bound to the key; their repeated answers are.
    for client_type in [ClientType::Public, ClientType::Confidential] {
        let world = World::new("makecrypto").await;
        let (app, other) = match client_type {
            ClientType::Public => (world.add_public_client().await, world.add_public_client().await),
            ClientType::Confidential => (world.add_public_app().await, world.add_public_app().await),
        };
        let (prover, thief) = (ClientKey::new(Alg::Es256, 1), ClientKey::new(Alg::Es256, 2));
        let code = world.code(&app, "").await;
        let ask = async |client: &Client, prover: &ClientKey, form: &str| {
            let headers = [("dpop", &*prover.proof(&world)), ("idempotency-key", KEY)];
            world.token(client, form, &headers).await
        };
        let exchange = format!(
            "grant_type=authorization_code&code={code}&code_verifier={}",
            crate::delegation::VERIFIER
        );
        let first = ask(&app, &prover, &exchange).await;
        assert_eq!(first.text("token_type"), "DPoP");
        assert_eq!(ask(&app, &prover, &exchange).await.body, first.body);
        let refresh = format!("grant_type=refresh_token&refresh_token={}", first.text("refresh_token"));
        let rotated = ask(&app, &prover, &refresh).await;
        let again = ask(&app, &prover, &refresh).await;
        assert_eq!((again.replayed(), &again.body), (true, &rotated.body));
        for form in [&exchange, &refresh] {
            assert_eq!(ask(&other, &prover, form).await.error(), INVALID);
            assert_eq!(ask(&app, &thief, form).await.error(), INVALID);
        }
        let server = world.add_resource_server().await;
        assert!(
            world.works(&server, &rotated.text("access_token")).await,
            "nothing died"
        );
    }
}

#[tokio::test]
async fn o16_a_key_is_one_header_of_8_to_200_url_safe_characters() {
    let (world, app) = world().await;
    let (_, token) = world.connect(&app).await;
    let long = "k".repeat(201);
    for bad in [
        "",
        "seven-7",
        &long,
        "with space",
        "with.dot",
        "with\"quote",
        "slash/slash",
    ] {
        let answer = world.refresh(&app, &token, &[("idempotency-key", bad)]).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{bad}");
    }
    let twice = [("idempotency-key", KEY), ("idempotency-key", KEY)];
    assert_eq!(
        world.refresh(&app, &token, &twice).await.error(),
        (400, "invalid_request")
    );
    let good = world.refresh(&app, &token, &[("idempotency-key", &long[1..])]).await;
    assert_eq!((good.status, good.replayed()), (200, false));
}

/// Verifiers check a repeated token too, with a key that signs no more.
#[tokio::test]
async fn f4_the_key_of_a_repeated_token_stays_published() {
    let (world, app) = world().await;
    let (_, token) = world.connect(&app).await;
    let first = world.refresh(&app, &token, KEYED).await;
    let rotate = grantd::control::Command::KeyRotate { algorithm: None };
    world.run(rotate).await;
    world.advance(23 * HOURS);
    grantd::jobs::keys::turn(&world.ctx).await.unwrap();
    let again = world.refresh(&app, &token, KEYED).await;
    assert_eq!(again.body, first.body);
    let header = again.text("access_token");
    let header = grantd::base::digest::from_base64url(header.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    assert!(
        world
            .get("/oauth/jwks.json")
            .await
            .body
            .contains(header["kid"].as_str().unwrap())
    );
}
