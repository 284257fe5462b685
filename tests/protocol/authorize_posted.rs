//! `POST /oauth/authorize`: the parameters wait in memory for the page.

use crate::authorizing::{Authorizing, CHALLENGE, STATE};
use crate::http::{Answer, Auth, request};
use grantd::oauth::error::ErrorCode;
use http::Method;
use std::time::Duration;

/// What `POST /oauth/authorize` redirects to.
async fn post(the: &Authorizing, form: &str) -> String {
    let answer = the.world.post("/oauth/authorize", Auth::None, form).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    guarded(&answer);
    answer.header("location").expect("a redirect").to_owned()
}

/// As every page is (O31), and it takes nobody's cookie away: the browser has kept it back from another site's form.
fn guarded(answer: &Answer) {
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("strict-transport-security").is_some(), "{answer:?}");
    assert_eq!(answer.header("set-cookie"), None);
}

/// For the user, who came with a browser: a whole page with an error's status, and no redirect.
fn is_a_page(answer: &Answer) {
    assert_eq!((answer.status, answer.header("location")), (400, None));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.body.ends_with("</html>"), "{answer:?}");
    guarded(answer);
}

#[tokio::test]
async fn o11_o29_a_posted_request_is_answered_by_its_get() {
    let the = Authorizing::new("default").await;
    let location = post(&the, &the.query("&scope=data.read")).await;
    let query = location.strip_prefix("/oauth/authorize?").expect("the same endpoint");
    assert!(!location.contains(STATE) && !location.contains(CHALLENGE), "{location}");
    for _ in 0..2 {
        let request = the.good(query).await;
        assert_eq!(request.asked.scopes, ["data.read"]);
        assert_eq!(request.address.state.as_deref(), Some(STATE));
    }
    // Whatever stands beside the name does not count, and it is this client's.
    assert_eq!(
        the.good(&format!("{query}&scope=no.such")).await.asked.scopes,
        ["data.read"]
    );
    let other = the.world.add_public_app().await;
    assert_eq!(
        the.page(&query.replace(&the.web.0, &other.0)).await.code,
        ErrorCode::InvalidRequestUri
    );
    let lifetime = the.world.ctx.profile().lifetimes.pushed_request;
    the.world.advance(lifetime - Duration::from_secs(1));
    the.good(query).await;
    the.world.advance(Duration::from_secs(1));
    the.page(query).await;
}

#[tokio::test]
async fn o8_o11_a_bad_posted_request_is_judged_where_it_is_read() {
    let the = Authorizing::new("default").await;
    for form in ["", "response_type=code", "client_id=nobody&state=x"] {
        let location = post(&the, form).await;
        the.page(location.strip_prefix("/oauth/authorize?").unwrap()).await;
    }
    let location = post(&the, &the.query("&scope=no.such")).await;
    let query = location.strip_prefix("/oauth/authorize?").unwrap();
    assert_eq!(the.refused(query).await.0, "invalid_scope");
    for (form, content_type) in [
        ("client_id=a&client_id=b", "application/x-www-form-urlencoded"),
        ("client_id=%zz", "application/x-www-form-urlencoded"),
        ("client_id=a", "application/json"),
    ] {
        let headers = [("content-type", content_type)];
        let answer = the
            .world
            .send(request(Method::POST, "/oauth/authorize", &headers, form.as_bytes()))
            .await;
        is_a_page(&answer);
    }
    let long = format!("{}&state={}", the.query(""), "s".repeat(7000)).replacen(&format!("state={STATE}&"), "", 1);
    is_a_page(&the.world.post("/oauth/authorize", Auth::None, &long).await);
}

#[tokio::test]
async fn f7_p4_what_a_browser_posted_was_not_pushed_by_the_client() {
    let the = Authorizing::new("default").await;
    the.change_app(&the.web.0, |_, rules| rules.require_par = true).await;
    let location = post(&the, &the.query("")).await;
    let query = location.strip_prefix("/oauth/authorize?").unwrap();
    assert_eq!(the.refused(query).await.0, "invalid_request");
}

#[tokio::test]
async fn p2_a_posted_name_of_a_pushed_request_stays_that_name() {
    let the = Authorizing::new("default").await;
    let name = "urn:ietf:params:oauth:request_uri:x";
    let location = post(&the, &the.query(&format!("&request_uri={name}"))).await;
    assert_eq!(
        location,
        format!(
            "/oauth/authorize?client_id={}&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax",
            the.web.0
        )
    );
}
