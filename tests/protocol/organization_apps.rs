//! Connected apps: seen by whoever may, and cut off at once.

use crate::authorizing::Authorizing;
use crate::browser::{EMAIL, world};
use crate::organization_pages::{HOSTILE, fill, id_of, went};
use crate::support::OWNER;
use grantd::control::NewApp;
use grantd::model::app::Kind;
use grantd::model::event::EventKind;
use grantd::model::grant::GrantStatus;
use grantd::model::role::Role;
use grantd::platform::actor::Actor;
use grantd::platform::connected_apps;
use grantd::store::keys;

impl Authorizing {
    /// A public app of this name.
    async fn app_named(&self, name: &str) -> crate::support::Client {
        let new = NewApp {
            name: name.into(),
            redirect_uris: vec![crate::delegation::REDIRECT_URI.into()],
            ..self.world.new_app(Kind::Public, &[])
        };
        self.world.add_app(new).await
    }

    async fn actor(&self, email: &str) -> Actor {
        let key = keys::user(&id_of(&self.world, email).await);
        Actor::of_user(self.world.ctx.load(&key).await.unwrap().expect("the user is there"))
    }

    /// Grants of this many members, all to the same app.
    async fn grants_of(&self, members: usize) -> Vec<String> {
        let request = self.good(&self.query("")).await;
        let mut users = Vec::new();
        for number in 0..members {
            let email = format!("member{number}@example.com");
            self.world.add_member(&email, Role::Member).await;
            let user = id_of(&self.world, &email).await;
            let approved = self.approve_for(&request, &user, &self.world.organization).await;
            approved.expect("members may consent");
            users.push(user);
        }
        users
    }
}

#[tokio::test]
async fn o30_an_admin_sees_every_app_with_access_and_revoking_it_ends_its_tokens_at_once() {
    let the = world("default").await;
    let (access, refresh) = the.world.connect(&the.web).await;
    let server = the.world.add_resource_server().await;
    let admin = the.person("admin@example.com", Role::Admin).await;
    let list = admin.get(&the.at("/apps")).await;
    assert!(list.body.contains(&the.at(&format!("/apps/{}", the.web.0))), "{list:?}");
    assert!(
        !list.body.contains(&the.at(&format!("/apps/{}\"", the.spa.0))),
        "granted nothing"
    );
    for said in ["Allowed by", "Since", "2026-01-01", "active"] {
        assert!(list.body.contains(said), "{said}: {list:?}");
    }
    assert!(the.world.works(&server, &access).await);
    let app = the.at(&format!("/apps/{}", the.web.0));
    let page = admin.get(&app).await;
    assert!(page.body.contains(OWNER), "{page:?}");
    let grant = the.world.the_grant().await;
    let ask = format!("{app}/revoke?grant={}", grant.id);
    assert!(page.body.contains(&ask), "{page:?}");
    let revoke = format!("{app}/revoke");
    let wrong = fill(&admin, &ask, &revoke, &[("confirm", "Another")]).await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
    assert!(the.world.works(&server, &access).await);
    let done = fill(&admin, &ask, &revoke, &[("confirm", "App")]).await;
    went(&done, &format!("{app}?done=revoked"));
    assert!(!the.world.works(&server, &access).await);
    assert_eq!(the.world.refresh(&the.web, &refresh, &[]).await.status, 400);
    let mut events = the.events().await.into_iter();
    let event = events.find(|event| event.kind == EventKind::GrantRevoked).unwrap();
    assert_eq!(event.user.as_deref(), Some(grant.user.as_str()));
    assert_eq!(event.by, Some(id_of(&the.world, "admin@example.com").await));
    let page = admin.get(&app).await;
    assert!(page.body.contains("Nobody allows it any more"), "{page:?}");
    let list = admin.get(&the.at("/apps")).await;
    assert!(list.body.contains("No app has access."), "{list:?}");
    assert_eq!(admin.get(&ask).await.status, 404, "it has ended");
}

#[tokio::test]
async fn the_last_access_is_that_of_the_latest_refresh() {
    let the = world("default").await;
    let (_, refresh) = the.world.connect(&the.web).await;
    the.world.advance(std::time::Duration::from_secs(3 * 24 * 60 * 60));
    the.world.rotate(&the.web, &refresh).await;
    let page = the.ada().await.get(&the.at("/apps")).await;
    assert!(
        page.body.contains("Last used") && page.body.contains("2026-01-04"),
        "{page:?}"
    );
}

#[tokio::test]
async fn all_grants_of_an_app_end_in_one_action_and_those_of_others_stay() {
    let the = world("default").await;
    let users = the.grants_of(45).await;
    let other = the.app_named("Other").await;
    the.world.connect(&other).await;
    let elsewhere = the.world.add_organization("Elsewhere").await;
    the.world.set_role_in(&elsewhere, EMAIL, Role::Owner).await;
    let request = the.good(&the.query("")).await;
    the.approve_for(&request, &the.user, &elsewhere).await.unwrap();

    let ada = the.ada().await;
    let list = ada.get(&the.at("/apps")).await;
    assert!(list.body.contains("and others"), "{list:?}");
    assert_eq!(
        list.body.matches("class=\"tile\"").count(),
        2,
        "each app once: {list:?}"
    );
    let app = the.at(&format!("/apps/{}", the.web.0));
    let first = ada.get(&app).await;
    assert_eq!(first.body.matches("/revoke?grant=").count(), 20, "{first:?}");
    let mut seen = 20;
    let mut page = first;
    while let Some(next) = page.body.split("?after=").nth(1) {
        let next = next.split('"').next().unwrap().to_owned();
        page = ada.get(&format!("{app}?after={next}")).await;
        seen += page.body.matches("/revoke?grant=").count();
    }
    assert_eq!(seen, 45);

    let revoke = format!("{app}/revoke");
    let done = fill(&ada, &revoke, &revoke, &[("confirm", "App")]).await;
    went(&done, &format!("{app}?done=all"));
    for user in &users {
        let grant = the.grant_in(&the.world.organization, user).await.unwrap();
        assert_eq!(grant.status, GrantStatus::Revoked);
    }
    let stays = the.grant_in(&elsewhere, &the.user).await.unwrap();
    assert_eq!(stays.status, GrantStatus::Active);
    let revoked = the.told().await.into_iter().filter(|(kind, _)| kind == "grant.revoked");
    assert_eq!(revoked.count(), 45);
    let list = ada.get(&the.at("/apps")).await;
    assert_eq!(list.body.matches("class=\"tile\"").count(), 1, "{list:?}");
    let actor = the.actor(EMAIL).await;
    let again = connected_apps::revoke_all(&the.world.ctx, &actor, &the.world.organization, &the.web.0);
    let ended = again.await.unwrap();
    assert_eq!((ended.number, ended.more), (0, false), "nothing is ended twice");
}

