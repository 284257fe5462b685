//! The chain over all events: what was written down cannot be changed, removed or put elsewhere without its breaking.
//!
//! Events are gathered into blocks, each bound to the one before by a digest with a key of `data/secret`: who can only
//! write to the store can make none that hold. Of events that were kept long enough the oldest blocks go, and the chain
//! remembers the last of those: its anchor. Who holds the secret too could write a whole new chain; a note of the
//! chain's end, kept elsewhere, shows that.

use super::event::KEPT;
use crate::base::master::{KeyedDigest, MasterSecret, Purpose};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, Seq, keys};
use serde::{Deserialize, Serialize};

/// With all their names and digests a block fits into a record.
pub const BLOCK_EVENTS_MAX: usize = 60;

/// One event: when it happened, its id, and the digest of its record.
pub type Link = (Timestamp, String, KeyedDigest);

/// Where the chain stands; there is one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Chain {
    /// The newest block, and its digest; 0 and nothing before the first one.
    pub newest: Place,
    /// The last block that was let go.
    pub anchor: Place,
    /// Everything up to this commit was looked at.
    pub cursor: u64,
    /// Of all the above.
    seal: KeyedDigest,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    pub number: u64,
    pub digest: Option<KeyedDigest>,
}

/// Some events, in the order in which they were committed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Block {
    /// From 1 on, without a gap.
    pub number: u64,
    /// The block it follows.
    pub before: Place,
    pub chained_at: Timestamp,
    pub links: Vec<Link>,
    /// Of all the above.
    pub digest: KeyedDigest,
}

/// What an event is remembered by: its place and every byte of it.
pub fn link(secret: &MasterSecret, at: Timestamp, id: &str, key: &Key, value: &[u8]) -> Link {
    (
        at,
        id.to_owned(),
        secret.digest(Purpose::AuditChain, &of_event(key, value)),
    )
}

/// Whether this is the event as it was.
pub fn is_of(secret: &MasterSecret, link: &Link, key: &Key, value: &[u8]) -> bool {
    secret.verify(Purpose::AuditChain, &of_event(key, value), &link.2)
}

fn of_event(key: &Key, value: &[u8]) -> Vec<u8> {
    let mut bytes = b"event".to_vec();
    push(&mut bytes, &key.0);
    push(&mut bytes, value);
    bytes
}

/// With its length before it, so that no two lists of things make the same bytes.
fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
}

impl Place {
    fn push(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.number.to_be_bytes());
        push(bytes, self.digest.as_ref().map_or(&[][..], |digest| digest.as_bytes()));
    }
}

impl Chain {
    /// Of blocks that are there, or of none.
    pub fn new(secret: &MasterSecret, newest: Place, anchor: Place, cursor: Seq) -> Self {
        let seal = secret.digest(Purpose::AuditChain, &Self::bytes(&newest, &anchor, cursor.0));
        Self {
            newest,
            anchor,
            cursor: cursor.0,
            seal,
        }
    }

    pub fn holds(&self, secret: &MasterSecret) -> bool {
        let bytes = Self::bytes(&self.newest, &self.anchor, self.cursor);
        secret.verify(Purpose::AuditChain, &bytes, &self.seal)
    }

    fn bytes(newest: &Place, anchor: &Place, cursor: u64) -> Vec<u8> {
        let mut bytes = b"chain".to_vec();
        newest.push(&mut bytes);
        anchor.push(&mut bytes);
        bytes.extend_from_slice(&cursor.to_be_bytes());
        bytes
    }

    /// With these events behind, in as many blocks as they need; everything up to `cursor` was looked at.
    pub fn extended(&self, secret: &MasterSecret, links: &[Link], now: Timestamp, cursor: Seq) -> (Self, Vec<Block>) {
        let (mut newest, mut blocks) = (self.newest.clone(), Vec::new());
        for links in links.chunks(BLOCK_EVENTS_MAX) {
            let number = newest.number + 1;
            let bytes = Block::bytes(number, now, links, &newest);
            let digest = secret.digest(Purpose::AuditChain, &bytes);
            let before = std::mem::replace(
                &mut newest,
                Place {
                    number,
                    digest: Some(digest),
                },
            );
            blocks.push(Block {
                number,
                before,
                chained_at: now,
                links: links.to_vec(),
                digest,
            });
        }
        (Self::new(secret, newest, self.anchor.clone(), cursor), blocks)
    }

    /// Without its oldest block.
    pub fn without(&self, secret: &MasterSecret, oldest: &Block) -> Self {
        Self::new(secret, self.newest.clone(), oldest.place(), Seq(self.cursor))
    }
}

impl Block {
    /// Whether it is as it was made, and follows that one.
    pub fn follows(&self, secret: &MasterSecret, before: &Place) -> bool {
        let bytes = Self::bytes(self.number, self.chained_at, &self.links, before);
        self.number == before.number + 1 && secret.verify(Purpose::AuditChain, &bytes, &self.digest)
    }

    pub fn place(&self) -> Place {
        Place {
            number: self.number,
            digest: Some(self.digest),
        }
    }

    /// Every event in it was kept as long as events are.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.links.iter().all(|(at, ..)| *at + KEPT <= now)
    }

    fn bytes(number: u64, chained_at: Timestamp, links: &[Link], before: &Place) -> Vec<u8> {
        let mut bytes = b"block".to_vec();
        before.push(&mut bytes);
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(&chained_at.millis().to_be_bytes());
        for (at, id, digest) in links {
            bytes.extend_from_slice(&at.millis().to_be_bytes());
            push(&mut bytes, id.as_bytes());
            push(&mut bytes, digest.as_bytes());
        }
        bytes
    }
}

impl Record for Chain {
    fn key(&self) -> Key {
        keys::audit_chain()
    }
}

impl Record for Block {
    fn key(&self) -> Key {
        keys::audit_block(self.number)
    }
}
