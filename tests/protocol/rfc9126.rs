//! RFC 9126: requests that the client sends ahead.

use crate::authorizing::{Authorizing, CALLBACK_ENCODED, CHALLENGE, STATE, parameters};
use crate::http::{Answer, Auth, post, request};
use crate::support::{Client, World, config};
use grantd::control::{Command, NewApp};
use grantd::model::app::Kind;
use grantd::oauth::authorize;
use grantd::oauth::error::ErrorCode;
use grantd::store::Key;
use grantd::store::memory::MemoryStore;
use http::Method;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PAR: &str = "/oauth/par";

async fn push(the: &Authorizing, more: &str) -> Answer {
    the.world.post_as(&the.web, PAR, &parameters(more)).await
}

/// The query with which the browser comes.
async fn pushed(the: &Authorizing, more: &str) -> String {
    let answer = push(the, more).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    query(&the.web.0, &answer.text("request_uri"))
}

fn query(client_id: &str, request_uri: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(request_uri.as_bytes()).collect();
    format!("client_id={client_id}&request_uri={encoded}")
}

#[tokio::test]
async fn p2_a_pushed_request_is_answered_with_a_name_for_it() {
    let the = Authorizing::new("default").await;
    let answer = push(&the, "").await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let name = answer.text("request_uri");
    assert!(name.starts_with("urn:ietf:params:oauth:request_uri:"), "{name}");
    assert_eq!(answer.json["expires_in"], 540, "RFC 9126 and FAPI: less than 600 s");
    assert_eq!(answer.json.as_object().unwrap().len(), 2);
    assert_ne!(push(&the, "").await.text("request_uri"), name);
    for secret in [STATE, CHALLENGE, the.web.1.as_str()] {
        assert!(!name.contains(secret));
    }
}

#[tokio::test]
async fn p1_f7_the_client_authenticates_as_at_the_token_endpoint() {
    let the = Authorizing::new("default").await;
    let form = parameters("");
    let id = &the.web.0;
    for answer in [
        the.world.post(PAR, Auth::None, &form).await,
        the.world.post(PAR, Auth::None, &format!("{form}&client_id={id}")).await,
        the.world.post(PAR, Auth::Basic(id, "wrong"), &form).await,
        the.world.post(PAR, Auth::Basic(id, &the.spa.0), &form).await,
    ] {
        assert_eq!(answer.error(), (401, "invalid_client"));
    }
    let in_body = format!("{form}&client_id={id}&client_secret={}", the.web.1);
    assert_eq!(the.world.post(PAR, Auth::None, &in_body).await.status, 201);
    // A public client shows nothing, and pushes all the same (RFC 9126 §2).
    let own = form.replace(CALLBACK_ENCODED, "http%3A%2F%2F127.0.0.1%3A5000%2Fcallback");
    let answer = the
        .world
        .post(PAR, Auth::None, &format!("{own}&client_id={}", the.spa.0))
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    the.world
        .run(Command::AppDisable {
            client_id: id.clone(),
            disabled: true,
        })
        .await;
    assert_eq!(push(&the, "").await.error(), (401, "invalid_client"));
}

