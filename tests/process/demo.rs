//! `grantd demo`: the local-development door and its machine interface.

use crate::http::{Client, Http};
use crate::program::{Place, Running, mode};
use serde_json::Value;
use std::process::Command;

const PROFILES: [&str; 3] = ["default", "mokapen", "makecrypto"];
const PORT: &str = "127.0.0.1:0";

fn start(place: &Place, more: &[&str]) -> (Running, Value) {
    let mut args = vec!["demo", "--json", "--listen", PORT];
    args.extend(more);
    let mut running = place.start(&args);
    let facts = running.json_line();
    (running, facts)
}

/// The names of an object's members, in order.
fn names(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    let found = value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} is no text in {value}"));
    assert!(!found.is_empty(), "{name} is empty in {value}");
    found
}

#[test]
fn the_json_line_has_exactly_the_documented_members() {
    for profile in PROFILES {
        for http in [true, false] {
            let place = Place::new();
            let mut more = vec!["--profile", profile];
            more.extend(http.then_some("--http"));
            let (_running, facts) = start(&place, &more);
            check_facts(&facts, profile, http);
        }
    }
}

fn check_facts(facts: &Value, profile: &str, http: bool) {
    let mut expected = vec![
        "issuer",
        "resource",
        "ca_file",
        "organization",
        "owner",
        "admin",
        "private_app",
        "public_app",
        "spa_app",
        "pat",
        "administrator",
    ];
    if profile == "makecrypto" {
        expected.push("api_key");
        assert_eq!(names(&facts["api_key"]), ["id", "secret"]);
    }
    assert_eq!(names(facts), expected);
    let scheme = if http { "http" } else { "https" };
    let issuer = text(facts, "issuer");
    assert!(issuer.starts_with(&format!("{scheme}://127.0.0.1:")), "{issuer}");
    assert!(text(facts, "resource").starts_with(issuer), "{facts}");
    if http {
        assert_eq!(facts["ca_file"], Value::Null);
    } else {
        let ca = std::fs::read_to_string(text(facts, "ca_file")).expect("the CA");
        assert!(ca.contains("BEGIN CERTIFICATE") && !ca.contains("PRIVATE KEY"));
    }
    let organization = &facts["organization"];
    assert_eq!(names(organization), ["id", "name"]);
    text(organization, "name");
    match profile {
        "mokapen" => assert_eq!(organization["id"], 849),
        _ => assert!(text(organization, "id").starts_with("o_")),
    }
    for person in ["owner", "admin", "administrator"] {
        assert_eq!(names(&facts[person]), ["email", "password"]);
        assert_eq!(text(&facts[person], "email"), format!("{person}@example.com"));
        assert!(text(&facts[person], "password").len() >= 16);
    }
    assert_eq!(names(&facts["private_app"]), ["client_id", "client_secret"]);
    assert_eq!(
        names(&facts["public_app"]),
        ["client_id", "client_secret", "redirect_uri"]
    );
    assert_eq!(names(&facts["spa_app"]), ["client_id", "redirect_uri"]);
    for app in ["private_app", "public_app", "spa_app"] {
        text(&facts[app], "client_id");
    }
    assert!(text(facts, "pat").contains("_pat_"));
    for app in ["public_app", "spa_app"] {
        assert_eq!(facts[app]["redirect_uri"], "http://127.0.0.1/callback");
    }
}

#[test]
fn every_scope_of_the_catalog_is_held_and_granted() {
    for profile in PROFILES {
        let place = Place::new();
        let data = place.path("data").display().to_string();
        let (_running, facts) = start(&place, &["--http", "--profile", profile, "--data", &data]);
        let catalog = place.json(&["app", "show", text(&facts["spa_app"], "client_id")])["scopes"].clone();
        let catalog: Vec<&str> = catalog
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let mut http = Http::connect(text(&facts, "issuer")).expect("connected");
        let client = Client::of(&facts["private_app"]);
        let form = "grant_type=client_credentials";
        let answer = http.post("/oauth/token", &client, form).expect("answered").json();
        let granted: Vec<&str> = text(&answer, "scope").split(' ').collect();
        assert!(granted.len() > 3, "{granted:?}");
        assert_eq!(granted, catalog);
    }
}

