//! Opaque credentials of this server: codes, refresh tokens, request URIs, one-time links.
//!
//! The text is `<prefix>` and the base64url of `locator ‖ 24 random bytes ‖ tag`. The locator says where the record is;
//! the tag is a MAC, so that a forged, cut or changed text is refused before the store is asked for anything. What the
//! store holds is a keyed digest of the whole text.

use super::digest::{base64url, from_base64url};
use super::master::{KeyedDigest, MasterSecret, Purpose};
use super::random::Random;

pub const RANDOM_BYTES: usize = 24;
/// Key version and 128 bits of HMAC-SHA256.
const TAG_BYTES: usize = 17;
/// Longer than any handle this server makes.
const TEXT_BYTES_MAX: usize = 1024;

/// What a text said, once its tag was found right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handle {
    pub locator: Vec<u8>,
    pub random: [u8; RANDOM_BYTES],
}

impl Handle {
    pub fn new(locator: Vec<u8>, random: &dyn Random) -> Self {
        Self {
            locator,
            random: super::random::bytes(random),
        }
    }

    /// The same handle always has the same text while the master secret has the same newest key.
    pub fn text(&self, secret: &MasterSecret, purpose: Purpose, prefix: &str) -> String {
        let mut bytes = [self.locator.as_slice(), &self.random].concat();
        let tag = tag(secret, purpose, prefix, &bytes);
        bytes.extend_from_slice(&tag.as_bytes()[..TAG_BYTES]);
        format!("{prefix}{}", base64url(bytes))
    }

    /// `None` for whatever this server did not make for this purpose.
    pub fn read(secret: &MasterSecret, purpose: Purpose, prefix: &str, text: &str) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let bytes = from_base64url(text.strip_prefix(prefix)?)?;
        let body = bytes.len().checked_sub(TAG_BYTES)?;
        let (signed, shown) = bytes.split_at(body);
        let locator = signed.len().checked_sub(RANDOM_BYTES)?;
        if !secret.verify_short(purpose, &tagged(prefix, signed), shown) {
            return None;
        }
        let (locator, random) = signed.split_at(locator);
        Some(Self {
            locator: locator.to_vec(),
            random: random.try_into().ok()?,
        })
    }
}

fn tag(secret: &MasterSecret, purpose: Purpose, prefix: &str, bytes: &[u8]) -> KeyedDigest {
    secret.digest(purpose, &tagged(prefix, bytes))
}

/// Begins with a byte that no text does: a tag is never the digest of a text.
fn tagged(prefix: &str, bytes: &[u8]) -> Vec<u8> {
    [&[0], prefix.as_bytes(), &[0], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    const PREFIX: &str = "grantd_code_";

    fn secret() -> MasterSecret {
        MasterSecret::generate(&SeededRandom::new(1))
    }

    #[test]
    fn what_was_made_is_read_again_and_only_for_its_purpose_and_prefix() {
        let secret = secret();
        let handle = Handle::new(b"where".to_vec(), &SeededRandom::new(2));
        let text = handle.text(&secret, Purpose::AuthorizationCode, PREFIX);
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        );
        let read = |purpose, prefix| Handle::read(&secret, purpose, prefix, &text);
        assert_eq!(read(Purpose::AuthorizationCode, PREFIX), Some(handle));
        assert_eq!(read(Purpose::RefreshToken, PREFIX), None);
        assert_eq!(read(Purpose::AuthorizationCode, "grantd_"), None);
        let other = MasterSecret::generate(&SeededRandom::new(3));
        assert_eq!(Handle::read(&other, Purpose::AuthorizationCode, PREFIX, &text), None);
    }

    #[test]
    fn every_changed_cut_or_added_character_is_noticed() {
        let secret = secret();
        let text = Handle::new(vec![7; 4], &SeededRandom::new(2)).text(&secret, Purpose::RefreshToken, PREFIX);
        let read = |text: &str| Handle::read(&secret, Purpose::RefreshToken, PREFIX, text);
        assert!(read(&text).is_some());
        for at in 0..text.len() {
            let (before, after) = (&text[..at], &text[at + 1..]);
            let changed = if &text[at..=at] == "A" { "B" } else { "A" };
            assert_eq!(read(&format!("{before}{changed}{after}")), None, "changed at {at}");
            assert_eq!(read(&format!("{before}{after}")), None, "without character {at}");
            assert_eq!(read(before), None, "cut at {at}");
        }
        assert_eq!(read(&format!("{text}A")), None);
        assert_eq!(read(&text.to_uppercase()), None);
    }
}
