//! What stands under the keys that commits lately asked for or wrote: judging by it spares reading the tree.
//!
//! It must know whatever is not in the tree yet. The rest may be forgotten, and is, in halves: when the young half has
//! grown large it becomes the old one, and what nobody asked for in the meantime goes.

use super::engine::Head;
use crate::store::{Key, Seq};
use std::collections::HashMap;

/// Of each half; what is on its way to the tree may go beyond it.
const HALF_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What an entry takes besides the bytes of its key, about.
const ENTRY_BYTES: usize = 96;

type Half = HashMap<Key, Option<Head>>;

#[derive(Default)]
pub struct Heads {
    young: Half,
    young_bytes: usize,
    old: Half,
    /// No later commit wrote anything in the old half.
    old_last: Seq,
}

impl Heads {
    /// `None` when unknown: what the tree says is right then.
    pub fn get(&mut self, key: &Key) -> Option<Option<Head>> {
        if let Some(head) = self.young.get(key) {
            return Some(*head);
        }
        let (key, head) = self.old.remove_entry(key)?;
        self.add(key, head);
        Some(head)
    }

    pub fn set(&mut self, key: &Key, head: Option<Head>) {
        if let Some(known) = self.young.get_mut(key) {
            *known = head;
            return;
        }
        let key = self.old.remove_entry(key).map_or_else(|| key.clone(), |(key, _)| key);
        self.add(key, head);
    }

    fn add(&mut self, key: Key, head: Option<Head>) {
        self.young_bytes += ENTRY_BYTES + key.0.len();
        self.young.insert(key, head);
    }

    /// Makes room. All commits up to `durable` are in the tree; `last` is the newest one judged.
    pub fn tidy(&mut self, last: Seq, durable: Seq) {
        if self.young_bytes > HALF_BYTES_MAX && self.old_last <= durable {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
            self.old_last = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key(format!("k{number:0100}").into_bytes())
    }

    fn head(version: u64) -> Option<Head> {
        Some(Head {
            version: Seq(version),
            expires_at: None,
        })
    }

    #[test]
    fn what_is_not_durable_is_never_forgotten() {
        let mut heads = Heads::default();
        let durable = Seq(1000);
        for number in 1..=40_000 {
            heads.tidy(Seq(number - 1), durable);
            heads.set(&key(number), head(number));
        }
        for number in durable.0 + 1..=40_000 {
            assert_eq!(heads.get(&key(number)), Some(head(number)), "of commit {number}");
        }
    }

    #[test]
    fn what_is_durable_is_bounded_and_what_is_used_stays() {
        let mut heads = Heads::default();
        for number in 1..=40_000 {
            heads.tidy(Seq(number - 1), Seq(number - 1));
            heads.set(&key(number), None);
            heads.set(&key(number), head(number));
            assert_eq!(heads.get(&key(1)), Some(head(1)));
        }
        let entries = heads.young.len() + heads.old.len();
        assert!(
            entries * (ENTRY_BYTES + 101) <= 2 * (HALF_BYTES_MAX + 1000),
            "{entries} entries"
        );
        assert_eq!(heads.get(&key(2)), None);
        heads.set(&key(39_999), None);
        assert_eq!(heads.get(&key(39_999)), Some(None), "the latest counts");
    }
}
