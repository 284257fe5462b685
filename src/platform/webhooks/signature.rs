//! How a receiver knows that a message is this server's: HMAC-SHA256 over the time and the body.

use crate::base::digest::hmac_sha256;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use std::fmt::Write as _;

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
}
