//! Apps through the JSON API: made, changed, handed in, reviewed, listed.

use crate::administrators::on_duty;
use crate::api::{Api, holds};
use crate::developing::{COLLEAGUE, DEVELOPER, Developing, Format, MEMBER, encoded, png};
use crate::http::{Answer, request};
use crate::support::World;
use grantd::config::embedded_profiles;
use grantd::model::dossier::Verdict;
use grantd::model::role::Role;
use grantd::model::user::Duty;
use http::Method;
use serde_json::{Value, json};

const REVIEWER: &str = "desk@example.com";

pub fn new_app() -> Value {
    json!({
        "kind": "public",
        "name": "Tidy Books",
        "company": "Tidy Inc.",
        "website": "https://tidy.example",
        "privacy_policy": "https://tidy.example/privacy",
        "terms": null,
        "redirect_uris": ["https://tidy.example/callback"],
    })
}

pub fn scopes(names: &[&str]) -> Value {
    let wish = |name: &&str| json!({ "scope": name, "why": "To show it." });
    json!({ "scopes": names.iter().map(wish).collect::<Vec<_>>() })
}

pub async fn reviewer(world: &World) -> Api<'_> {
    on_duty(world, REVIEWER, Some(Duty::Reviewer)).await;
    let elsewhere = world.add_organization("Reviewers").await;
    world.set_role_in(&elsewhere, REVIEWER, Role::Member).await;
    Api::within(world, &elsewhere, REVIEWER, &["grantd:reviews"]).await
}

pub fn kind(answer: &Answer) -> (u16, String) {
    let kind = answer.text("type").split_once('#').expect("a kind").1.to_owned();
    (answer.status, kind)
}

pub fn field(answer: &Answer) -> &str {
    assert_eq!(answer.status, 422, "{answer:?}");
    answer.json["errors"][0]["field"].as_str().unwrap()
}

pub async fn picture(api: &Api<'_>, client_id: &str, kind: &str, bytes: &[u8]) -> Answer {
    let path = format!("/api/developer/v1/apps/{client_id}/logo");
    let bearer = format!("Bearer {}", api.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
    api.world.send(request(Method::PUT, &path, &headers, bytes)).await
}

/// A complete app in the queue; its client_id.
async fn waiting(api: &Api<'_>) -> String {
    let all = format!("/organizations/{}/apps", api.world.organization);
    let mut body = new_app();
    body["scopes"] = scopes(&["data.read", "profile.read"])["scopes"].clone();
    let id = api.post(&all, &body).await.text("client_id");
    let complete = picture(api, &id, "image/png", &png()).await;
    assert_eq!(complete.text("state"), "pending_review", "{complete:?}");
    id
}

#[tokio::test]
async fn a_draft_says_what_it_lacks_and_a_complete_app_waits() {
    let d = Developing::new("default").await;
    let world = &d.world;
    let api = Api::of(world, DEVELOPER, &["grantd:apps:read", "grantd:apps:write"]).await;
    let all = format!("/organizations/{}/apps", world.organization);
    let made = api.post(&all, &new_app()).await;
    assert_eq!((made.status, made.text("state").as_str()), (201, "draft"), "{made:?}");
    let id = made.text("client_id");
    let at = format!("/apps/{id}");
    assert!(made.header("location").unwrap().ends_with(&at));
    let missing = made.json["missing"].as_array().unwrap().clone();
    assert!(missing.contains(&json!("scopes")), "{missing:?}");
    let early = api.post(&format!("{at}/submissions"), &Value::Null).await;
    assert_eq!(early.status, 400, "it takes no body");
    let early = api.send(Method::POST, &format!("{at}/submissions"), "", &[]).await;
    let lacking: Vec<&Value> = early.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["field"])
        .collect();
    assert_eq!(lacking, missing.iter().collect::<Vec<_>>(), "{early:?}");
    for bytes in [png(), encoded(Format::Jpeg), encoded(Format::WebP)] {
        assert_eq!(picture(&api, &id, "image/png", &bytes).await.status, 200);
    }
    assert_eq!(picture(&api, &id, "text/plain", &png()).await.status, 415);
    assert_eq!(picture(&api, &id, "image/png", b"<svg/>").await.status, 422);
    let locked = api.post(&format!("{at}/secrets"), &json!({ "label": "One" })).await;
    assert_eq!(kind(&locked), (409, "state".into()), "no credentials before a review");
    let waits = api
        .put(&format!("{at}/scopes"), &scopes(&["data.read", "profile.read"]))
        .await;
    assert_eq!(waits.text("state"), "pending_review", "{waits:?}");
    let twice = api.send(Method::POST, &format!("{at}/submissions"), "", &[]).await;
    assert_eq!(kind(&twice), (409, "state".into()));
    // Taken back, it is a draft of which nothing is missing.
    let withdrawal = format!("{at}/withdraw");
    assert_eq!(api.post(&withdrawal, &json!({})).await.status, 400, "it takes no body");
    let back = api.send(Method::POST, &withdrawal, "", &[]).await;
    assert_eq!((back.status, back.text("state").as_str()), (200, "draft"), "{back:?}");
    assert_eq!(back.json["missing"], json!([]));
    let nothing = api.send(Method::POST, &withdrawal, "", &[]).await;
    assert_eq!(kind(&nothing), (409, "state".into()));
    let again = api.send(Method::POST, &format!("{at}/submissions"), "", &[]).await;
    assert_eq!(again.text("state"), "pending_review", "{again:?}");
}

