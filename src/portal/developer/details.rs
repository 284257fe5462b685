//! `/developer/apps/{client_id}/details`: what the app is, who makes it, where its answers go.

use super::fields::{Field, details as entered_details, summary};
use super::frame::{AppDesk, Tab};
use crate::context::Context;
use crate::model::app::{ClientType, Kind, REDIRECT_URI_BYTES_MAX, REDIRECT_URIS_BYTES_MAX, REDIRECT_URIS_MAX};
use crate::model::dossier::STAKEHOLDERS_MAX;
use crate::model::review::Detail;
use crate::model::role::Role;
use crate::platform::apps::people::{self, Person};
use crate::platform::apps::{self, Details};
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::portal::visit::Visit;
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

const FORM: &str = "app_details";

/// A form of details, as far as it is filled in.
pub struct Filled<'a> {
    pub kind: Kind,
    pub client_type: ClientType,
    pub details: &'a Details,
    pub faults: &'a [Fault],
    /// Whom a private app may act as.
    pub people: &'a [Person],
    /// Of whoever fills it in: nobody above it can be chosen.
    pub role: Role,
}

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let details = Details::of(&page.access.case());
    show(&page, &details, &[]).await
}

/// `POST`.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = page.desk.visit.form(FORM)?;
    let details = entered_details(&fields)?;
    match apps::edit(ctx, &page.desk.actor, client_id, &details).await {
        Ok(_) => Ok(redirect(&page.desk.visit, &page.address("?done=saved"), None)),
        Err(Refusal::Invalid(faults)) => show(&page, &details, &faults).await,
        Err(Refusal::State(key)) => show(&page, &details, &[Fault::new("name", key)]).await,
        Err(other) => Err(other.into()),
    }
}

async fn show(page: &AppDesk<'_>, details: &Details, faults: &[Fault]) -> Paged {
    let app = page.app();
    let visit = &page.desk.visit;
    let people = match app.kind {
        Kind::Private => people::of_organization(page.desk.ctx(), &app.organization).await?,
        _ => Vec::new(),
    };
    let filled = Filled {
        kind: app.kind,
        client_type: app.client_type,
        details,
        faults,
        people: &people,
        role: page.access.relation.role.ok_or(Trouble::Forbidden)?,
    };
    let required = page.desk.ctx().profile().review.required(app.kind);
    let body = html! {
        (summary(visit, faults))
        p { a href=(page.address("/logo")) { (visit.text("developer_change_logo")) } }
        form.long method="post" action=(page.address("/details")) {
            (visit.csrf(FORM))
            (fields(visit, &filled, &required, None))
            div.choices {
                button { (visit.text("developer_save")) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok(page.show(Tab::Details, status, body))
}

/// The fields themselves, with a picture's field among them where there is one.
pub fn fields(visit: &Visit<'_>, filled: &Filled<'_>, required: &[Detail], logo: Option<Markup>) -> Markup {
    let Filled { details, faults, .. } = filled;
    let field =
        |detail: Detail, label, value| Field::new(detail.as_str(), label, value).required(required.contains(&detail));
    html! {
        fieldset {
            legend { (visit.text("developer_about_app")) }
            (field(Detail::Name, "developer_name", &details.name)
                .hint(visit.text("developer_name_hint")).show(visit, faults))
            @if let Some(logo) = logo { (logo) }
            @if filled.kind == Kind::Public { (redirect_uris(visit, filled)) }
            @if filled.kind == Kind::Private { (dedicated_user(visit, filled)) }
        }
        fieldset {
            legend { (visit.text("developer_about_company")) }
            (field(Detail::Company, "developer_company", &details.company).show(visit, faults))
            (field(Detail::Website, "developer_website", &details.website)
                .kind("url").hint(visit.text("developer_url_hint")).show(visit, faults))
            (field(Detail::Support, "developer_support", &details.support)
                .hint(visit.text("developer_support_hint")).show(visit, faults))
            (field(Detail::PrivacyPolicy, "privacy_policy", &details.privacy_policy).kind("url").show(visit, faults))
            (field(Detail::Terms, "terms", &details.terms).kind("url").show(visit, faults))
        }
        fieldset {
            legend { (visit.text("developer_stakeholders")) }
            (Field::new("stakeholders", "developer_stakeholders_label", &details.stakeholders.join("\n"))
                .kind("lines")
                .hint(visit.fill("developer_stakeholders_hint", &[("count", &STAKEHOLDERS_MAX.to_string())]))
                .show(visit, faults))
        }
    }
}

/// The rules stand beside the field. A script points at the one that is broken, by the names in `data-rule`.
fn redirect_uris(visit: &Visit<'_>, filled: &Filled<'_>) -> Markup {
    let uris = filled.details.redirect_uris.join("\n");
    let count = REDIRECT_URIS_MAX.to_string();
    let of_public = filled.client_type == ClientType::Public;
    let field = Field::new(Detail::RedirectUri.as_str(), "developer_redirect_uris", &uris)
        .kind("lines")
        .required(true)
        .hint(visit.fill("developer_redirect_uris_hint", &[("count", &count)]));
    html! {
        (field.show(visit, filled.faults))
        ul.rules #redirect_uris-rules data-count=(count) data-characters=(REDIRECT_URI_BYTES_MAX)
            data-together=(REDIRECT_URIS_BYTES_MAX) data-client=[of_public.then_some("public")] {
            li data-rule="scheme" data-client-type="confidential" hidden[of_public] {
                (visit.text("developer_rule_scheme"))
            }
            li data-rule="scheme" data-client-type="public" hidden[!of_public] {
                (visit.text("developer_rule_scheme_public"))
            }
            li data-rule="fragment" { (visit.text("developer_rule_fragment")) }
            li data-rule="wildcard" { (visit.text("developer_rule_wildcard")) }
            li data-rule="exact" { (visit.text("developer_rule_exact")) }
            li data-rule="parts" { (visit.text("developer_rule_parts")) }
            li data-rule="length" { (visit.fill("developer_rule_length", &[
                ("characters", &REDIRECT_URI_BYTES_MAX.to_string()),
                ("together", &REDIRECT_URIS_BYTES_MAX.to_string()),
            ])) }
            li data-rule="count" { (visit.fill("developer_rule_count", &[("count", &count)])) }
            li data-rule="twice" { (visit.text("developer_rule_twice")) }
        }
    }
}

fn dedicated_user(visit: &Visit<'_>, filled: &Filled<'_>) -> Markup {
    let chosen = filled.details.dedicated_user.as_str();
    let people = filled.people.iter();
    // From the most to the least powerful.
    let offered = people.filter(|person| person.member.role >= filled.role || person.user.id == chosen);
    let choices: Vec<(String, String)> = offered
        .map(|person| {
            (
                person.user.id.clone(),
                format!("{} ({})", person.user.name, person.user.email),
            )
        })
        .collect();
    Field::new(Detail::DedicatedUser.as_str(), "developer_dedicated_user", chosen)
        .required(true)
        .hint(visit.text("developer_dedicated_user_hint"))
        .choose(visit, filled.faults, &choices)
}
