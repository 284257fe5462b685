//! The server of [`crate::grantd_server`] as the bench sees it: on its core, asked for what it needs.

use crate::grantd_server::{COMMAND, Counts, Orders, REDIRECT_URI, Task, VERIFIER};
use crate::process::{GENERATOR_CORE, SERVER_CORE, Server, needs_two_cores};
use crate::web::{form, post};
use crate::wrk::{self, Load, Slice};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Measured {
    server: Server,
    facts: Value,
    scratch: TempDir,
}

fn scratch() -> Result<TempDir, String> {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())
}

/// The configuration of a gateway before this API, whose limits nobody meets.
fn before(upstream: &str, dir: &Path) -> std::io::Result<PathBuf> {
    let own = dir.join("profiles/default");
    std::fs::create_dir_all(&own)?;
    let routes = json!({
        "rate_limits": { "app": 1_000_000_000, "credential": 1_000_000_000, "day": 1_000_000_000 },
        "routes": [{ "path": "/api/v1/data", "methods": { "GET": ["data.read"] } }],
    });
    std::fs::write(own.join("routes.json"), routes.to_string())?;
    let file = dir.join("grantd.toml");
    let settings = format!("[gateway]\nupstream = \"{upstream}\"\nforward_auth_peers = [\"127.0.0.1\"]\n");
    std::fs::write(&file, settings)?;
    Ok(file)
}

impl Measured {
    /// With so many users.
    pub fn start(users: usize) -> Result<Self, String> {
        Self::with(users, scratch()?, None, false)
    }

    /// Whose refreshes may be made to write events.
    pub fn start_eventful(users: usize) -> Result<Self, String> {
        Self::with(users, scratch()?, None, true)
    }

    /// As a gateway before the API at this address.
    pub fn start_before(upstream: &str) -> Result<Self, String> {
        let scratch = scratch()?;
        let file = before(upstream, scratch.path()).map_err(|e| e.to_string())?;
        Self::with(1, scratch, Some(file), false)
    }

    fn with(users: usize, scratch: TempDir, file: Option<PathBuf>, eventful: bool) -> Result<Self, String> {
        needs_two_cores()?;
        let orders = Orders {
            data_dir: scratch.path().to_owned(),
            users,
            file,
            eventful,
        };
        let input = serde_json::to_string(&orders).map_err(|e| e.to_string())?;
        let this = std::env::current_exe().map_err(|e| e.to_string())?;
        let program = this.to_str().ok_or("this program's path is no text")?;
        let server = Server::start(SERVER_CORE, program, &[COMMAND], &input)?;
        let facts = serde_json::from_str(&server.ready).map_err(|e| e.to_string())?;
        Ok(Self { server, facts, scratch })
    }

    pub fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_default()
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    pub fn private_app(&self) -> &Value {
        &self.facts["private_app"]
    }

    /// One answer with a token of the private app.
    pub fn minted(&self) -> Result<Value, String> {
        let form = self.form("private_app", "client_credentials", &[]);
        post(
            self.fact("ca_file"),
            &format!("{}/oauth/token", self.fact("issuer")),
            &form,
        )
    }

    fn tell(&mut self, task: &Task) -> Result<Value, String> {
        let line = serde_json::to_string(task).map_err(|e| e.to_string())?;
        serde_json::from_str(&self.server.ask(&line)?).map_err(|e| e.to_string())
    }

    pub fn counts(&mut self) -> Result<Counts, String> {
        serde_json::from_value(self.tell(&Task::Count)?).map_err(|e| e.to_string())
    }

    /// Writes so many grants with a family each.
    pub fn grants(&mut self, count: usize) -> Result<(), String> {
        self.tell(&Task::Grants { count }).map(|_| ())
    }

    pub fn data(&self) -> &Path {
        self.scratch.path()
    }

    pub fn slow_syncs(&mut self, micros: u64) -> Result<(), String> {
        self.tell(&Task::SlowSyncs { micros }).map(|_| ())
    }

    /// Whether each refresh writes an event from now on; all of before are told of.
    pub fn events(&mut self, written: bool) -> Result<(), String> {
        self.tell(&Task::Events { written }).map(|_| ())
    }

    /// The token endpoint under the form and the file that the script asks for.
    fn tokens(&self, script: &str, connections: usize, args: &[&str], seconds: u32) -> Result<Slice, String> {
        let load = Load {
            core: GENERATOR_CORE,
            connections,
            script,
            url: format!("{}/oauth/token", self.fact("issuer")),
            args,
        };
        wrk::slice(&load, seconds)
    }

    pub fn mint(&self, connections: usize, seconds: u32) -> Result<Slice, String> {
        let form = self.form("private_app", "client_credentials", &[]);
        self.tokens("post", connections, &[&form], seconds)
    }

    /// Twice as many tokens as can be in flight: wrk takes one for itself.
    pub fn refresh(&mut self, connections: usize, seconds: u32) -> Result<Slice, String> {
        let (count, file) = (2 * connections, self.scratch_file());
        let task = Task::RefreshTokens {
            count,
            file: file.clone(),
        };
        self.tell(&task)?;
        let form = self.form("confidential_app", "refresh_token", &[]);
        let file = file.to_str().ok_or("the scratch directory's name is no text")?;
        self.tokens("refresh", connections, &[&form, file], seconds)
    }

    /// `count` codes are made before.
    pub fn redeem(&mut self, connections: usize, count: usize, seconds: u32) -> Result<Slice, String> {
        let file = self.scratch_file();
        let task = Task::Codes {
            count,
            file: file.clone(),
        };
        self.tell(&task)?;
        let more = [("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
        let form = self.form("public_app", "authorization_code", &more);
        let file = file.to_str().ok_or("the scratch directory's name is no text")?;
        self.tokens("code", connections, &[&form, file], seconds)
    }

    fn scratch_file(&self) -> PathBuf {
        self.scratch.path().join("credentials")
    }

    fn form(&self, app: &str, grant_type: &str, more: &[(&str, &str)]) -> String {
        let app = &self.facts[app];
        let mut pairs = vec![("grant_type", grant_type)];
        for name in ["client_id", "client_secret"] {
            pairs.extend(app[name].as_str().map(|value| (name, value)));
        }
        pairs.extend(more);
        form(&pairs)
    }
}
