//! Who passes: what ends a credential is seen by the next request, and it comes from one place.

use crate::gateway::{Guarded, Upstream, challenges, configured};
use crate::support::{ISSUER, OWNER, World};
use crate::tokens::header;
use grantd::control::{Command, Revocation};
use grantd::model::role::Role;
use grantd::store::memory::MemoryStore;
use http::Method;
use std::sync::Arc;
use std::time::Duration;

/// The signature of a token is remembered: what ends it must be seen all the same.
#[tokio::test]
async fn b3_what_ends_a_token_is_seen_by_the_next_request() {
    let the = Guarded::new("default").await;
    let path = "/api/v1/data";
    let works = async |token: &str| the.get(path, token).await.status;

    let client = the.world.add_private_app(OWNER, &["data.read"]).await;
    let token = the.world.mint_as(&client, "").await;
    for _ in 0..3 {
        assert_eq!(works(&token).await, 200);
    }
    let revoked = the
        .world
        .post_as(&client, "/oauth/revoke", &format!("token={token}"))
        .await;
    assert_eq!(revoked.status, 200);
    assert_eq!(works(&token).await, 401);

    let token = the.world.mint_as(&client, "").await;
    assert_eq!(works(&token).await, 200);
    let disable = |disabled| Command::AppDisable {
        client_id: client.0.clone(),
        disabled,
    };
    the.world.run(disable(true)).await;
    assert_eq!(works(&token).await, 401);
    the.world.run(disable(false)).await;
    assert_eq!(works(&token).await, 200);

    the.world
        .run(Command::TokenRevoke {
            what: Revocation::App(client.0.clone()),
        })
        .await;
    assert_eq!(works(&token).await, 401);

    let token = the.world.mint_as(&client, "").await;
    assert_eq!(works(&token).await, 200);
    the.world.advance(Duration::from_secs(11 * 60));
    assert_eq!(works(&token).await, 401, "it has expired");

    let token = the.world.mint_as(&client, "").await;
    assert_eq!(works(&token).await, 200);
    let kid = header(&token)["kid"].as_str().unwrap().to_owned();
    the.world.run(Command::KeyRevoke { kid }).await;
    assert_eq!(works(&token).await, 401, "its key is gone");
}

#[tokio::test]
async fn the_role_of_the_acting_member_counts_as_it_is_now() {
    let the = Guarded::new("default").await;
    the.world.add_member("grace@example.com", Role::Admin).await;
    let client = the
        .world
        .add_private_app("grace@example.com", &["settings.read", "data.read"])
        .await;
    let token = the.world.mint_as(&client, "").await;
    let may_not = the.world.ctx.profile().scopes.may_grant(Role::Member, "settings.read");
    assert!(!may_not, "the scope that this is about");
    assert_eq!(the.get("/api/v1/settings", &token).await.status, 200);
    the.world.set_role("grace@example.com", Role::Member).await;
    assert_eq!(
        the.get("/api/v1/settings", &token).await.error(),
        (403, "insufficient_scope")
    );
    assert_eq!(the.get("/api/v1/data", &token).await.status, 200);
    the.world.set_role("grace@example.com", Role::Admin).await;
    assert_eq!(the.get("/api/v1/settings", &token).await.status, 200);
}

#[tokio::test]
async fn o26_credentials_come_from_exactly_one_place() {
    let the = Guarded::new("makecrypto").await;
    let token = the.token(&["makepay:settings:read"]).await;
    let bearer = format!("Bearer {token}");
    let path = "/api/partner/v1/makepay/settings";
    let (id, secret) = (
        ("x-makecrypto-key-id", "mk_makepay_a"),
        ("x-makecrypto-key-secret", "mksec_b"),
    );
    let authorization = ("authorization", bearer.as_str());
    for headers in [
        vec![authorization, authorization],
        vec![authorization, id, secret],
        vec![authorization, id],
        vec![("dpop", "proof"), id, secret],
        vec![id],
        vec![secret],
        vec![id, id, secret],
        vec![id, secret, ("x-api-key", "mk_makepay_a"), ("x-api-secret", "mksec_b")],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer a b")],
        vec![("authorization", "Bearer \"a\"")],
    ] {
        let answer = the.send(Method::GET, path, &headers, "").await;
        assert_eq!(
            (answer.status, answer.text("errorCode").as_str()),
            (400, "invalid_request"),
            "{headers:?}"
        );
    }
    // RFC 6750 §2.3 is gone from OAuth 2.1 (§5.1): such a token is none, and goes no further.
    for query in ["access_token=x", "a=b&access_token=x", "%61ccess_token=x&a=b"] {
        let path = format!("{path}?{}", query.replace('x', &token));
        assert_eq!(the.send(Method::GET, &path, &[], "").await.status, 401, "{query}");
        assert!(the.upstream.take().is_empty());
        assert_eq!(the.get(&path, &token).await.status, 200, "{query}");
        let seen = the.upstream.one().target;
        assert!(
            !seen.contains(&token) && seen.contains("a=b") == query.contains("a=b"),
            "{seen}"
        );
    }
    for headers in [
        vec![],
        vec![("authorization", "Basic YTpi")],
        vec![("dpop", "proof")],
        vec![("cookie", "a=b")],
    ] {
        let answer = the.send(Method::GET, path, &headers, "").await;
        assert_eq!(answer.status, 401, "{headers:?}");
    }
    let answer = the.send(Method::GET, path, &[id, secret], "").await;
    assert_eq!(
        (answer.status, answer.text("errorCode").as_str()),
        (401, "invalid_api_key")
    );
    assert!(the.upstream.take().is_empty());
    assert_eq!(the.get(path, &token).await.status, 200);
}

#[tokio::test]
async fn o18_a_token_for_another_resource_opens_nothing() {
    let scopes = r#"{"scopes":[{"name":"a","title":"A","sentence":"A.","risk":"low","roles":["owner"]}]}"#;
    let profile = format!(
        "[[resources]]\nidentifier = \"{ISSUER}/one\"\nname = \"One\"\n\
         [[resources]]\nidentifier = \"{ISSUER}/two\"\nname = \"Two\"\n"
    );
    let routes = r#"{"routes":[
        {"path":"/one/x","methods":{"GET":["a"]}},
        {"path":"/two/x","methods":{"GET":["a"]},"resource":"{issuer}/two"}]}"#;
    let files = [
        ("profile.toml", profile.as_str()),
        ("scopes.json", scopes),
        ("routes.json", routes),
    ];
    let upstream = Upstream::start();
    let settings = format!("[gateway]\nupstream = \"http://{}\"\n", upstream.address);
    let (config, _dir) = configured("own", &settings, &files);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let ask = async |path: &str, resource: &str| {
        let token = world.mint(&format!("&resource={ISSUER}/{resource}")).await;
        let header = format!("Bearer {token}");
        let headers = [("authorization", header.as_str())];
        world.send(crate::http::request(Method::GET, path, &headers, b"")).await
    };
    assert_eq!(ask("/one/x", "one").await.status, 200);
    assert_eq!(ask("/two/x", "two").await.status, 200);
    upstream.take();
    for (path, resource) in [("/one/x", "two"), ("/two/x", "one")] {
        let answer = ask(path, resource).await;
        assert_eq!(answer.error(), (401, "invalid_token"));
        let wanted = path.strip_suffix("/x").unwrap();
        assert!(
            challenges(&answer)[0].contains(&format!("/oauth-protected-resource{wanted}\"")),
            "{answer:?}"
        );
    }
    assert!(upstream.take().is_empty());
}
