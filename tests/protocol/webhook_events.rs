//! Which events apps are told of, and what a message holds.

use crate::authorizing::{CALLBACK_ENCODED, VERIFIER};
use crate::browser::EMAIL;
use crate::receiver::{Hooked, Received, Receiver};
use grantd::control::{Command, Revocation};
use grantd::model::event::{Change, Event, EventKind};
use grantd::model::reminder::SECRET_NOTICE;
use grantd::model::role::Role;
use grantd::platform::webhooks::catalog::{CATALOG, Datum};
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, keys};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A world with an endpoint that is told of everything.
async fn all(profile: &str) -> (Arc<Receiver>, Hooked) {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked(profile).await;
    let browser = hooked.browser().await;
    hooked.add(&browser, &[]).await;
    drop(browser);
    hooked.turn().await;
    receiver.take();
    (receiver, hooked)
}

/// What came of one thing that happened: type and message.
async fn told(receiver: &Receiver, hooked: &Hooked) -> Vec<(String, Value)> {
    hooked.turn().await;
    let mut found: Vec<Received> = receiver.take();
    found.sort_by_key(|message| message.header("x-webhook-event").to_owned());
    let known = |message: &Received| {
        let body = message.json();
        assert_eq!(body["type"], json!(message.header("x-webhook-event")));
        // Whoever an app acts for it knows by id alone.
        for word in ["@example.com", "Ada", "secret_"] {
            assert!(!body.to_string().contains(word), "{word}: {body}");
        }
        (message.header("x-webhook-event").to_owned(), body)
    };
    found.iter().map(known).collect()
}

#[tokio::test]
async fn an_app_is_told_when_access_is_granted_widened_and_taken_back() {
    let (receiver, hooked) = all("mokapen").await;
    hooked.consent().await;
    let [(kind, message)] = &told(&receiver, &hooked).await[..] else {
        panic!("one message")
    };
    let grant = hooked.asking.grant().await;
    assert_eq!(kind, "grant.created");
    assert_eq!(message["data"]["grant_id"], json!(grant.id));
    assert_eq!(message["data"]["user_id"], json!(hooked.asking.user));
    assert_eq!(message["data"]["scopes"], json!(grant.scopes));
    assert!(
        message["organization_id"].is_u64(),
        "as the profile types ids: {message}"
    );
    assert_eq!(message["created_at"], json!(grant.created_at.to_string()));
    hooked.consent().await;
    assert_eq!(told(&receiver, &hooked).await[0].0, "grant.updated");
    let (ctx, organization) = (&hooked.world().ctx, &hooked.world().organization);
    grantd::platform::granted::revoke(ctx, &hooked.asking.user, organization, &grant.id)
        .await
        .unwrap();
    let [(kind, message)] = &told(&receiver, &hooked).await[..] else {
        panic!("one message")
    };
    assert_eq!(
        (kind.as_str(), &message["data"]["reason"]),
        ("grant.revoked", &json!("revoked"))
    );
    assert_eq!(told(&receiver, &hooked).await.len(), 0, "each once");
}

#[tokio::test]
async fn with_a_member_go_the_grants_they_gave_and_nobody_elses() {
    let (receiver, hooked) = all("default").await;
    let world = hooked.world();
    world.add_member("leaver@example.com", Role::Owner).await;
    let leaver = crate::organization_pages::id_of(world, "leaver@example.com").await;
    hooked.consent().await;
    let request = hooked.asking.good(&hooked.asking.query("")).await;
    hooked
        .asking
        .approve_for(&request, &leaver, &world.organization)
        .await
        .unwrap();
    assert_eq!(told(&receiver, &hooked).await.len(), 2);
    let remove = Command::MemberRemove {
        organization: world.organization.clone(),
        user: "leaver@example.com".into(),
    };
    world.run(remove).await;
    let [(kind, message)] = &told(&receiver, &hooked).await[..] else {
        panic!("one message")
    };
    assert_eq!(
        (kind.as_str(), &message["data"]["reason"]),
        ("grant.revoked", &json!("member_removed"))
    );
    assert_eq!(message["data"]["user_id"], json!(leaver));
    assert_eq!(told(&receiver, &hooked).await.len(), 0);
}

