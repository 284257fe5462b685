//! Signing in: at the authorization endpoint and at `/login`.

use crate::authorizing::CALLBACK;
use crate::browser::{Browser, EMAIL, PASSWORD, hidden, param, unescaped, world};
use crate::http::Answer;
use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use grantd::base::password;
use grantd::base::secret::Secret;
use grantd::control::Command;
use grantd::model::event::EventKind;
use grantd::model::user::User;
use grantd::store::records::load_by_index;
use grantd::store::{Batch, keys};
use std::time::Duration;

fn is_sign_in(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("name=\"password\"") && page.header("location").is_none()
}

#[tokio::test]
async fn o32_b8_nobody_is_sent_to_an_app_before_signing_in_not_even_with_an_error() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    for more in ["", "&scope=nonsense", "&prompt=login", "&max_age=x"] {
        let path = format!("/oauth/authorize?{}", asking.query(more));
        let page = browser.get(&path).await;
        assert!(is_sign_in(&page), "{more}: {page:?}");
        let next = hidden(&page, "/login").into_iter().find(|(name, _)| name == "next");
        assert_eq!(next.expect("a way on").1, path);
    }
    let path = format!("/oauth/authorize?{}", asking.query("&scope=nonsense"));
    let signed_in = browser.sign_in_at(&path).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some(&*path)));
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").unwrap().starts_with(CALLBACK), "{answer:?}");
    assert_eq!(param(&answer, "error").as_deref(), Some("invalid_scope"));
}

#[tokio::test]
async fn o32_b8_prompt_none_is_the_one_exception() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    for (more, error) in [("", "login_required"), ("&scope=nonsense", "invalid_scope")] {
        let query = asking.query(&format!("&prompt=none{more}"));
        let answer = browser.get(&format!("/oauth/authorize?{query}")).await;
        assert_eq!((answer.status, param(&answer, "error").as_deref()), (303, Some(error)));
    }
    browser.sign_in().await;
    let query = asking.query("&prompt=none&max_age=60");
    let asked = async || {
        let answer = browser.get(&format!("/oauth/authorize?{query}")).await;
        param(&answer, "error").unwrap_or_default()
    };
    assert_eq!(asked().await, "consent_required");
    asking.world.advance(Duration::from_secs(61));
    assert_eq!(asked().await, "login_required", "too long ago for max_age");
}

#[tokio::test]
async fn o32_past_cve_2025_4143_workers_92_what_may_not_be_redirected_is_a_page_whoever_is_signed_in() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    for signed_in in [false, true] {
        if signed_in {
            browser.sign_in().await;
        }
        let query = asking.query("").replace("app.example", "evil.example");
        let page = browser.get(&format!("/oauth/authorize?{query}")).await;
        assert_eq!((page.status, page.header("location")), (400, None));
        assert!(page.body.contains("Error number: test"), "{page:?}");
        assert!(!page.body.contains("evil.example"), "{page:?}");
    }
}

#[tokio::test]
async fn o29_past_cve_2026_7507_signing_in_makes_a_new_session_and_ends_the_one_before() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.get("/login").await;
    let anonymous = browser.cookie();
    assert!(anonymous.starts_with("visitor."), "{anonymous}");
    let answer = browser.sign_in().await;
    assert_eq!(answer.status, 303, "never 307: the form would be sent on");
    let first = browser.cookie();
    assert_ne!(first, anonymous);

    let page = browser.get("/login?other=1").await;
    browser
        .submit(&page, "/login", &[("email", EMAIL), ("password", PASSWORD)])
        .await;
    let second = browser.cookie();
    assert_ne!(
        first.split('.').next(),
        second.split('.').next(),
        "another session, not another secret"
    );
    assert_eq!(browser.get("/account").await.status, 200);
    for planted in [first.as_str(), &anonymous] {
        let thief = Browser::new(&asking.world);
        thief.plant(planted);
        assert_eq!(
            thief.get("/account").await.header("location"),
            Some("/login"),
            "{planted}"
        );
    }
    let made = asking.events().await;
    assert_eq!(made.iter().filter(|event| event.kind == EventKind::SignedIn).count(), 2);
}

