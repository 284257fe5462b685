//! What comes of an authorization request: a grant and a code in one batch, a refusal, or an answer without asking.

use crate::authorizing::{Authorizing, CALLBACK, CHALLENGE, STATE, answered, parameters};
use crate::failing_store::FailingStore;
use crate::support::World;
use grantd::control::Command;
use grantd::control::Revocation::{App, Everything, Organization, User};
use grantd::model::code::Code;
use grantd::model::event::{Event, EventKind};
use grantd::model::grant::GrantStatus;
use grantd::model::role::Role;
use grantd::oauth::authorize::{self, Approval};
use grantd::oauth::error::ErrorCode;
use grantd::store::{Batch, Seq};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn o19_f5_an_approval_makes_a_grant_and_a_short_lived_code_for_it() {
    let the = Authorizing::new("default").await;
    let request = the.good(&the.query("&scope=data.read")).await;
    let before = the.written().await;
    let response = the.approve(&request).await.unwrap();
    assert_eq!(the.written().await, before + 1, "one batch");
    let (grant, code) = (the.grant().await, the.code(&response).await);
    assert_eq!(grant.scopes, ["data.read"]);
    assert_eq!(grant.resources, ["https://auth.example/api"]);
    assert_eq!((grant.status, grant.epoch), (GrantStatus::Active, 0));
    let Code {
        client_id,
        organization,
        user,
        scopes,
        resource,
        redirect_uri,
        challenge,
        expires_at,
        ..
    } = &code;
    assert_eq!(
        (client_id, organization, user),
        (&the.web.0, &the.world.organization, &the.user)
    );
    assert_eq!(
        (&code.grant, scopes, resource.as_str()),
        (&grant.id, &grant.scopes, "https://auth.example/api")
    );
    assert_eq!(redirect_uri, CALLBACK);
    assert_eq!(challenge.as_deref(), Some(CHALLENGE));
    assert_eq!(*expires_at, the.world.ctx.now() + Duration::from_secs(60));
    assert!(code.redeemed.is_none());
    let location = response.location();
    assert!(
        location.starts_with("https://app.example/callback?code=grantd_code_"),
        "{location}"
    );
    assert!(answered(&location).contains(&("state".into(), STATE.into())));
    let events = the.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind, &events[0].grant),
        (EventKind::GrantCreated, &Some(grant.id.clone()))
    );
}

#[tokio::test]
async fn o19_a_code_is_a_keyed_digest_in_the_store_and_no_two_are_alike() {
    let the = Authorizing::new("default").await;
    let request = the.good(&the.query("")).await;
    let mut seen = Vec::new();
    for _ in 0..20 {
        let response = the.approve(&request).await.unwrap();
        seen.push(response.param("code").unwrap().to_owned());
    }
    let store = &the.world.ctx.store;
    for change in store.changes(Seq(0), 10_000).await.unwrap() {
        let written = format!("{:?}", change.writes);
        assert!(seen.iter().all(|code| !written.contains(code.as_str())));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 20);
}

#[tokio::test]
async fn o15_a_further_approval_widens_the_one_grant_and_the_code_holds_its_own_scopes() {
    let the = Authorizing::new("default").await;
    the.approve(&the.good(&the.query("&scope=data.read")).await)
        .await
        .unwrap();
    let first = the.grant().await;
    the.world.advance(Duration::from_secs(5));
    let response = the
        .approve(&the.good(&the.query("&scope=data.write")).await)
        .await
        .unwrap();
    let second = the.grant().await;
    assert_eq!(second.id, first.id);
    assert_eq!(second.scopes, ["data.read", "data.write"]);
    assert_eq!(second.created_at, first.created_at);
    assert_eq!(the.code(&response).await.scopes, ["data.write"]);
    let kinds: Vec<EventKind> = the.events().await.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::GrantCreated, EventKind::GrantUpdated]);
}

