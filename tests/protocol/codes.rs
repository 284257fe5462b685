//! Authorization codes at the token endpoint (OAuth 2.1 §4.1.3).

use crate::delegation::{REDIRECT_URI, VERIFIER};
use crate::failing_store::FailingStore;
use crate::proofs::ClientKey;
use crate::support::{OWNER, World};
use grantd::base::jose::Alg;
use grantd::control::Command;
use grantd::control::app_settings::AppSettings;
use grantd::model::event::EventKind;
use std::sync::Arc;
use std::time::Duration;

const INVALID: (u16, &str) = (400, "invalid_grant");

fn form(code: &str) -> String {
    format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}")
}

#[tokio::test]
async fn o14_a_code_is_exchanged_for_tokens_of_the_chosen_organization() {
    for (profile, lifetime, noun) in [("default", 600, "organization"), ("makecrypto", 3600, "company")] {
        let world = World::new(profile).await;
        let app = world.add_public_app().await;
        let code = world.code(&app, "").await;
        let answer = world.exchange(&app, &code, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!answer.replayed());
        assert_eq!(
            (answer.text("token_type").as_str(), &answer.json["expires_in"]),
            ("Bearer", &lifetime.into())
        );
        assert_eq!(answer.text(&format!("{noun}_name")), "Acme");
        assert!(answer.text("refresh_token").contains("_rt_"));
        let scopes: Vec<_> = world.ctx.profile().scopes.names().collect();
        assert_eq!(answer.text("scope"), scopes.join(" "));
        let seen = world.introspect_as(&app, &answer.text("access_token")).await;
        assert_eq!(
            (&seen["active"], &seen["client_id"]),
            (&true.into(), &app.0.as_str().into())
        );
        assert_eq!(seen[format!("{noun}_id")], answer.json[format!("{noun}_id")]);
        assert_eq!(seen["grant_id"], world.the_grant().await.id.as_str());
        assert_eq!(seen["sub"], world.the_grant().await.user.as_str());
    }
}

/// The example of its documentation: a confidential client without PKCE, a year of access.
#[tokio::test]
async fn o14_the_documented_exchange_of_mokapen_works_verbatim() {
    let world = World::new("mokapen").await;
    let app = world.add_public_app().await;
    let code = world.plain_code(&app, "").await;
    let form = format!(
        "grant_type=authorization_code&client_id={}&client_secret={}&redirect_uri={REDIRECT_URI}&code={code}",
        app.0, app.1
    );
    let answer = world.post("/oauth/token", crate::http::Auth::None, &form).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["expires_in"], 31_536_000);
    assert_eq!(answer.json["organization_id"].to_string(), world.organization);
    assert_eq!(answer.text("organization_name"), "Acme");
    let refreshed = world.refresh(&app, &answer.text("refresh_token"), &[]).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
}

#[tokio::test]
async fn o19_a_code_lives_a_minute_and_once() {
    let world = World::new("default").await;
    let app = world.add_public_app().await;
    let (early, late) = (world.code(&app, "").await, world.code(&app, "").await);
    world.advance(Duration::from_secs(59));
    assert_eq!(world.exchange(&app, &early, &[]).await.status, 200);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.exchange(&app, &late, &[]).await.error(), INVALID);
    for code in [
        "unknown",
        "grantd_code_",
        &late[..late.len() - 1],
        &format!("{late}A"),
        &late.to_lowercase(),
    ] {
        assert_eq!(world.exchange(&app, code, &[]).await.error(), INVALID);
    }
    let without = world.token(&app, "grant_type=authorization_code", &[]).await;
    assert_eq!(without.error(), (400, "invalid_request"));
}

/// Past failures: what is single-use never passes for another kind of it (CVE-2026-4282).
#[tokio::test]
async fn o19_past_cve_2026_4282_codes_and_refresh_tokens_do_not_stand_for_each_other() {
    let world = World::new("default").await;
    let app = world.add_public_app().await;
    let (access, refresh) = world.connect(&app).await;
    let code = world.code(&app, "").await;
    for wrong in [&access, &refresh] {
        assert_eq!(world.exchange(&app, wrong, &[]).await.error(), INVALID);
    }
    for wrong in [&access, &code] {
        assert_eq!(world.refresh(&app, wrong, &[]).await.error(), INVALID);
        assert_eq!(world.introspect_as(&app, &code).await["active"], false);
    }
    assert_eq!(world.exchange(&app, &code, &[]).await.status, 200, "still good");
}

