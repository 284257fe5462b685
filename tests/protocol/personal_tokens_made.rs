//! Who makes which personal access tokens, and who sees and ends them.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, set_password, unescaped, world};
use crate::personal_tokens::{DAY, NEW, is_active, make, offered, sign_in, text, with_token};
use crate::support::{World, config, judged};
use grantd::config::SelfService;
use grantd::model::role::Role;
use grantd::store::memory::MemoryStore;
use std::path::Path;
use std::sync::Arc;

#[tokio::test]
async fn one_may_give_only_what_ones_role_may_do() {
    let asking = world("mokapen").await;
    let world = &asking.world;
    world.add_member("mem@example.com", Role::Member).await;
    set_password(world, "mem@example.com").await;
    let browser = Browser::new(world);
    sign_in(&browser, "mem@example.com").await;
    let form = browser.get(NEW).await;
    let scopes = offered(&form);
    assert!(
        scopes.contains(&"tasks.read".to_owned()) && !scopes.contains(&"tasks.write".to_owned()),
        "{scopes:?}"
    );
    let built_in: Vec<&str> = scopes.iter().filter_map(|s| s.strip_prefix("grantd:")).collect();
    assert_eq!(
        built_in,
        ["apps:read", "grants", "tokens"],
        "a member may have a stake in an app; of no use are the others"
    );
    for scope in ["tasks.write", "grantd:reviews", "grantd:apps:write", "nonsense"] {
        let fields = [("name", "X"), ("expiry", "30"), ("scope", scope)];
        let answer = browser.submit(&form, NEW, &fields).await;
        assert_eq!(answer.status, 422, "{scope}");
        assert!(answer.body.contains("not yours to give"), "{answer:?}");
        assert!(answer.body.contains("value=\"X\""), "what was typed is kept");
    }
}

#[tokio::test]
async fn what_cannot_be_is_said_beside_the_field() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    for (fields, sentence) in [
        ([("name", ""), ("expiry", "30"), ("date", "")], "1 to 60 visible"),
        (
            [("name", "a\u{202e}b"), ("expiry", "30"), ("date", "")],
            "1 to 60 visible",
        ),
        ([("name", "X"), ("expiry", "31"), ("date", "")], "Choose how long"),
        (
            [("name", "X"), ("expiry", "date"), ("date", "tomorrow")],
            "Choose how long",
        ),
        (
            [("name", "X"), ("expiry", "date"), ("date", "2025-12-31")],
            "has passed",
        ),
        (
            [("name", "X"), ("expiry", "date"), ("date", "2027-02-01")],
            "a year at the most",
        ),
        ([("name", "X"), ("expiry", "never"), ("date", "")], "must end here"),
    ] {
        let mut fields = fields.to_vec();
        fields.push(("scope", "data.read"));
        let answer = make(&browser, NEW, &fields).await;
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(answer.body.contains(sentence), "{sentence} in {answer:?}");
    }
    let none = make(&browser, NEW, &[("name", "X"), ("expiry", "30")]).await;
    assert!(none.status == 422 && none.body.contains("Choose at least one"));
    let day = [
        ("name", "X"),
        ("expiry", "date"),
        ("date", "2026-01-02"),
        ("scope", "data.read"),
    ];
    text(&make(&browser, NEW, &day).await);
    let list = browser.get("/account/tokens").await;
    assert_eq!(
        list.body.matches("2026-01-02").count(),
        2,
        "the day, shown and for machines"
    );
}

#[tokio::test]
async fn no_more_than_fifty_and_dead_ones_make_room() {
    let (asking, server, first) = with_token("default", &["data.read"]).await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let fields = [("name", "X"), ("expiry", "90"), ("scope", "data.read")];
    for _ in 1..50 {
        text(&make(&browser, NEW, &fields).await);
    }
    let full = make(&browser, NEW, &fields).await;
    assert_eq!(full.status, 422);
    assert!(full.body.contains("as many tokens as there may be"), "{full:?}");
    asking.world.advance(DAY * 31);
    assert!(!is_active(&asking.world, &server, &first).await);
    browser.sign_in().await;
    text(&make(&browser, NEW, &fields).await);
    assert_eq!(make(&browser, NEW, &fields).await.status, 422, "one had made room");
}

