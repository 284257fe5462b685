//! API keys: shown once, good within the role of whoever made them, dead when they should be.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, world};
use crate::http::Answer;
use crate::organization_pages::{HOSTILE, fill, id_of, went};
use crate::support::World;
use grantd::account;
use grantd::base::secret::Secret;
use grantd::control::{Command, Revocation};
use grantd::model::event::EventKind;
use grantd::model::role::Role;
use grantd::oauth::last_use;
use grantd::platform::api_keys::{self, KEYS_MAX, NewKey, authenticate};
use grantd::platform::refusal::Refusal;
use std::net::IpAddr;
use std::time::Duration;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Id and secret, as they are shown.
type Key = (String, String);

fn readonly(page: &Answer, id: &str) -> String {
    let field = page
        .body
        .split(&format!("id=\"{id}\""))
        .nth(1)
        .expect("the field is there");
    let value = field.split("value=\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

async fn make(the: &Authorizing, browser: &Browser<'_>, scope: &str, days: &str) -> Key {
    let path = the.at("/keys");
    let fields = [("name", "Till"), ("scopes", scope), ("days", days)];
    let page = fill(browser, &path, &path, &fields).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let key = (readonly(&page, "key-id"), readonly(&page, "key-secret"));
    the.world.secrets.keep(&key.1);
    key
}

/// The scopes of a key that is good.
async fn scopes(world: &World, (id, secret): &Key) -> Option<Vec<String>> {
    let shown = authenticate(&world.ctx, id, &Secret::new(secret.as_str()), PEER).await;
    shown.expect("nobody has to wait").map(|key| key.scopes)
}

fn first_scope(world: &World) -> String {
    let mut names = world.ctx.profile().scopes.names();
    names.next().expect("a profile has scopes").to_owned()
}

#[tokio::test]
async fn a_key_is_shown_once_under_the_headers_of_the_profile_and_works() {
    let the = world("makecrypto").await;
    let ada = the.ada().await;
    let path = the.at("/keys");
    let scope = first_scope(&the.world);
    let fields = [("name", HOSTILE), ("scopes", &scope), ("days", "0")];
    let page = fill(&ada, &path, &path, &fields).await;
    assert!(!page.body.contains("<script>"), "{page:?}");
    for header in ["X-MakeCrypto-Key-Id", "X-MakeCrypto-Key-Secret"] {
        assert!(page.body.contains(header), "{page:?}");
    }
    let key = (readonly(&page, "key-id"), readonly(&page, "key-secret"));
    assert!(
        key.0.starts_with("mk_makepay_") && key.1.starts_with("mksec_"),
        "{key:?}"
    );
    the.world.secrets.keep(&key.1);
    assert_eq!(scopes(&the.world, &key).await, Some(vec![scope]));
    let list = ada.get(&path).await;
    assert!(
        list.body.contains(&key.0) && list.body.contains("Last used"),
        "{list:?}"
    );
    let used = last_use::of(&the.world.ctx, "api_key", &key.0).await.unwrap();
    assert_eq!(used, Some(the.world.ctx.now()));
    let mut events = the.events().await.into_iter();
    let event = events.find(|event| event.kind == EventKind::ApiKeyCreated).unwrap();
    assert!(!format!("{event:?}").contains(&key.1));
}

#[tokio::test]
async fn a_key_may_do_what_its_makers_role_may_now_and_nothing_more() {
    let the = world("makecrypto").await;
    let admin = the.person("admin@example.com", Role::Admin).await;
    let catalog = &the.world.ctx.profile().scopes;
    let beyond = catalog.iter().find(|scope| !scope.roles.contains(&Role::Member));
    let beyond = beyond
        .expect("the profile has a scope that members may not grant")
        .name
        .clone();
    let key = make(&the, &admin, &beyond, "30").await;
    assert_eq!(scopes(&the.world, &key).await, Some(vec![beyond.clone()]));
    the.world.set_role("admin@example.com", Role::Member).await;
    assert_eq!(scopes(&the.world, &key).await, None);
    let list = the.ada().await.get(&the.at("/keys")).await;
    assert!(list.body.contains("may do nothing any more"), "{list:?}");
    the.world.set_role("admin@example.com", Role::Admin).await;
    assert_eq!(scopes(&the.world, &key).await, Some(vec![beyond]));
}

#[tokio::test]
async fn a_key_ends_with_its_expiry_its_maker_its_organization_and_every_epoch() {
    for (end, back) in [
        ("expiry", false),
        ("removal", false),
        ("user disabled", true),
        ("organization disabled", true),
        ("user revoked", false),
        ("organization revoked", false),
        ("everything revoked", false),
    ] {
        let the = world("makecrypto").await;
        let key = make(&the, &the.ada().await, &first_scope(&the.world), "30").await;
        assert!(scopes(&the.world, &key).await.is_some(), "{end}");
        let (organization, user) = (the.world.organization.clone(), EMAIL.to_owned());
        let revoke = |what| Command::TokenRevoke { what };
        let command = match end {
            "expiry" => None,
            "removal" => Some(Command::MemberRemove { organization, user }),
            "user disabled" => Some(Command::UserDisable { user, disabled: true }),
            "organization disabled" => Some(Command::OrganizationDisable {
                organization,
                disabled: true,
            }),
            "user revoked" => Some(revoke(Revocation::User(user))),
            "organization revoked" => Some(revoke(Revocation::Organization(organization))),
            _ => Some(revoke(Revocation::Everything)),
        };
        match command {
            Some(command) => {
                the.world.run(command).await;
            }
            None => {
                the.world.advance(30 * DAY - Duration::from_millis(1));
                assert!(scopes(&the.world, &key).await.is_some());
                the.world.advance(Duration::from_millis(1));
            }
        }
        assert_eq!(scopes(&the.world, &key).await, None, "{end}");
        // A flag is taken back; a counter never is.
        let (organization, user) = (the.world.organization.clone(), EMAIL.to_owned());
        the.world
            .run(Command::UserDisable {
                user: user.clone(),
                disabled: false,
            })
            .await;
        the.world
            .run(Command::OrganizationDisable {
                organization,
                disabled: false,
            })
            .await;
        the.world.set_role(&user, Role::Owner).await;
        assert_eq!(scopes(&the.world, &key).await.is_some(), back, "{end}");
    }
}

#[tokio::test]
async fn a_revoked_key_is_dead_at_once_and_in_no_list() {
    let the = world("makecrypto").await;
    let ada = the.ada().await;
    let scope = first_scope(&the.world);
    let (key, other) = (make(&the, &ada, &scope, "0").await, make(&the, &ada, &scope, "0").await);
    let path = the.at(&format!("/keys/{}/revoke", key.0));
    assert_eq!(fill(&ada, &path, &path, &[("confirm", "Tills")]).await.status, 422);
    assert!(scopes(&the.world, &key).await.is_some());
    went(
        &fill(&ada, &path, &path, &[("confirm", "Till")]).await,
        &the.at("/keys?done=revoked"),
    );
    assert_eq!(scopes(&the.world, &key).await, None);
    assert!(scopes(&the.world, &other).await.is_some());
    let list = ada.get(&the.at("/keys")).await;
    assert!(!list.body.contains(&key.0) && list.body.contains(&other.0), "{list:?}");
    assert_eq!(ada.get(&path).await.status, 404);
    // Another organization's key is none of theirs.
    let elsewhere = the.world.add_organization("Elsewhere").await;
    the.world.set_role_in(&elsewhere, EMAIL, Role::Owner).await;
    let foreign = format!("/organizations/{elsewhere}/keys/{}/revoke", other.0);
    assert_eq!(ada.get(&foreign).await.status, 404);
}

#[tokio::test]
async fn wrong_keys_are_all_answered_alike_and_too_many_have_to_wait() {
    let the = world("makecrypto").await;
    let key = make(&the, &the.ada().await, &first_scope(&the.world), "0").await;
    let other = make(&the, &the.ada().await, &first_scope(&the.world), "0").await;
    let (ctx, secret) = (&the.world.ctx, |text: &str| Secret::new(text));
    for (id, shown) in [
        (key.0.as_str(), "mksec_wrong"),
        (&key.0, &*other.1),
        (&key.0, ""),
        ("mk_makepay_nobody", &key.1),
        ("", &key.1),
        ("a\0b", &key.1),
        (&"x".repeat(10_000), &key.1),
        (&key.0, &"x".repeat(10_000)),
    ] {
        let answer = authenticate(ctx, id, &secret(shown), PEER).await.unwrap();
        assert!(answer.is_none(), "{id:.20}");
    }
    let mut waits = 0;
    for _ in 0..20 {
        match authenticate(ctx, &key.0, &secret("mksec_wrong"), PEER).await {
            Ok(found) => assert!(found.is_none()),
            Err(Refusal::Account(account::Refusal::Wait(wait))) => {
                assert!(!wait.is_zero());
                waits += 1;
            }
            Err(refusal) => panic!("{refusal:?}"),
        }
    }
    assert!(waits > 0, "guesses are held back");
    // From elsewhere the real one still works, and another key from here.
    let elsewhere = authenticate(ctx, &key.0, &secret(&key.1), [203, 0, 113, 1].into()).await;
    assert!(elsewhere.unwrap().is_some());
    assert!(scopes(&the.world, &other).await.is_some());
}

#[tokio::test]
async fn what_a_key_cannot_be_is_said_beside_the_field() {
    let the = world("makecrypto").await;
    let ada = the.ada().await;
    let path = the.at("/keys");
    let scope = first_scope(&the.world);
    for (name, scope, days, field) in [
        ("", scope.as_str(), "30", "name"),
        ("a\u{202e}b", &scope, "30", "name"),
        (&"x".repeat(61), &scope, "30", "name"),
        ("Till", "", "30", "scopes"),
        ("Till", "no.such:scope", "30", "scopes"),
        ("Till", &scope, "31", "days"),
    ] {
        let page = fill(&ada, &path, &path, &[("name", name), ("scopes", scope), ("days", days)]).await;
        assert_eq!(page.status, 422, "{name:?} {scope:?} {days}");
        assert!(
            page.body.contains(&format!("id=\"fault-{field}\"")),
            "{field}: {page:?}"
        );
    }
    let page = fill(
        &ada,
        &path,
        &path,
        &[("name", "Till"), ("scopes", &scope), ("days", "-1")],
    )
    .await;
    assert_eq!(page.status, 400);
    assert!(the.told().await.is_empty());
}

#[tokio::test]
async fn there_are_only_so_many_keys_and_none_where_the_profile_has_none() {
    let the = world("makecrypto").await;
    let scope = first_scope(&the.world);
    let user = id_of(&the.world, EMAIL).await;
    let user = the
        .world
        .ctx
        .load(&grantd::store::keys::user(&user))
        .await
        .unwrap()
        .unwrap();
    let actor = grantd::platform::actor::Actor::of_user(user);
    let new = NewKey {
        name: "Till",
        scopes: vec![scope],
        days: None,
    };
    for _ in 0..KEYS_MAX {
        let made = api_keys::create(&the.world.ctx, &actor, &the.world.organization, &new).await;
        assert!(made.is_ok());
    }
    let full = api_keys::create(&the.world.ctx, &actor, &the.world.organization, &new).await;
    assert_eq!(full.err(), Some(Refusal::State("org_keys_full")));

    let the = world("default").await;
    let ada = the.ada().await;
    assert_eq!(ada.get(&the.at("/keys")).await.status, 404);
    assert!(!ada.get(&the.at("")).await.body.contains("/keys\""));
    let shown = authenticate(&the.world.ctx, "grantd_key_x", &Secret::new("x"), PEER).await;
    assert_eq!(shown.err(), Some(Refusal::NotFound));
}
