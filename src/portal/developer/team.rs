//! `/developer/apps/{client_id}/team`: who works on the app.

use super::fields::{Field, entered, sentence};
use super::frame::{AppDesk, Tab};
use crate::context::Context;
use crate::model::role::Role;
use crate::platform::apps::people;
use crate::platform::apps::team;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use http::StatusCode;
use maud::html;

const FORM: &str = "app_team";

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => show(&page, &[]).await,
        Err(to_sign_in) => Ok(to_sign_in),
    }
}

/// `POST`: somebody joins the team or leaves it.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = page.desk.visit.form(FORM)?;
    let user = entered(&fields, "user")?;
    let actor = &page.desk.actor;
    let done = match entered(&fields, "do")? {
        "add" => team::add(ctx, actor, client_id, user).await,
        "remove" => team::remove(ctx, actor, client_id, user).await,
        _ => return Err(Trouble::BadForm),
    };
    match done {
        // Whoever takes themselves out sees the app, but its team no longer.
        Ok(_) => Ok(redirect(&page.desk.visit, &page.address("?done=team"), None)),
        Err(Refusal::Invalid(faults)) => show(&page, &faults).await,
        Err(other) => Err(other.into()),
    }
}

async fn show(page: &AppDesk<'_>, faults: &[Fault]) -> Paged {
    let (app, visit) = (page.app(), &page.desk.visit);
    let people = people::of_organization(page.desk.ctx(), &app.organization).await?;
    let team = page.access.dossier().team;
    let developers = people.iter().filter(|person| person.member.role == Role::Developer);
    let (inside, outside): (Vec<_>, Vec<_>) = developers.partition(|person| team.contains(&person.user.id));
    let choices: Vec<(String, String)> = outside
        .iter()
        .map(|person| {
            (
                person.user.id.clone(),
                format!("{} ({})", person.user.name, person.user.email),
            )
        })
        .collect();
    let body = html! {
        p { (visit.text("developer_team_text")) }
        @if inside.is_empty() {
            p.notice { (visit.text("developer_team_none")) }
        } @else {
            ul.rows {
                @for person in &inside {
                    li {
                        div.what {
                            h2 { bdi { (person.user.name) } }
                            p.quiet { (person.user.email) }
                        }
                        form method="post" action=(page.address("/team")) {
                            (visit.csrf(FORM))
                            input type="hidden" name="user" value=(person.user.id);
                            button.danger name="do" value="remove"
                                aria-label=(visit.fill("developer_team_remove_of", &[("name", &person.user.name)])) {
                                (visit.text("developer_team_remove"))
                            }
                        }
                    }
                }
            }
        }
        h2 { (visit.text("developer_team_add")) }
        @if choices.is_empty() {
            p.quiet { (visit.text("developer_team_nobody")) }
        } @else {
            form.long method="post" action=(page.address("/team")) {
                (visit.csrf(FORM))
                (Field::new("user", "developer_team_who", "").choose(visit, faults, &choices))
                button name="do" value="add" { (visit.text("developer_team_add")) }
            }
        }
        @for fault in faults.iter().filter(|_| choices.is_empty()) {
            p.notice.danger role="alert" { (sentence(visit, fault)) }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok(page.show(Tab::Team, status, body))
}
