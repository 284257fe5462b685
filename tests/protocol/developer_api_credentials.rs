//! What an app and an organization have in hand, through the JSON API: tokens, keys, grants, the consent policy.

use crate::api::Api;
use crate::developer_api_apps::{field, kind, picture, scopes};
use crate::developing::{ADMIN, Developing, png};
use http::Method;
use serde_json::json;

/// A private app that is in use; its client_id.
async fn private(d: &Developing, api: &Api<'_>) -> String {
    let mut body = json!({
        "kind": "private",
        "name": "Nightly",
        "company": "Acme",
        "website": "https://acme.example",
        "dedicated_user": d.user(ADMIN).await,
    });
    body["scopes"] = scopes(&["data.read"])["scopes"].clone();
    let all = format!("/organizations/{}/apps", d.world.organization);
    let made = api.post(&all, &body).await;
    assert_eq!(
        (made.status, &made.json["scopes"]),
        (201, &json!(["data.read"])),
        "{made:?}"
    );
    assert_eq!(made.json["missing"], json!(["logo"]));
    let id = made.text("client_id");
    let complete = picture(api, &id, "image/png", &png()).await;
    assert_eq!(complete.text("state"), "active", "{complete:?}");
    id
}

#[tokio::test]
async fn a_private_app_gets_tokens_by_hand() {
    let d = Developing::new("default").await;
    let world = &d.world;
    let api = Api::of(world, ADMIN, &[]).await;
    let id = private(&d, &api).await;
    let at = format!("/apps/{id}");
    let key = [("idempotency-key", "one-token-only")];
    let ask = r#"{"label":"CI","scopes":["data.read"],"lifetime_s":300}"#;
    let first = api.send(Method::POST, &format!("{at}/tokens"), ask, &key).await;
    let again = api.send(Method::POST, &format!("{at}/tokens"), ask, &key).await;
    assert_eq!((first.status, again.status, again.replayed()), (201, 201, true));
    assert_eq!(first.body, again.body, "made once");
    let token = first.text("access_token");
    world.secrets.keep_token(&token);
    let (client, secret) = world.add_resource_server().await;
    assert!(world.introspect_as(&(client.clone(), secret.clone()), &token).await["active"] == true);
    let listed = api.get(&format!("{at}/tokens")).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    assert!(!listed.body.contains(&token));
    let jti = first.json["token"]["jti"].as_str().unwrap();
    assert_eq!(api.delete(&format!("{at}/tokens/{jti}")).await.status, 204);
    assert!(world.introspect_as(&(client, secret), &token).await["active"] == false);
    for (body, wrong) in [
        (json!({ "label": "", "scopes": ["data.read"] }), "label"),
        (json!({ "label": "x", "scopes": [] }), "scopes"),
        (json!({ "label": "x", "scopes": ["data.write"] }), "scopes"),
        (
            json!({ "label": "x", "scopes": ["data.read"], "resource": "x" }),
            "resource",
        ),
        (
            json!({ "label": "x", "scopes": ["data.read"], "lifetime_s": 0 }),
            "lifetime_s",
        ),
    ] {
        assert_eq!(field(&api.post(&format!("{at}/tokens"), &body).await), wrong, "{body}");
    }
    let disabled = api.send(Method::POST, &format!("{at}/disable"), "", &[]).await;
    assert_eq!(disabled.json["disabled"], true);
    let none = api
        .post(
            &format!("{at}/tokens"),
            &json!({ "label": "x", "scopes": ["data.read"] }),
        )
        .await;
    assert_eq!(kind(&none), (409, "state".into()));
    let enabled = api.send(Method::POST, &format!("{at}/enable"), "", &[]).await;
    assert_eq!(enabled.json["disabled"], false);
}

