//! The documentation: public, in every language, and true of this very server.

use crate::browser::{Browser, world};
use crate::http::{Answer, request};
use crate::support::{ISSUER, World, config};
use grantd::app;
use grantd::config::embedded_profiles;
use grantd::store::memory::MemoryStore;
use http::Method;
use serde_json::json;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

const PAGES: [&str; 9] = [
    "/docs",
    "/docs/authentication",
    "/docs/organizations",
    "/docs/scopes",
    "/docs/verify",
    "/docs/routes",
    "/docs/webhooks",
    "/docs/errors",
    "/docs/api",
];

async fn read(world: &World, path: &str, language: &str) -> Answer {
    let headers = [("accept-language", language), ("accept", "text/html")];
    let page = world.send(request(Method::GET, path, &headers, b"")).await;
    assert_eq!(page.status, 200, "{path}: {page:?}");
    page
}

#[tokio::test]
async fn every_page_is_public_in_every_language_and_gives_no_cookie() {
    for profile in embedded_profiles() {
        let world = World::new(profile).await;
        for path in PAGES {
            let mut titles = Vec::new();
            for language in ["en", "fr", "sl"] {
                let page = read(&world, path, language).await;
                assert!(page.body.contains(&format!("<html lang=\"{language}\">")), "{path}");
                assert!(page.header("set-cookie").is_none(), "{path}");
                // A text that is missing shows its name instead.
                for key in [">doc_", ">api_", ">pat_", " doc_", " api_"] {
                    assert!(!page.body.contains(key), "{path} {language}: {key}");
                }
                assert!(page.body.len() < 60 * 1024, "{path}: {} bytes", page.body.len());
                titles.push(page.body.clone());
            }
            assert!(titles[0] != titles[1] && titles[1] != titles[2], "{path}");
        }
    }
}

#[tokio::test]
async fn whoever_is_signed_in_keeps_the_way_around_the_portal() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world);
    browser.sign_in().await;
    for path in PAGES {
        let page = browser.get(path).await;
        assert!(
            page.body.contains("class=\"parts\"") && page.body.contains("/logout"),
            "{path}"
        );
    }
    let stranger = read(&asking.world, "/docs", "en").await;
    assert!(!stranger.body.contains("/logout"));
}

#[tokio::test]
async fn addresses_scopes_and_lifetimes_are_the_servers_own() {
    for (profile, noun, lifetime, state) in [
        ("default", "organization_id", "\"expires_in\": 600", None),
        (
            "mokapen",
            "organization_id",
            "\"expires_in\": 31536000",
            Some("At least 16"),
        ),
        ("makecrypto", "company_id", "\"expires_in\": 3600", None),
    ] {
        let world = World::new(profile).await;
        let page = read(&world, "/docs/authentication", "en").await;
        let body = page.body.replace("&quot;", "\"");
        for words in [
            &format!("GET {ISSUER}/oauth/authorize"),
            &format!("POST {ISSUER}/oauth/token"),
            lifetime,
            &format!("\"{noun}\": "),
            &format!("{}_pat_", world.ctx.profile().prefix),
        ] {
            assert!(body.contains(words), "{profile}: {words}");
        }
        assert_eq!(body.contains("At least"), state.is_some(), "{profile}");
        let state = state.unwrap_or_default();
        assert!(body.contains(state));
        let scopes = read(&world, "/docs/scopes", "fr").await;
        for scope in world.ctx.profile().scopes.iter() {
            assert!(
                scopes.body.contains(&format!("<code>{}</code>", scope.name)),
                "{}",
                scope.name
            );
        }
        let named = read(&world, "/docs/organizations", "en").await;
        assert_eq!(named.body.contains("called: Company"), profile == "makecrypto");
        // What stands there as an address is one that is answered.
        for path in page.body.split(&format!("<code>{ISSUER}")).skip(1) {
            let path = path.split('<').next().unwrap();
            let known = app::routes().any(|(_, pattern)| pattern == path);
            assert!(known || path.is_empty() || path.starts_with("/api"), "{path}");
        }
    }
}

