//! Backups and what is shipped after them: one state, whole or refused, and a store made from it that holds the same.

use crate::kit::{self, all, block_on, delete, put, put_until, write};
use grantd::base::master::MasterSecret;
use grantd::base::random::SeededRandom;
use grantd::base::time::Timestamp;
use grantd::store::backup::chain::{self, Reached, Sink};
use grantd::store::backup::segments::Shipper;
use grantd::store::backup::{self, Making, Summary, verify};
use grantd::store::sled::{Filling, SledStore};
use grantd::store::{Key, Seq, Store, Stored, Write};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

pub const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

pub fn secret() -> MasterSecret {
    MasterSecret::generate(&SeededRandom::new(1))
}

pub fn back_up_at(store: &SledStore, to: &Path, now: Timestamp) -> (PathBuf, Summary) {
    let export = block_on(store.export()).expect("an export can be made");
    let making = Making {
        export: &export,
        secret: &secret(),
        records_format: 1,
        now,
        logos: Path::new("/nonexistent"),
    };
    backup::write_in(to, &making).expect("a backup can be made")
}

pub fn back_up(store: &SledStore, to: &Path) -> (PathBuf, Summary) {
    back_up_at(store, to, NOW)
}

struct Target(Filling);

impl Sink for Target {
    fn records(&mut self, rows: Vec<(Key, Stored)>) -> Result<(), String> {
        self.0.records(&rows)
    }
    fn logo(&mut self, _: &str, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
    fn commits(&mut self, first: Seq, commits: Vec<Vec<Write>>) -> Result<(), String> {
        self.0.commits(first, &commits)
    }
}

/// The store that the directory's backup and segments make, and how far they reach.
pub fn restore(from: &Path, to: &Path) -> Result<(SledStore, Reached), String> {
    let mut target = Target(Filling::begin(to, &SeededRandom::new(9))?);
    let reached = chain::read_chosen(chain::choose(from, &secret())?, &secret(), &mut target)?;
    target.0.finish(reached.seq)?;
    Ok((kit::open(to), reached))
}

pub fn fill(store: &SledStore, from: u32, count: u32) {
    for n in from..from + count {
        let name = format!("{}{:03}", ["a", "g", "f"][n as usize % 3], n % 40);
        let writes = match n % 7 {
            6 => vec![delete(&name)],
            _ => vec![
                put(&name, n.to_be_bytes()),
                put_until(format!("w{n:05}"), [7; 300], u64::from(n) + 1),
            ],
        };
        write(store, writes);
    }
}

#[test]
fn a_restored_store_holds_the_same_records_and_its_commits_go_on() {
    let (dir, to, heir) = (kit::dir(), kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 100);
    let (_, made) = back_up(&store, to.path());
    let (restored, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!((reached.seq, reached.closed), (Seq(100), false));
    assert_eq!(all(&restored), all(&store), "versions and expiry too");
    let again = kit::dir();
    let (_, after) = back_up(&restored, again.path());
    assert_eq!(after.manifest, made.manifest, "every space has the digest it had");
    assert_ne!(after.header.history, made.header.history);
    drop(restored);
    let (restored, report) = kit::try_open(heir.path()).expect("it opens again");
    assert_eq!(report.sentences, Vec::<String>::new(), "its tree is believed");
    assert_eq!(write(&restored, vec![put("a", "b")]), Seq(101));
    drop(restored);
    let reopened = kit::open(heir.path());
    assert_eq!(write(&reopened, vec![put("a", "c")]), Seq(102));
    assert_eq!(
        block_on(reopened.sweep(Timestamp::from_millis(1_000_000), 10_000)),
        Ok(86),
        "all that expires"
    );
}

#[test]
fn a_backup_of_an_empty_store_is_one_too() {
    let (dir, to, heir) = (kit::dir(), kit::dir(), kit::dir());
    back_up(&kit::open(dir.path()), to.path());
    let (restored, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!((all(&restored).len(), reached.seq), (0, Seq(0)));
    assert_eq!(write(&restored, vec![put("a", "b")]), Seq(1));
}

/// Each commit writes the same number under two keys far apart: two numbers would be two moments.
#[test]
fn a_backup_taken_while_others_write_is_one_moment() {
    let (dir, to) = (kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    for n in 0..2000_u32 {
        write(&store, vec![put(format!("m{n:05}"), [1; 200])]);
    }
    let ended = AtomicBool::new(false);
    let made: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0_u32.. {
                let value = n.to_be_bytes();
                write(
                    &store,
                    vec![
                        put("a", value),
                        put("z", value),
                        put(format!("m{:05}", n % 2000), value),
                    ],
                );
                if ended.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let made = (0..4)
            .map(|n| back_up_at(&store, to.path(), Timestamp::from_seconds(n + 1)))
            .collect();
        ended.store(true, Ordering::Relaxed);
        made
    });
    for (file, summary) in made {
        let mut records = Records::default();
        chain::read_backup(File::open(file).unwrap(), "it", &secret(), &mut records).expect("read");
        let find = |name: &str| {
            records
                .0
                .iter()
                .find(|(key, _)| key.0 == name.as_bytes())
                .map(|(_, stored)| stored)
        };
        assert_eq!(find("a"), find("z"));
        assert_eq!(records.0.len() as u64, summary.manifest.records);
        assert!(records.0.len() >= 2000);
    }
}

#[derive(Default)]
pub struct Records(Vec<(Key, Stored)>);

impl Sink for Records {
    fn records(&mut self, mut rows: Vec<(Key, Stored)>) -> Result<(), String> {
        self.0.append(&mut rows);
        Ok(())
    }
    fn logo(&mut self, _: &str, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
    fn commits(&mut self, _: Seq, _: Vec<Vec<Write>>) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn a_flipped_byte_anywhere_in_a_backup_a_missing_end_and_an_addition_are_refused() {
    let (dir, to) = (kit::dir(), kit::quick_dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 12);
    let (file, _) = back_up(&store, to.path());
    let whole = fs::read(&file).expect("read");
    let damaged = to.path().join("damaged");
    let refused = |bytes: &[u8]| {
        fs::write(&damaged, bytes).expect("written");
        verify(&damaged, Some(&secret())).is_err()
    };
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(refused(&bytes), "byte {at} of {}", whole.len());
        assert!(refused(&whole[..at]), "cut at {at}");
    }
    assert!(refused(&[whole.as_slice(), b"x"].concat()));
    assert!(!refused(&whole));
}

/// Whoever may write where backups lie makes all checksums right, and still has no secret.
#[test]
fn a_backup_or_segment_of_somebody_without_the_secret_is_refused() {
    let (dir, to) = (kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 12);
    let export = block_on(store.export()).expect("an export");
    let forger = MasterSecret::generate(&SeededRandom::new(1));
    let (file, _) = back_up(&store, to.path());
    assert!(verify(&file, Some(&forger)).is_ok(), "the same seed is the same secret");
    let other = MasterSecret::generate(&SeededRandom::new(2));
    let why = verify(&file, Some(&other)).expect_err("another secret");
    assert!(why.contains("another master secret"), "{why}");
    // A header that names the right secret, and a proof made without it.
    let bytes = fs::read(&file).expect("read");
    let making = Making {
        export: &export,
        secret: &other,
        records_format: 1,
        now: NOW,
        logos: Path::new("/nonexistent"),
    };
    let (forged, _) = backup::write_in(&to.path().join("forged"), &making).expect("made");
    let text = String::from_utf8_lossy(&fs::read(&forged).expect("read")).into_owned();
    assert!(text.contains(&other.fingerprint()) && bytes.len() == fs::read(&forged).expect("read").len());
    let swapped = replaced(
        &fs::read(&forged).expect("read"),
        &other.fingerprint(),
        &secret().fingerprint(),
    );
    fs::write(&forged, swapped).expect("written");
    let why = verify(&forged, Some(&secret())).expect_err("a forgery");
    assert!(
        why.contains("checksum") || why.contains("holder of the master secret"),
        "{why}"
    );

    let history = store.history().expect("it has one");
    let mut shipper = Shipper::after(to.path(), history, Seq(12));
    fill(&store, 12, 3);
    let changes = block_on(store.changes(Seq(12), 100)).expect("the feed");
    shipper.ship(&changes, &other, NOW).expect("shipped");
    let heir = kit::dir();
    let (_, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!(reached.seq, Seq(12), "nothing of it counts");
    assert!(
        reached
            .notes
            .iter()
            .any(|note| note.contains("holder of the master secret")),
        "{reached:?}"
    );
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .expect("it is there");
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

#[test]
fn what_a_killed_backup_left_is_removed_and_what_one_is_writing_stays() {
    let (dir, to) = (kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 5);
    let (left, written, other) = (
        to.path().join(".grantd-abc.unfinished"),
        to.path().join(".grantd-def.unfinished"),
        to.path().join("mine.unfinished"),
    );
    for path in [&left, &written, &other] {
        fs::write(path, "half").expect("written");
    }
    let held = File::open(&written).expect("opened");
    held.lock().expect("locked");
    let (file, _) = back_up(&store, to.path());
    assert!(!left.exists() && written.exists() && other.exists());
    let (backups, faults) = chain::list(to.path()).expect("listed");
    assert_eq!((backups.len(), faults.len()), (1, 0));
    assert_eq!(backups[0].path, file);
}

#[test]
fn a_newer_format_is_refused_with_a_sentence() {
    let (dir, to) = (kit::dir(), kit::dir());
    let (file, _) = back_up(&kit::open(dir.path()), to.path());
    let mut blocks = grantd::store::blocks::BlockWriter::new(Vec::new(), b"grantdb1").expect("memory");
    blocks
        .block(b'h', br#"{"format":2,"something":"new"}"#)
        .expect("memory");
    fs::write(&file, blocks.into_inner()).expect("written");
    let why = verify(&file, None).expect_err("newer");
    assert!(why.contains("format 2") && why.contains("a newer grantd"), "{why}");
    fs::write(&file, "something else altogether").expect("written");
    assert!(
        verify(&file, None)
            .expect_err("no backup")
            .contains("no backup of grantd")
    );
}
