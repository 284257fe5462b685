//! The authorization endpoint and consent for installations (contract §4, §3.3, §3.4).

use crate::authorizing::answered;
use crate::browser::{Browser, PASSWORD, param, set_password, unescaped};
use crate::native::{INVALID, Native, Plugin, STATE, Tokens, key_of, new_key, world};
use crate::support::ISSUER;
use grantd::control::Command;
use grantd::model::event::EventKind;
use grantd::model::role::Role;

const SITE: &str = "https://shop.example";

#[tokio::test]
async fn native_4_approving_sends_code_state_and_issuer_and_denying_an_error_with_both() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.register(native.world, &key, None).await;
    let approved = shop.decided(&native, &key, "approve").await;
    let location = approved.header("location").unwrap();
    assert!(location.starts_with("https://shop.example/makepay/oauth/callback?code=mco_code_"));
    let params = answered(location);
    assert_eq!(
        params[1..],
        [("state".into(), STATE.into()), ("iss".into(), ISSUER.into())]
    );
    let denied = shop.decided(&native, &key, "deny").await;
    for (name, value) in [("error", "access_denied"), ("state", STATE), ("iss", ISSUER)] {
        assert_eq!(param(&denied, name).as_deref(), Some(value));
    }
}

/// Never what the site says of itself.
#[tokio::test]
async fn native_3_2_the_page_shows_the_brand_of_the_platform_and_the_address_of_the_site() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.body["siteName"] = "Your Bank, Inc.".into();
    shop.register(native.world, &key, None).await;
    let page = native.browser.get(&shop.authorize(&key, &[])).await;
    let template = &native.world.ctx.profile().native_templates[0];
    let icon = format!("/assets/{}", template.icon.name);
    for shown in [
        "MakePay for Medusa",
        SITE,
        &template.privacy_policy,
        &template.terms,
        &icon,
    ] {
        assert!(unescaped(&page.body).contains(shown), "{shown} in {}", page.body);
    }
    assert!(!page.body.contains("Your Bank"));
}

#[tokio::test]
async fn native_4_another_client_or_redirect_uri_is_for_the_user_alone() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.register(native.world, &key, None).await;
    for (name, value) in [
        ("client_id", "mco_app_01234567890123456789"),
        ("redirect_uri", "https://shop.example/makepay/oauth/callback/"),
        ("redirect_uri", "https://evil.example/makepay/oauth/callback"),
    ] {
        let page = native.browser.get(&shop.authorize(&key, &[(name, Some(value))])).await;
        assert_eq!((page.status, page.header("location")), (400, None), "{name} {value}");
    }
}

#[tokio::test]
async fn d8_native_4_only_a_registered_key_and_exactly_the_scopes_of_the_platform() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.register(native.world, &key, None).await;
    let stranger = new_key().jkt();
    for (name, value, error) in [
        ("dpop_jkt", None, "invalid_request"),
        ("dpop_jkt", Some(stranger.as_str()), "invalid_request"),
        ("scope", Some("company:read"), "invalid_scope"),
        (
            "scope",
            Some(
                "company:read makepay:payment-links:read makepay:payment-links:write makepay:webhooks:read \
                 makepay:webhooks:write makepay:settings:read",
            ),
            "invalid_scope",
        ),
        ("code_challenge", None, "invalid_request"),
        ("resource", Some("https://other.example/api"), "invalid_target"),
    ] {
        let answer = native.browser.get(&shop.authorize(&key, &[(name, value)])).await;
        assert_eq!(
            param(&answer, "error").as_deref(),
            Some(error),
            "{name} {value:?} {answer:?}"
        );
        assert_eq!(param(&answer, "iss").as_deref(), Some(ISSUER));
    }
    let order = "makepay:webhooks:write makepay:webhooks:read makepay:payment-links:write \
                 makepay:payment-links:read company:read";
    for scope in [Some(order), None] {
        let page = native.browser.get(&shop.authorize(&key, &[("scope", scope)])).await;
        assert_eq!(page.status, 200, "{scope:?}");
    }
}

#[tokio::test]
async fn native_3_3_a_role_that_may_not_grant_all_of_it_grants_nothing() {
    let asking = world().await;
    let world = &asking.world;
    world.add_member("dev@example.com", Role::Member).await;
    set_password(world, "dev@example.com").await;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    shop.register(world, &key, None).await;
    let browser = Browser::new(world);
    let page = browser.get(&shop.authorize(&key, &[])).await;
    let fields = [("email", "dev@example.com"), ("password", PASSWORD)];
    browser.submit(&page, "/login", &fields).await;
    let page = browser.get(&shop.authorize(&key, &[])).await;
    assert!(!page.body.contains("value=\"approve\""), "{}", page.body);
    // Whoever posts it all the same is told, and the plugin is not.
    let fields = [("organization", world.organization.as_str()), ("decision", "approve")];
    let posted = browser.submit(&page, "/consent", &fields).await;
    assert_eq!((posted.status, posted.header("location")), (400, None), "{posted:?}");
    assert_eq!(world.events(EventKind::GrantCreated).await, 0);
}

