//! `[backup]` of `grantd.toml`.

use super::file::path;
use super::reader::Table;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const KEEP_MAX: i64 = 1000;

/// What the server backs up by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BackupPlan {
    pub directory: PathBuf,
    #[serde(serialize_with = "super::duration_text")]
    pub every: Duration,
    /// How many backups of this store stay; at least one.
    pub keep: usize,
    /// Also every commit since the last backup, within about a second.
    pub continuous: bool,
}

/// `None` where there is no `[backup]`, and where it is wrong, which is told then.
pub(super) fn read(table: &Table<'_>, base: &Path) -> Option<BackupPlan> {
    let table = table.table("backup")?;
    let directory = table.required("directory").and_then(|item| path(&item, base));
    let every = table.duration("every", MINUTE.saturating_mul(5)..=DAY.saturating_mul(365));
    let keep = table.get("keep").and_then(|item| item.integer(1..=KEEP_MAX));
    let continuous = table.get("continuous").and_then(|item| item.boolean());
    table.finish();
    Some(BackupPlan {
        directory: directory?,
        every: every.unwrap_or(DAY),
        keep: keep.and_then(|keep| usize::try_from(keep).ok()).unwrap_or(7),
        continuous: continuous.unwrap_or(true),
    })
}
