//! `/organizations/{organization}/members`: who belongs to it, and in which role.

use super::invitations;
use super::{Confirm, Room, Tab, Wrong, asked, field, is_typed, said};
use crate::context::Context;
use crate::model::role::Role;
use crate::platform::members::{self, Members, Person, may_manage};
use crate::platform::rights::Right;
use crate::portal::account::day;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use maud::{Markup, html};

const ROLE: &str = "org_role";
const REMOVE: &str = "org_remove";
const DONE: [(&str, &str); 4] = [
    ("invited", "org_done_invited"),
    ("withdrawn", "org_done_withdrawn"),
    ("role", "org_done_role"),
    ("removed", "org_done_removed"),
];

/// `GET /organizations/{organization}/members`.
pub async fn get(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeMembers).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    page(ctx, &room, &invitations::Typed::default(), &Wrong::none()).await
}

/// The list; below it, whoever was invited and the form to invite others, with what was typed into it.
pub async fn page(ctx: &Context, room: &Room<'_>, typed: &invitations::Typed<'_>, wrong: &Wrong) -> Paged {
    let after = asked(room.desk.visit.request, "after");
    let listed = members::list(ctx, &room.desk.actor, room.id(), after.as_deref()).await?;
    let body = html! {
        (said(&room.desk, &DONE))
        (rows(room, &listed))
        @if let Some(next) = &listed.next {
            p.after { a.button.secondary href={ (room.path("/members")) "?after=" (next) } { (room.text("org_more")) } }
        }
        @if room.may(Right::ManageMembers) { (invitations::part(ctx, room, typed, wrong).await?) }
    };
    Ok(room.show(Tab::Members, &[], room.text("org_members"), wrong, body))
}

fn rows(room: &Room<'_>, listed: &Members) -> Markup {
    html! {
        @if listed.people.is_empty() {
            p.quiet { (room.text("org_members_none")) }
        } @else {
            ul.rows {
                @for person in &listed.people { (row(room, person)) }
            }
        }
    }
}

fn row(room: &Room<'_>, person: &Person) -> Markup {
    let myself = person.member.user == room.desk.actor.id();
    let manages = may_manage(room.membership.role(), person.member.role);
    html! {
        li {
            div.what {
                h2.plain { bdi { (person.name) } }
                p.quiet { bdi { (person.email) } " · " (room.text("since")) " " (day(person.member.created_at)) }
            }
            span.tag { (room.desk.role(person.member.role)) }
            @if myself { span.tag { (room.text("org_myself")) } }
            @if person.disabled { span.tag.high { (room.text("org_disabled")) } }
            @if manages {
                a href={ (room.path("/members/")) (person.member.user) }
                    aria-label=(room.desk.fill("org_manage_of", &[("name", &person.name)])) {
                    (room.text("org_manage"))
                }
            }
        }
    }
}

/// `GET /organizations/{organization}/members/{user}`: what can be changed of a member.
pub async fn show(ctx: &Context, request: &Request, organization: &str, user: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageMembers).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    member_page(ctx, &room, user, &Wrong::none()).await
}

async fn member_page(ctx: &Context, room: &Room<'_>, user: &str, wrong: &Wrong) -> Paged {
    let person = manageable(ctx, room, user).await?;
    let mine = room.membership.role();
    let roles: Vec<Role> = Role::ALL.into_iter().filter(|role| may_manage(mine, *role)).collect();
    let here = format!("/members/{}", person.member.user);
    let body = html! {
        dl {
            dt { (room.text("email")) } dd { bdi { (person.email) } }
            dt { (room.text("since")) } dd { (day(person.member.created_at)) }
        }
        form method="post" action=(room.path(&here)) {
            (room.desk.visit.csrf(ROLE))
            fieldset {
                legend { (room.text("org_role")) }
                @for role in roles { (role_option(room, role, person.member.role)) }
            }
            button { (room.text("org_save")) }
        }
        h2 { (room.text("org_remove")) }
        p { (room.text("org_remove_hint")) }
        p { a.button.danger href=(room.path(&format!("{here}/remove"))) { (room.text("org_remove")) } }
    };
    let crumbs = [room.crumb("/members", room.text("org_members"))];
    Ok(room.show(Tab::Members, &crumbs, &person.name, wrong, body))
}

/// A role, and what it may do.
pub fn role_option(room: &Room<'_>, role: Role, chosen: Role) -> Markup {
    let hint = match role {
        Role::Owner => "org_role_owner",
        Role::Admin => "org_role_admin",
        Role::Developer => "org_role_developer",
        Role::Member => "org_role_member",
    };
    html! {
        label.option {
            input type="radio" name="role" value=(role.as_str()) checked[role == chosen];
            span {
                strong { (room.desk.role(role)) }
                span.quiet { (room.text(hint)) }
            }
        }
    }
}

/// Somebody whom whoever asks may manage.
async fn manageable(ctx: &Context, room: &Room<'_>, user: &str) -> Result<Person, Trouble> {
    let person = members::show(ctx, &room.desk.actor, room.id(), user).await?;
    if may_manage(room.membership.role(), person.member.role) {
        Ok(person)
    } else {
        Err(Trouble::Forbidden)
    }
}

/// `POST /organizations/{organization}/members/{user}`: another role.
pub async fn change(ctx: &Context, request: &Request, organization: &str, user: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageMembers).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(ROLE)?;
    let role: Role = field(&fields, "role")?.parse().map_err(|_| Trouble::BadForm)?;
    match members::change_role(ctx, &room.desk.actor, organization, user, role).await {
        Ok(()) => Ok(room.done(after_change(&room, user, role), "role")),
        Err(refusal) => member_page(ctx, &room, user, &Wrong::of(&room.desk, refusal)?).await,
    }
}

/// Who gave their own role away may see less from now on.
fn after_change(room: &Room<'_>, user: &str, role: Role) -> &'static str {
    let sees_members = role <= Role::Developer;
    if user == room.desk.actor.id() && !sees_members {
        ""
    } else {
        "/members"
    }
}

/// `GET /organizations/{organization}/members/{user}/remove`.
pub async fn remove(ctx: &Context, request: &Request, organization: &str, user: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageMembers).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    remove_page(ctx, &room, user, &Wrong::none()).await
}

async fn remove_page(ctx: &Context, room: &Room<'_>, user: &str, wrong: &Wrong) -> Paged {
    let person = manageable(ctx, room, user).await?;
    let here = format!("/members/{}", person.member.user);
    let confirm = Confirm {
        action: &room.path(&format!("{here}/remove")),
        form: REMOVE,
        title: room.text("org_remove"),
        text: html! {
            p { (room.desk.fill("org_remove_text", &[("name", &person.name)])) }
        },
        name: &person.email,
        button: room.text("org_remove"),
        back: &room.path(&here),
        hidden: &[],
        crumbs: &[
            room.crumb("/members", room.text("org_members")),
            room.crumb(&here, &person.name),
        ],
    };
    Ok(room.confirm(Tab::Members, &confirm, wrong))
}

/// `POST /organizations/{organization}/members/{user}/remove`.
pub async fn removed(ctx: &Context, request: &Request, organization: &str, user: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageMembers).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(REMOVE)?;
    let person = manageable(ctx, &room, user).await?;
    if !is_typed(&fields, &person.email)? {
        return remove_page(ctx, &room, user, &Wrong::not_typed()).await;
    }
    match members::remove(ctx, &room.desk.actor, organization, user).await {
        Ok(()) => Ok(room.done("/members", "removed")),
        Err(refusal) => remove_page(ctx, &room, user, &Wrong::of(&room.desk, refusal)?).await,
    }
}
