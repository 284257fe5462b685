//! The thread that writes groups to the tree while the writer waits for the disk.

use super::Shared;
use super::engine::EngineBatch;
use crate::store::StoreError;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

pub struct Applier {
    batches: Option<SyncSender<EngineBatch>>,
    done: Receiver<Result<(), StoreError>>,
    thread: Option<JoinHandle<()>>,
}

impl Applier {
    pub fn spawn(shared: Arc<Shared>) -> io::Result<Self> {
        let (batches, work) = sync_channel::<EngineBatch>(1);
        let (results, done) = sync_channel(1);
        let thread = thread::Builder::new().name("store-apply".into()).spawn(move || {
            for batch in work {
                if results.send(shared.engine.apply(batch)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            batches: Some(batches),
            done,
            thread: Some(thread),
        })
    }

    pub fn start(&self, batch: EngineBatch) -> Result<(), String> {
        let batches = self.batches.as_ref().ok_or_else(gone)?;
        batches.send(batch).map_err(|_| gone())
    }

    /// Returns when what was started is in the tree. An error means that it is unknown what is: the process must end.
    pub fn wait(&self) -> Result<Result<(), StoreError>, String> {
        self.done.recv().map_err(|_| gone())
    }
}

/// The thread holds on to the tree: it must be gone before the store may be called closed.
impl Drop for Applier {
    fn drop(&mut self) {
        self.batches.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn gone() -> String {
    "the thread that applies commits to the tree is gone".into()
}