#[tokio::test]
async fn a_code_that_is_used_twice_is_told_of() {
    let (receiver, hooked) = all("default").await;
    let request = hooked.asking.good(&hooked.asking.query("")).await;
    let response = hooked.asking.approve(&request).await.unwrap();
    let form = format!(
        "grant_type=authorization_code&code={}&redirect_uri={CALLBACK_ENCODED}&code_verifier={VERIFIER}",
        response.param("code").unwrap()
    );
    let client = hooked.asking.web.clone();
    let first = hooked.world().post_as(&client, "/oauth/token", &form).await;
    assert_eq!(first.status, 200, "{first:?}");
    told(&receiver, &hooked).await;
    assert_eq!(hooked.world().post_as(&client, "/oauth/token", &form).await.status, 400);
    let [(kind, message)] = &told(&receiver, &hooked).await[..] else {
        panic!("one message")
    };
    assert_eq!(kind, "code.reuse_detected");
    assert_eq!(message["data"]["grant_id"], json!(hooked.asking.grant().await.id));
}

#[tokio::test]
async fn what_is_done_to_an_app_it_is_told_whoever_does_it() {
    let (receiver, hooked) = all("default").await;
    let (world, app) = (hooked.world(), hooked.app().to_owned());
    let disable = |disabled| Command::AppDisable {
        client_id: app.clone(),
        disabled,
    };
    world.run(disable(true)).await;
    let [(kind, message)] = &told(&receiver, &hooked).await[..] else {
        panic!("one message")
    };
    assert_eq!(
        (kind.as_str(), &message["data"]),
        ("app.disabled", &json!({ "status": "disabled" }))
    );
    world.run(disable(false)).await;
    assert_eq!(told(&receiver, &hooked).await[0].0, "app.enabled");
    let added = world
        .run(Command::SecretAdd {
            client_id: app.clone(),
            label: Some("second".into()),
        })
        .await;
    let [(kind, message)] = &told(&receiver, &hooked).await[..] else {
        panic!("one message")
    };
    assert_eq!(
        (kind.as_str(), &message["data"]),
        ("secret.created", &json!({ "label": "second" }))
    );
    let secret = added["secret_id"].as_str().unwrap().to_owned();
    let revoke = Command::SecretRevoke {
        client_id: app.clone(),
        secret,
    };
    world.run(revoke).await;
    assert_eq!(told(&receiver, &hooked).await[0].0, "secret.revoked");
    let what = Revocation::App(app.clone());
    world.run(Command::TokenRevoke { what }).await;
    assert_eq!(told(&receiver, &hooked).await[0].0, "app.tokens_revoked");
}

#[tokio::test]
async fn a_secret_that_ends_soon_is_told_of_a_week_before_unless_it_is_gone() {
    let (receiver, hooked) = all("default").await;
    let path = format!("/developer/apps/{}/credentials", hooked.app());
    let browser = hooked.browser().await;
    let page = browser.get(&path).await;
    let fields = [("label", "short"), ("expires", "90d")];
    let made = browser.submit(&page, &format!("{path}/secrets"), &fields).await;
    hooked.world().secrets.keep(&crate::receiver::shown_once(&made));
    told(&receiver, &hooked).await;
    hooked
        .world()
        .advance(DAY * 90 - SECRET_NOTICE - Duration::from_secs(60));
    assert_eq!(told(&receiver, &hooked).await.len(), 0);
    hooked.world().advance(Duration::from_secs(60));
    let [(kind, message)] = &told(&receiver, &hooked).await[..] else {
        panic!("one message")
    };
    assert_eq!(
        (kind.as_str(), &message["data"]["label"]),
        ("secret.expiring", &json!("short"))
    );
    let ends = hooked.asking.app(hooked.app()).await.secrets[1].expires_at.unwrap();
    assert_eq!(message["data"]["expires_at"], json!(ends.to_string()));
    hooked.world().advance(DAY);
    assert_eq!(told(&receiver, &hooked).await.len(), 0, "once");
    assert_eq!(
        hooked
            .world()
            .ctx
            .store
            .scan(&keys::reminders(), None, 10)
            .await
            .unwrap()
            .len(),
        0
    );
}

