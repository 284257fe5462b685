//! An app's credentials: secrets that overlap, keys of assertions, and tokens made in the portal.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, encoded, hidden, set_password, unescaped, world};
use crate::http::Answer;
use crate::proofs::ClientKey;
use crate::rfc7523::with_assertion;
use crate::support::{Client, World, judged};
use grantd::base::jose::Alg;
use grantd::jobs;
use grantd::model::app::{App, AppState};
use grantd::model::dossier::Dossier;
use grantd::model::event::EventKind;
use grantd::model::role::Role;
use grantd::store::Batch;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub fn page_of(client_id: &str) -> String {
    format!("/developer/apps/{client_id}/credentials")
}

/// What the page shows once, with this prefix.
fn shown(page: &Answer) -> String {
    let notice = page.body.split("role=\"status\"").nth(1).expect("something was made");
    let text = notice.split("<code class=\"once\">").nth(1).expect("it is shown");
    text.split('<').next().unwrap().to_owned()
}

async fn add_secret(browser: &Browser<'_>, world: &World, client_id: &str, fields: &[(&str, &str)]) -> String {
    let page = browser.get(&page_of(client_id)).await;
    let action = format!("{}/secrets", page_of(client_id));
    let made = browser.submit(&page, &action, fields).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let secret = shown(&made);
    world.secrets.keep(&secret);
    secret
}

/// Whether these are the credentials of a client.
async fn authenticates(world: &World, client: &Client) -> bool {
    let answer = world.post_as(client, "/oauth/introspect", "token=x").await;
    assert!([200, 401].contains(&answer.status), "{answer:?}");
    answer.status == 200
}

/// The addresses of the links that end so, in the order they stand.
fn links(page: &Answer, ending: &str) -> Vec<String> {
    let hrefs = page.body.split("href=\"").skip(1);
    let hrefs = hrefs.map(|rest| unescaped(rest.split('"').next().unwrap()));
    hrefs.filter(|href| href.ends_with(ending)).collect()
}

async fn count(asking: &Authorizing, kind: EventKind) -> usize {
    asking.events().await.iter().filter(|event| event.kind == kind).count()
}

#[tokio::test]
async fn a_second_secret_overlaps_with_the_first_which_is_then_revoked() {
    let asking = world("default").await;
    let (world, (id, first)) = (&asking.world, &asking.web);
    let browser = Browser::new(world);
    browser.sign_in().await;
    let second = add_secret(&browser, world, id, &[("label", "<script>alert(1)</script>")]).await;
    let page = browser.get(&page_of(id)).await;
    assert!(page.body.contains("&lt;script&gt;alert(1)") && !page.body.contains("<script>alert"));
    let (old, new) = ((id.clone(), first.clone()), (id.clone(), second));
    assert!(authenticates(world, &old).await && authenticates(world, &new).await);

    // A third one is refused, whatever the page offers.
    let csrf = hidden(&browser.get(&page_of(&asking.web.0)).await, "/logout");
    assert!(!csrf.is_empty() && !page.body.contains("/credentials/secrets\""));

    let revoke = links(&page, "/revoke");
    assert_eq!(revoke.len(), 2);
    let asked = browser.get(&revoke[0]).await;
    let wrong = browser.submit(&asked, &revoke[0], &[("confirm", "second")]).await;
    assert_eq!(wrong.status, 422);
    assert!(authenticates(world, &old).await, "nothing was confirmed");
    let done = browser.submit(&asked, &revoke[0], &[("confirm", "first")]).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some(page_of(id).as_str()))
    );
    assert!(!authenticates(world, &old).await && authenticates(world, &new).await);
    assert_eq!(count(&asking, EventKind::SecretCreated).await, 1);
    assert_eq!(count(&asking, EventKind::SecretRevoked).await, 1);
    assert_eq!(browser.get(&revoke[0]).await.status, 404, "it is gone");
}

