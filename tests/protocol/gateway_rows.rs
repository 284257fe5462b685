//! Every row of every profile: who passes, who is told what, and what is no row.

use crate::gateway::{Guarded, challenges};
use crate::http::Answer;
use crate::support::{ISSUER, World};
use grantd::config::routes::{Needed, Route, Upstream};
use http::Method;

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

/// Of somebody who showed nothing: what is needed, where to get it, and no error (RFC 6750 §3.1).
fn judge_challenged(answer: &Answer, scope: &str, metadata: &str) {
    assert_eq!(answer.status, 401, "{answer:?}");
    let [bearer, dpop] = challenges(answer)[..] else {
        panic!("{answer:?}");
    };
    assert!(
        bearer.starts_with("Bearer ") && dpop.starts_with("DPoP algs=\"ES256 "),
        "{answer:?}"
    );
    for challenge in [bearer, dpop] {
        assert!(challenge.contains(metadata), "{challenge}");
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
        assert!(!challenge.contains("error"), "{challenge}");
    }
}

fn judge_lacking(answer: &Answer, scope: &str, metadata: &str) {
    let [challenge] = challenges(answer)[..] else {
        panic!("{answer:?}");
    };
    for part in ["error=\"insufficient_scope\"", &format!("scope=\"{scope}\""), metadata] {
        assert!(challenge.contains(part), "{challenge}");
    }
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
                // Where several do, the first is asked for.
                let enough = needed.scopes();
                let one = matches!(needed, Needed::All(all) if all.len() == 1);
                assert!(one || matches!(needed, Needed::AnyOf(_)), "{what}");
                judge_challenged(&answer, &enough[0], &metadata);
                // Whatever implies one of them would do as well.
                let catalog = &the.world.ctx.profile().scopes;
                let does = |name: &String| {
                    let implied = &catalog.get(name).unwrap().implies;
                    enough.iter().any(|scope| scope == name || implied.contains(scope))
                };
                let others = all.iter().filter(|name| !does(name));
                let others: Vec<&str> = others.map(String::as_str).collect();
                let token = the.token(&others).await;
                let header = format!("Bearer {token}");
                let answer = the.send(method.clone(), &path, &[("authorization", &header)], "").await;
                assert_eq!(answer.status, 403, "{what}: {answer:?}");
                judge_lacking(&answer, &enough[0], &metadata);
                assert!(the.upstream.take().is_empty(), "{what}");
                for scope in enough {
                    judge_admitted(&the, (route, method, &path), scope).await;
                }
            }
        }
    }
}

async fn judge_admitted(the: &Guarded, (route, method, path): (&Route, &Method, &str), scope: &str) {
    let what = format!("{method} {path} with {scope}");
    let header = format!("Bearer {}", the.token(&[scope]).await);
    let answer = the.send(method.clone(), path, &[("authorization", &header)], "").await;
    if let Upstream::Own(_) = route.upstream {
        let admitted = answer.status < 500 && answer.status != 401 && answer.status != 403;
        assert!(admitted && the.upstream.take().is_empty(), "{what}: {answer:?}");
        return;
    }
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
    let seen = the.upstream.one();
    assert_eq!((seen.method, seen.target.as_str()), (method.clone(), path), "{what}");
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
        assert_eq!(found.route.needs(&method).unwrap().scopes(), [scope], "{method} {path}");
        let named = path.contains("/companies/").then_some("c1");
        assert_eq!(found.organization(), named, "{path}");
    }
    // A plugin holds the one scope, or the other.
    let secret = world.ctx.routes().at(&format!("{base}/webhook-secret")).unwrap();
    let either = ["makepay:settings:write", "makepay:webhooks:write"].map(str::to_owned);
    assert_eq!(secret.route.needs(&Method::POST), Some(&Needed::AnyOf(either.to_vec())));
    let world = World::new("mokapen").await;
    for (path, method, scope) in [
        ("contacts", Method::GET, "contacts.read"),
        ("contacts", Method::POST, "contacts.write"),
        ("tasks", Method::GET, "tasks.read"),
        ("tasks/7", Method::PATCH, "tasks.write"),
    ] {
        let found = world.ctx.routes().at(&format!("/api/v1/849/{path}")).unwrap();
        assert_eq!(found.route.needs(&method).unwrap().scopes(), [scope]);
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
        "/api/v1/data/..%c0%afsettings",
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
