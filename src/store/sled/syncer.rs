//! The thread that waits for the disk while the writer goes on.

use crate::store::disk::Disk;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

pub struct Syncer {
    files: SyncSender<Arc<File>>,
    done: Receiver<io::Result<()>>,
}

impl Syncer {
    /// The thread ends when this is dropped.
    pub fn spawn(disk: Arc<dyn Disk>) -> io::Result<Self> {
        let (files, work) = sync_channel::<Arc<File>>(1);
        let (results, done) = sync_channel(1);
        thread::Builder::new().name("store-sync".into()).spawn(move || {
            for file in work {
                if results.send(disk.sync(&file)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { files, done })
    }

    pub fn start(&self, file: Arc<File>) -> Result<(), String> {
        self.files
            .send(file)
            .map_err(|_| "the thread that syncs the journal is gone".to_owned())
    }

    /// Returns when what was started is durable. An error means that it is unknown what is: the process must end.
    pub fn wait(&self) -> Result<(), String> {
        match self.done.recv() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(format!("the journal cannot be synced: {e}")),
            Err(_) => Err("the thread that syncs the journal is gone".to_owned()),
        }
    }
}