#[tokio::test]
async fn a_third_secret_is_refused_and_a_public_client_has_none() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let (web, spa) = (&asking.web.0, &asking.spa.0);
    let page = browser.get(&page_of(web)).await;
    let form = hidden(&page, &format!("{}/secrets", page_of(web)));
    let form = encoded(&form, &[("label", "one more")]);
    let post = async |id: &str| browser.post(&format!("{}/secrets", page_of(id)), &form, &[]).await;
    let made = post(web).await;
    asking.world.secrets.keep(&shown(&made));
    let refused = post(web).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(!browser.get(&page_of(spa)).await.body.contains("name=\"label\""));
    assert_eq!(post(spa).await.status, 409);
}

#[tokio::test]
async fn a_secret_ends_on_the_day_that_was_chosen() {
    let asking = world("default").await;
    let (world, id) = (&asking.world, &asking.web.0);
    let browser = Browser::new(world);
    browser.sign_in().await;
    let page = browser.get(&page_of(id)).await;
    let action = format!("{}/secrets", page_of(id));
    for bad in ["2025-12-31", "2026-02-30", "2046-01-01", "tomorrow", ""] {
        let fields = [("label", "Kept as typed"), ("expires", "date"), ("expires_on", bad)];
        let refused = browser.submit(&page, &action, &fields).await;
        assert_eq!(refused.status, 422, "{bad}");
        assert!(refused.body.contains("value=\"Kept as typed\""));
    }
    let fields = [("label", "short"), ("expires", "date"), ("expires_on", "2026-01-02")];
    let client = (id.clone(), add_secret(&browser, world, id, &fields).await);
    world.advance(DAY * 2 - Duration::from_secs(1));
    assert!(authenticates(world, &client).await, "the last second of the day");
    world.advance(Duration::from_secs(1));
    assert!(!authenticates(world, &client).await);
}

#[tokio::test]
async fn the_last_use_of_a_secret_is_seen_at_once_and_survives_a_restart() {
    let asking = world("default").await;
    let (world, id) = (&asking.world, &asking.web.0);
    let browser = Browser::new(world);
    browser.sign_in().await;
    assert!(browser.get(&page_of(id)).await.body.contains("Not used yet"));
    let wrong = (id.clone(), "default_secret_wrong".to_owned());
    assert!(!authenticates(world, &wrong).await);
    assert!(
        browser.get(&page_of(id)).await.body.contains("Not used yet"),
        "a wrong one is no use"
    );
    world.advance(Duration::from_secs(60));
    assert!(authenticates(world, &asking.web).await);
    assert!(browser.get(&page_of(id)).await.body.contains("2026-01-01 00:01 UTC"));
    jobs::finish(&world.ctx).await;
    let restarted = world.restarted().await;
    let again = Browser::new(&restarted);
    again.plant(&browser.cookie());
    assert!(again.get(&page_of(id)).await.body.contains("2026-01-01 00:01 UTC"));
}

#[tokio::test]
async fn nobody_but_admins_and_the_team_sees_or_changes_credentials() {
    let asking = world("default").await;
    let (world, id) = (&asking.world, &asking.web.0);
    let owner = Browser::new(world);
    owner.sign_in().await;
    let page = owner.get(&page_of(id)).await;
    let form = hidden(&page, &format!("{}/secrets", page_of(id)));
    let form = encoded(&form, &[("label", "mine")]);
    let other = world.add_organization("Other").await;
    let stakeholder = world.add_user("stake@example.com").await;
    world.add_user("foreign@example.com").await;
    world.set_role_in(&other, "foreign@example.com", Role::Owner).await;
    world.add_member("member@example.com", Role::Member).await;
    world.add_member("developer@example.com", Role::Developer).await;
    let mate = world.add_user("mate@example.com").await;
    world.set_role("mate@example.com", Role::Developer).await;
    assert_ne!(stakeholder, mate);
    let mut batch = Batch::new();
    let dossier = Dossier {
        stakeholders: vec!["stake@example.com".into()],
        team: vec![mate],
        ..Dossier::new(id)
    };
    batch.insert(&dossier).unwrap();
    world.ctx.store.commit(batch).await.unwrap();

    for (email, status) in [
        ("stake@example.com", 403),
        ("foreign@example.com", 404),
        ("member@example.com", 404),
        ("developer@example.com", 403),
        ("mate@example.com", 200),
    ] {
        set_password(world, email).await;
        let browser = Browser::new(world);
        let sign_in = browser.get("/login").await;
        let fields = [("email", email), ("password", crate::browser::PASSWORD)];
        browser.submit(&sign_in, "/login", &fields).await;
        for path in ["/credentials", "/credentials/keys", "/failures"] {
            let answer = browser.get(&format!("/developer/apps/{id}{path}")).await;
            assert_eq!(answer.status, status, "{email} {path}");
        }
        // With somebody else's form nobody gets anywhere.
        let answer = browser.post(&format!("{}/secrets", page_of(id)), &form, &[]).await;
        assert_eq!(answer.status, 403, "{email}");
    }
    let stranger = Browser::new(world).get(&page_of(id)).await;
    assert_eq!(stranger.status, 303);
}

