//! The one thing a backend must be: an ordered map of bytes with atomic, conditional batches.
//!
//! Every decision of the product is one [`Batch`]: the checks name what it rests on, the writes what it does. A backend
//! is correct when it passes `tests/store.rs`.

pub mod cache;
pub mod codec;
pub mod disk;
pub mod export;
pub mod journal;
pub mod keys;
pub mod memory;
pub mod records;
pub mod sled;

use crate::base::meter::Distribution;
use crate::base::time::Timestamp;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What every verb of a store returns: boxed, so that a store can be chosen at run time.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The number of a commit; the first is 1. A record's version is the `Seq` of the commit that wrote it, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

/// At most [`limits::KEY_BYTES_MAX`] bytes, compared as bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key(pub Vec<u8>);

/// A record as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    pub value: Arc<[u8]>,
    pub version: Seq,
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Check {
    Absent(Key),
    Unchanged(Key, Seq),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// `expires_at` is for [`Store::sweep`] alone: reads and checks ignore it.
    Put {
        key: Key,
        value: Vec<u8>,
        expires_at: Option<Timestamp>,
    },
    Delete {
        key: Key,
    },
}

/// All of it or nothing of it. Checks are judged against the state just before the writes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Batch {
    pub checks: Vec<Check>,
    pub writes: Vec<Write>,
    /// Ends something: accepted even when the disk is full and new records are refused.
    pub revokes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Durable: it survives a power cut from here on.
    Committed(Seq),
    /// A check did not hold; nothing was written.
    Conflict,
}

/// One commit as the change feed tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub seq: Seq,
    pub writes: Vec<Write>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreError {
    /// Nothing happened; trying again later may help.
    Unavailable(String),
    /// It may or may not have happened.
    Unknown(String),
    /// No room for new records; reads, deletes and revocations still work.
    Full,
    /// What was read is not what was written.
    Corrupt(String),
    /// The batch is beyond the limits; nothing was written. The sentence names the limit.
    TooLarge(String),
    /// The change feed no longer reaches back that far.
    Gone { oldest: Seq },
}

/// An ordered map of bytes with atomic, conditional batches. A backend is correct when it passes `tests/store.rs`.
pub trait Store: Send + Sync + 'static {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>>;
    /// Records whose key starts with `prefix`, in order, strictly after `after`; at most `limit` of them.
    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>>;
    fn commit(&self, batch: Batch) -> Reply<'_, Outcome>;
    /// Commits after `after`, gapless and in order; at most `limit` of them.
    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>>;
    /// Deletes at most `limit` records whose `expires_at` has passed; returns how many. Never needed for correctness.
    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32>;
    /// A number that has grown whenever a commit that wrote under `key` has been answered: while it stays the same, so
    /// does what was read there after asking for it. `None` from a store that would have to ask elsewhere.
    fn settled(&self, _key: &Key) -> Option<Seq> {
        None
    }
    /// A reader of the change feed has dealt with everything up to `seq`: what follows must stay.
    fn reader_at(&self, _name: &str, _seq: Seq) {}
    /// How it stands, for whoever watches; `None` from a store that has nothing to tell. May read the disk.
    fn measured(&self) -> Option<Measured> {
        None
    }
}

/// What a store tells of itself: counts since it was opened, and sizes as they are now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Measured {
    pub commits: u64,
    /// Commits that became durable together, one sync for all of them.
    pub group_commits: Distribution,
    /// How long a sync took, in microseconds.
    pub sync_us: Distribution,
    /// Commits that wait for a group to be written.
    pub waiting: u64,
    pub journal_bytes: u64,
    /// Everything below its directory.
    pub disk_bytes: u64,
    /// The last commit that is durable.
    pub durable: Seq,
    /// New records are being refused for want of space.
    pub full: bool,
}

/// The intersection of what all engines can hold.
pub mod limits {
    pub const CHECKS_MAX: usize = 64;
    pub const WRITES_MAX: usize = 64;
    pub const BATCH_BYTES_MAX: usize = 256 * 1024;
    pub const KEY_BYTES_MAX: usize = 256;
    pub const VALUE_BYTES_MAX: usize = 7 * 1024;
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses what any engine could not hold, with a sentence. Every backend calls this before it writes anything.
    pub fn validate(&self) -> Result<(), StoreError> {
        let over = |what: &str, is: usize, max: usize| {
            Err(StoreError::TooLarge(format!(
                "{what} is {is}, more than the {max} a batch may hold"
            )))
        };
        if self.checks.len() > limits::CHECKS_MAX {
            return over("the number of checks", self.checks.len(), limits::CHECKS_MAX);
        }
        if self.writes.len() > limits::WRITES_MAX {
            return over("the number of writes", self.writes.len(), limits::WRITES_MAX);
        }
        for check in &self.checks {
            let (Check::Absent(key) | Check::Unchanged(key, _)) = check;
            key.validate()?;
        }
        for write in &self.writes {
            let (key, value_bytes) = write.parts();
            key.validate()?;
            if value_bytes > limits::VALUE_BYTES_MAX {
                return over("a value's length in bytes", value_bytes, limits::VALUE_BYTES_MAX);
            }
        }
        let bytes = self.size_bytes();
        if bytes > limits::BATCH_BYTES_MAX {
            return over("the batch's size in bytes", bytes, limits::BATCH_BYTES_MAX);
        }
        Ok(())
    }

    /// Keys and values together.
    pub fn size_bytes(&self) -> usize {
        let checks = self
            .checks
            .iter()
            .map(|(Check::Absent(key) | Check::Unchanged(key, _))| key.0.len());
        let writes = self
            .writes
            .iter()
            .map(|write| write.parts().0.0.len() + write.parts().1);
        checks.sum::<usize>() + writes.sum::<usize>()
    }
}

impl Write {
    /// The key, and the length of the value in bytes.
    fn parts(&self) -> (&Key, usize) {
        match self {
            Self::Put { key, value, .. } => (key, value.len()),
            Self::Delete { key } => (key, 0),
        }
    }
}

impl Key {
    fn validate(&self) -> Result<(), StoreError> {
        if self.0.is_empty() || self.0.len() > limits::KEY_BYTES_MAX {
            let is = self.0.len();
            let max = limits::KEY_BYTES_MAX;
            return Err(StoreError::TooLarge(format!(
                "a key of {is} bytes; keys have 1 to {max}"
            )));
        }
        Ok(())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0.escape_ascii())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the store is unavailable: {why}"),
            Self::Unknown(why) => write!(f, "it is unknown whether the write happened: {why}"),
            Self::Full => write!(
                f,
                "the disk is full: only reads and revocations are accepted until there is room"
            ),
            Self::Corrupt(what) => write!(f, "the store is damaged: {what}"),
            Self::TooLarge(what) => write!(f, "beyond the store's limits: {what}"),
            Self::Gone { oldest } => write!(f, "the change feed begins at {}", oldest.0),
        }
    }
}

impl std::error::Error for StoreError {}

/// So that a command can answer with the sentence.
impl From<StoreError> for String {
    fn from(error: StoreError) -> Self {
        error.to_string()
    }
}
