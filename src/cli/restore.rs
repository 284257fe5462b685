//! `restore`: a backup, and what was shipped after it, become the store of a new data directory.

use super::logging;
use super::output::Output;
use super::start;
use crate::base::master::MasterSecret;
use crate::base::random::SystemRandom;
use crate::base::time::{Clock as _, SystemClock};
use crate::config::{Config, Log};
use crate::control::{loss, transfer};
use crate::model::settings::{FORMAT, Settings};
use crate::store::backup::chain::{self, Reached, Sink};
use crate::store::records::load;
use crate::store::sled::{Filling, SledOptions, SledStore};
use crate::store::{Key, Seq, Stored, Write, disk, keys};
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};

/// What the operator says of the commits that came after the last one there is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Nothing: then it is told what there is, and what can be said.
    Nothing,
    /// There were none.
    NothingLost,
    /// There may have been: what could come alive again by it ends.
    Lost { keep_credentials: bool },
}

pub fn run(config: &Config, from: &Path, secret: Option<&Path>, says: Says, output: &Output) -> Result<(), String> {
    logging::to_stderr(Log::of_commands());
    start::make_dir(&config.data_dir)?;
    let own = start::secret_path(config);
    let secret = secret_for(&own, secret)?;
    let answer = start::block_on(async {
        // Held until the end: no server can start on it meanwhile.
        let here = start::open_store(config)?;
        if !transfer::is_empty(&here).await? {
            return Err("the store is not empty: restore into a new data directory".into());
        }
        let beside = tempfile::Builder::new()
            .prefix(start::RESTORE_PREFIX)
            .tempdir_in(&config.data_dir);
        let beside = beside.map_err(|e| format!("{} cannot be written: {e}", config.data_dir.display()))?;
        let read = beside.path().join("read");
        // It becomes the store: its own mode, though it lies in a directory that nobody enters.
        start::make_dir(&read)?;
        let logos = beside.path().join("logos");
        let reached = read_into(from, &secret, &read, &logos)?;
        judge(&reached, says)?;
        // That its tree has to be built is no news.
        let (store, _) = SledStore::open(&read, SledOptions::default()).map_err(|e| e.to_string())?;
        check(&store, &secret).await?;
        let ended = match says {
            Says::Lost { keep_credentials } => {
                let now = SystemClock.now();
                Some(loss::end_everything(&store, now, reached.at, keep_credentials).await?)
            }
            _ => None,
        };
        store.close();
        put_logos(&logos, &start::logos_path(config)).map_err(|e| format!("the logos cannot be written: {e}"))?;
        if MasterSecret::load(&own).map_err(|e| e.to_string())?.is_none() {
            secret.save(&own).map_err(|e| e.to_string())?;
        }
        put_in_place(&read, &start::store_path(config), beside.path())?;
        drop(here);
        Ok(json!({
            "commit": reached.seq.0,
            "of": reached.at.to_string(),
            "data_dir": config.data_dir,
            "closed": reached.closed,
            "missing": reached.missing,
            "notes": reached.notes,
            "ended": ended,
            "next": next(says),
        }))
    })?;
    output.answer(&answer);
    Ok(())
}

/// The one named, or the one in the data directory; where both are there, they must be the same.
fn secret_for(own: &Path, named: Option<&Path>) -> Result<MasterSecret, String> {
    let existing = MasterSecret::load(own).map_err(|e| e.to_string())?;
    let Some(named) = named else {
        return existing.ok_or_else(|| {
            format!(
                "{} is missing: put there the secret of the backup, or name its file with --secret",
                own.display()
            )
        });
    };
    let given = MasterSecret::load(named).map_err(|e| e.to_string())?;
    let given = given.ok_or_else(|| format!("{} does not exist", named.display()))?;
    match existing {
        Some(existing) if existing.fingerprint() != given.fingerprint() => Err(format!(
            "{} is another secret than {}: nothing is overwritten; put it away first",
            own.display(),
            named.display()
        )),
        _ => Ok(given),
    }
}

/// Makes a store in `dir`, which is empty, of what is there. It is nobody's until it is put in its place.
pub(super) fn read_into(from: &Path, secret: &MasterSecret, dir: &Path, logos: &Path) -> Result<Reached, String> {
    let mut target = Target {
        filling: Filling::begin(dir, &SystemRandom)?,
        logos: logos.to_owned(),
    };
    let reached = read_all(from, secret, &mut target)?;
    target.filling.finish(reached.seq)?;
    Ok(reached)
}

