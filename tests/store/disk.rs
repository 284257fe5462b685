//! A disk that is full, slow or broken.

use crate::kit::{self, all, batch, block_on, commit, delete, get, key, put, write};
use grantd::store::disk::Disk;
use grantd::store::sled::{SledOptions, SledStore};
use grantd::store::{Batch, Check, Outcome, Seq, Store, StoreError};
use std::fs::File;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};

const ROOMY: u64 = 1 << 40;

/// A disk whose moods a test chooses.
struct Moody {
    free: AtomicU64,
    sync_fails: AtomicBool,
    write_fails: AtomicBool,
    held: Mutex<bool>,
    released: Condvar,
}

impl Moody {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            free: AtomicU64::new(ROOMY),
            sync_fails: AtomicBool::new(false),
            write_fails: AtomicBool::new(false),
            held: Mutex::new(false),
            released: Condvar::new(),
        })
    }

    /// Syncs do not return until released.
    fn hold(&self, held: bool) {
        *self.held.lock().expect("no panic") = held;
        self.released.notify_all();
    }
}

impl Disk for Moody {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.write_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("a bad sector"));
        }
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let held = self.held.lock().expect("no panic");
        drop(self.released.wait_while(held, |held| *held).expect("no panic"));
        if self.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("a bad sector"));
        }
        file.sync_data()
    }

    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        if self.free.load(Ordering::SeqCst) < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.set_len(bytes)
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.free.load(Ordering::SeqCst))
    }
}

/// Opens on `disk`; the sentences given to the fatal hook are kept.
fn open(dir: &Path, disk: Arc<Moody>) -> (SledStore, Arc<Mutex<Vec<String>>>) {
    let fatal = Arc::new(Mutex::new(Vec::new()));
    let told = fatal.clone();
    let options = SledOptions {
        disk,
        queue_commits_max: 8,
        fatal: Arc::new(move |why| told.lock().expect("no panic").push(why.to_owned())),
        ..kit::small()
    };
    (SledStore::open(dir, options).expect("it opens").0, fatal)
}

#[test]
fn on_a_full_disk_deletes_and_replacements_go_on_and_service_resumes() {
    let dir = kit::dir();
    let disk = Moody::new();
    let (store, fatal) = open(dir.path(), disk.clone());
    let version = write(&store, vec![put("a", "1"), put("b", "1")]);
    assert!(dir.path().join("reserve").exists());
    disk.free.store(4095, Ordering::SeqCst);
    assert_eq!(commit(&store, vec![], vec![put("new", "1")]), Err(StoreError::Full));
    assert_eq!(
        commit(&store, vec![], vec![put("a", "2"), put("new", "1")]),
        Err(StoreError::Full)
    );
    assert!(!dir.path().join("reserve").exists(), "the reserve is given up");
    assert!(store.stats().full);
    assert_eq!(
        commit(&store, vec![Check::Absent(key("a"))], vec![put("new", "")]),
        Ok(Outcome::Conflict)
    );
    let revoke = commit(
        &store,
        vec![Check::Unchanged(key("a"), version)],
        vec![put("a", "revoked"), delete("b")],
    );
    assert_eq!(revoke, Ok(Outcome::Committed(Seq(2))), "a refusal takes no number");
    assert_eq!(get(&store, "new"), None);
    // A revocation may leave a record of its own behind: a revoked jti, an event.
    let note = Batch {
        writes: vec![put("note", "1")],
        revokes: true,
        ..Batch::default()
    };
    assert_eq!(block_on(store.commit(note)), Ok(Outcome::Committed(Seq(3))));
    disk.free.store(ROOMY, Ordering::SeqCst);
    assert_eq!(write(&store, vec![put("new", "1")]), Seq(4));
    assert!(dir.path().join("reserve").exists() && !store.stats().full);
    assert_eq!(*fatal.lock().expect("no panic"), Vec::<String>::new());
}

#[test]
fn when_no_journal_file_can_be_allocated_nothing_happens_and_later_it_goes_on() {
    let dir = kit::dir();
    let disk = Moody::new();
    let (store, fatal) = open(dir.path(), disk.clone());
    // Above the floor, yet too little for a journal file: the file system lies, or somebody else was quicker.
    disk.free.store(5000, Ordering::SeqCst);
    let mut last = Seq(0);
    let refused = loop {
        match commit(&store, vec![], vec![put("a", vec![1; 7000])]) {
            Ok(Outcome::Committed(seq)) => last = seq,
            other => break other,
        }
    };
    assert_eq!(refused, Err(StoreError::Full));
    disk.free.store(ROOMY, Ordering::SeqCst);
    assert_eq!(write(&store, vec![put("a", vec![2; 7000])]), Seq(last.0 + 1));
    let rows = all(&store);
    store.close();
    assert!(all(&kit::open(dir.path())) == rows);
    assert_eq!(*fatal.lock().expect("no panic"), Vec::<String>::new());
}

