//! The consent page and what comes of it.

use crate::authorizing::{Authorizing, CALLBACK, STATE, answered};
use crate::browser::{Browser, hidden, param, unescaped, world};
use crate::http::Answer;
use crate::support::ISSUER;
use grantd::base::digest::base64url;
use grantd::control::NewApp;
use grantd::model::app::{Developer, Kind};
use grantd::model::grant::GrantStatus;
use grantd::model::role::Role;
use http::header::CONTENT_SECURITY_POLICY;
use std::time::Duration;

const HOSTILE: &str = "\"><script>alert(1)</script>&{app}";

/// The consent page of a good request, in a browser that is signed in.
async fn shown(asking: &Authorizing, browser: &Browser<'_>, more: &str) -> Answer {
    browser.sign_in().await;
    let page = browser.get(&format!("/oauth/authorize?{}", asking.query(more))).await;
    assert_eq!(page.status, 200, "{page:?}");
    page
}

async fn decide(browser: &Browser<'_>, page: &Answer, organization: &str, decision: &str) -> Answer {
    let fields = [("organization", organization), ("decision", decision)];
    browser.submit(page, "/consent", &fields).await
}

#[tokio::test]
async fn o29_o30_approving_sends_a_code_with_state_and_issuer_by_303() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "").await;
    let answer = decide(&browser, &page, &asking.world.organization, "approve").await;
    assert_eq!(answer.status, 303);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(&format!("{CALLBACK}?")), "{location}");
    let params = answered(location);
    let names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert_eq!((params[1].1.as_str(), params[2].1.as_str()), (STATE, ISSUER));
    assert_eq!(asking.grant().await.status, GrantStatus::Active);
}

#[tokio::test]
async fn o27_the_same_request_is_asked_again_however_often_it_was_approved() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    for _ in 0..3 {
        let page = browser.get(&format!("/oauth/authorize?{}", asking.query(""))).await;
        assert_eq!((page.status, page.header("location")), (200, None));
        let answer = decide(&browser, &page, &asking.world.organization, "approve").await;
        assert!(param(&answer, "code").is_some());
    }
}

#[tokio::test]
async fn o30_the_page_says_who_asks_for_what_and_where_the_answer_goes() {
    let asking = world("default").await;
    asking
        .change_app(&asking.web.0, |app, _| {
            app.name = "Tidy Books".into();
            app.developer = Developer {
                company: "Tidy Inc.".into(),
                website: "https://tidy.example/".into(),
                logo: None,
                support: Some("help@tidy.example".into()),
                privacy_policy: Some("https://tidy.example/privacy".into()),
                terms: Some("javascript:alert(1)".into()),
            };
        })
        .await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "&scope=data.read%20settings.write").await;
    for text in [
        "Tidy Books",
        "Tidy Inc.",
        "href=\"https://tidy.example/\"",
        "href=\"mailto:help@tidy.example\"",
        "href=\"https://tidy.example/privacy\"",
        "Read your organization's data.",
        "Change your organization's settings.",
        "Sensitive",
        "sent to app.example",
        "signed in as ada@example.com",
        "Acme",
    ] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    for text in ["javascript:", "webhook"] {
        assert!(!page.body.contains(text), "{text}: {page:?}");
    }
}

#[tokio::test]
async fn past_cve_2026_37980_names_of_organizations_apps_and_companies_are_hostile() {
    let asking = world("default").await;
    let organization = asking.world.add_organization(HOSTILE).await;
    let email = crate::browser::EMAIL;
    asking.world.set_role_in(&organization, email, Role::Owner).await;
    asking
        .change_app(&asking.web.0, |app, _| {
            app.name = HOSTILE.into();
            app.developer.company = HOSTILE.into();
        })
        .await;
    let browser = Browser::new(&asking.world);
    let sign_in = browser.get(&format!("/oauth/authorize?{}", asking.query(""))).await;
    let consent = shown(&asking, &browser, "").await;
    decide(&browser, &consent, &organization, "approve").await;
    let account = browser.get("/account").await;
    for page in [sign_in, consent, account] {
        assert!(!page.body.contains("<script"), "{page:?}");
        assert!(unescaped(&page.body).contains(HOSTILE), "{page:?}");
    }
}

