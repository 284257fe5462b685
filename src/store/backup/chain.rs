//! A backup and the segments shipped after it, read as one: the records, then every commit since, without a gap.

use super::read::{BackupReader, Part, verify};
use super::segments::{self, SegmentReader, Shipped, Stop};
use super::{Header, History, NAME_SUFFIX};
use crate::base::master::MasterSecret;
use crate::base::order;
use crate::base::time::Timestamp;
use crate::store::{Key, Seq, Stored, Write, disk};
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

const HAVE_SECRET: &str = "put that one in data/secret, or name its file with --secret";

/// A backup by its name and header, which may still be damaged further on.
pub struct Listed {
    pub path: PathBuf,
    pub header: Header,
}

/// The backups in `dir`, those that reach furthest first, and a sentence for each file named like one that is none.
pub fn list(dir: &Path) -> io::Result<(Vec<Listed>, Vec<String>)> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.ends_with(NAME_SUFFIX) || name.starts_with('.') {
            continue;
        }
        let name = path.display().to_string();
        let opened = disk::open_plain(&path).map_err(|e| format!("the backup {name} cannot be used: {e}"));
        match opened.and_then(|file| BackupReader::open(BufReader::new(file), &name)) {
            Ok(reader) => found.push(Listed {
                header: reader.header,
                path,
            }),
            Err(why) => faults.push(why),
        }
    }
    // By what they hold: clocks may be wrong.
    order::by_key(&mut found, |listed| {
        std::cmp::Reverse((listed.header.seq, listed.header.made_at))
    });
    Ok((found, faults))
}

/// Removes all but the newest `keep` backups of this history, and the segments that lie before the oldest of them. At
/// least one backup stays, and nothing that another wrote is touched. Call only when the newest is known to be whole.
pub fn retain(dir: &Path, history: History, keep: usize) -> Result<(), String> {
    let failed = |e: io::Error| format!("old backups in {} cannot be removed: {e}", dir.display());
    let (backups, _) = list(dir).map_err(failed)?;
    let own: Vec<_> = backups
        .iter()
        .filter(|backup| backup.header.history() == Some(history))
        .collect();
    for old in own.iter().skip(keep.max(1)) {
        fs::remove_file(&old.path).map_err(failed)?;
    }
    let Some(oldest) = own.iter().take(keep.max(1)).map(|backup| backup.header.seq()).min() else {
        return Ok(());
    };
    let segments = segments::list(dir, &history).map_err(failed)?;
    for (segment, following) in segments.iter().zip(segments.iter().skip(1)) {
        if following.first.0 <= oldest.0 + 1 {
            fs::remove_file(&segment.path).map_err(failed)?;
        }
    }
    Ok(())
}

/// Where records and commits go as they are read.
pub trait Sink {
    /// In the order of their keys, before any commit.
    fn records(&mut self, rows: Vec<(Key, Stored)>) -> Result<(), String>;
    fn logo(&mut self, name: &str, png: &[u8]) -> Result<(), String>;
    /// The next ones after what came before.
    fn commits(&mut self, first: Seq, commits: Vec<Vec<Write>>) -> Result<(), String>;
}

/// How far a chain reached.
#[derive(Clone, Debug)]
pub struct Reached {
    pub header: Header,
    /// The last commit, and when it was in safety at the latest.
    pub seq: Seq,
    pub at: Timestamp,
    /// The store was closed in order after it, and not opened since as far as is known here.
    pub closed: bool,
    /// What is known to be missing, in sentences.
    pub missing: Vec<String>,
    /// What was found damaged and was not needed.
    pub notes: Vec<String>,
}

/// Which backup of a directory to begin with.
#[derive(Debug)]
pub struct Chosen {
    path: PathBuf,
    /// Commits that are known to have been: those of backups that turned out damaged.
    known: Seq,
    notes: Vec<String>,
}

