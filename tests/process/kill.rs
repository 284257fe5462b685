//! The real program under 16 concurrent clients, killed with SIGKILL at random moments and started again.

#[path = "kill/clients.rs"]
mod clients;
#[path = "kill/ledger.rs"]
mod ledger;

use crate::http::{Client, Http};
use crate::program::{Place, Running};
use clients::{CLIENTS, Target, work};
use grantd::control::{Command, socket};
use ledger::Ledger;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc;

const CONFIG: &str = "issuer = \"https://auth.example\"\nlisten = [\"http://127.0.0.1:0\"]\nprofile = \"mokapen\"\n";
/// Acknowledgements of one life at most; on average half of it.
const ACKNOWLEDGED_MAX: usize = 800;
/// Tokens of earlier lives asked about after each start; all of them after the last one.
const SAMPLE: usize = 50;

#[test]
fn what_was_acknowledged_survives_sigkill_and_everything_else_is_atomic() {
    let full = std::env::var_os("GRANTD_TEST_FULL").is_some();
    let said = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let cycles: u64 = said("GRANTD_CAMPAIGN").unwrap_or(if full { 100 } else { 4 });
    // Each run of the campaign has moments of its own.
    let seeds = said("GRANTD_CAMPAIGN_SEED").unwrap_or(0) * 1_000_000;
    let place = Place::new();
    let world = World::make(&place);
    let mut ledger = Ledger::default();
    for cycle in 0..cycles {
        let mut random = StdRng::seed_from_u64(seeds + cycle);
        let (server, target) = world.serve();
        world.check(&target, &mut ledger, &mut random, SAMPLE);
        let (tell, told) = mpsc::channel();
        let workers: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (target, tell) = (target.clone(), tell.clone());
                let seed = (seeds + cycle) * 1000 + number;
                std::thread::spawn(move || work(&target, number, cycle, seed, &tell))
            })
            .collect();
        drop(tell);
        // The moment: after some number of acknowledgements, while the other fifteen are somewhere in theirs.
        for _ in 0..random.random_range(0..ACKNOWLEDGED_MAX) {
            told.recv().expect("the clients work until the server is gone");
        }
        let log = server.kill();
        assert!(!log.contains("panic") && !log.contains("ERROR"), "{log}");
        for worker in workers {
            ledger.add(worker.join().expect("a client saw something wrong"));
        }
    }
    let (server, target) = world.serve();
    let mut random = StdRng::seed_from_u64(cycles);
    world.check(&target, &mut ledger, &mut random, usize::MAX);
    let (status, log) = server.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    world.check_indexes();
    println!("kill cycles: {cycles}, {ledger}");
}

/// What stands before the first start: one organization, one app and sixteen members, one a client.
struct World<'a> {
    place: &'a Place,
    app: Client,
}

impl<'a> World<'a> {
    fn make(place: &'a Place) -> Self {
        place.grantd(&["init"]).ok();
        std::fs::write(place.path("data/grantd.toml"), CONFIG).expect("written");
        assert_eq!(place.json(&["org", "create", "Acme"])["id"], 849);
        place.json(&["user", "add", "owner@example.com"]);
        place.json(&["org", "member", "849", "owner@example.com", "--role", "owner"]);
        let create = [
            "app",
            "create",
            "App",
            "--organization",
            "849",
            "--dedicated-user",
            "owner@example.com",
        ];
        let app = Client::of(&place.json(&create));
        Self { place, app }
    }

    fn serve(&self) -> (Running, Target) {
        let data_dir = self.place.path("data");
        let running = self.place.start(&["serve", "--data", &data_dir.display().to_string()]);
        let address = running.wait_for("listening on ");
        running.wait_for("is ready");
        let target = Target {
            address,
            data_dir,
            app: self.app.clone(),
        };
        (running, target)
    }

    /// Everything that was acknowledged before is there, and of everything else all or nothing.
    fn check(&self, target: &Target, ledger: &mut Ledger, random: &mut StdRng, sample: usize) {
        let mut http = Http::connect(&target.address).expect("connected");
        for (token, active) in ledger.tokens_to_check(random, sample) {
            let found = http.active(&self.app, token).expect("answered");
            assert_eq!(found, active, "an acknowledged token or revocation was lost");
        }
        for (app, token) in &ledger.ended {
            assert!(
                !http.active(app, token).expect("answered"),
                "an acknowledged revocation was lost"
            );
        }
        let ask = |command| ask(&target.data_dir, &command);
        let apps = ask(Command::AppList { organization: None });
        let organization = Some("849".to_owned());
        let by_index = ask(Command::AppList { organization });
        assert_eq!(
            by_client_id(&apps),
            by_client_id(&by_index),
            "a record and its index differ"
        );
        ledger.check_apps(&by_client_id(&apps));
        ledger.check_organizations(&ask(Command::OrganizationList));
        ledger.check_users(&ask(Command::UserList));
        let organization = "849".to_owned();
        ledger.check_members(&ask(Command::MemberList { organization }));
        let keys = ask(Command::KeyList);
        ledger.check_keys(&keys);
        let jwks = http.get("/oauth/jwks.json").expect("answered").json();
        let kids = |list: &Value| -> BTreeSet<String> {
            let kid = |key: &Value| key["kid"].as_str().expect("a kid").to_owned();
            list.as_array().expect("a list").iter().map(kid).collect()
        };
        assert_eq!(
            kids(&jwks["keys"]),
            kids(&keys),
            "published are exactly the keys there are"
        );
    }

    /// Every index key points to a record and every record has its index keys: counted in the records themselves.
    fn check_indexes(&self) {
        let export = self.place.grantd(&["export"]).ok().stdout;
        let mut count: BTreeMap<String, u32> = BTreeMap::new();
        for line in export.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            if let Some(space) = line["space"].as_str() {
                *count.entry(space.to_owned()).or_default() += 1;
            }
        }
        for (records, index) in [
            ("app", "app_of_organization"),
            ("user", "email"),
            ("member", "member_of_user"),
        ] {
            assert_eq!(count[records], count[index], "{count:?}");
        }
        assert_eq!(count["settings"], 1);
    }
}

fn ask(data_dir: &Path, command: &Command) -> Value {
    socket::ask(data_dir, command)
        .expect("a server runs")
        .expect("an answer")
}

fn by_client_id(apps: &Value) -> BTreeMap<&str, &Value> {
    let apps = apps.as_array().expect("a list");
    let map: BTreeMap<&str, &Value> = apps
        .iter()
        .map(|app| (app["client_id"].as_str().expect("text"), app))
        .collect();
    assert_eq!(map.len(), apps.len(), "nothing is listed twice");
    map
}
