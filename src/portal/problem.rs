//! What was wrong with a form that has to be filled in once more.

use super::page::Page;
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::account::Refusal;
use crate::base::password_rules::{CHARS_MIN, Weak};
use crate::web::response::{Response, retry_after_s};
use http::StatusCode;
use http::header::RETRY_AFTER;
use maud::{Markup, html};

pub struct Problem {
    pub(super) status: StatusCode,
    pub(super) text: String,
    wait: Option<u64>,
}

impl Problem {
    /// What the form says; a page of its own where the form is no use any more.
    pub fn of(visit: &Visit<'_>, refusal: Refusal) -> Result<Self, Trouble> {
        let key = match refusal {
            Refusal::LinkGone => return Err(Trouble::LinkGone),
            Refusal::Busy(busy) => return Err(Trouble::Busy(busy.retry_after_s.into())),
            Refusal::Store(error) => return Err(Trouble::Store(error)),
            Refusal::Closed => return Err(Trouble::NotFound),
            Refusal::Wait(wait) => {
                let wait = retry_after_s(wait);
                return Ok(Self {
                    status: StatusCode::TOO_MANY_REQUESTS,
                    text: visit.fill("too_many_attempts", &[("seconds", &wait.to_string())]),
                    wait: Some(wait),
                });
            }
            Refusal::Weak(Weak::TooShort) => "password_too_short",
            Refusal::Weak(Weak::TooLong) => "password_too_long",
            Refusal::Weak(Weak::Common) => "password_common",
            Refusal::Weak(Weak::Simple) => "password_simple",
            Refusal::Weak(Weak::Personal) => "password_personal",
            Refusal::WrongPassword => "password_wrong",
            Refusal::WrongCode => "code_wrong",
            Refusal::BadName => "name_bad",
            Refusal::BadAddress => "email_bad",
            Refusal::OtherAccount => "invitation_other_account",
        };
        Ok(Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            text: visit.fill(key, &[("characters", &CHARS_MIN.to_string())]),
            wait: None,
        })
    }
}

/// The page of a form, with what was wrong above it.
pub fn show(visit: &Visit<'_>, title: &str, problem: Option<&Problem>, form: Markup) -> Response {
    let body = html! {
        @if let Some(problem) = problem {
            p.notice.danger role="alert" { (problem.text) }
        }
        (form)
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status);
    let response = Page::new(title, body).with_status(status).show(visit);
    match problem.and_then(|problem| problem.wait) {
        Some(wait) => response.with_value(RETRY_AFTER, &wait.to_string()),
        None => response,
    }
}

/// A page that only says something, and where to go on.
pub fn tell(visit: &Visit<'_>, title: &str, text: &str, (href, link): (&str, &str)) -> Paged {
    let body = html! {
        p { (text) }
        p { a href=(href) { (link) } }
    };
    Ok(Page::new(title, body).show(visit))
}

/// A field for a password that is chosen now.
pub fn new_password(visit: &Visit<'_>) -> Markup {
    html! {
        label for="new-password" { (visit.text("new_password")) }
        input #new-password type="password" name="new_password" autocomplete="new-password" required
            aria-describedby="password-hint";
        p.quiet #password-hint { (visit.fill("password_hint", &[("characters", &CHARS_MIN.to_string())])) }
    }
}

/// A field for the password there is.
pub fn present_password(visit: &Visit<'_>) -> Markup {
    html! {
        label for="password" { (visit.text("present_password")) }
        input #password type="password" name="password" autocomplete="current-password" required;
    }
}

pub fn email(visit: &Visit<'_>, value: &str) -> Markup {
    html! {
        label for="email" { (visit.text("email")) }
        input #email type="email" name="email" value=(value) autocomplete="username" required
            autocapitalize="none" spellcheck="false";
    }
}
