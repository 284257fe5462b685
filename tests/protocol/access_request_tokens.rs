//! An access request that is answered with a personal access token.

use crate::access_requests::{ASKER, answer, ask, join, requests, world};
use crate::administrators::{ADMINISTRATOR, actor, events, on_duty, signed_in, user};
use crate::http::Answer;
use crate::mail_server::MailServer;
use crate::personal_tokens::{DAY, is_active, text};
use crate::support::{ISSUER, World, config};
use grantd::config::{SelfService, SignUp};
use grantd::jobs::mail;
use grantd::model::event::EventKind;
use grantd::model::personal_token::PersonalToken;
use grantd::model::role::Role;
use grantd::model::user::Duty;
use grantd::platform::access_requests::offers;
use grantd::store::keys;
use grantd::store::memory::MemoryStore;
use grantd::store::records::list;
use std::path::Path;
use std::sync::Arc;

const STATUS: &str = "/access-requests/status";
const TOKEN: [(&str, &str); 7] = [
    ("decision", "accept"),
    ("organization_name", "Asking Ltd"),
    ("role", "developer"),
    ("app_name", "Nightly books"),
    ("kind", "personal_token"),
    ("days", "14"),
    ("scopes", "data.read"),
];

/// Where members ask for tokens instead of making them.
async fn on_request() -> World {
    let mut config = config("default", Path::new("/nonexistent/grantd"));
    config.profile.pat.self_service = SelfService::OnRequest;
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    world
}

fn invitation(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let (_, rest) = answer
        .body
        .split_once(&format!("{ISSUER}/invitation"))
        .expect("an invitation");
    format!("/invitation{}", rest.split('<').next().unwrap())
}

/// Those fields, with others in their place.
fn with<'a>(others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = TOKEN.to_vec();
    fields.retain(|(name, _)| others.iter().all(|(other, _)| other != name));
    fields.extend(others);
    fields
}

async fn tokens(world: &World, email: &str) -> Vec<PersonalToken> {
    let prefix = keys::personal_tokens(&user(world, email).await.id);
    let (found, _) = list::<PersonalToken>(&*world.ctx.store, &prefix, None, 100)
        .await
        .unwrap();
    found.into_iter().map(|token| token.value).collect()
}

#[tokio::test]
async fn a_request_becomes_a_token_where_members_make_none_of_their_own() {
    let world = on_request().await;
    let server = world.add_resource_server().await;
    let status = ask(&world, ASKER).await;
    let accepted = answer(&world, &TOKEN).await;
    let asker = join(&world, &invitation(&accepted), ASKER).await;
    let own = asker.get("/account/tokens").await;
    assert!(
        own.body.contains("on request") && !own.body.contains("/account/tokens/new"),
        "{own:?}"
    );

    let page = asker.get(&status).await;
    assert!(
        page.body.contains("Make the token") && page.body.contains("data.read"),
        "{page:?}"
    );
    let made = asker.submit(&page, STATUS, &[]).await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let token = text(&made);
    world.secrets.keep_token(&token);
    let seen = world.introspect_as(&server, &token).await;
    assert_eq!(
        (&seen["active"], &seen["scope"]),
        (&true.into(), &"data.read".into()),
        "{seen}"
    );
    let [record] = &tokens(&world, ASKER).await[..] else {
        panic!("one token")
    };
    let organization = requests(&world).await[0].offer().unwrap().organization.clone();
    assert_eq!(
        (&record.organization, record.name.as_str()),
        (&organization, "Nightly books")
    );
    assert_eq!(record.expires_at, Some(world.ctx.now() + DAY * 14));

    // Once, and shown once.
    let again = asker.submit(&page, STATUS, &[]).await;
    assert!(
        again.status == 409 && again.body.contains("was made already"),
        "{again:?}"
    );
    let later = asker.get(&status).await;
    assert!(
        later.body.contains("/account/tokens") && !later.body.contains(&token),
        "{later:?}"
    );
    let list = asker.get("/account/tokens").await;
    assert!(
        list.body.contains("Nightly books") && !list.body.contains(&token),
        "{list:?}"
    );
    assert_eq!(events(&world, EventKind::PersonalTokenCreated).await.len(), 1);
    let desk = signed_in(&world, ADMINISTRATOR).await;
    let shown = desk
        .get(&format!("/admin/access-requests/{}", requests(&world).await[0].id))
        .await;
    assert!(
        shown.body.contains("A personal access token") && !shown.body.contains(&token),
        "{shown:?}"
    );

    // It ends as any other does.
    world.advance(DAY * 14);
    assert!(!is_active(&world, &server, &token).await);
}

