//! Damage to the sled tree, and ends without a close: the store comes back by itself and says what it did.

use crate::kit::{self, all, crash, delete, open_after_reboot, put, put_until, says, try_open, write};
use grantd::store::sled::{SledOptions, SledStore};
use grantd::store::{Key, Seq, Stored};
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: usize = 4096;

type Damage<'a> = (&'a str, &'a dyn Fn(&Path));

fn fill(store: &SledStore, from: u32) {
    for n in from..from + 150 {
        let name = (n * 7 % 100).to_be_bytes();
        write(
            store,
            vec![
                put(name, vec![n as u8; 500]),
                put_until([n as u8], "", n.into()),
                delete([n as u8 / 2]),
            ],
        );
    }
}

/// A closed store, what is in it, and the tree's file as it was half way.
fn sample() -> (tempfile::TempDir, Vec<(Key, Stored)>, Vec<u8>) {
    let dir = kit::quick_dir();
    let store = kit::open(dir.path());
    fill(&store, 0);
    store.close();
    let earlier = fs::read(tree_file(dir.path())).expect("the tree has a file");
    let store = kit::open(dir.path());
    fill(&store, 150);
    let rows = all(&store);
    store.close();
    (dir, rows, earlier)
}

fn tree_file(dir: &Path) -> PathBuf {
    dir.join("sled/db")
}

#[test]
fn after_a_crash_of_the_process_everything_is_there() {
    let dir = kit::quick_dir();
    let store = kit::open(dir.path());
    fill(&store, 0);
    let crashed = crash(dir.path());
    let (reopened, _) = try_open(crashed.path()).expect("it opens");
    assert!(all(&reopened) == all(&store));
    assert_eq!(write(&reopened, vec![put("new", "")]), Seq(151));
}

#[test]
fn after_a_crash_of_the_machine_the_tree_is_built_anew() {
    let dir = kit::quick_dir();
    let store = kit::open(dir.path());
    fill(&store, 0);
    let crashed = crash(dir.path());
    let (reopened, report) = open_after_reboot(crashed.path()).expect("it opens");
    assert!(
        says(&report, "The machine stopped before the store was closed"),
        "{report:?}"
    );
    assert!(says(&report, "150 commits were replayed"), "{report:?}");
    assert!(all(&reopened) == all(&store));
}

#[test]
fn where_no_start_of_the_machine_can_be_told_from_the_next_the_tree_is_built_anew() {
    let options = || SledOptions {
        boot_id_path: "/nonexistent/boot_id".into(),
        ..kit::small()
    };
    let dir = kit::quick_dir();
    let (store, _) = SledStore::open(dir.path(), options()).expect("it opens");
    fill(&store, 0);
    let crashed = crash(dir.path());
    let (reopened, report) = SledStore::open(crashed.path(), options()).expect("it opens");
    assert!(says(&report, "150 commits were replayed"), "{report:?}");
    assert!(all(&reopened) == all(&store));
}

#[test]
fn after_an_orderly_close_nothing_is_repaired_whatever_start_of_the_machine() {
    let (dir, rows, _) = sample();
    for _ in 0..2 {
        let (store, report) = open_after_reboot(dir.path()).expect("it opens");
        assert_eq!(report.sentences, Vec::<String>::new());
        assert!(all(&store) == rows);
    }
}

/// A start that is killed while it rebuilds must not make the next one believe in half a tree.
#[test]
fn a_tree_that_was_only_half_built_is_built_again() {
    let (dir, rows, _) = sample();
    let half = kit::quick_dir();
    // A tree with records, but without the note of what was applied: what a rebuild leaves when it is interrupted.
    let tree = sled::open(half.path().join("sled")).expect("a tree can be made");
    tree.insert(b"rhalf", &[0; 16]).expect("it can be written");
    drop(tree);
    let crashed = crash(dir.path());
    fs::remove_dir_all(crashed.path().join("sled")).expect("it can be removed");
    kit::copy(&half.path().join("sled"), &crashed.path().join("sled"));
    let (store, report) = try_open(crashed.path()).expect("it opens");
    assert!(says(&report, "only half built"), "{report:?}");
    assert!(all(&store) == rows);
}