/// The second use of a code, with all that belongs to it: what the first one made ends.
#[tokio::test]
async fn o21_b6_past_zitadel_7321_a_replayed_code_ends_what_it_made_and_nothing_else() {
    for hours in [0, 23] {
        let world = World::new("mokapen").await;
        let app = world.add_public_app().await;
        let (sibling, _) = world.connect(&app).await;
        let code = world.code(&app, "").await;
        let first = world.exchange(&app, &code, &[]).await;
        let (access, refresh) = (first.text("access_token"), first.text("refresh_token"));
        world.advance(Duration::from_secs(hours * 3600));
        assert_eq!(world.events(EventKind::CodeReuseDetected).await, 0);
        assert_eq!(world.exchange(&app, &code, &[]).await.error(), INVALID);
        assert!(!world.works(&app, &access).await);
        assert!(world.works(&app, &sibling).await, "another approval");
        assert_eq!(world.refresh(&app, &refresh, &[]).await.error(), INVALID);
        assert_eq!(world.events(EventKind::CodeReuseDetected).await, 1);
        assert_eq!(world.exchange(&app, &code, &[]).await.error(), INVALID);
        assert_eq!(
            world.events(EventKind::CodeReuseDetected).await,
            1,
            "nothing more to end"
        );
    }
}

#[tokio::test]
async fn o21_a_replay_long_after_is_still_refused_and_the_sweep_changes_nothing() {
    let world = World::new("mokapen").await;
    let app = world.add_public_app().await;
    let code = world.code(&app, "").await;
    let access = world.exchange(&app, &code, &[]).await.text("access_token");
    for hours in [24, 24] {
        world.advance(Duration::from_secs(hours * 3600));
        assert_eq!(world.exchange(&app, &code, &[]).await.error(), INVALID);
        grantd::jobs::sweep::turn(&world.ctx).await.unwrap();
    }
    assert!(world.works(&app, &access).await);
}

/// Past failure (workers-oauth-provider 225): a wrong guess tripped the punishment of replays.
#[tokio::test]
async fn o21_past_workers_225_whoever_cannot_show_what_belongs_to_a_code_punishes_nobody() {
    let world = World::new("default").await;
    let (app, other) = (world.add_public_app().await, world.add_public_app().await);
    let code = world.code(&app, "").await;
    let wrongs = [
        format!("grant_type=authorization_code&code={code}"),
        format!("grant_type=authorization_code&code={code}&code_verifier=wrong{VERIFIER}"),
        format!("{}&redirect_uri=https://evil.example/callback", form(&code)),
    ];
    for redeemed in [false, true] {
        for wrong in &wrongs {
            assert_eq!(world.token(&app, wrong, &[]).await.error(), INVALID, "{wrong}");
        }
        assert_eq!(world.exchange(&other, &code, &[]).await.error(), INVALID);
        let anonymous = world.post("/oauth/token", crate::http::Auth::None, &form(&code)).await;
        assert_eq!(anonymous.error(), (401, "invalid_client"));
        if !redeemed {
            let answer = world.exchange(&app, &code, &[]).await;
            assert_eq!(answer.status, 200, "the code was not used up: {answer:?}");
        }
    }
    assert_eq!(world.events(EventKind::CodeReuseDetected).await, 0);
    assert!(!world.families().await[0].ended);
}

