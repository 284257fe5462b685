//! Minting and introspection over HTTPS, against the limit server.
//!
//! Both servers run all the time on one core and take turns, slice by slice, with the generator on another core. The
//! handshakes at the beginning of each slice are part of it, for both alike: 64 of them, about 2 % of a second.

use crate::limit_server::{self, Orders};
use crate::process::{GENERATOR_CORE, SERVER_CORE, Server, needs_two_cores};
use crate::web::{form, post};
use crate::wrk::{self, CONNECTIONS, Load};
use crate::{Report, median, middle_ratio};
use serde_json::Value;
use std::path::Path;

const ROUNDS: usize = 15;
const SLICE_S: u32 = 1;
const RATIO_MIN: f64 = 0.80;

#[derive(Clone, Copy)]
pub enum Subject {
    Mint,
    Introspect,
}

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Introspect => "introspect",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Mint => "/oauth/token",
            Self::Introspect => "/oauth/introspect",
        }
    }
}

/// What stands against what.
struct Match {
    subject: Subject,
    sides: [Side; 2],
}

struct Side {
    server: Server,
    url: String,
    form: String,
    rates: Vec<f64>,
    cpu_us: Vec<f64>,
}

pub fn run(subject: Subject) -> Result<Report, String> {
    needs_two_cores()?;
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())?;
    let mut pair = start(subject, scratch.path())?;
    // Page cache, connections tables, branch predictors: the first slices count for nothing.
    for side in &mut pair.sides {
        side.measure()?;
        side.rates.clear();
        side.cpu_us.clear();
    }
    for round in 0..ROUNDS {
        // Who goes first changes, so that a steady drift favours nobody.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            pair.sides[side].measure()?;
        }
    }
    Ok(pair.report())
}

impl Side {
    fn measure(&mut self) -> Result<(), String> {
        let load = Load {
            core: GENERATOR_CORE,
            connections: CONNECTIONS,
            script: "post",
            url: self.url.clone(),
            args: &[&self.form],
        };
        let before = self.server.cpu_s()?;
        let rate = wrk::slice(&load, SLICE_S)?.rate;
        let cpu_s = self.server.cpu_s()? - before;
        self.rates.push(rate);
        self.cpu_us.push(cpu_s * 1e6 / (rate * f64::from(SLICE_S)));
        Ok(())
    }
}

impl Match {
    fn report(&self) -> Report {
        let [grantd, limit] = &self.sides;
        let ratio = middle_ratio(&grantd.rates, &limit.rates);
        let middle = |values: &[f64]| median(values.iter().copied());
        let text = format!(
            "{} ratio={ratio:.2} (grantd {:.0}/s, limit {:.0}/s, runs {ROUNDS}; CPU {:.1} us, limit {:.1} us)",
            self.subject.name(),
            middle(&grantd.rates),
            middle(&limit.rates),
            middle(&grantd.cpu_us),
            middle(&limit.cpu_us),
        );
        Report::line(text, &format!(">= {RATIO_MIN:.2}"), ratio >= RATIO_MIN)
    }
}

fn start(subject: Subject, scratch: &Path) -> Result<Match, String> {
    let data = scratch.to_str().ok_or("the scratch directory's name is no text")?;
    let demo = ["demo", "--json", "--listen", "127.0.0.1:0", "--data", data];
    let grantd = Server::start(SERVER_CORE, env!("CARGO_BIN_EXE_grantd"), &demo, "")?;
    let facts: Value = serde_json::from_str(&grantd.ready).map_err(|e| format!("grantd demo said no JSON: {e}"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let app = &facts["private_app"];
    let credentials = form(&[
        ("client_id", &text(&app["client_id"])),
        ("client_secret", &text(&app["client_secret"])),
    ]);
    let minting = format!("grant_type=client_credentials&{credentials}");
    let ca_file = text(&facts["ca_file"]);
    let issuer = text(&facts["issuer"]);
    let answer = post(&ca_file, &format!("{issuer}{}", Subject::Mint.path()), &minting)?;

    let orders = Orders {
        certificates: scratch.join("certs"),
        client_id: text(&app["client_id"]),
        client_secret: text(&app["client_secret"]),
        claims: limit_server::claims_of(&text(&answer["access_token"]))?,
        expires_in: answer["expires_in"].as_u64().unwrap_or_default(),
        organization_name: text(&answer["organization_name"]),
    };
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let input = serde_json::to_string(&orders).map_err(|e| e.to_string())?;
    let program = this.to_str().ok_or("this program's path is no text")?;
    let limit = Server::start(SERVER_CORE, program, &[limit_server::COMMAND], &input)?;
    let limit_url = limit.ready.trim().to_owned();

    let side = |server, base: &str| {
        let form = match subject {
            Subject::Mint => minting.clone(),
            Subject::Introspect => {
                let token = post(&ca_file, &format!("{base}{}", Subject::Mint.path()), &minting)?;
                format!("{credentials}&{}", form(&[("token", &text(&token["access_token"]))]))
            }
        };
        let url = format!("{base}{}", subject.path());
        check(subject, &post(&ca_file, &url, &form)?)?;
        Ok::<_, String>(Side {
            server,
            url,
            form,
            rates: Vec::new(),
            cpu_us: Vec::new(),
        })
    };
    let sides = [side(grantd, &issuer)?, side(limit, &limit_url)?];
    Ok(Match { subject, sides })
}

/// Both must do the whole work.
fn check(subject: Subject, answer: &Value) -> Result<(), String> {
    let good = match subject {
        Subject::Mint => answer["access_token"].is_string(),
        Subject::Introspect => answer["active"] == true,
    };
    if good {
        Ok(())
    } else {
        Err(format!("the answer is not the one asked for: {answer}"))
    }
}
