//! *Explain my failure*: what developers see of their app's refused requests, and what nobody sees.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, unescaped, world};
use crate::http::{Answer, Auth, post, request};
use crate::support::World;
use grantd::jobs;
use grantd::model::failure::{FAILURES_MAX, Failure, Rule};
use grantd::store::keys;
use grantd::store::records::list;
use http::Method;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A form sent to an endpoint, with this error id.
async fn send(world: &World, id: &str, path: &str, auth: Auth<'_>, form: &str) -> Answer {
    let mut request = post(path, auth, form);
    request.id = id.to_owned();
    world.send(request).await
}

/// Everything that was written down for the app, the newest first.
async fn written(world: &World, client_id: &str) -> Vec<Failure> {
    while jobs::failures::turn(&world.ctx).await {}
    let found = list::<Failure>(&*world.ctx.store, &keys::failures(client_id), None, 1000).await;
    found.unwrap().0.into_iter().map(|failure| failure.value).collect()
}

fn page_of(client_id: &str) -> String {
    format!("/developer/apps/{client_id}/failures")
}

const WRONG: &str = "default_secret_0000wrong0000wrong";

/// One call for each of the rules below, all of them with something in it that nobody is to see again.
async fn send_all_kinds(asking: &Authorizing) {
    let (world, (id, secret)) = (&asking.world, &asking.web);
    let scope = format!("{}&scope=task.raed+Ab3xYz9secretInTheWrongPlace", asking.query(""));
    for (error, path, secret, form) in [
        (
            "e1",
            "token",
            WRONG,
            "grant_type=refresh_token&refresh_token=abcdefghijklmnop",
        ),
        ("e2", "token", secret, "grant_type=client_credentials"),
        (
            "e3",
            "token",
            secret,
            "grant_type=authorization_code&code=a-code-that-is-none",
        ),
        (
            "e4",
            "token",
            secret,
            "grant_type=refresh_token&refresh_token=not-a-refresh-token",
        ),
        ("e5", "par", secret, "redirect_uri=https://u:p@evil.example/cb?code=1"),
        ("e6", "par", secret, &scope),
        ("e7", "introspect", secret, ""),
        (
            "e8",
            "token",
            secret,
            "grant_type=password&password=correct-horse-battery",
        ),
    ] {
        send(world, error, &format!("/oauth/{path}"), Auth::Basic(id, secret), form).await;
    }
}

#[tokio::test]
async fn every_refusal_names_its_rule_and_what_came_against_what_is_registered() {
    let asking = world("default").await;
    let (world, (id, secret)) = (&asking.world, &asking.web);
    send_all_kinds(&asking).await;
    let found = written(world, id).await;
    let rule_of = |id: &str| {
        found
            .iter()
            .find(|failure| failure.id == id)
            .map(|failure| failure.rule)
    };
    for (id, rule) in [
        ("e1", Rule::ClientSecret),
        ("e2", Rule::GrantTypeNotAllowed),
        ("e3", Rule::CodeUnknown),
        ("e4", Rule::RefreshUnknown),
        ("e5", Rule::RedirectUri),
        ("e6", Rule::Scope),
        ("e7", Rule::Parameter),
        ("e8", Rule::GrantTypeUnsupported),
    ] {
        assert_eq!(rule_of(id), Some(rule), "{id}");
    }
    let compared = |id: &str| &found.iter().find(|failure| failure.id == id).unwrap().compared[0];
    assert_eq!(
        compared("e5").received.as_deref(),
        Some("https://•••evil.example/cb?•••")
    );
    assert_eq!(compared("e5").registered, ["https://app.example/callback"]);
    assert_eq!(compared("e6").received.as_deref(), Some("task.raed •••"));
    assert_eq!(compared("e2").registered, ["authorization_code", "refresh_token"]);

    let browser = Browser::new(world);
    browser.sign_in().await;
    let page = browser.get(&page_of(id)).await;
    let whole = format!("{}{found:?}", page.body);
    for absent in [
        secret,
        WRONG,
        "abcdefghijklmnop",
        "a-code-that-is-none",
        "not-a-refresh-token",
        "u:p@",
        "code=1",
        "Ab3xYz9secret",
        "correct-horse",
    ] {
        assert!(!whole.contains(absent), "{absent} in {whole}");
    }
    let one = browser.get(&format!("{}?id=e5", page_of(id))).await;
    assert!(unescaped(&one.body).contains("character for character") && one.body.contains("RFC 6749 section 3.1.2.3"));
    assert!(!one.body.contains("e6"), "{one:?}");
    assert!(
        browser
            .get(&format!("{}?id=none", page_of(id)))
            .await
            .body
            .contains("no failed call with this number")
    );
}

