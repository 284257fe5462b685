//! The JSON API: who may call it, what it answers, and that its document says so.

use crate::api::{Api, BASE, call};
use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, world};
use crate::http::Answer;
use crate::support::{ISSUER, World};
use grantd::app;
use grantd::config::embedded_profiles;
use grantd::control::Command;
use grantd::model::role::Role;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The end of a problem's type.
fn kind(answer: &Answer) -> (u16, String) {
    let url = answer.text("type");
    let (docs, kind) = url.split_once('#').expect("a type names its kind");
    assert_eq!(docs, format!("{ISSUER}/docs/errors"));
    (answer.status, kind.to_owned())
}

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else() {
    for profile in embedded_profiles() {
        let world = World::new(profile).await;
        let answer = world.get(&format!("{BASE}/openapi.json")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json["openapi"], "3.1.0");
        assert_eq!(answer.json["servers"][0]["url"], ISSUER);
        let mut described = BTreeSet::new();
        for (path, item) in answer.json["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                described.insert(format!("{} {path}", method.to_uppercase()));
                let places = path.matches('{').count();
                let parameters = operation["parameters"].as_array().unwrap();
                assert_eq!(
                    parameters.iter().filter(|p| p["in"] == "path").count(),
                    places,
                    "{path}"
                );
            }
        }
        let routes = app::routes().filter(|(_, path)| path.starts_with(BASE));
        let routes: BTreeSet<String> = routes.map(|(method, path)| format!("{method} {path}")).collect();
        assert_eq!(described, routes);
        let ids: Vec<&Value> = answer.json["paths"].as_object().unwrap().values().collect();
        let ids = ids.iter().flat_map(|item| item.as_object().unwrap().values());
        let ids: Vec<String> = ids.map(|operation| operation["operationId"].to_string()).collect();
        assert_eq!(
            ids.iter().collect::<BTreeSet<_>>().len(),
            ids.len(),
            "each has its own id"
        );
    }
}

#[tokio::test]
async fn only_a_personal_token_in_the_header_opens_it() {
    let asking = world("default").await;
    let world = &asking.world;
    let api = Api::of(world, EMAIL, &[]).await;
    assert_eq!(api.get("/me").await.status, 200);
    let nothing = call(world, Method::GET, "/me", "", &[]).await;
    assert_eq!(kind(&nothing), (401, "unauthorized".into()));
    assert_eq!(
        nothing.header("www-authenticate"),
        Some(&*format!("Bearer realm=\"{ISSUER}\""))
    );
    let access_token = world.mint("").await;
    let (bearer, twice) = (format!("Bearer {}", api.token), format!("Bearer {access_token}"));
    let (basic, dpop) = (crate::http::basic("a", &api.token), format!("DPoP {}", api.token));
    for headers in [
        vec![("authorization", twice.as_str())],
        vec![("authorization", "Bearer grantd_pat_x")],
        vec![("authorization", "Bearer")],
        vec![("authorization", basic.as_str())],
        vec![("authorization", dpop.as_str())],
        vec![("authorization", bearer.as_str()), ("authorization", bearer.as_str())],
    ] {
        let answer = call(world, Method::GET, "/me", "", &headers).await;
        assert_eq!(kind(&answer), (401, "unauthorized".into()), "{headers:?}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.ends_with("error=\"invalid_token\""), "{challenge}");
    }
    let browser = Browser::new(world);
    browser.sign_in().await;
    let cookie = browser.get(&format!("{BASE}/me")).await;
    assert_eq!(cookie.status, 401, "a session opens nothing");
    let query = call(world, Method::GET, &format!("/me?access_token={}", api.token), "", &[]).await;
    assert_eq!(query.status, 401);
}