#[tokio::test]
async fn o15_an_ended_grant_begins_afresh_and_the_code_is_stamped_with_its_counter() {
    let the = Authorizing::new("default").await;
    the.approve(&the.good(&the.query("")).await).await.unwrap();
    let old = the.grant().await;
    let mut batch = Batch::new();
    batch.replace(&old, &old.reuse_detected()).unwrap();
    the.world.ctx.store.commit(batch).await.unwrap();
    let response = the
        .approve(&the.good(&the.query("&scope=data.read")).await)
        .await
        .unwrap();
    let grant = the.grant().await;
    assert_eq!((grant.status, grant.epoch), (GrantStatus::Active, 1));
    assert_eq!(
        (&grant.id, grant.scopes.as_slice()),
        (&old.id, &["data.read".to_owned()][..])
    );
    let stamps: [u64; 7] = the.code(&response).await.stamps.into();
    assert_eq!(stamps, [0, 0, 0, 0, 0, 1, 0]);
}

#[tokio::test]
async fn o15_all_counters_are_stamped_into_the_code() {
    let the = Authorizing::new("default").await;
    let bump = |what| Command::TokenRevoke { what };
    the.world.run(bump(Everything)).await;
    the.world.run(bump(Organization(the.world.organization.clone()))).await;
    the.world.run(bump(User(the.user.clone()))).await;
    the.world.run(bump(App(the.web.0.clone()))).await;
    let response = the.approve(&the.good(&the.query("")).await).await.unwrap();
    let stamps: [u64; 7] = the.code(&response).await.stamps.into();
    assert!(
        stamps[0] > 0 && stamps[1] == 1 && stamps[2] == 1 && stamps[4] == 1,
        "{stamps:?}"
    );
}

#[tokio::test]
async fn b11_a_role_grants_what_it_may_and_what_it_may_not_is_left_out() {
    let the = Authorizing::new("default").await;
    let member = the.world.add_user("member@example.com").await;
    the.world.set_role("member@example.com", Role::Member).await;
    let may: Vec<String> = the
        .world
        .ctx
        .profile()
        .scopes
        .grantable_by(Role::Member)
        .map(str::to_owned)
        .collect();
    let request = the.good(&the.query("")).await;
    assert!(!may.is_empty() && may.len() < request.asked.scopes.len());
    let response = the
        .approve_for(&request, &member, &the.world.organization)
        .await
        .unwrap();
    assert_eq!(the.code(&response).await.scopes, may);
    let beyond = request.asked.scopes.iter().find(|s| !may.contains(s)).unwrap();
    let request = the.good(&the.query(&format!("&scope={beyond}"))).await;
    let before = the.written().await;
    let error = the
        .approve_for(&request, &member, &the.world.organization)
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::AccessDenied);
    assert_eq!(the.written().await, before);
}

/// Past failure: grants by disabled users and of disabled things (CVE-2025-14559, CVE-2026-1609, CVE-2026-2733).
#[tokio::test]
async fn b11_past_cve_2025_14559_2026_1609_only_a_live_member_of_a_live_organization_grants_anything() {
    let the = Authorizing::new("default").await;
    let request = the.good(&the.query("")).await;
    let other = the.world.add_organization("Other").await;
    let own = the.world.organization.clone();
    let before = the.written().await;
    for (user, organization) in [
        (the.user.as_str(), other.as_str()),
        (&the.user, "nowhere"),
        (&the.user, ""),
        ("u_nobody", &own),
        ("", &own),
    ] {
        let error = the.approve_for(&request, user, organization).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied, "{user} {organization}");
    }
    assert_eq!(the.written().await, before);
    let user = || the.user.clone();
    let organization = || own.clone();
    let disable_user = |disabled| Command::UserDisable { user: user(), disabled };
    let disable_organization = |disabled| Command::OrganizationDisable {
        organization: organization(),
        disabled,
    };
    let gone = Command::MemberRemove {
        organization: organization(),
        user: user(),
    };
    for (ends, mends) in [
        (disable_user(true), Some(disable_user(false))),
        (disable_organization(true), Some(disable_organization(false))),
        (gone, None),
    ] {
        the.world.run(ends).await;
        let error = the.approve(&request).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
        if let Some(mends) = mends {
            the.world.run(mends).await;
            // A new reading: the organization is the app's own too.
            let request = the.good(&the.query("")).await;
            assert!(the.approve(&request).await.is_ok());
        }
    }
}