struct Target {
    filling: Filling,
    logos: PathBuf,
}

impl Sink for Target {
    fn records(&mut self, rows: Vec<(Key, Stored)>) -> Result<(), String> {
        self.filling.records(&rows)
    }

    fn logo(&mut self, name: &str, png: &[u8]) -> Result<(), String> {
        let written = fs::create_dir_all(&self.logos).and_then(|()| {
            let mut file = File::create_new(self.logos.join(format!("{name}.png")))?;
            file.write_all(png)?;
            file.sync_all()
        });
        written.map_err(|e| format!("a logo cannot be written: {e}"))
    }

    fn commits(&mut self, first: Seq, commits: Vec<Vec<Write>>) -> Result<(), String> {
        self.filling.commits(first, &commits)
    }
}

fn read_all(from: &Path, secret: &MasterSecret, target: &mut Target) -> Result<Reached, String> {
    if from == Path::new("-") {
        return chain::read_backup(io::stdin().lock(), "on standard input", secret, target);
    }
    if from.is_dir() {
        let chosen = chain::choose(from, secret)?;
        return chain::read_chosen(chosen, secret, target);
    }
    let name = from.display().to_string();
    let file = File::open(from).map_err(|e| format!("{name} cannot be opened: {e}"))?;
    chain::read_backup(BufReader::with_capacity(256 * 1024, file), &name, secret, target)
}

/// Whether what was reached may be served, given what the operator says.
fn judge(reached: &Reached, says: Says) -> Result<(), String> {
    if reached.header.records_format > FORMAT {
        return Err(format!(
            "the backup holds records of format {}, which a newer grantd wrote; this one reads up to format {FORMAT}: \
             use the newer one",
            reached.header.records_format
        ));
    }
    let (seq, at) = (reached.seq.0, reached.at);
    let accept = "with --accept-loss it is restored up to there, and whatever may have been revoked, rotated or used \
                  since is ended: every token and session, every client secret, every password";
    match says {
        Says::Lost { .. } => Ok(()),
        _ if !reached.missing.is_empty() => Err(format!(
            "there is a gap after commit {seq}, of {at}: {}. Put the missing files back; {accept}",
            reached.missing.join("; ")
        )),
        Says::NothingLost => Ok(()),
        // That it was closed says nothing of what came later: another start may not have reached the directory.
        Says::Nothing => Err(format!(
            "the last commit there is {seq}, of {at}, {}: what was revoked since would be good again. Where nothing \
             was written after it, by a server or a command, say --nothing-lost; else {accept}",
            if reached.closed {
                "when the store was closed in order"
            } else {
                "and nothing says that none came after it"
            }
        )),
    }
}

async fn check(store: &SledStore, secret: &MasterSecret) -> Result<(), String> {
    let settings = load::<Settings>(store, &keys::settings()).await?;
    let settings = settings.ok_or("the backup holds no settings record: it is of an empty store")?;
    if !secret.knows(&settings.secret_fingerprint) {
        return Err("the records were made with another master secret than the backup".into());
    }
    Ok(())
}

/// Each is named after what it shows: one that is there already is the same.
fn put_logos(from: &Path, to: &Path) -> io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::rename(entry.path(), to.join(entry.file_name()))?;
    }
    disk::sync_dir(to)
}

/// The empty store and the one read change places, at once where the file system can.
fn put_in_place(read: &Path, place: &Path, beside: &Path) -> Result<(), String> {
    let cwd = rustix::fs::CWD;
    let exchanged = rustix::fs::renameat_with(cwd, read, cwd, place, rustix::fs::RenameFlags::EXCHANGE);
    exchanged
        .map_err(io::Error::from)
        .or_else(|_| fs::rename(place, beside.join("empty")).and_then(|()| fs::rename(read, place)))
        .and_then(|()| disk::sync_dir(place.parent().unwrap_or(Path::new("."))))
        .map_err(|e| format!("{} cannot be put in place: {e}", place.display()))
}

fn next(says: Says) -> String {
    let Says::Lost { keep_credentials } = says else {
        return "grantd serve".into();
    };
    let again = "before it serves, do again what took something away since: users and apps disabled, members removed, \
                 roles and policies changed; then `grantd serve`";
    if keep_credentials {
        return again.into();
    }
    format!("{again}. `grantd user reset EMAIL` lets the first person in")
}
