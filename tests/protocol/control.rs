//! What an administrator does from the command line: every command at its best.

use crate::support::{GRANT, OWNER, World, config, judged, open};
use grantd::control::app_settings::AppSettings;
use grantd::control::{Command, NewApp, Revocation};
use grantd::model::app::Kind;
use grantd::model::role::Role;
use grantd::oauth::access_token::TypedId;
use grantd::store::memory::MemoryStore;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

fn rows(answer: &Value) -> &Vec<Value> {
    answer.as_array().expect("a list")
}

#[tokio::test]
async fn users_are_added_listed_disabled_and_given_a_password() {
    let world = World::new("default").await;
    let add = Command::UserAdd {
        email: "Ada@Example.com".into(),
        name: Some("  Ada Lovelace ".into()),
        password: Some("correct horse battery".into()),
    };
    let ada = world.run(add).await;
    assert_eq!(
        (&ada["email"], &ada["name"]),
        (&json!("Ada@Example.com"), &json!("Ada Lovelace"))
    );
    assert_eq!((&ada["status"], &ada["can_sign_in"]), (&json!("active"), &json!(true)));
    assert_eq!(ada["created_at"], "2026-01-01T00:00:00.000Z");
    assert_eq!(ada.as_object().unwrap().len(), 7, "no password in any form: {ada}");
    let unnamed = world.run(Command::UserList).await;
    let owner = rows(&unnamed).iter().find(|u| u["email"] == OWNER).unwrap();
    assert_eq!(
        (&owner["name"], &owner["can_sign_in"]),
        (&json!("owner"), &json!(false))
    );
    assert_eq!(rows(&unnamed).len(), 2);
    for (user, disabled, status) in [
        ("ada@example.COM".to_owned(), true, "disabled"),
        (ada["id"].as_str().unwrap().to_owned(), false, "active"),
    ] {
        let answer = world.run(Command::UserDisable { user, disabled }).await;
        assert_eq!(answer["status"], status, "by email in any case, and by id");
        assert_eq!(answer["can_sign_in"], !disabled);
    }
    let password = Command::UserPassword {
        user: OWNER.into(),
        password: "another horse battery".into(),
    };
    assert_eq!(world.run(password).await["can_sign_in"], true);
    assert!(!world.log().contains("horse"));
}

#[tokio::test]
async fn organizations_count_from_849_where_ids_are_numbers_and_are_random_text_elsewhere() {
    let create = |name: &str, id: Option<&str>| Command::OrganizationCreate {
        name: name.into(),
        id: id.map(str::to_owned),
    };
    let world = World::new("mokapen").await;
    assert_eq!(world.organization, "849");
    assert_eq!(world.run(create("Chosen", Some("851"))).await["id"], 851);
    assert_eq!(world.run(create("Counted", None)).await["id"], 850);
    assert_eq!(world.run(create("Counted", None)).await["id"], 852, "851 is taken");
    assert_eq!(world.restarted().await.run(create("Counted", None)).await["id"], 853);
    let list = world.run(Command::OrganizationList).await;
    assert_eq!(rows(&list).len(), 5);
    assert!(rows(&list).iter().all(|o| o["id"].is_u64() && o["status"] == "active"));
    let world = World::new("default").await;
    let text = world.run(create("Text", None)).await["id"].as_str().unwrap().to_owned();
    assert!(text.starts_with("o_") && text.len() == 14, "{text}");
    assert_eq!(world.run(create("Named", Some("acme-2_X"))).await["id"], "acme-2_X");
    let disable = Command::OrganizationDisable {
        organization: text,
        disabled: true,
    };
    assert_eq!(world.run(disable).await["status"], "disabled");
}

#[tokio::test]
async fn members_are_listed_with_their_roles_until_they_are_removed() {
    let world = World::new("mokapen").await;
    world.add_member("dev@example.com", Role::Developer).await;
    let members = Command::MemberList {
        organization: world.organization.clone(),
    };
    let list = world.run(members).await;
    let roles: Vec<_> = rows(&list)
        .iter()
        .map(|m| (m["email"].as_str().unwrap(), m["role"].clone()))
        .collect();
    assert!(roles.contains(&(OWNER, json!("owner"))) && roles.contains(&("dev@example.com", json!("developer"))));
    assert!(rows(&list).iter().all(|m| m["organization"] == 849));
    let remove = || Command::MemberRemove {
        organization: world.organization.clone(),
        user: "dev@example.com".into(),
    };
    assert_eq!(world.run(remove()).await["removed"], true);
    assert!(world.refused(remove()).await.contains("no member"));
    let members = Command::MemberList {
        organization: world.organization.clone(),
    };
    assert_eq!(rows(&world.run(members).await).len(), 1);
}

