//! What is durable, and waiting for it: nobody learns of a commit that a power cut could still undo.

use crate::store::{Seq, StoreError};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use tokio::sync::watch;

pub struct Progress {
    /// The last commit that is durable.
    pub durable: AtomicU64,
    /// The last commit of the newest group that deleted something: a record not found may be missing because of it.
    pub deleted: AtomicU64,
    changed: watch::Receiver<u64>,
}

impl Progress {
    pub fn new(durable: u64, changed: watch::Receiver<u64>) -> Self {
        Self {
            durable: AtomicU64::new(durable),
            deleted: AtomicU64::new(0),
            changed,
        }
    }

    pub fn durable(&self) -> Seq {
        Seq(self.durable.load(Ordering::SeqCst))
    }

    /// Until it is durable that a record stands at `version`; that it does not stand, for `None`.
    pub async fn wait(&self, version: Option<Seq>) -> Result<(), StoreError> {
        let seen = version.map_or_else(|| self.deleted.load(Ordering::SeqCst), |version| version.0);
        if seen <= self.durable.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut changed = self.changed.clone();
        let reached = changed.wait_for(|durable| *durable >= seen).await;
        reached
            .map(|_| ())
            .map_err(|_| StoreError::Unavailable("the store is closed".into()))
    }

    /// The same for a thread of its own.
    pub fn wait_blocking(&self, version: Seq) -> Result<(), StoreError> {
        let mut waiting = pin!(self.wait(Some(version)));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match waiting.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread::park(),
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