#[tokio::test]
async fn it_dies_with_the_token() {
    let asking = world("default").await;
    let world = &asking.world;
    let api = Api::of(world, EMAIL, &[]).await;
    let user = EMAIL.to_owned();
    world.run(Command::UserDisable { user, disabled: true }).await;
    assert_eq!(api.get("/me").await.status, 401);
    let user = EMAIL.to_owned();
    world.run(Command::UserDisable { user, disabled: false }).await;
    assert_eq!(api.get("/me").await.status, 200);
    world.advance(Duration::from_secs(90 * 24 * 60 * 60));
    assert_eq!(api.get("/me").await.status, 401);
}

#[tokio::test]
async fn me_says_whom_the_token_acts_as() {
    for (profile, noun) in [("mokapen", "organization_id"), ("makecrypto", "company_id")] {
        let asking = world(profile).await;
        let api = Api::of(&asking.world, EMAIL, &[]).await;
        let me = api.get("/me").await.json;
        assert_eq!((&me["id"], &me["email"]), (&json!(asking.user), &json!(EMAIL)));
        assert_eq!(me["organization"]["role"], "owner");
        assert_eq!(me["token"][noun], me["organization"]["id"]);
        assert_eq!(me["organization"]["id"].is_u64(), profile == "mokapen");
        assert_eq!(me["duty"], Value::Null);
    }
}

#[tokio::test]
async fn a_scope_is_needed_and_named() {
    let asking = world("default").await;
    let api = Api::of(&asking.world, EMAIL, &["data.read", "grantd:grants"]).await;
    let refused = api.get("/tokens").await;
    assert_eq!(kind(&refused), (403, "missing_scope".into()));
    assert_eq!(
        refused.header("www-authenticate"),
        Some(&*format!(
            "Bearer realm=\"{ISSUER}\", error=\"insufficient_scope\", scope=\"grantd:tokens\""
        ))
    );
    assert!(refused.text("detail").contains("grantd:tokens"));
    assert_eq!(api.get("/organizations").await.status, 200);
}

async fn with_member(asking: &Authorizing, role: Role) -> Api<'_> {
    asking.world.add_member("mem@example.com", role).await;
    Api::of(&asking.world, "mem@example.com", &[]).await
}

#[tokio::test]
async fn a_role_goes_no_further_than_on_the_pages_and_another_organization_is_not_there() {
    let asking = world("default").await;
    let world = &asking.world;
    let (_, other) = world.add_foreign_app().await;
    let own = world.organization.clone();
    let member = with_member(&asking, Role::Member).await;
    assert_eq!(member.get(&format!("/organizations/{own}")).await.status, 200);
    for path in ["members", "tokens"] {
        let refused = member.get(&format!("/organizations/{own}/{path}")).await;
        assert_eq!(kind(&refused), (403, "forbidden".into()), "{path}");
    }
    let owner = Api::of(world, EMAIL, &[]).await;
    for path in ["", "/members", "/tokens"] {
        assert_eq!(
            owner.get(&format!("/organizations/{own}{path}")).await.status,
            200,
            "{path}"
        );
        for foreign in [&*other, "o_nowhere", "%00"] {
            let hidden = owner.get(&format!("/organizations/{foreign}{path}")).await;
            assert_eq!(kind(&hidden), (404, "not_found".into()), "{foreign}{path}");
        }
    }
    // An owner of both organizations sees with this token only the one it is for.
    world.set_role_in(&other, EMAIL, Role::Owner).await;
    assert_eq!(owner.get(&format!("/organizations/{other}")).await.status, 404);
    let listed = owner.get("/organizations").await.json;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let asking = world("default").await;
    let world = &asking.world;
    let api = Api::of(world, EMAIL, &[]).await;
    let made = api
        .post(
            "/tokens",
            &json!({ "name": "Deploy", "scopes": ["grantd:grants", "data.read"] }),
        )
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.text("secret");
    world.secrets.keep_token(&secret);
    let id = made.json["token"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), Some(&*format!("{ISSUER}{BASE}/tokens/{id}")));
    assert_eq!(made.json["token"]["scopes"], json!(["data.read", "grantd:grants"]));
    let new = Api { world, token: secret };
    assert_eq!(new.get("/organizations").await.status, 200);
    let listed = api.get("/tokens").await.json;
    let names: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!((names.len(), &listed["next"]), (2, &Value::Null), "{names:?}");
    assert_eq!(api.delete(&format!("/tokens/{id}")).await.status, 204);
    assert_eq!(new.get("/organizations").await.status, 401);
    assert_eq!(
        kind(&api.delete(&format!("/tokens/{id}")).await),
        (404, "not_found".into())
    );
}

