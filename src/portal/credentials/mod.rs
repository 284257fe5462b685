//! `/developer/apps/{client_id}/credentials`: how an app shows who it is, the tokens somebody made for it, and code to
//! begin with. What is made is shown once, on the page that answers the form.

pub mod failures;
pub mod keys;
pub mod secrets;
mod snippets;
pub mod tokens;

use super::desk::{Crumb, Desk, Part};
use super::developer::frame::{self, Tab, tabs, way};
use super::page::Page;
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::context::Context;
use crate::model::app::{App, ClientType, Kind};
use crate::platform::actor::AppAccess;
use crate::platform::credentials::{self, MadeSecret, ShownBy};
use crate::platform::issued_tokens::MadeToken;
use crate::platform::refusal::{Fault, Refusal};
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use secrets::SecretForm;
use tokens::TokenForm;

/// What a form of the page came to.
#[derive(Default)]
enum Outcome {
    /// None was sent.
    #[default]
    None,
    Secret(MadeSecret),
    Token(MadeToken),
    SecretRefused(SecretForm, Vec<Fault>),
    TokenRefused(TokenForm, Vec<Fault>),
}

/// `GET /developer/apps/{client_id}/credentials`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let access = credentials::open(ctx, &desk.actor, client_id).await?;
    page(&desk, &access, Outcome::None).await
}

async fn page(desk: &Desk<'_>, access: &AppAccess, outcome: Outcome) -> Paged {
    let app = &access.app.value;
    let status = match &outcome {
        Outcome::None | Outcome::Secret(_) | Outcome::Token(_) => StatusCode::OK,
        Outcome::SecretRefused(_, faults) | Outcome::TokenRefused(_, faults) => status_of(faults),
    };
    let body = if credentials::locked(access) {
        html! {
            (tabs(desk, access, Some(Tab::Credentials)))
            p.notice { (desk.text("cred_locked")) }
        }
    } else {
        html! {
            (made(desk, &outcome))
            (tabs(desk, access, Some(Tab::Credentials)))
            (identity(desk, app))
            (secrets::section(desk, app, &outcome).await?)
            @if app.kind == Kind::Private { (tokens::section(desk, access, &outcome).await?) }
            (snippets::section(desk, app))
            p.quiet { (desk.text("cred_verify")) " " a href="/docs/verify" { (desk.text("doc_verify")) } }
        }
    };
    Ok(show(desk, app, desk.text("cred_heading"), body, status))
}

/// What was made, once.
fn made(desk: &Desk<'_>, outcome: &Outcome) -> Markup {
    let (heading, label, text) = match outcome {
        Outcome::Secret(made) => ("cred_secret_made", &made.held.label, &made.shown),
        Outcome::Token(made) => ("cred_token_made", &made.record.label, &made.shown),
        _ => return html! {},
    };
    html! {
        div.notice.good role="status" {
            p { strong { (desk.text(heading)) } " " bdi { (label) } }
            p { code.once { (text) } }
            p { (desk.text("cred_shown_once")) }
        }
    }
}

/// Who the app is, and where it asks.
fn identity(desk: &Desk<'_>, app: &App) -> Markup {
    let (ctx, issuer) = (desk.ctx(), desk.ctx().issuer());
    html! {
        dl.facts {
            dt { "client_id" } dd { code.once { (app.client_id) } }
            @if app.kind == Kind::Private {
                dt { (ctx.profile().noun.id_claim()) } dd { code.once { (app.organization) } }
            }
            dt { (desk.text("cred_token_endpoint")) } dd { code { (issuer) "/oauth/token" } }
            @if app.kind == Kind::Public {
                dt { (desk.text("cred_authorize_endpoint")) } dd { code { (issuer) "/oauth/authorize" } }
            }
            dt { (desk.text("cred_shown_by")) }
            dd {
                (desk.text(name_of(ShownBy::of(app))))
                @if app.client_type == ClientType::Confidential {
                    " " a href={ (address(app)) "/keys" } { (desk.text("cred_change")) }
                }
            }
        }
        @if app.client_type == ClientType::Public {
            p.notice { (desk.text("cred_public_client")) }
        }
    }
}

