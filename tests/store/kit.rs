//! Small things all tests of the store need.

use grantd::base::time::Timestamp;
use grantd::store::sled::{OpenError, OpenReport, SledOptions, SledStore};
use grantd::store::{Batch, Check, Key, Outcome, Seq, Store, StoreError, Stored, Write};
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(future)
}

/// Small files, no reserve: what a test needs to be quick.
pub fn small() -> SledOptions {
    SledOptions {
        segment_bytes: 64 * 1024,
        reserve_bytes: 4096,
        floor_bytes: 4096,
        cache_bytes: 1024 * 1024,
        // A store that fails in a test must not end the test run; the commit that caused it answers `Unknown`.
        fatal: Arc::new(|why| eprintln!("fatal: {why}")),
        ..SledOptions::default()
    }
}

pub fn try_open(dir: &Path) -> Result<(SledStore, OpenReport), OpenError> {
    SledStore::open(dir, small())
}

pub fn open(dir: &Path) -> SledStore {
    try_open(dir).expect("the store opens").0
}

pub fn key(name: impl AsRef<[u8]>) -> Key {
    Key(name.as_ref().to_vec())
}

pub fn put(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Write {
    Write::Put {
        key: key(name),
        value: value.as_ref().to_vec(),
        expires_at: None,
    }
}

pub fn put_until(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>, at: u64) -> Write {
    Write::Put {
        key: key(name),
        value: value.as_ref().to_vec(),
        expires_at: Some(Timestamp::from_millis(at)),
    }
}

pub fn delete(name: impl AsRef<[u8]>) -> Write {
    Write::Delete { key: key(name) }
}

pub fn batch(checks: Vec<Check>, writes: Vec<Write>) -> Batch {
    Batch {
        checks,
        writes,
        ..Batch::default()
    }
}

/// Commits without checks; the Seq.
pub fn write(store: &dyn Store, writes: Vec<Write>) -> Seq {
    match block_on(store.commit(batch(vec![], writes))) {
        Ok(Outcome::Committed(seq)) => seq,
        other => panic!("a commit without checks gave {other:?}"),
    }
}

pub fn commit(store: &dyn Store, checks: Vec<Check>, writes: Vec<Write>) -> Result<Outcome, StoreError> {
    block_on(store.commit(batch(checks, writes)))
}

pub fn get(store: &dyn Store, name: impl AsRef<[u8]>) -> Option<Stored> {
    block_on(store.get(&key(name))).expect("get works")
}

/// Everything, read in pages.
pub fn all(store: &dyn Store) -> Vec<(Key, Stored)> {
    let mut rows: Vec<(Key, Stored)> = Vec::new();
    loop {
        let after = rows.last().map(|(key, _)| key.clone());
        let page = block_on(store.scan(&Key::default(), after.as_ref(), 100)).expect("scan works");
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

pub fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// For tests that open hundreds of stores: in memory where the system offers that, as syncs are not what they test.
pub fn quick_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| dir())
}

/// What a crash leaves behind: the files as they are at this moment, taken while the store is open.
pub fn crash(from: &Path) -> tempfile::TempDir {
    let to = quick_dir();
    copy(from, to.path());
    to
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the directory can be made");
    for entry in fs::read_dir(from).expect("the directory can be read") {
        let path = entry.expect("the directory can be read").path();
        let target = to.join(path.file_name().expect("entries have names"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("the file can be copied");
        }
    }
}

/// Opens as after the machine was started anew.
pub fn open_after_reboot(dir: &Path) -> Result<(SledStore, OpenReport), OpenError> {
    let boot_id_path = dir.with_extension("boot");
    fs::write(&boot_id_path, "another start of the machine").expect("the file can be written");
    let opened = SledStore::open(
        dir,
        SledOptions {
            boot_id_path: boot_id_path.clone(),
            ..small()
        },
    );
    fs::remove_file(boot_id_path).expect("the file can be removed");
    opened
}

/// The journal's files, oldest first.
pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("journal")).expect("there is a journal");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    paths
}

pub fn says(report: &OpenReport, words: &str) -> bool {
    report.sentences.iter().any(|sentence| sentence.contains(words))
}
