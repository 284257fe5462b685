//! Sixteen clients: what each one does until the server is gone.

use super::ledger::{Ledger, Role};
use crate::http::{Client, Http};
use grantd::control::{Command, NewApp, Revocation, socket};
use grantd::model::app::Kind;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

pub const CLIENTS: u64 = 16;

#[derive(Clone)]
pub struct Target {
    pub address: String,
    pub data_dir: PathBuf,
    pub app: Client,
}

/// One client in one life of the server.
struct Work<'a> {
    target: &'a Target,
    /// Differs from that of every other client in every life.
    name: String,
    number: u64,
    random: StdRng,
    ledger: Ledger,
    tell: &'a Sender<()>,
}

/// `None`: the server is gone.
type Going<T = ()> = Option<T>;

/// Works until the server is gone; what it did, with what was under way at the end.
pub fn work(target: &Target, number: u64, cycle: u64, seed: u64, tell: &Sender<()>) -> Ledger {
    let mut work = Work {
        target,
        name: format!("{cycle}-{number}"),
        number,
        random: StdRng::seed_from_u64(seed),
        ledger: Ledger::default(),
        tell,
    };
    match number {
        0..=7 => work.tokens(),
        8..=10 => work.apps(),
        11 => work.organizations(),
        12 | 13 => work.members(),
        14 => work.epochs(),
        _ => work.keys(),
    };
    work.ledger
}

impl Work<'_> {
    fn done(&self) {
        // The test stops listening once it has decided to kill.
        let _ = self.tell.send(());
    }

    /// Over the local socket. Refusals are errors of the test.
    fn ask(&self, command: &Command) -> Going<Value> {
        match socket::ask(&self.target.data_dir, command)? {
            Ok(value) => Some(value),
            // The connection ended before the answer.
            Err(why) if why.contains("did not answer") => None,
            Err(why) => panic!("{why}"),
        }
    }

    /// Mint, introspect, and revoke every second one.
    fn tokens(&mut self) -> Going {
        let app = &self.target.app;
        let mut http = Http::connect(&self.target.address).ok()?;
        loop {
            let token = gone(http.mint(app))?;
            self.done();
            let end = self.random.random_bool(0.5);
            assert!(gone(http.active(app, &token))?, "a new token is active");
            if !end {
                self.ledger.live.push(token);
                continue;
            }
            gone(http.revoke(app, &token))?;
            self.ledger.revoked.push(token.clone());
            self.done();
            assert!(!gone(http.active(app, &token))?, "a revoked token is not");
        }
    }

    /// Register apps, disable them, give them secrets.
    fn apps(&mut self) -> Going {
        for n in 0.. {
            let made = self.ask(&Command::AppCreate(self.new_app(n)))?;
            let client_id = made["client_id"].as_str().expect("text").to_owned();
            self.ledger.apps.push(client_id.clone());
            self.done();
            let disabled = self.random.random_bool(0.5);
            self.ledger.disabled.begin(&client_id, disabled);
            let app = client_id.clone();
            self.ask(&Command::AppDisable {
                client_id: app,
                disabled,
            })?;
            self.ledger.disabled.end();
            self.done();
            self.ledger.secrets.begin(&client_id, 2);
            let app = client_id.clone();
            self.ask(&Command::SecretAdd {
                client_id: app,
                label: None,
            })?;
            self.ledger.secrets.end();
            self.done();
        }
        None
    }

    fn new_app(&self, n: u32) -> NewApp {
        NewApp {
            dedicated_user: Some("owner@example.com".into()),
            ..NewApp::new(Kind::Private, "849", format!("app {} {n}", self.name))
        }
    }

    fn organizations(&mut self) -> Going {
        for n in 0.. {
            let name = format!("organization {} {n}", self.name);
            let made = self.ask(&Command::OrganizationCreate { name, id: None })?;
            self.ledger.organizations.push(made["id"].as_u64().expect("a number"));
            self.done();
        }
        None
    }

    /// Users of its own, who come, change and go.
    fn members(&mut self) -> Going {
        for n in 0.. {
            let email = format!("user-{}-{n}@example.com", self.name);
            let add = Command::UserAdd {
                email: email.clone(),
                name: None,
                password: None,
            };
            self.ask(&add)?;
            self.ledger.users.push(email.clone());
            self.done();
            for _ in 0..3 {
                let role = ROLES[self.random.random_range(0..ROLES.len())];
                if role.is_none() && self.ledger.roles.known(&email).flatten().is_none() {
                    continue;
                }
                self.ledger.roles.begin(&email, role);
                let (organization, user) = ("849".to_owned(), email.clone());
                self.ask(&match role {
                    Some(role) => Command::MemberSet {
                        organization,
                        user,
                        role,
                    },
                    None => Command::MemberRemove { organization, user },
                })?;
                self.ledger.roles.end();
                self.done();
            }
        }
        None
    }

    /// Revoke all tokens of an app of its own, in one write.
    fn epochs(&mut self) -> Going {
        let app = Client::of(&self.ask(&Command::AppCreate(self.new_app(0)))?);
        self.ledger.apps.push(app.id.clone());
        let mut http = Http::connect(&self.target.address).ok()?;
        loop {
            let token = gone(http.mint(&app))?;
            let what = Revocation::App(app.id.clone());
            self.ask(&Command::TokenRevoke { what })?;
            self.ledger.ended.push((app.clone(), token.clone()));
            self.done();
            assert!(!gone(http.active(&app, &token))?, "its epoch has passed");
        }
    }

    /// One rotation a life now and then: every retired key stays while its tokens live.
    fn keys(&mut self) -> Going {
        if self.number == CLIENTS - 1 && self.random.random_bool(0.3) {
            let keys = self.ask(&Command::KeyRotate { algorithm: None })?;
            let active = keys.as_array()?.iter().find(|key| key["state"] == "active")?;
            self.ledger.rotated.push(active["kid"].as_str()?.to_owned());
            self.done();
        }
        loop {
            self.ask(&Command::KeyList)?;
            self.done();
        }
    }
}

/// `None` removes.
const ROLES: [Option<Role>; 4] = [None, Some(Role::Admin), Some(Role::Developer), Some(Role::Member)];

/// What a server that is being killed may do to a connection; anything else is an error of the test.
fn gone<T>(answer: io::Result<T>) -> Going<T> {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match answer {
        Ok(value) => Some(value),
        Err(error)
            if matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
            ) =>
        {
            None
        }
        Err(error) => panic!("{error}"),
    }
}
