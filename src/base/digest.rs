//! SHA-256, HMAC, comparison in constant time, and the one base64 of the protocols.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// HMAC-SHA256 (RFC 2104) over the parts one after the other. Nothing separates them: where a part may vary in
/// length, the caller says where it ends.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    keyed(&hmac::Key::new(hmac::HMAC_SHA256, key), parts)
}

pub(super) fn keyed(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    array(context.sign().as_ref())
}

fn array(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().expect("SHA-256 makes 32 bytes")
}

/// Equality in a time that depends on the lengths only.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// base64url without padding (RFC 7515 §2).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes `text` stands for, when it is their one spelling: no padding, no white space, no other alphabet, no
/// bits left over. Otherwise two texts would mean the same bytes, and a digest of the text would not be unique.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn sha256_of_fips_180_4() {
        assert_eq!(
            hex(&sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn hmac_of_rfc4231_case_2_in_any_number_of_parts() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(&hmac_sha256(b"Jefe", &[b"what do ya want for nothing?"])), expected);
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", &[b"what do ya ", b"", b"want for nothing?"])),
            expected
        );
    }

    #[test]
    fn equal_compares_bytes_and_lengths() {
        assert!(equal(b"", b"") && equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd") && !equal(b"abc", b"ab") && !equal(b"", b"a"));
    }

    #[test]
    fn base64url_reads_only_the_one_spelling_of_the_bytes() {
        assert_eq!(base64url([0xfb, 0xff]), "-_8");
        assert_eq!(from_base64url("-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(from_base64url(""), Some(vec![]));
        for bad in ["-_8=", "+/8", "-_9", "-_8 ", " -_8", "-_\n8", "-", "-_8\0", "é"] {
            assert_eq!(from_base64url(bad), None, "{bad:?}");
        }
    }
}
