//! Errors are data: a code of the RFC, a sentence for the client, the cause for the log.

use crate::model::failure::Rule;
use crate::store::StoreError;
use std::borrow::Cow;
use std::time::Duration;

/// The `error` values of RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, RFC 9101 §6, RFC 9449 §5 and OpenID Connect Core
/// §3.1.2.6 that these endpoints answer with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    AccessDenied,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    InvalidRequestUri,
    RequestNotSupported,
    InvalidDpopProof,
    /// A good proof, of another key than the token is bound to.
    InvalidDpopKey,
    UseDpopNonce,
    /// Too many failed credentials, or too much for somebody who showed none; RFC 6585 §4.
    TooManyAttempts,
    TemporarilyUnavailable,
    ServerError,
}

impl ErrorCode {
    /// The one table from code to wire text and HTTP status.
    pub const fn wire(self) -> (&'static str, u16) {
        match self {
            Self::InvalidRequest => ("invalid_request", 400),
            Self::InvalidClient => ("invalid_client", 401),
            Self::InvalidGrant => ("invalid_grant", 400),
            Self::InvalidScope => ("invalid_scope", 400),
            Self::InvalidTarget => ("invalid_target", 400),
            Self::UnauthorizedClient => ("unauthorized_client", 400),
            Self::UnsupportedGrantType => ("unsupported_grant_type", 400),
            Self::UnsupportedResponseType => ("unsupported_response_type", 400),
            Self::AccessDenied => ("access_denied", 400),
            Self::LoginRequired => ("login_required", 400),
            Self::ConsentRequired => ("consent_required", 400),
            Self::InteractionRequired => ("interaction_required", 400),
            Self::InvalidRequestUri => ("invalid_request_uri", 400),
            Self::RequestNotSupported => ("request_not_supported", 400),
            Self::InvalidDpopProof => ("invalid_dpop_proof", 400),
            Self::InvalidDpopKey => ("invalid_dpop_key", 400),
            Self::UseDpopNonce => ("use_dpop_nonce", 400),
            Self::TooManyAttempts => ("temporarily_unavailable", 429),
            Self::TemporarilyUnavailable => ("temporarily_unavailable", 503),
            Self::ServerError => ("server_error", 500),
        }
    }
}

impl ErrorCode {
    const fn rule(self) -> Option<Rule> {
        Some(match self {
            Self::InvalidRequest => Rule::Parameter,
            Self::InvalidClient => Rule::ClientAuthentication,
            Self::InvalidGrant => Rule::GrantEnded,
            Self::InvalidScope => Rule::Scope,
            Self::InvalidTarget => Rule::Resource,
            Self::UnauthorizedClient => Rule::GrantTypeNotAllowed,
            Self::UnsupportedGrantType => Rule::GrantTypeUnsupported,
            Self::UnsupportedResponseType => Rule::ResponseType,
            Self::InvalidRequestUri => Rule::RequestUri,
            Self::RequestNotSupported => Rule::RequestObject,
            Self::InvalidDpopProof => Rule::DpopProof,
            Self::InvalidDpopKey => Rule::DpopKey,
            Self::AccessDenied
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::InteractionRequired
            | Self::UseDpopNonce
            | Self::TooManyAttempts
            | Self::TemporarilyUnavailable
            | Self::ServerError => return None,
        })
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OAuthError {
    pub code: ErrorCode,
    /// For the client: never a secret, never what would tell apart failures that must look alike.
    pub description: Cow<'static, str>,
    /// For the log.
    pub cause: Option<String>,
    pub retry_after: Option<Duration>,
    /// The request was answered before, too long ago for that answer to be repeated.
    pub recovery_expired: bool,
    /// What the next proof must hold (RFC 9449 §8).
    pub dpop_nonce: Option<String>,
    /// Which rule was broken, where the code does not say it well enough. For the app's developers.
    pub broken: Option<Rule>,
}

impl OAuthError {
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            description: description.into(),
            cause: None,
            retry_after: None,
            recovery_expired: false,
            dpop_nonce: None,
            broken: None,
        }
    }

    pub fn breaking(mut self, rule: Rule) -> Self {
        self.broken = Some(rule);
        self
    }

    /// Which rule was broken; `None` where the request is not to blame, or this is how things go.
    pub fn rule(&self) -> Option<Rule> {
        self.broken.or_else(|| self.code.rule())
    }

    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same words for every failure of a credential; the difference goes to the log.
    pub fn invalid_client(cause: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidClient, "Client authentication failed.").because(cause)
    }

    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// The description as RFC 6749 §5.2 allows it: only %x20-21 / %x23-5B / %x5D-7E.
    pub fn wire_description(&self) -> String {
        let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
        self.description
            .chars()
            .map(|c| if allowed(c) { c } else { '\'' })
            .take(300)
            .collect()
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        let cause = error.to_string();
        match error {
            StoreError::Unavailable(_) | StoreError::Full => Self {
                retry_after: Some(Duration::from_secs(1)),
                ..Self::new(ErrorCode::TemporarilyUnavailable, "Please try again shortly.").because(cause)
            },
            _ => Self::new(ErrorCode::ServerError, "Something went wrong on our side.").because(cause),
        }
    }
}