#[test]
fn pages_of_the_tree_may_be_old_zero_or_swapped_after_a_crash_of_the_machine() {
    let (dir, rows, earlier) = sample();
    let now = fs::read(tree_file(dir.path())).expect("the tree has a file");
    let lock = fs::read_to_string(dir.path().join("lock")).expect("there is a lock file");
    let used: Vec<_> = (0..now.len() / PAGE)
        .filter(|page| now[page * PAGE..][..PAGE].iter().any(|b| *b != 0))
        .collect();
    assert!(used.len() >= 8, "the tree fills some pages");
    let changed = |page: &usize| earlier.get(page * PAGE..(page + 1) * PAGE) != Some(&now[page * PAGE..][..PAGE]);
    assert!(used.iter().any(changed), "some pages have an older version");
    let step = used.len().div_ceil(12);
    for (turn, page) in used.iter().step_by(step).enumerate() {
        let at = page * PAGE;
        let mut damaged = [now.clone(), now.clone(), now.clone()];
        match earlier.get(at..at + PAGE) {
            Some(old) => damaged[0][at..at + PAGE].copy_from_slice(old),
            None => damaged[0].truncate(at),
        }
        damaged[1][at..at + PAGE].fill(0);
        let other = used[(turn * step + used.len() / 2) % used.len()] * PAGE;
        damaged[2][at..at + PAGE].copy_from_slice(&now[other..other + PAGE]);
        damaged[2][other..other + PAGE].copy_from_slice(&now[at..at + PAGE]);
        for bytes in damaged {
            let crashed = crash(dir.path());
            fs::write(tree_file(crashed.path()), bytes).expect("it can be written");
            fs::write(crashed.path().join("lock"), lock.replace("clean", "open")).expect("it can be written");
            let (store, report) = open_after_reboot(crashed.path()).expect("it opens");
            assert!(says(&report, "built anew"), "{report:?}");
            assert!(all(&store) == rows, "page {page} damaged");
        }
    }
}

#[test]
fn a_snapshot_left_half_written_is_removed() {
    let (dir, rows, _) = sample();
    let leftover = dir.path().join("sled/snap.00000000FFFFFFFF.generating");
    fs::write(&leftover, "half").expect("it can be written");
    let (store, report) = try_open(dir.path()).expect("it opens");
    assert!(
        says(&report, "left half written by sled, and has been removed"),
        "{report:?}"
    );
    assert!(!says(&report, "built anew"), "{report:?}");
    assert!(all(&store) == rows);
    assert!(!leftover.exists());
}

#[test]
fn a_tree_that_is_gone_cut_short_or_garbage_is_built_anew() {
    let (dir, rows, _) = sample();
    let tree = |dir: &Path| dir.join("sled");
    let write_db = |dir: &Path, bytes: &[u8]| fs::write(tree_file(dir), bytes).expect("it can be written");
    let noise: Vec<u8> = (0..600_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    // What the report must say besides, and what is done to the directory.
    let damages: [Damage; 6] = [
        ("was missing", &|dir| {
            fs::remove_dir_all(tree(dir)).expect("it can be removed")
        }),
        ("", &|dir| write_db(dir, b"")),
        ("", &|dir| {
            let bytes = fs::read(tree_file(dir)).expect("it is there");
            write_db(dir, &bytes[..bytes.len() / 2]);
        }),
        ("", &|dir| write_db(dir, &noise)),
        ("", &|dir| {
            fs::remove_dir_all(tree(dir)).expect("it can be removed");
            fs::write(tree(dir), "a file").expect("it can be written");
        }),
        ("", &|dir| {
            fs::write(dir.join("sled.distrusted"), "it was bad").expect("it can be written")
        }),
    ];
    for (n, (words, damage)) in damages.into_iter().enumerate() {
        let crashed = crash(dir.path());
        damage(crashed.path());
        let (store, report) = try_open(crashed.path()).unwrap_or_else(|e| panic!("damage {n}: {e}"));
        assert!(
            says(&report, "built anew") && says(&report, words),
            "damage {n}: {report:?}"
        );
        assert!(all(&store) == rows, "damage {n}");
        store.close();
        let (store, report) = try_open(crashed.path()).unwrap_or_else(|e| panic!("after damage {n}: {e}"));
        assert_eq!(report.sentences, Vec::<String>::new(), "after damage {n}");
        assert!(all(&store) == rows, "after damage {n}");
    }
}

#[test]
fn a_second_process_is_refused_with_a_sentence() {
    let dir = kit::quick_dir();
    let store = kit::open(dir.path());
    // The lock belongs to the open file, so that a second open in this process is as good as another process.
    let refused = try_open(dir.path()).map(|_| ()).expect_err("one at a time");
    let expected = format!(
        "another grantd (process {}) uses {}",
        std::process::id(),
        dir.path().display()
    );
    assert!(refused.0.starts_with(&expected), "{refused}");
    store.close();
    try_open(dir.path()).expect("now it is free");
}
