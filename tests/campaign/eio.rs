//! The first, the second, the third … write, sync, rename, open or allocation of a piece of work fails with EIO, or is
//! where the program is killed, until one run comes to its end. Whatever the program did then: the next start serves,
//! and what it acknowledged stands.

use crate::http::Http;
use crate::program::Running;
use crate::shim::around;
use crate::size;
use crate::world::{Acknowledged, Found, World, ready};
use grantd::store::sled::{SledOptions, SledStore};
use grantd::store::{Batch, Key, Store as _, Write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the faults are, while `data` is worked on.
struct Broken<'a> {
    world: &'a World,
    data: PathBuf,
    /// The number of the call that fails.
    at: u64,
    /// It does not fail, it is where the program is killed.
    kill: bool,
    /// Calls count from when this file is there.
    from: PathBuf,
    fired: PathBuf,
}

/// Enough to fill what `fill_journal` leaves.
const ORGANIZATIONS: usize = 12;

type Work = fn(&Broken<'_>) -> Acknowledged;

/// Name, the directory it begins with, and what is done in it.
const SCENARIOS: [(&str, &str, Work); 12] = [
    ("init", "nothing", |broken| broken.command(&["init"])),
    ("first command", "fresh", |broken| {
        broken.command(&["org", "create", "First"])
    }),
    ("first start", "fresh", |broken| broken.start()),
    ("start", "closed", |broken| broken.start()),
    ("start after a crash", "crashed", |broken| broken.start()),
    ("rebuild", "treeless", |broken| broken.start()),
    ("rebuild of a damaged tree", "distrusted", |broken| broken.start()),
    ("revocations", "closed", |broken| broken.revocations()),
    ("organizations", "closed", |broken| broken.organizations()),
    ("a change of keys", "closed", |broken| broken.keys()),
    ("a change of journal files", "nearly-full", |broken| {
        broken.organizations()
    }),
    ("the end", "closed", |broken| broken.end()),
];

#[test]
fn a_call_that_fails_loses_nothing_that_was_acknowledged() {
    let (calls, scenarios) = all_of("eio", false);
    println!("eio scenarios: {scenarios}, {calls} calls failed one by one, nothing lost");
}

#[test]
fn a_kill_before_any_call_loses_nothing_that_was_acknowledged() {
    let (calls, scenarios) = all_of("kill", true);
    println!("kill moments: {calls} in {scenarios} scenarios, nothing lost");
}

/// How many calls failed, and in how many scenarios.
fn all_of(what: &str, kill: bool) -> (u64, usize) {
    let most = size(4);
    let world = World::make();
    templates(&world);
    let mut all = 0;
    for (name, template, work) in SCENARIOS {
        let (mut failures, mut clean) = (0, false);
        for at in 1..=most {
            if !one(&world, name, template, work, (at, kill)) {
                clean = true;
                break;
            }
            failures += 1;
        }
        let until = if clean { ", then clean" } else { "" };
        println!("{what} in {name}: {failures} calls{until}");
        assert!(failures > 0, "{name}: no call was there to fail");
        all += failures;
    }
    (all, SCENARIOS.len())
}

/// The states that work begins with, beside the world's own.
fn templates(world: &World) {
    let data = world.place.path("data");
    world.copy("data", "closed");
    let (server, _) = world.serve(&data).expect("it starts");
    server.kill();
    world.copy("data", "crashed");
    world.copy("data", "treeless");
    fs::remove_dir_all(world.place.path("treeless/store/sled")).expect("removed");
    world.copy("data", "distrusted");
    fs::write(world.place.path("distrusted/store/sled.distrusted"), "a bad page").expect("written");
    world.copy("closed", "nearly-full");
    fill_journal(&world.place.path("nearly-full/store"));
    world.copy("closed", "fresh");
    fs::remove_dir_all(world.place.path("fresh/store")).expect("removed");
    fs::create_dir(world.place.path("nothing")).expect("made");
}

/// Leaves room for a few commits in the journal's file.
pub fn fill_journal(store: &Path) {
    const LEFT_BYTES: u64 = 2048;
    // Of a commit with one record, beside its value.
    const AROUND_BYTES: usize = 200;
    let options = SledOptions::default();
    let room = options.segment_bytes - LEFT_BYTES;
    let (store, _) = SledStore::open(store, options).expect("it opens");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    loop {
        let left = usize::try_from(room.saturating_sub(store.stats().journal_bytes)).expect("small");
        if left < 2 * AROUND_BYTES {
            break;
        }
        let filler = |n: u64| Write::Put {
            key: Key(format!("\u{7f}filler/{n}").into_bytes()),
            value: vec![b'f'; (left - AROUND_BYTES).min(7000)],
            expires_at: None,
        };
        let batch = Batch {
            writes: (0..(left as u64 / 8000).clamp(1, 32)).map(filler).collect(),
            ..Batch::default()
        };
        runtime.block_on(store.commit(batch)).expect("committed");
    }
}

/// Whether a call failed.
fn one(world: &World, name: &str, template: &str, work: Work, (at, kill): (u64, bool)) -> bool {
    world.copy(template, "broken");
    let [data, from, fired] = ["broken", "from", "fired"].map(|name| world.place.path(name));
    for path in [&from, &fired] {
        let _ = fs::remove_file(path);
    }
    let broken = Broken {
        world,
        data: data.clone(),
        at,
        kill,
        from,
        fired,
    };
    let acknowledged = work(&broken);
    if !broken.fired.exists() {
        assert!(acknowledged.organizations.len() <= 1 || acknowledged.organizations.len() == ORGANIZATIONS);
        let files = fs::read_dir(data.join("store/journal")).map_or(0, Iterator::count);
        assert!(
            template != "nearly-full" || files > 1,
            "the journal has gone on in another file"
        );
        return false;
    }
    let what = format!("{name}, call {at}");
    if matches!(template, "nothing" | "fresh") {
        assert_starts_anew(world, &data, &acknowledged, &what);
        return true;
    }
    match world.judge_with(&data, &acknowledged) {
        Found::Whole(_) => true,
        Found::Refused(why) => panic!("{what}: it does not open by itself: {why}"),
        Found::Wrong(why) => panic!("{what}: {why}"),
    }
}

/// Where there was no store before, a second attempt makes one.
fn assert_starts_anew(world: &World, data: &Path, acknowledged: &Acknowledged, what: &str) {
    let argument = data.display().to_string();
    let init = world.place.run(&["--data", &argument, "init"]);
    assert!(init.status.success(), "{what}: {init:?}");
    fs::write(data.join("grantd.toml"), crate::world::CONFIG).expect("written");
    let (server, _) = world.serve(data).unwrap_or_else(|why| panic!("{what}: {why}"));
    acknowledged
        .check(&world.names(data))
        .unwrap_or_else(|why| panic!("{what}: {why}"));
    server.kill();
}

impl Broken<'_> {
    fn wrapped(&self, args: &[&str], more: &[(&str, &str)]) -> Command {
        let data = self.data.display().to_string();
        let mut all = vec!["--data", data.as_str()];
        all.extend(args);
        let (at, fired) = (self.at.to_string(), self.fired.display().to_string());
        let faults = [("FAULT_CALLS", "wsroa"), ("FAULT_AT", &at), ("FAULT_FIRED", &fired)];
        let kill: &[_] = if self.kill { &[("FAULT_KILL", "1")] } else { &[] };
        around(
            self.world.place.command(&all),
            &self.data,
            &[&faults, kill, more].concat(),
        )
    }

    fn command(&self, args: &[&str]) -> Acknowledged {
        let done = self.world.place.run_command(self.wrapped(args, &[]), "");
        assert!(!done.stderr.contains("panicked"), "{done:?}");
        let mut acknowledged = Acknowledged::default();
        if done.status.success() && args[0] == "org" {
            acknowledged.organizations.push(args[2].to_owned());
        }
        acknowledged
    }

    /// A start that may fail.
    fn start(&self) -> Acknowledged {
        if let Ok((server, _)) = ready(Running::start(self.wrapped(&["serve"], &[]))) {
            server.kill();
        }
        Acknowledged::default()
    }

    /// A server on a disk that fails from here on.
    fn serving(&self) -> (Running, String) {
        let from = self.from.display().to_string();
        let server = Running::start(self.wrapped(&["serve"], &[("FAULT_FROM", &from)]));
        let ready = ready(server).expect("nothing fails yet");
        fs::write(&self.from, "").expect("written");
        ready
    }

    fn revocations(&self) -> Acknowledged {
        let (server, address) = self.serving();
        let mut acknowledged = Acknowledged::default();
        for token in self.world.tokens_to_revoke() {
            let asked = Http::connect(&address)
                .and_then(|mut http| http.post("/oauth/revoke", &self.world.app, &format!("token={token}")));
            acknowledged.attempted.push(token.clone());
            match asked {
                Ok(answer) if answer.status == 200 => acknowledged.revoked.push(token),
                Ok(answer) => assert!(answer.status >= 500, "{answer:?}"),
                Err(_) => {}
            }
        }
        server.kill();
        acknowledged
    }

    fn organizations(&self) -> Acknowledged {
        let (server, _) = self.serving();
        let mut acknowledged = Acknowledged::default();
        let data = self.data.display().to_string();
        for name in (0..ORGANIZATIONS).map(|n| format!("Organization {n}")) {
            let done = self.world.place.run(&["--data", &data, "org", "create", &name]);
            if done.status.success() {
                acknowledged.organizations.push(name);
            }
        }
        server.kill();
        acknowledged
    }

    fn keys(&self) -> Acknowledged {
        let (server, _) = self.serving();
        let data = self.data.display().to_string();
        let rotated = self.world.place.run(&["--data", &data, "key", "rotate"]);
        assert!(!rotated.stderr.contains("panicked"), "{rotated:?}");
        server.kill();
        Acknowledged::default()
    }

    fn end(&self) -> Acknowledged {
        let (server, _) = self.serving();
        let (status, log) = server.terminate();
        assert!(self.kill || status.code().is_some(), "{status}: {log}");
        Acknowledged::default()
    }
}
