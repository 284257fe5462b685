//! How often something was tried that could be guessed, or asked for that somebody else would get: counted in the
//! store, by conditional writes, so that neither many requests at once nor a restart give more of it.

use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attempts {
    /// Of what is tried and by or for whom.
    pub digest: KeyedDigest,
    pub count: u32,
    /// From then on they are forgotten.
    pub until: Timestamp,
}

impl Attempts {
    pub fn none(digest: KeyedDigest, now: Timestamp) -> Self {
        Self {
            digest,
            count: 0,
            until: now,
        }
    }

    /// One more, or how long to wait when there were `max` within `window`.
    pub fn another(&self, max: u32, window: Duration, now: Timestamp) -> Result<Self, Duration> {
        if now >= self.until {
            return Ok(Self {
                count: 1,
                until: now + window,
                ..self.clone()
            });
        }
        if self.count >= max {
            return Err(self.until.since(now));
        }
        Ok(Self {
            count: self.count + 1,
            ..self.clone()
        })
    }
}

impl Record for Attempts {
    fn key(&self) -> Key {
        keys::attempts(&self.digest)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}
