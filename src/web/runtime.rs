//! The threads that a server runs on.

use std::thread;
use tokio::runtime::{Builder, Runtime};

/// A thread for each core. Where there is one core, handing work from thread to thread would
/// only cost time.
pub fn runtime() -> Result<Runtime, String> {
    let one_core = thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut builder = if one_core {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    let runtime = builder.enable_all().build();
    runtime.map_err(|e| format!("no runtime could be started: {e}"))
}