#[tokio::test]
async fn native_3_4_consent_promotes_the_waiting_key_and_ends_what_the_other_had_at_that_moment() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, first, second) = (Plugin::medusa(SITE), new_key(), new_key());
    let old = shop.connect(&native, &first).await;
    assert_eq!(shop.register(world, &second, Some(&first)).await.status, 200);
    // Abandoning the consent leaves the old connection usable.
    shop.decided(&native, &second, "deny").await;
    let once = key_of(&old.refresh);
    let old = Tokens::of(&shop.refresh(world, &old.refresh, &first, Some(&once)).await);
    assert!(stands(world, &old.access).await);
    let code = shop.code(&native, &second).await;
    assert!(!stands(world, &old.access).await, "dead before the code is redeemed");
    let once = key_of(&old.refresh);
    for key in [&first, &second] {
        assert_eq!(
            shop.refresh(world, &old.refresh, key, Some(&once)).await.error(),
            INVALID
        );
    }
    // The callback is lost: the promoted key proves who comes back.
    let third = new_key();
    let by_old = shop.register(world, &third, Some(&first)).await;
    assert_eq!(by_old.error(), (401, "invalid_previous_dpop_key"));
    assert_eq!(shop.register(world, &third, Some(&second)).await.status, 200);
    let exchanged = shop.exchange(world, &code, &first, Some(&key_of(&code))).await;
    assert_eq!(exchanged.error(), (400, "invalid_dpop_key"));
    Tokens::of(&shop.exchange(world, &code, &second, Some(&key_of(&code))).await);
}

#[tokio::test]
async fn native_0_12_consent_once_more_keeps_the_grant_and_ends_nothing_of_the_same_key() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let (mut shop, key) = (Plugin::btcpay("https://pay.example"), new_key());
    let first = shop.connect(&native, &key).await;
    let second = shop.consent(&native, &key).await;
    assert_eq!(first.claim("grant_id"), second.claim("grant_id"));
    assert!(stands(native.world, &first.access).await && stands(native.world, &second.access).await);
}

#[tokio::test]
async fn native_until_it_is_reset_an_installation_stays_with_its_company() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let other = world.add_organization("Elsewhere").await;
    world.set_role_in(&other, "ada@example.com", Role::Owner).await;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let page = native.browser.get(&shop.authorize(&key, &[])).await;
    assert!(!page.body.contains(&format!("value=\"{other}\"")), "{}", page.body);
    let refused = shop.decided_for(&native, &key, &other, "approve").await;
    assert_eq!((refused.status, refused.header("location")), (400, None));
    let reset = shop.reset(world, &tokens.access, &key, "medusa-native-reset-1").await;
    assert_eq!(reset.status, 200, "{reset:?}");
    shop.register(world, &key, None).await;
    let answer = shop.decided_for(&native, &key, &other, "approve").await;
    let code = param(&answer, "code").expect("now it may be another one");
    world.secrets.keep(&code);
    let moved = Tokens::of(&shop.exchange(world, &code, &key, Some(&key_of(&code))).await);
    assert_eq!(moved.claim("company_id"), other);
}

#[tokio::test]
async fn native_when_the_approver_leaves_another_member_approves_and_the_grant_stays() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    world.add_member("boss@example.com", Role::Owner).await;
    set_password(world, "boss@example.com").await;
    let tokens = shop.connect(&native, &key).await;
    let boss = Browser::new(world);
    let page = boss.get("/login").await;
    boss.submit(
        &page,
        "/login",
        &[("email", "boss@example.com"), ("password", PASSWORD)],
    )
    .await;
    let path = format!("/organizations/{}/apps/{}", world.organization, shop.client_id);
    let before = boss.get(&path).await;
    for shown in ["MakePay for Medusa", SITE, "2.17.2", "1.2.3"] {
        assert!(unescaped(&before.body).contains(shown), "{shown} in {}", before.body);
    }
    assert!(!before.body.contains("Needs a new approver"));
    world
        .run(Command::MemberRemove {
            organization: world.organization.clone(),
            user: "ada@example.com".into(),
        })
        .await;
    assert!(!stands(world, &tokens.access).await);
    let once = key_of(&tokens.refresh);
    assert_eq!(
        shop.refresh(world, &tokens.refresh, &key, Some(&once)).await.error(),
        INVALID
    );
    assert!(boss.get(&path).await.body.contains("Needs a new approver"));
    let list = boss.get(&format!("/organizations/{}/apps", world.organization)).await;
    assert!(list.body.contains("Needs a new approver") && list.body.contains(SITE));
    let by_boss = Native { world, browser: boss };
    let again = shop.consent(&by_boss, &key).await;
    assert_eq!(again.claim("grant_id"), tokens.claim("grant_id"));
    assert!(stands(world, &again.access).await);
    assert!(!by_boss.browser.get(&path).await.body.contains("Needs a new approver"));
}

/// A role that is lowered takes the connection with it, as a whole.
#[tokio::test]
async fn native_3_3_an_approver_with_a_lower_role_leaves_no_smaller_set_of_scopes() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    world.set_role("ada@example.com", Role::Member).await;
    let once = key_of(&tokens.refresh);
    assert_eq!(
        shop.refresh(world, &tokens.refresh, &key, Some(&once)).await.error(),
        INVALID
    );
    assert_eq!(world.events(EventKind::RefreshReuseDetected).await, 0);
}

#[tokio::test]
async fn native_an_organization_takes_the_access_back_and_the_installation_asks_again() {
    let asking = world().await;
    let native = Native::new(&asking).await;
    let world = native.world;
    let (mut shop, key) = (Plugin::medusa(SITE), new_key());
    let tokens = shop.connect(&native, &key).await;
    let path = format!("/organizations/{}/apps/{}/revoke", world.organization, shop.client_id);
    let page = native.browser.get(&path).await;
    let confirmed = native
        .browser
        .submit(&page, &path, &[("confirm", "MakePay for Medusa")])
        .await;
    assert_eq!(confirmed.status, 303, "{confirmed:?}");
    assert!(!stands(world, &tokens.access).await);
    let again = shop.consent(&native, &key).await;
    assert_eq!(again.claim("grant_id"), tokens.claim("grant_id"));
}

pub async fn stands(world: &crate::support::World, access: &str) -> bool {
    let (id, secret) = world.add_resource_server().await;
    crate::support::judged(&world.introspect_as(&(id, secret), access).await)
}
