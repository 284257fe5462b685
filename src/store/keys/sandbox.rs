//! The keys of what the sandbox keeps.

use super::*;

pub fn document(organization: &str, collection: &str, document: &str) -> Key {
    key(DOCUMENT, &[organization, collection, document])
}

pub fn documents(organization: &str, collection: &str) -> Key {
    key(DOCUMENT, &[organization, collection])
}

pub fn document_with_page(document: &str) -> Key {
    key(DOCUMENT_WITH_PAGE, &[document])
}

/// `unique` is short and has no zero byte.
pub fn document_by_unique(organization: &str, collection: &str, unique: &str) -> Key {
    key(DOCUMENT_BY_UNIQUE, &[organization, collection, unique])
}

pub fn tally(organization: &str) -> Key {
    key(TALLY, &[organization])
}

pub fn answer_piece(organization: &str, owner: &str, digest: &KeyedDigest, number: u64) -> Key {
    let mut key = answer_pieces(organization, owner, digest);
    key.0.extend_from_slice(&number.to_be_bytes());
    key
}

pub fn answer_pieces(organization: &str, owner: &str, digest: &KeyedDigest) -> Key {
    key(ANSWER_PIECE, &[organization, owner, &base64url(digest.as_bytes())])
}
