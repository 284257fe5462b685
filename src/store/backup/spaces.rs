//! The digest of each key space, made while its records pass by in order.

use super::{Manifest, Space};
use crate::base::digest::base64url;
use crate::store::Key;
use crate::store::keys::SPACES;
use aws_lc_rs::digest::{Context, SHA256};

pub struct Spaces {
    done: Vec<Space>,
    tag: Option<u8>,
    sum: Context,
    records: u64,
    all: u64,
    logos: u64,
    logos_sum: Context,
}

impl Spaces {
    pub fn new() -> Self {
        Self {
            done: Vec::new(),
            tag: None,
            sum: Context::new(&SHA256),
            records: 0,
            all: 0,
            logos: 0,
            logos_sum: Context::new(&SHA256),
        }
    }

    /// `row` is the record as it stands in a block.
    pub fn record(&mut self, key: &Key, row: &[u8]) {
        let tag = key.0.first().copied();
        if tag != self.tag {
            self.end();
            self.tag = tag;
        }
        self.sum.update(row);
        self.records += 1;
        self.all += 1;
    }

    pub fn logo(&mut self, payload: &[u8]) {
        self.logos += 1;
        self.logos_sum.update(payload);
    }

    fn end(&mut self) {
        if let Some(tag) = self.tag.take() {
            let sum = std::mem::replace(&mut self.sum, Context::new(&SHA256));
            let space = SPACES.iter().find(|(known, _)| *known == tag);
            self.done.push(Space {
                space: space.map_or_else(|| format!("0x{tag:02x}"), |(_, name)| (*name).to_owned()),
                records: std::mem::take(&mut self.records),
                digest: base64url(sum.finish()),
            });
        }
    }

    pub fn finish(mut self) -> Manifest {
        self.end();
        Manifest {
            records: self.all,
            spaces: self.done,
            logos: self.logos,
            logos_digest: base64url(self.logos_sum.finish()),
        }
    }
}