#[tokio::test]
async fn a_token_makes_none_that_may_do_more_or_lives_longer() {
    let asking = world("default").await;
    let api = Api::of(&asking.world, EMAIL, &["grantd:tokens", "data.read"]).await;
    let post = async |body: Value| api.post("/tokens", &body).await;
    let all = post(json!({ "name": "All" })).await;
    asking.world.secrets.keep_token(&all.text("secret"));
    assert_eq!(
        all.json["token"]["scopes"],
        json!(["data.read", "grantd:tokens"]),
        "all it may itself"
    );
    for (field, body) in [
        ("scopes", json!({ "name": "X", "scopes": ["data.write"] })),
        ("scopes", json!({ "name": "X", "scopes": ["grantd:apps:write"] })),
        ("scopes", json!({ "name": "X", "scopes": [] })),
        (
            "expires_at",
            json!({ "name": "X", "expires_at": "2026-06-01T00:00:00Z" }),
        ),
        ("expires_at", json!({ "name": "X", "expires_at": null })),
        ("expires_at", json!({ "name": "X", "expires_at": "tomorrow" })),
        ("name", json!({ "name": "" })),
        ("user", json!({ "name": "X", "user": "u_nobody" })),
    ] {
        let refused = post(body.clone()).await;
        assert_eq!(kind(&refused), (422, "invalid".into()), "{body}");
        let errors = refused.json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{refused:?}");
        assert_eq!(errors[0]["field"], field);
    }
    let many = post(json!({ "name": "", "scopes": [], "expires_at": "1999-01-01T00:00:00Z" })).await;
    assert_eq!(
        many.json["errors"].as_array().unwrap().len(),
        3,
        "all at once: {many:?}"
    );
}

