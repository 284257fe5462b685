//! `export` and `import`.

use crate::http::{Client, Http};
use crate::program::{Place, mode};
use grantd::control::{Command, NewApp, socket};
use grantd::model::app::Kind;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const ADDRESS: &str = "127.0.0.1:0";

/// A demo with some history, stopped; its credentials' client, a live token and a revoked one.
struct Old {
    place: Place,
    address: String,
    client: Client,
    live: String,
    revoked: String,
    /// Taken while the server ran.
    running_export: String,
}

impl Old {
    fn new() -> Self {
        let place = Place::new();
        let data = place.path("data").display().to_string();
        let mut running = place.start(&["demo", "--json", "--http", "--listen", ADDRESS, "--data", &data]);
        let facts = running.json_line();
        let address = facts["issuer"]
            .as_str()
            .expect("text")
            .trim_start_matches("http://")
            .to_owned();
        let client = Client::of(&facts["private_app"]);
        let mut http = Http::connect(&address).expect("connected");
        let (live, revoked) = (http.mint(&client).expect("minted"), http.mint(&client).expect("minted"));
        http.revoke(&client, &revoked).expect("revoked");
        let running_export = place.grantd(&["export"]).ok().stdout;
        assert_eq!(running.terminate().0.code(), Some(0));
        Self {
            place,
            address,
            client,
            live,
            revoked,
            running_export,
        }
    }

    /// A new data directory with the old secret.
    fn heir(&self) -> Place {
        let heir = Place::new();
        fs::create_dir(heir.path("data")).expect("made");
        fs::copy(self.place.path("data/secret"), heir.path("data/secret")).expect("copied");
        heir
    }
}

#[test]
fn an_export_of_a_running_server_equals_one_of_the_stopped_store() {
    let old = Old::new();
    let stopped = old.place.grantd(&["export"]).ok().stdout;
    // What only memory held of when things were last used is written when the server ends; the last line counts it.
    let lasting = |export: &str| {
        let told = ["\"space\":\"last_use\"", "{\"end\":true,"];
        let lines = export
            .lines()
            .filter(|line| !told.iter().any(|part| line.contains(part)));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lasting(&old.running_export), lasting(&stopped));
    assert!(stopped.lines().count() > 10);
    for absent in [&old.client.secret, &old.live, &old.revoked] {
        assert!(!stopped.contains(absent.as_str()), "an export holds no credential");
    }
}

#[test]
fn an_import_brings_everything_back() {
    let old = Old::new();
    let file = old.place.path("export.jsonl").display().to_string();
    let told = old.place.json(&["export", &file]);
    assert_eq!(mode(Path::new(&file)), 0o600);
    let exported = fs::read_to_string(&file).expect("a file");
    assert_eq!(told["records"].as_u64(), Some(exported.lines().count() as u64 - 2));
    let again = old.place.grantd(&["export", &file]).refused(1);
    assert!(again.contains("exists"), "never over another: {again}");

    let heir = old.heir();
    assert_eq!(heir.json(&["import", &file])["records"], told["records"]);
    assert_eq!(heir.grantd(&["export"]).ok().stdout, exported);
    fs::copy(old.place.path("data/demo.json"), heir.path("data/demo.json")).expect("copied");
    let data = heir.path("data").display().to_string();
    let mut running = heir.start(&["demo", "--json", "--http", "--listen", &old.address, "--data", &data]);
    running.json_line();
    let mut http = Http::connect(&old.address).expect("connected");
    assert!(http.active(&old.client, &old.live).expect("answered"));
    assert!(!http.active(&old.client, &old.revoked).expect("answered"));
}

#[test]
fn an_import_into_a_store_in_use_or_not_empty_is_refused() {
    let old = Old::new();
    let why = old.place.grantd_with(&["import"], &old.running_export).refused(1);
    assert!(why.contains("not empty"), "{why}");
    let data = old.place.path("data").display().to_string();
    let mut running = old
        .place
        .start(&["demo", "--json", "--http", "--listen", ADDRESS, "--data", &data]);
    running.json_line();
    let why = old.place.grantd_with(&["import"], &old.running_export).refused(1);
    assert!(why.contains("stop it first"), "{why}");
}

