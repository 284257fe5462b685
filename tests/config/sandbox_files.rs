//! `sandbox.json`, and the collections that `routes.json` names.

use super::profiles::{ONE_SCOPE, load};
use serde_json::json;

#[track_caller]
fn problems(sandbox: &str, routes: &str) -> String {
    let files = [
        ("p/profile.toml", ""),
        ("p/scopes.json", ONE_SCOPE),
        ("p/sandbox.json", sandbox),
        ("p/routes.json", routes),
    ];
    load("p", &files).err().unwrap_or_default()
}

const NO_ROUTES: &str = r#"{ "routes": [] }"#;

#[test]
fn what_a_sandbox_cannot_hold_is_refused_with_a_sentence() {
    assert_eq!(
        problems(r#"{ "samples": { "a": [{}] }, "documents": { "b": {} } }"#, NO_ROUTES),
        ""
    );
    let long = json!({ "documents": { "b": { "x": "x".repeat(6 * 1024) } } }).to_string();
    let many = json!({ "samples": { "a": vec![json!({}); 11] } }).to_string();
    for (sandbox, sentence) in [
        (
            long.as_str(),
            "profiles/p/sandbox.json: a document of `b` is longer than 6144 bytes",
        ),
        (&many, "profiles/p/sandbox.json: `a` has more than 10 samples"),
        ("[]", "profiles/p/sandbox.json: not a JSON object"),
        (r#"{ "sample": {} }"#, "unknown field `sample`"),
        (r#"{ "documents": { "b": 1 } }"#, "expected a map"),
        (
            r#"{ "documents": {}, "documents": {} }"#,
            "a member appears twice: documents",
        ),
    ] {
        let found = problems(sandbox, NO_ROUTES);
        assert!(
            found.contains(sentence) && found.lines().count() == 1,
            "{sandbox}: {found}"
        );
    }
}

#[test]
fn a_collection_has_a_plain_name() {
    let row = |name: &str| {
        let row = json!({ "path": "/api/x", "methods": { "GET": [] }, "sandbox": name });
        json!({ "routes": [row] }).to_string()
    };
    assert_eq!(problems("{}", &row("payment_links2")), "");
    for name in ["", "a-b", "A", "a/b", "a\u{0}", &"a".repeat(41)] {
        let found = problems("{}", &row(name));
        assert!(
            found.contains("named with 1 to 40 of a-z, 0-9 and _"),
            "{name:?}: {found}"
        );
    }
}
