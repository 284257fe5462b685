//! The store in a process of its own, killed at random moments: what was acknowledged is there, the rest is whole.
//!
//! The test starts itself again as the writer. The writer's tasks each commit batches of several records and print
//! every acknowledgement; the parent kills it, opens what is left and compares. GRANTD_TEST_FULL=1 makes it 100 rounds,
//! GRANTD_CAMPAIGN as many as it says.

use grantd::store::sled::{SledOptions, SledStore};
use grantd::store::{Batch, Check, Key, Outcome, Store, Write};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const DIR: &str = "GRANTD_TEST_WRITER_DIR";
const ROUND: &str = "GRANTD_TEST_WRITER_ROUND";
const CLIENTS: u64 = 16;
/// Each commit writes its number under so many keys of its client; a reader must find the same number in all.
const KEYS_EACH: u64 = 3;

fn options() -> SledOptions {
    const KIB: u64 = 1024;
    SledOptions {
        segment_bytes: 256 * KIB,
        // Short, so that exports and trimming are killed too.
        journal_bytes_max: 1024 * KIB,
        reserve_bytes: 64 * KIB,
        floor_bytes: 64 * KIB,
        ..SledOptions::default()
    }
}

fn key(client: u64, part: u64) -> Key {
    Key(format!("client/{client:03}/{part}").into_bytes())
}

/// Made anew by each commit and deleted by the next: at any time a client has exactly one.
fn mark(client: u64, number: u64) -> Key {
    Key(format!("mark/{client:03}/{number:020}").into_bytes())
}

fn value(round: u64, number: u64) -> Vec<u8> {
    let mut value = number.to_be_bytes().to_vec();
    value.resize(
        8 + usize::try_from((number * 37 + round) % 600).unwrap_or_default(),
        number as u8,
    );
    value
}

fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value[..8].try_into().expect("values begin with a number"))
}

async fn client(store: &dyn Store, client: u64, round: u64) {
    loop {
        let (mut batch, mut last) = (Batch::new(), 0);
        for part in 0..KEYS_EACH {
            let check = match store.get(&key(client, part)).await.expect("get works") {
                Some(found) => {
                    last = number(&found.value);
                    Check::Unchanged(key(client, part), found.version)
                }
                None => Check::Absent(key(client, part)),
            };
            batch.checks.push(check);
        }
        let next = last + 1;
        for part in 0..KEYS_EACH {
            batch.writes.push(Write::Put {
                key: key(client, part),
                value: value(round, next),
                expires_at: None,
            });
        }
        batch.writes.push(Write::Delete {
            key: mark(client, last),
        });
        batch.writes.push(Write::Put {
            key: mark(client, next),
            value: vec![],
            expires_at: None,
        });
        let outcome = store.commit(batch).await.expect("commit works");
        assert!(
            matches!(outcome, Outcome::Committed(_)),
            "nobody else writes this client's keys"
        );
        // One write call: a line is never mixed with another's.
        let line = format!("{client} {next}\n");
        std::io::stdout()
            .write_all(line.as_bytes())
            .expect("the parent reads until it kills us");
    }
}

/// Not a test of its own: what the test below runs as a process of its own.
#[test]
fn writer() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let round = std::env::var(ROUND)
        .expect("set with the directory")
        .parse()
        .expect("a number");
    let (store, _) = SledStore::open(Path::new(&dir), options()).expect("what was killed opens");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let store = std::sync::Arc::new(store);
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let store = store.clone();
            runtime.spawn(async move { client(&*store, n, round).await })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).expect("no client panics");
    }
}

/// Lets a writer run until it has acknowledged `lines` commits and kills it; what it acknowledged last, per client.
fn run_and_kill(dir: &Path, round: u64, lines: usize) -> (BTreeMap<u64, u64>, u64) {
    let mut writer = Command::new(std::env::current_exe().expect("a test has a path"))
        .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test can start itself");
    let mut acknowledged = BTreeMap::new();
    let mut count = 0;
    let mut take = |line: &str| {
        let mut words = line.split(' ').map(str::parse);
        // The test harness prints lines of its own; a line cut short by the kill was not acknowledged.
        if let (Some(Ok(client)), Some(Ok(number)), None) = (words.next(), words.next(), words.next()) {
            acknowledged.insert(client, number);
            count += 1;
        }
        count
    };
    let mut output = BufReader::new(writer.stdout.take().expect("it is piped"));
    let mut line = String::new();
    let mut killed = false;
    // After the kill, what is still in the pipe was acknowledged too.
    while output.read_line(&mut line).expect("the pipe can be read") > 0 {
        let whole = line.ends_with('\n');
        if whole && take(line.trim_end()) as usize >= lines && !killed {
            writer.kill().expect("it runs");
            killed = true;
        }
        line.clear();
    }
    let status = writer.wait().expect("it was started");
    assert!(killed, "the writer ended by itself: {status}");
    (acknowledged, count)
}

async fn check(store: &dyn Store, acknowledged: &BTreeMap<u64, u64>, round: u64) {
    for client in 0..CLIENTS {
        let mut found = Vec::new();
        for part in 0..KEYS_EACH {
            let stored = store.get(&key(client, part)).await.expect("get works");
            found.push(stored.map(|stored| (stored.version, stored.value)));
        }
        assert!(
            found.windows(2).all(|pair| pair[0] == pair[1]),
            "round {round}: client {client} is half written"
        );
        let last = found[0].as_ref().map_or(0, |(_, value)| number(value));
        let told = acknowledged.get(&client).copied().unwrap_or(0);
        assert!(
            last >= told,
            "round {round}: client {client} was told {told}, the store has {last}"
        );
        assert!(
            last <= told + 1,
            "round {round}: client {client} was told {told}, the store has {last}"
        );
        let prefix = Key(format!("mark/{client:03}/").into_bytes());
        let marks = store.scan(&prefix, None, 10).await.expect("scan works");
        let expected: Vec<_> = (last > 0).then(|| mark(client, last)).into_iter().collect();
        let marks: Vec<_> = marks.into_iter().map(|(key, _)| key).collect();
        assert_eq!(marks, expected, "round {round}: client {client}");
    }
}

#[test]
fn what_was_acknowledged_survives_kill_and_the_rest_is_whole() {
    let full = std::env::var_os("GRANTD_TEST_FULL").is_some();
    let said = std::env::var("GRANTD_CAMPAIGN").ok();
    let rounds = said
        .and_then(|text| text.parse().ok())
        .unwrap_or(if full { 100 } else { 5 });
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let path = dir.path().join("store");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut known = BTreeMap::new();
    let mut acknowledged = 0;
    let mut moment: usize = 12345;
    for round in 0..rounds {
        moment = moment
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // The moment: after so many acknowledgements, from the very first one on.
        let (told, count) = run_and_kill(&path, round, 1 + (moment >> 33) % 1500);
        known.extend(told);
        acknowledged += count;
        let (store, report) = SledStore::open(&path, options()).expect("what was killed opens");
        for sentence in report.sentences {
            assert!(!sentence.contains("built anew"), "round {round}: {sentence}");
        }
        runtime.block_on(check(&store, &known, round));
        // The parent tells what it saw from here on: the next round begins with it.
        for client in 0..CLIENTS {
            let stored = runtime.block_on(store.get(&key(client, 0))).expect("get works");
            known.insert(client, stored.map_or(0, |stored| number(&stored.value)));
        }
    }
    println!("kill cycles: {rounds}, acknowledged {acknowledged}");
}
