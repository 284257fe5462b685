//! File systems of a test's own: one that is small, and one that can be stopped. Mounting takes root; where it is not
//! allowed the tests say so and leave it out, and the campaign counts that as failed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Unmounted when dropped.
pub struct Mounted {
    at: PathBuf,
    image: Option<PathBuf>,
}

fn run(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let ended = command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    ended.is_ok_and(|status| status.success())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

impl Mounted {
    /// In memory, of so many bytes. `None` where that is not allowed.
    pub fn small(at: PathBuf, bytes: u64) -> Option<Self> {
        std::fs::create_dir(&at).expect("made");
        let options = format!("size={bytes}");
        run("mount", &["-t", "tmpfs", "-o", &options, "none", text(&at)]).then_some(Self { at, image: None })
    }

    /// A new ext4 in a file.
    pub fn ext4(at: PathBuf, bytes: u64) -> Option<Self> {
        std::fs::create_dir(&at).expect("made");
        let image = at.with_extension("image");
        let file = std::fs::File::create(&image).expect("made");
        file.set_len(bytes).expect("made long");
        let made = run(
            "mkfs.ext4",
            &["-q", "-F", "-E", "lazy_itable_init=1,nodiscard", text(&image)],
        );
        let mounted = Self { at, image: Some(image) };
        (made && mounted.mount()).then_some(mounted)
    }

    fn mount(&self) -> bool {
        let image = self.image.as_deref().expect("it is in a file");
        run("mount", &["-o", "loop", text(image), text(&self.at)])
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.at.join(name)
    }

    /// Stops as a power cut does, and starts again.
    pub fn again(&self) {
        assert!(run("umount", &[text(&self.at)]), "nothing is open there any more");
        assert!(self.mount(), "ext4 recovers by its own journal");
    }

    /// Bytes that could still be allocated.
    pub fn free_bytes(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.at).expect("it is mounted");
        stat.f_bavail * stat.f_frsize
    }

    /// A file of somebody else's that leaves `left` bytes free.
    pub fn fill(&self, left: u64) {
        let file = std::fs::File::create(self.path("filler")).expect("made");
        let bytes = self.free_bytes().saturating_sub(left);
        let flags = rustix::fs::FallocateFlags::empty();
        if bytes > 0 {
            rustix::fs::fallocate(&file, flags, 0, bytes).expect("there is room for it");
        }
    }

    pub fn free(&self) {
        std::fs::remove_file(self.path("filler")).expect("removed");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &[text(&self.at)]);
    }
}
