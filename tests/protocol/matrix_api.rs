//! Who may do what with the JSON API: every operation for every kind of person, each with a token that holds all it can
//! hold, from one table. An operation that is in no table fails.

use crate::api::{Api, BASE, call};
use crate::developing::{ADMIN, COLLEAGUE, MEMBER, STAKEHOLDER};
use crate::http::Answer;
use crate::matrix::{ADMINISTRATOR, Cast, EVERYBODY, FOREIGN, PEOPLE, REVIEWER};
use crate::matrix_api_rows::{NEW_WEBHOOK, REQUESTS, WEBHOOKS};
use crate::support::{OWNER, World};
use grantd::base::time::Timestamp;
use grantd::config::Texts;
use grantd::control::Command;
use grantd::model::epoch::Epochs;
use grantd::model::grant::{Grant, GrantStatus};
use grantd::model::role::Role;
use grantd::model::user::Duty;
use grantd::platform::access_requests::{Asked, ask};
use grantd::platform::developer_api::schema::Takes;
use grantd::platform::developer_api::table::OPERATIONS;
use grantd::store::Batch;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// Method, address, body, and whose tokens may, in the letters of [`PEOPLE`]. Nothing here goes as far as to change
/// what the others see. The stakeholder, the reviewer and the administrator belong to another organization: a token of
/// theirs shows them nothing of this one.
pub type Row = (&'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    ("GET", "/me", "", EVERYBODY),
    ("GET", "/tokens", "", EVERYBODY),
    ("POST", "/tokens", r#"{"name":"","scopes":[]}"#, EVERYBODY),
    ("GET", "/organizations", "", EVERYBODY),
    ("GET", "/organizations/{organization}", "", "mdtao"),
    ("GET", "/organizations/{organization}/members", "", "dtao"),
    ("GET", "/organizations/{organization}/tokens", "", "ao"),
    ("GET", "/organizations/{organization}/audit", "", "ao"),
    ("GET", "/organizations/{organization}/apps", "", "dtao"),
    (
        "POST",
        "/organizations/{organization}/apps",
        r#"{"kind":"public","name":""}"#,
        "dtao",
    ),
    (
        "PUT",
        "/organizations/{organization}/apps/{client_id}",
        r#"{"kind":"public"}"#,
        "tao",
    ),
    (
        "PUT",
        "/organizations/{organization}/apps/new-one",
        r#"{"kind":"public","name":""}"#,
        "dtao",
    ),
    ("GET", "/apps", "", EVERYBODY),
    ("GET", "/apps/{client_id}", "", "dtao"),
    ("PATCH", "/apps/{client_id}", "{}", "tao"),
    ("PUT", "/apps/{client_id}/scopes", r#"{"scopes":[]}"#, "tao"),
    ("PUT", "/apps/{client_id}/logo", "no picture", "tao"),
    ("GET", "/apps/{client_id}/submissions", "", "dtao"),
    ("POST", "/apps/{client_id}/submissions", "", "tao"),
    ("POST", "/apps/{client_id}/withdraw", "", "tao"),
    ("GET", "/apps/{client_id}/history", "", "dtao"),
    ("GET", "/apps/{client_id}/team", "", "tao"),
    ("PUT", "/apps/{client_id}/team/{user}", "", "tao"),
    ("POST", "/apps/{private}/disable", "", "ao"),
    ("POST", "/apps/{private}/enable", "", "ao"),
    ("GET", "/apps/{client_id}/secrets", "", "tao"),
    ("POST", "/apps/{client_id}/secrets", r#"{"label":""}"#, "tao"),
    ("GET", "/apps/{client_id}/jwks", "", "tao"),
    ("PUT", "/apps/{client_id}/jwks", r#"{"by":"both","keys":[]}"#, "tao"),
    ("DELETE", "/apps/{client_id}/jwks", "", "tao"),
    ("GET", "/apps/{private}/tokens", "", "tao"),
    ("POST", "/apps/{private}/tokens", r#"{"label":"","scopes":[]}"#, "tao"),
    ("GET", "/apps/{client_id}/failures", "", "tao"),
    ("GET", "/reviews", "", "rp"),
    ("GET", "/reviews/{pending}", "", "rp"),
    (
        "POST",
        "/reviews/{pending}/decisions",
        r#"{"verdict":"approved","seen":"0.0.0"}"#,
        "rp",
    ),
    ("GET", "/all-apps", "", "rp"),
    ("GET", "/organizations/{organization}/connected-apps", "", "ao"),
    (
        "GET",
        "/organizations/{organization}/connected-apps/{client_id}",
        "",
        "ao",
    ),
    (
        "GET",
        "/organizations/{organization}/connected-apps/{client_id}/grants",
        "",
        "ao",
    ),
    ("GET", "/organizations/{organization}/policy", "", "ao"),
    ("PATCH", "/organizations/{organization}/policy", "{}", "ao"),
    ("GET", "/organizations/{organization}/api-keys", "", "ao"),
    (
        "POST",
        "/organizations/{organization}/api-keys",
        r#"{"name":"","scopes":[],"days":30}"#,
        "ao",
    ),
];

/// What goes with the call: it is made by the owner (or by whoever calls) before each.
type Ending = (
    &'static str,
    (&'static str, &'static str, &'static str, &'static str),
    &'static str,
);

const ENDINGS: &[Ending] = &[
    (
        "/tokens/{made}",
        ("own", "/tokens", r#"{"name":"One"}"#, "/token/id"),
        EVERYBODY,
    ),
    (
        "/organizations/{organization}/tokens/{made}",
        ("POST", "/tokens", r#"{"name":"One"}"#, "/token/id"),
        "ao",
    ),
    (
        "/apps/{client_id}/team/{admin}",
        ("PUT", "/apps/{client_id}/team/{admin}", "", ""),
        "tao",
    ),
    (
        "/apps/{client_id}/secrets/{made}",
        ("POST", "/apps/{client_id}/secrets", r#"{"label":"One"}"#, "/secret/id"),
        "tao",
    ),
    (
        "/apps/{private}/tokens/{made}",
        (
            "POST",
            "/apps/{private}/tokens",
            r#"{"label":"One","scopes":["{scope}"]}"#,
            "/token/jti",
        ),
        "tao",
    ),
    (
        "/apps/{client_id}/webhooks/{made}",
        ("POST", "/apps/{client_id}/webhooks", NEW_WEBHOOK, "/webhook/id"),
        "tao",
    ),
    (
        "/organizations/{organization}/api-keys/{made}",
        (
            "POST",
            "/organizations/{organization}/api-keys",
            r#"{"name":"One","scopes":["{scope}"],"days":30}"#,
            "/key/id",
        ),
        "ao",
    ),
    (
        "/organizations/{organization}/connected-apps/{client_id}/grants/{grant}",
        ("", "", "", ""),
        "ao",
    ),
    (
        "/organizations/{organization}/connected-apps/{client_id}/grants",
        ("", "", "", ""),
        "ao",
    ),
];

/// The people, and a token of each: for all that it may hold.
async fn tokens<'w>(world: &'w World, elsewhere: &str) -> Vec<(char, Api<'w>)> {
    for email in [STAKEHOLDER, REVIEWER, ADMINISTRATOR] {
        world.set_role_in(elsewhere, email, Role::Member).await;
    }
    let mut found = Vec::new();
    for (letter, email) in PEOPLE {
        let outside = "fsrp".contains(letter);
        let organization = if outside { elsewhere } else { &world.organization };
        found.push((letter, Api::within(world, organization, email, &[]).await));
    }
    found
}

/// A grant of the member's, so that there is a connected app.
async fn granted(cast: &Cast) -> String {
    let world = &cast.d.world;
    let now = world.ctx.now();
    let grant = Grant {
        id: "g_one".into(),
        organization: world.organization.clone(),
        user: cast.d.user(MEMBER).await,
        client_id: cast.path("{client_id}"),
        native: false,
        scopes: Vec::new(),
        resources: Vec::new(),
        status: GrantStatus::Active,
        epoch: 0,
        stamps: Epochs::default(),
        created_at: now,
        approved_at: now,
    };
    let mut batch = Batch::new();
    batch.insert(&grant).unwrap();
    world.ctx.store.commit(batch).await.unwrap();
    grant.id
}

async fn made() -> Cast {
    let mut cast = Cast::new().await;
    let grant = granted(&cast).await;
    let scope = cast.d.app(&cast.path("{private}")).await.scopes[0].clone();
    let admin = cast.d.user(ADMIN).await;
    cast.parts
        .extend([("{grant}", grant), ("{scope}", scope), ("{admin}", admin)]);
    cast
}

async fn send(api: &Api<'_>, method: &str, path: &str, body: &str) -> Answer {
    let picture: &[(&str, &str)] = if path.ends_with("/logo") {
        &[("content-type", "image/png")]
    } else {
        &[]
    };
    api.send(method.parse().unwrap(), path, body, picture).await
}

/// Whether the answer is as the table has it: nothing is wrong but what was sent, or it is not theirs to do.
fn fits(allowed: bool, answer: &Answer) -> bool {
    match answer.status {
        401 | 500.. => false,
        403 | 404 => !allowed,
        _ => allowed,
    }
}

#[tokio::test]
async fn every_operation_is_done_for_whom_the_table_says_and_for_nobody_else() {
    let cast = made().await;
    let mut wrong = Vec::new();
    let tokens = tokens(&cast.d.world, &cast.elsewhere).await;
    let (_, owner) = tokens.iter().find(|(letter, _)| *letter == 'o').unwrap();
    for (letter, api) in &tokens {
        for (method, pattern, body, who) in ROWS.iter().chain(WEBHOOKS) {
            let answer = send(api, method, &cast.path(pattern), body).await;
            if !fits(who.contains(*letter), &answer) {
                wrong.push(format!("{letter} {method} {pattern}: {}", answer.status));
            }
        }
    }
    for (pattern, (method, prepare, body, pointer), who) in ENDINGS {
        let mut id = String::new();
        for (letter, api) in &tokens {
            if !method.is_empty() {
                let (maker, method) = if *method == "own" {
                    (api, "POST")
                } else {
                    (owner, *method)
                };
                let made = send(maker, method, &cast.path(prepare), &cast.path(body)).await;
                // Of some there may only be so many: then the last one is there still.
                if let Some(new) = made.json.pointer(pointer).and_then(Value::as_str) {
                    id = new.to_owned();
                }
            }
            let answer = api.delete(&cast.path(pattern).replace("{made}", &id)).await;
            let allowed = who.contains(*letter);
            if !fits(allowed, &answer) || (allowed && answer.status >= 300) {
                wrong.push(format!("{letter} DELETE {pattern}: {}", answer.status));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn access_requests_are_for_administrators_alone() {
    let asking = crate::browser::world("default").await;
    let world = &asking.world;
    let elsewhere = world.add_organization("Elsewhere").await;
    for email in [REVIEWER, ADMINISTRATOR, FOREIGN, STAKEHOLDER] {
        world.add_user(email).await;
    }
    world.set_role_in(&elsewhere, FOREIGN, Role::Owner).await;
    for (email, role) in [
        (MEMBER, Role::Member),
        (COLLEAGUE, Role::Developer),
        (ADMIN, Role::Admin),
    ] {
        world.add_member(email, role).await;
    }
    world.add_member(crate::developing::DEVELOPER, Role::Developer).await;
    for (email, duty) in [(REVIEWER, Duty::Reviewer), (ADMINISTRATOR, Duty::Administrator)] {
        let (user, duty) = (email.to_owned(), Some(duty));
        world.run(Command::UserDuty { user, duty }).await;
    }
    let asked = Asked {
        name: "Grace",
        organization: "Navy",
        email: "grace@navy.example",
        integration: "direct_system",
        description: "Ships",
    };
    let texts: &Texts = world.ctx.config.pages.texts([]);
    ask(&world.ctx, texts, asked, IpAddr::V4(Ipv4Addr::LOCALHOST))
        .await
        .unwrap();
    let tokens = tokens(world, &elsewhere).await;
    let (_, administrator) = tokens.last().unwrap();
    let listed = administrator.get("/access-requests").await.json;
    let id = listed["items"][0]["id"].as_str().unwrap();
    let mut wrong = Vec::new();
    for (letter, api) in &tokens {
        for (method, pattern, body, who) in REQUESTS {
            let answer = send(api, method, &pattern.replace("{request}", id), body).await;
            if !fits(who.contains(*letter), &answer) {
                wrong.push(format!("{letter} {method} {pattern}: {}", answer.status));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let declined = administrator
        .post(
            &format!("/access-requests/{id}/decline"),
            &serde_json::json!({ "note": "No" }),
        )
        .await;
    assert_eq!(declined.status, 204);
    let shown = administrator.get(&format!("/access-requests/{id}")).await.json;
    assert_eq!(
        (&shown["answer"]["accepted"], &shown["answer"]["note"]),
        (&Value::Bool(false), &"No".into())
    );
    assert!(Timestamp::parse(shown["at"].as_str().unwrap()).is_some());
}

#[tokio::test]
async fn nothing_is_done_without_a_token_or_without_its_scope() {
    let cast = made().await;
    let world = &cast.d.world;
    let scope = cast.path("{scope}");
    let bare = Api::of(world, OWNER, &[&scope]).await;
    for operation in &OPERATIONS {
        let Some(needed) = operation.scope else { continue };
        let path = operation.path.trim_start_matches(BASE);
        let picture = matches!(operation.takes, Takes::Picture);
        let kind = if picture { "image/png" } else { "application/json" };
        let method = operation.method.clone();
        let nobody = call(world, method.clone(), path, "{}", &[("content-type", kind)]).await;
        assert_eq!(nobody.status, 401, "{method} {path}");
        let refused = bare.send(method.clone(), path, "{}", &[("content-type", kind)]).await;
        let challenge = refused.header("www-authenticate").unwrap_or_default().to_owned();
        assert_eq!(refused.status, 403, "{method} {path}");
        assert!(
            challenge.contains(&format!("scope=\"{needed}\"")),
            "{method} {path}: {challenge}"
        );
    }
}

/// Places in a path are all alike.
fn pattern(path: &str) -> String {
    let path = path.trim_start_matches(BASE).replace("new-one", "{}");
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_operation_stands_in_a_table() {
    let rows = ROWS
        .iter()
        .chain(WEBHOOKS)
        .chain(REQUESTS)
        .map(|(method, path, ..)| (method.to_string(), pattern(path)));
    let endings = ENDINGS.iter().map(|(path, ..)| ("DELETE".to_owned(), pattern(path)));
    let listed: BTreeSet<(String, String)> = rows.chain(endings).collect();
    for operation in OPERATIONS
        .iter()
        .filter(|operation| !operation.path.ends_with("openapi.json"))
    {
        let row = (operation.method.to_string(), pattern(operation.path));
        assert!(listed.contains(&row), "{row:?} is in no table");
    }
    assert_eq!(listed.len(), OPERATIONS.len() - 1, "and nothing else is");
}