#[tokio::test]
async fn reviewers_ask_approve_suspend_and_reinstate() {
    let d = Developing::new("default").await;
    let world = &d.world;
    let api = Api::of(world, DEVELOPER, &["grantd:apps:read", "grantd:apps:write"]).await;
    let id = waiting(&api).await;
    let at = format!("/apps/{id}");
    let desk = reviewer(world).await;
    let queue = desk.get("/reviews").await.json;
    assert_eq!(
        (&queue["items"][0]["client_id"], &queue["items"][0]["reason"]),
        (&json!(id), &json!("first"))
    );
    let case = desk.get(&format!("/reviews/{id}")).await;
    assert_eq!(case.json["scopes"]["added"].as_array().unwrap().len(), 2);
    assert_eq!(case.json["submission"]["wanted"][0]["why"], "To show it.");
    let decide = async |verdict: &str, seen: &str, note: &str| {
        let body = json!({ "verdict": verdict, "seen": seen, "note": note });
        desk.post(&format!("/reviews/{id}/decisions"), &body).await
    };
    let seen = case.text("seen");
    assert_eq!(kind(&decide("approved", "0.0.0", "").await), (409, "conflict".into()));
    assert_eq!(field(&decide("changes_requested", &seen, "").await), "note");
    let asked = decide("changes_requested", &seen, "Which data?").await;
    assert_eq!(
        (asked.status, asked.text("state").as_str()),
        (200, "changes_requested"),
        "{asked:?}"
    );
    let shown = api.get(&at).await.json;
    assert_eq!(shown["decision"]["note"], "Which data?");
    let again = api.send(Method::POST, &format!("{at}/submissions"), "", &[]).await;
    assert_eq!(again.text("state"), "pending_review");
    let seen = desk.get(&format!("/reviews/{id}")).await.text("seen");
    assert_eq!(decide("approved", &seen, "").await.text("state"), "active");
    let handed = api.get(&format!("{at}/submissions?limit=1")).await.json;
    assert_eq!(
        (
            &handed["items"][0]["number"],
            &handed["items"][0]["decision"]["verdict"]
        ),
        (&json!(2), &json!("approved"))
    );
    let next = format!("{at}/submissions?after={}", handed["next"].as_str().unwrap());
    let first = api.get(&next).await.json;
    assert_eq!(
        (&first["items"][0]["number"], &first["next"]),
        (&json!(1), &Value::Null)
    );
    let seen = desk.get(&format!("/reviews/{id}")).await.text("seen");
    assert_eq!(decide("suspended", &seen, "Abuse").await.text("state"), "suspended");
    let seen = desk.get(&format!("/reviews/{id}")).await.text("seen");
    assert_eq!(decide("reinstated", &seen, "").await.text("state"), "active");
    assert!(desk.get("/all-apps?limit=1").await.json["next"].is_string());
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let d = Developing::new("default").await;
    let world = &d.world;
    let api = Api::of(world, DEVELOPER, &["grantd:apps:read", "grantd:apps:write"]).await;
    let id = waiting(&api).await;
    let at = format!("/apps/{id}");
    d.decide(&id, Verdict::Approved, "").await;
    let added = api.post(&format!("{at}/secrets"), &json!({ "label": "One" })).await;
    assert_eq!(added.status, 201, "{added:?}");
    let secret = added.text("client_secret");
    world.secrets.keep_token(&secret);
    let listed = api.get(&format!("{at}/secrets")).await;
    assert!(listed.body.contains("\"One\"") && !listed.body.contains(&secret));
    let events = api.get(&format!("{at}/history")).await.json;
    let events: Vec<&Value> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["event"])
        .collect();
    assert!(events.contains(&&json!("secret.created")), "{events:?}");
    let revoke = format!("{at}/secrets/{}", added.json["secret"]["id"].as_str().unwrap());
    assert_eq!(api.delete(&revoke).await.status, 204);
    assert_eq!(api.delete(&revoke).await.status, 404);
}

