//! The load generator: https://github.com/wg/wrk.

use std::process::{Child, Command, Stdio};

pub const CONNECTIONS: usize = 64;
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/bars");

pub struct Load<'a> {
    pub core: usize,
    pub connections: usize,
    /// Of this directory, without its ending.
    pub script: &'a str,
    pub url: String,
    pub args: &'a [&'a str],
}

/// What came of a slice.
pub struct Slice {
    /// Answers per second.
    pub rate: f64,
    /// 99 of 100 answers came sooner.
    pub p99_us: f64,
}

/// One slice. An answer that is no 200 is an error: a refusal is quicker than the work.
pub fn slice(load: &Load<'_>, seconds: u32) -> Result<Slice, String> {
    match start(load, seconds)?.finish()? {
        [requests, micros, 0.0, p99_us] if requests > 0.0 => Ok(Slice {
            rate: requests * 1e6 / micros,
            p99_us,
        }),
        [requests, _, errors, _] => Err(format!("{errors} of {requests} answers from {} were errors", load.url)),
    }
}

/// One that runs.
pub struct Running(Child);

pub fn start(load: &Load<'_>, seconds: u32) -> Result<Running, String> {
    let Load {
        connections, script, ..
    } = load;
    let child = Command::new("taskset")
        .args(["-c", &load.core.to_string(), "wrk", "-t1"])
        .args([format!("-c{connections}"), format!("-d{seconds}s")])
        .args(["-s", &format!("{SCRIPTS}/{script}.lua"), &load.url, "--"])
        .args(load.args)
        .env("LUA_PATH", format!("{SCRIPTS}/?.lua;;"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Ok(Running(
        child.map_err(|e| format!("taskset and wrk cannot be started: {e}"))?,
    ))
}

impl Running {
    /// The four figures of the script's last line.
    pub fn finish(self) -> Result<[f64; 4], String> {
        let output = self.0.wait_with_output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let result = text.lines().find_map(|line| line.strip_prefix("result "));
        let numbers: Vec<f64> = result
            .into_iter()
            .flat_map(str::split_whitespace)
            .flat_map(str::parse)
            .collect();
        let said = |_| format!("wrk said: {text}{}", String::from_utf8_lossy(&output.stderr));
        numbers.try_into().map_err(said)
    }
}
