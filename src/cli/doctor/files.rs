//! The data directory, the secret in it, the room for it, and the clock as its files tell it.

use super::Findings;
use crate::base::master::MasterSecret;
use crate::base::process::room;
use crate::base::time::{Clock as _, SystemClock, Timestamp};
use crate::cli::start::{secret_path, store_path};
use crate::config::Config;
use crate::platform::watching::warnings::bytes;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

const MIB: u64 = 1024 * 1024;
/// The store refuses new records below 64 MiB and sets 64 MiB aside.
const FREE_BYTES_MIN: u64 = 128 * MIB;
const FREE_BYTES_GOOD: u64 = 1024 * MIB;
/// Clocks of good machines differ by less.
const CLOCK_BEHIND_MAX: Duration = Duration::from_secs(60);
/// When this was written; no good clock is earlier.
const EARLIEST: Timestamp = Timestamp::from_seconds(1_790_000_000);

pub fn examine(config: &Config, findings: &mut Findings) {
    let dir = &config.data_dir;
    let Ok(about) = fs::metadata(dir) else {
        return findings.warn(
            "data",
            format!("{} does not exist yet.", dir.display()),
            "`grantd init` makes it, and so does `grantd serve`.",
        );
    };
    if !about.is_dir() {
        let what = format!("{} is no directory.", dir.display());
        return findings.bad("data", what, "Name a directory in `data_dir`.");
    }
    owned(dir, &about, findings);
    secret(config, findings);
    space(dir, findings);
    clock(config, findings);
}

fn owned(dir: &Path, about: &Metadata, findings: &mut Findings) {
    let (mode, own) = (about.permissions().mode() & 0o777, rustix::process::geteuid().as_raw());
    let shown = dir.display();
    if about.uid() != own {
        let what = format!(
            "{shown} belongs to the user with the id {}, and this is {own}.",
            about.uid()
        );
        findings.bad(
            "data",
            what,
            "Run doctor, and the server, as its owner; or give it away with `chown -R`.",
        );
    } else if let Err(why) = tempfile::tempfile_in(dir) {
        findings.bad(
            "data",
            format!("{shown} cannot be written: {why}."),
            "Look at its mode and at its mount.",
        );
    } else if mode & 0o077 != 0 {
        let what = format!("{shown} has the mode {mode:03o}: others on this machine can look into it.");
        findings.warn("data", what, format!("chmod 700 {shown}"));
    } else {
        findings.good("data", format!("{shown} is its owner's alone and can be written."));
    }
}

fn secret(config: &Config, findings: &mut Findings) {
    let path = secret_path(config);
    let shown = path.display();
    match MasterSecret::load(&path) {
        Ok(Some(_)) => findings.good("secret", format!("{shown} is whole. A copy of it must lie elsewhere.")),
        Ok(None) if store_path(config).join("journal").exists() => findings.bad(
            "secret",
            format!("{shown} is missing, and there is a store: nothing in it can be read."),
            "Put back the secret that the store was made with.",
        ),
        Ok(None) => findings.good("secret", "There is none yet: it is made with the first record."),
        Err(why) => findings.bad(
            "secret",
            why.to_string(),
            format!("Put back a good copy, with the mode 600 and of the server's user: chmod 600 {shown}"),
        ),
    }
}

fn space(dir: &Path, findings: &mut Findings) {
    let Some(room) = room(dir) else {
        return findings.warn("disk", "How much room there is cannot be asked.", "Look with `df`.");
    };
    let what = format!("{} of {} are free.", bytes(room.free_bytes), bytes(room.total_bytes));
    if room.free_bytes < FREE_BYTES_MIN {
        findings.bad(
            "disk",
            format!("{what} New records are refused."),
            "Make room: nothing is lost meanwhile.",
        );
    } else if room.free_bytes < FREE_BYTES_GOOD || room.free_bytes < room.total_bytes / 20 {
        findings.warn("disk", what, "Make room; below 128 MiB new records are refused.");
    } else {
        findings.good("disk", what);
    }
}

/// Nothing was written later than now.
fn clock(config: &Config, findings: &mut Findings) {
    let now = SystemClock.now();
    let newest = newest_below(&store_path(config)).unwrap_or_default();
    let remedy = "Set it, and let it be kept right: `timedatectl set-ntp true`. Tokens are judged by it.";
    if now < EARLIEST {
        findings.bad(
            "clock",
            format!("It says {now}, which is before this program was made."),
            remedy,
        );
    } else if newest.since(now) > CLOCK_BEHIND_MAX {
        findings.bad(
            "clock",
            format!("It says {now}, and the store was written at {newest}."),
            remedy,
        );
    } else {
        findings.good("clock", format!("It says {now}, and nothing in the store is later."));
    }
}

fn newest_below(dir: &Path) -> Option<Timestamp> {
    let entries = fs::read_dir(dir).ok()?;
    let newest = entries.flatten().filter_map(|entry| {
        let about = entry.metadata().ok()?;
        if about.is_dir() {
            return newest_below(&entry.path());
        }
        about.modified().ok().map(Timestamp::of_file)
    });
    newest.max()
}
