//! `faults.c` around the program: its system calls fail when a test says so. And `cut.c`, which stops a file system.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
static CUT: OnceLock<PathBuf> = OnceLock::new();

/// A C compiler is there wherever the program can be built.
fn compiled(source: &str, flags: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let made = folder.join(format!("{source}.{}", std::process::id()));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let built = Command::new(compiler)
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&made)
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/campaign")
                .join(source),
        )
        .args(flags)
        .status();
    assert!(built.expect("a C compiler").success());
    let there = folder.join(source).with_extension("built");
    std::fs::rename(made, &there).expect("moved into place");
    there
}

/// The program with faults below `dir`; `faults` are the variables of `faults.c`.
pub fn around(mut command: Command, dir: &Path, faults: &[(&str, &str)]) -> Command {
    let library = LIBRARY.get_or_init(|| compiled("faults.c", &["-shared", "-fPIC", "-ldl"]));
    command
        .env("LD_PRELOAD", library)
        .env("FAULT_DIR", dir)
        .envs(faults.iter().copied());
    command
}

/// Stops the file system that is mounted there, without writing anything more to its disk.
pub fn cut(mount: &Path) {
    let cut = CUT.get_or_init(|| compiled("cut.c", &[]));
    let done = Command::new(cut).arg(mount).status();
    assert!(done.expect("it runs").success(), "{}", mount.display());
}
