//! What guarding costs: a small GET through the gateway against the same through a bare proxy, and `/gateway/check`
//! against a server that verifies one token.
//!
//! The API behind both proxies is one small server on the generator's core; the proxies take turns on the other. The
//! limits of requests are so wide that nobody meets them, and counted all the same.

use crate::limit_server::{self, Orders};
use crate::measured::Measured;
use crate::process::{GENERATOR_CORE, SERVER_CORE, Server};
use crate::web::{form, post};
use crate::wrk::{self, CONNECTIONS, Load};
use crate::{Report, bare_proxy, median, middle_ratio};
use serde_json::Value;

const ROUNDS: usize = 15;
const SLICE_S: u32 = 1;
const GATEWAY_RATIO_MIN: f64 = 0.60;
const FORWARD_AUTH_RATIO_MIN: f64 = 0.80;
const PATH: &str = "/api/v1/data";

struct Side<'a> {
    server: &'a Server,
    url: String,
    /// Name and value of each header.
    headers: Vec<String>,
    rates: Vec<f64>,
    cpu_us: Vec<f64>,
}

/// The API, and the server before it.
struct Setting {
    api: Server,
    grantd: Measured,
    token: String,
}

impl Setting {
    fn start() -> Result<Self, String> {
        let api = this_program(GENERATOR_CORE, bare_proxy::API_COMMAND, "")?;
        let grantd = Measured::start_before(api.ready.trim())?;
        let answer = grantd.minted()?;
        let token = text(&answer["access_token"]);
        Ok(Self { api, grantd, token })
    }

    fn authorization(token: &str) -> Vec<String> {
        vec!["Authorization".into(), format!("Bearer {token}")]
    }
}

pub fn proxy() -> Result<Report, String> {
    let the = Setting::start()?;
    let scratch = scratch()?;
    let certificates = scratch.path().join("certs").display().to_string();
    let orders = bare_proxy::Orders {
        certificates,
        upstream: the.api.ready.trim().to_owned(),
    };
    let input = serde_json::to_string(&orders).map_err(|e| e.to_string())?;
    let bare = this_program(SERVER_CORE, bare_proxy::COMMAND, &input)?;
    let headers = Setting::authorization(&the.token);
    let sides = [
        Side::new(the.grantd.server(), the.grantd.fact("issuer"), PATH, headers.clone()),
        Side::new(&bare, bare.ready.trim(), PATH, headers),
    ];
    compare("gateway", "bare proxy", sides, GATEWAY_RATIO_MIN)
}

pub fn forward_auth() -> Result<Report, String> {
    let the = Setting::start()?;
    let scratch = scratch()?;
    let app = the.grantd.private_app();
    let claims = limit_server::claims_of(&the.token)?;
    let orders = Orders {
        certificates: scratch.path().join("certs"),
        client_id: text(&app["client_id"]),
        client_secret: text(&app["client_secret"]),
        claims,
        expires_in: 600,
        organization_name: "Acme".into(),
    };
    let input = serde_json::to_string(&orders).map_err(|e| e.to_string())?;
    let limit = this_program(SERVER_CORE, limit_server::COMMAND, &input)?;
    let base = limit.ready.trim().to_owned();
    let minting = form(&[
        ("grant_type", "client_credentials"),
        ("client_id", &orders.client_id),
        ("client_secret", &orders.client_secret),
    ]);
    let ca_file = scratch.path().join("certs/ca.pem").display().to_string();
    let minted = post(&ca_file, &format!("{base}/oauth/token"), &minting)?;
    let asked = |token: &str| {
        let mut headers = Setting::authorization(token);
        headers.extend(["X-Original-Method", "GET", "X-Original-URI", PATH].map(str::to_owned));
        headers
    };
    let sides = [
        Side::new(
            the.grantd.server(),
            the.grantd.fact("issuer"),
            limit_server::CHECK,
            asked(&the.token),
        ),
        Side::new(
            &limit,
            &base,
            limit_server::CHECK,
            asked(&text(&minted["access_token"])),
        ),
    ];
    compare("forward_auth", "limit", sides, FORWARD_AUTH_RATIO_MIN)
}

fn compare(name: &str, other: &str, mut sides: [Side<'_>; 2], ratio_min: f64) -> Result<Report, String> {
    // Page cache, pools, branch predictors: the first slices count for nothing.
    for side in &mut sides {
        side.measure()?;
        side.rates.clear();
        side.cpu_us.clear();
    }
    for round in 0..ROUNDS {
        // Who goes first changes, so that a steady drift favours nobody.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            sides[side].measure()?;
        }
    }
    let [grantd, limit] = &sides;
    let ratio = middle_ratio(&grantd.rates, &limit.rates);
    let middle = |values: &[f64]| median(values.iter().copied());
    let text = format!(
        "{name} ratio={ratio:.2} (grantd {:.0}/s, {other} {:.0}/s, runs {ROUNDS}; CPU {:.1} us, {other} {:.1} us)",
        middle(&grantd.rates),
        middle(&limit.rates),
        middle(&grantd.cpu_us),
        middle(&limit.cpu_us),
    );
    Ok(Report::line(text, &format!(">= {ratio_min:.2}"), ratio >= ratio_min))
}

impl<'a> Side<'a> {
    fn new(server: &'a Server, base: &str, path: &str, headers: Vec<String>) -> Self {
        Self {
            server,
            url: format!("{base}{path}"),
            headers,
            rates: Vec::new(),
            cpu_us: Vec::new(),
        }
    }

    fn measure(&mut self) -> Result<(), String> {
        let args: Vec<&str> = self.headers.iter().map(String::as_str).collect();
        let load = Load {
            core: GENERATOR_CORE,
            connections: CONNECTIONS,
            script: "get",
            url: self.url.clone(),
            args: &args,
        };
        let before = self.server.cpu_s()?;
        let rate = wrk::slice(&load, SLICE_S)?.rate;
        let cpu_s = self.server.cpu_s()? - before;
        self.rates.push(rate);
        self.cpu_us.push(cpu_s * 1e6 / (rate * f64::from(SLICE_S)));
        Ok(())
    }
}

fn this_program(core: usize, command: &str, input: &str) -> Result<Server, String> {
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let program = this.to_str().ok_or("this program's path is no text")?;
    Server::start(core, program, &[command], input)
}

fn scratch() -> Result<tempfile::TempDir, String> {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
