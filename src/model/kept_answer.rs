//! The answer to a call of the JSON API with an `Idempotency-Key`, kept so that the call happens once
//! (draft-ietf-httpapi-idempotency-key-header §2).

use crate::base::master::{KeyedDigest, Sealed};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long the same key means the same call.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Of a body before it is sealed.
pub const BODY_BYTES_MAX: usize = 6 * 1024;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptAnswer {
    pub user: String,
    /// Digest of the key and of the route it was sent to.
    pub key: KeyedDigest,
    /// Digest of the body that came with it.
    pub request: KeyedDigest,
    /// Status and body; `None` while the call goes on, or when nobody knows how it ended.
    pub answer: Option<(u16, Sealed)>,
    pub expires_at: Timestamp,
}

impl Record for KeptAnswer {
    fn key(&self) -> Key {
        keys::kept_answer(&self.user, &self.key)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::master::{MasterSecret, Purpose};
    use crate::base::random::SeededRandom;
    use crate::store::Batch;

    #[test]
    fn the_longest_answer_fits_into_one_record() {
        let random = SeededRandom::new(1);
        let secret = MasterSecret::generate(&random);
        let digest = secret.digest(Purpose::IdempotencyKey, b"key");
        let body = secret.seal(Purpose::Receipt, b"place", &[0; BODY_BYTES_MAX], &random);
        let kept = KeptAnswer {
            user: "u".repeat(40),
            key: digest,
            request: digest,
            answer: Some((201, body)),
            expires_at: Timestamp::from_millis(u64::MAX),
        };
        let mut batch = Batch::new();
        batch.insert(&kept).unwrap();
        assert_eq!(batch.validate(), Ok(()));
    }
}
