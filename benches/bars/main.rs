//! How fast and how small the program is, against bars. Run it through `benches/run.sh`.
//!
//! One line per figure. A server's speed is its ratio to a limit server on the same core in the same minute, because
//! machines drift by more than what is measured here.

mod backup;
mod bare_proxy;
mod delegated;
mod ed25519;
mod eventful;
mod gateway;
mod grantd_server;
mod grants;
mod limit_server;
mod login;
mod measured;
mod pages;
mod process;
mod products;
mod server;
mod size;
mod store;
mod web;
mod webhooks;
mod wrk;

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// The program's own. The servers that it is held against get it too.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What one bench found: its lines, and whether every bar was reached.
struct Report {
    lines: Vec<String>,
    reached: bool,
}

impl Report {
    /// One line for a figure without a bar.
    fn figure(text: String) -> Self {
        Self {
            lines: vec![text],
            reached: true,
        }
    }

    /// One line, with "MISSED" where the bar was.
    fn line(text: String, bar: &str, reached: bool) -> Self {
        let verdict = if reached { "" } else { " MISSED" };
        Self {
            lines: vec![format!("{text} bar {bar}{verdict}")],
            reached,
        }
    }

    fn join(reports: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self {
            lines: Vec::new(),
            reached: true,
        };
        for report in reports {
            all.lines.extend(report.lines);
            all.reached &= report.reached;
        }
        all
    }
}

/// The ratios of two series, round by round; the middle one.
fn middle_ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
}

/// The middle of the values; of an even number the lower middle.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

type Bench = fn() -> Result<Report, String>;

const BENCHES: [(&str, Bench); 13] = [
    ("ed25519", ed25519::run),
    ("mint", || server::run(server::Subject::Mint)),
    ("introspect", || server::run(server::Subject::Introspect)),
    ("refresh", delegated::refresh),
    ("code", delegated::code),
    ("login", login::run),
    ("gateway", gateway::proxy),
    ("forward_auth", gateway::forward_auth),
    ("pages", pages::run),
    ("store", store::run),
    ("backup", backup::run),
    ("webhooks", webhooks::run),
    ("size", size::run),
];

fn main() -> ExitCode {
    // `cargo bench` adds --bench for harnesses that care.
    let mut names: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if names.iter().any(|name| name == limit_server::COMMAND) {
        return limit_server::run();
    }
    if names.iter().any(|name| name == grantd_server::COMMAND) {
        return grantd_server::run();
    }
    if names.iter().any(|name| name == bare_proxy::COMMAND) {
        return bare_proxy::run();
    }
    if names.iter().any(|name| name == bare_proxy::API_COMMAND) {
        return bare_proxy::run_api();
    }
    if names.is_empty() {
        names = BENCHES.map(|(name, _)| name.to_owned()).to_vec();
    }
    let mut all_reached = true;
    for name in names {
        let Some((_, bench)) = BENCHES.iter().find(|(known, _)| *known == name) else {
            let known = BENCHES.map(|(known, _)| known).join(", ");
            eprintln!("there is no bench {name}; there are {known}");
            return ExitCode::from(2);
        };
        match bench() {
            Ok(report) => {
                report.lines.iter().for_each(|line| println!("{line}"));
                all_reached &= report.reached;
            }
            Err(why) => {
                println!("{name} could not be measured: {why}");
                all_reached = false;
            }
        }
    }
    if all_reached {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
