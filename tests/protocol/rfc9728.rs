//! RFC 9728: what is said of each API.

use crate::http::request;
use crate::support::{ISSUER, World, config};
use grantd::store::memory::MemoryStore;
use http::Method;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

const PATH: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn r2_m7_the_document_names_the_resource_and_who_issues_for_it() {
    for (profile, path) in [
        ("default", "/api"),
        ("mokapen", "/api"),
        ("makecrypto", "/api/partner/v1"),
    ] {
        let world = World::new(profile).await;
        let answer = world.get(&format!("{PATH}{path}")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let scopes: Vec<&str> = world.ctx.profile().scopes.names().collect();
        let expected = json!({
            "resource": format!("{ISSUER}{path}"),
            "authorization_servers": [ISSUER],
            "scopes_supported": scopes,
            "bearer_methods_supported": ["header"],
            "resource_name": world.ctx.profile().default_resource().name,
        });
        assert_eq!(answer.json, expected);
        assert!(answer.json["resource"].as_str().unwrap().starts_with("https://"));
    }
}

#[tokio::test]
async fn r2_the_well_known_name_stands_before_the_path_of_the_resource() {
    let mut config = config("default", Path::new("/nonexistent/grantd"));
    let mut second = config.profile.resources[0].clone();
    second.identifier = format!("{ISSUER}/reports/v2/");
    second.name = "Reports".into();
    second.documentation = Some("https://docs.example/reports".into());
    config.profile.resources.push(second);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    for path in ["/reports/v2", "/reports/v2/"] {
        let document = world.get(&format!("{PATH}{path}")).await.json;
        assert_eq!(
            document["resource"],
            format!("{ISSUER}/reports/v2/"),
            "identical to the identifier"
        );
        assert_eq!(document["resource_name"], "Reports");
        assert_eq!(document["resource_documentation"], "https://docs.example/reports");
    }
    let first = world.get(PATH).await.json;
    assert_eq!(
        first["resource"],
        format!("{ISSUER}/api"),
        "the bare address is the first one's"
    );
    assert!(first.get("resource_documentation").is_none(), "left out, never null");
    assert_eq!(world.get(&format!("{PATH}/api")).await.json, first);
    for path in [
        "/reports",
        "/reports/v2/x",
        "/v2",
        "/reports//v2",
        "/reports%2Fv2",
        "/Reports/v2",
    ] {
        assert_eq!(
            world.get(&format!("{PATH}{path}")).await.error(),
            (404, "not_found"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn r2_only_get_is_answered_and_no_parameter_matters() {
    let world = World::new("default").await;
    let plain = world.get(PATH).await;
    let asked = world.get(&format!("{PATH}?resource=https://evil.example&x")).await;
    assert_eq!(asked.body, plain.body);
    let posted = world.send(request(Method::POST, PATH, &[], b"")).await;
    assert_eq!(posted.error(), (405, "method_not_allowed"));
}

#[tokio::test]
async fn r2_no_list_is_empty_and_no_algorithm_is_none() {
    for profile in ["default", "mokapen", "makecrypto"] {
        let world = World::new(profile).await;
        let document = world.get(PATH).await.json;
        for (name, value) in document.as_object().unwrap() {
            assert!(!value.is_null(), "{name}");
            assert!(value.as_array().is_none_or(|list| !list.is_empty()), "{name}");
            assert!(!value.to_string().contains("\"none\""), "{name}");
        }
    }
}
