//! What is shipped after a backup: gapless, or a gap that is told.

use crate::backups::{NOW, Records, back_up, back_up_at, fill, restore, secret};
use crate::kit::{self, all, block_on};
use grantd::base::time::Timestamp;
use grantd::store::backup::segments::{self, Shipper};
use grantd::store::backup::{History, chain};
use grantd::store::sled::SledStore;
use grantd::store::{Seq, Store};
use std::fs::{self, File};
use std::path::Path;

/// Ships everything after `shipped`.
fn ship(store: &SledStore, shipper: &mut Shipper) {
    let changes = block_on(store.changes(shipper.shipped(), 10_000)).expect("the feed reaches back");
    shipper.ship(&changes, &secret(), NOW).expect("shipped");
}

fn resume(dir: &Path, history: History) -> Shipper {
    let found = segments::resume(dir, history, &secret()).expect("read");
    found.expect("there is a backup").shipper
}

#[test]
fn what_is_shipped_makes_the_store_as_it_was_at_the_end_also_after_crashes_of_the_shipper() {
    let (dir, to, heir) = (kit::dir(), kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 50);
    back_up(&store, to.path());
    let history = store.history().expect("it has one");
    let mut shipper = Shipper::after(to.path(), history, Seq(50));
    shipper.begin(&secret()).expect("begun");
    for round in 1..4 {
        fill(&store, 50 * round, 50);
        ship(&store, &mut shipper);
    }
    // Cut off within a block; the next one ships it again.
    fill(&store, 200, 10);
    let before = shipper.shipped();
    ship(&store, &mut shipper);
    let torn = segments::list(to.path(), &history)
        .expect("listed")
        .pop()
        .expect("one")
        .path;
    let length = fs::metadata(&torn).expect("there").len();
    File::options()
        .write(true)
        .open(&torn)
        .expect("opened")
        .set_len(length - 5)
        .expect("cut");
    let mut resumed = resume(to.path(), history);
    assert_eq!(resumed.shipped(), before, "what was cut off was not shipped");
    fill(&store, 210, 5);
    ship(&store, &mut resumed);
    let (restored, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!((reached.seq, reached.closed), (Seq(215), false));
    assert_eq!(reached.missing, Vec::<String>::new());
    assert_eq!(all(&restored), all(&store));

    resumed.close(&secret(), NOW).expect("closed");
    let heir = kit::dir();
    assert!(restore(to.path(), heir.path()).expect("restored").1.closed);
    // Once it was opened again, the old word is not the last.
    let mut again = resume(to.path(), history);
    again.begin(&secret()).expect("begun");
    let heir = kit::dir();
    let (_, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!((reached.closed, reached.seq), (false, Seq(215)));
}

#[test]
fn a_missing_segment_or_a_damaged_one_is_a_gap_and_what_lies_before_it_is_kept() {
    let (dir, to) = (kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 20);
    back_up(&store, to.path());
    let history = store.history().expect("it has one");
    for round in 1..4 {
        let mut shipper = Shipper::after(to.path(), history, Seq(20 * u64::from(round)));
        fill(&store, 20 * round, 20);
        ship(&store, &mut shipper);
    }
    let found = segments::list(to.path(), &history).expect("listed");
    let firsts: Vec<u64> = found.iter().map(|segment| segment.first.0).collect();
    assert_eq!(firsts, [21, 41, 61]);
    let middle = fs::read(&found[1].path).expect("read");
    for at in (0..middle.len()).step_by(7) {
        let mut bytes = middle.clone();
        bytes[at] ^= 0x10;
        fs::write(&found[1].path, bytes).expect("written");
        let chosen = chain::choose(to.path(), &secret()).expect("there is a backup");
        let reached = chain::read_chosen(chosen, &secret(), &mut Records::default()).expect("read");
        assert_eq!(reached.seq, Seq(40), "byte {at}");
        assert!(!reached.missing.is_empty() && !reached.closed, "byte {at}: {reached:?}");
    }
    fs::remove_file(&found[1].path).expect("removed");
    let heir = kit::dir();
    let (_, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!(reached.seq, Seq(40));
    assert!(
        reached.missing[0].contains("commits 41 to 60 are missing"),
        "{reached:?}"
    );
}

#[test]
fn the_newest_backup_is_chosen_and_a_damaged_one_is_bridged_by_segments_or_is_a_loss() {
    let (dir, to) = (kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 20);
    back_up(&store, to.path());
    let history = store.history().expect("it has one");
    let mut shipper = Shipper::after(to.path(), history, Seq(20));
    fill(&store, 20, 20);
    ship(&store, &mut shipper);
    let (second, _) = back_up_at(&store, to.path(), Timestamp::from_seconds(NOW.seconds() + 60));
    let heir = kit::dir();
    assert_eq!(restore(to.path(), heir.path()).expect("restored").1.seq, Seq(40));
    let mut bytes = fs::read(&second).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&second, bytes).expect("written");
    let heir = kit::dir();
    let (restored, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!(
        (reached.seq, reached.missing.len(), reached.notes.len()),
        (Seq(40), 0, 1)
    );
    assert_eq!(all(&restored), all(&store));
    for segment in segments::list(to.path(), &history).expect("listed") {
        fs::remove_file(segment.path).expect("removed");
    }
    let heir = kit::dir();
    let (_, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!(reached.seq, Seq(20));
    assert!(reached.missing[0].contains("commits 21 to 40"), "{reached:?}");
}

/// The newest stay, with what was shipped after the oldest of them; nothing else is touched.
#[test]
fn retention_keeps_the_newest_backups_of_its_own_store_and_every_file_of_others() {
    let (dir, other, to) = (kit::dir(), kit::dir(), kit::dir());
    let (store, foreign) = (kit::open(dir.path()), kit::open(other.path()));
    let history = store.history().expect("it has one");
    let (theirs, _) = back_up_at(&foreign, to.path(), Timestamp::from_seconds(1));
    let stray = to.path().join("notes.backup");
    fs::write(&stray, "mine").expect("written");
    let mut made = Vec::new();
    for round in 0..4_u32 {
        fill(&store, 10 * round, 10);
        made.push(back_up_at(&store, to.path(), Timestamp::from_seconds(100 + u64::from(round))).0);
        let mut shipper = Shipper::after(to.path(), history, Seq(10 * u64::from(round) + 10));
        shipper.begin(&secret()).expect("begun");
    }
    chain::retain(to.path(), history, 2).expect("removed");
    let left: Vec<bool> = made.iter().map(|path| path.exists()).collect();
    assert_eq!(left, [false, false, true, true]);
    let firsts = segments::list(to.path(), &history).expect("listed");
    let firsts: Vec<u64> = firsts.iter().map(|segment| segment.first.0).collect();
    assert_eq!(firsts, [31, 41], "what follows the oldest backup that is left");
    // Whatever is asked for, the last one stays.
    chain::retain(to.path(), history, 0).expect("removed");
    let left: Vec<bool> = made.iter().map(|path| path.exists()).collect();
    assert_eq!(left, [false, false, false, true]);
    assert!(theirs.exists() && stray.exists());
}

/// Pipes and links that somebody put where backups lie are neither waited for nor followed.
#[test]
fn what_is_no_plain_file_is_told_and_passed_over() {
    let (dir, to, heir) = (kit::dir(), kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 20);
    let (made, _) = back_up(&store, to.path());
    let history = store.history().expect("it has one");
    let pipe = |name: String| {
        let made = std::process::Command::new("mkfifo").arg(to.path().join(name)).status();
        assert!(made.expect("mkfifo runs").success());
    };
    pipe("grantd-99990101T000000Z-0-00000000000000000099.backup".into());
    pipe(format!("grantd-{}-00000000000000000021.segment", history.short()));
    pipe(".grantd-x.unfinished".into());
    std::os::unix::fs::symlink(&made, to.path().join("grantd-link.backup")).expect("linked");
    let (found, faults) = chain::list(to.path()).expect("listed");
    assert_eq!((found.len(), faults.len()), (1, 2), "{faults:?}");
    assert_eq!(resume(to.path(), history).shipped(), Seq(20));
    let (_, reached) = restore(to.path(), heir.path()).expect("restored");
    assert_eq!(reached.seq, Seq(20));
    back_up_at(&store, to.path(), Timestamp::from_seconds(NOW.seconds() + 60));
}

/// Clocks go wrong; the numbers of commits do not.
#[test]
fn the_backup_that_reaches_furthest_is_the_newest_whatever_the_clock_said() {
    let (dir, to, heir) = (kit::dir(), kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 20);
    back_up(&store, to.path());
    fill(&store, 20, 20);
    back_up_at(&store, to.path(), Timestamp::from_seconds(NOW.seconds() - 86_400));
    let history = store.history().expect("it has one");
    assert_eq!(resume(to.path(), history).shipped(), Seq(40));
    assert_eq!(restore(to.path(), heir.path()).expect("restored").1.seq, Seq(40));
}

/// What a header claims is no proof.
#[test]
fn a_backup_that_is_not_whole_does_not_say_how_far_was_shipped() {
    let (dir, to) = (kit::dir(), kit::dir());
    let store = kit::open(dir.path());
    fill(&store, 0, 20);
    back_up(&store, to.path());
    fill(&store, 20, 20);
    let (later, _) = back_up_at(&store, to.path(), Timestamp::from_seconds(NOW.seconds() + 60));
    let length = fs::metadata(&later).expect("there").len();
    let file = File::options().write(true).open(&later).expect("opened");
    file.set_len(length - 5).expect("cut");
    let history = store.history().expect("it has one");
    assert_eq!(resume(to.path(), history).shipped(), Seq(20));
}