#[test]
fn check_does_the_main_job_in_every_profile_from_an_empty_directory() {
    for profile in PROFILES {
        let place = Place::new();
        let done = place
            .run(&["demo", "--check", "--profile", profile, "--listen", PORT])
            .ok();
        let steps = [
            "discover",
            "mint",
            "verify",
            "introspect: active",
            "revoke",
            "introspect: inactive",
        ];
        let found: Vec<usize> = steps.iter().map(|step| done.stdout.find(step).expect(step)).collect();
        assert!(found.is_sorted(), "{}", done.stdout);
        assert!(done.stdout.ends_with("all good\n"), "{}", done.stdout);
        assert_eq!(done.stderr, "", "nothing to warn of");
        let json = place
            .run(&[
                "demo",
                "--check",
                "--json",
                "--profile",
                profile,
                "--listen",
                PORT,
                "--http",
            ])
            .json();
        assert_eq!(json["ok"], true);
        assert_eq!(json["steps"].as_array().map(Vec::len), Some(steps.len()));
        assert_eq!(left_in(&place, "work"), 0, "the working directory stays empty");
        assert_eq!(left_in(&place, "tmp"), 0, "nothing is left behind");
    }
}

fn left_in(place: &Place, name: &str) -> usize {
    std::fs::read_dir(place.path(name)).expect("a directory").count()
}

#[test]
fn the_lines_to_copy_work_as_printed() {
    for http in [false, true] {
        let place = Place::new();
        let mut args = vec!["demo", "--listen", PORT, "--profile", "mokapen"];
        args.extend(http.then_some("--http"));
        let mut running = place.start(&args);
        let page = running.read_until("/oauth/jwks.json");
        let (_, script) = page.split_once("one after the other:").expect("lines to copy");
        let done = Command::new("sh").arg("-ec").arg(script).output().expect("a shell");
        let said = String::from_utf8(done.stdout).expect("text");
        let lines: Vec<&str> = said.lines().collect();
        let json = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e} in {line}: {said}"));
        assert!(done.status.success(), "{script}\n{said}");
        assert_eq!(lines.len(), 7, "{said}");
        assert_eq!(lines[0].split('.').count(), 3, "a JWT: {said}");
        assert_eq!(json(lines[1])["items"][0]["first_name"], "Ana", "the sandbox");
        assert_eq!(json(lines[2])["active"], true);
        assert_eq!(json(lines[2])["organization_id"], 849);
        assert_eq!(json(lines[3]), serde_json::json!({}), "revoked");
        assert_eq!(json(lines[4]), serde_json::json!({ "active": false }));
        assert!(json(lines[5])["token_endpoint"].is_string());
        assert!(json(lines[6])["keys"].as_array().is_some_and(|keys| !keys.is_empty()));
    }
}

#[test]
fn the_next_start_on_the_same_data_tells_the_same_and_knows_its_tokens() {
    let place = Place::new();
    let data = place.path("data").display().to_string();
    let (first, facts) = start(&place, &["--http", "--data", &data]);
    let client = Client::of(&facts["private_app"]);
    let address = text(&facts, "issuer").trim_start_matches("http://").to_owned();
    let mut http = Http::connect(&address).expect("connected");
    let kept = http.mint(&client).expect("minted");
    let ended = http.mint(&client).expect("minted");
    http.revoke(&client, &ended).expect("revoked");
    assert_eq!(first.terminate().0.code(), Some(0));

    let mut second = place.start(&["demo", "--json", "--http", "--listen", &address, "--data", &data]);
    assert_eq!(second.json_line(), facts);
    let mut http = Http::connect(&address).expect("connected");
    assert!(http.active(&client, &kept).expect("answered"));
    assert!(!http.active(&client, &ended).expect("answered"));
    assert_eq!(mode(&place.path("data/demo.json")), 0o600);
    assert_eq!(mode(&place.path("data")), 0o700);
    drop(second);

    let other = place.run(&[
        "demo",
        "--check",
        "--http",
        "--listen",
        PORT,
        "--profile",
        "mokapen",
        "--data",
        &data,
    ]);
    let why = other.refused(1);
    assert!(why.contains("--profile default"), "{why}");
}