#[tokio::test]
async fn credentials_are_locked_until_the_first_approval() {
    let asking = world("default").await;
    let id = &asking.web.0;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    let page = browser.get(&page_of(id)).await;
    let action = format!("{}/secrets", page_of(id));
    let form = encoded(&hidden(&page, &action), &[("label", "first")]);
    let set = async |state| {
        let change = |app: &mut App| {
            app.state = state;
            app.secrets.clear();
        };
        asking.change_app(id, |app, _| change(app)).await;
    };
    set(AppState::PendingReview).await;
    let page = browser.get(&page_of(id)).await;
    assert!(page.body.contains("approved for the first time") && !page.body.contains("client_secret"));
    assert_eq!(browser.post(&action, &form, &[]).await.status, 409);
    set(AppState::Active).await;
    let made = browser.post(&action, &form, &[]).await;
    assert!(authenticates(&asking.world, &(id.clone(), shown(&made))).await);
}

#[tokio::test]
async fn public_keys_are_registered_beside_the_secret_and_then_instead_of_it() {
    let asking = world("default").await;
    let (world, id) = (&asking.world, &asking.web.0);
    let browser = Browser::new(world);
    browser.sign_in().await;
    let action = format!("{}/keys", page_of(id));
    let key = ClientKey::new(Alg::Es256, 1);
    let save = async |by: &str, jwks: &Value, confirm: &str| {
        let page = browser.get(&action).await;
        let jwks = jwks.to_string();
        browser
            .submit(&page, &action, &[("by", by), ("jwks", &jwks), ("confirm", confirm)])
            .await
    };
    let mut private = key.jwk();
    private["d"] = "not-to-be-seen-anywhere".into();
    let five = vec![key.jwk(); 5];
    for (jwks, words) in [
        (json!({ "keys": [private] }), "Key 1 is a private"),
        (json!({ "keys": five }), "1 to 4 keys"),
        (json!({ "keys": [] }), "1 to 4 keys"),
        (json!([key.jwk()]), "no JWK set"),
        (
            json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }] }),
            "Key 1 cannot be used",
        ),
    ] {
        let refused = save("both", &jwks, "").await;
        assert_eq!(refused.status, 422, "{jwks}");
        assert!(unescaped(&refused.body).contains(words), "{refused:?}");
        assert!(!refused.body.contains("not-to-be-seen"), "{refused:?}");
    }
    let signed = async || {
        let form = with_assertion("token=x", &key.assertion(world, id));
        world
            .post("/oauth/introspect", crate::http::Auth::None, &form)
            .await
            .status
            == 200
    };
    assert!(!signed().await);
    let set = json!({ "keys": [key.jwk()] });
    assert_eq!(save("both", &set, "").await.status, 303);
    assert!(
        signed().await && authenticates(world, &asking.web).await,
        "while one changes over, both work"
    );
    assert_eq!(
        save("private_key_jwt", &set, "").await.status,
        422,
        "it ends the secrets"
    );
    assert!(authenticates(world, &asking.web).await);
    assert_eq!(save("private_key_jwt", &set, "App").await.status, 303);
    assert!(signed().await && !authenticates(world, &asking.web).await);
    assert_eq!(save("secret", &set, "App").await.status, 303);
    assert!(
        !signed().await && !authenticates(world, &asking.web).await,
        "the old secret does not come back"
    );
    assert_eq!(count(&asking, EventKind::AppChanged).await, 3);
}