#[tokio::test]
async fn details_change_one_by_one_and_what_another_kind_has_is_refused() {
    let d = Developing::new("default").await;
    let api = Api::of(&d.world, DEVELOPER, &[]).await;
    let all = format!("/organizations/{}/apps", d.world.organization);
    let id = api.post(&all, &new_app()).await.text("client_id");
    let at = format!("/apps/{id}");
    let changed = api
        .patch(
            &at,
            &json!({ "name": "Other", "website": null, "stakeholders": ["Ada@Example.com"] }),
        )
        .await;
    assert_eq!(
        (&changed.json["name"], &changed.json["website"]),
        (&json!("Other"), &Value::Null)
    );
    assert_eq!(changed.json["company"], "Tidy Inc.", "it stays");
    let team = api.get(&format!("{at}/team")).await.json;
    assert_eq!(
        (&team["stakeholders"][0], &team["team"][0]["email"]),
        (&json!("ada@example.com"), &json!(DEVELOPER))
    );
    for (body, wrong) in [
        (json!({ "dedicated_user": "u_x" }), "dedicated_user"),
        (json!({ "website": "http://x.example" }), "website"),
        (json!({ "redirect_uris": ["nonsense"] }), "redirect_uris"),
        (json!({ "stakeholders": ["nobody"] }), "stakeholders"),
    ] {
        assert_eq!(field(&api.patch(&at, &body).await), wrong, "{body}");
    }
    assert_eq!(
        api.patch(&at, &json!({ "state": "active" })).await.status,
        400,
        "no detail"
    );
    assert_eq!(api.patch(&at, &json!({ "name": null })).await.status, 400);
    for (more, wrong) in [
        (json!({ "kind": "private" }), "redirect_uris"),
        (
            json!({ "kind": "private", "client_type": "public", "redirect_uris": [] }),
            "kind",
        ),
        (json!({ "name": " " }), "name"),
        (json!({ "scopes": [{ "scope": "data.raed", "why": "x" }] }), "scopes"),
    ] {
        let mut body = new_app();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(field(&api.post(&all, &body).await), wrong, "{body}");
    }
    let colleague = d.user(COLLEAGUE).await;
    let other = Api::of(&d.world, COLLEAGUE, &[]).await;
    assert_eq!(other.patch(&at, &json!({ "name": "Mine" })).await.status, 403);
    assert_eq!(
        api.send(Method::PUT, &format!("{at}/team/{colleague}"), "", &[])
            .await
            .status,
        204
    );
    assert_eq!(other.patch(&at, &json!({ "name": "Ours" })).await.status, 200);
    assert_eq!(api.delete(&format!("{at}/team/{colleague}")).await.status, 204);
    assert_eq!(other.patch(&at, &json!({ "name": "Mine" })).await.status, 403);
    let member = d.user(MEMBER).await;
    let refused = api.send(Method::PUT, &format!("{at}/team/{member}"), "", &[]).await;
    assert_eq!(field(&refused), "user");
}

#[tokio::test]
async fn lists_of_apps_have_pages_and_a_stakeholder_sees_only_theirs() {
    let d = Developing::new("default").await;
    let world = &d.world;
    let api = Api::of(world, DEVELOPER, &[]).await;
    let all = format!("/organizations/{}/apps", world.organization);
    for number in 0..5 {
        let mut body = new_app();
        body["name"] = format!("App {number}").into();
        if number == 3 {
            body["stakeholders"] = json!([MEMBER]);
        }
        assert_eq!(api.post(&all, &body).await.status, 201);
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{all}?limit=2{after}")).await.json;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|app| app["client_id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6, "the world's own and five");
    let member = Api::of(world, MEMBER, &[]).await;
    assert_eq!(member.get(&all).await.status, 403);
    let stakes = member.get("/apps").await.json;
    let [own] = stakes["items"].as_array().unwrap().as_slice() else {
        panic!("{stakes}")
    };
    assert_eq!(own["name"], "App 3");
    let at = format!("/apps/{}", own["client_id"].as_str().unwrap());
    assert_eq!(member.get(&at).await.status, 200);
    assert_eq!(member.patch(&at, &json!({})).await.status, 403);
    assert_eq!(member.get(&format!("{at}/failures")).await.status, 403);
}

#[tokio::test]
async fn every_example_is_as_its_schema_says() {
    for profile in embedded_profiles() {
        let world = World::new(profile).await;
        let document = world.get("/api/developer/v1/openapi.json").await.json;
        let mut number = 0;
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for example in schema["examples"].as_array().into_iter().flatten() {
                let judged = holds(&document, schema, example, "");
                assert_eq!(judged, Ok(()), "{profile} {name}: {example}");
                number += 1;
            }
        }
        assert!(number > 30, "{number}");
    }
}
