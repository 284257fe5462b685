//! RFC 8414: what the server says of itself.

use crate::http::{Auth, request};
use crate::proofs::ClientKey;
use crate::rfc7523::with_assertion;
use crate::support::{GRANT, ISSUER, World};
use grantd::base::jose::Alg;
use grantd::control::NewApp;
use grantd::control::app_settings::AppSettings;
use grantd::model::app::Kind;
use http::Method;
use serde_json::{Value, json};
use std::path::Path;

const PATH: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn r4_m1_f2_the_document_says_what_the_server_does_and_no_more() {
    let world = World::new("default").await;
    let answer = world.get(PATH).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let scopes: Vec<&str> = world.ctx.profile().scopes.names().collect();
    let methods = json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]);
    let introspection_methods = json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    let algs = json!(["ES256", "EdDSA", "Ed25519", "PS256"]);
    let expected = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://auth.example/oauth/authorize",
        "pushed_authorization_request_endpoint": "https://auth.example/oauth/par",
        "token_endpoint": "https://auth.example/oauth/token",
        "revocation_endpoint": "https://auth.example/oauth/revoke",
        "introspection_endpoint": "https://auth.example/oauth/introspect",
        "jwks_uri": "https://auth.example/oauth/jwks.json",
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": false,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["en", "fr", "sl"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algs,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algs,
        "introspection_endpoint_auth_methods_supported": introspection_methods,
        "introspection_endpoint_auth_signing_alg_values_supported": algs,
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"],
        "protected_resources": ["https://auth.example/api"],
    });
    assert_eq!(answer.json, expected);
}

#[tokio::test]
async fn r4_m1_every_address_clients_try_gives_the_same_document() {
    for (profile, resource_path) in [
        ("default", "/api"),
        ("mokapen", "/api"),
        ("makecrypto", "/api/partner/v1"),
    ] {
        let world = World::new(profile).await;
        let document = world.get(PATH).await.body;
        for base in [PATH, "/.well-known/openid-configuration"] {
            for path in ["", resource_path, &format!("{resource_path}/")] {
                let answer = world.get(&format!("{base}{path}")).await;
                assert_eq!((answer.status, &answer.body), (200, &document), "{base}{path}");
            }
            for path in ["/tenant1", "/api/x", "/..", "/ap", "/API", "/%61pi"] {
                if path != resource_path {
                    let answer = world.get(&format!("{base}{path}")).await;
                    assert_eq!(answer.error(), (404, "not_found"), "{base}{path}");
                }
            }
        }
    }
}

/// The schema describes every registered member with its type, and allows no others.
#[tokio::test]
async fn r4_the_document_fits_the_schema_of_the_registry() {
    let schema: Value = serde_json::from_str(include_str!("../vectors/rfc8414-metadata.schema.json")).unwrap();
    for profile in ["default", "mokapen", "makecrypto"] {
        let world = World::new(profile).await;
        let document = world.get(PATH).await.json;
        // RFC 8414 §2: others may be there too. This one is the plugins' own.
        let own = ["native_installation_endpoint"];
        let members = document.as_object().unwrap().iter();
        for (name, value) in members.filter(|(name, _)| !own.contains(&name.as_str())) {
            let expected = &schema["properties"][name];
            assert!(expected.is_object(), "{name} is no registered member");
            let fits = match expected["type"].as_str() {
                Some("string") if expected["format"] == "uri" => {
                    value.as_str().is_some_and(|text| url::Url::parse(text).is_ok())
                }
                Some("string") => value.is_string(),
                Some("boolean") => value.is_boolean(),
                Some("array") => value
                    .as_array()
                    .is_some_and(|items| items.iter().all(|item| item.is_string())),
                other => panic!("{name} has the unknown type {other:?}"),
            };
            assert!(fits, "{name} is {value}");
        }
        for required in ["issuer", "token_endpoint", "response_types_supported"] {
            assert!(
                document.get(required).is_some(),
                "RFC 8414 section 2 requires {required}"
            );
        }
    }
}

#[tokio::test]
async fn o1_m5_every_endpoint_is_https_below_the_issuer_and_answers() {
    let world = World::new("default").await;
    let document = world.get(PATH).await.json;
    let origin = format!("{ISSUER}/");
    for (name, value) in document.as_object().unwrap() {
        if !name.ends_with("_endpoint") && name != "jwks_uri" {
            continue;
        }
        let path = value.as_str().unwrap().strip_prefix(&origin).expect(name);
        assert!(!path.contains(['?', '#']), "{name}");
        let answer = world.get(&format!("/{path}")).await;
        assert_ne!(answer.status, 404, "{name}");
    }
}

