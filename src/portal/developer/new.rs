//! `/developer/apps/new`: a new app, first its details, then its scopes.

use super::details::{self, Filled};
use super::fields::{details as entered_details, entered, summary};
use super::frame::{address, way};
use super::logo;
use crate::context::Context;
use crate::model::app::{ClientType, Kind};
use crate::oauth::params::Params;
use crate::platform::apps::{self, Details, NewApp, people};
use crate::platform::logos;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::portal::desk::{Desk, Part};
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use crate::web::response::Response;
use bytes::Bytes;
use http::StatusCode;
use maud::html;

const FORM: &str = "new_app";

/// `GET`: the choice of a kind, or the form of the kind that was chosen.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    may_create(&desk).await?;
    let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes()).unwrap_or_default();
    match params.get("kind").ok().flatten().and_then(kind_of) {
        None => Ok(choice(&desk)),
        Some(kind) => {
            let company = desk.open().map_or(String::new(), |open| open.organization.name.clone());
            let details = Details {
                company,
                ..Details::default()
            };
            form(&desk, kind, ClientType::Confidential, &details, "", &[]).await
        }
    }
}

/// `POST`: the app is there, a draft, and its scopes are next.
pub async fn post(ctx: &Context, request: &Request) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    may_create(&desk).await?;
    let (fields, file) = desk.visit.upload(FORM)?;
    let kind = kind_of(entered(&fields, "kind")?).ok_or(Trouble::BadForm)?;
    let client_type = match (kind, entered(&fields, "client_type")?) {
        (Kind::Public, "public") => ClientType::Public,
        _ => ClientType::Confidential,
    };
    let details = entered_details(&fields)?;
    let mut faults = Vec::new();
    let logo = kept_logo(ctx, desk.actor.id(), file, entered(&fields, "kept_logo")?, &mut faults).await?;
    let organization = entered(&fields, "organization")?;
    let new = NewApp {
        kind,
        client_type,
        details: details.clone(),
        logo: logo.clone(),
        wishes: None,
        key: None,
    };
    if faults.is_empty() {
        match apps::create(ctx, &desk.actor, organization, new).await {
            Ok(case) => {
                let next = format!("{}/scopes?step=2", address(&case.app.client_id));
                return Ok(redirect(&desk.visit, &next, None));
            }
            Err(Refusal::Invalid(found)) => faults = found,
            Err(Refusal::State(key)) => faults = vec![Fault::new("form", key)],
            Err(other) => return Err(other.into()),
        }
    }
    form(&desk, kind, client_type, &details, &logo.unwrap_or_default(), &faults).await
}

async fn may_create(desk: &Desk<'_>) -> Result<(), Trouble> {
    let open = desk.open().ok_or(Trouble::Forbidden)?;
    let organization = &open.organization.id;
    desk.actor
        .in_organization(desk.ctx(), organization, Right::CreateApp)
        .await?;
    Ok(())
}

fn kind_of(text: &str) -> Option<Kind> {
    [Kind::Public, Kind::Private]
        .into_iter()
        .find(|kind| kind.as_str() == text)
}

/// The picture that was chosen now, or the one that a form with something wrong in it had brought already.
async fn kept_logo(
    ctx: &Context,
    user: &str,
    file: Option<Bytes>,
    kept: &str,
    faults: &mut Vec<Fault>,
) -> Result<Option<String>, Trouble> {
    match file {
        None if kept.is_empty() || !logos::exists(ctx, kept).await? => Ok(None),
        None => Ok(Some(kept.to_owned())),
        Some(file) => match logos::keep(ctx, user, file).await {
            Ok(digest) => Ok(Some(digest)),
            Err(Refusal::Invalid(found)) => {
                faults.extend(found);
                Ok(None)
            }
            Err(other) => Err(other.into()),
        },
    }
}

fn choice(desk: &Desk<'_>) -> Response {
    let kinds = [
        ("public", "developer_kind_public", "developer_kind_public_text"),
        ("private", "developer_kind_private", "developer_kind_private_text"),
    ];
    let body = html! {
        p { (desk.text("developer_choose_kind")) }
        ul.rows {
            @for (kind, name, text) in kinds {
                li {
                    div.what {
                        h2 { (desk.text(name)) }
                        p { (desk.text(text)) }
                    }
                    a.button href=(format!("/developer/apps/new?kind={kind}")) {
                        (desk.fill("developer_create_kind", &[("kind", desk.text(name))]))
                    }
                }
            }
        }
    };
    page(desk, StatusCode::OK, body, false)
}

async fn form(
    desk: &Desk<'_>,
    kind: Kind,
    client_type: ClientType,
    details: &Details,
    kept_logo: &str,
    faults: &[Fault],
) -> Paged {
    let open = desk.open().ok_or(Trouble::Forbidden)?;
    let people = match kind {
        Kind::Private => people::of_organization(desk.ctx(), &open.organization.id).await?,
        _ => Vec::new(),
    };
    let filled = Filled {
        kind,
        client_type,
        details,
        faults,
        people: &people,
        role: open.role(),
    };
    let required = desk.ctx().profile().review.required(kind);
    let visit = &desk.visit;
    let body = html! {
        ol.steps {
            li aria-current="step" { (desk.text("developer_step_details")) }
            li { (desk.text("developer_step_scopes")) }
        }
        (summary(visit, faults))
        @for fault in faults.iter().filter(|fault| fault.field == "form") {
            p.notice.danger role="alert" { (super::fields::sentence(visit, fault)) }
        }
        form.long method="post" action="/developer/apps/new" enctype="multipart/form-data" {
            (visit.csrf(FORM))
            input type="hidden" name="kind" value=(kind.as_str());
            input type="hidden" name="organization" value=(open.organization.id);
            input type="hidden" name="kept_logo" value=(kept_logo);
            @if kind == Kind::Public {
                (client_types(desk, client_type))
            }
            (details::fields(visit, &filled, &required, Some(logo::field(visit, kept_logo, faults, &required))))
            div.choices {
                button { (desk.text("developer_continue")) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok(page(desk, status, body, kind == Kind::Public))
}

fn client_types(desk: &Desk<'_>, chosen: ClientType) -> maud::Markup {
    let types = [
        (
            "confidential",
            ClientType::Confidential,
            "developer_confidential",
            "developer_confidential_text",
        ),
        (
            "public",
            ClientType::Public,
            "developer_public_client",
            "developer_public_client_text",
        ),
    ];
    html! {
        fieldset {
            legend { (desk.text("developer_client_type")) }
            @for (value, of, name, text) in types {
                label.option {
                    input type="radio" name="client_type" value=(value) checked[of == chosen];
                    span { strong { (desk.text(name)) } span.quiet { (desk.text(text)) } }
                }
            }
        }
    }
}

fn page(desk: &Desk<'_>, status: StatusCode, body: maud::Markup, with_uris: bool) -> Response {
    let mut way = way(desk);
    way.push(("/developer".to_owned(), desk.text("developer_apps").to_owned()));
    let mut page = desk.page(Part::Developer, &way, desk.text("developer_new"), body);
    if with_uris {
        page = page.with_script(&desk.ctx().config.pages.redirect_uris);
    }
    page.with_status(status).show(&desk.visit)
}
