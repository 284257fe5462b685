//! Who may do what with the API's routes: nothing passes that a row does not let pass.

use crate::gateway::{Guarded, configured, read};
use crate::http::Answer;
use crate::proofs::ClientKey;
use crate::support::{ISSUER, OWNER, World};
use crate::tokens::header;
use grantd::base::jose::Alg;
use grantd::config::routes::Route;
use grantd::control::{Command, Revocation};
use grantd::model::role::Role;
use grantd::store::memory::MemoryStore;
use http::Method;
use std::sync::Arc;
use std::time::Duration;

/// A path of the row for this organization.
fn path_of(route: &Route, organization: &str) -> String {
    let own = route.organization.as_deref();
    let part = |segment: &str| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        Some(name) if Some(name) == own => organization.to_owned(),
        Some(_) => "x1".to_owned(),
        None => segment.to_owned(),
    };
    route.path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn challenges(answer: &Answer) -> Vec<&str> {
    let values = answer.headers.get_all("www-authenticate").iter();
    values.map(|value| value.to_str().unwrap()).collect()
}

/// Every row of every profile, every method: no token, a token with all scopes but one that is needed, the right one.
#[tokio::test]
async fn o26_m7_r2_every_row_takes_its_scopes_and_nothing_less() {
    for profile in ["default", "mokapen", "makecrypto"] {
        let the = Guarded::new(profile).await;
        let all: Vec<String> = the.world.ctx.profile().scopes.names().map(str::to_owned).collect();
        let routes = the.world.ctx.routes();
        assert!(routes.rows().len() >= 4, "{profile}");
        for route in routes.rows() {
            let path = path_of(route, &the.world.organization);
            let metadata = format!("resource_metadata=\"{ISSUER}/.well-known/oauth-protected-resource");
            for (method, needed) in &route.methods {
                let what = format!("{profile} {method} {path}");
                let answer = the.send(method.clone(), &path, &[], "").await;
                assert_eq!(answer.status, 401, "{what}");
                let [bearer, dpop] = challenges(&answer)[..] else {
                    panic!("{what}: {answer:?}");
                };
                assert!(
                    bearer.starts_with("Bearer ") && dpop.starts_with("DPoP algs=\"ES256 "),
                    "{what}"
                );
                for challenge in [bearer, dpop] {
                    assert!(challenge.contains(&metadata), "{what}: {challenge}");
                    assert!(
                        challenge.contains(&format!("scope=\"{}\"", needed.join(" "))),
                        "{what}: {challenge}"
                    );
                    assert!(!challenge.contains("error"), "{what}: {challenge}");
                }
                let [lacking] = needed.as_slice() else {
                    panic!("one scope a row")
                };
                // Whatever implies it would do as well.
                let implied = |name: &str| {
                    the.world
                        .ctx
                        .profile()
                        .scopes
                        .get(name)
                        .unwrap()
                        .implies
                        .contains(lacking)
                };
                let others = all.iter().filter(|name| *name != lacking && !implied(name));
                let others: Vec<&str> = others.map(String::as_str).collect();
                let token = the.token(&others).await;
                let header = format!("Bearer {token}");
                let answer = the.send(method.clone(), &path, &[("authorization", &header)], "").await;
                assert_eq!(answer.status, 403, "{what}: {answer:?}");
                let [challenge] = challenges(&answer)[..] else {
                    panic!("{what}: {answer:?}");
                };
                assert!(
                    challenge.contains("error=\"insufficient_scope\""),
                    "{what}: {challenge}"
                );
                assert!(
                    challenge.contains(&format!("scope=\"{lacking}\"")),
                    "{what}: {challenge}"
                );
                assert!(challenge.contains(&metadata), "{what}: {challenge}");
                assert!(the.upstream.take().is_empty(), "{what}");
                let token = the.token(&[lacking]).await;
                let header = format!("Bearer {token}");
                let answer = the.send(method.clone(), &path, &[("authorization", &header)], "").await;
                assert_eq!(answer.status, 200, "{what}: {answer:?}");
                let seen = the.upstream.one();
                assert_eq!(
                    (seen.method, seen.target.as_str()),
                    (method.clone(), path.as_str()),
                    "{what}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_rows_of_the_seeds_are_there() {
    let world = World::new("makecrypto").await;
    let base = "/api/partner/v1/makepay";
    for (path, method, scope) in [
        ("payment-links", "GET", "makepay:payment-links:read"),
        ("payment-links", "POST", "makepay:payment-links:write"),
        ("customers", "GET", "makepay:customers:read"),
        ("customers", "POST", "makepay:customers:write"),
        ("subscriptions", "GET", "makepay:subscriptions:read"),
        ("subscriptions", "POST", "makepay:subscriptions:write"),
        ("settings", "GET", "makepay:settings:read"),
        ("settings", "PUT", "makepay:settings:write"),
        ("webhook-requests", "GET", "makepay:webhooks:read"),
        ("webhook-requests/r1/retry", "POST", "makepay:webhooks:write"),
        ("webhook-subscriptions/current", "PUT", "makepay:webhooks:write"),
        ("webhook-subscriptions/current/test", "POST", "makepay:webhooks:write"),
        ("webhook-secret", "POST", "makepay:settings:write"),
        ("../companies/c1", "GET", "company:read"),
        ("../companies/c1/wallet/balances", "GET", "wallet:balances:read"),
        ("../companies/c1/wallet/activity", "GET", "wallet:activity:read"),
    ] {
        let path = match path.strip_prefix("../") {
            Some(rest) => format!("/api/partner/v1/{rest}"),
            None => format!("{base}/{path}"),
        };
        let found = world.ctx.routes().at(&path).unwrap_or_else(|| panic!("{path}"));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(found.route.needs(&method).unwrap(), [scope], "{method} {path}");
        let named = path.contains("/companies/").then_some("c1");
        assert_eq!(found.organization(), named, "{path}");
    }
    let world = World::new("mokapen").await;
    for (path, method, scope) in [
        ("contacts", Method::GET, "contacts.read"),
        ("contacts", Method::POST, "contacts.write"),
        ("tasks", Method::GET, "tasks.read"),
        ("tasks/7", Method::PATCH, "tasks.write"),
    ] {
        let found = world.ctx.routes().at(&format!("/api/v1/849/{path}")).unwrap();
        assert_eq!(found.route.needs(&method).unwrap(), [scope]);
        assert_eq!(found.organization(), Some("849"));
    }
}

#[tokio::test]
async fn a_token_works_in_its_own_organization_alone() {
    let the = Guarded::new("mokapen").await;
    let token = the.token(&["contacts.read"]).await;
    let own = &the.world.organization;
    let (_, other) = the.world.add_foreign_app().await;
    assert_eq!(the.get(&format!("/api/v1/{own}/contacts"), &token).await.status, 200);
    the.upstream.one();
    for named in [other.as_str(), "0849", "849.0", "850", "x", "%38%34%39"] {
        let answer = the.get(&format!("/api/v1/{named}/contacts"), &token).await;
        let expected = if named.contains('%') {
            (400, "invalid_request")
        } else {
            (403, "wrong_organization")
        };
        assert_eq!(answer.error(), expected, "{named}");
    }
    assert!(the.upstream.take().is_empty());
    let company = Guarded::new("makecrypto").await;
    let token = company.token(&["company:read"]).await;
    let answer = company.get("/api/partner/v1/companies/another", &token).await;
    assert_eq!(
        (answer.status, answer.text("errorCode").as_str()),
        (403, "wrong_company")
    );
    assert!(answer.text("error").ends_with('.'), "a sentence: {answer:?}");
}

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
async fn d6_d9_a_bound_token_needs_a_proof_of_its_key_for_this_very_request() {
    let the = Guarded::new("default").await;
    let key = ClientKey::new(Alg::Es256, 1);
    let token = the
        .world
        .ask_with_proof(&key.proof(&the.world))
        .await
        .text("access_token");
    let url = format!("{ISSUER}/api/v1/data");
    let ath = grantd::base::digest::base64url(grantd::base::digest::sha256(token.as_bytes()));
    let proof_of = |key: &ClientKey, method: &str, url: &str, ath: &str| {
        key.spoiled_proof(&the.world, &|_, claims| {
            (claims["htm"], claims["htu"], claims["ath"]) = (method.into(), url.into(), ath.into());
        })
    };
    let send = async |scheme: &str, token: &str, proofs: &[&str]| {
        let authorization = format!("{scheme} {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
        the.send(Method::GET, "/api/v1/data?page=2", &headers, "").await
    };

    let good = proof_of(&key, "GET", &url, &ath);
    assert_eq!(send("DPoP", &token, &[&good]).await.status, 200);
    let seen = the.upstream.one();
    assert_eq!(
        (seen.header("authorization"), seen.header("dpop")),
        ("", ""),
        "they go no further"
    );

    let replayed = send("DPoP", &token, &[&good]).await;
    assert_eq!(replayed.error(), (401, "invalid_dpop_proof"));
    assert!(
        challenges(&replayed)[1].contains("error=\"invalid_dpop_proof\""),
        "{replayed:?}"
    );

    let bearer = send("Bearer", &token, &[]).await;
    assert_eq!(bearer.error(), (401, "invalid_token"));
    let other = ClientKey::new(Alg::Es256, 2);
    for (proof, error) in [
        (proof_of(&other, "GET", &url, &ath), "invalid_token"),
        (proof_of(&key, "POST", &url, &ath), "invalid_dpop_proof"),
        (
            proof_of(&key, "GET", &format!("{ISSUER}/api/v1/settings"), &ath),
            "invalid_dpop_proof",
        ),
        (
            proof_of(&key, "GET", "https://evil.example/api/v1/data", &ath),
            "invalid_dpop_proof",
        ),
        (proof_of(&key, "GET", &url, "another"), "invalid_dpop_proof"),
        (key.proof(&the.world), "invalid_dpop_proof"),
        ("no.proof.at-all".to_owned(), "invalid_dpop_proof"),
    ] {
        assert_eq!(send("DPoP", &token, &[&proof]).await.error(), (401, error), "{proof}");
    }
    assert_eq!(send("DPoP", &token, &[]).await.error(), (401, "invalid_dpop_proof"));
    let (one, two) = (proof_of(&key, "GET", &url, &ath), proof_of(&key, "GET", &url, &ath));
    assert_eq!(
        send("DPoP", &token, &[&one, &two]).await.error(),
        (401, "invalid_dpop_proof")
    );

    let unbound = the.world.mint("").await;
    let ath = grantd::base::digest::base64url(grantd::base::digest::sha256(unbound.as_bytes()));
    let proof = proof_of(&key, "GET", &url, &ath);
    assert_eq!(send("DPoP", &unbound, &[&proof]).await.error(), (401, "invalid_token"));
    assert!(the.upstream.take().is_empty());
}

/// The memory of used proofs is young after a restart; the store is not.
#[tokio::test]
async fn d7_a_proof_stays_used_after_a_restart() {
    let the = Guarded::new("default").await;
    let key = ClientKey::new(Alg::Es256, 1);
    let token = the
        .world
        .ask_with_proof(&key.proof(&the.world))
        .await
        .text("access_token");
    let ath = grantd::base::digest::base64url(grantd::base::digest::sha256(token.as_bytes()));
    let proof = key.spoiled_proof(&the.world, &|_, claims| {
        (claims["htm"], claims["ath"]) = ("GET".into(), ath.clone().into());
        claims["htu"] = format!("{ISSUER}/api/v1/data").into();
    });
    let authorization = format!("DPoP {token}");
    let headers = [("authorization", authorization.as_str()), ("dpop", proof.as_str())];
    let ask = |world: &World| {
        let request = crate::http::request(Method::GET, "/api/v1/data", &headers, b"");
        let service = world.service.clone();
        async move { service.answer(request).await.status.as_u16() }
    };
    let before = the
        .world
        .ctx
        .store
        .changes(grantd::store::Seq::default(), 10_000)
        .await
        .unwrap()
        .len();
    assert_eq!(ask(&the.world).await, 200);
    // It is written by itself, shortly after the answer.
    while the
        .world
        .ctx
        .store
        .changes(grantd::store::Seq::default(), 10_000)
        .await
        .unwrap()
        .len()
        == before
    {
        tokio::task::yield_now().await;
    }
    let again = the.world.restarted().await;
    assert_eq!(ask(&again).await, 401);
}

#[tokio::test]
async fn credentials_come_from_exactly_one_place() {
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
    for query in ["access_token=x", "a=b&access_token=x", "%61ccess_token=x"] {
        let answer = the.get(&format!("{path}?{query}"), &token).await;
        assert_eq!(answer.status, 400, "{query}");
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
async fn routes_are_told_to_nobody_who_is_not_authenticated() {
    let the = Guarded::new("default").await;
    let token = the.token(&["data.read"]).await;
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/data/a/b",
        "/api/v1/data/",
        "/api/V1/data",
    ] {
        let stranger = the.send(Method::GET, path, &[], "").await;
        assert_eq!(stranger.status, 401, "{path}");
        assert!(!challenges(&stranger)[0].contains("scope="), "{path}: {stranger:?}");
        assert_eq!(the.get(path, &token).await.error(), (404, "not_found"), "{path}");
    }
    let header = format!("Bearer {token}");
    let known = the
        .send(Method::DELETE, "/api/v1/data", &[("authorization", &header)], "")
        .await;
    assert_eq!((known.status, known.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(the.send(Method::DELETE, "/api/v1/data", &[], "").await.status, 401);
    assert!(the.upstream.take().is_empty());
}

#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_reaches_nobody() {
    let the = Guarded::new("default").await;
    let token = the.token(&["data.read", "data.write", "settings.read"]).await;
    for path in [
        "/api/v1/data/..;/settings",
        "/api/v1/data/%2e%2e/settings",
        "/api/v1/data/%2E%2E/settings",
        "/api/v1//data",
        "/api//v1/data",
        "/api/v1/data/../settings",
        "/api/v1/./data",
        "/api/v1/data/%2fsettings",
        "/api/v1/data/%5c..",
        "/api/v1/data;x=1",
        "/api/v1/d%61ta",
        "/api/v1/data/%00",
        "/api/v1/data/a%0d%0ab",
        "/api/v1/data/%252e%252e",
        "/api/v1/data/%",
        "/api/v1/data/%zz",
        "/api/v1/data/a\\b",
    ] {
        let answer = the.get(path, &token).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{path}");
    }
    // Outside of the API there is nothing, and nobody is asked for a token.
    for path in ["/API/v1/data", "/%61pi/v1/data", "//api/v1/data", "/apis"] {
        assert_eq!(the.get(path, &token).await.status, 404, "{path}");
    }
    assert!(the.upstream.take().is_empty());
    assert_eq!(the.get("/api/v1/data/a%20b:c", &token).await.status, 200);
    assert_eq!(the.upstream.one().target, "/api/v1/data/a%20b:c");
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
    let upstream = crate::gateway::Upstream::start();
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

#[test]
fn routes_that_cannot_stand_are_refused_with_their_line() {
    let row = |row: &str| format!("{{\n\"routes\": [\n{row}\n]}}");
    let good = r#"{"path":"/api/v1/x/{id}","methods":{"GET":["data.read"]}}"#;
    for (rows, sentence) in [
        (
            r#"{"path":"/api/v1/x","methods":{"GET":["data.raed"]}}"#.to_owned(),
            "line 3 is \"data.raed\", which is no scope of the catalog; did you mean \"data.read\"?",
        ),
        (r#"{"path":"/api/v1/x","methods":{}}"#.to_owned(), "line 3 is empty"),
        (
            r#"{"path":"/api/v1/x","methods":{"FETCH":[]}}"#.to_owned(),
            "unknown key",
        ),
        (
            r#"{"path":"/api/v1/x","methods":{"GET":[]},"timemax":"3s"}"#.to_owned(),
            "did you mean `routes[0].time_max`",
        ),
        (
            r#"{"path":"api/v1/x","methods":{"GET":[]}}"#.to_owned(),
            "begins with a slash",
        ),
        (
            r#"{"path":"/api//x","methods":{"GET":[]}}"#.to_owned(),
            "none of them empty",
        ),
        (
            r#"{"path":"/api/../x","methods":{"GET":[]}}"#.to_owned(),
            "none of them empty",
        ),
        (
            r#"{"path":"/api/{a}/{a}","methods":{"GET":[]}}"#.to_owned(),
            "stands twice",
        ),
        (
            r#"{"path":"/api/{*all}/x","methods":{"GET":[]}}"#.to_owned(),
            "at its end",
        ),
        (
            r#"{"path":"/api/x","organization":"id","methods":{"GET":[]}}"#.to_owned(),
            "which is no `{id}` of the path",
        ),
        (
            r#"{"path":"/api/x","resource":"https://other.example","methods":{"GET":[]}}"#.to_owned(),
            "no resource of the profile",
        ),
        (
            r#"{"path":"/api/x","upstream":"ftp://a","methods":{"GET":[]}}"#.to_owned(),
            "but an upstream is",
        ),
        (
            r#"{"path":"/api/x","upstream":"https://u:p@a","methods":{"GET":[]}}"#.to_owned(),
            "no credentials",
        ),
        (
            r#"{"path":"/api/x","methods":{"GET":[]},"methods":{}}"#.to_owned(),
            "stands twice in one object",
        ),
        (
            format!("{good},\n{}", good.replace("{id}", "{other}")),
            "`/api/v1/x/{id}` of line 3 has the same form",
        ),
        (
            format!("{good},\n{}", r#"{"path":"/api/v1/{a}/b","methods":{"GET":[]}}"#),
            "neither is the more exact",
        ),
        ("nonsense".to_owned(), "line 3"),
    ] {
        let text = row(&rows);
        let (config, _dir) = read("default", "", &[("routes.json", &text)]);
        let errors = config.expect_err(&rows);
        assert!(
            errors.contains(sentence) && errors.contains("routes.json"),
            "{rows}\n{errors}"
        );
    }
    let exact = format!("{good},\n{}", r#"{"path":"/api/v1/x/new","methods":{"GET":[]}}"#);
    let (config, _dir) = configured("default", "", &[("routes.json", &row(&exact))]);
    assert_eq!(*config.routes.at("/api/v1/x/new").unwrap().route.path, *"/api/v1/x/new");
    assert_eq!(config.routes.at("/api/v1/x/7").unwrap().part("id"), "7");
}

#[tokio::test]
async fn a_route_over_this_servers_own_paths_is_refused_and_a_reload_keeps_what_was_good() {
    let own = r#"{"routes":[{"path":"/oauth/{all}","methods":{"POST":[]}}]}"#;
    let (config, _dir) = configured("default", "", &[("routes.json", own)]);
    let faults = grantd::app::route_faults(&config.routes);
    assert!(faults[0].contains("routes.json line 1 overlaps `/oauth/"), "{faults:?}");

    let one = r#"{"routes":[{"path":"/api/one","methods":{"GET":[]}}]}"#;
    let (config, dir) = configured("default", "", &[("routes.json", one)]);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let file = dir.path().join("data/profiles/default/routes.json");
    std::fs::write(&file, one.replace("one", "two")).unwrap();
    assert_eq!(world.service.reload_routes(), Ok(1));
    assert!(world.ctx.routes().at("/api/one").is_none() && world.ctx.routes().at("/api/two").is_some());
    for broken in [own, "{", r#"{"routes":[{"path":"/api/x"}]}"#] {
        std::fs::write(&file, broken).unwrap();
        assert!(world.service.reload_routes().is_err(), "{broken}");
        assert!(world.ctx.routes().at("/api/two").is_some());
    }
}
