//! A flood of wrong passwords, at ten times what the server can look at, beside apps that mint tokens.
//!
//! One Argon2 hash takes tens of milliseconds of a core, and here there is one core for everything: what keeps minting
//! alive is that few hashes are worked at, that the rest is refused, and that hashing gives way.

use crate::grantd_server::EMAIL;
use crate::measured::Measured;
use crate::process::GENERATOR_CORE;
use crate::web::{form, get};
use crate::wrk::{self, CONNECTIONS, Load};
use crate::{Report, median, middle_ratio};
use http::header::SET_COOKIE;
use std::time::Duration;

const ROUNDS: usize = 9;
const SLICE_S: u32 = 2;
/// The flood is there before the minting that is measured, and after it.
const LEAD_S: u32 = 1;
const TIMES: f64 = 10.0;
const P99_RATIO_MAX: f64 = 2.0;

/// Enough to keep the hashes busy, and no refusals.
const CAPACITY_CONNECTIONS: usize = 4;
const CAPACITY_S: u32 = 3;
/// Those that wait for a hash: one at work and 32 in line, on one core.
const WAITING: f64 = 33.0;
const PAUSE_MS: f64 = 100.0;

struct Flood {
    url: String,
    form: String,
    cookie: String,
}

/// Per second: passwords looked at, and all that was answered.
struct Answered {
    wrong: f64,
    all: f64,
}

pub fn run() -> Result<Report, String> {
    let grantd = Measured::start(1)?;
    let flood = Flood::new(&grantd)?;
    let alone = answered(flood.start(CAPACITY_CONNECTIONS, 0.0, CAPACITY_S)?, "the sign-ins")?;
    if alone.wrong == 0.0 {
        return Err(format!("no password was looked at in {CAPACITY_S} s"));
    }
    // Each of the others asks, is refused and pauses.
    let connections = (WAITING + alone.wrong * TIMES * PAUSE_MS / 1e3).ceil() as usize;
    let (mut quiet_us, mut flooded_us) = (Vec::new(), Vec::new());
    let (mut quiet_rates, mut flooded_rates) = (Vec::new(), Vec::new());
    let (mut times, mut looked_at) = (Vec::new(), Vec::new());
    grantd.mint(CONNECTIONS, SLICE_S)?;
    for round in 0..2 * ROUNDS {
        // Quiet, flooded, flooded, quiet and so on: a steady drift favours nobody.
        if matches!(round % 4, 0 | 3) {
            let slice = grantd.mint(CONNECTIONS, SLICE_S)?;
            quiet_us.push(slice.p99_us);
            quiet_rates.push(slice.rate);
            continue;
        }
        let running = flood.start(connections, PAUSE_MS, SLICE_S + 2 * LEAD_S)?;
        std::thread::sleep(Duration::from_secs(LEAD_S.into())); // allowed: the flood is to be there
        let slice = grantd.mint(CONNECTIONS, SLICE_S)?;
        let flooded = answered(running, "the flood")?;
        flooded_us.push(slice.p99_us);
        flooded_rates.push(slice.rate);
        times.push(flooded.all / alone.wrong);
        looked_at.push(flooded.wrong);
    }
    let ratio = middle_ratio(&flooded_us, &quiet_us);
    let times = median(times);
    let text = format!(
        "login p99_ratio={ratio:.2} (mint p99 {:.1} ms in a flood of {times:.1} times {:.0} sign-ins/s, {:.1} ms \
         without; mint {:.0}/s, {:.0}/s without; passwords looked at {:.0}/s, runs {ROUNDS})",
        median(flooded_us) / 1e3,
        alone.wrong,
        median(quiet_us) / 1e3,
        median(flooded_rates),
        median(quiet_rates),
        median(looked_at),
    );
    Ok(Report::line(
        text,
        &format!("<= {P99_RATIO_MAX:.2}"),
        ratio <= P99_RATIO_MAX,
    ))
}

impl Flood {
    /// A form as the page shows it, filled in wrongly.
    fn new(grantd: &Measured) -> Result<Self, String> {
        let url = format!("{}/login", grantd.fact("issuer"));
        let page = get(grantd.fact("ca_file"), &url)?;
        let cookie = page.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next());
        let text = String::from_utf8_lossy(page.body());
        let csrf = text
            .split_once("name=\"csrf\" value=\"")
            .and_then(|(_, rest)| rest.split('"').next());
        let fields = [
            ("csrf", csrf.ok_or("the sign-in page has no csrf field")?),
            ("email", EMAIL),
            ("password", "this is not the password"),
        ];
        Ok(Self {
            form: form(&fields),
            cookie: cookie.ok_or("the sign-in page sets no cookie")?.to_owned(),
            url,
        })
    }

    fn start(&self, connections: usize, pause_ms: f64, seconds: u32) -> Result<wrk::Running, String> {
        let load = Load {
            core: GENERATOR_CORE,
            connections,
            script: "login",
            url: self.url.clone(),
            args: &[&self.form, &self.cookie, &pause_ms.to_string()],
        };
        wrk::start(&load, seconds)
    }
}

fn answered(running: wrk::Running, who: &str) -> Result<Answered, String> {
    let [wrong, micros, other, busy] = running.finish()?;
    // Beside much else none may be looked at for a while: that is what giving way looks like.
    if wrong + busy == 0.0 || other > 0.0 {
        return Err(format!(
            "{who}: {wrong} refused, {busy} told to wait, {other} answered otherwise"
        ));
    }
    Ok(Answered {
        wrong: wrong * 1e6 / micros,
        all: (wrong + busy) * 1e6 / micros,
    })
}
