//! JSON Web Signatures in compact form (RFC 7515) with four algorithms, and nothing else of JOSE: no encryption, no
//! symmetric algorithms, no `none`, no key that a token points to.
//!
//! Most holes of JWT libraries came from letting the token choose (RFC 8725). Here the caller says which algorithms it
//! accepts, a key knows which are its own, the header must name one of both, and what a header may say beyond that is
//! either ignored or refused.

mod jwk;
mod jws;
mod public_key;
mod signing_key;

pub use jwk::{Jwk, holds_a_secret};
pub use jws::{UnverifiedJws, sign_jwt};
pub use public_key::PublicKey;
pub use signing_key::{Ed25519Key, SigningKey};

use super::json::JsonError;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What this server signs with (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256, the signature as r ‖ s.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// The `alg` of a signature that is verified (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alg {
    /// Ed25519, by the name that leaves the curve to the key.
    EdDsa,
    /// Ed25519, by the name that says so.
    Ed25519,
    Es256,
    Rs256,
    /// RSASSA-PSS with SHA-256, the salt as long as the hash.
    Ps256,
}

impl Alg {
    pub const ALL: [Self; 5] = [Self::EdDsa, Self::Ed25519, Self::Es256, Self::Rs256, Self::Ps256];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// Names are case-sensitive (RFC 7515 §4.1.1).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == name)
    }
}

impl From<Algorithm> for Alg {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::EdDsa => Self::EdDsa,
            Algorithm::Es256 => Self::Es256,
            Algorithm::Rs256 => Self::Rs256,
        }
    }
}

/// Seconds since the epoch, with or without a fraction (RFC 7519 §2, NumericDate).
pub fn numeric_date(value: &Value) -> Option<Timestamp> {
    if let Some(seconds) = value.as_u64() {
        return Some(Timestamp::from_seconds(seconds));
    }
    // A float becomes the nearest integer it can: out of range means the greatest, which is refused for its distance.
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    Some(Timestamp::from_millis((seconds * 1000.0) as u64))
}

/// Why a key or token is refused. The sentence is for the log; it quotes nothing but member names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoseError {
    /// No compact JWS.
    Malformed(&'static str),
    /// The header is not the JSON asked for.
    Header(JsonError),
    /// A JWS that asks for something this server does not do.
    Unsupported(&'static str),
    /// A key that is not accepted.
    Key(&'static str),
    /// The header names an algorithm that the key does not have.
    WrongAlgorithm,
    /// The signature is not one of this key over this text.
    Signature,
}

impl fmt::Display for JoseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "not a signed JWT: {why}"),
            Self::Header(why) => write!(f, "the header of the JWT is refused: {why}"),
            Self::Unsupported(why) => write!(f, "the JWT is not supported: {why}"),
            Self::Key(why) => write!(f, "the key is refused: {why}"),
            Self::WrongAlgorithm => f.write_str("the JWT names another algorithm than its key has"),
            Self::Signature => f.write_str("the signature of the JWT does not match"),
        }
    }
}

impl std::error::Error for JoseError {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numeric_dates_are_seconds_with_or_without_a_fraction() {
        for (value, millis) in [
            (json!(0), 0),
            (json!(1_767_225_600), 1_767_225_600_000),
            (json!(1.5), 1500),
            (json!(1e3), 1_000_000),
            (json!(u64::MAX), u64::MAX),
            (json!(1e300), u64::MAX),
        ] {
            assert_eq!(numeric_date(&value), Some(Timestamp::from_millis(millis)), "{value}");
        }
        for none in [json!(-1), json!(-0.5), json!("1"), json!(null), json!([1]), json!(true)] {
            assert_eq!(numeric_date(&none), None, "{none}");
        }
    }
}
