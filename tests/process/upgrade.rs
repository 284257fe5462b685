//! `upgrade --dry-run`, with the real program.

use crate::program::Place;
use grantd::model::settings::{FORMAT, Settings};
use grantd::store::records::load;
use grantd::store::sled::{SledOptions, SledStore};
use grantd::store::{Batch, Outcome, Store as _, Write, keys};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn old() -> Place {
    let place = Place::new();
    place.json(&["init"]);
    place.json(&["org", "create", "Old"]);
    place
}

/// Every byte below it.
fn bytes(dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            bytes(&path, found);
        } else {
            found.insert(path.clone(), fs::read(&path).expect("read"));
        }
    }
}

fn change(place: &Place, batch: impl FnOnce(&SledStore) -> Batch) {
    let (store, _) = SledStore::open(&place.path("data/store"), SledOptions::default()).expect("opened");
    let batch = batch(&store);
    let done = block_on(store.commit(batch)).expect("committed");
    assert!(matches!(done, Outcome::Committed(_)));
    store.close();
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(work)
}

fn of_format(place: &Place, format: u32) {
    change(place, |store| {
        let old = block_on(load::<Settings>(store, &keys::settings()))
            .expect("read")
            .expect("there");
        let mut batch = Batch::new();
        let new = Settings {
            format,
            ..old.value.clone()
        };
        batch.replace(&old, &new).expect("encoded");
        batch
    });
}

#[test]
fn an_upgrade_is_tried_on_a_copy_and_leaves_the_original_as_it_is() {
    let place = old();
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    bytes(&place.path("data"), &mut before);
    let told = place.json(&["upgrade", "--dry-run"]);
    bytes(&place.path("data"), &mut after);
    assert!(before == after, "something was written");
    assert_eq!(
        (&told["format"], &told["spaces"]["organization"]),
        (&FORMAT.into(), &1.into()),
        "{told}"
    );
    assert!(
        told["would_change"]
            .as_str()
            .is_some_and(|text| text.starts_with("nothing")),
        "{told}"
    );
    let left = fs::read_dir(place.path("tmp")).expect("read").count();
    assert_eq!(left, 0, "the copy is gone");
    let why = place.grantd(&["upgrade"]).refused(1);
    assert!(why.contains("--dry-run"), "{why}");
}

#[test]
fn beside_a_server_an_upgrade_is_tried_on_a_backup() {
    let place = old();
    let settings = "issuer = \"http://127.0.0.1:8080\"\nlisten = [\"http://127.0.0.1:0\"]\n";
    fs::write(place.path("data/grantd.toml"), settings).expect("written");
    let data = place.path("data").display().to_string();
    let running = place.start(&["serve", "--data", &data]);
    running.wait_for("is ready");
    let why = place.grantd(&["upgrade", "--dry-run"]).refused(1);
    assert!(why.contains("grantd backup") && why.contains("--from"), "{why}");
    let made = place.json(&["backup"]);
    let file = made["file"].as_str().expect("a path");
    let told = place.json(&["upgrade", "--dry-run", "--from", file]);
    assert_eq!(
        (&told["records"], &told["untouched"]),
        (&made["records"], &made["file"])
    );
}

#[test]
fn another_format_is_refused_with_a_sentence() {
    for (format, said) in [
        (FORMAT + 1, "a newer grantd wrote"),
        (FORMAT - 1, "older than the format"),
    ] {
        let place = old();
        of_format(&place, format);
        for args in [&["upgrade", "--dry-run"][..], &["serve"], &["org", "list"]] {
            let why = place.grantd(args).refused(1);
            assert!(why.contains(said), "{args:?}: {why}");
        }
    }
}

#[test]
fn records_that_cannot_be_read_are_told() {
    let place = old();
    change(&place, |_| Batch {
        writes: vec![Write::Put {
            key: keys::user("somebody"),
            value: b"of another time".to_vec(),
            expires_at: None,
        }],
        ..Batch::default()
    });
    let why = place.grantd(&["upgrade", "--dry-run"]).refused(1);
    assert!(why.contains("1 of ") && why.contains("user: "), "{why}");
}
