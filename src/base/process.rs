//! What the system says of this process and of the disk, for whoever watches. Linux tells it under `/proc`; what it
//! does not tell is left out.

use super::time::{Clock as _, SystemClock, Timestamp};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ProcessUse {
    pub resident_bytes: Option<u64>,
    pub descriptors: Option<u64>,
    pub descriptors_max: Option<u64>,
    pub threads: Option<u64>,
}

/// As it is now.
pub fn read() -> ProcessUse {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    ProcessUse {
        resident_bytes: number_after(&status, "VmRSS:").map(|kib| kib * 1024),
        // Without the one that reads the list.
        descriptors: fs::read_dir("/proc/self/fd")
            .ok()
            .map(|open| (open.count() as u64).saturating_sub(1)),
        descriptors_max: number_after(&limits, "Max open files"),
        threads: number_after(&status, "Threads:"),
    }
}

/// When this process began, as far as it remembers: at the first call.
pub fn began() -> Timestamp {
    static BEGAN: OnceLock<Timestamp> = OnceLock::new();
    *BEGAN.get_or_init(|| SystemClock.now())
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The size of the file system a directory lies in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// What an unprivileged process may still use there; `None` where it cannot be asked.
pub fn room(dir: &Path) -> Option<Room> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(Room {
        free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
    })
}

/// The bytes of all files below `dir`, as long as they are; what goes away meanwhile does not count.
pub fn bytes_below(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => bytes_below(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_this_process() {
        let seen = read();
        assert!(seen.resident_bytes.is_some_and(|bytes| bytes > 1024 * 1024), "{seen:?}");
        assert!(seen.descriptors.is_some_and(|open| open >= 3), "{seen:?}");
        assert!(seen.descriptors_max >= seen.descriptors, "{seen:?}");
        assert!(seen.threads.is_some_and(|threads| threads >= 1), "{seen:?}");
        let before = began();
        assert_eq!(began(), before, "it began once");
    }

    #[test]
    fn files_below_a_directory_are_added_up() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("a")).expect("made");
        fs::write(dir.path().join("a/b"), [0; 10]).expect("written");
        fs::write(dir.path().join("c"), [0; 5]).expect("written");
        assert_eq!(bytes_below(dir.path()), 15);
        assert_eq!(bytes_below(&dir.path().join("nowhere")), 0);
        assert!(room(dir.path()).is_some_and(|room| room.total_bytes >= room.free_bytes));
    }
}
