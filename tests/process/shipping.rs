//! `[backup]`: what a server ships by itself, and what can be made of it.

use crate::backup::text;
use crate::program::Place;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A data directory whose server backs up by itself, and where to.
fn backed_up() -> (Place, PathBuf, PathBuf) {
    let place = Place::new();
    let (data, to) = (place.path("data"), place.path("kept"));
    fs::create_dir(&data).expect("made");
    let settings = format!(
        "issuer = \"http://127.0.0.1:8080\"\nlisten = [\"http://127.0.0.1:0\"]\n[backup]\ndirectory = {:?}\n",
        text(&to)
    );
    fs::write(data.join("grantd.toml"), settings).expect("written");
    (place, data, to)
}

/// `[backup]` alone: what was committed up to the end is there without a gap, and a server that ended in order says so.
#[test]
fn a_server_ships_what_it_commits_and_its_end() {
    let (place, data, to) = backed_up();
    let running = place.start(&["serve", "--data", text(&data)]);
    running.wait_for("is ready");
    running.wait_for("holds everything up to commit");
    place.json(&["org", "create", "Shipped"]);
    let status = place.json(&["backup", "--status"]);
    assert_eq!(
        (status["last"]["seq"].is_u64(), &status["failing"]),
        (true, &Value::Null),
        "{status}"
    );
    assert_eq!(running.terminate().0.code(), Some(0));
    // Without a server too.
    place.json(&["org", "create", "By hand"]);
    let made = place.json(&["backup"]);

    let heir = Place::new();
    let secret = heir.path("kept-apart").display().to_string();
    place.json(&["secret", "export", &secret]);
    let silent = ["restore", "--from", text(&to), "--secret", &secret];
    let refused = heir.grantd(&silent).refused(1);
    assert!(
        refused.contains("closed in order") && refused.contains("--nothing-lost"),
        "{refused}"
    );
    let restored = heir.json(&[&silent[..], &["--nothing-lost"]].concat());
    assert_eq!(restored["closed"], true);
    let store = heir.json(&["backup"]);
    let without = |made: &Value, space: &str| {
        let spaces = made["spaces"].as_array().expect("spaces").clone();
        spaces
            .into_iter()
            .filter(|one| one["space"] != space)
            .collect::<Vec<_>>()
    };
    assert_eq!(without(&store, "last_use"), without(&made, "last_use"));
    let names = heir.json(&["org", "list"]).to_string();
    assert!(names.contains("Shipped") && names.contains("By hand"), "{names}");

    // A directory that is gone: said, and nothing else stops.
    fs::remove_dir_all(&to).expect("removed");
    fs::write(&to, "not a directory").expect("written");
    let running = place.start(&["serve", "--data", text(&data)]);
    running.wait_for("it is tried again every minute");
    let status = place.json(&["backup", "--status"]);
    assert!(status["failing"]["why"].is_string(), "{status}");
    place.json(&["org", "create", "Still"]);
}

/// A server that was killed shipped what it had; nothing says that it was all.
#[test]
fn what_a_killed_server_had_shipped_is_restored_with_a_word_of_the_operator() {
    let (place, data, to) = backed_up();
    let running = place.start(&["serve", "--data", text(&data)]);
    running.wait_for("holds everything up to commit");
    running.kill();
    let heir = Place::new();
    fs::create_dir(heir.path("data")).expect("made");
    fs::copy(data.join("secret"), heir.path("data/secret")).expect("copied");
    let why = heir.grantd(&["restore", "--from", text(&to)]).refused(1);
    assert!(why.contains("nothing says that none came after it"), "{why}");
    heir.json(&["restore", "--from", text(&to), "--accept-loss", "--keep-credentials"]);
    let second = heir
        .grantd(&["restore", "--from", text(&to), "--nothing-lost"])
        .refused(1);
    assert!(second.contains("not empty"), "{second}");
}

/// A store that was put back from a copy, behind what it had shipped or with other commits under the same numbers: what
/// the directory holds stays as it is, and is told.
#[test]
fn nothing_is_shipped_behind_commits_that_the_store_does_not_have() {
    let (place, data, to) = backed_up();
    let running = place.start(&["serve", "--data", text(&data)]);
    running.wait_for("holds everything up to commit");
    assert_eq!(running.terminate().0.code(), Some(0));
    let copy = |from: &str, to: &str| {
        let copied = std::process::Command::new("cp")
            .args(["-a", "--sparse=always"])
            .args([place.path(from), place.path(to)])
            .status();
        assert!(copied.expect("cp runs").success());
    };
    copy("data", "copy");
    for n in 0..10 {
        place.json(&["org", "create", &format!("Lost {n}")]);
    }
    fs::remove_dir_all(&data).expect("removed");
    copy("copy", "data");
    let kept = |to: &Path| {
        let names = fs::read_dir(to).expect("read").map(|entry| entry.expect("an entry"));
        names
            .map(|entry| (entry.path(), entry.metadata().expect("there").len()))
            .collect::<BTreeMap<_, _>>()
    };
    let before = kept(&to);
    for _ in 0..2 {
        let running = place.start(&["serve", "--data", text(&data)]);
        let said = running.wait_for("this store was put back from a copy");
        assert!(said.contains("backup.directory"), "{said}");
        let status = place.json(&["backup", "--status"]);
        assert!(status["failing"]["why"].is_string(), "{status}");
        // Past what was shipped, where only the commits themselves tell.
        for n in 0..15 {
            place.json(&["org", "create", &format!("Other {n}")]);
        }
        assert_eq!(running.terminate().0.code(), Some(0));
    }
    assert_eq!(kept(&to), before);
}
