//! Why a request went no further, as the API's clients are told: statuses, challenges and bodies in one place.

use super::guard::Wrong;
use super::path;
use crate::account;
use crate::base::jose::Alg;
use crate::config::ErrorBody;
use crate::config::routes::Needed;
use crate::context::Context;
use crate::oauth::dpop;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::platform;
use crate::store::StoreError;
use crate::web::response::{Response, retry_after_s};
use http::header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use std::time::Duration;

static DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

#[derive(Debug)]
pub enum Refusal {
    /// 400; a sentence without any value of the request.
    Malformed(&'static str),
    /// 401: none was shown, or one that is no good.
    Token(Box<NoToken>),
    /// 401; one sentence for whatever is wrong with it.
    ApiKey,
    /// 403.
    Scopes {
        needed: Needed,
        resource: String,
    },
    /// 403: the path names another organization.
    Organization,
    /// 404, once authenticated.
    NoRoute,
    /// 405: these are answered.
    Method(Vec<Method>),
    /// 413.
    TooLarge,
    /// 408.
    SlowBody,
    /// 429.
    Wait(Duration),
    /// 502: the upstream could not be reached, or broke off.
    BadGateway,
    /// 503: the upstream failed again and again, and is left alone for so long.
    Resting(Duration),
    /// 504.
    UpstreamTimeout,
    /// 501: the sandbox has nothing for this route.
    NotInSandbox,
    Store(StoreError),
}

/// RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1.
#[derive(Debug)]
pub struct NoToken {
    /// `None`: nothing was shown, and no error is told.
    pub error: Option<Wrong>,
    pub resource: String,
    /// What to ask for.
    pub scopes: Vec<String>,
}

impl Refusal {
    pub fn response(&self, ctx: &Context, request_id: &str) -> Response {
        if let Self::Store(error) = self {
            log::error!("request {request_id}: {error}");
        }
        let (status, code, sentence) = self.told(ctx);
        let body = match ctx.profile().error_body {
            ErrorBody::Oauth => json!({ "error": code, "error_description": sentence, "request_id": request_id }),
            ErrorBody::Message => json!({ "error": sentence, "errorCode": code, "requestId": request_id }),
        };
        let mut response = Response::json(status, &body).no_store();
        for challenge in self.challenges() {
            if let Ok(value) = HeaderValue::from_str(&challenge) {
                response.headers.append(WWW_AUTHENTICATE, value);
            }
        }
        match self {
            Self::Method(methods) => response.with_value(ALLOW, &allowed(methods)),
            Self::Wait(wait) | Self::Resting(wait) => {
                response.with_value(RETRY_AFTER, &retry_after_s(*wait).to_string())
            }
            Self::Token(no) => match no.nonce() {
                Some(nonce) => response.with_value(DPOP_NONCE.clone(), nonce),
                None => response,
            },
            Self::Store(StoreError::Unavailable(_) | StoreError::Full) => response.with(RETRY_AFTER, "1"),
            _ => response,
        }
    }

