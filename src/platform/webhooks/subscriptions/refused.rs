//! Why a subscription is not changed, or something not sent: status, code and sentence in one place.

use crate::config::ErrorBody;
use crate::context::Context;
use crate::store::StoreError;
use serde_json::{Value, json};

#[derive(Debug)]
pub enum Refused {
    /// Status, code, sentence.
    Told(u16, &'static str, String),
    Store(StoreError),
}

impl Refused {
    pub fn new(status: u16, code: &'static str, sentence: impl Into<String>) -> Self {
        Self::Told(status, code, sentence.into())
    }

    pub fn invalid(code: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(400, code, sentence)
    }

    pub fn no_subscription() -> Self {
        Self::new(
            404,
            "webhook_subscription_not_found",
            "There is no webhook subscription: make one with PUT.",
        )
    }

    /// Too much happened meanwhile.
    pub fn again() -> Self {
        Self::Store(StoreError::Unavailable(
            "the webhook subscription changes too often".into(),
        ))
    }

    /// Status and body.
    pub fn told(&self, ctx: &Context, request_id: &str) -> (u16, Value) {
        let (status, code, sentence) = match self {
            Self::Told(status, code, sentence) => (*status, *code, sentence.as_str()),
            Self::Store(StoreError::Unavailable(_) | StoreError::Full) => {
                (503, "temporarily_unavailable", "Please try again shortly.")
            }
            Self::Store(_) => (500, "server_error", "Something went wrong on our side."),
        };
        let body = match ctx.profile().error_body {
            ErrorBody::Oauth => json!({ "error": code, "error_description": sentence, "request_id": request_id }),
            ErrorBody::Message => json!({ "error": sentence, "errorCode": code, "requestId": request_id }),
        };
        (status, body)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
