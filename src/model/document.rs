//! What the sandbox keeps: documents of collections, how many there are, and the answers to keyed calls.

use crate::base::digest::{base64url, sha256};
use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Of a document, as JSON.
pub const CONTENT_BYTES_MAX: usize = 6 * 1024;
/// Documents of one collection of one organization.
pub const COLLECTION_MAX: u32 = 1000;
/// Documents of one organization.
pub const ORGANIZATION_MAX: u32 = 5000;
/// Answers kept for one organization, counted by the day.
pub const ANSWERS_MAX: u32 = 5000;
/// How long a document stays after its last change.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long the same key means the same call.
pub const ANSWER_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How often what has gone by itself is looked for.
const COUNTED_EVERY: Duration = Duration::from_secs(60);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Document {
    pub organization: String,
    pub collection: String,
    /// Sorts by age, the newest first; of a collection that is one document, a word.
    pub id: String,
    /// Who made it: a grant, an app or another credential.
    pub owner: String,
    /// JSON.
    pub content: String,
    /// What no other document of the collection has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<String>,
    /// Whether its id alone finds it: it has a page.
    #[serde(default)]
    pub has_page: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Document {
    /// As far as anybody is told: the sweep comes later.
    pub fn live(&self, now: Timestamp) -> bool {
        now < self.updated_at + KEPT
    }
}

/// What stands in a key for something that may be long, or anything.
pub fn unique_key(text: &str) -> String {
    base64url(sha256(text.as_bytes()))
}

impl Record for Document {
    fn key(&self) -> Key {
        keys::document(&self.organization, &self.collection, &self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        let mut found = Vec::new();
        if let Some(unique) = &self.unique {
            found.push(keys::document_by_unique(&self.organization, &self.collection, unique));
        }
        if self.has_page {
            found.push(keys::document_with_page(&self.id));
        }
        found
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.updated_at + KEPT)
    }
}

/// How many documents an organization has: at least as many as there are, since those that expire are not taken off.
/// Where it says that there is no room they are counted anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tally {
    pub organization: String,
    /// By collection.
    pub documents: BTreeMap<String, u32>,
    /// Collections that were given their samples.
    pub sampled: BTreeSet<String>,
    /// When the documents were last counted one by one.
    pub counted_at: Timestamp,
    /// The day, since 1970, and the answers kept on it.
    pub answers: (u64, u32),
}

impl Tally {
    pub fn new(organization: &str) -> Self {
        Self {
            organization: organization.to_owned(),
            documents: BTreeMap::new(),
            sampled: BTreeSet::new(),
            counted_at: Timestamp::default(),
            answers: (0, 0),
        }
    }

    /// Whether there is room for one more document.
    pub fn has_room(&self, collection: &str) -> bool {
        let here = self.documents.get(collection).copied().unwrap_or_default();
        here < COLLECTION_MAX && self.documents.values().sum::<u32>() < ORGANIZATION_MAX
    }

    pub fn may_be_counted(&self, now: Timestamp) -> bool {
        now.since(self.counted_at) >= COUNTED_EVERY
    }

    pub fn add(&mut self, collection: &str, documents: u32) {
        *self.documents.entry(collection.to_owned()).or_default() += documents;
    }

    pub fn take_off(&mut self, collection: &str) {
        if let Some(count) = self.documents.get_mut(collection) {
            *count = count.saturating_sub(1);
        }
    }

    /// Counts one more answer; whether there is room for it.
    pub fn keep_answer(&mut self, now: Timestamp) -> bool {
        let day = now.seconds() / ANSWER_KEPT.as_secs();
        if self.answers.0 != day {
            self.answers = (day, 0);
        }
        self.answers.1 += 1;
        self.answers.1 <= ANSWERS_MAX
    }
}

impl Record for Tally {
    fn key(&self) -> Key {
        keys::tally(&self.organization)
    }
}

/// A piece of the answer to a call with an `Idempotency-Key`: a whole one may be longer than a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnswerPiece {
    pub organization: String,
    /// Whose key it is, as [`Document::owner`] says it.
    pub owner: String,
    /// Digest of the key.
    pub key: KeyedDigest,
    pub number: u64,
    /// Digest of the method, the address and the body that came with it.
    pub request: KeyedDigest,
    pub status: u16,
    pub piece: String,
    pub expires_at: Timestamp,
}

impl Record for AnswerPiece {
    fn key(&self) -> Key {
        keys::answer_piece(&self.organization, &self.owner, &self.key, self.number)
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
    fn the_longest_document_and_the_longest_piece_fit_into_a_record_each() {
        let document = Document {
            organization: "o".repeat(40),
            collection: "c".repeat(40),
            id: "i".repeat(26),
            owner: "w".repeat(80),
            content: "\u{1f600}".repeat(CONTENT_BYTES_MAX / 4),
            unique: Some(unique_key("x")),
            has_page: true,
            created_at: Timestamp::from_millis(u64::MAX),
            updated_at: Timestamp::from_millis(u64::MAX),
        };
        let digest = MasterSecret::generate(&SeededRandom::new(1)).digest(Purpose::IdempotencyKey, b"x");
        let piece = AnswerPiece {
            organization: "o".repeat(40),
            owner: "w".repeat(80),
            key: digest,
            number: u64::MAX,
            request: digest,
            status: 201,
            piece: "p".repeat(CONTENT_BYTES_MAX),
            expires_at: Timestamp::from_millis(u64::MAX),
        };
        let mut batch = Batch::new();
        batch.insert(&document).unwrap();
        batch.insert(&piece).unwrap();
        assert_eq!(batch.validate(), Ok(()));
    }

    #[test]
    fn a_tally_knows_both_bounds() {
        let mut tally = Tally::new("o");
        tally.add("a", COLLECTION_MAX - 1);
        assert!(tally.has_room("a"));
        tally.add("a", 1);
        assert!(!tally.has_room("a") && tally.has_room("b"));
        tally.take_off("a");
        assert!(tally.has_room("a"));
        for other in ["b", "c", "d", "e"] {
            tally.add(other, COLLECTION_MAX);
        }
        assert!(tally.has_room("a"));
        tally.add("f", 1);
        assert!(!tally.has_room("a") && !tally.has_room("f"));
    }
}
