//! Webhooks and people: what stakeholders see of them, and what becomes of them when an app changes hands.

use crate::authorizing::Authorizing;
use crate::browser::Browser;
use crate::developing::Developing;
use crate::receiver::{Behaviour, Hooked, Receiver};
use crate::support::{OWNER, World};
use crate::yielding::Yielding;
use grantd::model::delivery::State;
use grantd::model::endpoint::{Endpoint, Standing};
use grantd::model::role::Role;
use grantd::model::user::User;
use grantd::platform::actor::Actor;
use grantd::platform::apps::transfer::transfer;
use grantd::platform::webhooks::{self, Wanted, deliveries};
use grantd::store::keys;
use grantd::store::records::{list, load_by_index};
use std::sync::Arc;

/// An endpoint of the app that its developer made, and a test on its way there.
pub async fn endpoint_of(d: &Developing, email: &str, client_id: &str) -> (String, String) {
    let ctx = &d.world.ctx;
    let key = keys::user(&d.user(email).await);
    let actor = Actor::of_user(ctx.load(&key).await.unwrap().unwrap());
    let wanted = Wanted {
        label: "production".into(),
        url: "https://hooks.example/".into(),
        events: Vec::new(),
        in_order: false,
    };
    let made = webhooks::add(ctx, &actor, client_id, &wanted).await;
    let endpoint = made.expect("the team may").endpoint.id;
    let delivery = deliveries::test(ctx, &actor, client_id, &endpoint).await.unwrap();
    (endpoint, delivery.id)
}

#[tokio::test]
async fn a_stakeholder_sees_the_log_and_not_the_query_of_the_address() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, _) = hooked
        .add_at(&browser, &receiver.url("/hooks?key=of-the-receiver"), &[])
        .await;
    hooked.act(&browser, &id, "test").await;
    receiver.behave(Behaviour::Answers(500, "<script>alert(1)</script> it broke".into()));
    hooked.turn().await;
    let stakeholder = stakeholder(&hooked).await;
    for path in ["".to_owned(), format!("/{id}")] {
        let page = stakeholder.get(&hooked.path(&path)).await;
        assert_eq!(page.status, 200);
        assert!(
            page.body.contains("/hooks") && !page.body.contains("of-the-receiver"),
            "{page:?}"
        );
        assert!(
            !page.body.contains("<button class=\"danger\"") && !page.body.contains("/rotate"),
            "{page:?}"
        );
    }
    let delivery = hooked.only_delivery(&id).await;
    assert_eq!(delivery.state, State::Failed, "a test is tried once");
    let page = stakeholder
        .get(&hooked.path(&format!("/{id}/deliveries/{}", delivery.id)))
        .await;
    assert!(
        page.body.contains("it broke") && !page.body.contains("<script>alert"),
        "{page:?}"
    );
    for path in ["/edit", "/rotate", "/remove"] {
        assert_eq!(stakeholder.get(&hooked.path(&format!("/{id}{path}"))).await.status, 403);
    }
}

async fn stakeholder(hooked: &Hooked) -> Browser<'_> {
    const STAKEHOLDER: &str = "stake@elsewhere.example";
    let world: &World = hooked.world();
    world.add_user(STAKEHOLDER).await;
    crate::browser::set_password(world, STAKEHOLDER).await;
    let mut batch = grantd::store::Batch::new();
    let dossier = grantd::model::dossier::Dossier {
        stakeholders: vec![STAKEHOLDER.into()],
        ..grantd::model::dossier::Dossier::new(hooked.app())
    };
    batch.insert(&dossier).unwrap();
    world.ctx.store.commit(batch).await.unwrap();
    let browser = Browser::new(world);
    let page = browser.get("/login").await;
    let fields = [("email", STAKEHOLDER), ("password", crate::browser::PASSWORD)];
    assert_eq!(browser.submit(&page, "/login", &fields).await.status, 303);
    browser
}

#[tokio::test]
async fn an_app_that_goes_to_another_owner_tells_nobody_until_they_have_looked() {
    let receiver = Receiver::up().await;
    let hooked = receiver.hooked("default").await;
    let browser = hooked.browser().await;
    let (id, _) = hooked.add(&browser, &[]).await;
    let world = hooked.world();
    let other = world.add_organization("Other").await;
    world
        .set_role_in(&other, crate::browser::EMAIL, grantd::model::role::Role::Owner)
        .await;
    let path = format!("/developer/apps/{}/transfer", hooked.app());
    let page = browser.get(&path).await;
    let name = hooked.asking.app(hooked.app()).await.name.clone();
    let fields = [("organization", other.as_str()), ("confirm", &name)];
    let moved = browser.submit(&page, &path, &fields).await;
    assert_eq!(moved.status, 303, "{moved:?}");
    assert_eq!(hooked.endpoint(&id).await.standing, Standing::Transferred);
    hooked.consent().await;
    hooked.turn().await;
    assert_eq!((receiver.take().len(), hooked.deliveries(&id).await.len()), (0, 1));
    hooked.act(&browser, &id, "enable").await;
    hooked.turn().await;
    assert_eq!(receiver.take().len(), 1, "nothing was lost");
}

#[tokio::test]
async fn an_endpoint_added_while_the_app_changes_hands_is_paused_too() {
    const ADMIN: &str = "admin@example.com";
    let mut both = 0;
    for seed in 0..32 {
        let world = World::with_store("default", Arc::new(Yielding::new(seed))).await;
        let asking = Authorizing::over(world).await;
        let (world, client_id) = (&asking.world, asking.web.0.as_str());
        world.add_member(ADMIN, Role::Admin).await;
        let other = world.add_organization("Other").await;
        world.set_role_in(&other, OWNER, Role::Owner).await;
        let ctx = &world.ctx;
        let actor = async |email: &str| {
            let user = load_by_index::<User>(&*ctx.store, &keys::email(email)).await.unwrap();
            Actor::of_user(ctx.load(&keys::user(&user.unwrap().id)).await.unwrap().unwrap())
        };
        let (owner, admin) = (actor(OWNER).await, actor(ADMIN).await);
        let wanted = Wanted {
            label: "theirs".into(),
            url: "https://hooks.example/".into(),
            events: Vec::new(),
            in_order: false,
        };
        let adding = async {
            let mut added = 0;
            for _ in 0..3 {
                added += usize::from(webhooks::add(ctx, &admin, client_id, &wanted).await.is_ok());
            }
            added
        };
        let (moved, added) = tokio::join!(transfer(ctx, &owner, client_id, &other, ""), adding);
        moved.expect("it goes to the other organization whatever others do");
        let (found, _) = list::<Endpoint>(&*ctx.store, &keys::endpoints(client_id), None, 20)
            .await
            .unwrap();
        assert_eq!(found.len(), added, "seed {seed}");
        assert!(
            found.iter().all(|endpoint| endpoint.standing == Standing::Transferred),
            "seed {seed}: {found:?}"
        );
        both += usize::from(added > 0);
    }
    assert!(both > 0, "the two never met");
}
