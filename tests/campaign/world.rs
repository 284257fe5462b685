//! A data directory whose every record is known, and the judgement of what a program makes of it later.

use crate::http::{Client, Http};
use crate::program::{Place, Running};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

pub const CONFIG: &str =
    "issuer = \"https://auth.example\"\nlisten = [\"http://127.0.0.1:0\"]\nprofile = \"mokapen\"\n";
/// Written by the way while a server runs, whatever is asked of it.
const PASSING: [&str; 4] = ["last_use", "used_once", "session", "failure"];
/// Starts after which a server must have found its feet, or refuse for good.
const STARTS_MAX: u32 = 3;

/// Changed by whatever is done beside.
const MOVING: [&str; 3] = ["settings", "signing_key", "organization"];

/// Made anew by a start when they have expired.
const EXPIRING: [&str; 2] = ["link", "administrator_link"];
/// Of the tokens revoked later, those asked about at every start.
const NEWEST: usize = 150;

/// Space and key, and the value.
pub type Records = BTreeMap<(String, String), String>;

pub struct World {
    pub place: Place,
    pub app: Client,
    live: Vec<String>,
    revoked: Vec<String>,
    records: Records,
}

/// What a program made of a data directory.
#[derive(Debug)]
pub enum Found {
    /// Every record is as it was; what the program said of repairs, if anything.
    Whole(String),
    /// It refused to serve, with this sentence.
    Refused(String),
    /// It served, and this was wrong.
    Wrong(String),
}

/// What was done after the world was made: what must stand, and what may.
#[derive(Default)]
pub struct Acknowledged {
    pub organizations: Vec<String>,
    pub revoked: Vec<String>,
    /// Asked to be revoked, whatever was answered.
    pub attempted: Vec<String>,
}

impl Acknowledged {
    pub fn check(&self, organizations: &[String]) -> Result<(), String> {
        match self.organizations.iter().find(|name| !organizations.contains(name)) {
            Some(lost) => Err(format!("the organization {lost:?} was acknowledged and is lost")),
            None => Ok(()),
        }
    }
}

impl World {
    /// In `data`: people, organizations, apps, and tokens of which half are revoked.
    pub fn make() -> Self {
        let place = Place::new();
        place.grantd(&["init"]).ok();
        std::fs::write(place.path("data/grantd.toml"), CONFIG).expect("written");
        for name in ["Acme", "Bolt", "Core"] {
            place.json(&["org", "create", name]);
        }
        for n in 0..5 {
            let email = format!("user{n}@example.com");
            place.json(&["user", "add", &email]);
            place.json(&["org", "member", "849", &email, "--role", "owner"]);
        }
        let app = [
            "app",
            "create",
            "App",
            "--organization",
            "849",
            "--dedicated-user",
            "user0@example.com",
        ];
        let mut world = Self {
            app: Client::of(&place.json(&app)),
            place,
            live: Vec::new(),
            revoked: Vec::new(),
            records: Records::new(),
        };
        let (server, address) = world.serve(&world.place.path("data")).expect("a new server starts");
        let mut http = Http::connect(&address).expect("connected");
        for n in 0..10 {
            let token = http.mint(&world.app).expect("minted");
            if n % 2 == 0 {
                http.revoke(&world.app, &token).expect("revoked");
                world.revoked.push(token);
            } else {
                world.live.push(token);
            }
        }
        let (status, log) = server.terminate();
        assert_eq!(status.code(), Some(0), "{log}");
        world.records = world
            .export(&world.place.path("data"))
            .expect("a whole store is exported");
        world
    }

    /// A copy of the data directory, in the place of the one that was there under this name.
    pub fn copy(&self, from: &str, to: &str) {
        let to = self.place.path(to);
        if to.exists() {
            std::fs::remove_dir_all(&to).expect("removed");
        }
        let copied = Command::new("cp")
            .args(["-a", "--sparse=always"])
            .arg(self.place.path(from))
            .arg(to)
            .status();
        assert!(copied.expect("cp runs").success());
    }

    /// A server that is ready, and its address; or how it ended and what it said.
    pub fn serve(&self, data: &Path) -> Result<(Running, String), String> {
        let running = self.place.start(&["serve", "--data", &data.display().to_string()]);
        ready(running)
    }

    /// Every record that is not of the moment; or what the program said instead.
    pub fn export(&self, data: &Path) -> Result<Records, String> {
        let done = self.place.run(&["--data", &data.display().to_string(), "export"]);
        if !done.status.success() {
            return Err(done.stderr);
        }
        let mut records = Records::new();
        for line in done.stdout.lines() {
            let line: Value = serde_json::from_str(line).map_err(|e| format!("{e}: {line}"))?;
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            if !line["space"].is_null() && !PASSING.contains(&text("space").as_str()) {
                records.insert((text("space"), text("key")), text("value"));
            }
        }
        Ok(records)
    }

