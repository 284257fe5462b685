//! Why the sandbox did not do what it was asked: status, code and sentence in one table.

use crate::config::ErrorBody;
use crate::context::Context;
use crate::model::document::{COLLECTION_MAX, CONTENT_BYTES_MAX, ORGANIZATION_MAX};
use crate::store::StoreError;
use crate::web::response::Response;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::{Map, Value, json};

#[derive(Debug)]
pub enum Refusal {
    /// 400: the code, and a sentence.
    Invalid(&'static str, String),
    /// 415.
    NotJson,
    /// 413.
    TooLarge,
    /// 404: the code, and what there is not.
    NotFound(&'static str, &'static str),
    /// 409: no room for one more document.
    Full,
    /// 409: what it is asked for is not as it would have to be. Further members tell more.
    State(&'static str, &'static str, Map<String, Value>),
    /// 409: the key was sent with another request.
    KeyReused,
    /// 429: more answers than are kept in a day.
    TooManyKeys,
    /// 501.
    NotHere,
    /// Something else was written meanwhile: the call is made again.
    Again,
    Store(StoreError),
}

impl Refusal {
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid("invalid_request", what.into())
    }

    pub fn response(&self, ctx: &Context, request_id: &str) -> Response {
        if let Self::Store(error) = self {
            log::error!("request {request_id}: {error}");
        }
        let (status, code, sentence) = self.told();
        let mut body = match ctx.profile().error_body {
            ErrorBody::Oauth => json!({ "error": code, "error_description": sentence, "request_id": request_id }),
            ErrorBody::Message => json!({ "error": sentence, "errorCode": code, "requestId": request_id }),
        };
        if let (Self::State(_, _, more), Value::Object(body)) = (self, &mut body) {
            body.extend(more.clone());
        }
        let response = Response::json(status, &body);
        match status {
            StatusCode::SERVICE_UNAVAILABLE => response.with(RETRY_AFTER, "1"),
            StatusCode::TOO_MANY_REQUESTS => response.with(RETRY_AFTER, "3600"),
            _ => response,
        }
    }

    /// The one table.
    fn told(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::Invalid(code, sentence) => (StatusCode::BAD_REQUEST, code, sentence.clone()),
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send a JSON object with the content type application/json.".into(),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("The document is too large: the sandbox keeps {CONTENT_BYTES_MAX} bytes of JSON each."),
            ),
            Self::NotFound(code, what) => (StatusCode::NOT_FOUND, code, format!("There is no such {what}.")),
            Self::Full => (
                StatusCode::CONFLICT,
                "sandbox_full",
                format!(
                    "The sandbox is full: it keeps {COLLECTION_MAX} documents of a collection and \
                     {ORGANIZATION_MAX} in all. Delete some, or wait until unused ones expire."
                ),
            ),
            Self::State(code, sentence, _) => (StatusCode::CONFLICT, code, (*sentence).into()),
            Self::KeyReused => (
                StatusCode::CONFLICT,
                "idempotency_key_reused",
                "This Idempotency-Key was sent with another request: use a new key for a new request.".into(),
            ),
            Self::TooManyKeys => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "The sandbox keeps no more answers today: send fewer requests with an Idempotency-Key.".into(),
            ),
            Self::NotHere => (
                StatusCode::NOT_IMPLEMENTED,
                "not_in_sandbox",
                "The sandbox does nothing with this method at this address.".into(),
            ),
            Self::Again | Self::Store(StoreError::Unavailable(_) | StoreError::Full) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "Please try again shortly.".into(),
            ),
            Self::Store(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "Something went wrong on our side.".into(),
            ),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
