//! Why a call was refused, as a problem document (RFC 9457): the one place where refusals become statuses.

use crate::account;
use crate::base::password_pool::Busy;
use crate::context::Context;
use crate::platform::developer_api::kinds::{
    BROKEN, BUSY, CONFLICT, FORBIDDEN, INVALID, Kind, MALFORMED, MISSING_SCOPE, NOT_FOUND, STATE, TOO_MANY,
    UNAUTHORIZED,
};
use crate::platform::refusal::{Fault, Refusal};
use crate::store::StoreError;
use crate::web::request::Request;
use crate::web::response::{Response, retry_after_s};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};

#[derive(Debug)]
pub struct Problem {
    pub kind: Kind,
    /// A sentence of its own, in English; else the kind's.
    detail: Option<String>,
    /// The key of such a sentence.
    key: Option<&'static str>,
    faults: Vec<Fault>,
    /// What the token lacks (RFC 6750 §3.1).
    scope: Option<&'static str>,
    /// Whether a token was shown, and was no good.
    token_shown: bool,
    retry_after_s: Option<u64>,
    /// For the log.
    cause: Option<StoreError>,
}

impl Problem {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            key: None,
            faults: Vec::new(),
            scope: None,
            token_shown: false,
            retry_after_s: None,
            cause: None,
        }
    }

    /// The request itself cannot be read; `why` is a sentence without any value of it.
    pub fn malformed(why: impl Into<String>) -> Self {
        Self {
            detail: Some(why.into()),
            ..Self::new(MALFORMED)
        }
    }

    pub fn unauthorized(token_shown: bool) -> Self {
        Self {
            token_shown,
            ..Self::new(UNAUTHORIZED)
        }
    }

    /// With another name for a field: forms call some by names that the documentation of this API does not have.
    pub fn naming(mut self, form: &str, name: &'static str) -> Self {
        for fault in self.faults.iter_mut().filter(|fault| fault.field == form) {
            fault.field = name;
        }
        self
    }

    pub fn response(&self, ctx: &Context, request: &Request) -> Response {
        if let Some(cause) = &self.cause {
            log::error!("{} {}: {cause}", request.id, request.path);
        }
        let status = StatusCode::from_u16(self.kind.status).expect("the table holds statuses");
        let mut response =
            Response::json(status, &self.document(ctx, request)).with(CONTENT_TYPE, "application/problem+json");
        let realm = format!("Bearer realm=\"{}\"", ctx.issuer());
        if self.kind == UNAUTHORIZED {
            // RFC 6750 §3.1: who showed nothing is told no error.
            let error = if self.token_shown {
                ", error=\"invalid_token\""
            } else {
                ""
            };
            response = response.with_value(WWW_AUTHENTICATE, &format!("{realm}{error}"));
        }
        if let Some(scope) = self.scope {
            let challenge = format!("{realm}, error=\"insufficient_scope\", scope=\"{scope}\"");
            response = response.with_value(WWW_AUTHENTICATE, &challenge);
        }
        if let Some(seconds) = self.retry_after_s {
            response = response.with_value(RETRY_AFTER, &seconds.to_string());
        }
        response.no_store()
    }

    /// RFC 9457 §3.1. In English, like every message for programs.
    fn document(&self, ctx: &Context, request: &Request) -> Value {
        let texts = ctx.config.pages.texts([]);
        let scope = [("scope", self.scope.unwrap_or_default())];
        let detail = match (&self.detail, self.key) {
            (Some(detail), _) => detail.clone(),
            (None, key) => texts.fill(key.unwrap_or(self.kind.detail), &scope),
        };
        let mut document = json!({
            "type": format!("{}/docs/errors#{}", ctx.issuer(), self.kind.name),
            "title": texts.get(self.kind.title),
            "status": self.kind.status,
            "detail": detail,
            "instance": format!("urn:request:{}", request.id),
        });
        if !self.faults.is_empty() {
            let error = |fault: &Fault| {
                let values: Vec<(&str, &str)> = fault.values.iter().map(|(n, v)| (*n, v.as_str())).collect();
                json!({ "field": fault.field, "detail": texts.fill(fault.key, &values) })
            };
            document["errors"] = self.faults.iter().map(error).collect();
        }
        document
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::new(NOT_FOUND),
            Refusal::Forbidden => Self::new(FORBIDDEN),
            Refusal::MissingScope(scope) => Self {
                scope: Some(scope),
                ..Self::new(MISSING_SCOPE)
            },
            Refusal::Invalid(faults) => Self {
                faults,
                ..Self::new(INVALID)
            },
            Refusal::State(key) => Self {
                key: Some(key),
                ..Self::new(STATE)
            },
            Refusal::Conflict => Self::new(CONFLICT),
            Refusal::Account(account::Refusal::Busy(Busy { retry_after_s, .. })) => Self {
                retry_after_s: Some(retry_after_s.into()),
                ..Self::new(BUSY)
            },
            Refusal::Account(account::Refusal::Wait(wait)) => Self {
                retry_after_s: Some(retry_after_s(wait)),
                ..Self::new(TOO_MANY)
            },
            Refusal::Account(_) => Self::new(INVALID),
            Refusal::Store(error) => error.into(),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Refusal::from(fault).into()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let passing = matches!(error, StoreError::Unavailable(_) | StoreError::Full);
        Self {
            retry_after_s: passing.then_some(1),
            cause: Some(error),
            ..Self::new(if passing { BUSY } else { BROKEN })
        }
    }
}
