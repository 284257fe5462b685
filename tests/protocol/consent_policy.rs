//! Who in an organization may consent, and to which apps.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, param, world};
use crate::http::Answer;
use crate::support::World;
use grantd::base::time::Timestamp;
use grantd::control::Command;
use grantd::control::policy::PolicyChange;
use grantd::model::member::Member;
use grantd::model::organization::Organization;
use grantd::model::role::Role;
use grantd::oauth::authorize;
use grantd::oauth::error::ErrorCode;
use grantd::store::memory::MemoryStore;
use grantd::store::records::load;
use grantd::store::{Batch, Change, Key, Outcome, Reply, Seq, Store, Stored, keys};
use serde_json::json;
use std::sync::{Arc, Mutex};

pub fn least(role: Role) -> PolicyChange {
    PolicyChange {
        least_role: Some(role),
        ..PolicyChange::default()
    }
}

fn allow(client_id: &str) -> PolicyChange {
    PolicyChange {
        allow: vec![client_id.to_owned()],
        ..PolicyChange::default()
    }
}

pub fn deny(client_id: &str) -> PolicyChange {
    PolicyChange {
        deny: vec![client_id.to_owned()],
        ..PolicyChange::default()
    }
}

pub fn of(world: &World, change: PolicyChange) -> Command {
    Command::OrganizationPolicy {
        organization: world.organization.clone(),
        change,
    }
}

pub async fn shown(the: &Authorizing, browser: &Browser<'_>) -> Answer {
    let page = browser.get(&format!("/oauth/authorize?{}", the.query(""))).await;
    assert_eq!(page.status, 200, "{page:?}");
    page
}

async fn approve(browser: &Browser<'_>, page: &Answer, organization: &str) -> Answer {
    let fields = [("organization", organization), ("decision", "approve")];
    browser.submit(page, "/consent", &fields).await
}

#[tokio::test]
async fn only_the_least_role_of_the_policy_and_those_above_it_may_consent() {
    for least_role in Role::ALL {
        for role in Role::ALL {
            let the = world("default").await;
            the.world.run(of(&the.world, least(least_role))).await;
            the.world.set_role(EMAIL, role).await;
            let browser = Browser::new(&the.world);
            browser.sign_in().await;
            let page = shown(&the, &browser).await;
            let may = role <= least_role;
            assert_eq!(page.body.contains("value=\"approve\""), may, "{role} of {least_role}");
            let answer = approve(&browser, &page, &the.world.organization).await;
            assert_eq!(
                param(&answer, "code").is_some(),
                may,
                "{role} of {least_role}: {answer:?}"
            );
            if !may {
                assert_eq!((answer.status, answer.header("location")), (400, None));
                assert!(the.grant_in(&the.world.organization, &the.user).await.is_none());
                let reason = "Not everybody may allow apps here, only: owner";
                assert!(page.body.contains(reason), "{page:?}");
            }
        }
    }
}

#[tokio::test]
async fn only_apps_that_are_allowed_and_not_denied_get_a_consent_even_of_an_owner() {
    let the = world("default").await;
    let (web, other) = (the.web.0.clone(), the.spa.0.clone());
    let unallow = PolicyChange {
        unallow: vec![web.clone()],
        ..PolicyChange::default()
    };
    let undeny = PolicyChange {
        undeny: vec![web.clone()],
        ..PolicyChange::default()
    };
    let any = PolicyChange {
        allow_any: true,
        ..PolicyChange::default()
    };
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    for (change, may) in [
        (PolicyChange::default(), true),
        (deny(&other), true),
        (allow(&other), false),
        (allow(&web), true),
        (deny(&web), false),
        (any.clone(), false),
        (undeny, true),
        (allow(&web), true),
        (unallow, false),
        (any, true),
    ] {
        let said = format!("{change:?}");
        the.world.run(of(&the.world, change)).await;
        let page = shown(&the, &browser).await;
        assert_eq!(page.body.contains("This app is not allowed here."), !may, "{said}");
        let answer = approve(&browser, &page, &the.world.organization).await;
        assert_eq!(param(&answer, "code").is_some(), may, "{said}: {answer:?}");
    }
}

#[tokio::test]
async fn a_policy_of_one_organization_is_none_of_another() {
    let the = world("default").await;
    let other = the.world.add_organization("Open").await;
    the.world.set_role_in(&other, EMAIL, Role::Member).await;
    the.world.run(of(&the.world, deny(&the.web.0))).await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let page = shown(&the, &browser).await;
    assert!(page.body.contains("This app is not allowed here."), "{page:?}");
    assert!(
        page.body.contains(&format!("value=\"{other}\" required checked")),
        "{page:?}"
    );
    assert!(param(&approve(&browser, &page, &other).await, "code").is_some());
}

#[tokio::test]
async fn a_consent_posted_from_a_page_older_than_the_policy_is_refused() {
    let the = world("default").await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let page = shown(&the, &browser).await;
    the.world.run(of(&the.world, deny(&the.web.0))).await;
    let answer = approve(&browser, &page, &the.world.organization).await;
    assert_eq!((answer.status, answer.header("location")), (400, None), "{answer:?}");
    assert!(answer.body.contains("not allowed in this organization"), "{answer:?}");
    assert!(the.grant_in(&the.world.organization, &the.user).await.is_none());
}

