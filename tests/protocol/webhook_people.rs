//! Webhooks and people: what stakeholders see of them, and what becomes of them when an app changes hands.

use crate::browser::Browser;
use crate::developing::Developing;
use crate::receiver::{Behaviour, Hooked, Receiver};
use crate::support::World;
use grantd::model::delivery::State;
use grantd::model::endpoint::Standing;
use grantd::platform::actor::Actor;
use grantd::platform::webhooks::{self, Wanted, deliveries};
use grantd::store::keys;

/// An endpoint of the app that its developer made, and a test on its way there.
pub async fn endpoint_of(d: &Developing, email: &str, client_id: &str) -> (String, String) {
    let ctx = &d.world.ctx;
    let key = keys::user(&d.user(email).await);
    let actor = Actor::of_user(ctx.load(&key).await.unwrap().unwrap());
    let wanted = Wanted {
        label: "production".into(),
        url: "https://hooks.example/".into(),
        events: Vec::new(),
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