#[tokio::test]
async fn verifying_is_described_with_what_this_server_signs_and_warns_of_long_lives() {
    for (profile, api, lifetime, long) in [
        ("default", "/api", "10 min", false),
        ("mokapen", "/api", "365 d", true),
        ("makecrypto", "/api/partner/v1", "1 h", false),
    ] {
        let world = World::new(profile).await;
        let page = read(&world, "/docs/verify", "en").await;
        let body = page.body.replace("&quot;", "\"");
        for words in [
            format!("<code class=\"once\">{ISSUER}</code>"),
            format!("<code class=\"once\">{ISSUER}{api}</code>"),
            format!("<code class=\"once\">{ISSUER}/oauth/jwks.json</code>"),
            format!("\"{ISSUER}/oauth/introspect\""),
            format!("audience: \"{ISSUER}{api}\""),
            "algorithms: [\"EdDSA\"]".to_owned(),
            format!("<dd>{lifetime}</dd>"),
            "no revocation".to_owned(),
        ] {
            assert!(body.contains(&words), "{profile}: {words}");
        }
        for name in ["{issuer}", "{audience}", "{algorithm}", "{jwks_uri}"] {
            assert!(!body.contains(name), "{name}");
        }
        assert_eq!(body.contains("work for 365 d"), long, "{profile}");
        assert_eq!(
            body.contains("This API's tokens live too long for that"),
            long,
            "{profile}"
        );
        let at = |anchor: &str| body.find(&format!("id=\"{anchor}\"")).expect(anchor);
        assert!(at("introspection") < at("offline"));
    }
}