#[test]
fn without_room_for_a_group_whatever_was_judged_by_it_is_refused_too() {
    let dir = kit::dir();
    let disk = Moody::new();
    let (store, fatal) = open(dir.path(), disk.clone());
    let first = write(&store, vec![put("a", "1")]);
    disk.hold(true);
    let mut context = Context::from_waker(Waker::noop());
    let mut on_its_way = pin!(store.commit(batch(vec![], vec![put("a", "2")])));
    assert!(on_its_way.as_mut().poll(&mut context).is_pending());
    // Waits until the writer has taken it: it is in the tree before it is durable.
    let a = key("a");
    while store.get(&a).as_mut().poll(&mut context).is_ready() {
        std::thread::yield_now();
    }
    let large = || (0..64).map(|n| put(format!("large {n}"), vec![1; 3000])).collect();
    let mut without_room = pin!(store.commit(batch(vec![], large())));
    let after = vec![Check::Unchanged(key("large 1"), Seq(first.0 + 2))];
    let mut judged_by_it = pin!(store.commit(batch(after.clone(), vec![put("a", "3")])));
    let mut conflicting = pin!(store.commit(batch(vec![Check::Absent(key("large 1"))], vec![put("a", "4")])));
    for waiting in [&mut without_room, &mut judged_by_it, &mut conflicting] {
        assert!(waiting.as_mut().poll(&mut context).is_pending());
    }
    disk.free.store(5000, Ordering::SeqCst);
    disk.hold(false);
    assert_eq!(block_on(on_its_way), Ok(Outcome::Committed(Seq(first.0 + 1))));
    for refused in [without_room, judged_by_it, conflicting] {
        assert_eq!(block_on(refused), Err(StoreError::Full), "none of it happened");
    }
    disk.free.store(ROOMY, Ordering::SeqCst);
    assert_eq!(commit(&store, after, vec![put("a", "5")]), Ok(Outcome::Conflict));
    let absent = vec![Check::Absent(key("large 1")), Check::Unchanged(a, Seq(first.0 + 1))];
    assert_eq!(
        commit(&store, absent, large()),
        Ok(Outcome::Committed(Seq(first.0 + 2))),
        "no number was taken"
    );
    assert_eq!(*fatal.lock().expect("no panic"), Vec::<String>::new());
}

#[test]
fn after_a_failed_sync_or_write_nothing_is_answered_any_more() {
    for (fails, word) in [("sync", "synced"), ("write", "written")] {
        let dir = kit::dir();
        let disk = Moody::new();
        let (store, fatal) = open(dir.path(), disk.clone());
        write(&store, vec![put("before", "1")]);
        let flag = if fails == "sync" {
            &disk.sync_fails
        } else {
            &disk.write_fails
        };
        flag.store(true, Ordering::SeqCst);
        let outcome = commit(&store, vec![], vec![put("during", "1")]);
        assert!(matches!(outcome, Err(StoreError::Unknown(_))), "{outcome:?}");
        flag.store(false, Ordering::SeqCst);
        let outcome = commit(&store, vec![], vec![put("after", "1")]);
        assert!(
            matches!(outcome, Err(StoreError::Unavailable(_) | StoreError::Unknown(_))),
            "{outcome:?}"
        );
        drop(store);
        let told = fatal.lock().expect("no panic").clone();
        assert_eq!(told.len(), 1);
        assert!(
            told[0].contains("journal cannot be") && told[0].contains(word),
            "{told:?}"
        );
        let lock = std::fs::read_to_string(dir.path().join("lock")).expect("there is a lock file");
        assert!(lock.contains("state=open"), "a failure is no orderly close");
        let store = kit::open(dir.path());
        assert!(get(&store, "before").is_some() && get(&store, "after").is_none());
    }
}

#[test]
fn nobody_sees_a_commit_before_it_is_durable() {
    let dir = kit::dir();
    let disk = Moody::new();
    let (store, _) = open(dir.path(), disk.clone());
    write(&store, vec![put("gone", "1")]);
    disk.hold(true);
    let mut writing = pin!(store.commit(batch(vec![], vec![put("new", "1"), delete("gone")])));
    let mut context = Context::from_waker(Waker::noop());
    assert!(writing.as_mut().poll(&mut context).is_pending());
    let (new, gone) = (key("new"), key("gone"));
    // The tree gets it before the disk is done; from then on a read waits. Until then it finds what was before.
    let (mut reading_new, mut reading_gone) = (store.get(&new), store.get(&gone));
    while let Poll::Ready(found) = reading_new.as_mut().poll(&mut context) {
        assert_eq!(found, Ok(None));
        reading_new = store.get(&new);
    }
    while let Poll::Ready(found) = reading_gone.as_mut().poll(&mut context) {
        assert!(found.expect("get works").is_some());
        reading_gone = store.get(&gone);
    }
    let prefix = key("");
    assert!(pin!(store.scan(&prefix, None, 10)).poll(&mut context).is_pending());
    assert_eq!(
        block_on(store.changes(Seq(1), 10)),
        Ok(vec![]),
        "the feed does not tell it either"
    );
    assert!(writing.as_mut().poll(&mut context).is_pending());
    disk.hold(false);
    assert_eq!(block_on(writing), Ok(Outcome::Committed(Seq(2))));
    // These began before it was durable: they may answer with either state.
    block_on(reading_new).and(block_on(reading_gone)).expect("get works");
    assert!(get(&store, "new").is_some() && get(&store, "gone").is_none());
}

#[test]
fn beyond_the_queue_commits_are_turned_away_at_once() {
    let dir = kit::dir();
    let disk = Moody::new();
    let (store, _) = open(dir.path(), disk.clone());
    disk.hold(true);
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = Vec::new();
    let refused = loop {
        let mut commit = store.commit(batch(vec![], vec![put("a", "1")]));
        match commit.as_mut().poll(&mut context) {
            Poll::Pending => waiting.push(commit),
            Poll::Ready(outcome) => break outcome,
        }
        assert!(waiting.len() < 10_000, "the queue is not bounded");
    };
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(waiting.len() >= 8);
    disk.hold(false);
    let mut last = Seq(0);
    for commit in waiting {
        let Ok(Outcome::Committed(seq)) = block_on(commit) else {
            panic!("what was queued is done")
        };
        assert!(seq > last, "in the order it came");
        last = seq;
    }
}
