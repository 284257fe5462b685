//! Every command, with the server and without: through the local socket, and with the store opened directly.

use crate::program::{Place, Running};
use serde_json::Value;

const CONFIG: &str = "issuer = \"https://auth.example\"\nlisten = [\"http://127.0.0.1:0\"]\nprofile = \"mokapen\"\n";
const PASSWORD: &str = "correct horse battery staple";

fn place() -> Place {
    let place = Place::new();
    place.grantd(&["init"]).ok();
    std::fs::write(place.path("data/grantd.toml"), CONFIG).expect("written");
    place
}

fn serve(place: &Place) -> Running {
    let running = place.start(&["serve", "--data", &place.path("data").display().to_string()]);
    running.wait_for("is ready");
    running
}

#[test]
fn bad_usage_exits_with_2_and_says_what_is_wrong() {
    let place = place();
    for (args, said) in [
        (&["frobnicate"][..], "frobnicate"),
        (&["app", "frobnicate"], "frobnicate"),
        (&["app", "show"], "client_id"),
        (&["app", "create", "A"], "organization"),
        (&["user", "list", "--frobnicate"], "--frobnicate"),
        (&["org", "member", "849", "a@b", "--role", "king"], "king"),
        (&["org", "policy", "849", "--consent", "king"], "king"),
        (&["token", "mint", "a", "--lifetime-s", "long"], "long"),
        (&["demo", "--listen", "nowhere"], "nowhere"),
        (&["user", "list", "--config"], "--config needs a path"),
    ] {
        let why = place.run(args).refused(2);
        assert!(why.contains(said), "{args:?}: {why}");
    }
}

/// Every command once, in an order in which each has something to work on.
fn round(place: &Place, run: &str) {
    let organization = place.json(&["org", "create", "Acme"])["id"].to_string();
    let owner = format!("owner-{run}@example.com");
    people(place, &organization, &owner, &format!("other-{run}@example.com"));
    let app = apps(place, &organization, &owner);
    policy(place, &organization, &app);
    tokens(place, &organization, &owner, &app);
    let changed = place.json(&["app", "change", &app, "--scope", "tasks.read"]);
    assert_eq!(changed["scopes"], serde_json::json!(["tasks.read"]));
    keys(place);
}

fn text(value: &Value, name: &str) -> String {
    let found = value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"));
    found.to_owned()
}

fn people(place: &Place, org: &str, owner: &str, other: &str) {
    let json = |args: &[&str]| place.json(args);
    let add = [
        "--json",
        "user",
        "add",
        owner,
        "--name",
        "The Owner",
        "--password-stdin",
    ];
    let added = place.grantd_with(&add, &format!("{PASSWORD}\n")).json();
    assert_eq!(added["can_sign_in"], true);
    assert_eq!(json(&["user", "add", other])["can_sign_in"], false);
    let set = place.grantd_with(&["--json", "user", "password", other], PASSWORD);
    assert_eq!(set.json()["can_sign_in"], true);
    assert_eq!(json(&["user", "disable", other])["status"], "disabled");
    assert_eq!(json(&["user", "enable", other])["status"], "active");
    assert!(json(&["user", "list"]).as_array().is_some_and(|rows| rows.len() >= 2));
    assert_eq!(json(&["org", "member", org, owner, "--role", "owner"])["role"], "owner");
    assert_eq!(
        json(&["org", "member", org, other, "--role", "member"])["role"],
        "member"
    );
    assert_eq!(json(&["org", "member", org]).as_array().map(Vec::len), Some(2));
    assert_eq!(json(&["org", "member", org, other, "--remove"])["removed"], true);
    assert_eq!(json(&["org", "member", org]).as_array().map(Vec::len), Some(1));
    assert_eq!(json(&["org", "disable", org])["status"], "disabled");
    assert_eq!(json(&["org", "enable", org])["status"], "active");
}

fn policy(place: &Place, org: &str, app: &str) {
    let json = |more: &[&str]| place.json(&[&["org", "policy", org], more].concat());
    let id: Value = org.parse().expect("a number");
    let default = serde_json::json!({
        "organization": id, "consent": "member", "apps": "any", "allowed": [], "denied": []
    });
    assert_eq!(json(&[]), default);
    let changed = json(&["--consent", "admin", "--allow", app, "--deny", app]);
    let expected = serde_json::json!({
        "organization": id, "consent": "admin", "apps": "allowed", "allowed": [app], "denied": [app]
    });
    assert_eq!(changed, expected);
    assert_eq!(json(&[]), changed, "no option shows what stands");
    assert_eq!(json(&["--unallow", app])["allowed"], serde_json::json!([]));
    assert_eq!(json(&["--undeny", app, "--allow-any", "--consent", "member"]), default);
}

