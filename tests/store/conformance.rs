//! The promises of the trait, one test each, for every backend.

use crate::contention::{
    concurrent_commits_each_have_their_own_number, of_many_writers_exactly_one_wins_each_version,
    the_change_feed_has_every_commit_and_resumes_anywhere, what_was_kept_is_never_older_than_what_was_answered,
};
use crate::kit::{all, batch, block_on, commit, delete, get, key, put, put_until, write};
use crate::{kit, model};
use grantd::base::time::Timestamp;
use grantd::store::memory::MemoryStore;
use grantd::store::{Check, Key, Outcome, Seq, Store, StoreError, Write, limits};
use std::sync::Arc;

/// A store under test. Dropping it closes it; `reopen` gives the same one again where the backend can.
pub trait Bench {
    fn store(&self) -> Arc<dyn Store>;
    /// Closes and opens again; `false` where nothing outlives the process.
    fn reopen(&mut self) -> bool;
}

struct Memory(Arc<MemoryStore>);

impl Bench for Memory {
    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
    fn reopen(&mut self) -> bool {
        false
    }
}

struct Sled {
    store: Option<Arc<grantd::store::sled::SledStore>>,
    dir: tempfile::TempDir,
}

impl Bench for Sled {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone().expect("it is open")
    }
    fn reopen(&mut self) -> bool {
        let store = self
            .store
            .take()
            .and_then(Arc::into_inner)
            .expect("nobody else holds it");
        store.close();
        self.store = Some(Arc::new(kit::open(self.dir.path())));
        true
    }
}

fn memory() -> Box<dyn Bench> {
    Box::new(Memory(Arc::new(MemoryStore::new())))
}

fn sled() -> Box<dyn Bench> {
    let dir = kit::dir();
    Box::new(Sled {
        store: Some(Arc::new(kit::open(dir.path()))),
        dir,
    })
}

