//! An app as a file says it: made, changed, left alone; from the command line and through the JSON API.

use crate::api::Api;
use crate::developing::{ADMIN, COLLEAGUE, DEVELOPER, Developing, MEMBER, STAKEHOLDER, png};
use crate::http::request;
use crate::support::{OWNER, World};
use grantd::control::Command;
use grantd::model::app::{App, AppState};
use grantd::model::event::Event;
use grantd::store::keys;
use grantd::store::records::{list, load_by_index};
use http::Method;
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../../docs/app.toml");

fn apply(text: &str, check: bool) -> Command {
    Command::AppApply {
        file: "app.toml".into(),
        text: text.into(),
        organization: None,
        check,
    }
}

async fn stored(world: &World, key: &str) -> App {
    let index = keys::app_of_key(&world.organization, key);
    let found = load_by_index::<App>(&*world.ctx.store, &index).await.unwrap();
    found.expect("there is an app of this key").value
}

/// All that was ever written of what happened.
async fn events(world: &World) -> usize {
    let (events, _) = list::<Event>(&*world.ctx.store, &keys::events(), None, 1000)
        .await
        .unwrap();
    events.len()
}

fn differences(answer: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let line = |of: &Value| {
        format!(
            "{}: {} -> {}",
            text(&of["what"]),
            text(&of["before"]),
            text(&of["after"])
        )
    };
    answer["differences"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn the_example_makes_an_app_and_applied_again_changes_nothing() {
    let world = World::new("default").await;
    let before = events(&world).await;
    let planned = world.run(apply(EXAMPLE, true)).await;
    assert_eq!(
        (&planned["created"], &planned["client_id"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(events(&world).await, before, "only looked at");
    let made = world.run(apply(EXAMPLE, false)).await;
    assert_eq!((&made["created"], &made["changed"]), (&json!(true), &json!(true)));
    assert_eq!(differences(&made), differences(&planned));
    assert!(
        differences(&made).contains(&"name: nothing -> Nightly sync".to_owned()),
        "{made}"
    );
    let app = stored(&world, "nightly-sync").await;
    assert_eq!(
        (app.state, app.scopes.len(), app.secrets.len()),
        (AppState::Active, 2, 0)
    );
    assert!(!made.to_string().contains("_secret_"), "a file makes no secret");
    let written = events(&world).await;
    for check in [false, true] {
        let again = world.run(apply(EXAMPLE, check)).await;
        assert_eq!((&again["created"], &again["changed"]), (&json!(false), &json!(false)));
        assert_eq!(differences(&again), Vec::<String>::new());
    }
    assert_eq!(events(&world).await, written, "nothing happened");
}

#[tokio::test]
async fn what_differs_is_told_and_put_right_and_what_is_not_named_stays() {
    let world = World::new("default").await;
    world.run(apply(EXAMPLE, false)).await;
    let old = stored(&world, "nightly-sync").await;
    let other = EXAMPLE
        .replace("\"Nightly sync\"", "\"Hourly sync\"")
        .replace("terms = \"https://acme.example/terms\"\n", "")
        .replace("\"help@acme.example\"", "\"\"")
        .replace(
            "\"https://acme.example/callback\"",
            "\"https://acme.example/callback\", \"https://acme.example/two\"",
        );
    let planned = world.run(apply(&other, true)).await;
    assert_eq!(stored(&world, "nightly-sync").await.name, "Nightly sync");
    let changed = world.run(apply(&other, false)).await;
    let expected = [
        "name: Nightly sync -> Hourly sync",
        "support: help@acme.example -> nothing",
        "redirect_uris: nothing -> https://acme.example/two",
    ];
    assert_eq!(differences(&changed), expected);
    assert_eq!(differences(&planned), expected);
    let app = stored(&world, "nightly-sync").await;
    assert_eq!(app.client_id, old.client_id);
    assert_eq!(app.developer.terms.as_deref(), Some("https://acme.example/terms"));
    assert_eq!(
        (app.epoch, app.developer.support),
        (old.epoch, None),
        "no token ends for a name"
    );
    let fewer = other.replace("\"data.read\" = \"To copy what changed since yesterday.\"\n", "");
    world.run(apply(&fewer, false)).await;
    let app = stored(&world, "nightly-sync").await;
    assert_eq!(
        (app.scopes, app.epoch),
        (vec!["profile.read".to_owned()], old.epoch + 1)
    );
}

#[tokio::test]
async fn every_mistake_is_told_at_once_and_nothing_is_written() {
    let world = World::new("default").await;
    let before = events(&world).await;
    let wrong = EXAMPLE
        .replace("company =", "compny =")
        .replace("kind = \"public\"", "kind = \"pubic\"")
        .replace("\"data.read\"", "client_secret = \"x\"\n\"data.raed\"");
    let told = world.refused(apply(&wrong, false)).await;
    for words in [
        "unknown key `compny` in app.toml line 9; did you mean `company`?",
        "\"pubic\", not one of `private`, `public`; did you mean \"public\"?",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // What can be read is judged.
    let unfit = EXAMPLE
        .replace("https://acme.example/callback", "http://acme.example/callback")
        .replace("\"https://acme.example\"", "\"ftp://acme.example\"")
        .replace("\"data.read\"", "\"data.raed\"");
    let told = world.refused(apply(&unfit, false)).await;
    for words in ["redirect_uris: ", "website: ", "scopes: ", "data.raed"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    for (text, words) in [
        ("kind = \"public\"", "`key` is missing"),
        ("key = \"A b\"\nkind = \"public\"", "a-z, 0-9 and -"),
        (
            "key = \"a\"\nclient_id = \"x_app_y\"\nkind = \"public\"",
            "by one of them",
        ),
        ("client_id = \"x_app_y\"\nkind = \"public\"", "grantd app list"),
        (
            "key = \"a\"\nkind = \"public\"\nclient_secret = \"x\"",
            "unknown key `client_secret`",
        ),
        (
            "key = \"a\"\nkind = \"private\"\nname = \"A\"",
            "dedicated_user: This is required.",
        ),
        (
            "key = \"a\"\nkind = \"private\"\ndedicated_user = \"nobody@example.com\"",
            "nobody@example.com",
        ),
        (
            "key = \"a\"\nkind = \"public\"\nname = \"A\"\ndedicated_user = \"x\"",
            "dedicated_user: ",
        ),
        ("key =", "line 1"),
        (
            "key = \"a\"\nkind = \"public\"\n[scopes]\n\"data.read\" = 1",
            "must be a string, not an integer",
        ),
    ] {
        let told = world.refused(apply(text, false)).await;
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(events(&world).await, before);
    world.run(apply(EXAMPLE, false)).await;
    let other = EXAMPLE.replace("kind = \"public\" ", "kind = \"private\" ");
    let told = world.refused(apply(&other, false)).await;
    assert!(told.contains("kind: This cannot be changed"), "{told}");
}

#[tokio::test]
async fn an_app_that_was_made_elsewhere_is_named_by_its_client_id() {
    let world = World::new("default").await;
    let (client_id, _) = world.add_private_app(OWNER, &["data.read"]).await;
    let text =
        format!("client_id = \"{client_id}\"\nkind = \"private\"\nname = \"Renamed\"\ndedicated_user = \"{OWNER}\"");
    let applied = world.run(apply(&text, false)).await;
    assert_eq!(applied["created"], false);
    let [name] = differences(&applied).try_into().expect("only its name");
    assert!(name.ends_with(" -> Renamed"), "{name}");
    // Two organizations: a key alone says no more whose app it is.
    let elsewhere = world.add_organization("Elsewhere").await;
    let told = world.refused(apply(EXAMPLE, false)).await;
    assert!(told.contains("--organization"), "{told}");
    let named = Command::AppApply {
        file: "app.toml".into(),
        text: EXAMPLE.into(),
        organization: Some(elsewhere.clone()),
        check: false,
    };
    world.run(named).await;
    let index = keys::app_of_key(&elsewhere, "nightly-sync");
    assert!(load_by_index::<App>(&*world.ctx.store, &index).await.unwrap().is_some());
}

/// The example as a call sends it.
fn body() -> Value {
    let mut table: toml::Table = EXAMPLE.parse().unwrap();
    table.remove("key");
    serde_json::to_value(table).unwrap()
}

#[tokio::test]
async fn a_developers_file_goes_to_the_reviewers_once() {
    let d = Developing::new("default").await;
    let world = &d.world;
    let api = Api::of(world, DEVELOPER, &["grantd:apps:write"]).await;
    let path = format!("/organizations/{}/apps/nightly-sync", world.organization);
    let planned = api.put(&format!("{path}?dry_run=true"), &body()).await;
    assert_eq!(planned.json["client_id"], Value::Null);
    assert_eq!(d.queue().await.len(), 0);
    let made = api.put(&path, &body()).await;
    assert_eq!((made.status, &made.json["created"]), (200, &json!(true)), "{made:?}");
    assert_eq!(differences(&made.json), differences(&planned.json));
    assert_eq!(
        (&made.json["state"], &made.json["missing"]),
        (&json!("draft"), &json!(["logo"]))
    );
    let client_id = made.text("client_id");
    // A picture is no text of a file: it comes apart, and completes the app.
    let logo = format!("/api/developer/v1/apps/{client_id}/logo");
    let bearer = format!("Bearer {}", api.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "image/png")];
    let complete = world.send(request(Method::PUT, &logo, &headers, &png())).await;
    assert_eq!(
        (complete.text("state").as_str(), d.queue().await.len()),
        ("pending_review", 1),
        "{complete:?}"
    );
    let version = d.queue().await[0].version;
    let again = api.put(&path, &body()).await;
    assert_eq!(
        (&again.json["changed"], &again.json["created"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(d.queue().await[0].version, version, "what waits is left alone");
    d.decide(&client_id, grantd::model::dossier::Verdict::Rejected, "No")
        .await;
    let again = api.put(&path, &body()).await;
    assert_eq!(
        (&again.json["changed"], d.queue().await.len()),
        (&json!(false), 0),
        "nor is it asked again"
    );
    let mut other = body();
    other["name"] = "Hourly sync".into();
    let changed = api.put(&path, &other).await;
    assert_eq!(
        (&changed.json["state"], d.queue().await.len()),
        (&json!("pending_review"), 1)
    );
    // A colleague is not in its team, a member makes no apps, and of another organization's nobody learns.
    let colleague = Api::of(world, COLLEAGUE, &[]).await;
    assert_eq!(colleague.put(&path, &body()).await.status, 403);
    assert_eq!(Api::of(world, MEMBER, &[]).await.put(&path, &body()).await.status, 403);
    let elsewhere = world.add_organization("Elsewhere").await;
    world
        .set_role_in(&elsewhere, STAKEHOLDER, grantd::model::role::Role::Owner)
        .await;
    let foreign = Api::within(world, &elsewhere, STAKEHOLDER, &[]).await;
    assert_eq!(foreign.put(&path, &body()).await.status, 404);
    let by_id = format!("/organizations/{elsewhere}/apps/{client_id}");
    assert_eq!(foreign.put(&by_id, &body()).await.status, 404);
    // The same key is another organization's own.
    let own = foreign
        .put(&format!("/organizations/{elsewhere}/apps/nightly-sync"), &body())
        .await;
    assert_eq!(own.json["created"], true);
    let admin = Api::of(world, ADMIN, &[]).await;
    assert_eq!(admin.put(&path, &other).await.json["changed"], false);
}

#[tokio::test]
async fn a_call_tells_every_mistake_of_the_file_and_writes_nothing() {
    let d = Developing::new("default").await;
    let api = Api::of(&d.world, DEVELOPER, &[]).await;
    let path = format!("/organizations/{}/apps/nightly-sync", d.world.organization);
    let mut wrong = body();
    wrong["compny"] = "Acme".into();
    wrong["scopes"] = json!({ "data.read": 1 });
    let refused = api.put(&path, &wrong).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    let errors = refused.json["errors"].to_string();
    assert!(
        errors.contains("did you mean `company`?") && errors.contains("must be a string"),
        "{errors}"
    );
    let mut unfit = body();
    unfit["redirect_uris"] = json!(["http://acme.example/callback"]);
    unfit["scopes"] = json!({ "data.raed": "x" });
    let refused = api.put(&path, &unfit).await;
    assert_eq!(refused.status, 422);
    assert_eq!(api.put(&format!("{path}?dry_run=maybe"), &body()).await.status, 400);
    let nowhere = format!("/organizations/{}/apps/No%20key", d.world.organization);
    assert_eq!(api.put(&nowhere, &body()).await.status, 404);
    let apps = api
        .get(&format!("/organizations/{}/apps", d.world.organization))
        .await
        .json;
    let named = apps["items"]
        .as_array()
        .unwrap()
        .iter()
        .any(|app| app["key"] == "nightly-sync");
    assert!(!named, "nothing was made");
}
