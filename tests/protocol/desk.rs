//! The portal's frame: which organization is open, and the way to the sign-in and back.

use crate::browser::{Browser, EMAIL, world};
use grantd::control::Command;
use grantd::model::role::Role;
use http::Method;

/// Ada, and a second organization of hers whose name is hostile.
async fn with_two_organizations() -> (crate::authorizing::Authorizing, String) {
    let the = world("default").await;
    let second = the
        .world
        .add_organization("Zeta </select><script>alert(1)</script>")
        .await;
    the.world.set_role_in(&second, EMAIL, Role::Member).await;
    (the, second)
}

#[tokio::test]
async fn past_cve_2026_7507_another_organization_is_open_under_another_secret() {
    let (the, second) = with_two_organizations().await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let page = browser.get("/account").await;
    assert!(!page.body.contains("<script>"), "{}", page.body);
    let before = browser.cookie();
    let answer = browser
        .submit(&page, "/organization", &[("organization", &second)])
        .await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/account")));
    let (id, secret) = before.split_once('.').unwrap();
    let after = browser.cookie();
    let (id_after, secret_after) = after.split_once('.').unwrap();
    assert_eq!(id, id_after);
    assert_ne!(secret, secret_after);
    let page = browser.get("/account").await;
    let option = format!("<option value=\"{second}\" selected>");
    assert!(page.body.contains(&option), "{}", page.body);
}

#[tokio::test]
async fn an_organization_one_does_not_belong_to_cannot_be_opened() {
    let (the, second) = with_two_organizations().await;
    let foreign = the.world.add_organization("Foreign").await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let page = browser.get("/account").await;
    for wanted in [foreign.as_str(), "o_none"] {
        let answer = browser
            .submit(&page, "/organization", &[("organization", wanted)])
            .await;
        assert_eq!(answer.status, 404, "{wanted:?}");
    }
    // Removed while the page was open.
    let remove = Command::MemberRemove {
        organization: second.clone(),
        user: EMAIL.into(),
    };
    the.world.run(remove).await;
    let answer = browser
        .submit(&page, "/organization", &[("organization", &second)])
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn switching_leads_back_to_the_page_and_nowhere_else() {
    let (the, second) = with_two_organizations().await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    for (next, leads_to) in [
        ("/account", "/account".to_owned()),
        ("https://evil.example/", format!("/organizations/{second}")),
        ("//evil.example", format!("/organizations/{second}")),
        ("/organizations/other", format!("/organizations/{second}")),
    ] {
        let page = browser.get("/account").await;
        let fields = [("organization", second.as_str()), ("next", next)];
        let answer = browser.submit(&page, "/organization", &fields).await;
        assert_eq!(answer.header("location"), Some(leads_to.as_str()), "{next}");
    }
}

#[tokio::test]
async fn the_switch_is_bound_to_the_browser() {
    let (the, second) = with_two_organizations().await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let foreign = browser
        .post("/organization", &format!("organization={second}"), &[])
        .await;
    assert_eq!(foreign.status, 403);
    let stranger = Browser::new(&the.world);
    let answer = stranger
        .post("/organization", &format!("organization={second}"), &[])
        .await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
}

#[test]
fn every_path_stands_once_for_each_method() {
    let mut rows: Vec<(&Method, &str)> = grantd::app::routes().collect();
    let all = rows.len();
    rows.sort_by_key(|(method, path)| (path.to_owned(), method.as_str()));
    rows.dedup();
    assert_eq!(rows.len(), all);
    assert!(all >= 41, "{all}");
}
