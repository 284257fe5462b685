//! The load generator: https://github.com/wg/wrk.

use std::process::Command;

pub const CONNECTIONS: u32 = 64;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/bars/post.lua");

pub struct Load<'a> {
    pub core: usize,
    pub url: String,
    pub form: &'a str,
}

/// Answers per second over a slice. An answer that is no 200 is an error: a refusal is quicker than the work.
pub fn slice(load: &Load<'_>, seconds: u32) -> Result<f64, String> {
    let output = Command::new("taskset")
        .args(["-c", &load.core.to_string(), "wrk", "-t1"])
        .args([format!("-c{CONNECTIONS}"), format!("-d{seconds}s")])
        .args(["-s", SCRIPT, &load.url, "--", load.form])
        .output()
        .map_err(|e| format!("taskset and wrk cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let result = text.lines().find_map(|line| line.strip_prefix("result "));
    let numbers: Vec<f64> = result
        .into_iter()
        .flat_map(str::split_whitespace)
        .flat_map(str::parse)
        .collect();
    match numbers[..] {
        [requests, micros, 0.0] if requests > 0.0 => Ok(requests * 1e6 / micros),
        [requests, _, errors] => Err(format!("{errors} of {requests} answers from {} were errors", load.url)),
        _ => Err(format!("wrk said: {text}{}", String::from_utf8_lossy(&output.stderr))),
    }
}