#[tokio::test]
async fn past_cve_2024_39694_the_way_on_never_leads_to_another_site() {
    let asking = world("default").await;
    let foreign = [
        "//evil.example",
        "/\\evil.example",
        "\t//evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "evil.example",
        "\\\\evil.example",
        "///evil.example",
        "/%5C/../\\evil.example",
        " /account",
        "",
    ];
    for next in foreign {
        let browser = Browser::new(&asking.world);
        let page = browser.get("/login").await;
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
        let answer = browser.submit(&page, "/login", &fields).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/account")),
            "{next:?}"
        );
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("next", next)
            .finish();
        let answer = browser.get(&format!("/login?{query}")).await;
        assert_eq!(answer.header("location"), Some("/account"), "{next:?}");
    }
    let browser = Browser::new(&asking.world);
    let page = browser.get("/login?next=/account?done=app").await;
    let answer = browser
        .submit(&page, "/login", &[("email", EMAIL), ("password", PASSWORD)])
        .await;
    assert_eq!(answer.header("location"), Some("/account?done=app"));
}

#[tokio::test]
async fn past_cve_2026_4633_logto_8780_unknown_disabled_and_passwordless_users_look_like_a_wrong_password() {
    let asking = world("default").await;
    let world = &asking.world;
    for email in ["disabled@example.com", "passwordless@example.com"] {
        world.add_user(email).await;
    }
    crate::browser::set_password(world, "disabled@example.com").await;
    let disable = Command::UserDisable {
        user: "disabled@example.com".into(),
        disabled: true,
    };
    world.run(disable).await;
    let mut pages = Vec::new();
    for (email, password) in [
        (EMAIL, "not the password"),
        ("nobody@example.com", PASSWORD),
        ("disabled@example.com", PASSWORD),
        ("passwordless@example.com", PASSWORD),
        ("passwordless@example.com", ""),
        ("no address", PASSWORD),
        (&*format!("{}@example.com", "ß".repeat(300)), PASSWORD),
    ] {
        let browser = Browser::new(world);
        let page = browser.get("/login").await;
        let answer = browser
            .submit(&page, "/login", &[("email", email), ("password", password)])
            .await;
        assert!(browser.cookie().starts_with("visitor."), "{email} is signed in");
        let csrf = hidden(&answer, "/login")[0].1.clone();
        let shown: String = email.chars().take(200).collect();
        let body = answer.body.replace(&csrf, "CSRF").replace(&shown, "EMAIL");
        pages.push((answer.status, answer.headers, body));
    }
    assert!(pages[0].2.contains("is wrong"), "{}", pages[0].2);
    assert_eq!(pages[0].0, 422);
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:#?}");
}

#[tokio::test]
async fn after_too_many_failures_nothing_is_looked_at_for_known_and_unknown_alike() {
    let asking = world("default").await;
    for email in ["nobody@example.com", EMAIL] {
        let browser = Browser::new(&asking.world);
        let page = browser.get("/login").await;
        let attempt = async |password| {
            let fields = [("email", email), ("password", password)];
            browser.submit(&page, "/login", &fields).await
        };
        for _ in 0..10 {
            assert_eq!(attempt("not the password").await.status, 422);
        }
        for password in ["not the password", PASSWORD] {
            let answer = attempt(password).await;
            assert_eq!(answer.status, 429, "{email}");
            assert_eq!(answer.header("retry-after"), Some("30"));
            assert!(answer.body.contains("wait 30 seconds"), "{answer:?}");
        }
    }
    asking.world.advance(Duration::from_secs(30));
    Browser::new(&asking.world).sign_in().await;
}

#[tokio::test]
async fn a_form_of_another_browser_another_page_or_another_site_is_refused() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    let page = browser.get("/login").await;
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    let good = crate::browser::encoded(&hidden(&page, "/login"), &fields);
    let other = Browser::new(&asking.world);
    let others = crate::browser::encoded(&hidden(&other.get("/login").await, "/login"), &fields);
    let without = crate::browser::encoded(&[], &fields);
    let cut = good.replacen("csrf=", "csrf=A", 1);
    for form in [&others, &without, &cut] {
        assert_refused(&browser.post("/login", form, &[]).await);
    }
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "http://auth.example"),
    ] {
        assert_refused(&browser.post("/login", &good, &[(name, value)]).await);
    }
    let answer = browser.post("/login", &good, &[("content-type", "text/plain")]).await;
    assert_eq!(answer.status, 400);
    assert!(browser.cookie().starts_with("visitor."));
    let own = [("sec-fetch-site", "same-origin"), ("origin", "null")];
    assert_eq!(browser.post("/login", &good, &own).await.status, 303);
    // The form of the page before belongs to the browser as it was before.
    assert_refused(&browser.post("/login", &good, &own).await);
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.body.contains("Go back, load the page again"), "{answer:?}");
}

