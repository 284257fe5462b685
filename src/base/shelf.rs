//! Texts kept for a while in memory: bounded, gone after a restart.

use super::digest::sha256;
use super::random::{self, Random};
use super::time::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Hands out a name for a text and the text for the name. When it is full the oldest texts leave.
pub struct Shelf {
    bytes_max: usize,
    inner: Mutex<Inner>,
}

/// Names are random and looked up by digest: how long a look-up takes tells nothing about the names there are.
type Digest = [u8; 32];

#[derive(Default)]
struct Inner {
    texts: HashMap<Digest, (String, Timestamp)>,
    /// The oldest first.
    order: VecDeque<Digest>,
    bytes: usize,
}

impl Shelf {
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            inner: Mutex::default(),
        }
    }

    /// The name of `text`, good until `expires_at`. A text larger than the shelf is not found again.
    pub fn put(&self, text: String, expires_at: Timestamp, random: &dyn Random) -> String {
        let name = random::token::<24>(random);
        let digest = sha256(name.as_bytes());
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += weight(&text);
        inner.texts.insert(digest, (text, expires_at));
        inner.order.push_back(digest);
        while inner.bytes > self.bytes_max {
            let Some(oldest) = inner.order.pop_front() else { break };
            if let Some((text, _)) = inner.texts.remove(&oldest) {
                inner.bytes -= weight(&text);
            }
        }
        name
    }

    pub fn get(&self, name: &str, now: Timestamp) -> Option<String> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, expires_at) = inner.texts.get(&sha256(name.as_bytes()))?;
        (now < *expires_at).then(|| text.clone())
    }
}

/// The text and what remembering it costs.
fn weight(text: &str) -> usize {
    text.len() + 2 * size_of::<Digest>() + size_of::<(String, Timestamp)>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn a_text_is_found_by_its_name_until_it_expires() {
        let (shelf, random) = (Shelf::new(1000), SeededRandom::new(1));
        let name = shelf.put("one".into(), Timestamp::from_seconds(10), &random);
        let other = shelf.put("two".into(), Timestamp::from_seconds(10), &random);
        assert_ne!(name, other);
        assert_eq!(shelf.get(&name, Timestamp::from_seconds(9)).as_deref(), Some("one"));
        assert_eq!(shelf.get(&other, Timestamp::from_seconds(9)).as_deref(), Some("two"));
        assert_eq!(shelf.get(&name, Timestamp::from_seconds(10)), None);
        assert_eq!(shelf.get("", Timestamp::default()), None);
    }

    #[test]
    fn what_is_full_forgets_the_oldest_and_never_grows() {
        let (shelf, random) = (Shelf::new(2000), SeededRandom::new(1));
        let put = |_| shelf.put("x".repeat(500), Timestamp::from_seconds(10), &random);
        let names: Vec<String> = (0..50).map(put).collect();
        let there = |name: &&String| shelf.get(name, Timestamp::default()).is_some();
        assert_eq!(names.iter().filter(there).count(), 3);
        assert!(names[47..].iter().all(|name| there(&name)));
        shelf.put("x".repeat(3000), Timestamp::from_seconds(10), &random);
        assert_eq!(shelf.inner.lock().unwrap().bytes, 0);
    }
}
