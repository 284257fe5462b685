//! `upgrade --dry-run`: this program, on a copy of what another release wrote.

use super::logging;
use super::output::Output;
use super::restore;
use super::start;
use crate::base::master::MasterSecret;
use crate::config::{Config, Log};
use crate::control::{socket, upgrade};
use crate::store::{Batch, Outcome, Store};
use serde_json::json;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Room that is set aside, and holds nothing.
const RESERVE: &str = "reserve";

pub fn run(mut config: Config, from: Option<&Path>, output: &Output) -> Result<(), String> {
    logging::to_stderr(Log::of_commands());
    let secret_path = start::secret_path(&config);
    let secret = MasterSecret::load(&secret_path).map_err(|e| e.to_string())?;
    let secret = secret.ok_or_else(|| format!("{} is missing", secret_path.display()))?;
    let copy = tempfile::tempdir().map_err(|e| format!("no copy can be made: {e}"))?;
    let store = copy.path().join("store");
    start::make_dir(&store)?;
    match from {
        Some(from) => {
            restore::read_into(from, &secret, &store, &copy.path().join("logos"))?;
        }
        None => copy_store(&config, &store)?,
    }
    secret.save(&copy.path().join("secret")).map_err(|e| e.to_string())?;
    // Whatever is made or put right from here on is made in the copy.
    let original = std::mem::replace(&mut config.data_dir, copy.path().to_owned());
    let answer = start::block_on(async {
        let here = start::open_store(&config)?;
        upgrade::check_format(&here).await?;
        let read = upgrade::read_all(&here).await?;
        let before = last(&here).await?;
        here.close();
        if read.unreadable_total > 0 {
            return Err(format!(
                "{} of {} records cannot be read by this program: {}. Nothing was changed; keep the release that wrote \
                 them",
                read.unreadable_total,
                read.records,
                read.unreadable.join("; ")
            ));
        }
        let ctx = start::open(config).await?;
        let commits = last(&*ctx.store).await? - before - 1;
        let change = if commits == 0 {
            "nothing: the records stay as they are".to_owned()
        } else {
            format!("the first start writes {commits} commits, as any start may: signing keys that are due")
        };
        Ok(json!({
            "program": env!("CARGO_PKG_VERSION"),
            "format": crate::model::settings::FORMAT,
            "records": read.records,
            "spaces": read.spaces,
            "would_change": change,
            "untouched": from.unwrap_or(&original),
        }))
    })?;
    output.answer(&answer);
    Ok(())
}

/// The number of an empty commit, which changes nothing.
async fn last(store: &dyn Store) -> Result<u64, String> {
    match store.commit(Batch::new()).await? {
        Outcome::Committed(seq) => Ok(seq.0),
        Outcome::Conflict => Err("an empty batch cannot conflict".into()),
    }
}

/// Not a byte of the original is written, and nobody opens it meanwhile.
fn copy_store(config: &Config, to: &Path) -> Result<(), String> {
    let from = start::store_path(config);
    let failed = |e: io::Error| format!("{} cannot be copied: {e}", from.display());
    let lock = File::open(from.join("lock")).map_err(failed)?;
    if socket::running(&config.data_dir) || lock.try_lock_shared().is_err() {
        return Err(
            "a server runs on this data directory: make a backup with it (`grantd backup`), and name that with --from"
                .into(),
        );
    }
    copy_dir(&from, to).map_err(failed)
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let place = to.join(entry.file_name());
        if kind.is_dir() {
            fs::create_dir(&place)?;
            copy_dir(&entry.path(), &place)?;
        } else if kind.is_file() && entry.file_name() != RESERVE {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}
