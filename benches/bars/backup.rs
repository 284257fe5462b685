//! A backup of many grants while tokens are minted, and a restore of it. `GRANTD_BENCH_GRANTS` says how many; a million
//! otherwise. The backup is the program's own command, as an operator runs it beside the server.

use crate::measured::Measured;
use crate::{Report, median};
use grantd::base::time::Stopwatch;
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const GRANTS: usize = 1_000_000;
const CONNECTIONS: usize = 64;
const SLICE_S: u32 = 1;
const IDLE_SLICES: usize = 8;
const P99_RATIO_MAX: f64 = 1.5;
const RESTORE_S_MAX: f64 = 60.0;

pub fn run() -> Result<Report, String> {
    let asked = std::env::var("GRANTD_BENCH_GRANTS").ok();
    let grants = asked.map_or(Ok(GRANTS), |text| text.parse().map_err(|e| format!("{text}: {e}")))?;
    let mut measured = Measured::start(1)?;
    measured.grants(grants)?;
    let data = measured.data().to_owned();
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())?;
    let p99 = |measured: &Measured| measured.mint(CONNECTIONS, SLICE_S).map(|slice| slice.p99_us);
    p99(&measured)?;
    let idle = (0..IDLE_SLICES)
        .map(|_| p99(&measured))
        .collect::<Result<Vec<_>, _>>()?;
    let clock = Stopwatch::start();
    let mut making = grantd(&data, &["backup", "--to", text(place.path())?])?;
    let mut busy = Vec::new();
    while making.try_wait().map_err(|e| e.to_string())?.is_none() {
        busy.push(p99(&measured)?);
    }
    let backup_s = clock.elapsed().as_secs_f64();
    let made = answer(making)?;
    if busy.is_empty() {
        return Err("the backup took no time: more grants are needed".into());
    }
    let file = made["file"].as_str().ok_or("the backup has no file")?.to_owned();
    let bytes = std::fs::metadata(&file).map_err(|e| e.to_string())?.len();

    let heir = place.path().join("data");
    let clock = Stopwatch::start();
    let secret = data.join("secret");
    let restore = ["restore", "--from", &file, "--secret", text(&secret)?, "--nothing-lost"];
    answer(grantd(&heir, &restore)?)?;
    let restore_s = clock.elapsed().as_secs_f64();
    let again = answer(grantd(&heir, &["backup", "--to", text(&place.path().join("again"))?])?)?;
    let equal = again["spaces"] == made["spaces"] && again["records"] == made["records"];

    let (idle, busy) = (median(idle), median(busy));
    let ratio = busy / idle;
    Ok(Report::join([
        Report::line(
            format!(
                "backup grants={grants} records={} bytes={bytes} seconds={backup_s:.1} mint_p99_ratio={ratio:.2} \
                 ({busy:.0} us, idle {idle:.0} us)",
                made["records"]
            ),
            &format!("<= {P99_RATIO_MAX}"),
            ratio <= P99_RATIO_MAX,
        ),
        Report::line(
            format!("restore grants={grants} seconds={restore_s:.1} digests_equal={equal}"),
            &format!("<= {RESTORE_S_MAX} and equal"),
            restore_s <= RESTORE_S_MAX && equal,
        ),
    ]))
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| "a path is no text".into())
}

fn grantd(data: &Path, args: &[&str]) -> Result<Child, String> {
    Command::new(env!("CARGO_BIN_EXE_grantd"))
        .args(["--json", "--data", text(data)?])
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("grantd cannot be started: {e}"))
}

fn answer(child: Child) -> Result<Value, String> {
    let done = child.wait_with_output().map_err(|e| e.to_string())?;
    if !done.status.success() {
        return Err(format!("grantd ended with {}", done.status));
    }
    serde_json::from_slice(&done.stdout).map_err(|e| e.to_string())
}
