//! What goes back to the client through the user's browser (RFC 6749 §4.1.2, RFC 9207).

use crate::context::Context;
use crate::oauth::error::OAuthError;
use crate::oauth::redirect_uri::RedirectUri;
use std::fmt;

/// OAuth 2.0 Multiple Response Types §2.1 and Form Post Response Mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseMode {
    Query,
    FormPost,
}

impl ResponseMode {
    pub const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

/// Where the client wants its answer. There is one only once the redirect URI was found to be the client's.
#[derive(Clone, Debug)]
pub struct ReturnAddress {
    pub redirect_uri: RedirectUri,
    pub mode: ResponseMode,
    /// Verbatim, whatever it is.
    pub state: Option<String>,
}

impl ReturnAddress {
    pub(super) fn code(&self, ctx: &Context, code: String) -> AuthorizationResponse {
        self.response(ctx, vec![("code", code)])
    }

    /// RFC 6749 §4.1.2.1.
    pub fn error(&self, ctx: &Context, error: &OAuthError) -> AuthorizationResponse {
        let (code, _) = error.code.wire();
        let description = error.wire_description();
        let params = vec![("error", code.to_owned()), ("error_description", description)];
        AuthorizationResponse {
            refusal: Some(error.clone()),
            ..self.response(ctx, params)
        }
    }

    fn response(&self, ctx: &Context, mut params: Vec<(&'static str, String)>) -> AuthorizationResponse {
        params.extend(self.state.clone().map(|state| ("state", state)));
        // RFC 9207 §2: in errors too, so that a client of several servers knows whose answer it is.
        params.push(("iss", ctx.issuer().to_owned()));
        AuthorizationResponse {
            redirect_uri: self.redirect_uri.clone(),
            mode: self.mode,
            params,
            refusal: None,
        }
    }
}

/// An answer that may be sent: to a redirect URI of the client's own, each parameter once.
pub struct AuthorizationResponse {
    pub redirect_uri: RedirectUri,
    pub mode: ResponseMode,
    /// The fields of the form, for `form_post`.
    pub params: Vec<(&'static str, String)>,
    /// Why it is no code.
    pub refusal: Option<OAuthError>,
}

impl AuthorizationResponse {
    /// Where to redirect, for `query`.
    pub fn location(&self) -> String {
        let params = self.params.iter().map(|(name, value)| (*name, value.as_str()));
        self.redirect_uri.with(params)
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Without the code.
impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationResponse")
            .field("redirect_uri", &self.redirect_uri)
            .field("mode", &self.mode)
            .field("error", &self.param("error"))
            .finish_non_exhaustive()
    }
}