/// The newest whole backup of the history that was written to last. The errors are sentences.
pub fn choose(dir: &Path, secret: &MasterSecret) -> Result<Chosen, String> {
    let (backups, mut notes) = list(dir).map_err(|e| format!("{} cannot be read: {e}", dir.display()))?;
    // Of several lines of commits, as a restore begins another one, only clocks tell which is the later.
    let Some(newest) = backups.iter().max_by_key(|backup| backup.header.made_at) else {
        let why = notes
            .pop()
            .unwrap_or_else(|| format!("there is no backup in {}", dir.display()));
        return Err(why);
    };
    if !secret.knows(&newest.header.secret) {
        return Err(format!(
            "the backup {} was made with another master secret: {HAVE_SECRET}",
            newest.path.display()
        ));
    }
    let history = newest.header.history.clone();
    let known = backups.iter().filter(|backup| backup.header.history == history);
    let known = known.map(|backup| backup.header.seq()).max().unwrap_or_default();
    for backup in backups.iter().filter(|backup| backup.header.history == history) {
        match verify(&backup.path, Some(secret)) {
            Ok(_) => {
                return Ok(Chosen {
                    path: backup.path.clone(),
                    known,
                    notes,
                });
            }
            Err(why) => notes.push(why),
        }
    }
    Err(notes.join("; "))
}

/// Reads the chosen backup and what was shipped after it.
pub fn read_chosen(chosen: Chosen, secret: &MasterSecret, sink: &mut dyn Sink) -> Result<Reached, String> {
    let name = chosen.path.display().to_string();
    let file = disk::open_plain(&chosen.path).map_err(|e| format!("{name} cannot be opened: {e}"))?;
    let mut reached = read_backup(BufReader::with_capacity(256 * 1024, file), &name, secret, sink)?;
    reached.notes = chosen.notes;
    let dir = chosen.path.parent().unwrap_or(Path::new("."));
    let history = reached.header.history().ok_or("the backup's header makes no sense")?;
    let segments = segments::list(dir, &history).map_err(|e| format!("{} cannot be read: {e}", dir.display()))?;
    for segment in segments {
        follow(&segment.path, &history, secret, sink, &mut reached)?;
        if !reached.missing.is_empty() {
            break;
        }
    }
    if reached.seq < chosen.known && reached.missing.is_empty() {
        reached.missing.push(format!(
            "commits {} to {} were in a backup that is damaged",
            reached.seq.0 + 1,
            chosen.known.0
        ));
    }
    if !reached.missing.is_empty() {
        reached.missing.append(&mut reached.notes);
    }
    Ok(reached)
}

/// One backup alone, from a file or a stream.
pub fn read_backup(from: impl Read, name: &str, secret: &MasterSecret, sink: &mut dyn Sink) -> Result<Reached, String> {
    let mut reader = BackupReader::open(from, name)?;
    if !secret.knows(&reader.header.secret) {
        return Err(format!(
            "the backup {name} was made with another master secret: {HAVE_SECRET}"
        ));
    }
    loop {
        match reader.part(Some(secret))? {
            Part::Records(rows) => sink.records(rows)?,
            Part::Logo { name, png } => sink.logo(&name, &png)?,
            Part::End(summary) => {
                return Ok(Reached {
                    seq: summary.header.seq(),
                    at: summary.header.made_at,
                    header: summary.header,
                    closed: false,
                    missing: Vec::new(),
                    notes: Vec::new(),
                });
            }
        }
    }
}

fn follow(
    path: &Path,
    history: &History,
    secret: &MasterSecret,
    sink: &mut dyn Sink,
    reached: &mut Reached,
) -> Result<(), String> {
    // Whatever stands here comes after what said that the store was closed.
    reached.closed = false;
    let mut reader = match SegmentReader::open(path, history) {
        Ok(reader) => reader,
        Err(Stop::End) => return Ok(()),
        Err(Stop::Damaged(why)) => {
            reached.notes.push(why);
            return Ok(());
        }
    };
    loop {
        match reader.next(secret) {
            Ok(Shipped::Closed { seq, at }) => {
                reached.closed = seq == reached.seq;
                reached.at = reached.at.max(at);
            }
            Ok(Shipped::Commits { first, at, commits }) => {
                reached.closed = false;
                let last = Seq(first.0 + commits.len() as u64 - 1);
                if last <= reached.seq {
                    continue;
                }
                if first.0 > reached.seq.0 + 1 {
                    reached.missing.push(format!(
                        "commits {} to {} are missing before those in {}",
                        reached.seq.0 + 1,
                        first.0 - 1,
                        path.display()
                    ));
                    return Ok(());
                }
                let known = (reached.seq.0 + 1 - first.0) as usize;
                sink.commits(Seq(reached.seq.0 + 1), commits.into_iter().skip(known).collect())?;
                (reached.seq, reached.at) = (last, at);
            }
            Err(Stop::End) => return Ok(()),
            Err(Stop::Damaged(why)) => {
                reached.closed = false;
                reached.notes.push(why);
                return Ok(());
            }
        }
    }
}
