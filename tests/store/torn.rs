//! Damage to the journal: what can be told from an interrupted write is cut off, everything else is refused.

use crate::kit::{self, all, delete, get, put, put_until, says, segments, write};
use grantd::store::journal::frame::Frame;
use grantd::store::{Key, Seq, Stored};
use std::fs;
use std::path::Path;

/// Where frames begin in a segment file.
const HEADER: usize = 64;

/// A closed store of a few commits, the state after each of them, and its one journal file.
struct Sample {
    dir: tempfile::TempDir,
    states: Vec<Vec<(Key, Stored)>>,
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
}

fn sample() -> Sample {
    let dir = kit::quick_dir();
    let store = kit::open(dir.path());
    let mut states = vec![all(&store)];
    for n in 0..6u8 {
        write(
            &store,
            vec![put([n % 4], [n; 9]), put_until("x", [n], n.into()), delete([n % 3])],
        );
        states.push(all(&store));
    }
    store.close();
    let bytes = fs::read(&segments(dir.path())[0]).expect("there is a journal file");
    let id = bytes[8..24].try_into().expect("sixteen bytes");
    let mut ends = vec![HEADER];
    while let Some(frame) = Frame::read(&bytes[ends[ends.len() - 1]..], &id) {
        ends.push(ends[ends.len() - 1] + frame.bytes.len());
    }
    assert_eq!(ends.len(), states.len());
    Sample {
        dir,
        states,
        bytes,
        ends,
    }
}

impl Sample {
    /// The same store with other bytes in its journal, as if the machine had stopped; with or without its tree.
    fn with(&self, bytes: &[u8], tree: bool) -> tempfile::TempDir {
        let dir = kit::quick_dir();
        if tree {
            kit::copy(self.dir.path(), dir.path());
        } else {
            fs::create_dir_all(dir.path().join("journal")).expect("it can be made");
        }
        let name = segments(self.dir.path())[0]
            .file_name()
            .expect("files have names")
            .to_owned();
        fs::write(dir.path().join("journal").join(name), bytes).expect("it can be written");
        dir
    }
}

fn rows(dir: &Path) -> Result<Vec<(Key, Stored)>, String> {
    kit::try_open(dir)
        .map(|(store, _)| all(&store))
        .map_err(|e| e.to_string())
}

#[test]
fn every_prefix_of_a_journal_recovers_to_a_legal_state() {
    let sample = sample();
    let end = sample.ends[sample.ends.len() - 1];
    for length in 0..=end {
        // Cut short, or the rest never written: half of them each.
        let mut bytes = sample.bytes[..length].to_vec();
        if length % 2 == 0 {
            bytes.resize(sample.bytes.len(), 0);
        }
        let whole = sample
            .ends
            .iter()
            .filter(|frame_end| **frame_end <= length)
            .count()
            .saturating_sub(1);
        let dir = sample.with(&bytes, false);
        let rows = rows(dir.path()).unwrap_or_else(|e| panic!("{length} bytes of journal are refused: {e}"));
        // What lacks a bit of its checksum alone is all there.
        let all_but_checksum = sample.ends.get(whole + 1).is_some_and(|end| length + 4 >= *end);
        assert!(
            rows == sample.states[whole] || all_but_checksum && rows == sample.states[whole + 1],
            "{length} bytes of journal hold {whole} commits"
        );
    }
}

#[test]
fn a_store_goes_on_after_a_torn_end() {
    let sample = sample();
    let mut bytes = sample.bytes.clone();
    let torn = sample.ends[5] + 20;
    bytes[torn..].fill(0);
    let dir = sample.with(&bytes, false);
    let (store, report) = kit::try_open(dir.path()).expect("a torn end is repaired");
    assert!(says(&report, "they were cut off (after commit 5)"), "{report:?}");
    assert_eq!(write(&store, vec![put("new", "1")]), Seq(6));
    store.close();
    let (store, report) = kit::try_open(dir.path()).expect("it opens again");
    assert_eq!(report.sentences, Vec::<String>::new());
    assert!(get(&store, "new").is_some());
}

