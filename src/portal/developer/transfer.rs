//! `/developer/apps/{client_id}/transfer`: the app goes to another organization.

use super::fields::{Field, entered, summary};
use super::frame::AppDesk;
use crate::context::Context;
use crate::model::app::Kind;
use crate::platform::apps::people;
use crate::platform::apps::transfer;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::{Relation, Right, may};
use crate::portal::page::redirect;
use crate::portal::trouble::Paged;
use crate::web::request::Request;
use http::StatusCode;
use maud::html;

const FORM: &str = "app_transfer";

/// What was entered.
#[derive(Default)]
struct Entered<'a> {
    organization: &'a str,
    dedicated_user: &'a str,
    confirm: &'a str,
}

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    match AppDesk::of(ctx, request, client_id, Right::TransferApp).await? {
        Ok(page) => show(&page, &Entered::default(), &[]).await,
        Err(to_sign_in) => Ok(to_sign_in),
    }
}

/// `POST`.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::TransferApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = page.desk.visit.form(FORM)?;
    let entered = Entered {
        organization: entered(&fields, "organization")?,
        dedicated_user: entered(&fields, "dedicated_user")?,
        confirm: entered(&fields, "confirm")?,
    };
    let mut faults = Vec::new();
    if entered.organization.is_empty() {
        faults.push(Fault::new("organization", "developer_fault_required"));
    }
    // A private app needs a member of the new owner: the form comes once more, with the members there.
    let ready = page.app().kind != Kind::Private || !entered.dedicated_user.is_empty();
    if faults.is_empty() && !ready {
        faults.push(Fault::new("dedicated_user", "developer_fault_required"));
    }
    if entered.confirm.trim() != page.app().name {
        faults.push(Fault::new("confirm", "developer_fault_confirm").with("name", &page.app().name));
    }
    if !faults.is_empty() {
        return show(&page, &entered, &faults).await;
    }
    let actor = &page.desk.actor;
    match transfer::transfer(ctx, actor, client_id, entered.organization, entered.dedicated_user).await {
        Ok(_) => Ok(redirect(&page.desk.visit, &page.address("?done=transferred"), None)),
        Err(Refusal::Invalid(faults)) => show(&page, &entered, &faults).await,
        Err(other) => Err(other.into()),
    }
}

async fn show(page: &AppDesk<'_>, entered: &Entered<'_>, faults: &[Fault]) -> Paged {
    let (app, visit) = (page.app(), &page.desk.visit);
    let able = |role| {
        let relation = Relation {
            role: Some(role),
            ..Relation::default()
        };
        may(Right::TransferApp, relation)
    };
    let others = page.desk.memberships.iter();
    let others = others.filter(|other| other.organization.id != app.organization && able(other.role()));
    let choices: Vec<(String, String)> = others
        .map(|other| (other.organization.id.clone(), other.organization.name.clone()))
        .collect();
    let target = choices.iter().find(|(id, _)| id == entered.organization);
    let people = match target {
        Some((id, _)) if app.kind == Kind::Private => people::of_organization(page.desk.ctx(), id).await?,
        _ => Vec::new(),
    };
    let people: Vec<(String, String)> = people
        .iter()
        .map(|person| {
            (
                person.user.id.clone(),
                format!("{} ({})", person.user.name, person.user.email),
            )
        })
        .collect();
    let body = html! {
        (summary(visit, faults))
        @if choices.is_empty() {
            p.notice { (visit.text("developer_transfer_nowhere")) }
        } @else {
            p.notice.warning { (visit.text("developer_transfer_text")) }
            form.long method="post" action=(page.address("/transfer")) {
                (visit.csrf(FORM))
                (Field::new("organization", "developer_transfer_to", entered.organization)
                    .choose(visit, faults, &choices))
                @if app.kind == Kind::Private && target.is_some() {
                    (Field::new("dedicated_user", "developer_dedicated_user", entered.dedicated_user)
                        .hint(visit.text("developer_dedicated_user_hint")).choose(visit, faults, &people))
                }
                (Field::new("confirm", "developer_confirm", entered.confirm)
                    .hint(visit.fill("developer_confirm_hint", &[("name", &app.name)])).show(visit, faults))
                button.danger { (visit.text("developer_transfer")) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok(page.show_aside(visit.text("developer_transfer"), status, body))
}
