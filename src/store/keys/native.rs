//! The keys of installations, and of what outlives an answer to them.

use super::*;

/// `identity` is a digest.
pub fn installation(platform: &str, identity: &str) -> Key {
    key(INSTALLATION, &[platform, identity])
}

/// Of every platform.
pub fn installations() -> Key {
    key(INSTALLATION, &[])
}

pub fn installations_of(platform: &str) -> Key {
    key(INSTALLATION, &[platform])
}

/// `digest` is that of the `Idempotency-Key`.
pub fn reset_receipt(client_id: &str, digest: &str) -> Key {
    key(RESET_RECEIPT, &[client_id, digest])
}

pub fn reset_ids(client_id: &str, reset: &str, number: u64) -> Key {
    let mut key = all_reset_ids(client_id, reset);
    key.0.extend_from_slice(&number.to_be_bytes());
    key
}

pub fn all_reset_ids(client_id: &str, reset: &str) -> Key {
    key(RESET_IDS, &[client_id, reset])
}

/// The receipt at this place holds a token that this signing key signed.
pub fn receipt_of_key(kid: &str, receipt: &Key) -> Key {
    let mut key = receipts_of_key(kid);
    key.0.extend_from_slice(&receipt.0);
    key
}

pub fn receipts_of_key(kid: &str) -> Key {
    key(RECEIPT_OF_KEY, &[kid])
}