#[test]
fn an_import_that_fails_leaves_nothing_that_could_be_served() {
    let old = Old::new();
    let export = &old.running_export;
    let lines: Vec<&str> = export.lines().collect();
    let cut = |n: usize| lines[..n].iter().map(|line| format!("{line}\n")).collect::<String>();
    let (without_end, half) = (cut(lines.len() - 1), cut(lines.len() / 2));
    let mut fewer = lines.clone();
    fewer.remove(3);
    let fewer = fewer.join("\n");
    let damaged = export.replacen("\"key\":\"", "\"key\":\"%", 1);
    let cases = [
        (without_end.as_str(), "cut short"),
        (&half, "cut short"),
        (&export[..export.len() - 30], "damaged"),
        (&fewer, "says"),
        (&damaged, "line 2 of the export is damaged"),
        ("", "no export"),
        ("{}\n", "no export"),
        (&export.replacen("\"format\":1", "\"format\":2", 1), "another version"),
    ];
    let heir = old.heir();
    for (text, said) in cases {
        let why = heir.grantd_with(&["import"], text).refused(1);
        assert!(why.contains(said), "{said}: {why}");
        assert_eq!(heir.grantd(&["import", "/nonexistent"]).status.code(), Some(1));
        let left: Vec<_> = fs::read_dir(heir.path("data"))
            .expect("read")
            .map(|e| e.expect("an entry").file_name())
            .collect();
        assert!(left.iter().all(|name| name == "secret" || name == "store"), "{left:?}");
    }
    // A whole one is still welcome: nothing of the others was kept.
    heir.grantd_with(&["import"], export).ok();
    assert_eq!(&heir.grantd(&["export"]).ok().stdout, export);
}

#[test]
fn an_import_needs_the_secret_of_the_export() {
    let old = Old::new();
    let heir = Place::new();
    let why = heir.grantd_with(&["import"], &old.running_export).refused(1);
    assert!(why.contains("is missing"), "{why}");
    heir.json(&["init"]);
    let why = heir.grantd_with(&["import"], &old.running_export).refused(1);
    assert!(why.contains("another data/secret"), "{why}");
}

#[test]
fn an_export_that_fails_leaves_no_file_in_the_way() {
    let place = Place::new();
    place.json(&["init"]);
    place.json(&["org", "list"]);
    let file = place.path("export.jsonl").display().to_string();
    fs::rename(place.path("data/secret"), place.path("secret")).expect("moved");
    place.grantd(&["export", &file]).refused(1);
    fs::rename(place.path("secret"), place.path("data/secret")).expect("moved");
    place.json(&["export", &file]);
}

#[test]
fn an_export_taken_while_records_are_written_is_one_state() {
    let place = Place::new();
    let data = place.path("data");
    let path = data.display().to_string();
    let mut running = place.start(&[
        "demo",
        "--json",
        "--http",
        "--listen",
        ADDRESS,
        "--data",
        &path,
        "--profile",
        "mokapen",
    ]);
    running.json_line();
    let ended = AtomicBool::new(false);
    let exports: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| {
            // Apps are two records each: half of one would be seen.
            while !ended.load(Ordering::Relaxed) {
                let made = socket::ask(&data, &app()).expect("a server runs").expect("made");
                let client_id = made["client_id"].as_str().expect("text").to_owned();
                let disable = Command::AppDisable {
                    client_id,
                    disabled: true,
                };
                socket::ask(&data, &disable).expect("a server runs").expect("disabled");
            }
        });
        let exports = (0..3).map(|_| place.grantd(&["export"]).ok().stdout).collect();
        ended.store(true, Ordering::Relaxed);
        exports
    });
    for export in exports {
        let heir = Place::new();
        fs::create_dir(heir.path("data")).expect("made");
        fs::copy(place.path("data/secret"), heir.path("data/secret")).expect("copied");
        fs::write(heir.path("data/grantd.toml"), "profile = \"mokapen\"").expect("written");
        heir.grantd_with(&["import"], &export).ok();
        let all = heir.json(&["app", "list"]);
        assert!(all.as_array().is_some_and(|apps| apps.len() >= 3));
        assert_eq!(
            heir.json(&["app", "list", "--organization", "849"]),
            all,
            "records and their index agree"
        );
    }
}

fn app() -> Command {
    Command::AppCreate(NewApp {
        dedicated_user: Some("owner@example.com".into()),
        ..NewApp::new(Kind::Private, "849", "App")
    })
}