#[tokio::test]
async fn p4_an_app_that_was_changed_while_the_user_thought_gets_no_code() {
    let the = Authorizing::new("default").await;
    let request = the.good(&the.query("")).await;
    the.change_app(&the.web.0, |app, _| {
        app.redirect_uris = vec!["https://app.example/new".into()]
    })
    .await;
    let before = the.written().await;
    assert_eq!(the.approve(&request).await.unwrap_err().code, ErrorCode::InvalidRequest);
    assert_eq!(the.written().await, before);
}

#[tokio::test]
async fn o19_what_else_happens_with_an_approval_happens_with_it_or_not_at_all() {
    let the = Authorizing::new("default").await;
    let request = the.good(&the.query("")).await;
    let event = Event {
        id: "e_session".into(),
        ..Event::new(EventKind::SignedIn, the.world.ctx.now(), &*the.world.ctx.random)
    };
    let approve = async || {
        let mut session = Batch::new();
        session.insert(&event).unwrap();
        let approval = Approval {
            user: the.user.clone(),
            organization: the.world.organization.clone(),
            session,
        };
        authorize::approve(&the.world.ctx, &request, approval).await
    };
    let before = the.written().await;
    approve().await.unwrap();
    assert_eq!(the.written().await, before + 1);
    assert_eq!(the.events().await.len(), 2);
    // Now its record is there: the batch cannot stand, and nothing of it does.
    let error = approve().await.unwrap_err();
    assert_eq!(error.code, ErrorCode::TemporarilyUnavailable);
    assert_eq!(the.written().await, before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o19_approvals_at_once_share_one_grant() {
    let the = Arc::new(Authorizing::new("default").await);
    let mut tasks = tokio::task::JoinSet::new();
    for scope in ["data.read", "data.write", "data.read", "data.write"] {
        let the = the.clone();
        tasks.spawn(async move {
            let request = the.good(&the.query(&format!("&scope={scope}"))).await;
            let response = the.approve(&request).await.unwrap();
            the.code(&response).await.grant
        });
    }
    let mut grants = tasks.join_all().await;
    grants.dedup();
    assert_eq!(grants, [the.grant().await.id.clone()]);
    let mut scopes = the.grant().await.scopes.clone();
    scopes.sort_unstable();
    assert_eq!(scopes, ["data.read", "data.write"]);
}

#[tokio::test]
async fn f8_o32_a_user_who_says_no_sends_access_denied_back() {
    let the = Authorizing::new("default").await;
    let request = the.good(&the.query("")).await;
    let before = the.written().await;
    let response = authorize::deny(&the.world.ctx, &request).await.unwrap();
    assert_eq!(response.param("error"), Some("access_denied"));
    assert_eq!((response.param("state"), response.param("code")), (Some(STATE), None));
    assert_eq!(the.written().await, before);
    assert!(the.events().await.is_empty());
}

#[tokio::test]
async fn o8_o19_a_store_that_is_away_gives_a_page_to_try_again_and_no_code() {
    let store = Arc::new(FailingStore::default());
    let the = Authorizing::over(World::with_store("default", store.clone()).await).await;
    let request = the.good(&the.query("")).await;
    store.fail_commits(true);
    let error = the.approve(&request).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::TemporarilyUnavailable);
    let answer = the.world.post_as(&the.web, "/oauth/par", &parameters("")).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    store.fail_commits(false);
    let before = the.written().await;
    store.fail_reads(true);
    assert_eq!(
        the.approve(&request).await.unwrap_err().code,
        ErrorCode::TemporarilyUnavailable
    );
    let stranger = the.query("").replace(&the.web.0, "grantd_app_not_in_the_cache");
    assert_eq!(the.page(&stranger).await.code, ErrorCode::TemporarilyUnavailable);
    store.fail_reads(false);
    assert_eq!(the.written().await, before);
    assert!(the.approve(&request).await.is_ok());
}