#[tokio::test]
async fn the_reference_has_every_operation_and_the_errors_every_kind() {
    let world = World::new("makecrypto").await;
    let reference = read(&world, "/docs/api", "sl").await;
    for (method, path) in app::routes().filter(|(_, path)| path.starts_with("/api/developer/")) {
        assert!(
            reference.body.contains(&format!("<code>{method} {path}</code>")),
            "{method} {path}"
        );
    }
    assert!(reference.body.contains("<code>company_id</code>"));
    let document = world.get("/api/developer/v1/openapi.json").await.json;
    let types = document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].clone();
    let errors = read(&world, "/docs/errors", "en").await;
    for kind in types.as_array().unwrap() {
        let (page, anchor) = kind.as_str().unwrap().split_once('#').unwrap();
        assert_eq!(page, format!("{ISSUER}/docs/errors"));
        assert!(errors.body.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
}

#[tokio::test]
async fn what_the_configuration_says_is_escaped() {
    let directory = TempDir::new().unwrap();
    let profile = directory.path().join("profiles/default");
    fs::create_dir_all(&profile).unwrap();
    let settings = "help = \"https://help.example/?\\\"><script>\"\n[[sdks]]\nname = \"<script>alert(1)</script>\"\n\
                    text = \"<script>\"\nurl = \"https://sdk.example/js\"\n[[sdks]]\nname = \"Nowhere yet\"";
    fs::write(profile.join("profile.toml"), settings).unwrap();
    let config = config("default", directory.path());
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let page = read(&world, "/docs", "en").await;
    assert!(page.body.contains("href=\"https://sdk.example/js\""), "{page:?}");
    assert!(page.body.contains("<strong>Nowhere yet</strong>"), "{page:?}");
    let help = "href=\"https://help.example/?&quot;&gt;&lt;script&gt;\"";
    assert_eq!(
        page.body.matches(help).count(),
        2,
        "in the text and at the foot: {page:?}"
    );
    assert!(page.body.contains("&lt;script&gt;") && !page.body.contains("<script>"));
}

/// Every row of the gateway's table, each scope a way to what it means; and the table as it is now.
#[tokio::test]
async fn the_routes_are_those_of_the_gateway() {
    for profile in embedded_profiles() {
        let world = World::new(profile).await;
        let page = read(&world, "/docs/routes", "en").await;
        let scopes = read(&world, "/docs/scopes", "en").await;
        for route in world.ctx.routes().rows() {
            let (_, row) = page
                .body
                .split_once(&format!("<h3><code>{}</code>", route.path))
                .unwrap_or_else(|| panic!("{profile}: {} is missing", route.path));
            let row = row.split("</li>").next().unwrap();
            for (method, needed) in &route.methods {
                let (_, of_method) = row.split_once(&format!("<dt><code>{method}</code></dt>")).unwrap();
                let of_method = of_method.split("</dd>").next().unwrap();
                for scope in needed.scopes() {
                    assert!(
                        of_method.contains(&format!("href=\"/docs/scopes#{scope}\"")),
                        "{}",
                        route.path
                    );
                    assert!(scopes.body.contains(&format!("id=\"{scope}\"")), "{scope}");
                }
            }
            if let Some(part) = &route.organization {
                assert!(row.contains(&format!("{{{part}}} is the organization")), "{row}");
            }
        }
    }
    let world = World::new("mokapen").await;
    let page = read(&world, "/docs/routes", "en").await;
    assert!(page.body.contains(&format!("{ISSUER}/api/v1/849/")), "{page:?}");
    assert!(page.body.contains("id=\"api-v1--org-id--contacts\""), "{page:?}");
    let nested = read(&World::new("makecrypto").await, "/docs/routes", "en").await;
    let either = "makepay:settings:write</code></a> or <a href=\"/docs/scopes#makepay:webhooks:write\">";
    assert!(nested.body.contains(either), "{nested:?}");
    let group = "id=\"api-partner-v1-makepay-webhook-subscriptions-current";
    assert_eq!(
        nested.body.matches(group).count(),
        1,
        "what lies below it stands with it"
    );
    world.ctx.set_routes(Default::default());
    let page = read(&world, "/docs/routes", "en").await;
    assert!(page.body.contains("guards no routes"), "{page:?}");
}

#[tokio::test]
async fn a_long_table_of_routes_comes_in_pages() {
    let directory = TempDir::new().unwrap();
    let profile = directory.path().join("profiles/default");
    fs::create_dir_all(&profile).unwrap();
    let path = |at: usize| format!("/api/t{}/{{id}}/p{at}", at / 7);
    let row = |at| json!({ "path": path(at), "methods": { "GET": [], "PUT": ["data.write"] } });
    let table = json!({ "routes": (0..400).map(row).collect::<Vec<_>>() });
    fs::write(profile.join("routes.json"), table.to_string()).unwrap();
    let world = World::with_config(config("default", directory.path()), Arc::new(MemoryStore::new())).await;
    let (mut address, mut seen) = ("/docs/routes".to_owned(), Vec::new());
    loop {
        let page = read(&world, &address, "en").await;
        assert!(page.body.len() < 60 * 1024, "{address}: {} bytes", page.body.len());
        let rows = page.body.split("<h3><code>").skip(1);
        seen.extend(rows.map(|row| row.split('<').next().unwrap().to_owned()));
        let Some((_, next)) = page.body.split_once("href=\"/docs/routes?from=") else {
            break;
        };
        address = format!("/docs/routes?from={}", next.split('"').next().unwrap());
    }
    let all: Vec<String> = (0..400).map(path).collect();
    assert_eq!(seen, all);
    for odd in ["?from=99999", "?from=-1", "?from=%3Cscript%3E"] {
        assert!(
            !read(&world, &format!("/docs/routes{odd}"), "en")
                .await
                .body
                .contains("<script")
        );
    }
}

/// What the gateway really says stands on the page, in either shape.
#[tokio::test]
async fn the_refusals_of_routes_are_documented() {
    for (profile, path, member) in [
        ("default", "/api/v1/data", "error"),
        ("makecrypto", "/api/partner/v1/makepay/settings", "errorCode"),
    ] {
        let world = World::new(profile).await;
        let page = read(&world, "/docs/errors", "en").await;
        assert!(
            page.body
                .replace("&quot;", "\"")
                .contains(&format!("\"{member}\": \"insufficient_scope\""))
        );
        let client = world.client();
        let token = world.mint_as(&client, "").await;
        let (bearer, junk) = (format!("Bearer {token}"), format!("Bearer {token}x"));
        let mut codes = Vec::new();
        for (method, path, headers) in [
            (Method::GET, path, vec![]),
            (Method::GET, path, vec![("authorization", junk.as_str())]),
            (
                Method::GET,
                path,
                vec![("authorization", bearer.as_str()), ("authorization", junk.as_str())],
            ),
            (Method::GET, path, vec![("authorization", "DPoP x")]),
            (Method::DELETE, path, vec![("authorization", bearer.as_str())]),
        ] {
            let refused = world.send(request(method, path, &headers, b"")).await;
            let code = refused.text(member);
            assert!(
                page.body.contains(&format!("<code>{code}</code>")),
                "{code}: {refused:?}"
            );
            codes.push(code);
        }
        codes.dedup();
        assert!(codes.len() >= 4, "{codes:?}");
        assert!(
            page.body
                .contains(&format!("<code>wrong_{}</code>", world.ctx.profile().noun.singular))
        );
    }
}