#[tokio::test]
async fn apps_are_created_listed_shown_changed_and_disabled() {
    let world = World::new("mokapen").await;
    let made = world
        .run(Command::AppCreate(NewApp {
            dedicated_user: Some(OWNER.into()),
            ..world.new_app(Kind::Private, &["tasks.read contacts.read", "tasks.read"])
        }))
        .await;
    assert_eq!(
        made["scopes"],
        json!(["tasks.read", "contacts.read"]),
        "each once, in their order"
    );
    assert_eq!(
        (&made["kind"], &made["status"], &made["organization"]),
        (&json!("private"), &json!("active"), &json!(849))
    );
    let client_id = made["client_id"].as_str().unwrap().to_owned();
    let show = || Command::AppShow {
        client_id: client_id.clone(),
    };
    let shown = world.run(show()).await;
    assert!(shown.get("client_secret").is_none(), "a secret is shown once");
    assert_eq!(rows(&shown["secrets"]).len(), 1);
    let mut members: Vec<&String> = shown["secrets"][0].as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["created_at", "expires_at", "id", "label"], "no digest");
    let list = async |organization: Option<&str>| {
        let organization = organization.map(str::to_owned);
        rows(&world.run(Command::AppList { organization }).await).len()
    };
    assert_eq!((list(None).await, list(Some("849")).await), (2, 2));
    let change = Command::AppChange {
        client_id: client_id.clone(),
        dedicated_user: None,
        scopes: vec!["tasks.write".into()],
        settings: AppSettings::default(),
    };
    assert_eq!(world.run(change).await["scopes"], json!(["tasks.write"]));
    for (disabled, status) in [(true, "disabled"), (false, "active")] {
        let disable = Command::AppDisable {
            client_id: client_id.clone(),
            disabled,
        };
        assert_eq!(world.run(disable).await["status"], status);
    }
}

#[tokio::test]
async fn a_resource_server_introspects_every_audience_or_the_ones_named() {
    let world = World::new("default").await;
    let all = world
        .run(Command::AppCreate(world.new_app(Kind::ResourceServer, &[])))
        .await;
    assert_eq!(all["introspects"], json!(["https://auth.example/api"]));
    assert_eq!(all["scopes"], json!([]));
}

#[tokio::test]
async fn o2_public_apps_are_confidential_or_public_clients() {
    let world = World::new("default").await;
    for (public_client, client_type) in [(false, "confidential"), (true, "public")] {
        let uris = [
            "https://app.example/callback?x=1",
            "http://127.0.0.1/callback",
            "http://[::1]:8080/cb",
            "http://localhost/cb",
        ];
        let app = NewApp {
            public_client,
            redirect_uris: uris.map(str::to_owned).to_vec(),
            ..world.new_app(Kind::Public, &[])
        };
        let made = world.run(Command::AppCreate(app)).await;
        assert_eq!(made["client_type"], client_type);
        assert_eq!(made["redirect_uris"], json!(uris), "byte for byte");
        assert_eq!(made.get("client_secret").is_some(), !public_client);
    }
}

#[tokio::test]
async fn a_token_is_minted_inspected_and_revoked_by_hand() {
    let world = World::new("mokapen").await;
    let mint = Command::TokenMint {
        client_id: world.client_id.clone(),
        scopes: vec!["tasks.read".into()],
        resource: Some("https://auth.example/api".into()),
        lifetime_s: Some(60),
    };
    let made = world.run(mint).await;
    assert_eq!(
        (&made["scope"], &made["organization_id"]),
        (&json!("tasks.read"), &json!(849))
    );
    assert_eq!(made["expires_at"], "2026-01-01T00:01:00.000Z");
    let token = made["access_token"].as_str().unwrap().to_owned();
    assert!(world.is_active(&token).await);
    let inspect = || Command::TokenInspect {
        token: format!(" {token}\n"),
    };
    let seen = world.run(inspect()).await;
    assert_eq!(
        (&seen["active"], &seen["why"], &seen["scope"]),
        (&json!(true), &Value::Null, &json!("tasks.read"))
    );
    assert_eq!(seen["jti"], made["jti"]);
    let revoke = Command::TokenRevoke {
        what: Revocation::Token(token.clone()),
    };
    assert_eq!(world.run(revoke).await, json!({ "revoked": true, "jti": made["jti"] }));
    let seen = world.run(inspect()).await;
    assert_eq!(
        (&seen["active"], &seen["why"]),
        (&json!(false), &json!("it was revoked"))
    );
    let unknown = Command::TokenInspect { token: "x".into() };
    assert_eq!(
        world.run(unknown).await,
        json!({ "active": false, "why": "it is no signed JWT of a kind that is accepted" })
    );
}

#[tokio::test]
async fn what_a_command_did_is_what_the_server_answers_next() {
    let world = World::new("default").await;
    let app = world.add_private_app(OWNER, &["data.read"]).await;
    let answer = world.post_as(&app, "/oauth/token", GRANT).await;
    assert_eq!(answer.text("scope"), "data.read");
    assert!(judged(&world.introspect_as(&app, &answer.text("access_token")).await));
    assert!(world.is_active(&world.mint("").await).await);
}

#[tokio::test]
async fn a_text_id_is_never_told_as_the_number_of_another_organization() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with_store("default", store.clone()).await;
    let ids = ["007", "7", "9007199254740993"];
    for id in ids {
        let (name, id) = (format!("Acme {id}"), Some(id.to_owned()));
        world.run(Command::OrganizationCreate { name, id }).await;
    }
    // The operator changes to a profile of integers.
    let numbers = config("mokapen", Path::new("/nonexistent/grantd"));
    let ctx = open(numbers, store, world.clock.clone(), 1, 3).await.unwrap();
    let told = ids.map(|id| serde_json::to_value(TypedId::new(&ctx, id)).unwrap());
    assert_eq!(told, [json!("007"), json!(7), json!("9007199254740993")]);
}
