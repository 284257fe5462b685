//! The promises that concern many at once, and those who follow what they did.

use crate::conformance::Make;
use crate::kit::{batch, block_on, delete, get, key, put, put_until, write};
use grantd::store::{Check, Outcome, Seq, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub fn the_change_feed_has_every_commit_and_resumes_anywhere(make: Make) {
    let mut bench = make();
    let mut told = Vec::new();
    for n in 0..300u32 {
        let mut writes = vec![
            put_until(format!("k{}", n % 7), n.to_le_bytes(), n.into()),
            delete(format!("k{}", n % 3)),
        ];
        if n % 10 == 0 {
            // Long enough to fill several journal files.
            writes.push(put("long", vec![n as u8; 7000]));
        }
        write(&*bench.store(), writes.clone());
        told.push(writes);
    }
    for _ in 0..2 {
        let store = bench.store();
        for page in [1, 7, 64, 1000] {
            let mut read = Vec::new();
            loop {
                let after = Seq(read.len() as u64);
                let changes = block_on(store.changes(after, page)).expect("changes works");
                assert!(changes.len() <= page as usize);
                if changes.is_empty() {
                    break;
                }
                for change in changes {
                    assert_eq!(change.seq.0, read.len() as u64 + 1, "gapless and in order");
                    read.push(change.writes);
                }
            }
            assert!(read == told, "the feed tells what was committed");
        }
        assert_eq!(block_on(store.changes(Seq(300), 10)), Ok(vec![]));
        assert_eq!(block_on(store.changes(Seq(u64::MAX - 1), 10)), Ok(vec![]));
        assert_eq!(block_on(store.changes(Seq(0), 0)), Ok(vec![]));
        drop(store);
        if !bench.reopen() {
            break;
        }
    }
}

/// Every writer reads the counter and tries to raise it by one: what it ends with is the number of winners.
pub fn of_many_writers_exactly_one_wins_each_version(make: Make) {
    const WRITERS: usize = 16;
    const WINS_EACH: usize = 10;
    let bench = make();
    let store = bench.store();
    write(&*store, vec![put("counter", 0u64.to_le_bytes())]);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .expect("a runtime");
    let tasks: Vec<_> = (0..WRITERS)
        .map(|_| {
            let store = store.clone();
            runtime.spawn(async move {
                let mut versions = Vec::new();
                while versions.len() < WINS_EACH {
                    let found = store
                        .get(&key("counter"))
                        .await
                        .expect("get works")
                        .expect("it is there");
                    let count = u64::from_le_bytes(found.value[..].try_into().expect("eight bytes"));
                    let checks = vec![Check::Unchanged(key("counter"), found.version)];
                    let next = batch(checks, vec![put("counter", (count + 1).to_le_bytes())]);
                    if let Outcome::Committed(seq) = store.commit(next).await.expect("commit works") {
                        versions.push(seq);
                    }
                }
                versions
            })
        })
        .collect();
    let mut versions: Vec<_> = tasks
        .into_iter()
        .flat_map(|task| runtime.block_on(task).expect("no panic"))
        .collect();
    versions.sort();
    let expected: Vec<_> = (2..2 + (WRITERS * WINS_EACH) as u64).map(Seq).collect();
    assert_eq!(versions, expected, "one winner per version");
    let counter = get(&*store, "counter").expect("it is there");
    assert_eq!(*counter.value, ((WRITERS * WINS_EACH) as u64).to_le_bytes());
}

pub fn concurrent_commits_each_have_their_own_number(make: Make) {
    let bench = make();
    let store = bench.store();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .expect("a runtime");
    let tasks: Vec<_> = (0..400u32)
        .map(|n| {
            let store = store.clone();
            runtime.spawn(async move {
                let name = n.to_be_bytes();
                let one = batch(vec![Check::Absent(key(name))], vec![put(name, name)]);
                let Ok(Outcome::Committed(seq)) = store.commit(one).await else {
                    panic!("nobody else writes it")
                };
                let found = store
                    .get(&key(name))
                    .await
                    .expect("get works")
                    .expect("it reads its own write");
                assert_eq!(found.version, seq);
                seq
            })
        })
        .collect();
    let mut seqs: Vec<_> = tasks
        .into_iter()
        .map(|task| runtime.block_on(task).expect("no panic"))
        .collect();
    seqs.sort();
    assert_eq!(seqs, (1..=400).map(Seq).collect::<Vec<_>>());
    let feed = block_on(store.changes(Seq(0), 1000)).expect("changes works");
    for (change, n) in feed.iter().zip(1..) {
        assert_eq!(change.seq, Seq(n));
        let [Write::Put { key, .. }] = &change.writes[..] else {
            panic!("one put each")
        };
        let found = block_on(store.get(key)).expect("get works").expect("it is there");
        assert_eq!(found.version, change.seq, "the feed and the record agree");
    }
}

/// As the cache of records does: what was read is used again while `settled` stays the same.
pub fn what_was_kept_is_never_older_than_what_was_answered(make: Make) {
    const WRITES: u64 = 200;
    let bench = make();
    let store = bench.store();
    write(&*store, vec![put("k", 0u64.to_le_bytes())]);
    let answered = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (store, answered) = (store.clone(), answered.clone());
            std::thread::spawn(move || {
                let (mut kept, mut reads) = ((None, 0), 0u64);
                while kept.1 < WRITES {
                    let least = answered.load(Ordering::SeqCst);
                    let as_of = store.settled(&key("k"));
                    if as_of.is_none() || kept.0 != as_of {
                        let found = get(&*store, "k").expect("it is there");
                        kept = (
                            as_of,
                            u64::from_le_bytes((*found.value).try_into().expect("eight bytes")),
                        );
                        reads += 1;
                    }
                    assert!(kept.1 >= least, "{} is kept and {least} was answered", kept.1);
                    std::thread::yield_now();
                }
                reads
            })
        })
        .collect();
    for number in 1..=WRITES {
        write(&*store, vec![put("k", number.to_le_bytes())]);
        answered.store(number, Ordering::SeqCst);
    }
    for reader in readers {
        assert!(reader.join().expect("what is kept is right") > 0);
    }
}
