//! The program: everything it does stands in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    grantd::cli::run(std::env::args().skip(1).collect())
}
