//! What holds of every page: headers, no third parties, no framing, texts.

use crate::browser::{Browser, world};
use crate::http::{Answer, request};
use crate::support::World;
use http::Method;
use std::collections::BTreeSet;
use std::path::Path;

/// Pages of every kind, and whether they are part of the way to an app.
async fn pages() -> Vec<(&'static str, bool, Answer)> {
    let asking = world("default").await;
    let query = asking.query("");
    let (stranger, browser) = (Browser::new(&asking.world), Browser::new(&asking.world));
    browser.sign_in().await;
    let path = format!("/oauth/authorize?{query}");
    let html = browser.get("/nowhere").await;
    assert_eq!(
        html.header("content-type"),
        Some("application/json"),
        "no browser asked"
    );
    let accept = Browser::new(&asking.world).with_header("accept", "text/html,*/*;q=0.8");
    vec![
        ("sign-in at the endpoint", true, stranger.get(&path).await),
        ("sign-in", true, stranger.get("/login").await),
        ("consent", true, browser.get(&path).await),
        ("error", false, browser.get("/oauth/authorize?client_id=x").await),
        ("account", false, browser.get("/account").await),
        ("refused form", false, browser.post("/consent", "", &[]).await),
        ("not found", false, accept.get("/nowhere").await),
        ("wrong method", false, accept.get("/logout").await),
    ]
}

#[tokio::test]
async fn o31_b11_f1_no_page_can_be_framed_sniffed_cached_or_read_in_clear() {
    for (name, in_flow, page) in pages().await {
        let header = |header| page.header(header).unwrap_or_else(|| panic!("{name} has no {header}"));
        let policy = header("content-security-policy");
        for directive in [
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(
                policy.split("; ").any(|d| d == directive),
                "{name}: {directive} in {policy}"
            );
        }
        // Chromium applies form-action to the redirects after a form, and so to the app's address.
        assert_eq!(policy.contains("form-action 'self'"), !in_flow, "{name}: {policy}");
        assert_eq!(header("x-frame-options"), "DENY", "{name}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(header("strict-transport-security"), "max-age=63072000", "{name}");
        assert_eq!(header("cache-control"), "no-store", "{name}");
        let opener = if in_flow { "unsafe-none" } else { "same-origin" };
        assert_eq!(header("cross-origin-opener-policy"), opener, "{name}");
        assert_eq!(header("content-type"), "text/html; charset=utf-8", "{name}");
        assert!(page.header("access-control-allow-origin").is_none(), "{name}");
    }
}

#[tokio::test]
async fn b6_pages_load_nothing_of_others_and_tell_nobody_where_they_are() {
    for (name, _, page) in pages().await {
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{name}");
        for loading in ["src=\"", "rel=\"stylesheet\" href=\""] {
            for place in page.body.split(loading).skip(1) {
                assert!(
                    place.starts_with("/assets/"),
                    "{name} loads {}",
                    place.split('"').next().unwrap()
                );
            }
        }
        for inline in ["<style", "style=\"", "<script>", "onclick", "@import", "javascript:"] {
            assert!(!page.body.contains(inline), "{name} has {inline}");
        }
    }
    let world = World::new("default").await;
    assert!(!String::from_utf8_lossy(&world.ctx.config.pages.stylesheet.content).contains("url("));
}

#[tokio::test]
async fn what_pages_load_has_a_name_of_its_content_and_may_be_kept() {
    let world = World::new("default").await;
    let page = world.get("/login").await;
    let path = page
        .body
        .split("href=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap();
    let asset = world.get(path).await;
    assert_eq!(asset.status, 200);
    assert_eq!(asset.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(
        asset.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    for path in ["/assets/style.css", "/assets/..%2fsecret", "/assets/"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn errors_are_pages_for_people_and_json_for_machines() {
    let world = World::new("default").await;
    for (path, status) in [("/nowhere", 404), ("/logout", 405)] {
        let json = world.get(path).await;
        assert_eq!(
            (json.status, json.header("content-type")),
            (status, Some("application/json"))
        );
        let page = world
            .send(request(Method::GET, path, &[("accept", "text/html")], b""))
            .await;
        assert_eq!(page.status, status);
        assert!(page.body.contains("There is nothing here"), "{page:?}");
        assert_eq!(page.header("allow"), json.header("allow"));
    }
    let answer = world.get("/").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
}

#[tokio::test]
async fn past_cve_2025_67494_no_address_is_made_of_what_the_request_says_its_host_is() {
    let asking = world("default").await;
    let browser = Browser::new(&asking.world)
        .with_header("host", "evil.example")
        .with_header("x-forwarded-host", "evil.example")
        .with_header("forwarded", "host=evil.example");
    let path = format!("/oauth/authorize?{}", asking.query(""));
    for path in ["/", "/account", "/login", &path] {
        let page = browser.get(path).await;
        let all = format!("{:?}{}", page.headers, page.body);
        assert!(!all.contains("evil.example"), "{path}: {all}");
    }
    let redirect = browser.sign_in().await;
    assert_eq!(redirect.header("location"), Some("/account"));
}

/// Every file of this kind in the folder and below it, one after the other.
fn all_files(folder: &Path, is_one: &dyn Fn(&str) -> bool, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all_files(&path, is_one, into);
        } else if is_one(path.file_name().unwrap().to_str().unwrap()) {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
            into.push('\n');
        }
    }
}

#[test]
fn every_text_is_used_and_every_text_used_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = |folders: &[&str]| {
        let mut source = String::new();
        for of in folders {
            all_files(&folder.join(of), &|name| name.ends_with(".rs"), &mut source);
        }
        source
    };
    // Letters have texts too, and so have what the platform refuses and the sandbox's pages.
    let source = sources(&[
        "src/portal",
        "src/account",
        "src/platform",
        "src/api",
        "src/oauth",
        "src/sandbox",
        "src/app",
    ]);
    let mut texts = String::new();
    let english = |name: &str| name.starts_with("en") && name.ends_with(".toml");
    all_files(&folder.join("data/translations"), &english, &mut texts);
    let texts: toml::Table = texts.parse().unwrap();
    let said: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
    for key in said.iter().filter(|key| !key.starts_with("noun_")) {
        assert!(source.contains(&format!("\"{key}\"")), "no page says `{key}`");
    }
    let pages = sources(&["src/portal", "src/account", "src/app"]);
    for call in [".text(\"", ".fill(\""] {
        for place in pages.split(call).skip(1) {
            let key = place.split('"').next().unwrap();
            assert!(said.contains(key), "there is no text `{key}`");
        }
    }
    for fault in source.split("Fault::new(\"").skip(1) {
        let Some(("", key)) = fault.split_once("\", \"").map(|(field, rest)| {
            (
                field.trim_end_matches(|c: char| c.is_ascii_lowercase() || c == '_'),
                rest,
            )
        }) else {
            continue;
        };
        let key = key.split('"').next().unwrap();
        assert!(said.contains(key), "there is no text `{key}` for a fault");
    }
}