#[tokio::test]
async fn f8_p2_only_post_and_only_a_form() {
    let the = Authorizing::new("default").await;
    assert_eq!(the.world.get(PAR).await.status, 405);
    let json = [("content-type", "application/json")];
    let answer = the.world.send(request(Method::POST, PAR, &json, b"{}")).await;
    assert_eq!(answer.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn p1_f8_a_pushed_request_names_no_other() {
    let the = Authorizing::new("default").await;
    let name = push(&the, "").await.text("request_uri");
    for uri in [name.as_str(), "urn:grantd:posted:x", "https://app.example/request"] {
        let encoded: String = form_urlencoded::byte_serialize(uri.as_bytes()).collect();
        let answer = push(&the, &format!("&request_uri={encoded}")).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{uri}");
    }
    assert_eq!(push(&the, "&request=e30").await.error(), (400, "request_not_supported"));
}

#[tokio::test]
async fn p1_p3_f7_it_is_checked_as_an_authorization_request_in_full() {
    let the = Authorizing::new("default").await;
    for (more, error) in [
        ("&scope=no.such", "invalid_scope"),
        ("&resource=x", "invalid_target"),
        ("&response_mode=fragment", "invalid_request"),
        ("&prompt=none+login", "invalid_request"),
        ("&dpop_jkt=x", "invalid_request"),
        ("&state=again", "invalid_request"),
        ("&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback", "invalid_request"),
    ] {
        assert_eq!(push(&the, more).await.error(), (400, error), "{more}");
    }
    for (from, to, error) in [
        ("app.example", "evil.example", "invalid_request"),
        ("response_type=code", "response_type=token", "unsupported_response_type"),
        ("response_type=code&", "", "invalid_request"),
        ("=S256", "=plain", "invalid_request"),
        (CHALLENGE, "", "invalid_request"),
    ] {
        let form = parameters("").replace(from, to);
        let answer = the.world.post_as(&the.web, PAR, &form).await;
        assert_eq!(answer.error(), (400, error), "{to}");
    }
    let private = the.world.post_as_app(PAR, &parameters("")).await;
    assert_eq!(
        private.error(),
        (400, "invalid_request"),
        "an app without redirect URIs"
    );
    let long = push(&the, &format!("&login_hint={}", "a".repeat(6000))).await;
    assert_eq!(long.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn f8_p4_at_the_endpoint_only_client_id_and_request_uri_count() {
    let the = Authorizing::new("default").await;
    the.change_app(&the.web.0, |_, rules| rules.require_par = true).await;
    let query = pushed(&the, "&scope=data.read&unknown=1").await;
    let meddled = format!("{query}&scope=data.write&state=evil&redirect_uri=https%3A%2F%2Fevil.example&prompt=none");
    for query in [&query, &meddled] {
        let request = the.good(query).await;
        assert_eq!(request.asked.scopes, ["data.read"]);
        assert_eq!(request.address.state.as_deref(), Some(STATE));
        assert!(!request.asked.prompt.none);
    }
}

#[tokio::test]
async fn p2_f8_it_is_bound_to_its_client_and_cannot_be_guessed() {
    let the = Authorizing::new("default").await;
    let query = pushed(&the, "").await;
    // With the same redirect URI, so that nothing else is wrong.
    let other = the.world.add_public_app().await;
    let taken = the.page(&query.replace(&the.web.0, &other.0)).await;
    assert_eq!(taken.code, ErrorCode::InvalidRequestUri);
    the.page(query.split_once('&').unwrap().1).await;
    for at in (query.len() - 60)..query.len() {
        let other = if &query[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{other}{}", &query[..at], &query[at + 1..]);
        assert_eq!(
            the.page(&forged).await.code,
            ErrorCode::InvalidRequestUri,
            "changed at {at}"
        );
    }
    the.page(&query[..query.len() - 1]).await;
    the.page(&format!("{query}A")).await;
}

/// Past failure: one kind of handle taken for another (CVE-2026-4282).
#[tokio::test]
async fn p2_o19_past_cve_2026_4282_a_code_is_no_request_uri_and_a_request_uri_is_no_code() {
    let the = Authorizing::new("default").await;
    let name = push(&the, "").await.text("request_uri");
    let response = the.approve(&the.good(&the.query("")).await).await.unwrap();
    let code = response.param("code").unwrap();
    let random = code.rsplit_once("_code_").unwrap().1;
    let tail = name.rsplit_once(':').unwrap().1;
    let ctx = &the.world.ctx;
    for text in [name.clone(), format!("grantd_code_{tail}")] {
        assert!(grantd::oauth::code::find(ctx, &text).await.unwrap().is_none());
    }
    for text in [code.to_owned(), format!("urn:ietf:params:oauth:request_uri:{random}")] {
        the.page(&query(&the.web.0, &text)).await;
    }
}

#[tokio::test]
async fn p4_f8_it_expires() {
    let the = Authorizing::new("default").await;
    let query = pushed(&the, "").await;
    the.world.advance(Duration::from_secs(539));
    let read_in_time = the.good(&query).await;
    the.world.advance(Duration::from_secs(1));
    assert_eq!(the.page(&query).await.code, ErrorCode::InvalidRequestUri);
    // The page was there in time; the decision is too late all the same.
    assert_eq!(
        the.approve(&read_in_time).await.unwrap_err().code,
        ErrorCode::InvalidRequestUri
    );
}

#[tokio::test]
async fn f8_p4_it_is_used_up_by_the_decision_and_not_by_the_page() {
    let the = Authorizing::new("default").await;
    let ctx = &the.world.ctx;
    for denied in [false, true] {
        let query = pushed(&the, "").await;
        for _ in 0..3 {
            the.good(&query).await;
        }
        let (first, second) = (the.good(&query).await, the.good(&query).await);
        if denied {
            authorize::deny(ctx, &first).await.unwrap();
        } else {
            the.approve(&first).await.unwrap();
        }
        assert_eq!(the.page(&query).await.code, ErrorCode::InvalidRequestUri);
        // Another tab that still shows the page decides nothing any more.
        let again = the.approve(&second).await.unwrap_err();
        assert_eq!(again.code, ErrorCode::InvalidRequestUri);
        let no = authorize::deny(ctx, &second).await.unwrap_err();
        assert_eq!(no.code, ErrorCode::InvalidRequestUri);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f8_p4_of_many_approvals_at_once_one_gets_a_code() {
    let the = Arc::new(Authorizing::new("default").await);
    let query = pushed(&the, "").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (the, query) = (the.clone(), query.clone());
        tasks.spawn(async move {
            let Ok(request) = the.read(&query).await else {
                return false;
            };
            the.approve(&request).await.is_ok()
        });
    }
    let approved = tasks.join_all().await.into_iter().filter(|ok| *ok).count();
    assert_eq!(approved, 1);
}

/// RFC 9126 §7.4: what was good when it was pushed is judged once more.
#[tokio::test]
async fn p4_a_request_is_judged_again_when_the_user_comes() {
    let the = Authorizing::new("default").await;
    let query = pushed(&the, "&scope=data.write").await;
    the.change_app(&the.web.0, |app, _| app.scopes = vec!["data.read".into()])
        .await;
    assert_eq!(the.refused(&query).await.0, "invalid_scope");
    the.change_app(&the.web.0, |app, _| {
        app.redirect_uris = vec!["https://app.example/new".into()]
    })
    .await;
    the.page(&query).await;
    the.change_app(&the.web.0, |app, _| app.disabled = true).await;
    the.page(&query).await;
}

/// Past failure: pushed parameters where anybody could read them (CVE-2024-4540).
#[tokio::test]
async fn p2_past_cve_2024_4540_what_is_kept_holds_no_credential() {
    let the = Authorizing::new("default").await;
    let (id, secret) = &the.web;
    let form = format!(
        "{}&client_id={id}&client_secret={secret}&unknown=kept_by_nobody",
        parameters("")
    );
    let answer = the.world.post(PAR, Auth::None, &form).await;
    assert_eq!(answer.status, 201);
    let store = &the.world.ctx.store;
    let rows = store.scan(&Key(vec![b'p']), None, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    let name = answer.text("request_uri");
    let (_, kept) = &rows[0];
    let text = String::from_utf8_lossy(&kept.value);
    for absent in [
        secret.as_str(),
        "client_secret",
        "kept_by_nobody",
        name.rsplit_once(':').unwrap().1,
    ] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert!(text.contains(STATE));
    assert!(kept.expires_at.is_some(), "swept when nobody comes");
}

#[tokio::test]
async fn p1_the_document_names_the_endpoint() {
    let the = Authorizing::new("default").await;
    let document = the.world.get("/.well-known/oauth-authorization-server").await.json;
    assert_eq!(
        document["pushed_authorization_request_endpoint"],
        "https://auth.example/oauth/par"
    );
    assert_eq!(document["require_pushed_authorization_requests"], false);
}

/// Whoever knows the id of a public client does not fill the store with its requests.
#[tokio::test]
async fn p2_what_public_clients_push_is_bounded_by_address() {
    let mut config = config("default", Path::new("/nonexistent/grantd"));
    config.limits.pushes.burst = NonZeroU32::new(5).unwrap();
    let the = Authorizing::over(World::with_config(config, Arc::new(MemoryStore::new())).await).await;
    let other = NewApp {
        public_client: true,
        redirect_uris: vec!["http://127.0.0.1/callback".into()],
        ..the.world.new_app(Kind::Public, &[])
    };
    let other = the.world.add_app(other).await;
    let push_from = async |peer: &str, client: &Client, more: &str| {
        let form = parameters(more).replace(CALLBACK_ENCODED, "http%3A%2F%2F127.0.0.1%3A5000%2Fcallback");
        let mut request = post(PAR, Auth::None, &format!("{form}&client_id={}", client.0));
        request.peer = peer.parse().unwrap();
        the.world.send(request).await
    };
    let here = "198.51.100.7";
    for _ in 0..10 {
        let refused = push_from(here, &the.spa, "&scope=no.such").await;
        assert_eq!(
            refused.error(),
            (400, "invalid_scope"),
            "what writes nothing does not count"
        );
    }
    for _ in 0..5 {
        assert_eq!(push_from(here, &the.spa, "").await.status, 201);
    }
    let before = the.written().await;
    for client in [&the.spa, &other] {
        let held = push_from(here, client, "").await;
        assert_eq!(held.error(), (429, "temporarily_unavailable"));
        assert_eq!(held.header("retry-after"), Some("1"));
    }
    assert_eq!(the.written().await, before);
    assert_eq!(push_from("198.51.100.8", &the.spa, "").await.status, 201, "elsewhere");
    let (id, secret) = &the.web;
    let mut confidential = post(PAR, Auth::Basic(id, secret), &parameters(""));
    confidential.peer = here.parse().unwrap();
    assert_eq!(the.world.send(confidential).await.status, 201, "it has shown who it is");
    the.world.advance(Duration::from_secs(1));
    assert_eq!(push_from(here, &other, "").await.status, 201);
    assert_eq!(push_from(here, &other, "").await.status, 429);
}