#[tokio::test]
async fn a_long_list_of_apps_comes_in_pages_with_each_app_once() {
    let the = world("default").await;
    let mut names = Vec::new();
    for number in 0..25 {
        let name = format!("App number {number:02}");
        let app = the.app_named(&name).await;
        the.world.code(&app, "").await;
        let query = format!("client_id={}&{}", app.0, crate::authorizing::parameters(""));
        let request = the.good(&query).await;
        the.approve(&request).await.unwrap();
        names.push(name);
    }
    let (ctx, actor) = (&the.world.ctx, the.actor(EMAIL).await);
    let (mut seen, mut after, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let page = connected_apps::list(ctx, &actor, &the.world.organization, after.as_deref(), 20).await;
        let page = page.unwrap();
        for app in &page.apps {
            assert_eq!(app.grants.len(), 2, "both members'");
            seen.push(app.app.name.clone());
        }
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!((seen, pages), (names, 2));
}

#[tokio::test]
async fn grants_of_other_organizations_are_neither_seen_nor_ended() {
    let the = world("default").await;
    let elsewhere = the.world.add_organization("Elsewhere").await;
    the.world.set_role_in(&elsewhere, EMAIL, Role::Owner).await;
    let request = the.good(&the.query("")).await;
    the.approve_for(&request, &the.user, &elsewhere).await.unwrap();
    let grant = the.grant_in(&elsewhere, &the.user).await.unwrap();
    let ada = the.ada().await;
    let app = the.at(&format!("/apps/{}", the.web.0));
    assert_eq!(ada.get(&app).await.status, 404);
    let ask = format!(
        "/organizations/{elsewhere}/apps/{}/revoke?grant={}",
        the.web.0, grant.id
    );
    let page = ada.get(&ask).await;
    assert_eq!(page.status, 200, "{page:?}");
    let action = format!("/organizations/{elsewhere}/apps/{}/revoke", the.web.0);
    let form = crate::browser::encoded(&crate::browser::hidden(&page, &action), &[("confirm", "App")]);
    assert_eq!(ada.post(&format!("{app}/revoke"), &form, &[]).await.status, 404);
    let stays = the.grant_in(&elsewhere, &the.user).await.unwrap();
    assert_eq!(stays.status, GrantStatus::Active);
}

#[tokio::test]
async fn a_private_app_is_disabled_after_asking_and_enabled_again() {
    let the = world("default").await;
    let admin = the.person("admin@example.com", Role::Admin).await;
    let token = the.world.mint("").await;
    let server = the.world.add_resource_server().await;
    let switch = the.at(&format!("/apps/{}/switch", the.world.client_id));
    let list = admin.get(&the.at("/apps")).await;
    assert!(list.body.contains(&switch), "{list:?}");
    assert_eq!(fill(&admin, &switch, &switch, &[("confirm", "x")]).await.status, 422);
    assert!(the.world.works(&server, &token).await);
    let off = fill(&admin, &switch, &switch, &[("confirm", "App")]).await;
    went(&off, &the.at("/apps?done=disabled"));
    assert!(!the.world.works(&server, &token).await);
    assert_eq!(the.world.ask("").await.status, 401);
    the.world.advance(std::time::Duration::from_millis(1));
    let on = fill(&admin, &the.at("/apps"), &switch, &[]).await;
    went(&on, &the.at("/apps?done=enabled"));
    assert!(the.world.works(&server, &token).await, "as the page says");
    let kinds: Vec<String> = the.told().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["app.disabled", "app.enabled"]);
    // A public app is none that an organization switches off.
    let public = the.at(&format!("/apps/{}/switch", the.web.0));
    assert_eq!(admin.get(&public).await.status, 404);
    let (foreign, _) = the.world.add_foreign_app().await;
    assert_eq!(
        admin.get(&the.at(&format!("/apps/{}/switch", foreign.0))).await.status,
        404
    );
}

#[tokio::test]
async fn a_hostile_app_is_only_text() {
    let the = world("default").await;
    let app = the.app_named(HOSTILE).await;
    the.world.connect(&app).await;
    let ada = the.ada().await;
    let here = the.at(&format!("/apps/{}", app.0));
    let revoke = format!("{here}/revoke");
    for path in [&the.at("/apps"), &here, &revoke] {
        let page = ada.get(path).await;
        assert!(
            page.status == 200 && !page.body.contains("<script>"),
            "{path}: {page:?}"
        );
        assert!(page.body.contains("&lt;script&gt;"), "{path}: {page:?}");
    }
    let done = fill(&ada, &revoke, &revoke, &[("confirm", HOSTILE)]).await;
    went(&done, &format!("{here}?done=all"));
}