/// A store in which somebody else is faster, once.
#[derive(Default)]
pub struct Overtaken {
    inner: MemoryStore,
    pub first: Mutex<Option<Batch>>,
}

impl Store for Overtaken {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        self.inner.get(key)
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        let first = self.first.lock().unwrap().take();
        Box::pin(async move {
            if let Some(first) = first {
                assert!(matches!(self.inner.commit(first).await?, Outcome::Committed(_)));
            }
            self.inner.commit(batch).await
        })
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        self.inner.changes(after, limit)
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        self.inner.sweep(now, limit)
    }
}

#[tokio::test]
async fn a_policy_or_a_role_that_changes_at_the_last_moment_still_counts() {
    for policy_changes in [true, false] {
        let store = Arc::new(Overtaken::default());
        let the = Authorizing::over(World::with_store("default", store.clone()).await).await;
        the.world.run(of(&the.world, least(Role::Owner))).await;
        let request = the.good(&the.query("")).await;
        let mut batch = Batch::new();
        if policy_changes {
            let key = keys::organization(&the.world.organization);
            let old = load::<Organization>(&*store, &key).await.unwrap().unwrap();
            let mut new = old.value.clone();
            new.policy.denied.push(the.web.0.clone());
            batch.replace(&old, &new).unwrap();
        } else {
            let key = keys::member(&the.world.organization, &the.user);
            let old = load::<Member>(&*store, &key).await.unwrap().unwrap();
            batch.replace(&old, &old.with_role(Role::Admin)).unwrap();
        }
        *store.first.lock().unwrap() = Some(batch);
        let refused = the.approve(&request).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::AccessDenied, "{policy_changes}");
        assert!(the.grant_in(&the.world.organization, &the.user).await.is_none());
    }
}

#[tokio::test]
async fn existing_grants_go_on_but_nothing_new_is_answered_silently() {
    let the = Authorizing::new("default").await;
    let request = the.good(&the.query("")).await;
    let response = the.approve(&request).await.unwrap();
    let code = response.param("code").unwrap().to_owned();
    let silent = the.good(&the.query("&prompt=none")).await;
    let silently = async || {
        let response = authorize::silently(&the.world.ctx, &silent, Some(&the.user))
            .await
            .unwrap();
        response.param("error").map(str::to_owned)
    };
    assert_eq!(silently().await, None);
    the.world.run(of(&the.world, deny(&the.web.0))).await;
    assert_eq!(silently().await.as_deref(), Some("consent_required"));
    let refused = the.approve(&request).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::AccessDenied);
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={}&code_verifier={}",
        crate::authorizing::CALLBACK_ENCODED,
        crate::authorizing::VERIFIER
    );
    let tokens = the.world.post_as(&the.web, "/oauth/token", &form).await.json;
    let token = tokens["access_token"].as_str().expect("a token");
    let api = the.world.add_resource_server().await;
    assert_eq!(the.world.introspect_as(&api, token).await["active"], true);
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(the.world.post_as(&the.web, "/oauth/token", &form).await.status, 200);
}

#[tokio::test]
async fn a_policy_that_cannot_be_is_refused_with_what_to_do() {
    let the = Authorizing::new("default").await;
    let change = |change: fn(&mut PolicyChange, &str)| {
        let mut made = PolicyChange::default();
        change(&mut made, &the.web.0);
        of(&the.world, made)
    };
    for (command, why) in [
        (change(|c, _| c.allow = vec!["nobody".into()]), "grantd app list"),
        (change(|c, _| c.deny = vec!["nobody".into()]), "grantd app list"),
        (change(|c, web| c.unallow = vec![web.into()]), "is not among the apps"),
        (change(|c, web| c.undeny = vec![web.into()]), "is not among the apps"),
        (
            change(|c, web| {
                c.allow_any = true;
                c.allow = vec![web.into()];
            }),
            "--allow-any allows every app",
        ),
    ] {
        let said = the.world.refused(command).await;
        assert!(said.contains(why), "{said}");
    }
    let missing = Command::OrganizationPolicy {
        organization: "o_nobody".into(),
        change: PolicyChange::default(),
    };
    assert!(the.world.refused(missing).await.contains("grantd org list"));
    let shown = the.world.run(of(&the.world, PolicyChange::default())).await;
    assert_eq!((&shown["apps"], &shown["denied"]), (&json!("any"), &json!([])));
}

#[tokio::test]
async fn the_fullest_policy_fits_into_the_record_and_one_app_more_is_refused() {
    let the = Authorizing::new("makecrypto").await;
    let mut apps = Vec::new();
    for _ in 0..80 {
        apps.push(the.world.add_public_app().await.0);
    }
    let full = PolicyChange {
        allow: apps.clone(),
        deny: apps,
        ..PolicyChange::default()
    };
    the.world.run(of(&the.world, full)).await;
    for change in [allow(&the.web.0), deny(&the.web.0)] {
        let said = the.world.refused(of(&the.world, change)).await;
        assert!(said.contains("at most 80"), "{said}");
    }
    let key = keys::organization(&the.world.organization);
    let found = load::<Organization>(&*the.world.ctx.store, &key).await.unwrap();
    assert_eq!(found.unwrap().policy.denied.len(), 80);
}
