//! Proof Key for Code Exchange (RFC 7636, OAuth 2.1 §4.1.1): S256 and nothing else.

use super::error::OAuthError;
use crate::base::digest::{base64url, equal, from_base64url, sha256};
use crate::config::Pkce;
use crate::model::app::ClientType;
use crate::model::failure::Rule;

/// The `code_challenge_methods_supported`.
pub const METHOD: &str = "S256";

const DIGEST_BYTES: usize = 32;
const VERIFIER_CHARS_MIN: usize = 43;
const VERIFIER_CHARS_MAX: usize = 128;

/// The challenge of an authorization request; `None` where the client may and did leave it out.
pub fn requested(
    rule: Pkce,
    client_type: ClientType,
    challenge: Option<&str>,
    method: Option<&str>,
) -> Result<Option<String>, OAuthError> {
    let refused = |what: &'static str| Err(OAuthError::invalid_request(what).breaking(Rule::CodeChallenge));
    match (challenge, method) {
        (Some(challenge), Some(METHOD)) if is_thumbprint(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some(METHOD)) => {
            refused("The code_challenge must be the base64url SHA-256 of the verifier: 43 characters.")
        }
        // RFC 7636 §4.3: no method means plain.
        (Some(_), _) => refused("The code_challenge_method must be S256; plain, which is meant without one, is not."),
        (None, Some(_)) => refused("There is a code_challenge_method without a code_challenge."),
        (None, None) if required(rule, client_type) => refused("The parameter code_challenge is missing (PKCE)."),
        (None, None) => Ok(None),
    }
}

/// OAuth 2.1 §4.1.2.1.
fn required(rule: Pkce, client_type: ClientType) -> bool {
    match rule {
        Pkce::All => true,
        Pkce::PublicClients => client_type == ClientType::Public,
    }
}

/// Whether it is a SHA-256 digest in base64url, as challenges and key thumbprints are (RFC 7638).
pub fn is_thumbprint(text: &str) -> bool {
    from_base64url(text).is_some_and(|digest| digest.len() == DIGEST_BYTES)
}

/// RFC 7636 §4.6, in constant time. A verifier that is too short or of other characters (§4.1) fits nothing.
pub fn verify(challenge: &str, verifier: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    (VERIFIER_CHARS_MIN..=VERIFIER_CHARS_MAX).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && equal(base64url(sha256(verifier.as_bytes())).as_bytes(), challenge.as_bytes())
}