#[tokio::test]
async fn the_token_is_bound_by_the_role_when_it_is_made_and_when_it_is_used() {
    let world = world().await;
    let server = world.add_resource_server().await;
    let status = ask(&world, ASKER).await;
    let organization = world.organization.clone();
    let mut fields = with(&[("organization", &organization), ("scopes", "data.read")]);
    fields.extend([("scopes", "data.write"), ("scopes", "grantd:apps:write")]);
    let accepted = answer(&world, &fields).await;
    let asker = join(&world, &invitation(&accepted), ASKER).await;
    world.set_role(ASKER, Role::Member).await;
    let page = asker.get(&status).await;
    let token = text(&asker.submit(&page, STATUS, &[]).await);
    world.secrets.keep_token(&token);
    let [record] = &tokens(&world, ASKER).await[..] else {
        panic!("one token")
    };
    assert_eq!(record.scopes, ["data.read"], "what a developer may, a member may not");
    assert!(is_active(&world, &server, &token).await);
    world
        .run(grantd::control::Command::MemberRemove {
            organization,
            user: ASKER.into(),
        })
        .await;
    assert!(!is_active(&world, &server, &token).await);
}

#[tokio::test]
async fn an_offer_of_a_token_is_judged_where_it_is_made() {
    let world = world().await;
    ask(&world, ASKER).await;
    let long = "x".repeat(61);
    let organization = world.organization.clone();
    for (field, value, why) in [
        ("days", "0", "from 1 to 366"),
        ("days", "367", "from 1 to 366"),
        ("days", "soon", "from 1 to 366"),
        ("days", "", "from 1 to 366"),
        ("app_name", &long, "1 to 60 visible characters"),
        ("scopes", "nothing.read", "at least one scope"),
        ("scopes", "settings.write", "cannot hold: settings.write"),
        ("scopes", "grantd:reviews", "cannot hold: grantd:reviews"),
    ] {
        let refused = answer(&world, &with(&[("organization", &organization), (field, value)])).await;
        assert!(
            refused.status == 422 && refused.body.contains(why),
            "{field} {value}: {refused:?}"
        );
    }
    assert!(requests(&world).await[0].answer.is_none());
    // An owner's own may hold it, and what stands in the days of an app is nobody's business.
    let accepted = answer(&world, &with(&[("scopes", "settings.write")])).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    ask(&world, "app@example.com").await;
    let waiting = requests(&world)
        .await
        .into_iter()
        .find(|request| request.answer.is_none())
        .unwrap();
    let desk = signed_in(&world, ADMINISTRATOR).await;
    let path = format!("/admin/access-requests/{}", waiting.id);
    let page = desk.get(&path).await;
    let app = desk
        .submit(&page, &path, &with(&[("kind", "private"), ("days", "soon")]))
        .await;
    assert_eq!(app.status, 200, "{app:?}");
}

#[tokio::test]
async fn of_ten_who_take_it_up_at_once_one_gets_a_token_and_none_goes_by_mail() {
    let mails = MailServer::up().await;
    let world = mails.world(SignUp::Invite).await;
    on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    let status = ask(&world, ASKER).await;
    let accepted = answer(&world, &TOKEN).await;
    assert_eq!(accepted.status, 303, "{accepted:?}");
    mail::turn(&world.ctx).await.unwrap();
    let invited = mails
        .take()
        .into_iter()
        .find(|letter| letter.text.contains("/invitation"))
        .unwrap();
    let link = invited
        .text
        .split_whitespace()
        .find(|word| word.contains("/invitation"))
        .unwrap();
    join(&world, link.strip_prefix(ISSUER).unwrap(), ASKER).await;
    let asker = actor(&world, ASKER).await;
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (ctx, asker) = (world.ctx.clone(), asker.clone());
            let token = status.split('=').nth(1).unwrap().to_owned();
            tokio::spawn(async move { offers::make(&ctx, &asker, &token).await.is_ok() })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        made += usize::from(task.await.unwrap());
    }
    assert_eq!((made, tokens(&world, ASKER).await.len()), (1, 1));
    mail::turn(&world.ctx).await.unwrap();
    assert!(mails.take().is_empty(), "what was made goes by no mail");
}
