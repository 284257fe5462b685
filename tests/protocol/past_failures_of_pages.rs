//! What went wrong in other servers, where pages are concerned. Beside these: sessions and open redirects in `sign_in`,
//! hostile names and foreign forms in `consent`, cookies in `sessions`.

use crate::browser::{Browser, EMAIL, PASSWORD, param, world};
use grantd::control::Command;

/// Past failure: a signature over the query as it was sent, which broke behind whatever sorts the parameters.
#[tokio::test]
async fn past_better_auth_8858_a_request_whose_parameters_come_in_another_order_is_the_same() {
    let asking = world("default").await;
    // What stands in front of the server: every query that passes is sorted.
    let sorted = |path: &str| {
        let (path, query) = path.split_once('?').expect("a query");
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.sort_unstable();
        format!("{path}?{}", pairs.join("&"))
    };
    for more in ["", "&prompt=login", "&max_age=0"] {
        let path = format!("/oauth/authorize?{}", asking.query(more));
        assert_ne!(sorted(&path), path);
        let browser = Browser::new(&asking.world);
        let signed_in = browser.sign_in_at(&sorted(&path)).await;
        let onward = sorted(signed_in.header("location").expect("a way on"));
        let page = browser.get(&onward).await;
        let fields = [("organization", &*asking.world.organization), ("decision", "approve")];
        let answer = browser.submit(&page, "/consent", &fields).await;
        assert!(param(&answer, "code").is_some(), "{more}: {answer:?}");
    }
}

/// Past failure: a name that was spelled otherwise was another name to the limiter.
#[tokio::test]
async fn past_authelia_12170_an_address_spelled_otherwise_is_the_same_account() {
    let asking = world("default").await;
    let attempt = async |email: &str, password: &str| {
        let browser = Browser::new(&asking.world);
        let page = browser.get("/login").await;
        let fields = [("email", email), ("password", password)];
        browser.submit(&page, "/login", &fields).await.status
    };
    let spellings = [
        EMAIL.to_owned(),
        EMAIL.to_uppercase(),
        format!("  {EMAIL} "),
        "Ada@Example.com".into(),
    ];
    for spelling in &spellings {
        assert_eq!(attempt(spelling, PASSWORD).await, 303, "{spelling}");
    }
    for at in 0..10 {
        assert_eq!(attempt(&spellings[at % 4], "not the password").await, 422);
    }
    for spelling in &spellings {
        assert_eq!(attempt(spelling, PASSWORD).await, 429, "{spelling}");
    }
}

/// The same letters, composed and not: bytes differ, and nobody could tell the accounts apart.
#[tokio::test]
async fn past_authelia_12170_an_address_has_one_spelling() {
    let asking = world("default").await;
    let add = |email: &str| Command::UserAdd {
        email: email.into(),
        name: None,
        password: Some(PASSWORD.into()),
    };
    asking.world.run(add("zo\u{eb}@example.com")).await;
    for other in ["zoe\u{308}@example.com", "ZOE\u{308}@example.com"] {
        let refused = asking.world.refused(add(other)).await;
        assert!(refused.contains("is not an email address"), "{refused}");
    }
    let refused = asking.world.refused(add("ZO\u{cb}@example.com")).await;
    assert!(!refused.contains("is not an email address"), "{refused}");
    let browser = Browser::new(&asking.world);
    for (spelling, status) in [("ZO\u{cb}@example.com", 303), ("zoe\u{308}@example.com", 422)] {
        let page = browser.get("/login?other=1").await;
        let fields = [("email", spelling), ("password", PASSWORD)];
        assert_eq!(
            browser.submit(&page, "/login", &fields).await.status,
            status,
            "{spelling}"
        );
    }
}
