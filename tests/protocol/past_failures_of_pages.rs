//! What went wrong in other servers, where pages are concerned. Beside these: sessions and open redirects in `sign_in`,
//! hostile names and foreign forms in `consent`, cookies in `sessions`.

use crate::browser::{Browser, EMAIL, PASSWORD, param, world};

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