#[tokio::test]
async fn an_error_page_has_the_id_under_which_its_failure_is_found() {
    let asking = world("default").await;
    let (world, id) = (&asking.world, &asking.web.0);
    let browser = Browser::new(world);
    browser.sign_in().await;
    let path = format!("/oauth/authorize?client_id={id}&redirect_uri=https://app.example/other");
    let mut asked = request(Method::GET, &path, &[("accept", "text/html")], b"");
    asked.id = "Rx7-42".into();
    let page = world.send(asked).await;
    assert!(page.status == 400 && page.body.contains("Rx7-42"), "{page:?}");
    let found = written(world, id).await;
    assert_eq!(
        (found[0].id.as_str(), found[0].endpoint.as_str()),
        ("Rx7-42", "authorize")
    );
    assert_eq!(found[0].rule, Rule::RedirectUri);
    // Sent on to the app with an error, the request is explained as well.
    let path = format!("/oauth/authorize?{}", asking.query("").replace("S256", "plain"));
    assert_eq!(browser.get(&path).await.status, 303);
    assert_eq!(written(world, id).await.len(), 2);
    // A user who says no, or is not signed in, is no failure of the app's.
    let silent = format!("/oauth/authorize?{}", asking.query("&prompt=none"));
    Browser::new(world).get(&silent).await;
    assert_eq!(written(world, id).await.len(), 2);
}

#[tokio::test]
async fn two_hundred_are_kept_across_a_restart_and_for_seven_days() {
    let asking = world("default").await;
    let (world, (id, secret)) = (&asking.world, &asking.web);
    for number in 0..=FAILURES_MAX {
        send(
            world,
            &format!("n{number}"),
            "/oauth/token",
            Auth::Basic(id, secret),
            "grant_type=x",
        )
        .await;
        world.advance(Duration::from_millis(1));
        if number % 50 == 0 {
            while jobs::failures::turn(&world.ctx).await {}
        }
    }
    let found = written(world, id).await;
    assert_eq!(found.len(), FAILURES_MAX);
    assert_eq!(
        (found[0].id.as_str(), found[FAILURES_MAX - 1].id.as_str()),
        ("n200", "n1")
    );
    let restarted = world.restarted().await;
    let browser = Browser::new(&restarted);
    browser.sign_in().await;
    let mut path = page_of(id);
    let mut seen = 0;
    loop {
        let page = browser.get(&path).await;
        assert!(page.body.len() < 60 * 1024, "{}", page.body.len());
        seen += page.body.matches("<details class=\"failure\"").count();
        let Some((_, rest)) = page.body.split_once("?after=") else {
            break;
        };
        path = format!("{}?after={}", page_of(id), rest.split('"').next().unwrap());
    }
    assert_eq!(seen, FAILURES_MAX);
    restarted.advance(DAY * 7);
    browser.sign_in().await;
    let page = browser.get(&page_of(id)).await;
    assert!(page.body.contains("Nothing was refused"), "{page:?}");
}

#[tokio::test]
async fn an_unknown_app_leaves_only_the_error_id_in_the_log_and_a_flood_is_dropped() {
    let asking = world("default").await;
    let (world, (id, secret)) = (&asking.world, &asking.web);
    let prefix = &world.ctx.profile().prefix;
    let unknown = format!("{prefix}_app_{}", "A".repeat(20));
    send(
        world,
        "gone-1",
        "/oauth/token",
        Auth::Basic(&unknown, "x"),
        "grant_type=refresh_token",
    )
    .await;
    assert!(written(world, &unknown).await.is_empty());
    assert!(world.log().contains("gone-1") && !world.log().contains(&unknown));
    for _ in 0..3000 {
        send(world, "flood", "/oauth/token", Auth::Basic(id, secret), "grant_type=x").await;
        world.advance(Duration::from_millis(1));
    }
    assert!(world.ctx.failures.is_full());
    assert!(
        !world.mint("").await.is_empty(),
        "what is granted is granted all the same"
    );
    assert_eq!(written(world, id).await.len(), FAILURES_MAX);
}