#[tokio::test]
async fn b11_each_organization_says_what_the_role_there_leaves_out() {
    let asking = world("default").await;
    let email = crate::browser::EMAIL;
    let member_of = asking.world.add_organization("Reader").await;
    asking.world.set_role_in(&member_of, email, Role::Member).await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "&scope=data.read%20settings.write").await;
    assert!(
        page.body.contains("This role cannot grant: Change settings."),
        "{page:?}"
    );
    assert!(
        !page.body.contains("checked"),
        "two are possible, none was chosen before: {page:?}"
    );
    assert!(page.body.contains("value=\"deny\" formnovalidate"), "{page:?}");
    let answer = browser.submit(&page, "/consent", &[("decision", "approve")]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("choose first"), "{answer:?}");

    let answer = decide(&browser, &page, &member_of, "approve").await;
    assert!(param(&answer, "code").is_some(), "{answer:?}");
    let grant = asking.grant_in(&member_of, &asking.user).await.unwrap();
    assert_eq!(grant.scopes, ["data.read"]);
    let page = browser
        .get(&format!("/oauth/authorize?{}", asking.query("&scope=data.read")))
        .await;
    let chosen = format!("value=\"{member_of}\" required checked");
    assert!(page.body.contains(&chosen), "the last one is offered first: {page:?}");
}

#[tokio::test]
async fn b11_where_the_role_may_grant_nothing_there_is_nothing_to_approve() {
    let asking = world("default").await;
    asking.world.set_role(crate::browser::EMAIL, Role::Member).await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "&scope=settings.write").await;
    assert!(page.body.contains("This role cannot grant any of it."), "{page:?}");
    assert!(
        page.body.contains("disabled") && !page.body.contains("value=\"approve\""),
        "{page:?}"
    );
    let answer = decide(&browser, &page, &asking.world.organization, "approve").await;
    assert_eq!((answer.status, answer.header("location")), (400, None), "{answer:?}");
    let answer = decide(&browser, &page, "", "deny").await;
    assert_eq!(param(&answer, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn b11_past_cve_2026_2366_nobody_approves_for_an_organization_they_are_no_member_of() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    let foreign = asking.world.add_organization("Foreign").await;
    let page = shown(&asking, &browser, "").await;
    assert!(!page.body.contains("Foreign"), "{page:?}");
    let mut told = Vec::new();
    for organization in [foreign.as_str(), "nonsense", HOSTILE] {
        let answer = decide(&browser, &page, organization, "approve").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (400, None),
            "{organization}"
        );
        told.push(answer.body);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "one that is there looks like one that is not: {told:?}");
}

#[tokio::test]
async fn past_ghsa_vh7g_p26c_j2cw_cve_2022_39222_an_approval_counts_only_in_the_browser_that_was_asked() {
    let asking = world("default").await;
    let victim = Browser::new(&asking.world);
    let page = shown(&asking, &victim, "").await;
    let attacker = Browser::new(&asking.world);
    attacker.sign_in().await;
    let answer = decide(&attacker, &page, &asking.world.organization, "approve").await;
    assert_eq!((answer.status, answer.header("location")), (403, None));
    let stranger = Browser::new(&asking.world);
    let answer = decide(&stranger, &page, &asking.world.organization, "approve").await;
    assert_eq!((answer.status, answer.header("location")), (403, None));
    assert!(
        asking
            .grant_in(&asking.world.organization, &asking.user)
            .await
            .is_none()
    );
}

#[tokio::test]
async fn past_cve_2026_7507_consent_changes_the_secret_of_the_session_and_the_old_one_dies() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "").await;
    let before = browser.cookie();
    decide(&browser, &page, &asking.world.organization, "approve").await;
    let after = browser.cookie();
    assert_ne!(before, after);
    assert_eq!(before.split('.').next(), after.split('.').next());
    let old = Browser::new(&asking.world);
    old.plant(&before);
    assert_eq!(
        old.get("/account").await.status,
        200,
        "requests under way are not cut off"
    );
    asking.world.advance(Duration::from_secs(10));
    old.plant(&before);
    assert_eq!(old.get("/account").await.status, 303);
    assert_eq!(browser.get("/account").await.status, 200);
}