/// Every type, with exactly the members that the documentation names.
#[tokio::test]
async fn a_message_of_every_type_holds_what_the_documentation_says() {
    let (receiver, hooked) = all("default").await;
    hooked.consent().await;
    told(&receiver, &hooked).await;
    let (ctx, grant) = (&hooked.world().ctx, hooked.asking.grant().await);
    for row in &CATALOG {
        let mut batch = Batch::new();
        let event = Event {
            organization: Some(hooked.world().organization.clone()),
            user: Some(hooked.asking.user.clone()),
            client_id: Some(hooked.app().to_owned()),
            grant: row.data.contains(&Datum::GrantId).then(|| grant.id.clone()),
            by: Some("u_somebody".into()),
            subject: Some("production".into()),
            note: Some("Looks good".into()),
            changes: vec![Change::new(
                "expires_at",
                None::<&str>,
                Some("2026-02-01T00:00:00.000Z"),
            )],
            ..Event::new(row.kind, ctx.now(), &*ctx.random)
        };
        batch.insert(&event).unwrap();
        ctx.store.commit(batch).await.unwrap();
        let [(kind, message)] = &told(&receiver, &hooked).await[..] else {
            panic!("{:?}", row.kind)
        };
        assert_eq!((kind.as_str(), &message["id"]), (row.kind.as_str(), &json!(event.id)));
        let members: BTreeSet<&str> = message["data"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            members,
            row.data.iter().map(|datum| datum.name()).collect::<BTreeSet<_>>(),
            "{kind}"
        );
        for (name, value) in message["data"].as_object().unwrap() {
            assert!(!value.is_null(), "{kind}: {name}");
        }
        assert!(
            !message.to_string().contains("u_somebody"),
            "{kind}: who did it is the organization's business"
        );
        let page = hooked.world().get("/docs/webhooks").await;
        assert!(page.body.contains(&format!("id=\"{kind}\"")), "{kind}");
    }
}

#[tokio::test]
async fn an_app_is_told_of_itself_alone_and_members_and_settings_are_no_apps_business() {
    let (receiver, hooked) = all("default").await;
    let world = hooked.world();
    let (other, _) = world.add_public_app().await;
    world
        .run(Command::AppDisable {
            client_id: other,
            disabled: true,
        })
        .await;
    world.add_member("new@example.com", Role::Member).await;
    world.set_role("new@example.com", Role::Developer).await;
    assert_eq!(told(&receiver, &hooked).await, Vec::new());
    let waiting = world.ctx.store.scan(&keys::untold_events(), None, 10).await.unwrap();
    assert_eq!(waiting.len(), 0, "and nothing is left in the outbox");
}

#[tokio::test]
async fn a_message_that_would_be_too_long_leaves_its_scopes_out_and_says_so() {
    let (receiver, hooked) = all("default").await;
    hooked.consent().await;
    told(&receiver, &hooked).await;
    let ctx = &hooked.world().ctx;
    let old = hooked.asking.grant().await;
    let mut new = old.value.clone();
    new.scopes = (0..150).map(|number| format!("{number}{}", "\"".repeat(35))).collect();
    let mut batch = Batch::new();
    batch.replace(&old, &new).unwrap();
    let event = Event {
        organization: Some(old.organization.clone()),
        user: Some(old.user.clone()),
        client_id: Some(old.client_id.clone()),
        grant: Some(old.id.clone()),
        ..Event::new(EventKind::GrantUpdated, ctx.now(), &*ctx.random)
    };
    batch.insert(&event).unwrap();
    ctx.store.commit(batch).await.unwrap();
    let [(_, message)] = &told(&receiver, &hooked).await[..] else {
        panic!("one message")
    };
    assert_eq!(
        (&message["truncated"], &message["data"]["scopes"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(message["data"]["grant_id"], json!(old.id));
}

/// One consent ends with an organization's whole app: more grants than one batch may hold.
#[tokio::test]
async fn everything_an_app_was_granted_ends_in_batches_that_fit() {
    let receiver = Receiver::up().await;
    let hooked = Hooked::with(
        receiver.clone(),
        receiver.config("default"),
        Arc::new(MemoryStore::new()),
    )
    .await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &["grant.revoked"]).await;
    let world = hooked.world();
    for number in 0..40 {
        let email = format!("user{number}@example.com");
        world.add_member(&email, Role::Owner).await;
        let user = crate::organization_pages::id_of(world, &email).await;
        let request = hooked.asking.good(&hooked.asking.query("")).await;
        hooked
            .asking
            .approve_for(&request, &user, &world.organization)
            .await
            .unwrap();
    }
    let key = keys::user(&crate::organization_pages::id_of(world, EMAIL).await);
    let ada = grantd::platform::actor::Actor::of_user(world.ctx.load(&key).await.unwrap().unwrap());
    let ended = grantd::platform::connected_apps::revoke_all(&world.ctx, &ada, &world.organization, hooked.app()).await;
    assert_eq!(ended.unwrap().number, 40);
    hooked.turn().await;
    assert_eq!((receiver.take().len(), hooked.deliveries(&id).await.len()), (40, 40));
}
