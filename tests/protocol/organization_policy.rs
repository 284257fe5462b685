//! The consent policy, as owners and admins set it on its page.

use crate::browser::{param, world};
use crate::organization_pages::{HOSTILE, fill, went};
use grantd::model::event::{Event, EventKind};
use grantd::model::organization::{AppsAllowed, LISTED_MAX, Organization};
use grantd::model::role::Role;
use grantd::store::keys;
use grantd::store::records::load;

#[tokio::test]
async fn what_the_page_sets_is_what_consents_are_judged_by() {
    let the = world("default").await;
    let (ada, admin) = (the.ada().await, the.person("admin@example.com", Role::Admin).await);
    let path = the.at("/policy");
    let fields = [("least_role", "owner"), ("apps", "listed")];
    went(
        &fill(&admin, &path, &path, &fields).await,
        &the.at("/policy?done=changed"),
    );
    let page = crate::consent_policy::shown(&the, &ada).await;
    assert!(page.body.contains("This app is not allowed here."), "{page:?}");
    let listed = fill(&admin, &path, &path, &[("allow", &the.web.0)]).await;
    // The first form of the page has the same action and the same token.
    went(&listed, &the.at("/policy?done=changed"));
    let page = crate::consent_policy::shown(&the, &ada).await;
    let fields = [
        ("organization", the.world.organization.as_str()),
        ("decision", "approve"),
    ];
    assert!(param(&ada.submit(&page, "/consent", &fields).await, "code").is_some());
    let page = crate::consent_policy::shown(&the, &admin).await;
    assert!(page.body.contains("only: owner"), "{page:?}");

    let denied = fill(&admin, &path, &path, &[("deny", &the.web.0)]).await;
    went(&denied, &the.at("/policy?done=changed"));
    let page = crate::consent_policy::shown(&the, &ada).await;
    assert!(page.body.contains("This app is not allowed here."), "{page:?}");
    let shown = admin.get(&path).await;
    assert!(shown.body.contains("name=\"undeny\"") && shown.body.contains("name=\"unallow\""));
    let mut events = the.events().await.into_iter();
    let denies = |event: &Event| event.changes.iter().any(|change| change.what == "denied");
    let event = events.find(denies).expect("the log says so");
    assert_eq!(event.kind, EventKind::OrganizationChanged);
    assert_eq!(event.changes.len(), 1);
    assert_eq!(event.changes[0].after.as_deref(), Some(the.web.0.as_str()));
    assert!(event.by.is_some());
    for field in ["undeny", "unallow"] {
        let taken = fill(&admin, &path, &path, &[(field, &the.web.0)]).await;
        assert_eq!(taken.status, 303, "{taken:?}");
    }
    assert_eq!(fill(&admin, &path, &path, &[("undeny", &the.web.0)]).await.status, 409);
}

#[tokio::test]
async fn what_is_no_app_is_refused_beside_its_field_and_kept_there() {
    let the = world("default").await;
    let ada = the.ada().await;
    let path = the.at("/policy");
    for bad in ["grantd_app_nothing", HOSTILE, "a\0b", &"x".repeat(300)] {
        let page = fill(&ada, &path, &path, &[("deny", bad)]).await;
        assert_eq!(page.status, 422, "{bad:?}: {page:?}");
        assert!(
            page.body.contains("id=\"fault-deny\"") && !page.body.contains("<script>"),
            "{page:?}"
        );
    }
    assert_eq!(fill(&ada, &path, &path, &[("least_role", "emperor")]).await.status, 400);
    let page = ada.get(&the.at(&format!("/policy?app={}", the.web.0))).await;
    assert!(
        page.body.contains(&format!("value=\"{}\"", the.web.0)),
        "ready to be sent"
    );
    assert!(the.told().await.is_empty());
}

#[tokio::test]
async fn a_list_holds_as_many_apps_as_fit_and_says_so() {
    let the = world("default").await;
    let key = keys::organization(&the.world.organization);
    let old = load::<Organization>(&*the.world.ctx.store, &key)
        .await
        .unwrap()
        .unwrap();
    let mut new = old.value.clone();
    new.policy.apps = AppsAllowed::Only((0..LISTED_MAX).map(|n| format!("grantd_app_{n}")).collect());
    let mut batch = grantd::store::Batch::new();
    batch.replace(&old, &new).unwrap();
    the.world.ctx.store.commit(batch).await.unwrap();
    let ada = the.ada().await;
    let path = the.at("/policy");
    let page = fill(&ada, &path, &path, &[("allow", &the.web.0)]).await;
    assert!(page.status == 422 && page.body.contains("at most 80 apps"), "{page:?}");
    let any = fill(&ada, &path, &path, &[("least_role", "member"), ("apps", "any")]).await;
    assert_eq!(any.status, 303, "{any:?}");
    let mut events = the.events().await.into_iter();
    let event = events
        .find(|event| event.kind == EventKind::OrganizationChanged)
        .unwrap();
    assert_eq!(event.changes[0].what, "apps");
    assert!(event.changes[1].before.as_ref().unwrap().starts_with("grantd_app_0 "));
}