/// The client_id of a private app.
fn apps(place: &Place, org: &str, owner: &str) -> String {
    let json = |args: &[&str]| place.json(args);
    let app = json(&["app", "create", "App", "--organization", org, "--dedicated-user", owner]);
    let id = text(&app, "client_id");
    let secret = text(&app, "client_secret");
    let server = json(&["app", "create", "API", "--organization", org, "--resource-server"]);
    assert_eq!(server["kind"], "resource_server");
    let public = [
        "app",
        "create",
        "P",
        "--organization",
        org,
        "--kind",
        "public",
        "--public-client",
    ];
    let public = json(&[&public[..], &["--redirect-uri", "https://app.example/cb"]].concat());
    assert!(public.get("client_secret").is_none(), "{public}");
    assert_eq!(
        json(&["app", "list", "--organization", org]).as_array().map(Vec::len),
        Some(3)
    );
    assert!(json(&["app", "list"]).as_array().is_some_and(|rows| rows.len() >= 3));
    let shown = json(&["app", "show", &id]);
    assert!(!shown.to_string().contains(&secret), "shown once");
    let second = json(&["app", "secret", &id, "--label", "next"]);
    assert_ne!(text(&second, "client_secret"), secret);
    let third = place.grantd(&["app", "secret", &id]).refused(1);
    assert!(third.contains("live secrets already"), "two at most: {third}");
    let revoked = json(&["app", "secret", &id, "--revoke", &text(&second, "secret_id")]);
    assert_eq!(revoked["secrets"].as_array().map(Vec::len), Some(1));
    assert_eq!(json(&["app", "disable", &id])["status"], "disabled");
    assert_eq!(json(&["app", "enable", &id])["status"], "active");
    id
}

fn tokens(place: &Place, org: &str, owner: &str, app: &str) {
    let json = |args: &[&str]| place.json(args);
    let minted = json(&["token", "mint", app, "--scope", "tasks.read", "--lifetime-s", "60"]);
    let token = text(&minted, "access_token");
    assert_eq!(minted["scope"], "tasks.read");
    let inspected = place.grantd_with(&["--json", "token", "inspect"], &token).json();
    assert_eq!(inspected["active"], true, "{inspected}");
    assert_eq!(inspected["organization_id"].to_string(), org);
    let revoked = place.grantd_with(&["--json", "token", "revoke"], &token);
    assert_eq!(revoked.json()["revoked"], true);
    assert_eq!(json(&["token", "inspect", &token])["active"], false);
    for what in [
        &["--app", app][..],
        &["--user", owner],
        &["--organization", org],
        &["--everything"],
    ] {
        let token = text(&json(&["token", "mint", app]), "access_token");
        assert_eq!(json(&["token", "inspect", &token])["active"], true);
        assert_eq!(json(&[&["token", "revoke"][..], what].concat())["revoked"], true);
        assert_eq!(json(&["token", "inspect", &token])["active"], false, "{what:?}");
    }
}

fn keys(place: &Place) {
    let kid = |keys: &Value, state: &str| {
        let found = keys
            .as_array()
            .and_then(|keys| keys.iter().find(|key| key["state"] == state));
        found
            .and_then(|key| key["kid"].as_str())
            .unwrap_or_else(|| panic!("no {state} key in {keys}"))
            .to_owned()
    };
    let before = place.json(&["key", "list"]);
    let after = place.json(&["key", "rotate"]);
    assert_eq!(kid(&after, "active"), kid(&before, "next"));
    assert!(
        after.to_string().contains(&kid(&before, "active")),
        "the old one is still published"
    );
    let revoked = place.json(&["key", "revoke", "--", &kid(&after, "active")]);
    assert!(!revoked.to_string().contains(&kid(&after, "active")));
    place.json(&["key", "rotate", "--alg", "EdDSA"]);
}