    /// Nothing was done since the world was made.
    pub fn judge(&self, data: &Path) -> Found {
        self.judged(data, None, || self.serve(data))
    }

    pub fn judge_with(&self, data: &Path, more: &Acknowledged) -> Found {
        self.judge_by(data, more, || self.serve(data))
    }

    /// With a start of the caller's own.
    pub fn judge_by(
        &self,
        data: &Path,
        more: &Acknowledged,
        serve: impl Fn() -> Result<(Running, String), String>,
    ) -> Found {
        self.judged(data, Some(more), serve)
    }

    pub fn assert_revoked(&self, http: &mut Http) {
        for token in &self.revoked {
            assert!(
                !http.active(&self.app, token).expect("answered"),
                "a revoked token is alive"
            );
        }
    }

    /// Live tokens that a test may revoke.
    pub fn tokens_to_revoke(&self) -> Vec<String> {
        self.live.clone()
    }

    /// Of all organizations.
    pub fn names(&self, data: &Path) -> Vec<String> {
        let done = self
            .place
            .run(&["--data", &data.display().to_string(), "--json", "org", "list"]);
        let list = done.json();
        let names = list
            .as_array()
            .expect("a list")
            .iter()
            .map(|organization| &organization["name"]);
        names.map(|name| name.as_str().expect("text").to_owned()).collect()
    }

    /// Starts a server there, asks it for everything that is known, and kills it. One that ends meanwhile is started
    /// again, as a service manager would.
    fn judged(
        &self,
        data: &Path,
        more: Option<&Acknowledged>,
        serve: impl Fn() -> Result<(Running, String), String>,
    ) -> Found {
        let mut ended = String::new();
        for _ in 0..STARTS_MAX {
            match serve() {
                Err(why) => return refused(&why),
                Ok((server, address)) => match self.ask(data, &address, more) {
                    Ok(()) => return Found::Whole(server.kill()),
                    Err(why) => {
                        let mut server = server;
                        if server.ended_soon().is_none() {
                            return Found::Wrong(format!("{why}\n{}", server.kill()));
                        }
                        ended = format!("{why}\n{}", server.kill());
                    }
                },
            }
        }
        Found::Wrong(format!("it ends again and again: {ended}"))
    }

    fn ask(&self, data: &Path, address: &str, more: Option<&Acknowledged>) -> Result<(), String> {
        let mut http = Http::connect(address).map_err(|e| e.to_string())?;
        let revoked_later = more.map_or(&[][..], |more| &more.revoked);
        // The newest ones, and of the others a sample: there may be tens of thousands.
        let asked_later = revoked_later.iter().rev().enumerate();
        let asked_later = asked_later
            .filter(|(age, _)| *age < NEWEST || age % 29 == 0)
            .map(|(_, token)| token);
        for token in self.live.iter().chain(&self.revoked).chain(asked_later) {
            let answer = http.post("/oauth/introspect", &self.app, &format!("token={token}"));
            let answer = answer.map_err(|e| e.to_string())?;
            let active = answer.json()["active"].as_bool();
            let revoked = self.revoked.contains(token) || revoked_later.contains(token);
            let open = !revoked && more.is_some_and(|more| more.attempted.contains(token));
            if answer.status != 200 || active.is_none() || !open && active == Some(revoked) {
                return Err(format!("a token is revoked: {revoked}, but the answer is {answer:?}"));
            }
        }
        let found = self.export(data)?;
        if let Some(more) = more {
            more.check(&self.names(data))?;
        }
        let is = |spaces: &[&str], key: &(String, String)| more.is_some() && spaces.contains(&key.0.as_str());
        let good = |key, value| {
            found.get(key) == Some(value) || is(&MOVING, key) && found.contains_key(key) || is(&EXPIRING, key)
        };
        let lost = self.records.iter().find(|(key, value)| !good(key, value));
        let beside = found.keys().find(|key| !self.records.contains_key(key));
        match (lost, beside) {
            (Some((key, value)), _) => Err(format!("{key:?} was {value}, and is {:?}", found.get(key))),
            (None, Some(key)) if more.is_none() => Err(format!("{key:?} was never written")),
            (None, _) => Ok(()),
        }
    }
}

/// Once it listens: where.
pub fn ready(running: Running) -> Result<(Running, String), String> {
    let address = running.said("listening on ");
    match address.filter(|_| running.said("is ready").is_some()) {
        Some(address) => Ok((running, address)),
        None => {
            let (status, log) = running.wait();
            Err(format!("{status}: {log}"))
        }
    }
}

/// A refusal says why and is no panic of ours.
fn refused(why: &str) -> Found {
    let last = why.lines().last().unwrap_or_default();
    if last.len() < 20 || why.contains("src/store") && why.contains("panicked") {
        return Found::Wrong(format!("it ended without a sentence: {why}"));
    }
    Found::Refused(why.to_owned())
}