#[tokio::test]
async fn bodies_are_json_with_known_members_each_once() {
    let asking = world("default").await;
    let api = Api::of(&asking.world, EMAIL, &[]).await;
    for body in [
        "",
        "[]",
        "{\"name\":\"X\"",
        "{\"name\":1}",
        "{\"name\":\"X\",\"name\":\"Y\"}",
        "{\"name\":\"X\",\"admin\":true}",
        "{\"name\":\"X\",\"scopes\":null}",
        "{}",
    ] {
        let refused = api.send(Method::POST, "/tokens", body, &[]).await;
        assert_eq!(kind(&refused), (400, "malformed".into()), "{body}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let refused = api.send(Method::POST, "/tokens", "name=X", &form).await;
    assert_eq!(kind(&refused), (415, "not_json".into()));
    for query in [
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?limit=1&limit=2",
        "?page=2",
        "?limit=",
        "?after=x",
        "?a=%",
    ] {
        let refused = api.get(&format!("/tokens{query}")).await;
        assert_eq!(kind(&refused), (400, "malformed".into()), "{query}");
    }
    assert_eq!(api.get("/me?limit=1").await.status, 400, "no list");
}

#[tokio::test]
async fn lists_are_walked_with_cursors_that_are_good_for_one_list_and_one_user() {
    let asking = world("default").await;
    let world = &asking.world;
    for at in 0..7 {
        world.add_member(&format!("m{at}@example.com"), Role::Developer).await;
    }
    let api = Api::of(world, EMAIL, &[]).await;
    let path = format!("/organizations/{}/members", world.organization);
    let (mut seen, mut after) = (Vec::new(), String::new());
    let mut cursors = Vec::new();
    loop {
        let page = api.get(&format!("{path}?limit=2{after}")).await.json;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["email"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursors.push(next.to_owned());
        after = format!("&after={next}");
    }
    // Ada, the owner of the world and the seven.
    assert_eq!(seen.len(), 9);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 9);
    let cursor = &cursors[0];
    let other = Api::of(world, "m1@example.com", &[]).await;
    assert_eq!(other.get(&format!("{path}?after={cursor}")).await.status, 400);
    assert_eq!(api.get(&format!("/tokens?after={cursor}")).await.status, 400);
    assert!(!cursor.contains("u_"), "{cursor}");
    let own = format!("/organizations/{}/tokens", world.organization);
    let first = api.get(&format!("{own}?limit=1")).await.json;
    let second = api
        .get(&format!("{own}?limit=1&after={}", first["next"].as_str().unwrap()))
        .await;
    assert_ne!(second.json["items"][0]["id"], first["items"][0]["id"]);
}

#[tokio::test]
async fn a_call_with_a_key_happens_once() {
    let asking = world("default").await;
    let world = &asking.world;
    let api = Api::of(world, EMAIL, &[]).await;
    let key = [("idempotency-key", "deploy-0001")];
    let body = "{\"name\":\"Once\",\"scopes\":[\"data.read\"]}";
    let first = api.send(Method::POST, "/tokens", body, &key).await;
    assert_eq!((first.status, first.replayed()), (201, false));
    let again = api.send(Method::POST, "/tokens", body, &key).await;
    assert_eq!((again.status, again.replayed()), (201, true));
    assert_eq!(
        (&again.body, again.header("location")),
        (&first.body, first.header("location"))
    );
    world.secrets.keep_token(&first.text("secret"));
    let names = async || {
        let listed = api.get("/tokens").await.json;
        listed["items"].as_array().unwrap().len()
    };
    assert_eq!(names().await, 2, "its own and the one");

    let other = api.send(Method::POST, "/tokens", "{\"name\":\"Other\"}", &key).await;
    assert_eq!(kind(&other), (409, "key_reused".into()));
    for bad in ["short", "with blanks in it"] {
        let refused = api
            .send(Method::POST, "/tokens", body, &[("idempotency-key", bad)])
            .await;
        assert_eq!(kind(&refused), (400, "malformed".into()));
    }
    let refused = [("idempotency-key", "deploy-0002")];
    let wrong = api.send(Method::POST, "/tokens", "{\"name\":\"\"}", &refused).await;
    assert_eq!(wrong.status, 422);
    let right = api
        .send(Method::POST, "/tokens", "{\"name\":\"Right\"}", &refused)
        .await;
    assert_eq!(
        (right.status, right.replayed()),
        (201, false),
        "what was refused used up no key"
    );

    // With another token the same key is another one: a lesser token gets nobody's secret.
    let lesser = Api::of(world, EMAIL, &["grantd:tokens"]).await;
    let theirs = lesser.send(Method::POST, "/tokens", "{\"name\":\"Once\"}", &key).await;
    assert!(!theirs.replayed());
    world.advance(Duration::from_secs(24 * 60 * 60));
    let later = api.send(Method::POST, "/tokens", "{\"name\":\"Later\"}", &key).await;
    assert_eq!(
        (later.status, later.replayed()),
        (201, false),
        "a key is kept for a day"
    );
}

#[tokio::test]
async fn other_methods_and_addresses_are_refused_and_no_other_origin_reads_anything() {
    let asking = world("default").await;
    let world = &asking.world;
    for (method, path, status) in [
        (Method::PUT, "/me", 405),
        (Method::POST, "/me", 405),
        (Method::GET, "/nothing", 404),
    ] {
        let full = format!("{BASE}{path}");
        let answer = world.send(crate::http::request(method, &full, &[], b"")).await;
        assert_eq!(answer.status, status, "{path}");
    }
    let origin = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
    ];
    let path = format!("{BASE}/me");
    let preflight = world
        .send(crate::http::request(Method::OPTIONS, &path, &origin, b""))
        .await;
    assert!(
        preflight
            .headers
            .keys()
            .all(|name| !name.as_str().starts_with("access-control"))
    );
}
