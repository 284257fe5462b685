//! A request of an app that was refused: what its developers need to see to put it right. Never a secret, a code or a
//! token: of those only whether one was sent.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Kept for each app; the oldest make room.
pub const FAILURES_MAX: usize = 200;
/// How long they are kept.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Of what an app has registered for one parameter; the rest is left out.
const REGISTERED_BYTES_MAX: usize = 5200;

macro_rules! rules {
    ($($name:ident = $code:literal, $section:literal;)*) => {
        /// What a request was refused for. Stable codes.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        pub enum Rule { $(#[serde(rename = $code)] $name),* }

        impl Rule {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// Where it stands.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section),* }
            }
        }
    };
}

rules! {
    Parameter = "parameter", "RFC 6749 section 5.2";
    ClientAuthentication = "client_authentication", "RFC 6749 section 2.3";
    ClientSecret = "client_secret", "RFC 6749 section 2.3.1";
    ClientAssertion = "client_assertion", "RFC 7523 section 3";
    ClientMethod = "client_method", "RFC 7591 section 2";
    AppInactive = "app_inactive", "RFC 6749 section 5.2";
    GrantTypeUnsupported = "grant_type_unsupported", "RFC 6749 section 5.2";
    GrantTypeNotAllowed = "grant_type_not_allowed", "RFC 6749 section 5.2";
    Organization = "organization", "RFC 6749 section 4.4";
    DedicatedUser = "dedicated_user", "RFC 6749 section 4.4";
    RedirectUri = "redirect_uri", "RFC 6749 section 3.1.2.3";
    ResponseType = "response_type", "RFC 6749 section 3.1.1";
    RequestUri = "request_uri", "RFC 9126 section 4";
    RequestObject = "request_object", "RFC 9101 section 6";
    PushedOnly = "pushed_only", "RFC 9126 section 6";
    CodeChallenge = "code_challenge", "RFC 7636 section 4.4.1";
    CodeVerifier = "code_verifier", "RFC 7636 section 4.6";
    CodeUnknown = "code_unknown", "RFC 6749 section 4.1.3";
    CodeOfAnother = "code_of_another", "RFC 6749 section 4.1.3";
    CodeExpired = "code_expired", "RFC 6749 section 4.1.2";
    CodeUsed = "code_used", "RFC 6749 section 4.1.2";
    CodeRedirectUri = "code_redirect_uri", "RFC 6749 section 4.1.3";
    RefreshUnknown = "refresh_unknown", "RFC 6749 section 6";
    RefreshOfAnother = "refresh_of_another", "RFC 6749 section 6";
    RefreshEnded = "refresh_ended", "RFC 6749 section 6";
    RefreshReused = "refresh_reused", "RFC 9700 section 4.14.2";
    NotRepeated = "not_repeated", "draft-ietf-httpapi-idempotency-key-header section 2";
    GrantEnded = "grant_ended", "RFC 6749 section 5.2";
    Scope = "scope", "RFC 6749 section 3.3";
    ScopeBeyondGrant = "scope_beyond_grant", "RFC 6749 section 6";
    ScopeBeyondRole = "scope_beyond_role", "RFC 6749 section 3.3";
    Resource = "resource", "RFC 8707 section 2";
    DpopProof = "dpop_proof", "RFC 9449 section 4.3";
    DpopKey = "dpop_key", "RFC 9449 section 5";
}

/// One parameter: what came, and what would have been right.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Compared {
    /// As the protocol calls it.
    pub name: String,
    /// `None`: it was not sent. Of what could be a secret only [`HIDDEN`].
    pub received: Option<String>,
    pub registered: Vec<String>,
}

/// Stands for a value that was sent and is not shown.
pub const HIDDEN: &str = "•••";

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The error id: the request's, as the error page and the header `X-Request-Id` say it.
    pub id: String,
    pub client_id: String,
    pub at: Timestamp,
    /// `authorize`, `par`, `token`, `introspect` or `revoke`.
    pub endpoint: String,
    pub rule: Rule,
    /// The `error` of the answer.
    pub error: String,
    /// The `error_description` of the answer.
    pub description: String,
    pub compared: Vec<Compared>,
}

impl Compared {
    /// With what the app has registered, as far as a record holds it.
    pub fn with_registered<'a>(self, values: impl Iterator<Item = &'a str>) -> Self {
        let mut bytes = 0;
        let fitting = values.take_while(|value| {
            bytes += value.len() + 3;
            bytes <= REGISTERED_BYTES_MAX
        });
        Self {
            registered: fitting.map(str::to_owned).collect(),
            ..self
        }
    }
}

impl Record for Failure {
    fn key(&self) -> Key {
        keys::failure(&self.client_id, self.at, &self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.at + KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{codec, limits};

    #[test]
    fn the_fullest_one_fits_a_record() {
        let compared = Compared {
            name: "redirect_uri".into(),
            received: Some("r".repeat(500)),
            registered: Vec::new(),
        };
        let uri = "u".repeat(250);
        let compared = compared.with_registered(std::iter::repeat_n(uri.as_str(), 100));
        assert_eq!(compared.registered.len(), 20, "as many as an app has");
        let fullest = Failure {
            id: "i".repeat(40),
            client_id: "c".repeat(40),
            at: Timestamp::from_seconds(1),
            endpoint: "introspect".into(),
            rule: Rule::GrantTypeUnsupported,
            error: "unsupported_grant_type".into(),
            description: "d".repeat(300),
            compared: vec![compared],
        };
        let bytes = codec::encode(&fullest).unwrap().len();
        assert!(bytes <= limits::VALUE_BYTES_MAX, "{bytes}");
    }
}
