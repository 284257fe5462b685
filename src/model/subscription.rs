//! Where a grant wants to be told of its payments: one webhook subscription, for as long as the grant is remembered.
//!
//! It is never removed. Switched off it still says where what was made under it is told, and with which secret; an
//! installation that is reset names all that it ever had.

use crate::base::master::{KeyedDigest, Sealed};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub const EVENTS_MAX: usize = 5;
pub const EVENT_BYTES_MAX: usize = 100;
pub const DESCRIPTION_CHARS_MAX: usize = 300;
pub const METADATA_BYTES_MAX: usize = 1024;
/// How long the same key gets the same answer.
pub const REPLAYED_FOR: Duration = Duration::from_secs(10 * 60);
/// How long it is known that there was one.
pub const RECEIPT_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Of one owner.
pub const RECEIPTS_MAX: u32 = 200;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// A UUID, the same as long as the grant is the same.
    pub id: String,
    pub organization: String,
    /// [`owner_of_grant`]; or an API key or token, which has no grant and stands for one.
    pub owner: String,
    /// The app that acts under the grant.
    pub client_id: Option<String>,
    pub url: String,
    /// Patterns of types, `*` at the end of one for all that begin so.
    pub events: Vec<String>,
    pub active: bool,
    pub description: Option<String>,
    /// A JSON object, as it was sent.
    pub metadata: String,
    /// Sealed, not digested: every attempt is signed with it.
    pub secret: Sealed,
    /// The end of the secret, by which people tell it from another.
    pub last4: String,
    pub secret_created_at: Timestamp,
    pub secret_updated_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A grant, as what was made under it remembers its maker.
pub fn owner_of_grant(grant: &str) -> String {
    format!("grant:{grant}")
}

impl Subscription {
    pub const fn status(&self) -> &'static str {
        if self.active { "active" } else { "disabled" }
    }

    pub fn wants(&self, kind: &str) -> bool {
        self.events.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => pattern == kind,
        })
    }

    /// Address and secret stay.
    pub fn disabled(&self, now: Timestamp) -> Self {
        Self {
            active: false,
            updated_at: now,
            ..self.clone()
        }
    }
}

impl Record for Subscription {
    fn key(&self) -> Key {
        keys::subscription(&self.organization, &self.owner)
    }

    fn index_keys(&self) -> Vec<Key> {
        let of_client = self.client_id.iter();
        of_client
            .map(|client_id| keys::subscription_of_client(client_id, &self.id))
            .collect()
    }
}

/// The answer to a change with an `Idempotency-Key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubscriptionReceipt {
    pub organization: String,
    pub owner: String,
    /// Digest of the key.
    pub key: KeyedDigest,
    /// Digest of the request that came with it.
    pub request: KeyedDigest,
    /// The key that the caller's token is bound to.
    pub jkt: Option<String>,
    /// Sealed: it may hold the secret that was shown once.
    pub body: Sealed,
    pub made_at: Timestamp,
}

impl Record for SubscriptionReceipt {
    fn key(&self) -> Key {
        keys::subscription_receipt(&self.organization, &self.owner, &self.key)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.made_at + RECEIPT_KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::master::{MasterSecret, Purpose};
    use crate::base::random::SeededRandom;
    use crate::store::Batch;

    fn subscription() -> Subscription {
        let random = SeededRandom::new(1);
        let secret = MasterSecret::generate(&random).seal(Purpose::WebhookSecret, b"place", &[b's'; 60], &random);
        let now = Timestamp::from_seconds(1_767_225_600);
        Subscription {
            id: "0b4a7c1e-3f5d-4b8a-9c2e-1d6f8a0b3c5d".into(),
            organization: "849".into(),
            owner: owner_of_grant("g_1"),
            client_id: Some("mco_app_1".into()),
            url: "https://shop.example/hooks".into(),
            events: vec!["shop.payment.*".into()],
            active: true,
            description: None,
            metadata: "{}".into(),
            secret,
            last4: "abcd".into(),
            secret_created_at: now,
            secret_updated_at: now,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_pattern_takes_a_type_or_all_that_begin_alike() {
        let with = |pattern: &str| Subscription {
            events: vec![pattern.into()],
            ..subscription()
        };
        for (pattern, kind, wants) in [
            ("shop.payment.*", "shop.payment.changed", true),
            ("shop.payment.*", "shop.payments", false),
            ("shop.payment.changed", "shop.payment.changed", true),
            ("shop.payment.changed", "shop.payment.changed_back", false),
        ] {
            assert_eq!(with(pattern).wants(kind), wants, "{pattern} {kind}");
        }
    }

    #[test]
    fn the_largest_one_fits_into_a_record() {
        let largest = Subscription {
            url: "u".repeat(crate::model::endpoint::URL_BYTES_MAX),
            events: vec!["e".repeat(EVENT_BYTES_MAX); EVENTS_MAX],
            description: Some("\u{1F600}".repeat(DESCRIPTION_CHARS_MAX)),
            metadata: "m".repeat(METADATA_BYTES_MAX),
            ..subscription()
        };
        let mut batch = Batch::new();
        batch.insert(&largest).unwrap();
        assert_eq!(batch.validate(), Ok(()));
    }

    #[test]
    fn switched_off_it_keeps_address_and_secret() {
        let (on, later) = (subscription(), Timestamp::from_seconds(1_767_225_700));
        let off = on.disabled(later);
        assert_eq!((off.active, off.status(), off.updated_at), (false, "disabled", later));
        assert_eq!(
            Subscription {
                active: true,
                updated_at: on.updated_at,
                ..off
            },
            on
        );
    }
}
