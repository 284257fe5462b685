//! Exports: what recovery starts from, and what lets the journal forget.

use crate::kit::{self, all, block_on, crash, open_after_reboot, put, put_until, says, segments, write};
use grantd::store::export;
use grantd::store::sled::{SledOptions, SledStore};
use grantd::store::{Batch, Seq, Store, StoreError};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn fill(store: &SledStore, from: u32, count: u32) {
    for n in from..from + count {
        write(
            store,
            vec![
                put((n % 50).to_be_bytes(), vec![n as u8; 5000]),
                put_until([n as u8], "", n.into()),
            ],
        );
    }
}

fn exports(dir: &Path) -> Vec<export::Export> {
    export::list(&dir.join("exports")).expect("the directory is there")
}

/// Two exports, and commits after each.
fn sample(dir: &Path) -> SledStore {
    let store = kit::open(dir);
    fill(&store, 0, 60);
    assert_eq!(block_on(store.export()).map(|e| e.seq), Ok(Seq(60)));
    fill(&store, 60, 60);
    assert_eq!(block_on(store.export()).map(|e| e.seq), Ok(Seq(120)));
    fill(&store, 120, 60);
    store
}

#[test]
fn the_journal_forgets_what_two_exports_contain_and_says_gone() {
    let dir = kit::dir();
    let store = kit::open(dir.path());
    fill(&store, 0, 60);
    block_on(store.export()).expect("an export can be made");
    assert!(block_on(store.changes(Seq(0), 1)).is_ok(), "one export is not enough");
    fill(&store, 60, 60);
    block_on(store.export()).expect("an export can be made");
    let Err(StoreError::Gone { oldest }) = block_on(store.changes(Seq(0), 1)) else {
        panic!("commit 1 is gone")
    };
    assert!(
        oldest > Seq(1) && oldest <= Seq(61),
        "the second export still has everything after the first: {oldest:?}"
    );
    let rest = block_on(store.changes(Seq(oldest.0 - 1), 1000)).expect("the rest is there");
    assert_eq!((rest[0].seq, rest.len() as u64), (oldest, 120 - oldest.0 + 1));
    assert!(matches!(
        block_on(store.changes(Seq(oldest.0 - 2), 1)),
        Err(StoreError::Gone { .. })
    ));
    let (rows, crashed) = (all(&store), crash(dir.path()));
    let (rebuilt, report) = open_after_reboot(crashed.path()).expect("it opens");
    assert!(says(&report, "120 commits were taken from"), "{report:?}");
    assert!(all(&rebuilt) == rows);
    assert_eq!(write(&rebuilt, vec![put("new", "")]), Seq(121));
}