fn name_of(by: Option<ShownBy>) -> &'static str {
    match by {
        Some(ShownBy::Secret) => "cred_by_secret",
        Some(ShownBy::Both) => "cred_by_both",
        Some(ShownBy::Keys) => "cred_by_key",
        None => "cred_by_nothing",
    }
}

/// Where the page stands.
fn address(app: &App) -> String {
    format!("/developer/apps/{}/credentials", app.client_id)
}

/// A page of this app.
fn show(desk: &Desk<'_>, app: &App, title: &str, body: Markup, status: StatusCode) -> Response {
    show_below(desk, app, &[], title, body, status)
}

/// A page further down the way.
fn show_below(desk: &Desk<'_>, app: &App, below: &[Crumb], title: &str, body: Markup, status: StatusCode) -> Response {
    let mut way = way(desk);
    way.push(("/developer".to_owned(), desk.text("developer_apps").to_owned()));
    way.push((frame::address(&app.client_id), app.name.clone()));
    way.extend_from_slice(below);
    let page: Page<'_> = desk.page(Part::Developer, &way, title, body);
    page.with_status(status).show(&desk.visit)
}

fn to_credentials(desk: &Desk<'_>, app: &App) -> Crumb {
    (address(app), desk.text("cred_heading").to_owned())
}

/// What a form has to say; what no form can say becomes a page of its own.
fn said(refusal: Refusal) -> Result<Vec<Fault>, Trouble> {
    match refusal {
        Refusal::Invalid(faults) => Ok(faults),
        Refusal::State(key) => Ok(vec![Fault {
            field: "",
            key,
            values: Vec::new(),
        }]),
        other => Err(other.into()),
    }
}

/// RFC 9110: 409 where the state forbids it, 422 where a field is wrong.
fn status_of(faults: &[Fault]) -> StatusCode {
    if faults.iter().any(|fault| fault.field.is_empty()) {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

/// What is wrong with one field; with the empty name, what is wrong with the whole.
fn faults_of(visit: &Visit<'_>, faults: &[Fault], field: &str) -> Markup {
    html! {
        @for fault in faults.iter().filter(|fault| fault.field == field) {
            @let values: Vec<(&str, &str)> = fault.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            p.notice.danger role="alert" { (visit.fill(fault.key, &values)) }
        }
    }
}

/// Something that ends for good, confirmed by typing its name.
struct Confirming<'a> {
    title: &'a str,
    /// The key of what happens.
    text: &'static str,
    form: &'static str,
    action: String,
    /// What has to be typed.
    name: &'a str,
    button: &'static str,
}

impl Confirming<'_> {
    fn page(&self, desk: &Desk<'_>, app: &App, wrong: bool) -> Response {
        let body = html! {
            p { (desk.fill(self.text, &[("name", self.name)])) }
            form method="post" action=(self.action) {
                (desk.visit.csrf(self.form))
                @if wrong { p.notice.danger role="alert" { (desk.text("cred_confirm_wrong")) } }
                label for="confirm" { (desk.fill("cred_confirm", &[("name", self.name)])) }
                input #confirm name="confirm" required autocomplete="off" autocapitalize="none" spellcheck="false";
                div.choices {
                    button.danger { (desk.text(self.button)) }
                    a.button.secondary href=(address(app)) { (desk.text("back")) }
                }
            }
        };
        let status = if wrong {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        show_below(desk, app, &[to_credentials(desk, app)], self.title, body, status)
    }

    /// Whether the form says so.
    fn confirmed(&self, visit: &Visit<'_>) -> Result<bool, Trouble> {
        let fields = visit.form(self.form)?;
        let typed = fields.get("confirm").map_err(|_| Trouble::BadForm)?;
        Ok(typed.is_some_and(|typed| typed.trim() == self.name))
    }
}
