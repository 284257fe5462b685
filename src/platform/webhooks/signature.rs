//! How a receiver knows that a message is this server's: HMAC-SHA256 over the time and the body.

use crate::base::digest::{equal, hmac_sha256};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use std::fmt::Write as _;
use std::time::Duration;

/// `t=<seconds>,v1=<hex>`: of `t.body`, with the secret's text as the key.
pub fn header(secret: &Secret, at: Timestamp, body: &str) -> String {
    let seconds = at.seconds().to_string();
    let mac = hmac_sha256(secret.expose().as_bytes(), &[seconds.as_bytes(), b".", body.as_bytes()]);
    let mut header = format!("t={seconds},v1=");
    for byte in mac {
        write!(header, "{byte:02x}").expect("text takes all that is written");
    }
    header
}

/// Whether a header's value has the form of a signature.
pub fn is_one(header: &str) -> bool {
    parts(header).is_some()
}

/// When it was signed; or a sentence that says why it is not what the server with this secret sent.
pub fn verify(
    secret: &Secret,
    header: &str,
    body: &[u8],
    now: Timestamp,
    tolerance: Duration,
) -> Result<Timestamp, &'static str> {
    let (seconds, shown) = parts(header).ok_or("the header is no signature: it must be t=SECONDS,v1=HEX")?;
    let at = Timestamp::from_seconds(seconds.parse().map_err(|_| "the time of the signature is no number")?);
    let mac = hmac_sha256(secret.expose().as_bytes(), &[seconds.as_bytes(), b".", body]);
    if !equal(&mac, &shown) {
        return Err("the signature is not of this body and secret");
    }
    if now.since(at).max(at.since(now)) > tolerance {
        return Err("the signature is too old, or from the future: it may be a copy");
    }
    Ok(at)
}

/// The time as it is written, and the digest.
fn parts(header: &str) -> Option<(&str, [u8; 32])> {
    let (seconds, hex) = header.strip_prefix("t=")?.split_once(",v1=")?;
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if seconds.is_empty() || !seconds.bytes().all(|b| b.is_ascii_digit()) || hex.len() != 64 || !hex.bytes().all(lower)
    {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some((seconds, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac`.
    #[test]
    fn it_is_what_another_implementation_computes() {
        let secret = Secret::new("mkwhsec_test");
        let header = header(&secret, Timestamp::from_millis(1_767_225_600_999), "{\"a\":\"é\"}");
        assert_eq!(
            header,
            "t=1767225600,v1=f08dce285c6f68baf0b2209ddc5ef2567f21e4fb4cec64a3aa4d32f86c7840f1"
        );
    }

    #[test]
    fn what_was_changed_is_old_or_of_another_secret_is_refused() {
        let (secret, at) = (Secret::new("mkwhsec_test"), Timestamp::from_seconds(1_767_225_600));
        let (good, tolerance) = (header(&secret, at, "{}"), Duration::from_secs(300));
        let judged = |secret: &Secret, header: &str, body: &str, now: u64| {
            verify(secret, header, body.as_bytes(), Timestamp::from_seconds(now), tolerance).is_ok()
        };
        for now in [1_767_225_300, 1_767_225_600, 1_767_225_900] {
            assert!(judged(&secret, &good, "{}", now));
        }
        for now in [0, 1_767_225_299, 1_767_225_901, u64::MAX / 1000] {
            assert!(!judged(&secret, &good, "{}", now), "{now}");
        }
        assert!(!judged(&secret, &good, "{} ", 1_767_225_600));
        assert!(!judged(&Secret::new("mkwhsec_old"), &good, "{}", 1_767_225_600));
        let later = good.replace("t=1767225600", "t=1767225601");
        assert!(!judged(&secret, &later, "{}", 1_767_225_600), "the time is signed too");
        let upper = good.to_uppercase();
        let trailing = format!("{good},v1={}", "0".repeat(64));
        for bad in [
            "",
            "t=1,v1=",
            "v1=00,t=1",
            "t=,v1=00",
            &good[..good.len() - 1],
            &upper,
            &trailing,
        ] {
            assert!(!is_one(bad) && !judged(&secret, bad, "{}", 1_767_225_600), "{bad}");
        }
    }
}
