//! Events, and the chain over them.

use super::{AUDIT_BLOCK, AUDIT_CHAIN, EVENT, key, numbered};
use crate::base::time::Timestamp;
use crate::store::Key;

pub fn event(at: Timestamp, event: &str) -> Key {
    numbered(EVENT, at.millis(), event)
}

pub fn events() -> Key {
    key(EVENT, &[])
}

/// The number a key begins with behind its space, where it is a time.
pub fn time_in_key(key: &Key) -> Option<Timestamp> {
    let number: [u8; 8] = key.0.get(1..9)?.try_into().ok()?;
    Some(Timestamp::from_millis(u64::from_be_bytes(number)))
}

/// When an event happened, and its id; `None` for keys of anything else.
pub fn event_at(key: &Key) -> Option<(Timestamp, &str)> {
    let name = key.0.strip_prefix(&[EVENT])?.get(8..)?.strip_suffix(&[0])?;
    Some((time_in_key(key)?, str::from_utf8(name).ok()?))
}

pub fn audit_block(number: u64) -> Key {
    let mut key = audit_blocks();
    key.0.extend_from_slice(&number.to_be_bytes());
    key
}

pub fn audit_blocks() -> Key {
    key(AUDIT_BLOCK, &[])
}

pub fn audit_chain() -> Key {
    key(AUDIT_CHAIN, &[])
}