#[tokio::test]
async fn a_generated_token_works_and_dies_at_once_when_it_is_revoked() {
    let asking = world("mokapen").await;
    let (world, id) = (&asking.world, &asking.world.client_id);
    let browser = Browser::new(world);
    browser.sign_in().await;
    let page = browser.get(&page_of(id)).await;
    let action = format!("{}/tokens", page_of(id));
    let scope = world.ctx.profile().scopes.names().next().unwrap().to_owned();
    for (fields, what) in [
        (vec![("label", ""), ("scope", &*scope)], "no label"),
        (vec![("label", "x")], "no scope"),
        (
            vec![("label", "x"), ("scope", "grantd:apps:write")],
            "no scope of the app",
        ),
        (
            vec![("label", "x"), ("scope", &scope), ("lifetime", "31536001")],
            "longer than allowed",
        ),
        (
            vec![("label", "x"), ("scope", &scope), ("lifetime", "soon")],
            "no number",
        ),
    ] {
        let refused = browser.submit(&page, &action, &fields).await;
        assert_eq!(refused.status, 422, "{what}");
    }
    let fields = [("label", "Nightly"), ("scope", scope.as_str()), ("lifetime", "3600")];
    let made = browser.submit(&page, &action, &fields).await;
    assert_eq!(made.status, 200, "{made:?}");
    let token = shown(&made);
    world.secrets.keep_token(&token);
    let seen = world.introspect(&token).await;
    assert!(judged(&seen));
    assert_eq!((&seen["scope"], &seen["organization_id"]), (&scope.into(), &849.into()));
    assert_eq!(seen["exp"].as_u64().unwrap() - seen["iat"].as_u64().unwrap(), 3600);

    let page = browser.get(&page_of(id)).await;
    assert!(page.body.contains("Nightly"));
    let revoke = links(&page, "/revoke")
        .into_iter()
        .find(|href| href.contains("/tokens/"))
        .unwrap();
    let asked = browser.get(&revoke).await;
    assert_eq!(
        browser.submit(&asked, &revoke, &[("confirm", "nothing")]).await.status,
        422
    );
    assert!(world.is_active(&token).await);
    assert_eq!(
        browser.submit(&asked, &revoke, &[("confirm", "Nightly")]).await.status,
        303
    );
    assert!(!world.is_active(&token).await);
    assert!(!world.restarted().await.is_active(&token).await);
    assert_eq!(count(&asking, EventKind::TokenCreated).await, 1);
    assert_eq!(count(&asking, EventKind::TokenRevoked).await, 1);
    world.advance(Duration::from_secs(3600));
    assert!(
        !browser.get(&page_of(id)).await.body.contains("Nightly"),
        "it would have expired"
    );
}

#[tokio::test]
async fn a_token_is_generated_for_the_open_organization_alone_and_only_for_private_apps() {
    let asking = world("default").await;
    let (world, id) = (&asking.world, &asking.world.client_id);
    let other = world.add_organization("Aardvark").await;
    world.set_role_in(&other, crate::browser::EMAIL, Role::Owner).await;
    let browser = Browser::new(world);
    browser.sign_in().await;
    let account = browser.get("/account").await;
    let switch = async |to: &str| browser.submit(&account, "/organization", &[("organization", to)]).await;
    switch(&world.organization).await;
    let page = browser.get(&page_of(id)).await;
    let form = |id: &str| format!("{}/tokens", page_of(id));
    let scope = world.ctx.profile().scopes.names().next().unwrap().to_owned();
    let fields = [("label", "x"), ("scope", scope.as_str())];
    let body = encoded(&hidden(&page, &form(id)), &fields);
    switch(&other).await;
    assert!(!browser.get(&page_of(id)).await.body.contains("/credentials/tokens\""));
    assert_eq!(
        browser.post(&form(id), &body, &[]).await.status,
        409,
        "another one is open"
    );
    switch(&world.organization).await;
    assert_eq!(
        browser.post(&form(&asking.web.0), &body, &[]).await.status,
        409,
        "not a private app"
    );
    assert_eq!(browser.post(&form(id), &body, &[]).await.status, 200);
}