#[test]
fn the_administrator_is_on_duty_and_in_no_organization() {
    let place = Place::new();
    let data = place.path("data").display().to_string();
    let (first, facts) = start(&place, &["--http", "--data", &data]);
    let check = |facts: &Value| {
        let users = place.json(&["user", "list"]);
        let rows = users.as_array().expect("a list").iter();
        let on_duty: Vec<&Value> = rows.filter(|row| !row["duty"].is_null()).collect();
        assert_eq!(on_duty.len(), 1, "{users}");
        assert_eq!(on_duty[0]["email"], facts["administrator"]["email"]);
        assert_eq!(on_duty[0]["duty"], "administrator");
        let members = place.json(&["org", "member", text(&facts["organization"], "id")]);
        assert_eq!(members.as_array().map(Vec::len), Some(2), "{members}");
    };
    check(&facts);
    first.kill();
    // As the data of an earlier version has it.
    let kept = place.path("data/demo.json");
    let mut old: Value = serde_json::from_slice(&std::fs::read(&kept).expect("read")).expect("JSON");
    old.as_object_mut().expect("an object").remove("administrator");
    std::fs::write(&kept, old.to_string()).expect("written");
    let (_second, later) = start(&place, &["--http", "--data", &data]);
    assert_eq!(later["owner"], facts["owner"]);
    check(&later);
}

#[test]
fn a_start_that_was_cut_off_before_it_wrote_the_credentials_is_taken_over() {
    let place = Place::new();
    let data = place.path("data").display().to_string();
    let args = ["--http", "--profile", "mokapen", "--data", &data];
    let (first, before) = start(&place, &args);
    first.kill();
    std::fs::remove_file(place.path("data/demo.json")).expect("removed");
    let (_second, facts) = start(&place, &args);
    check_facts(&facts, "mokapen", true);
    assert_ne!(facts["owner"]["password"], before["owner"]["password"]);
    let mut http = Http::connect(text(&facts, "issuer")).expect("connected");
    http.mint(&Client::of(&facts["private_app"])).expect("minted");
}

#[test]
fn temporary_data_is_gone_after_sigterm() {
    let place = Place::new();
    let (running, _) = start(&place, &[]);
    assert_eq!(left_in(&place, "tmp"), 1);
    let (status, log) = running.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(left_in(&place, "tmp"), 0);
}

#[test]
fn temporary_data_is_gone_however_early_the_signal_comes() {
    let place = Place::new();
    let running = place.start(&["demo", "--http", "--listen", PORT]);
    while left_in(&place, "tmp") == 0 {
        std::thread::yield_now();
    }
    let (status, log) = running.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(left_in(&place, "tmp"), 0);
}

#[test]
fn a_second_process_on_the_same_data_refuses_with_a_sentence() {
    let place = Place::new();
    let data = place.path("data").display().to_string();
    let (running, facts) = start(&place, &["--http", "--data", &data]);
    let why = place
        .run(&["demo", "--http", "--listen", PORT, "--data", &data])
        .refused(1);
    assert!(
        why.contains(&format!("process {}", running.id())) && why.contains("stop it first"),
        "{why}"
    );
    // The first one goes on, its local socket too.
    assert_eq!(place.json(&["app", "list"]).as_array().map(Vec::len), Some(3));
    let mut http = Http::connect(text(&facts, "issuer")).expect("connected");
    http.mint(&Client::of(&facts["private_app"])).expect("minted");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let place = Place::new();
    let (_running, facts) = start(&place, &["--http"]);
    let address = text(&facts, "issuer").trim_start_matches("http://");
    let why = place.run(&["demo", "--http", "--listen", address]).refused(1);
    assert!(why.contains(address) && why.contains("in use"), "{why}");
}

#[test]
fn plain_http_is_for_loopback_addresses() {
    let place = Place::new();
    let why = place.run(&["demo", "--http", "--listen", "0.0.0.0:0"]).refused(1);
    assert!(why.contains("loopback"), "{why}");
}
