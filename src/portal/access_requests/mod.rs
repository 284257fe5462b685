//! `/access-requests`: asking for access to the API without an account, and what became of it.

pub mod status;

use super::admin::parts::{Wrong, field};
use super::page::Page;
use super::trouble::Paged;
use super::visit::Visit;
use crate::context::Context;
use crate::model::access_request::{DESCRIPTION_CHARS_MAX, Integration, NAME_CHARS_MAX};
use crate::platform::access_requests::{self, Asked};
use crate::web::request::Request;
use maud::{Markup, html};

const FORM: &str = "request_access";

/// `GET /access-requests/new`.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    access_requests::check_open(ctx)?;
    let visit = Visit::of(ctx, request).await?;
    let nothing = Asked {
        name: "",
        organization: "",
        email: "",
        integration: "",
        description: "",
    };
    page(&visit, nothing, &Wrong::nothing())
}

/// `POST /access-requests/new`: answers with the link to the request's status.
pub async fn post(ctx: &Context, request: &Request) -> Paged {
    access_requests::check_open(ctx)?;
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(FORM)?;
    let asked = Asked {
        name: field(&fields, "name")?,
        organization: field(&fields, "organization")?,
        email: field(&fields, "email")?,
        integration: field(&fields, "integration")?,
        description: field(&fields, "description")?,
    };
    match access_requests::ask(ctx, visit.texts, asked, request.peer).await {
        Ok(link) => {
            let mailed = ctx.config.mail.is_some();
            let text = if mailed { "requests_sent_mail" } else { "requests_sent" };
            let body = html! {
                p { (visit.text(text)) }
                p { a href=(link) { (visit.text("requests_status_link")) } }
                p.quiet { (visit.text("requests_keep_link")) }
                p { code { (ctx.issuer()) (link) } }
            };
            Ok(Page::new(visit.text("requests_sent_heading"), body).show(&visit))
        }
        Err(refusal) => {
            let wrong = Wrong::of(&visit, refusal, "conflict_text")?;
            page(&visit, asked, &wrong)
        }
    }
}

fn page(visit: &Visit<'_>, asked: Asked<'_>, wrong: &Wrong) -> Paged {
    let chars = DESCRIPTION_CHARS_MAX.to_string();
    let body = html! {
        (wrong.notice())
        p { (visit.text("requests_new_text")) }
        form method="post" action="/access-requests/new" {
            (visit.csrf(FORM))
            (input(visit, "name", "your_name", asked.name, "name"))
            (wrong.at(visit, "name"))
            label for="organization" { (visit.noun()) }
            input #organization name="organization" value=(asked.organization) autocomplete="organization" required
                maxlength=(NAME_CHARS_MAX);
            (wrong.at(visit, "organization"))
            label for="email" { (visit.text("email")) }
            input #email type="email" name="email" value=(asked.email) autocomplete="email" required
                autocapitalize="none" spellcheck="false";
            (wrong.at(visit, "email"))
            fieldset.first {
                legend { (visit.text("requests_integration")) }
                @for one in Integration::ALL {
                    label.option {
                        input type="radio" name="integration" value=(one.as_str()) required
                            checked[asked.integration == one.as_str()];
                        span {
                            strong { (integration(visit, one)) }
                            span.quiet { (visit.text(about(one))) }
                        }
                    }
                }
                (wrong.at(visit, "integration"))
            }
            label.after-fields for="description" { (visit.text("requests_description")) }
            textarea #description name="description" rows="6" required maxlength=(DESCRIPTION_CHARS_MAX)
                aria-describedby="description-hint" { (asked.description) }
            p.hint #description-hint { (visit.fill("requests_description_hint", &[("characters", &chars)])) }
            (wrong.at(visit, "description"))
            button.wide-button { (visit.text("requests_send")) }
        }
    };
    Ok(Page::new(visit.text("requests_new"), body)
        .with_status(wrong.status)
        .show(visit))
}

fn input(visit: &Visit<'_>, name: &str, label: &'static str, value: &str, autocomplete: &str) -> Markup {
    html! {
        label for=(name) { (visit.text(label)) }
        input id=(name) name=(name) value=(value) autocomplete=(autocomplete) required maxlength=(NAME_CHARS_MAX);
    }
}

pub fn integration<'v>(visit: &Visit<'v>, integration: Integration) -> &'v str {
    visit.text(match integration {
        Integration::ThirdPartySoftware => "requests_third_party_software",
        Integration::DirectSystem => "requests_direct_system",
    })
}

fn about(integration: Integration) -> &'static str {
    match integration {
        Integration::ThirdPartySoftware => "requests_third_party_software_text",
        Integration::DirectSystem => "requests_direct_system_text",
    }
}