#[tokio::test]
async fn an_admin_makes_one_for_a_member_that_cannot_sign_in_and_ends_anybodys() {
    let (asking, server, adas) = with_token("mokapen", &["tasks.write"]).await;
    let world = &asking.world;
    world.add_member("robot@example.com", Role::Developer).await;
    world.add_member("boss@example.com", Role::Admin).await;
    world.add_member("mem@example.com", Role::Member).await;
    for email in ["boss@example.com", "mem@example.com"] {
        set_password(world, email).await;
    }
    let all = format!("/organizations/{}/tokens", world.organization);
    let member = Browser::new(world);
    sign_in(&member, "mem@example.com").await;
    for path in [all.clone(), format!("{all}/new")] {
        assert_eq!(member.get(&path).await.status, 403, "{path}");
    }

    let boss = Browser::new(world);
    sign_in(&boss, "boss@example.com").await;
    let systems = boss.get(&format!("{all}/new")).await;
    assert!(systems.body.contains("robot@example.com"), "{systems:?}");
    assert!(
        !systems.body.contains("mem@example.com"),
        "who signs in makes their own"
    );
    let path = systems.body.split("/tokens/new?member=").skip(1);
    let robots: Vec<_> = path.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    // The owner of the world cannot sign in either, and stands above an admin.
    assert_eq!(robots.len(), 1, "{systems:?}");
    let mut made = None;
    for robot in &robots {
        let page = boss.get(&format!("{all}/new?member={robot}")).await;
        if page.body.contains("robot") {
            let fields = [("name", "Robot"), ("expiry", "365"), ("scope", "tasks.write")];
            made = Some(text(&boss.submit(&page, &format!("{all}/new"), &fields).await));
        }
    }
    let robot = made.expect("the robot has a page");
    world.secrets.keep_token(&robot);
    assert!(is_active(world, &server, &robot).await);
    let refused = boss.get(&format!("{all}/new?member={}", asking.user)).await;
    assert_eq!(refused.status, 400, "nobody acts as Ada but herself");

    let list = boss.get(&all).await;
    let list = unescaped(&list.body);
    assert!(
        list.contains("<robot@example.com>") && list.contains("<ada@example.com>"),
        "{list}"
    );
    let ids: Vec<&str> = list.split(&format!("href=\"{all}/")).skip(2).collect();
    for id in ids {
        let page = format!("{all}/{}", id.split('"').next().unwrap());
        let confirm = boss.get(&page).await;
        let name = if confirm.body.contains("<h1>Export") {
            "Export"
        } else {
            "Robot"
        };
        boss.submit(&confirm, &page, &[("confirm", name)]).await;
    }
    assert!(!is_active(world, &server, &robot).await && !is_active(world, &server, &adas).await);
}

#[tokio::test]
async fn nobody_sees_or_ends_another_ones_token() {
    let (asking, server, token) = with_token("default", &["data.read"]).await;
    let world = &asking.world;
    let ada = Browser::new(world);
    ada.sign_in().await;
    let list = ada.get("/account/tokens").await;
    let id = list.body.split("href=\"/account/tokens/").nth(2).unwrap();
    let id = id.split('"').next().unwrap();
    let (_, other) = world.add_foreign_app().await;
    set_password(world, "other@example.com").await;
    let stranger = Browser::new(world);
    sign_in(&stranger, "other@example.com").await;
    for path in [
        format!("/account/tokens/{id}"),
        format!("/organizations/{other}/tokens/{id}"),
        format!("/organizations/{}/tokens/{id}", world.organization),
        format!("/organizations/{}/tokens", world.organization),
        format!("/account/tokens/new?organization={}", world.organization),
    ] {
        assert_eq!(stranger.get(&path).await.status, 404, "{path}");
    }
    let signed_out = Browser::new(world).get("/account/tokens").await;
    assert_eq!(signed_out.status, 303);
    let unasked = ada.post(&format!("/account/tokens/{id}"), "confirm=Export", &[]).await;
    assert_eq!(unasked.status, 403, "another site ends nothing");
    assert!(is_active(world, &server, &token).await);
}

#[tokio::test]
async fn a_profile_may_give_them_on_request_only_or_for_ever() {
    for (open, never) in [(true, true), (false, false)] {
        let mut config = config("default", Path::new("/nonexistent/grantd"));
        config.profile.pat.no_expiry = never;
        if !open {
            config.profile.pat.self_service = SelfService::OnRequest;
        }
        let asking = Authorizing::over(World::with_config(config, Arc::new(MemoryStore::new())).await).await;
        let world = &asking.world;
        set_password(world, EMAIL).await;
        let server = world.add_resource_server().await;
        let browser = Browser::new(world);
        browser.sign_in().await;
        let form = browser.get(NEW).await;
        if !open {
            assert!(
                form.body.contains("on request")
                    && !form.body.contains("<form method=\"post\" action=\"/account/tokens")
            );
            continue;
        }
        let fields = [("name", "X"), ("expiry", "never"), ("scope", "data.read")];
        let token = text(&browser.submit(&form, NEW, &fields).await);
        world.secrets.keep_token(&token);
        world.advance(DAY * 4000);
        let seen = world.introspect_as(&server, &token).await;
        assert!(judged(&seen) && seen.get("exp").is_none(), "{seen}");
    }
}