#[tokio::test]
async fn b2_f7_past_cve_2023_48228_2024_22258_2025_4144_a_verifier_is_there_if_and_only_if_a_challenge_was() {
    let world = World::new("mokapen").await;
    let app = world.add_public_app().await;
    let with = world.code(&app, "").await;
    for verifier in ["", "short", &VERIFIER[1..], &VERIFIER.to_lowercase(), &"a".repeat(129)] {
        let form = format!("grant_type=authorization_code&code={with}&code_verifier={verifier}");
        assert_eq!(world.token(&app, &form, &[]).await.error(), INVALID, "{verifier}");
    }
    let none_at_all = format!("grant_type=authorization_code&code={with}");
    assert_eq!(world.token(&app, &none_at_all, &[]).await.error(), INVALID);
    let without = world.plain_code(&app, "").await;
    let answer = world.exchange(&app, &without, &[]).await;
    assert_eq!(answer.error(), (400, "invalid_request"), "O16: a downgrade");
    assert_eq!(world.exchange(&app, &with, &[]).await.status, 200);
    let form = format!("grant_type=authorization_code&code={without}");
    assert_eq!(world.token(&app, &form, &[]).await.status, 200);
}

#[tokio::test]
async fn o22_a_redirect_uri_is_verified_where_it_is_sent() {
    let world = World::new("default").await;
    let app = world.add_public_app().await;
    for (uri, status) in [
        ("", 200),
        (REDIRECT_URI, 200),
        ("https://app.example/callback/", 400),
        ("HTTPS://app.example/callback", 400),
    ] {
        let code = world.code(&app, "").await;
        let answer = world
            .token(&app, &format!("{}&redirect_uri={uri}", form(&code)), &[])
            .await;
        assert_eq!(answer.status, status, "{uri}");
    }
}