#[tokio::test]
async fn r4_the_auth_methods_and_grants_listed_are_the_ones_that_work() {
    let world = World::new("default").await;
    let document = world.get(PATH).await.json;
    let body = format!("&client_id={}&client_secret={}", world.client_id, world.client_secret);
    let public = world.add_app(public_client(&world)).await.0;
    let key = ClientKey::new(Alg::Es256, 1);
    let keyed = world.add_app_with_keys(&[key.jwk()], AppSettings::default()).await;
    for (endpoint, form) in [
        ("token", GRANT),
        ("revocation", "token=x"),
        ("introspection", "token=x"),
    ] {
        let url = document[format!("{endpoint}_endpoint")].as_str().unwrap();
        let path = url.strip_prefix(ISSUER).unwrap();
        for method in document[format!("{endpoint}_endpoint_auth_methods_supported")]
            .as_array()
            .unwrap()
        {
            let answer = match method.as_str().unwrap() {
                "client_secret_basic" => world.post_as_app(path, form).await,
                "client_secret_post" => world.post(path, Auth::None, &format!("{form}{body}")).await,
                // A public client is let in, whatever it then may or may not do.
                "none" => {
                    let answer = world
                        .post(path, Auth::None, &format!("{form}&client_id={public}"))
                        .await;
                    assert_ne!(answer.error().1, "invalid_client", "{endpoint}");
                    continue;
                }
                "private_key_jwt" => {
                    let form = with_assertion(form, &key.assertion(&world, &keyed));
                    world.post(path, Auth::None, &form).await
                }
                other => panic!("{other} is not tried here"),
            };
            assert_eq!(answer.status, 200, "{endpoint} {method}");
        }
    }
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&"client_credentials".into()));
    assert_eq!(world.post_as_app("/oauth/token", GRANT).await.status, 200);
}

fn public_client(world: &World) -> NewApp {
    NewApp {
        public_client: true,
        redirect_uris: vec!["http://127.0.0.1/callback".into()],
        ..world.new_app(Kind::Public, &[])
    }
}

#[tokio::test]
async fn r4_m2_r3_the_issuer_is_the_configured_one_byte_for_byte_everywhere() {
    let world = World::new("default").await;
    let document = world.get(PATH).await.json;
    let token = world.mint("").await;
    let seen = world.introspect(&token).await;
    let resource = world.get("/.well-known/oauth-protected-resource").await.json;
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(seen["iss"], ISSUER);
    assert_eq!(crate::tokens::payload(&token)["iss"], ISSUER);
    assert_eq!(resource["authorization_servers"], json!([ISSUER]));
    for wrong in [
        "https://auth.example/",
        "https://auth.example/x",
        "https://auth.example?x",
        "http://auth.example",
    ] {
        let overrides = grantd::config::Overrides {
            issuer: Some(wrong.into()),
            data_dir: Some(Path::new("/nonexistent/grantd").into()),
            ..Default::default()
        };
        assert!(grantd::config::Config::load(None, &overrides).is_err(), "{wrong}");
    }
}

/// Past failure: URLs built from the request's host (CVE-2025-67494).
#[tokio::test]
async fn r4_past_cve_2025_67494_no_header_of_a_request_gets_into_a_document() {
    let world = World::new("default").await;
    for path in [
        PATH,
        "/.well-known/oauth-protected-resource",
        "/oauth/jwks.json",
        "/oauth/token",
    ] {
        let plain = world.get(path).await;
        let headers = [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("forwarded", "host=evil.example;proto=http"),
            ("x-original-url", "/evil"),
            ("origin", "https://evil.example"),
        ];
        let answer = world.send(request(Method::GET, path, &headers, b"")).await;
        assert_eq!((answer.status, &answer.body), (plain.status, &plain.body), "{path}");
        assert_eq!(answer.headers, plain.headers, "{path}");
    }
}

#[tokio::test]
async fn b5_any_origin_may_read_the_public_documents() {
    let world = World::new("default").await;
    for path in [
        PATH,
        "/.well-known/openid-configuration",
        "/oauth/jwks.json",
        "/.well-known/oauth-protected-resource",
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        let preflight = world.send(request(Method::OPTIONS, path, &[], b"")).await;
        assert_eq!(preflight.status, 204);
        assert_eq!(preflight.header("access-control-allow-methods"), Some("GET"));
    }
    let health = world.get("/healthz").await;
    assert_eq!(health.header("access-control-allow-origin"), None);
}
