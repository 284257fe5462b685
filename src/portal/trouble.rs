//! Why there is no page, and the page that says so.

use super::page::Page;
use super::visit::Visit;
use crate::context::Context;
use crate::store::StoreError;
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use http::header::RETRY_AFTER;
use maud::html;

/// What every page handler may end with.
pub type Paged = Result<Response, Trouble>;

#[derive(Debug)]
pub enum Trouble {
    /// A form that another site sent, or an old page: one has to go back and load it again.
    ForeignForm,
    BadForm,
    NotFound,
    /// They may see it and not do this with it.
    Forbidden,
    /// A one-time link that was used, has expired or was never made: which of it is nobody's business.
    LinkGone,
    MethodNotAllowed,
    /// Somebody else changed the same thing just now.
    Conflict,
    /// Too many at once, or too many wrong passwords: seconds to wait.
    Busy(u64),
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The page, or the one that says why there is none.
pub fn answer(ctx: &Context, request: &Request, page: Paged) -> Response {
    page.unwrap_or_else(|trouble| trouble.page(&Visit::unknown(ctx, request)))
}

impl Trouble {
    pub fn page(&self, visit: &Visit<'_>) -> Response {
        let (status, heading, text) = match self {
            Self::ForeignForm => (StatusCode::FORBIDDEN, "foreign_form_heading", "foreign_form_text"),
            Self::BadForm => (StatusCode::BAD_REQUEST, "bad_form_heading", "bad_form_text"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found_heading", "not_found_text"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden_heading", "forbidden_text"),
            Self::LinkGone => (StatusCode::GONE, "link_gone_heading", "link_gone_text"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "not_found_heading", "not_found_text"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict_heading", "conflict_text"),
            Self::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy_heading", "busy_text"),
            Self::Store(StoreError::Unavailable(_) | StoreError::Full) => {
                (StatusCode::SERVICE_UNAVAILABLE, "busy_heading", "busy_text")
            }
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "broken_heading", "broken_text"),
        };
        if let Self::Store(error) = self {
            log::error!("request {}: {error}", visit.request.id);
        }
        let body = html! {
            p { (visit.text(text)) }
            p.quiet { (visit.fill("error_id", &[("id", &visit.request.id)])) }
        };
        let response = Page::new(visit.text(heading), body).with_status(status).show(visit);
        match self {
            Self::Busy(seconds) => response.with_value(RETRY_AFTER, &seconds.to_string()),
            Self::Store(StoreError::Unavailable(_) | StoreError::Full) => response.with(RETRY_AFTER, "1"),
            _ => response,
        }
    }
}
