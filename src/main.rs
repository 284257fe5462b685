//! The program: everything it does stands in the library.

use mimalloc::MiMalloc;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    grantd::cli::run(std::env::args().skip(1).collect())
}