#[test]
fn a_journal_shorter_than_the_tree_is_refused_or_the_rest_was_one_group() {
    let sample = sample();
    for whole in 0..6 {
        let mut bytes = sample.bytes.clone();
        bytes[sample.ends[whole]..].fill(0);
        let dir = sample.with(&bytes, true);
        match kit::try_open(dir.path()) {
            Ok((store, report)) => {
                assert_eq!(whole, 5, "only the last group can have been on its way");
                assert!(all(&store) == sample.states[whole]);
                assert!(says(&report, "never became durable"), "{report:?}");
            }
            Err(e) => assert!(e.0.contains("the sled tree holds commits up to 6"), "{e}"),
        }
    }
}

#[test]
fn a_flipped_bit_is_put_right_wherever_it_is() {
    let sample = sample();
    for at in (HEADER..sample.ends[6]).step_by(3) {
        let mut bytes = sample.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let dir = sample.with(&bytes, at % 2 == 0);
        let (store, report) = kit::try_open(dir.path()).unwrap_or_else(|e| panic!("byte {at}: {e}"));
        assert!(says(&report, &format!("One bit of byte {at} of")), "{report:?}");
        assert!(all(&store) == sample.states[6], "byte {at}: no commit is lost");
        store.close();
        let (_, report) = kit::try_open(dir.path()).expect("it opens again");
        assert_eq!(report.sentences, Vec::<String>::new(), "what was put right stays so");
    }
}

/// In the header, where nothing says which, and where more than a bit is wrong.
#[test]
fn damage_before_the_last_frame_is_refused_with_a_sentence() {
    let sample = sample();
    // The last bytes of the header are not used.
    let header = (0..52).step_by(3).map(|at| (at, 0));
    let frames = (HEADER..sample.ends[5]).step_by(3).map(|at| (at, 1));
    for (at, other) in header.chain(frames) {
        let mut bytes = sample.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        bytes[at + 1] ^= other;
        let dir = sample.with(&bytes, at % 2 == 0);
        let refused = rows(dir.path()).expect_err("damage in the middle is refused");
        assert!(refused.contains("the journal is damaged at byte"), "{refused}");
        let name = &segments(dir.path())[0];
        assert!(
            fs::read(name).expect("it is there") == bytes,
            "a refusal changes nothing"
        );
    }
}

#[test]
fn the_last_frame_of_a_store_that_was_closed_in_order_cannot_be_torn() {
    let sample = sample();
    let mut bytes = sample.bytes.clone();
    bytes[sample.ends[5] + 50..].fill(0);
    let closed = sample.with(&bytes, true);
    fs::remove_dir_all(closed.path().join("sled")).expect("removed");
    let refused = rows(closed.path()).expect_err("an answered commit would be lost");
    assert!(refused.contains("it was closed in order"), "{refused}");
    assert!(fs::read(&segments(closed.path())[0]).expect("it is there") == bytes);
    let crashed = sample.with(&bytes, false);
    assert!(rows(crashed.path()).expect("an interrupted write is cut off") == sample.states[5]);
}

#[test]
fn a_missing_journal_is_refused_and_stays_refused() {
    let sample = sample();
    fs::remove_dir_all(sample.dir.path().join("journal")).expect("it can be removed");
    for _ in 0..2 {
        let refused = rows(sample.dir.path()).expect_err("the tree alone is not enough");
        assert!(refused.contains("is gone, while the store has records"), "{refused}");
    }
}

#[test]
fn a_missing_file_in_the_middle_is_refused() {
    let dir = kit::quick_dir();
    let store = kit::open(dir.path());
    for n in 0..60u8 {
        write(&store, vec![put([n], [n; 7000])]);
    }
    store.close();
    let files = segments(dir.path());
    assert!(files.len() >= 4, "64 KiB each");
    fs::remove_file(&files[2]).expect("it can be removed");
    let refused = rows(dir.path()).expect_err("a gap is refused");
    assert!(refused.contains("should follow"), "{refused}");
}