#[test]
fn every_command_works_with_and_without_a_server() {
    let place = place();
    round(&place, "without");
    let running = serve(&place);
    round(&place, "with");
    let (status, log) = running.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(!log.contains("panic"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
    // What was done over the socket is in the store, and the other way round.
    assert_eq!(place.json(&["org", "list"]).as_array().map(Vec::len), Some(2));
    assert_eq!(place.json(&["version"])["name"], "grantd");
    assert_eq!(place.json(&["config", "check"])["ok"], true);
    assert_eq!(place.json(&["config", "show"])["issuer"], "https://auth.example");
}

#[test]
fn errors_are_sentences_with_and_without_a_server() {
    let place = place();
    place.json(&["org", "create", "Acme"]);
    place.json(&["user", "add", "owner@example.com"]);
    let spa = [
        "app",
        "create",
        "S",
        "--organization",
        "849",
        "--kind",
        "public",
        "--public-client",
    ];
    let insecure = [&spa[..], &["--redirect-uri", "http://app.example/cb"]].concat();
    let wrong_scope = [
        "app",
        "create",
        "S",
        "--organization",
        "849",
        "--dedicated-user",
        "owner@example.com",
    ];
    let cases = [
        (&["app", "show", "nope"][..], "there is no app nope"),
        (&["app", "list", "--organization", "7"], "there is no organization 7"),
        (&["org", "create", ""], "visible characters"),
        (&["org", "create", "a\u{202e}b"], "visible characters"),
        (&["org", "create", "B", "--id", "007"], "whole numbers"),
        (&["org", "create", "B", "--id", "849"], "taken"),
        (&["org", "member", "849", "owner@example.com"], "--role or --remove"),
        (
            &["org", "member", "849", "owner@example.com", "--remove"],
            "is no member",
        ),
        (&["user", "add", "owner"], "is not an email address"),
        (&["user", "add", "OWNER@example.com"], "already"),
        (&["user", "add", "a\u{200b}@example.com"], "is not an email address"),
        (&["user", "disable", "u_nobody"], "there is no user"),
        (&["user", "password", "owner@example.com"], "standard input"),
        (&wrong_scope, "is no member of 849"),
        (&spa, "redirect URIs"),
        (&insecure, "must use https"),
        (&["app", "change", "nope"], "app change --help"),
        (&["key", "rotate", "--alg", "none"], "there is no key for `none`"),
        (&["key", "revoke", "nope"], "there is no key nope"),
        (&["key", "revoke", "--", "-nope"], "there is no key -nope"),
        (&["token", "mint", "nope"], "there is no app nope"),
        (&["token", "revoke", "--everything", "--app", "x"], "one thing"),
        (&["token", "revoke", "junk"], "no token to revoke"),
    ];
    let check = || {
        for (args, said) in &cases {
            let why = place.grantd(args).refused(1);
            assert!(why.contains(said), "{args:?}: {why}");
            assert_eq!(why.lines().count(), 1, "{args:?}: {why}");
            let json = place.grantd(&[&["--json"][..], args].concat()).refused(1);
            let json: Value = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
            assert_eq!(json["error"], why.as_str());
        }
    };
    check();
    let _running = serve(&place);
    check();
}

#[test]
fn a_password_is_long_and_never_said() {
    let place = place();
    place.json(&["user", "add", "a@example.com"]);
    let password = ["user", "password", "a@example.com"];
    let why = place.grantd_with(&password, "short\n").refused(1);
    assert!(why.contains("at least 12 characters"), "{why}");
    assert!(!why.contains("short"), "{why}");
    let set = place.grantd_with(&password, PASSWORD).ok();
    assert!(!format!("{set:?}").contains(PASSWORD));
    let export = place.grantd(&["export"]).ok().stdout;
    assert!(!export.contains(PASSWORD));
    // There is no option that would put one into the list of processes.
    for args in [
        ["user", "add", "b@example.com", "--password", PASSWORD],
        ["user", "password", "a@example.com", PASSWORD, ""],
    ] {
        place.grantd(&args).refused(2);
    }
}

#[test]
fn without_json_people_read_tables_and_control_characters_never_reach_the_terminal() {
    let place = place();
    place.json(&["org", "create", "Acme"]);
    let done = place.grantd(&["org", "list"]).ok();
    let mut lines = done.stdout.lines();
    let (head, row) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    assert!(head.starts_with("ID") && head.contains("NAME"), "{done:?}");
    assert!(row.starts_with("849") && row.contains("Acme"), "{done:?}");
    assert_eq!(place.grantd(&["app", "list"]).ok().stdout, "(none)\n");
    let why = place.grantd(&["app", "show", "a\u{1b}[31mb"]).refused(1);
    assert!(!why.contains('\u{1b}'), "{why:?}");
}