#[test]
fn a_damaged_export_is_passed_over_and_two_are_refused() {
    let dir = kit::dir();
    let store = sample(dir.path());
    let (rows, crashed) = (all(&store), crash(dir.path()));
    for (turn, export) in exports(crashed.path()).into_iter().enumerate() {
        let mut bytes = fs::read(&export.path).expect("it is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&export.path, bytes).expect("it can be written");
        let again = crash(crashed.path());
        match open_after_reboot(again.path()) {
            Ok((rebuilt, report)) => {
                assert_eq!(turn, 0, "no export is left");
                assert!(says(&report, "An export was passed over"), "{report:?}");
                assert!(says(&report, "60 commits were taken from"), "{report:?}");
                assert!(all(&rebuilt) == rows);
            }
            Err(e) => assert!(turn == 1 && e.0.contains("no usable export reaches it"), "{e}"),
        }
    }
}

#[test]
fn a_rebuilt_store_still_sweeps_what_expires() {
    let dir = kit::dir();
    let store = sample(dir.path());
    let crashed = crash(dir.path());
    let (rebuilt, _) = open_after_reboot(crashed.path()).expect("it opens");
    let now = grantd::base::time::Timestamp::from_millis(1000);
    let swept = block_on(rebuilt.sweep(now, 1000)).expect("sweep works");
    assert_eq!(swept, 180);
    assert_eq!(block_on(store.sweep(now, 1000)), Ok(180));
}

#[test]
fn a_reader_that_is_behind_or_unheard_of_keeps_the_journal() {
    let dir = kit::dir();
    let options = SledOptions {
        readers: vec!["webhooks".into()],
        ..kit::small()
    };
    let (store, _) = SledStore::open(dir.path(), options).expect("it opens");
    for n in 0..3 {
        fill(&store, n * 60, 60);
        block_on(store.export()).expect("an export can be made");
        assert!(
            block_on(store.changes(Seq(0), 1)).is_ok(),
            "nobody heard of the reader yet"
        );
    }
    assert_eq!(exports(dir.path()).len(), 2, "older exports go");
    store.reader_at("webhooks", Seq(30));
    block_on(store.export()).expect("an export can be made");
    let after_30 = block_on(store.changes(Seq(30), 1)).expect("what the reader needs is there");
    assert_eq!(after_30[0].seq, Seq(31));
    assert!(
        matches!(block_on(store.changes(Seq(0), 1)), Err(StoreError::Gone { .. })),
        "what it has read may go"
    );
}

#[test]
fn a_long_journal_forces_exports_and_becomes_short_again() {
    let dir = kit::dir();
    let max = 512 * 1024;
    let options = SledOptions {
        journal_bytes_max: max,
        ..kit::small()
    };
    let (store, _) = SledStore::open(dir.path(), options).expect("it opens");
    let mut n = 0;
    // Until the background has made two exports and trimmed; each round is a commit, so this is bounded by the disk.
    while !matches!(block_on(store.changes(Seq(0), 1)), Err(StoreError::Gone { .. })) {
        fill(&store, n, 1);
        n += 1;
        assert!(n < 100_000, "the journal is never trimmed: {:?}", store.stats());
    }
    assert!(segments(dir.path()).len() > 1);
    let rows = all(&store);
    // Closed, so that the background is quiet; then made to look as if it had not been.
    store.close();
    let lock = dir.path().join("lock");
    let text = fs::read_to_string(&lock).expect("there is a lock file");
    fs::write(&lock, text.replace("state=clean", "state=open")).expect("it can be written");
    let (rebuilt, report) = open_after_reboot(dir.path()).expect("it opens");
    assert!(says(&report, "built anew"), "{report:?}");
    assert!(all(&rebuilt) == rows);
}

/// An export is read while commits go on: records of different ages, and frames on top.
#[test]
fn an_export_made_under_load_is_a_state_that_was() {
    let dir = kit::dir();
    let store = Arc::new(kit::open(dir.path()));
    fill(&store, 0, 60);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (store, stop) = (store.clone(), stop.clone());
        move || {
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // Both change together: a mix of ages would show.
                let name = [b'a' + (n % 20) as u8];
                let twin = [b"~", &name[..]].concat();
                let writes = vec![put(name, u32::to_be_bytes(n)), put(twin, u32::to_be_bytes(n))];
                block_on(store.commit(Batch {
                    writes,
                    ..Batch::default()
                }))
                .expect("commit works");
            }
        }
    });
    let mut last = Seq(0);
    for _ in 0..10 {
        let export = block_on(store.export()).expect("an export can be made");
        assert_eq!(export::verify(&export.path), Ok(export.seq));
        assert!(export.seq >= last);
        last = export.seq;
    }
    stop.store(true, Ordering::SeqCst);
    writer.join().expect("no panic");
    let (rows, crashed) = (all(&*store), crash(dir.path()));
    let (rebuilt, report) = open_after_reboot(crashed.path()).expect("it opens");
    assert!(
        says(&report, &format!("{} commits were taken from", last.0)),
        "{report:?}"
    );
    assert!(all(&rebuilt) == rows);
}