#[tokio::test]
async fn keys_are_put_and_removed_and_refused_calls_explained() {
    let d = Developing::new("default").await;
    let world = &d.world;
    let api = Api::of(world, ADMIN, &[]).await;
    let id = private(&d, &api).await;
    let at = format!("/apps/{id}");
    let jwk =
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let keys = api
        .put(
            &format!("{at}/jwks"),
            &json!({ "by": "private_key_jwt", "keys": [jwk] }),
        )
        .await;
    assert_eq!(
        (&keys.json["by"], &keys.json["keys"][0]["kid"]),
        (&json!("private_key_jwt"), &json!("one")),
        "{keys:?}"
    );
    let private = json!({ "by": "both", "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "x", "d": "d" }] });
    assert_eq!(field(&api.put(&format!("{at}/jwks"), &private).await), "keys");
    assert_eq!(api.delete(&format!("{at}/jwks")).await.status, 204);
    assert_eq!(
        api.get(&format!("{at}/jwks")).await.json,
        json!({ "by": "secret", "keys": [] })
    );
    // What was refused is explained.
    let wrong = (id.clone(), "wrong".to_owned());
    world
        .post_as(&wrong, "/oauth/token", "grant_type=client_credentials")
        .await;
    while grantd::jobs::failures::turn(&world.ctx).await {}
    let failures = api.get(&format!("{at}/failures")).await.json;
    assert_eq!(
        (
            &failures["items"][0]["rule"],
            failures["items"].as_array().unwrap().len()
        ),
        (&json!("client_secret"), 1)
    );
    let one = failures["items"][0]["id"].as_str().unwrap();
    assert_eq!(
        api.get(&format!("{at}/failures?id={one}")).await.json["items"][0]["id"],
        one
    );
    assert_eq!(
        api.get(&format!("{at}/failures?id=none")).await.json["items"],
        json!([])
    );
}

#[tokio::test]
async fn an_organization_cuts_off_apps_and_says_who_may_grant() {
    let asking = crate::browser::world("makecrypto").await;
    let world = &asking.world;
    let request = asking.good(&asking.query("")).await;
    asking.approve(&request).await.unwrap();
    let api = Api::of(world, crate::browser::EMAIL, &[]).await;
    let at = format!("/organizations/{}", world.organization);
    let listed = api.get(&format!("{at}/connected-apps")).await.json;
    let [app] = listed["items"].as_array().unwrap().as_slice() else {
        panic!("{listed}")
    };
    let one = format!("{at}/connected-apps/{}", app["client_id"].as_str().unwrap());
    assert_eq!(api.get(&one).await.json, *app);
    let grants = api.get(&format!("{one}/grants")).await.json;
    let grant = grants["items"][0]["id"].as_str().unwrap();
    assert_eq!(grants["items"][0]["email"], crate::browser::EMAIL);
    assert_eq!(api.delete(&format!("{one}/grants/{grant}")).await.status, 204);
    assert_eq!(api.get(&format!("{one}/grants")).await.json["items"], json!([]));
    assert_eq!(api.get(&one).await.status, 404, "nothing of it stands");
    let ended = api.delete(&format!("{one}/grants")).await.json;
    assert_eq!(ended, json!({ "ended": 0, "more": false }));
    let policy = api
        .patch(
            &format!("{at}/policy"),
            &json!({ "least_role": "admin", "deny": [app["client_id"]] }),
        )
        .await;
    assert_eq!(
        (&policy.json["least_role"], &policy.json["denied"][0]),
        (&json!("admin"), &app["client_id"])
    );
    assert_eq!(
        field(&api.patch(&format!("{at}/policy"), &json!({ "deny": ["x"] })).await),
        "deny"
    );
    let key = json!({ "name": "ERP", "scopes": [app["scopes"][0]], "days": null });
    let made = api.post(&format!("{at}/api-keys"), &key).await;
    assert_eq!(made.status, 201, "{made:?}");
    world.secrets.keep_token(&made.text("secret"));
    let keys = api.get(&format!("{at}/api-keys")).await.json;
    let id = keys["items"][0]["id"].as_str().unwrap();
    assert_eq!(api.delete(&format!("{at}/api-keys/{id}")).await.status, 204);
    let log = api.get(&format!("{at}/audit?event=api_key.revoked")).await.json;
    assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
    assert_eq!(
        api.get(&format!("{at}/audit?limit=1")).await.json["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    for query in ["event=nonsense", "from=yesterday", "person=a&person=b"] {
        assert_eq!(api.get(&format!("{at}/audit?{query}")).await.status, 400, "{query}");
    }
}
