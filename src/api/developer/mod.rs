//! `/api/developer/v1`: what the portal does, for scripts. One short function per operation;
//! [`table`](crate::platform::developer_api::table) says which there are.
//!
//! Whoever calls shows a personal access token, and nothing else: no cookie is ever looked at, and no page of another
//! origin may read an answer.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once a refused call, and a box around it would help nobody"
)]

pub mod access_requests;
pub mod api_keys;
pub mod app_life;
pub mod apps;
pub mod audit;
pub mod call;
pub mod connected_apps;
pub mod credentials;
pub mod cursor;
pub mod manifest;
pub mod me;
pub mod once;
pub mod openapi;
pub mod organizations;
pub mod problem;
pub mod reviews;
pub mod tokens;
pub mod webhooks;

use crate::web::response::Response;
use call::Call;
use http::StatusCode;
use http::header::LOCATION;
use problem::Problem;
use serde_json::Value;

/// The beginning of every address.
pub const BASE: &str = "/api/developer/v1";

/// What an operation comes to.
pub type Answered = Result<Reply, Problem>;

pub struct Reply {
    status: StatusCode,
    /// `None`: there is nothing to say.
    body: Option<Value>,
    /// Where the new thing is.
    location: Option<String>,
    replayed: bool,
}

impl Reply {
    pub fn ok(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body),
            location: None,
            replayed: false,
        }
    }

    /// 201, and where it is from now on: an address below [`BASE`].
    pub fn made(body: Value, location: String) -> Self {
        Self {
            status: StatusCode::CREATED,
            location: Some(location),
            ..Self::ok(body)
        }
    }

    pub fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: None,
            location: None,
            replayed: false,
        }
    }
}

/// HTTP of what an operation came to.
pub fn answer(call: &Call<'_>, answered: Answered) -> Response {
    let reply = match answered {
        Ok(reply) => reply,
        Err(problem) => return problem.response(call.ctx, call.request),
    };
    let mut response = match &reply.body {
        Some(body) => Response::json(reply.status, body),
        None => Response::new(reply.status),
    };
    if let Some(location) = &reply.location {
        response = response.with_value(LOCATION, &format!("{}{BASE}{location}", call.ctx.issuer()));
    }
    if reply.replayed {
        response = response.with(once::REPLAYED, "true");
    }
    response.no_store()
}
