//! `/organizations` and `/organizations/{organization}`: what one belongs to, and what there is.

use super::{Confirm, Room, Tab, Wrong, field, is_typed, said};
use crate::context::Context;
use crate::platform::members;
use crate::platform::organizations::{self, Count};
use crate::platform::rights::Right;
use crate::portal::account::day;
use crate::portal::desk::{Desk, Part};
use crate::portal::page::redirect;
use crate::portal::trouble::Paged;
use crate::web::request::Request;
use crate::web::response::Response;
use maud::{Markup, html};

const RENAME: &str = "org_rename";
const LEAVE: &str = "org_leave";

/// `GET /organizations`.
pub async fn list(ctx: &Context, request: &Request) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let body = html! {
        (said(&desk, &[("left", "org_done_left")]))
        @if desk.memberships.is_empty() {
            p { (desk.text("org_none")) }
        } @else {
            ul.rows {
                @for membership in &desk.memberships {
                    li {
                        div.what {
                            h2.plain { a href={ "/organizations/" (membership.organization.id) } {
                                bdi { (membership.organization.name) }
                            } }
                            p.quiet { (membership.organization.id) }
                        }
                        span.tag { (desk.role(membership.role())) }
                    }
                }
            }
        }
    };
    let way = [("/account".to_owned(), desk.text("nav_account").to_owned())];
    Ok(desk
        .page(Part::Organization, &way, desk.text("org_list"), body)
        .show(&desk.visit))
}

/// `GET /organizations/{organization}`.
pub async fn get(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeOrganization).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    page(ctx, &room, room.name(), &Wrong::none()).await
}

async fn page(ctx: &Context, room: &Room<'_>, typed: &str, wrong: &Wrong) -> Paged {
    let counts = organizations::counts(ctx, &room.desk.actor, &room.membership).await?;
    let organization = &room.membership.organization;
    let row = |key, rest: &str, count: Option<Count>| {
        html! {
            @if let Some(count) = count {
                dt { (room.text(key)) }
                dd { a href=(room.path(rest)) { (number(count)) } }
            }
        }
    };
    let body = html! {
        (said(&room.desk, &[("renamed", "org_done_renamed")]))
        dl {
            dt { (room.text("org_id")) } dd { code { (organization.id) } }
            dt { (room.text("org_my_role")) } dd { (room.desk.role(room.membership.role())) }
            dt { (room.text("org_since")) } dd { (day(organization.created_at)) }
            (row("org_members", "/members", counts.members))
            (row("org_grants", "/apps", counts.grants))
        }
        (next(room))
        @if room.may(Right::ChangeOrganization) { (rename_form(room, typed, wrong)) }
        h2 { (room.text("org_leave")) }
        p { (room.text("org_leave_hint")) }
        p { a.button.secondary href=(room.path("/leave")) { (room.text("org_leave")) } }
    };
    Ok(room.show(Tab::Overview, &[], room.name(), wrong, body))
}

fn number(count: Count) -> String {
    format!("{}{}", count.number, if count.more { "+" } else { "" })
}

/// What can be done from here.
fn next(room: &Room<'_>) -> Markup {
    let steps = [
        (Right::CreateApp, "/developer".to_owned(), "org_next_develop"),
        (Right::ManageMembers, room.path("/members"), "org_next_invite"),
        (Right::SeeConnectedApps, room.path("/apps"), "org_next_apps"),
        (Right::SeeAudit, room.path("/audit"), "org_next_audit"),
    ];
    let steps: Vec<_> = steps.into_iter().filter(|(right, ..)| room.may(*right)).collect();
    html! {
        h2 { (room.text("org_next")) }
        @if steps.is_empty() {
            p { (room.text("org_next_member")) }
        } @else {
            ul.links {
                @for (_, to, key) in steps { li { a href=(to) { (room.text(key)) } } }
            }
        }
    }
}

fn rename_form(room: &Room<'_>, typed: &str, wrong: &Wrong) -> Markup {
    html! {
        h2 { (room.text("org_rename")) }
        form method="post" action=(room.path("")) {
            (room.desk.visit.csrf(RENAME))
            label for="name" { (room.text("name")) }
            (wrong.beside(&room.desk, "name"))
            input #name type="text" name="name" value=(typed) required autocomplete="organization"
                aria-describedby=[wrong.describes("name")];
            button { (room.text("org_save")) }
        }
    }
}

/// `POST /organizations/{organization}`: another name.
pub async fn rename(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ChangeOrganization).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(RENAME)?;
    let name = field(&fields, "name")?;
    match organizations::rename(ctx, &room.desk.actor, organization, name).await {
        Ok(()) => Ok(room.done("", "renamed")),
        Err(refusal) => page(ctx, &room, name, &Wrong::of(&room.desk, refusal)?).await,
    }
}

/// `GET /organizations/{organization}/leave`.
pub async fn leave(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeOrganization).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    Ok(leave_page(&room, &Wrong::none()))
}

fn leave_page(room: &Room<'_>, wrong: &Wrong) -> Response {
    let confirm = Confirm {
        action: &room.path("/leave"),
        form: LEAVE,
        title: room.text("org_leave"),
        text: html! { p { (room.text("org_leave_text")) } },
        name: room.name(),
        button: room.text("org_leave"),
        back: &room.path(""),
        hidden: &[],
        crumbs: &[],
    };
    room.confirm(Tab::Overview, &confirm, wrong)
}

/// `POST /organizations/{organization}/leave`.
pub async fn left(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeOrganization).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(LEAVE)?;
    if !is_typed(&fields, room.name())? {
        return Ok(leave_page(&room, &Wrong::not_typed()));
    }
    match members::leave(ctx, &room.desk.actor, organization).await {
        Ok(()) => Ok(redirect(&room.desk.visit, "/organizations?done=left", None)),
        Err(refusal) => Ok(leave_page(&room, &Wrong::of(&room.desk, refusal)?)),
    }
}
