//! `/healthz` and `/readyz`, and addresses where nothing is.

use crate::failing_store::FailingStore;
use crate::http::request;
use crate::support::World;
use http::Method;
use std::sync::Arc;

#[tokio::test]
async fn a_server_that_answers_is_healthy_and_one_that_can_decide_is_ready() {
    let store = Arc::new(FailingStore::default());
    let world = World::with_store("default", store.clone()).await;
    let (healthz, readyz) = (world.get("/healthz").await, world.get("/readyz").await);
    assert_eq!((healthz.status, healthz.body.as_str()), (200, "ok\n"));
    assert_eq!((readyz.status, readyz.body.as_str()), (200, "ready\n"));
    assert_eq!(readyz.header("cache-control"), Some("no-store"));
    store.fail_reads(true);
    assert_eq!(world.get("/healthz").await.status, 200);
    let readyz = world.get("/readyz").await;
    assert_eq!(
        (readyz.status, readyz.body.as_str()),
        (503, "not ready\n"),
        "why is for the log"
    );
    assert!(world.log().contains("the disk is on fire"));
    store.fail_reads(false);
    assert_eq!(world.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn where_nothing_is_there_is_404_in_json() {
    let world = World::new("default").await;
    for path in [
        "/nowhere",
        "/oauth",
        "/oauth/token/",
        "/OAUTH/token",
        "/oauth//token",
        "/oauth/%74oken",
        "/oauth/token/..",
        "/oauth/jwks.json/x",
        "/.well-known/jwks.json",
        "/oauth/authorize/",
        "/oauth/par/x",
    ] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let answer = world.send(request(method, path, &[], b"")).await;
            assert_eq!(answer.error(), (404, "not_found"), "{path}");
        }
    }
}

#[tokio::test]
async fn documents_answer_get_head_and_nothing_that_writes() {
    let world = World::new("default").await;
    for path in [
        "/oauth/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/healthz",
    ] {
        assert_eq!(
            world.send(request(Method::HEAD, path, &[], b"")).await.status,
            200,
            "{path}"
        );
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = world.send(request(method, path, &[], b"")).await;
            assert_eq!(answer.error(), (405, "method_not_allowed"), "{path}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
        }
    }
}
