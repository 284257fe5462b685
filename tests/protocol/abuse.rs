//! What one network, one organization and one token can do, and what is known of it afterwards.

use crate::access_requests::requests;
use crate::administrators::events;
use crate::api::Api;
use crate::browser::{EMAIL, world};
use crate::organization_pages::id_of;
use crate::support::World;
use grantd::account;
use grantd::model::event::EventKind;
use grantd::model::role::Role;
use grantd::model::user::User;
use grantd::platform::access_requests::{self, Asked};
use grantd::platform::actor::Actor;
use grantd::platform::invitations;
use grantd::platform::refusal::Refusal;
use grantd::store::keys;
use grantd::store::records::load_by_index;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn asks(world: &World, email: &str, peer: &str) -> Result<String, Refusal> {
    let asked = Asked {
        name: "Ida",
        organization: "Asking Ltd",
        email,
        integration: "direct_system",
        description: "Books",
    };
    let texts = world.ctx.config.pages.texts(["en"]);
    access_requests::ask(&world.ctx, texts, asked, peer.parse().unwrap()).await
}

fn waits(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Account(account::Refusal::Wait(wait)) if *wait > Duration::ZERO && *wait <= DAY)
}

#[tokio::test]
async fn one_network_asks_for_access_twenty_times_a_day_whatever_addresses_it_names() {
    let world = World::new("default").await;
    for at in 0..20 {
        let peer = format!("2001:db8:0:7::{at:x}");
        asks(&world, &format!("a{at}@example.com"), &peer).await.unwrap();
    }
    let refused = asks(&world, "one-more@example.com", "2001:db8:0:7:ffff::1")
        .await
        .unwrap_err();
    assert!(waits(&refused), "{refused:?}");
    asks(&world, "else@example.com", "2001:db8:0:8::1")
        .await
        .expect("another network");
    assert_eq!(requests(&world).await.len(), 21);
    world.advance(DAY);
    asks(&world, "one-more@example.com", "2001:db8:0:7::1")
        .await
        .expect("another day");
}

#[tokio::test]
async fn one_organization_sends_two_hundred_invitations_a_day() {
    let the = world("default").await;
    let world = &the.world;
    let ada = load_by_index::<User>(&*world.ctx.store, &keys::email(EMAIL))
        .await
        .unwrap()
        .unwrap();
    let ada = Actor::of_user(Arc::new(ada));
    let second = world.add_organization("Zeta").await;
    world.set_role_in(&second, EMAIL, Role::Owner).await;
    let texts = world.ctx.config.pages.texts(["en"]);
    let invite = async |organization: &str, email: String| {
        invitations::invite(&world.ctx, &ada, texts, organization, (&email, Role::Member)).await
    };
    for at in 0..200 {
        // Ten to each address, which is as many as one gets.
        invite(&world.organization, format!("new{}@example.com", at % 20))
            .await
            .unwrap();
    }
    let refused = invite(&world.organization, "one-more@example.com".into())
        .await
        .unwrap_err();
    assert!(waits(&refused), "{refused:?}");
    invite(&second, "one-more@example.com".into())
        .await
        .expect("another organization");
    world.advance(DAY);
    invite(&world.organization, "one-more@example.com".into())
        .await
        .expect("another day");
}

#[tokio::test]
async fn what_a_token_did_names_it_in_the_audit_log_and_its_file() {
    let the = world("default").await;
    let ada = the.ada().await;
    let api = Api::of(&the.world, EMAIL, &[]).await;
    the.world.advance(Duration::from_secs(1));
    let made = api
        .post("/tokens", &json!({ "name": "By a script", "scopes": ["data.read"] }))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    the.world.secrets.keep_token(&made.text("secret"));
    let created = events(&the.world, EventKind::PersonalTokenCreated).await;
    let by_script = created
        .iter()
        .find(|event| event.subject.as_deref() == Some("By a script"))
        .unwrap();
    let token = by_script.token.as_ref().expect("made with a token");
    assert_eq!(token.name, "API");
    let by_hand = created
        .iter()
        .find(|event| event.subject.as_deref() == Some("API"))
        .unwrap();
    assert_eq!(by_hand.token, None);
    assert_eq!(by_hand.user.as_deref(), Some(&*id_of(&the.world, EMAIL).await));

    let page = ada.get(&the.at("/audit")).await;
    assert_eq!(page.body.matches("with the token “API”").count(), 1, "{page:?}");
    let file = ada.get(&the.at("/audit.csv")).await;
    let head = file.body.lines().next().unwrap();
    assert!(head.ends_with("\"note\",\"token\",\"token_id\""), "{head}");
    let row = file.body.lines().find(|line| line.contains("By a script")).unwrap();
    assert!(row.ends_with(&format!("\"\",\"API\",\"{}\"", token.id)), "{row}");
}
