//! Room on the disk, judged before anything is written.
//!
//! A reserve file holds blocks nobody else can take. When free space falls below the floor it is given up, so that
//! revocations, sweep and a restart still have room, and nothing new is accepted; once there is room for the reserve
//! again it is made anew and service goes on by itself.

use crate::store::disk::Disk;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub struct Space {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    floor_bytes: u64,
    reserve_bytes: u64,
    full: bool,
}

impl Space {
    /// Makes the reserve if there is room for it.
    pub fn new(dir: &Path, disk: Arc<dyn Disk>, floor_bytes: u64, reserve_bytes: u64) -> io::Result<Self> {
        let mut space = Self {
            dir: dir.to_owned(),
            disk,
            floor_bytes,
            reserve_bytes,
            full: false,
        };
        let reserved = fs::metadata(space.reserve()).is_ok_and(|m| m.len() >= reserve_bytes);
        let free = space.disk.free_bytes(dir)?;
        if free < floor_bytes || (!reserved && space.make_reserve(free).is_err()) {
            space.give_up(free);
        }
        Ok(space)
    }

    fn reserve(&self) -> PathBuf {
        self.dir.join("reserve")
    }

    /// Whether new records must be refused now.
    pub fn is_full(&mut self) -> bool {
        let Ok(free) = self.disk.free_bytes(&self.dir) else {
            return self.full;
        };
        if !self.full && free < self.floor_bytes {
            self.give_up(free);
        } else if self.full && self.make_reserve(free).is_ok() {
            log::warn!("there is room on the disk again ({free} bytes): new records are accepted");
            self.full = false;
        }
        self.full
    }

    pub fn give_up(&mut self, free: u64) {
        self.full = true;
        // Its absence is as good; anything else shows when the room is needed.
        let _ = fs::remove_file(self.reserve());
        log::error!(
            "the disk is full ({free} bytes left for {}): only reads and revocations are accepted until there are {} \
             bytes free",
            self.dir.display(),
            self.wanted_bytes()
        );
    }

    /// Above the floor with the reserve made, and some way above it so that the state does not flap.
    fn wanted_bytes(&self) -> u64 {
        self.floor_bytes + self.reserve_bytes + self.reserve_bytes / 4
    }

    fn make_reserve(&self, free: u64) -> io::Result<()> {
        if free < self.wanted_bytes() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let path = self.reserve();
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        self.disk.allocate(&file, self.reserve_bytes).inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })
    }
}
