//! Why an installation was refused, in the words that the plugins know.

use crate::oauth::error::OAuthError;

#[derive(Clone, Debug)]
pub enum NativeError {
    /// As at the token endpoint: proofs, limits, a store that cannot.
    Protocol(OAuthError),
    /// This member is not there.
    Missing(String),
    Refused(Why),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// What of the registration is wrong.
    Malformed(&'static str),
    AnotherSite,
    PreviousMissing,
    PreviousWrong,
    IdempotencyKey,
    /// Nothing was reset with this key, and the token is no good.
    Token,
    /// A proof that is missing or wrong, beside a token.
    Proof(&'static str),
    /// The key was used with another token or another DPoP key.
    ReceiptProof,
    NotFound,
}

impl Why {
    /// The one table from reason to status, wire text and sentence.
    pub const fn wire(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed(what) => (400, "invalid_native_installation", what),
            Self::AnotherSite => (
                409,
                "registration_identity_mismatch",
                "The registrationId belongs to an installation of another site.",
            ),
            Self::PreviousMissing => (
                401,
                "previous_dpop_required",
                "The installation has another key: prove it in the header DPoP-Previous.",
            ),
            Self::PreviousWrong => (
                401,
                "invalid_previous_dpop_key",
                "The header DPoP-Previous is no proof of the key that the installation was accepted with.",
            ),
            Self::IdempotencyKey => (
                400,
                "invalid_idempotency_key",
                "One Idempotency-Key is needed: 8 to 200 of the characters A-Z a-z 0-9 _ -.",
            ),
            Self::Token => (
                401,
                "invalid_token",
                "The access token is missing, malformed, expired, revoked or not of an installation of this server.",
            ),
            Self::Proof(what) => (401, "invalid_dpop_proof", what),
            Self::ReceiptProof => (
                401,
                "invalid_reset_receipt_proof",
                "The Idempotency-Key was used with another access token or another DPoP key.",
            ),
            Self::NotFound => (
                404,
                "native_installation_not_found",
                "The access token is of no such installation.",
            ),
        }
    }
}

impl From<Why> for NativeError {
    fn from(why: Why) -> Self {
        Self::Refused(why)
    }
}

impl<E: Into<OAuthError>> From<E> for NativeError {
    fn from(error: E) -> Self {
        Self::Protocol(error.into())
    }
}