macro_rules! conformance {
    ($($name:ident),* $(,)?) => {
        mod on_memory { $(#[test] fn $name() { super::$name(&super::memory); })* }
        mod on_sled { $(#[test] fn $name() { super::$name(&super::sled); })* }
    };
}

conformance!(
    a_record_is_read_as_it_was_written,
    the_first_commit_is_number_one_and_numbers_have_no_gaps,
    a_version_is_the_number_of_the_commit_that_wrote_it,
    absent_and_unchanged_are_judged_before_the_writes,
    a_conflict_writes_nothing_and_takes_no_number,
    later_writes_of_a_batch_win,
    a_commit_of_nothing_still_judges_its_checks,
    scan_gives_a_prefix_in_order_and_in_pages,
    the_limits_themselves_are_accepted,
    beyond_the_limits_nothing_is_written,
    reads_and_checks_ignore_expiry,
    sweep_deletes_what_has_expired_and_nothing_else,
    sweep_follows_a_record_whose_expiry_moved,
    the_change_feed_has_every_commit_and_resumes_anywhere,
    of_many_writers_exactly_one_wins_each_version,
    concurrent_commits_each_have_their_own_number,
    settled_grows_with_every_commit_that_wrote_the_key,
    what_was_kept_is_never_older_than_what_was_answered,
    random_operations_agree_with_a_map,
    a_reopened_store_is_the_same,
);

pub type Make<'a> = &'a dyn Fn() -> Box<dyn Bench>;

fn a_record_is_read_as_it_was_written(make: Make) {
    let bench = make();
    let store = bench.store();
    assert_eq!(get(&*store, "a"), None);
    write(&*store, vec![put_until("a", [0, 255, 7], 5), put("b", "")]);
    let a = get(&*store, "a").expect("a is there");
    assert_eq!(
        (&*a.value, a.expires_at),
        (&[0, 255, 7][..], Some(Timestamp::from_millis(5)))
    );
    let b = get(&*store, "b").expect("b is there");
    assert_eq!((&*b.value, b.expires_at), (&[][..], None));
    write(&*store, vec![delete("a")]);
    assert_eq!(get(&*store, "a"), None);
    assert!(get(&*store, "b").is_some());
}

fn the_first_commit_is_number_one_and_numbers_have_no_gaps(make: Make) {
    let bench = make();
    for n in 1..=20 {
        assert_eq!(write(&*bench.store(), vec![put("k", [n])]), Seq(n.into()));
    }
}

fn a_version_is_the_number_of_the_commit_that_wrote_it(make: Make) {
    let bench = make();
    let store = bench.store();
    let first = write(&*store, vec![put("a", "1"), put("b", "1")]);
    let second = write(&*store, vec![put("b", "2")]);
    assert_eq!(get(&*store, "a").map(|s| s.version), Some(first));
    assert_eq!(get(&*store, "b").map(|s| s.version), Some(second));
    write(&*store, vec![delete("a")]);
    let again = write(&*store, vec![put("a", "1")]);
    assert!(again > second, "a deleted record's version comes back");
    assert_eq!(get(&*store, "a").map(|s| s.version), Some(again));
}

fn settled_grows_with_every_commit_that_wrote_the_key(make: Make) {
    let bench = make();
    let store = bench.store();
    let mut before = store.settled(&key("a"));
    for writes in [
        vec![put("a", "1")],
        vec![put("b", "1"), put_until("a", "2", 5)],
        vec![delete("a")],
        vec![put("a", "1")],
    ] {
        write(&*store, writes);
        let after = store.settled(&key("a"));
        assert!(after.is_some() && after > before, "{before:?}, then {after:?}");
        before = after;
    }
}

fn absent_and_unchanged_are_judged_before_the_writes(make: Make) {
    let bench = make();
    let store = bench.store();
    let absent = || vec![Check::Absent(key("a"))];
    let Ok(Outcome::Committed(version)) = commit(&*store, absent(), vec![put("a", "1")]) else {
        panic!("a was absent");
    };
    assert_eq!(commit(&*store, absent(), vec![put("a", "2")]), Ok(Outcome::Conflict));
    let unchanged = || vec![Check::Unchanged(key("a"), version)];
    assert!(matches!(
        commit(&*store, unchanged(), vec![put("a", "3")]),
        Ok(Outcome::Committed(_))
    ));
    assert_eq!(commit(&*store, unchanged(), vec![put("a", "4")]), Ok(Outcome::Conflict));
    let missing = vec![Check::Unchanged(key("b"), version)];
    assert_eq!(commit(&*store, missing, vec![put("b", "1")]), Ok(Outcome::Conflict));
    assert_eq!(get(&*store, "a").map(|s| s.value.to_vec()), Some(b"3".to_vec()));
}

fn a_conflict_writes_nothing_and_takes_no_number(make: Make) {
    let bench = make();
    let store = bench.store();
    let first = write(&*store, vec![put("a", "1")]);
    let checks = vec![Check::Unchanged(key("a"), first), Check::Absent(key("a"))];
    let writes = vec![put("b", "1"), delete("a"), put("c", "1")];
    assert_eq!(commit(&*store, checks, writes), Ok(Outcome::Conflict));
    assert_eq!(all(&*store).len(), 1);
    assert_eq!(write(&*store, vec![put("d", "1")]), Seq(first.0 + 1));
    assert_eq!(block_on(store.changes(Seq(0), 10)).map(|c| c.len()), Ok(2));
}

fn later_writes_of_a_batch_win(make: Make) {
    let bench = make();
    let store = bench.store();
    write(
        &*store,
        vec![
            put("a", "1"),
            put("a", "2"),
            delete("b"),
            put("b", "1"),
            put("c", "1"),
            delete("c"),
        ],
    );
    let rows: Vec<_> = all(&*store)
        .into_iter()
        .map(|(key, s)| (key.0, s.value.to_vec()))
        .collect();
    assert_eq!(rows, [(b"a".to_vec(), b"2".to_vec()), (b"b".to_vec(), b"1".to_vec())]);
}

fn a_commit_of_nothing_still_judges_its_checks(make: Make) {
    let bench = make();
    let store = bench.store();
    let first = write(&*store, vec![put("a", "1")]);
    assert_eq!(
        commit(&*store, vec![Check::Absent(key("a"))], vec![]),
        Ok(Outcome::Conflict)
    );
    let unchanged = vec![Check::Unchanged(key("a"), first)];
    assert_eq!(
        commit(&*store, unchanged, vec![]),
        Ok(Outcome::Committed(Seq(first.0 + 1)))
    );
}

fn scan_gives_a_prefix_in_order_and_in_pages(make: Make) {
    let bench = make();
    let store = bench.store();
    let names: [&[u8]; 9] = [b"a", b"b", b"b\0", b"b1", b"b2", b"b\xff", b"b\xff\xff", b"c", b"\xff"];
    write(&*store, names.iter().rev().map(|name| put(name, name)).collect());
    let scan = |prefix: &[u8], after: Option<&[u8]>, limit| {
        let after = after.map(key);
        let rows = block_on(store.scan(&key(prefix), after.as_ref(), limit)).expect("scan works");
        for (key, stored) in &rows {
            assert_eq!(*key.0, *stored.value);
        }
        rows.into_iter().map(|(key, _)| key.0).collect::<Vec<_>>()
    };
    assert_eq!(scan(b"b", None, 100), names[1..7]);
    assert_eq!(scan(b"b", None, 2), names[1..3]);
    assert_eq!(scan(b"b", Some(b"b\0"), 2), names[3..5]);
    assert_eq!(scan(b"b", Some(b"b\xff"), 100), names[6..7]);
    assert_eq!(scan(b"b", Some(b"a"), 1), names[1..2]);
    assert_eq!(scan(b"b", Some(b"b11"), 100), names[4..7]);
    assert!(scan(b"b", Some(b"c"), 100).is_empty());
    assert!(scan(b"b", None, 0).is_empty());
    assert!(scan(b"bb", None, 100).is_empty());
    assert_eq!(scan(b"\xff", None, 100), names[8..9]);
    assert_eq!(scan(b"", None, 100), names);
}

fn the_limits_themselves_are_accepted(make: Make) {
    let bench = make();
    let store = bench.store();
    let long = vec![b'k'; limits::KEY_BYTES_MAX];
    let value = vec![7; limits::VALUE_BYTES_MAX];
    write(&*store, vec![put(&long, &value)]);
    assert_eq!(get(&*store, &long).map(|s| s.value.to_vec()), Some(value));
    let checks = (0..limits::CHECKS_MAX).map(|n| Check::Absent(key([n as u8]))).collect();
    let writes = (0..limits::WRITES_MAX).map(|n| put([n as u8], [0; 3 * 1024])).collect();
    assert!(matches!(commit(&*store, checks, writes), Ok(Outcome::Committed(_))));
}

fn beyond_the_limits_nothing_is_written(make: Make) {
    let bench = make();
    let store = bench.store();
    let long = vec![b'k'; limits::KEY_BYTES_MAX + 1];
    let refused = [
        batch(vec![], vec![put("ok", "1"), put(&long, "1")]),
        batch(vec![], vec![put("ok", "1"), delete("")]),
        batch(vec![Check::Absent(key(&long))], vec![put("ok", "1")]),
        batch(vec![Check::Unchanged(key(""), Seq(1))], vec![put("ok", "1")]),
        batch(
            vec![],
            vec![put("ok", "1"), put("v", vec![0; limits::VALUE_BYTES_MAX + 1])],
        ),
        batch(vec![], vec![put("ok", "1"); limits::WRITES_MAX + 1]),
        batch(
            vec![Check::Absent(key("x")); limits::CHECKS_MAX + 1],
            vec![put("ok", "1")],
        ),
        batch(
            vec![],
            (0..40u8).map(|n| put([n], [0; limits::VALUE_BYTES_MAX])).collect(),
        ),
    ];
    for batch in refused {
        let outcome = block_on(store.commit(batch));
        assert!(matches!(outcome, Err(StoreError::TooLarge(_))), "{outcome:?}");
    }
    assert!(all(&*store).is_empty());
    assert_eq!(write(&*store, vec![put("ok", "1")]), Seq(1));
}

fn reads_and_checks_ignore_expiry(make: Make) {
    let bench = make();
    let store = bench.store();
    let version = write(&*store, vec![put_until("a", "1", 1)]);
    assert!(get(&*store, "a").is_some());
    assert_eq!(all(&*store).len(), 1);
    assert_eq!(
        commit(&*store, vec![Check::Absent(key("a"))], vec![]),
        Ok(Outcome::Conflict)
    );
    let unchanged = vec![Check::Unchanged(key("a"), version)];
    assert!(matches!(commit(&*store, unchanged, vec![]), Ok(Outcome::Committed(_))));
}

fn sweep(store: &dyn Store, now: u64, limit: u32) -> u32 {
    block_on(store.sweep(Timestamp::from_millis(now), limit)).expect("sweep works")
}

fn sweep_deletes_what_has_expired_and_nothing_else(make: Make) {
    let bench = make();
    let store = bench.store();
    for n in 0..200u8 {
        write(&*store, vec![put_until([n], "", 1000 + u64::from(n))]);
    }
    write(&*store, vec![put("for ever", "")]);
    let before = block_on(store.changes(Seq(0), 1000))
        .map(|c| c.len())
        .expect("changes works");
    assert_eq!(sweep(&*store, 999, 1000), 0);
    assert_eq!(sweep(&*store, 1000, 1000), 1);
    assert_eq!(sweep(&*store, 1149, 70), 70);
    assert_eq!(sweep(&*store, 1149, 1000), 79);
    assert_eq!(sweep(&*store, 1149, 1000), 0);
    let left = all(&*store);
    assert_eq!(left.len(), 51);
    assert!(
        left.iter()
            .all(|(key, _)| *key == Key(b"for ever".to_vec()) || key.0[0] >= 150)
    );
    let after = block_on(store.changes(Seq(0), 1000)).expect("changes works");
    assert_eq!(after.len(), before + 150, "each delete is a commit of the feed");
    assert!(
        after[before..]
            .iter()
            .all(|change| matches!(change.writes[..], [Write::Delete { .. }]))
    );
}

fn sweep_follows_a_record_whose_expiry_moved(make: Make) {
    let bench = make();
    let store = bench.store();
    let expiries = [Some(10), Some(50), Some(20), None, Some(5), Some(5), Some(90)];
    for at in expiries {
        let write_ = match at {
            Some(at) => put_until("a", "", at),
            None => put("a", ""),
        };
        write(&*store, vec![write_]);
    }
    assert_eq!(sweep(&*store, 60, 10), 0, "it lives until 90");
    write(&*store, vec![put_until("a", "", 70)]);
    assert_eq!(sweep(&*store, 69, 10), 0);
    assert_eq!(sweep(&*store, 70, 10), 1);
    write(&*store, vec![put_until("a", "", 30)]);
    write(&*store, vec![delete("a")]);
    write(&*store, vec![put("a", "")]);
    assert_eq!(sweep(&*store, 1000, 10), 0, "what stands now never expires");
    write(&*store, vec![put_until("a", "", 1)]);
    assert_eq!(sweep(&*store, 1000, 10), 1);
}

fn random_operations_agree_with_a_map(make: Make) {
    model::run(make);
}

fn a_reopened_store_is_the_same(make: Make) {
    let mut bench = make();
    for n in 0..100u8 {
        write(
            &*bench.store(),
            vec![put_until([n % 40], [n; 300], 1000 + u64::from(n)), delete([n % 13])],
        );
    }
    let before = all(&*bench.store());
    if !bench.reopen() {
        return;
    }
    assert_eq!(all(&*bench.store()), before);
    assert_eq!(write(&*bench.store(), vec![put("after", "")]), Seq(101));
    assert_eq!(sweep(&*bench.store(), 5000, 1000), before.len() as u32);
}
