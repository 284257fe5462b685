//! What becomes of a webhook subscription when the access ends that it belongs to.

use crate::browser::{Browser, EMAIL, set_password};
use crate::shop::{CURRENT, Shop};
use grantd::model::grant::Grant;
use grantd::model::subscription::owner_of_grant;
use grantd::oauth::subscriptions;
use grantd::platform::granted;
use grantd::store::records::load;
use grantd::store::{Batch, Outcome, keys};
use serde_json::json;

/// RFC 7009 and the contract's section 5.4.
#[tokio::test]
async fn a_refresh_token_given_back_switches_it_off() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let (id, _) = connection.subscribe("/hooks").await;
    let form = format!("token={}", connection.refresh_token);
    assert_eq!(shop.world.post_as(&shop.app, "/oauth/revoke", &form).await.status, 200);
    let [subscription] = &shop.subscriptions().await[..] else {
        panic!("one")
    };
    assert_eq!((&subscription.id, subscription.active), (&id, false));
    assert_eq!(subscription.url, shop.receiver.url("/hooks"), "address and secret stay");
    assert_eq!(connection.get(CURRENT).await.status, 401);
    let again = shop.connect_as(&shop.app, 2).await;
    let read = again.get(CURRENT).await;
    assert_eq!(
        (&read.json["subscription"]["id"], &read.json["subscription"]["active"]),
        (&json!(id), &json!(false)),
        "the grant is the same, and so is its subscription"
    );
}

#[tokio::test]
async fn a_user_who_takes_the_grant_back_switches_it_off() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    connection.subscribe("/hooks").await;
    let grant = shop.world.the_grant().await;
    let taken_back = granted::revoke(&shop.world.ctx, &grant.user, &grant.organization, &grant.id).await;
    assert!(taken_back.unwrap());
    assert!(!shop.subscriptions().await[0].active);
}

/// As many as one batch ends, each with a subscription.
#[tokio::test]
async fn an_admin_who_disconnects_the_app_switches_all_of_them_off() {
    let shop = Shop::open().await;
    let world = &shop.world;
    world.add_member(EMAIL, grantd::model::role::Role::Owner).await;
    set_password(world, EMAIL).await;
    shop.connect().await.subscribe("/hooks").await;
    let original = shop.subscriptions().await.remove(0);
    let grant = world.the_grant().await;
    for number in 0..14 {
        let mut other = grant.clone();
        (other.id, other.user) = (format!("g_{number}"), format!("u_{number}"));
        let mut subscription = original.clone();
        subscription.owner = owner_of_grant(&other.id);
        subscription.id = format!("00000000-0000-4000-8000-0000000000{number:02}");
        let mut batch = Batch::new();
        batch.insert(&other).unwrap().insert(&subscription).unwrap();
        assert!(matches!(
            world.ctx.store.commit(batch).await.unwrap(),
            Outcome::Committed(_)
        ));
    }
    let browser = Browser::new(world);
    browser.sign_in().await;
    let path = format!("/organizations/{}/apps/{}/revoke", world.organization, shop.app.0);
    let page = browser.get(&path).await;
    let done = browser.submit(&page, &path, &[("confirm", "App")]).await;
    assert!(done.status == 303 || done.status == 200, "{done:?}");
    let all = shop.subscriptions().await;
    assert_eq!(all.len(), 15);
    assert!(all.iter().all(|subscription| !subscription.active), "{all:?}");
}

/// What an installation asks when it is reset.
#[tokio::test]
async fn the_ids_of_all_that_a_client_ever_had_are_told_in_order_and_the_current_one_ends() {
    let shop = Shop::open().await;
    let ctx = &shop.world.ctx;
    let connection = shop.connect().await;
    let (id, _) = connection.subscribe("/hooks").await;
    let current = shop.subscriptions().await.remove(0);
    for number in 0..230 {
        let mut old = current.clone();
        old.owner = owner_of_grant(&format!("g_{number}"));
        old.id = format!("{:08x}-0000-4000-8000-000000000000", number * 0x0101_0101_u32);
        old.active = false;
        let mut batch = Batch::new();
        batch.insert(&old).unwrap();
        ctx.store.commit(batch).await.unwrap();
    }
    let grant = shop.world.the_grant().await;
    let place = Some((grant.organization.as_str(), grant.id.as_str()));
    let mut batch = Batch::new();
    let ids = subscriptions::put_end_of_client(ctx, &mut batch, &shop.app.0, place)
        .await
        .unwrap();
    assert!(ids.len() == 231 && ids.contains(&id) && ids.is_sorted());
    assert!(batch.writes.len() == 1, "{batch:?}");
    // What changes meanwhile is noticed.
    connection.put(&json!({ "url": shop.receiver.url("/meanwhile") })).await;
    assert_eq!(ctx.store.commit(batch).await.unwrap(), Outcome::Conflict);
    let mut batch = Batch::new();
    subscriptions::put_end_of_client(ctx, &mut batch, &shop.app.0, place)
        .await
        .unwrap();
    assert!(matches!(ctx.store.commit(batch).await.unwrap(), Outcome::Committed(_)));
    assert!(
        shop.subscriptions()
            .await
            .iter()
            .all(|subscription| !subscription.active)
    );
    // One that is made or switched on meanwhile is noticed too.
    let mut batch = Batch::new();
    subscriptions::put_end_of_client(ctx, &mut batch, &shop.app.0, place)
        .await
        .unwrap();
    connection.put(&json!({ "url": shop.receiver.url("/again") })).await;
    assert_eq!(ctx.store.commit(batch).await.unwrap(), Outcome::Conflict);
}

#[tokio::test]
async fn ending_rests_on_there_being_no_subscription_where_there_is_none() {
    let shop = Shop::open().await;
    let ctx = &shop.world.ctx;
    let connection = shop.connect().await;
    let grant = shop.world.the_grant().await;
    let place = Some((grant.organization.as_str(), grant.id.as_str()));
    let (mut of_grant, mut of_client) = (Batch::new(), Batch::new());
    subscriptions::put_end(ctx, &mut of_grant, &grant.organization, &grant.id)
        .await
        .unwrap();
    let ids = subscriptions::put_end_of_client(ctx, &mut of_client, &shop.app.0, place).await;
    assert_eq!(ids.unwrap(), Vec::<String>::new());
    connection.subscribe("/hooks").await;
    for batch in [of_grant, of_client] {
        assert_eq!(ctx.store.commit(batch).await.unwrap(), Outcome::Conflict);
    }
}

/// Who is asked to change one while its grant ends does not bring it to life again.
#[tokio::test]
async fn nothing_is_made_under_a_grant_that_has_ended() {
    let shop = Shop::open().await;
    let connection = shop.connect().await;
    let grant = shop.world.the_grant().await;
    let key = keys::grant(&grant.organization, &grant.id);
    let grant = load::<Grant>(&*shop.world.ctx.store, &key).await.unwrap().unwrap();
    let mut batch = Batch::new();
    batch.replace(&grant, &grant.revoke()).unwrap();
    shop.world.ctx.store.commit(batch).await.unwrap();
    let answer = connection.put(&json!({ "url": shop.receiver.url("/hooks") })).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let key = keys::subscription(&grant.organization, &owner_of_grant(&grant.id));
    assert_eq!(shop.world.ctx.store.get(&key).await.unwrap(), None);
}
