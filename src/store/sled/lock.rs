//! The lock file: one process per directory, and what is known of how the last one ended.
//!
//! One line, `grantd pid=123 boot=<id> state=open|clean`. The operating system's lock on the file keeps others out; the
//! boot id tells a crash of the process (what it wrote is still in the page cache) from one of the machine.

use super::engine;
use crate::store::disk;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// How the process before this one left the directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Nobody has been here.
    New,
    /// Closed in order, everything synced.
    Clean,
    /// The process ended, the machine did not.
    Crash,
    /// The machine stopped, or it cannot be told.
    Unknown,
}

pub struct Lock {
    file: File,
    boot: String,
    tree: PathBuf,
    clean: bool,
}

impl Lock {
    /// The error is a sentence.
    pub fn take(dir: &Path, tree: PathBuf, boot: String) -> Result<(Self, Ending), String> {
        let path = dir.join("lock");
        let explain = |e: io::Error| format!("the lock file {} cannot be used: {e}", path.display());
        let known = path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = file.map_err(explain)?;
        let locked = file.try_lock();
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(explain)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = field(&text, "pid").unwrap_or("unknown");
                return Err(format!(
                    "another grantd (process {pid}) uses {}; stop it first, or give this one another directory",
                    dir.display()
                ));
            }
            Err(TryLockError::Error(e)) => return Err(explain(e)),
        }
        let ending = match field(&text, "state") {
            None if !known && !tree.exists() => Ending::New,
            Some("clean") => Ending::Clean,
            // Without a boot id one start of the machine looks like the next.
            Some("open") if !boot.is_empty() && field(&text, "boot") == Some(&boot) => Ending::Crash,
            _ => Ending::Unknown,
        };
        Ok((
            Self {
                file,
                boot,
                tree,
                clean: false,
            },
            ending,
        ))
    }

    /// From here on a crash leaves the directory unclean. Must come before the first change to the tree, and after a
    /// tree that is not to be believed has been put away.
    pub fn mark_open(&mut self) -> io::Result<()> {
        self.write("open")
    }

    fn write(&mut self, state: &str) -> io::Result<()> {
        let line = format!("grantd pid={} boot={} state={state}\n", std::process::id(), self.boot);
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_all()
    }

    /// Dropping will say that all ended well. Only for a store whose last commit is in the tree.
    pub fn ended_well(&mut self) {
        self.clean = true;
    }
}

/// Comes after the tree was dropped: see the order of the fields in `SledStore`.
impl Drop for Lock {
    fn drop(&mut self) {
        if !self.clean || !closed(self.tree.clone()) {
            return;
        }
        let marked = disk::sync_tree(&self.tree).and_then(|()| self.write("clean"));
        if let Err(e) = marked {
            log::warn!("the store could not be marked as closed in order, the next start checks it: {e}");
        }
    }
}

/// Waits for the tree to be closed; not for ever, as that is up to sled.
fn closed(tree: PathBuf) -> bool {
    let (sender, done) = channel();
    let waiting = thread::Builder::new().name("store-close".into()).spawn(move || {
        engine::wait_until_closed(&tree);
        sender.send(())
    });
    waiting.is_ok() && done.recv_timeout(CLOSE_LIMIT).is_ok()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}
