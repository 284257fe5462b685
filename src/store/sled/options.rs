//! How a store is to be run.

use crate::base::random::{Random, SystemRandom};
use crate::store::disk::{Disk, SystemDisk};
use std::path::PathBuf;
use std::sync::Arc;

/// The exit code of a process whose store failed: nothing it says after that could be relied on.
pub const EXIT_CODE_FATAL: i32 = 74;
/// Called with a sentence when a write, sync or apply failed. It should not return; if it does, the store is closed.
pub type FatalHook = Arc<dyn Fn(&str) + Send + Sync>;

#[derive(Clone)]
pub struct SledOptions {
    /// The length of a journal file, allocated when it is begun.
    pub segment_bytes: u64,
    /// A longer journal forces an export, after which old files go.
    pub journal_bytes_max: u64,
    /// Memory for cached pages of the tree.
    pub cache_bytes: u64,
    /// With less free space than this, new records are refused.
    pub floor_bytes: u64,
    /// Set aside on the disk for revocations once free space is below the floor.
    pub reserve_bytes: u64,
    /// Commits that may wait; further ones are `Unavailable`.
    pub queue_commits_max: usize,
    /// Opening the tree may take this long before it counts as broken.
    pub tree_open_seconds_max: u64,
    /// Readers of the change feed by name: until each has said where it is, the journal forgets nothing.
    pub readers: Vec<String>,
    /// Tells one start of the machine from the next.
    pub boot_id_path: PathBuf,
    pub fatal: FatalHook,
    pub disk: Arc<dyn Disk>,
    pub random: Arc<dyn Random>,
}

impl Default for SledOptions {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            segment_bytes: 16 * MIB,
            journal_bytes_max: 256 * MIB,
            cache_bytes: 8 * MIB,
            floor_bytes: 64 * MIB,
            reserve_bytes: 64 * MIB,
            queue_commits_max: 4096,
            tree_open_seconds_max: 60,
            readers: Vec::new(),
            boot_id_path: "/proc/sys/kernel/random/boot_id".into(),
            fatal: Arc::new(|why| {
                log::error!("{why}; the process ends so that nothing uncertain is answered");
                std::process::exit(EXIT_CODE_FATAL);
            }),
            disk: Arc::new(SystemDisk),
            random: Arc::new(SystemRandom),
        }
    }
}
