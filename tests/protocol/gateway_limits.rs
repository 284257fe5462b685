//! Rates and quotas of requests to the API: who is counted, what is told, and what comes back when.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, set_password};
use crate::gateway::{Guarded, Upstream, configured};
use crate::http::{Answer, request};
use crate::personal_tokens::{NEW, make, text};
use crate::support::{OWNER, World};
use grantd::store::memory::MemoryStore;
use http::Method;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;

pub const DATA: &str = "/api/v1/data";

pub fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// Two routes, the second with a limit of its own, in the sandbox.
pub fn routes(limits: &str) -> String {
    format!(
        r#"{{"rate_limits":{limits},"routes":[
        {{"path":"/api/v1/data","sandbox":"data","methods":{{"GET":["data.read"],"POST":["data.write"]}}}},
        {{"path":"/api/v1/dear","sandbox":"data","methods":{{"GET":["data.read"]}},"rate_limit":2}}]}}"#
    )
}

pub async fn limited(limits: &str) -> (World, TempDir) {
    let settings = "[gateway]\nforward_auth_peers = [\"127.0.0.1\"]\n";
    let (config, dir) = configured("default", settings, &[("routes.json", &routes(limits))]);
    (World::with_config(config, Arc::new(MemoryStore::new())).await, dir)
}

pub async fn app_token(world: &World) -> String {
    let client = world.add_private_app(OWNER, &["data.read"]).await;
    world.mint_as(&client, "").await
}

pub async fn get(world: &World, path: &str, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    world
        .send(request(Method::GET, path, &[("authorization", &authorization)], b""))
        .await
}

/// Status, `RateLimit` and `Retry-After`.
pub fn told(answer: &Answer) -> (u16, &str, Option<&str>) {
    let left = answer.header("ratelimit").unwrap_or_default();
    (answer.status, left, answer.header("retry-after"))
}