    /// The one table from refusal to status, code and sentence.
    fn told(&self, ctx: &Context) -> (StatusCode, String, String) {
        let noun = &ctx.profile().noun.singular;
        let (status, code, sentence): (_, &str, String) = match self {
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, "invalid_request", (*why).into()),
            Self::Token(no) => {
                let (code, sentence) = no.told();
                (StatusCode::UNAUTHORIZED, code, sentence)
            }
            Self::ApiKey => (
                StatusCode::UNAUTHORIZED,
                "invalid_api_key",
                "The API key is unknown, revoked, or its secret is wrong.".into(),
            ),
            Self::Scopes { needed, .. } => (
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                match needed {
                    Needed::All(scopes) => format!("This needs the scopes: {}.", scopes.join(" ")),
                    Needed::AnyOf(scopes) => format!("This needs one of the scopes: {}.", scopes.join(" ")),
                },
            ),
            Self::Organization => {
                let code = format!("wrong_{noun}");
                let sentence = format!("The path names another {noun} than the credential is for.");
                return (StatusCode::FORBIDDEN, code, sentence);
            }
            Self::NoRoute => (StatusCode::NOT_FOUND, "not_found", "The API has no such route.".into()),
            Self::Method(methods) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                format!("This route answers {}.", allowed(methods)),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "The request body is larger than this route takes.".into(),
            ),
            Self::SlowBody => (
                StatusCode::REQUEST_TIMEOUT,
                "invalid_request",
                "The request body did not arrive in time.".into(),
            ),
            Self::Wait(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "Too many requests: wait as long as Retry-After says.".into(),
            ),
            _ => self.told_of_upstream(),
        };
        (status, code.to_owned(), sentence)
    }

    /// Of what is behind the gateway, and of the gateway itself.
    fn told_of_upstream(&self) -> (StatusCode, &'static str, String) {
        let (status, code, sentence) = match self {
            Self::BadGateway => (
                StatusCode::BAD_GATEWAY,
                "bad_gateway",
                "The API behind this gateway could not be reached.",
            ),
            Self::Resting(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The API behind this gateway fails at the moment.",
            ),
            Self::UpstreamTimeout => (
                StatusCode::GATEWAY_TIMEOUT,
                "timeout",
                "The API behind this gateway did not answer in time.",
            ),
            Self::NotInSandbox => (
                StatusCode::NOT_IMPLEMENTED,
                "not_in_sandbox",
                "The sandbox has nothing for this route; set gateway.upstream to the address of the API.",
            ),
            Self::Store(StoreError::Unavailable(_) | StoreError::Full) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "Please try again shortly.",
            ),
            _ => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "Something went wrong on our side.",
            ),
        };
        (status, code, sentence.to_owned())
    }

    fn challenges(&self) -> Vec<String> {
        match self {
            Self::Token(no) => no.challenges(),
            Self::Scopes { needed, resource } => vec![format!(
                "Bearer error=\"insufficient_scope\", scope=\"{}\", resource_metadata=\"{}\"",
                needed.to_ask_for().join(" "),
                metadata(resource)
            )],
            _ => Vec::new(),
        }
    }
}

impl NoToken {
    /// What the next proof must hold (RFC 9449 §8).
    fn nonce(&self) -> Option<&str> {
        match &self.error {
            Some(Wrong::Proof(error)) => error.dpop_nonce.as_deref(),
            _ => None,
        }
    }

    fn told(&self) -> (&'static str, String) {
        match &self.error {
            None => (
                "unauthorized",
                "This needs an access token or another credential.".into(),
            ),
            Some(Wrong::Token(why)) => ("invalid_token", (*why).into()),
            Some(Wrong::Proof(error)) => (error.code.wire().0, error.wire_description()),
        }
    }

    /// One for each scheme; the error stands in the one that it is about.
    fn challenges(&self) -> Vec<String> {
        let mut common = format!("resource_metadata=\"{}\"", metadata(&self.resource));
        if !self.scopes.is_empty() {
            common = format!("scope=\"{}\", {common}", self.scopes.join(" "));
        }
        let (code, sentence) = self.told();
        let error = format!("error=\"{code}\", error_description=\"{sentence}\", ");
        let (bearer, dpop) = match &self.error {
            None => ("", ""),
            Some(Wrong::Token(_)) => (error.as_str(), ""),
            Some(Wrong::Proof(_)) => ("", error.as_str()),
        };
        let algs = dpop::ALGS.map(Alg::as_str).join(" ");
        vec![
            format!("Bearer {bearer}{common}"),
            format!("DPoP {dpop}algs=\"{algs}\", {common}"),
        ]
    }
}

/// RFC 9728 §3.1.
fn metadata(resource: &str) -> String {
    let root = path::root(resource);
    let origin = resource.trim_end_matches('/').strip_suffix(root).unwrap_or(resource);
    format!("{origin}/.well-known/oauth-protected-resource{root}")
}

fn allowed(methods: &[Method]) -> String {
    let mut names = Vec::new();
    for method in methods {
        names.push(method.as_str());
        if *method == Method::GET {
            names.push("HEAD");
        }
    }
    names.join(", ")
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<platform::refusal::Refusal> for Refusal {
    fn from(refusal: platform::refusal::Refusal) -> Self {
        match refusal {
            platform::refusal::Refusal::Store(error) => Self::Store(error),
            platform::refusal::Refusal::Account(account::Refusal::Wait(wait)) => Self::Wait(wait),
            _ => Self::ApiKey,
        }
    }
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        match error.code {
            ErrorCode::TemporarilyUnavailable => Self::Store(StoreError::Unavailable(error.cause.unwrap_or_default())),
            _ => Self::Store(StoreError::Corrupt(error.cause.unwrap_or_default())),
        }
    }
}