#[tokio::test]
async fn past_cve_2025_46815_better_auth_9936_prompt_login_and_max_age_ask_again_and_are_content_once() {
    let asking = world("default").await;
    for more in ["&prompt=login", "&prompt=select_account", "&max_age=0"] {
        let browser = Browser::new(&asking.world);
        browser.sign_in().await;
        asking.world.advance(Duration::from_secs(1));
        let path = format!("/oauth/authorize?{}", asking.query(more));
        assert!(is_sign_in(&browser.get(&path).await), "{more}");
        browser.sign_in_at(&path).await;
        asking.world.advance(Duration::from_secs(1));
        let consent = browser.get(&path).await;
        let fields = [("organization", &*asking.world.organization), ("decision", "approve")];
        let answer = browser.submit(&consent, "/consent", &fields).await;
        assert!(param(&answer, "code").is_some(), "{more}: {answer:?}");
        assert!(is_sign_in(&browser.get(&path).await), "{more}: answered once already");
        // Nor does the form of the answered page do it again.
        let answer = browser.submit(&consent, "/consent", &fields).await;
        assert_eq!(answer.header("location"), Some(&*path), "{more}");
        let other = format!("{path}&login_hint=x");
        assert!(
            is_sign_in(&browser.get(&other).await),
            "{more}: made for another request"
        );
    }
}

#[tokio::test]
async fn a_hostile_login_hint_fills_the_field_and_nothing_else() {
    let asking = world("default").await;
    let hint = "\"><script>alert(1)</script>";
    let query = form_urlencoded::Serializer::new(asking.query(""))
        .append_pair("login_hint", hint)
        .finish();
    let page = Browser::new(&asking.world)
        .get(&format!("/oauth/authorize?{query}"))
        .await;
    assert!(!page.body.contains("<script"), "{page:?}");
    assert!(unescaped(&page.body).contains(&format!("value=\"{hint}\"")), "{page:?}");
}

#[tokio::test]
async fn pages_speak_the_language_of_the_request_or_of_the_browser() {
    let asking = world("default").await;
    let path = |more: &str| format!("/oauth/authorize?{}", asking.query(more));
    let french = Browser::new(&asking.world).with_header("accept-language", "fr-CH, en;q=0.5");
    let page = french.get(&path("")).await;
    assert!(page.body.contains("<html lang=\"fr\">") && page.body.contains("Mot de passe"));
    let page = french.get(&path("&ui_locales=de%20sl")).await;
    assert!(page.body.contains("<html lang=\"sl\">") && page.body.contains("Geslo"));
    let answer = french
        .submit(&page, "/login", &[("email", EMAIL), ("password", "wrong")])
        .await;
    assert!(
        answer.body.contains("<html lang=\"sl\">"),
        "a failed attempt changes no language"
    );
}

#[tokio::test]
async fn a_password_hashed_at_another_cost_is_hashed_anew() {
    let asking = world("default").await;
    let ctx = &asking.world.ctx;
    let user = async || {
        load_by_index::<User>(&*ctx.store, &keys::email(EMAIL))
            .await
            .unwrap()
            .unwrap()
    };
    let old = user().await;
    let params = Params::new(64, 1, 1, None).unwrap();
    let weaker = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let weak = weaker
        .hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16])
        .unwrap()
        .to_string();
    assert!(password::needs_rehash(&weak));
    let mut batch = Batch::new();
    let new = User {
        password: Some(weak),
        ..old.value.clone()
    };
    batch.replace(&old, &new).unwrap();
    ctx.store.commit(batch).await.unwrap();
    Browser::new(&asking.world).sign_in().await;
    let phc = user().await.value.password.unwrap();
    assert!(!password::needs_rehash(&phc), "{phc}");
    assert!(password::verify(&Secret::new(PASSWORD), &phc));
    Browser::new(&asking.world).sign_in().await;
}