#[tokio::test]
async fn past_cve_2025_4143_the_request_is_judged_anew_when_it_is_answered() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "").await;
    let good = hidden(&page, "/consent")
        .into_iter()
        .find(|(name, _)| name == "request")
        .unwrap()
        .1;
    let organization = asking.world.organization.as_str();
    let answer = async |request: &str| {
        let fields = [
            ("organization", organization),
            ("decision", "approve"),
            ("request", request),
        ];
        browser.submit(&page, "/consent", &fields).await
    };
    let elsewhere = answer(&good.replace("app.example", "evil.example")).await;
    assert_eq!((elsewhere.status, elsewhere.header("location")), (400, None));
    let wrong = answer(&format!("{good}&scope=nonsense")).await;
    assert_eq!(param(&wrong, "error").as_deref(), Some("invalid_scope"));
    for more in ["&prompt=none", "&prompt=login"] {
        let asked = answer(&format!("{good}{more}")).await;
        let path = format!("/oauth/authorize?{good}{more}");
        assert_eq!(asked.header("location"), Some(&*path), "back to where it is asked");
    }
    asking.change_app(&asking.web.0, |app, _| app.disabled = true).await;
    assert_eq!(answer(&good).await.status, 400);
    assert!(asking.grant_in(organization, &asking.user).await.is_none());
}

#[tokio::test]
async fn form_post_answers_with_a_form_that_works_without_a_script() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "&response_mode=form_post").await;
    let answer = decide(&browser, &page, &asking.world.organization, "approve").await;
    assert_eq!((answer.status, answer.header("location")), (200, None));
    let fields = hidden(&answer, CALLBACK);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert!(answer.body.contains("Continue</button>"), "{answer:?}");
    let policy = answer.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("form-action"),
        "{policy}"
    );
    assert!(
        !answer.body.contains("onload") && answer.body.contains("src=\"/assets/submit-"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn an_app_on_the_users_own_device_is_pointed_out() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let own_scheme = NewApp {
        public_client: true,
        redirect_uris: vec!["com.example.tidy:/callback".into()],
        ..asking.world.new_app(Kind::Public, &[])
    };
    let (installed, _) = asking.world.add_app(own_scheme).await;
    for (client, redirect_uri, shown) in [
        (&asking.spa.0, "http%3A%2F%2F127.0.0.1%3A5000%2Fcallback", "127.0.0.1"),
        (&installed, "com.example.tidy%3A%2Fcallback", "com.example.tidy"),
    ] {
        let query = format!(
            "client_id={client}&response_type=code&redirect_uri={redirect_uri}&code_challenge_method=S256\
             &code_challenge={}",
            base64url([7; 32])
        );
        let page = browser.get(&format!("/oauth/authorize?{query}")).await;
        assert!(page.body.contains("an app on this device"), "{page:?}");
        assert!(
            page.body.contains(shown) && page.body.contains("notice warning"),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn the_noun_of_the_profile_heads_the_choice() {
    let asking = world("makecrypto").await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "").await;
    assert!(page.body.contains("<legend>Company</legend>"), "{page:?}");
}

#[tokio::test]
async fn o30_what_the_app_changed_since_the_page_was_shown_is_shown_before_it_is_granted() {
    let asking = world("default").await;
    let all = asking.app(&asking.web.0).await.value.scopes;
    assert!(all.len() > 1, "{all:?}");
    let with_scopes = async |scopes| {
        asking.change_app(&asking.web.0, |app, _| app.scopes = scopes).await;
    };
    with_scopes(vec![all[0].clone()]).await;
    let browser = Browser::new(&asking.world);
    let page = shown(&asking, &browser, "").await;
    with_scopes(all.clone()).await;
    let answer = decide(&browser, &page, &asking.world.organization, "approve").await;
    let path = format!("/oauth/authorize?{}", asking.query(""));
    assert_eq!((answer.status, answer.header("location")), (303, Some(&*path)));
    let page = browser.get(&path).await;
    let answer = decide(&browser, &page, &asking.world.organization, "approve").await;
    assert!(param(&answer, "code").is_some(), "{answer:?}");
    assert_eq!(asking.grant().await.scopes, all);
}
