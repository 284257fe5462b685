//! The JWK set of an app that signs its assertions (`private_key_jwt`): what may stand in it.

use super::refusal::Fault;
use crate::base::jose::{Jwk, PublicKey, holds_a_secret};
use crate::base::json::parse_strict_object;
use crate::model::app::JWKS_MAX;
use crate::oauth::client_assertion::ALGS;
use serde_json::Value;
use std::fmt;

/// More than four keys of the largest kind need.
const SET_BYTES_MAX: usize = 64 * 1024;

/// Why a set is not taken. Keys are counted from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyFault {
    /// Neither a JWK set nor a JWK.
    NoSet,
    /// None, or more than [`JWKS_MAX`].
    Count,
    /// It has to stay where it was made.
    Private {
        number: usize,
    },
    Unusable {
        number: usize,
        why: String,
    },
    /// None that assertions may be signed with.
    Algorithm {
        number: usize,
    },
    SameKid {
        number: usize,
    },
}

/// The keys of a JWK set (RFC 7517 §5), or the one key that the text is.
pub fn read_set(text: &str) -> Result<Vec<Value>, KeyFault> {
    if text.len() > SET_BYTES_MAX {
        return Err(KeyFault::NoSet);
    }
    let document: Value = parse_strict_object(text.as_bytes()).map_err(|_| KeyFault::NoSet)?;
    match document.get("keys") {
        Some(Value::Array(keys)) => Ok(keys.clone()),
        None if document.get("kty").is_some() => Ok(vec![document]),
        _ => Err(KeyFault::NoSet),
    }
}

/// Public keys of algorithms that assertions may be signed with.
pub fn check(keys: &[Value]) -> Result<Vec<Jwk>, KeyFault> {
    if keys.is_empty() || keys.len() > JWKS_MAX {
        return Err(KeyFault::Count);
    }
    let mut checked: Vec<Jwk> = Vec::with_capacity(keys.len());
    for (number, key) in (1..).zip(keys) {
        if holds_a_secret(key) {
            return Err(KeyFault::Private { number });
        }
        let unusable = |why: String| KeyFault::Unusable { number, why };
        let jwk: Jwk = serde_json::from_value(key.clone()).map_err(|error| unusable(error.to_string()))?;
        PublicKey::from_jwk(&jwk).map_err(|error| unusable(error.to_string()))?;
        if !ALGS.iter().any(|alg| jwk.has(*alg)) {
            return Err(KeyFault::Algorithm { number });
        }
        if checked.iter().any(|other| other.kid.is_some() && other.kid == jwk.kid) {
            return Err(KeyFault::SameKid { number });
        }
        checked.push(jwk);
    }
    Ok(checked)
}

impl KeyFault {
    /// Beside the form's field `jwks`.
    pub fn fault(&self) -> Fault {
        let (key, number) = match self {
            Self::NoSet => ("cred_keys_no_set", None),
            Self::Count => ("cred_keys_count", None),
            Self::Private { number } => ("cred_keys_private", Some(number)),
            Self::Unusable { number, .. } => ("cred_keys_unusable", Some(number)),
            Self::Algorithm { number } => ("cred_keys_algorithm", Some(number)),
            Self::SameKid { number } => ("cred_keys_kid", Some(number)),
        };
        let number = number.map(|number| ("number", number.to_string()));
        Fault {
            field: "jwks",
            key,
            values: number.into_iter().chain([("max", JWKS_MAX.to_string())]).collect(),
        }
    }
}

/// For the command line.
impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, why) = match self {
            Self::NoSet => return f.write_str("it is no JWK set: an object with the list `keys`"),
            Self::Count => return write!(f, "an app has 1 to {JWKS_MAX} public keys in its JWK set"),
            Self::Private { number } => (number, "the key is refused: it holds private or symmetric key material"),
            Self::Unusable { number, why } => (number, why.as_str()),
            Self::Algorithm { number } => (number, "assertions are signed with ES256, EdDSA or PS256"),
            Self::SameKid { number } => (number, "another one has the same kid"),
        };
        write!(f, "key {number} of the JWK set cannot be used: {why}")
    }
}

impl From<KeyFault> for String {
    fn from(fault: KeyFault) -> Self {
        fault.to_string()
    }
}
