//! Random operations on a store and on a map, side by side. A failing sequence is shrunk to the shortest that fails.

use crate::conformance::Bench;
use crate::kit::{all, block_on, key};
use grantd::base::time::Timestamp;
use grantd::store::{Batch, Check, Key, Outcome, Seq, Store, Stored, Write};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;

const CASES: u32 = 40;

/// What a check insists on: a version that stands, one that stood before, one that never was, or none.
#[derive(Clone, Copy, Debug)]
enum Insist {
    Absent,
    Current,
    Stale,
}

/// Which record, and what it becomes: a value and when that expires, or nothing.
type Wish = (u8, Option<(u8, Option<u8>)>);

#[derive(Clone, Debug)]
enum Op {
    Commit {
        checks: Vec<(u8, Insist)>,
        writes: Vec<Wish>,
    },
    Get(u8),
    Scan {
        prefix: Option<u8>,
        after: Option<u8>,
        limit: u32,
    },
    Changes {
        after: u8,
        limit: u32,
    },
    Sweep {
        now: u8,
        limit: u32,
    },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let insist = prop_oneof![Just(Insist::Absent), Just(Insist::Current), Just(Insist::Stale)];
    let write = (
        0..12u8,
        proptest::option::weighted(0.8, (any::<u8>(), proptest::option::of(any::<u8>()))),
    );
    let limit = 0..8u32;
    prop_oneof![
        12 => (vec((0..12u8, insist), 0..3), vec(write, 0..5))
            .prop_map(|(checks, writes)| Op::Commit { checks, writes }),
        3 => (0..12u8).prop_map(Op::Get),
        3 => (proptest::option::of(0..3u8), proptest::option::of(0..12u8), limit.clone())
            .prop_map(|(prefix, after, limit)| Op::Scan { prefix, after, limit }),
        2 => (0..30u8, limit.clone()).prop_map(|(after, limit)| Op::Changes { after, limit }),
        2 => (any::<u8>(), limit).prop_map(|(now, limit)| Op::Sweep { now, limit }),
        1 => Just(Op::Reopen),
    ]
}

/// Few names, so that they meet; three groups, so that prefixes mean something.
fn name(n: u8) -> Key {
    key([b'p', n % 3, n])
}

#[derive(Default)]
struct Model {
    records: BTreeMap<Key, Stored>,
    log: Vec<Vec<Write>>,
}

impl Model {
    fn commit(&mut self, batch: &Batch) -> Outcome {
        let holds = batch.checks.iter().all(|check| match check {
            Check::Absent(key) => !self.records.contains_key(key),
            Check::Unchanged(key, version) => self.records.get(key).is_some_and(|s| s.version == *version),
        });
        if !holds {
            return Outcome::Conflict;
        }
        self.log.push(batch.writes.clone());
        let version = Seq(self.log.len() as u64);
        for write in &batch.writes {
            match write.clone() {
                Write::Put { key, value, expires_at } => {
                    self.records.insert(
                        key,
                        Stored {
                            value: value.into(),
                            version,
                            expires_at,
                        },
                    );
                }
                Write::Delete { key } => {
                    self.records.remove(&key);
                }
            }
        }
        Outcome::Committed(version)
    }

    fn batch(&self, checks: &[(u8, Insist)], writes: &[Wish]) -> Batch {
        let check = |(n, insist): &(u8, Insist)| {
            let current = self.records.get(&name(*n)).map_or(Seq(1), |stored| stored.version);
            match insist {
                Insist::Absent => Check::Absent(name(*n)),
                Insist::Current => Check::Unchanged(name(*n), current),
                Insist::Stale => Check::Unchanged(name(*n), Seq(current.0 - 1)),
            }
        };
        let write = |(n, put): &Wish| match put {
            None => Write::Delete { key: name(*n) },
            Some((value, expires)) => Write::Put {
                key: name(*n),
                value: vec![*value; usize::from(*value)],
                expires_at: expires.map(|at| Timestamp::from_millis(at.into())),
            },
        };
        Batch {
            checks: checks.iter().map(check).collect(),
            writes: writes.iter().map(write).collect(),
            ..Batch::default()
        }
    }
}

fn step(op: &Op, store: &dyn Store, model: &mut Model) -> Result<(), TestCaseError> {
    match op {
        Op::Commit { checks, writes } => {
            let batch = model.batch(checks, writes);
            prop_assert_eq!(block_on(store.commit(batch.clone())), Ok(model.commit(&batch)));
        }
        Op::Get(n) => prop_assert_eq!(
            block_on(store.get(&name(*n))),
            Ok(model.records.get(&name(*n)).cloned())
        ),
        Op::Scan { prefix, after, limit } => {
            let prefix = prefix.map_or(Key::default(), |group| key([b'p', group]));
            let after = after.map(name);
            let rows = model.records.iter().filter(|(k, _)| k.0.starts_with(&prefix.0));
            let rows = rows
                .filter(|(k, _)| after.as_ref().is_none_or(|after| *k > after))
                .take(*limit as usize);
            let rows = rows.map(|(k, s)| (k.clone(), s.clone())).collect();
            prop_assert_eq!(block_on(store.scan(&prefix, after.as_ref(), *limit)), Ok(rows));
        }
        Op::Changes { after, limit } => {
            let changes = block_on(store.changes(Seq((*after).into()), *limit)).expect("nothing is gone");
            let rest = model.log.get(usize::from(*after)..).unwrap_or_default();
            prop_assert_eq!(changes.len(), rest.len().min(*limit as usize));
            for ((change, writes), n) in changes.iter().zip(rest).zip(u64::from(*after) + 1..) {
                prop_assert_eq!((change.seq.0, &change.writes), (n, writes));
            }
        }
        Op::Sweep { now, limit } => sweep(store, model, Timestamp::from_millis((*now).into()), *limit)?,
        Op::Reopen => {}
    }
    Ok(())
}

/// Which of the expired ones a limited sweep takes is its own affair: the feed tells, and each must have been due.
fn sweep(store: &dyn Store, model: &mut Model, now: Timestamp, limit: u32) -> Result<(), TestCaseError> {
    let due = |stored: &Stored| stored.expires_at.is_some_and(|at| at <= now);
    let expired = model.records.values().filter(|stored| due(stored)).count();
    let swept = block_on(store.sweep(now, limit)).expect("sweep works") as usize;
    prop_assert_eq!(swept, expired.min(limit as usize));
    let changes = block_on(store.changes(Seq(model.log.len() as u64), 1000)).expect("nothing is gone");
    prop_assert_eq!(changes.len(), swept);
    for change in changes {
        let [Write::Delete { key }] = &change.writes[..] else {
            panic!("sweep wrote {:?}", change.writes)
        };
        prop_assert!(model.records.get(key).is_some_and(due), "{:?} was not due", key);
        model.commit(&Batch {
            checks: vec![],
            writes: change.writes,
            ..Batch::default()
        });
    }
    Ok(())
}

pub fn run(make: &dyn Fn() -> Box<dyn Bench>) {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    // The same sequences every time; PROPTEST_CASES makes it more of them.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&vec(op(), 1..60), |ops| {
        let mut bench = make();
        let mut model = Model::default();
        for op in &ops {
            if matches!(op, Op::Reopen) {
                bench.reopen();
            }
            step(op, &*bench.store(), &mut model)?;
        }
        let rows: Vec<_> = model.records.into_iter().collect();
        prop_assert_eq!(all(&*bench.store()), rows);
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}