#[tokio::test]
async fn every_answer_says_what_is_left_and_429_when_there_is_more() {
    let (world, _dir) = limited(r#"{"window":"1m","app":30,"credential":3}"#).await;
    let token = app_token(&world).await;
    for left in [
        r#""app";r=29;t=2, "credential";r=2;t=20"#,
        r#""app";r=28;t=4, "credential";r=1;t=40"#,
        r#""app";r=27;t=6, "credential";r=0;t=60"#,
    ] {
        let answer = get(&world, DATA, &token).await;
        assert_eq!(told(&answer), (200, left, None));
        let policy = answer.header("ratelimit-policy");
        assert_eq!(policy, Some(r#""app";q=30;w=60, "credential";q=3;w=60"#));
    }
    for _ in 0..10 {
        let answer = get(&world, DATA, &token).await;
        assert_eq!(told(&answer), (429, r#""credential";r=0;t=20"#, Some("20")));
        assert_eq!(answer.error(), (429, "too_many_requests"));
        assert!(answer.header("ratelimit-policy").is_some() && !answer.text("request_id").is_empty());
    }
    // Waiting as long as was said is enough, and what was refused has cost nothing.
    world.advance(Duration::from_millis(19_001));
    assert_eq!(told(&get(&world, DATA, &token).await).2, Some("1"));
    world.advance(Duration::from_millis(999));
    let answer = get(&world, DATA, &token).await;
    assert_eq!(told(&answer), (200, r#""app";r=29;t=2, "credential";r=0;t=60"#, None));
    assert_eq!(get(&world, DATA, &token).await.status, 429);
    world.advance(seconds(60));
    assert_eq!(get(&world, DATA, &token).await.status, 200);
}

#[tokio::test]
async fn a_profile_whose_errors_are_sentences_says_it_in_its_words() {
    let row = r#"{"path":"/api/partner/v1/makepay/settings","methods":{"GET":["makepay:settings:read"]}}"#;
    let routes = format!(r#"{{"rate_limits":{{"app":1}},"routes":[{row}]}}"#);
    let (config, _dir) = configured("makecrypto", "", &[("routes.json", &routes)]);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let client = world.add_private_app(OWNER, &["makepay:settings:read"]).await;
    let token = world.mint_as(&client, "").await;
    let path = "/api/partner/v1/makepay/settings";
    assert_ne!(get(&world, path, &token).await.status, 429);
    let answer = get(&world, path, &token).await;
    assert_eq!(
        (answer.status, answer.text("errorCode").as_str()),
        (429, "too_many_requests")
    );
    assert!(answer.text("error").contains("Retry-After"), "{answer:?}");
}

#[tokio::test]
async fn nobody_uses_up_what_is_anothers() {
    let (world, _dir) = limited(r#"{"window":"1m","app":5,"credential":3}"#).await;
    let own = app_token(&world).await;
    // Who cannot show who they are is nobody, however close.
    let (head, signature) = own.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for _ in 0..20 {
        let answer = get(&world, DATA, &forged).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (401, None));
    }
    let other = app_token(&world).await;
    for _ in 0..3 {
        assert_eq!(get(&world, DATA, &own).await.status, 200);
    }
    assert_eq!(get(&world, DATA, &own).await.status, 429);
    assert_eq!(get(&world, DATA, &other).await.status, 200, "another app");

    // Two tokens of one person: each has what one may have, and both together what one person may.
    let the = Authorizing::over(world).await;
    set_password(&the.world, EMAIL).await;
    let browser = Browser::new(&the.world);
    browser.sign_in().await;
    let mut tokens = Vec::new();
    for name in ["One", "Two"] {
        let fields = [("name", name), ("expiry", "30"), ("scope", "data.read")];
        let token = text(&make(&browser, NEW, &fields).await);
        the.world.secrets.keep_token(&token);
        tokens.push(token);
    }
    for _ in 0..3 {
        assert_eq!(get(&the.world, DATA, &tokens[0]).await.status, 200);
    }
    let refused = get(&the.world, DATA, &tokens[0]).await;
    assert_eq!(told(&refused), (429, r#""credential";r=0;t=20"#, Some("20")));
    let answer = get(&the.world, DATA, &tokens[1]).await;
    assert_eq!(told(&answer).1, r#""app";r=1;t=48, "credential";r=2;t=20"#);
    assert_eq!(get(&the.world, DATA, &tokens[1]).await.status, 200);
    for _ in 0..10 {
        let refused = get(&the.world, DATA, &tokens[1]).await;
        assert_eq!(told(&refused), (429, r#""app";r=0;t=12"#, Some("12")));
    }
    the.world.advance(seconds(12));
    // What the person was refused has cost the token nothing.
    let answer = get(&the.world, DATA, &tokens[1]).await;
    assert_eq!(told(&answer).1, r#""app";r=0;t=60, "credential";r=0;t=48"#);
}

#[tokio::test]
async fn what_is_refused_to_somebody_known_counts_and_a_route_may_have_a_limit_of_its_own() {
    let (world, _dir) = limited(r#"{"window":"1m","app":7,"credential":0}"#).await;
    let token = app_token(&world).await;
    assert_eq!(get(&world, "/api/v1/nothing", &token).await.status, 404);
    let bearer = format!("Bearer {token}");
    let posted = request(Method::POST, DATA, &[("authorization", &bearer)], b"{}");
    let answer = world.send(posted).await;
    assert_eq!(told(&answer), (403, r#""app";r=5;t=18"#, None));
    for _ in 0..2 {
        assert_eq!(get(&world, "/api/v1/dear", &token).await.status, 200);
    }
    for _ in 0..10 {
        let answer = get(&world, "/api/v1/dear", &token).await;
        assert_eq!(told(&answer), (429, r#""route";r=0;t=30"#, Some("30")));
        let policy = answer.header("ratelimit-policy");
        assert_eq!(policy, Some(r#""app";q=7;w=60, "route";q=2;w=60"#));
    }
    assert_eq!(told(&get(&world, DATA, &token).await).1, r#""app";r=2;t=43"#);
    for _ in 0..2 {
        assert_eq!(get(&world, "/api/v1/nothing", &token).await.status, 404);
    }
    assert_eq!(get(&world, "/api/v1/nothing", &token).await.status, 429);
}

/// Of many at once exactly as many as there are pass, whichever limit it is; the quota has to be read first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_exactly_the_budget_passes() {
    for (limits, budget) in [
        (r#"{"window":"1h","app":40,"credential":0}"#, 40),
        (r#"{"window":"1h","app":100,"credential":30}"#, 30),
        (r#"{"app":0,"credential":0,"day":25}"#, 25),
        (r#"{"window":"1h","app":50,"credential":0,"day":35}"#, 35),
        (r#"{"window":"1h","app":35,"credential":0,"day":50}"#, 35),
    ] {
        let (world, _dir) = limited(limits).await;
        let (world, token) = (Arc::new(world), "");
        let token = format!("{token}{}", app_token(&world).await);
        let mut asking = JoinSet::new();
        for _ in 0..200 {
            let (world, token) = (world.clone(), token.clone());
            asking.spawn(async move { get(&world, DATA, &token).await.status });
        }
        let statuses = asking.join_all().await;
        let passed = statuses.iter().filter(|status| **status == 200).count();
        let refused = statuses.iter().filter(|status| **status == 429).count();
        assert_eq!((passed, refused), (budget, 200 - budget), "{limits}");
    }
}

#[tokio::test]
async fn proxies_that_ask_are_told_the_same_and_share_the_budget() {
    let (world, _dir) = limited(r#"{"window":"1m","app":6,"credential":0}"#).await;
    let authorization = format!("Bearer {}", app_token(&world).await);
    let ask = async |[method, target]: [&str; 2]| {
        let headers = [
            ("authorization", authorization.as_str()),
            (method, "GET"),
            (target, DATA),
        ];
        world.send(request(Method::GET, "/gateway/check", &headers, b"")).await
    };
    let nginx = ["x-original-method", "x-original-uri"];
    let caddy = ["x-forwarded-method", "x-forwarded-uri"];
    for (asked, left) in [(nginx, 5), (caddy, 4)] {
        let answer = ask(asked).await;
        assert_eq!(answer.status, 200);
        assert!(
            told(&answer).1.starts_with(&format!(r#""app";r={left};"#)),
            "{answer:?}"
        );
    }
    let headers = [("authorization", authorization.as_str())];
    let path = format!("/gateway/check{DATA}");
    let envoy = async || world.send(request(Method::GET, &path, &headers, b"")).await;
    assert_eq!(envoy().await.status, 200);
    for _ in 0..3 {
        assert_eq!(
            get(&world, DATA, authorization.split_once(' ').unwrap().1).await.status,
            200
        );
    }
    let refused = r#""app";r=0;t=10"#;
    assert_eq!(told(&ask(caddy).await), (429, refused, Some("10")));
    assert_eq!(told(&envoy().await), (429, refused, Some("10")));
    // nginx takes anything but 401 and 403 for a failure; its configuration makes 429 of this.
    assert_eq!(told(&ask(nginx).await), (403, refused, Some("10")));
}

#[tokio::test]
async fn an_upstream_is_told_nothing_of_what_is_refused_and_may_have_limits_of_its_own() {
    let upstream = Upstream::start();
    let settings = format!("[gateway]\nupstream = \"http://{}\"\n", upstream.address);
    let routes = r#"{"rate_limits":{"app":1},"routes":[{"path":"/api/v1/data","methods":{"GET":[]}}]}"#;
    let (config, _dir) = configured("default", &settings, &[("routes.json", routes)]);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let token = app_token(&world).await;
    assert_eq!(told(&get(&world, DATA, &token).await).0, 200);
    assert_eq!(get(&world, DATA, &token).await.status, 429);
    upstream.one();
}

#[tokio::test]
async fn developers_read_which_limits_there_are() {
    let (world, _dir) = limited(r#"{"window":"5m","app":123,"credential":45,"day":678,"month":9012}"#).await;
    let read = async |world: &World| {
        let headers = [("accept", "text/html"), ("accept-language", "en")];
        world
            .send(request(Method::GET, "/docs/errors", &headers, b""))
            .await
            .body
    };
    let page = read(&world).await;
    for said in [
        "123 requests in 5",
        "45 requests in 5",
        "678 requests a day",
        "9012 requests a month",
        "<code>/api/v1/dear</code>: 2 requests in 5",
        "&quot;app&quot;;q=123;w=300, ",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let (world, _dir) = limited(r#"{"app":0,"credential":0}"#).await;
    assert!(!read(&world).await.contains("RateLimit"));
}

/// The built-in routes: an integration that works is not held back, a loop without end is.
#[tokio::test]
async fn there_are_limits_where_nothing_is_said() {
    let the = Guarded::new("default").await;
    let token = the.token(&["data.read"]).await;
    let answer = the.get(DATA, &token).await;
    assert_eq!(told(&answer).1, r#""app";r=5999;t=1, "credential";r=2999;t=1"#);
    let mut passed = 1;
    while the.get(DATA, &token).await.status == 200 {
        passed += 1;
    }
    assert_eq!(passed, 3000);
}
