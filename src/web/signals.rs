//! How the server is told to end.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How far the end has come; it only ever moves down this list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    #[default]
    Run,
    /// Accept nothing more, answer what has been asked.
    Drain,
    /// End at once.
    Now,
}

impl Stop {
    /// What one more SIGTERM or SIGINT makes of it.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Run => Self::Drain,
            Self::Drain | Self::Now => Self::Now,
        }
    }
}

/// The process's signals, caught from the moment this exists.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Needs the runtime.
    pub fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Turns SIGTERM and SIGINT into steps of `stop` and SIGHUP into calls of `reload`, until the last step.
    pub async fn follow(mut self, stop: watch::Sender<Stop>, reload: impl Fn() + Send) {
        while *stop.borrow() != Stop::Now {
            tokio::select! {
                _ = self.terminate.recv() => stop.send_modify(|step| *step = step.next()),
                _ = self.interrupt.recv() => stop.send_modify(|step| *step = step.next()),
                _ = self.hangup.recv() => reload(),
            }
        }
    }
}

/// Returns once `step` or a later one is reached. A sender that is gone stands for the last step.
pub(super) async fn reached(stop: &mut watch::Receiver<Stop>, step: Stop) {
    drop(stop.wait_for(|now| *now >= step).await);
}