#[tokio::test]
async fn r1_a_resource_that_is_not_the_codes_uses_up_nothing() {
    let world = World::new("default").await;
    let app = world.add_public_app().await;
    let code = world.code(&app, "").await;
    let own = world.ctx.profile().default_resource().identifier.clone();
    for (more, error) in [
        ("&resource=https://unknown.example", "invalid_target"),
        (&format!("&resource={own}/"), "invalid_target"),
        (&format!("&resource={own}&resource={own}"), "invalid_target"),
    ] as [(&str, &str); 3]
    {
        let answer = world.token(&app, &format!("{}{more}", form(&code)), &[]).await;
        assert_eq!(answer.error(), (400, error), "{more}");
    }
    let answer = world.token(&app, &format!("{}&resource={own}", form(&code)), &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Past failures: tokens for users, members, organizations and apps that are gone (CVE-2025-14559, CVE-2026-2733).
#[tokio::test]
async fn o19_past_cve_2025_14559_2026_2733_a_code_dies_with_what_it_rests_on() {
    let gone = (401, "invalid_client");
    for (what, expected) in [
        ("user", INVALID),
        ("member", INVALID),
        ("scopes", INVALID),
        ("organization", gone),
    ] {
        let world = World::new("default").await;
        let app = world.add_public_app().await;
        let code = world.code(&app, "").await;
        let (user, organization) = (OWNER.to_owned(), world.organization.clone());
        let end = match what {
            "user" => Command::UserDisable { user, disabled: true },
            "member" => Command::MemberRemove { organization, user },
            "scopes" => Command::AppChange {
                client_id: app.0.clone(),
                dedicated_user: None,
                scopes: vec!["data.read".into()],
                settings: AppSettings::default(),
            },
            _ => Command::OrganizationDisable {
                organization,
                disabled: true,
            },
        };
        world.run(end).await;
        assert_eq!(world.exchange(&app, &code, &[]).await.error(), expected, "{what}");
    }
}

#[tokio::test]
async fn d8_a_code_bound_to_a_key_needs_a_proof_of_that_key() {
    let world = World::new("default").await;
    let app = world.add_public_client().await;
    let (prover, other) = (ClientKey::new(Alg::Es256, 1), ClientKey::new(Alg::Es256, 2));
    let code = world.code(&app, &format!("&dpop_jkt={}", prover.jkt())).await;
    assert_eq!(
        world.exchange(&app, &code, &[]).await.error(),
        (400, "invalid_dpop_proof")
    );
    let answer = world.exchange(&app, &code, &[("dpop", &other.proof(&world))]).await;
    assert_eq!(answer.error(), (400, "invalid_dpop_key"));
    let answer = world.exchange(&app, &code, &[("dpop", &prover.proof(&world))]).await;
    assert_eq!(answer.text("token_type"), "DPoP");
    let server = world.add_resource_server().await;
    let seen = world.introspect_as(&server, &answer.text("access_token")).await;
    assert_eq!(
        (&seen["cnf"]["jkt"], &seen["token_type"]),
        (&prover.jkt().into(), &"DPoP".into())
    );
    assert_eq!(world.families().await[0].jkt, Some(prover.jkt()));
}

#[tokio::test]
async fn d3_a_confidential_clients_refresh_tokens_are_bound_to_the_client_not_to_the_key() {
    let world = World::new("default").await;
    let app = world.add_public_app().await;
    let (first, second) = (ClientKey::new(Alg::Es256, 1), ClientKey::new(Alg::Es256, 2));
    let code = world.code(&app, "").await;
    let answer = world.exchange(&app, &code, &[("dpop", &first.proof(&world))]).await;
    assert_eq!(answer.text("token_type"), "DPoP");
    let seen = world.introspect_as(&app, &answer.text("access_token")).await;
    assert_eq!(seen["cnf"]["jkt"], first.jkt().as_str());
    let refresh_token = answer.text("refresh_token");
    let answer = world
        .refresh(&app, &refresh_token, &[("dpop", &second.proof(&world))])
        .await;
    let seen = world.introspect_as(&app, &answer.text("access_token")).await;
    assert_eq!(seen["cnf"]["jkt"], second.jkt().as_str());
}

/// D9: a proof is used up with the decision it was shown for, and not before.
#[tokio::test]
async fn d9_a_proof_serves_one_exchange() {
    let world = World::new("default").await;
    let app = world.add_public_client().await;
    let key = ClientKey::new(Alg::Es256, 1);
    let proof = key.proof(&world);
    let (first, second) = (world.code(&app, "").await, world.code(&app, "").await);
    assert_eq!(
        world.exchange(&app, "unknown", &[("dpop", &proof)]).await.error(),
        INVALID
    );
    assert_eq!(world.exchange(&app, &first, &[("dpop", &proof)]).await.status, 200);
    let again = world.exchange(&app, &second, &[("dpop", &proof)]).await;
    assert_eq!(again.error(), (400, "invalid_dpop_proof"));
    let again = world.exchange(&app, &first, &[("dpop", &proof)]).await;
    assert_eq!(again.error(), (400, "invalid_dpop_proof"));
    assert_eq!(
        world.events(EventKind::CodeReuseDetected).await,
        0,
        "a recorded request ends nothing"
    );
    assert_eq!(
        world
            .exchange(&app, &second, &[("dpop", &key.proof(&world))])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn o19_a_grant_has_fifty_families_and_a_further_one_ends_the_longest_idle() {
    let world = World::new("mokapen").await;
    let app = world.add_public_app().await;
    let (oldest, oldest_refresh) = world.connect(&app).await;
    world.advance(Duration::from_secs(1));
    let (second, _) = world.connect(&app).await;
    world.advance(Duration::from_secs(1));
    let used = world.refresh(&app, &oldest_refresh, &[]).await.text("access_token");
    for _ in 0..48 {
        world.advance(Duration::from_secs(1));
        world.connect(&app).await;
    }
    assert_eq!(world.families().await.len(), 50);
    assert!(world.works(&app, &second).await);
    world.connect(&app).await;
    assert_eq!(world.families().await.len(), 50);
    assert!(!world.works(&app, &second).await, "idle for longest");
    assert!(world.works(&app, &oldest).await && world.works(&app, &used).await);
}

#[tokio::test]
async fn o21_a_store_that_is_away_uses_up_nothing() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    let app = world.add_public_app().await;
    let code = world.code(&app, "").await;
    store.fail_commits(true);
    let answer = world.exchange(&app, &code, &[]).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable"));
    store.fail_commits(false);
    assert_eq!(world.exchange(&app, &code, &[]).await.status, 200);
}
