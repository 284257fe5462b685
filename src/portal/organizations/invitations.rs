//! Who is asked to join: part of the page of members.

use super::members::{self, role_option};
use super::{Room, Tab, Wrong, field};
use crate::context::Context;
use crate::model::link::LinkKind;
use crate::model::role::Role;
use crate::model::user::User;
use crate::platform::invitations::{self, Pending};
use crate::platform::members::may_manage;
use crate::platform::rights::Right;
use crate::portal::account::day;
use crate::portal::trouble::{Paged, Trouble};
use crate::store::keys;
use crate::web::request::Request;
use maud::{Markup, html};

const INVITE: &str = "org_invite";
const WITHDRAW: &str = "org_withdraw";

/// What was typed into a form that is shown once more.
pub struct Typed<'t> {
    pub email: &'t str,
    pub role: Role,
}

impl Default for Typed<'_> {
    fn default() -> Self {
        Self {
            email: "",
            role: Role::Member,
        }
    }
}

/// Whoever was invited, and the form to invite others.
pub async fn part(ctx: &Context, room: &Room<'_>, typed: &Typed<'_>, wrong: &Wrong) -> Result<Markup, Trouble> {
    let pending = invitations::list(ctx, &room.desk.actor, room.id()).await?;
    let mut rows = Vec::new();
    for pending in &pending {
        let by = match &pending.by {
            Some(by) => ctx.load::<User>(&keys::user(by)).await?,
            None => None,
        };
        rows.push(row(room, pending, by.as_ref().map(|user| user.name.as_str())));
    }
    let mine = room.membership.role();
    let roles: Vec<Role> = Role::ALL.into_iter().filter(|role| may_manage(mine, *role)).collect();
    Ok(html! {
        h2 { (room.text("org_invitations")) }
        @if rows.is_empty() {
            p.quiet { (room.text("org_invitations_none")) }
        } @else {
            ul.rows { @for row in rows { (row) } }
        }
        h2 { (room.text("org_invite")) }
        form method="post" action=(room.path("/invitations")) {
            (room.desk.visit.csrf(INVITE))
            label for="email" { (room.text("email")) }
            (wrong.beside(&room.desk, "email"))
            input #email type="email" name="email" value=(typed.email) required autocomplete="off"
                autocapitalize="none" spellcheck="false" aria-describedby=[wrong.describes("email")];
            fieldset {
                legend { (room.text("org_role")) }
                (wrong.beside(&room.desk, "role"))
                @for role in roles { (role_option(room, role, typed.role)) }
            }
            button { (room.text("org_invite")) }
        }
    })
}

fn row(room: &Room<'_>, pending: &Pending, by: Option<&str>) -> Markup {
    let may = may_manage(room.membership.role(), pending.role);
    html! {
        li {
            div.what {
                h3 { bdi { (pending.email) } }
                p.quiet {
                    @if let Some(by) = by { (room.text("org_invited_by")) " " bdi { (by) } " · " }
                    (room.text("org_valid_until")) " " (day(pending.expires_at))
                }
            }
            span.tag { (room.desk.role(pending.role)) }
            @if may {
                form method="post" action=(room.path("/invitations/withdraw")) {
                    (room.desk.visit.csrf(WITHDRAW))
                    input type="hidden" name="email" value=(pending.email);
                    button.danger aria-label=(room.desk.fill("org_withdraw_of", &[("email", &pending.email)])) {
                        (room.text("org_withdraw"))
                    }
                }
            }
        }
    }
}

/// `POST /organizations/{organization}/invitations`. Where there is no mail server, the answer shows the link, once.
pub async fn invite(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageMembers).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(INVITE)?;
    let email = field(&fields, "email")?.trim();
    let role: Role = field(&fields, "role")?.parse().map_err(|_| Trouble::BadForm)?;
    let texts = room.desk.visit.texts;
    match invitations::invite(ctx, &room.desk.actor, texts, organization, (email, role)).await {
        Ok(None) => Ok(room.done("/members", "invited")),
        Ok(Some(link)) => {
            let hours = LinkKind::Invitation.lives().as_secs() / 3600;
            let values = [("email", email), ("days", &(hours / 24).to_string())];
            let body = html! {
                p.notice.good role="status" { (room.desk.fill("org_invitation_made", &values)) }
                label for="link" { (room.text("org_invitation_link")) }
                input #link type="text" readonly value=(link);
                p { (room.text("org_shown_once")) }
                p { a.button href=(room.path("/members")) { (room.text("org_members")) } }
            };
            let crumbs = [room.crumb("/members", room.text("org_members"))];
            let title = room.text("org_invitation");
            Ok(room.show(Tab::Members, &crumbs, title, &Wrong::none(), body))
        }
        Err(refusal) => {
            let wrong = Wrong::of(&room.desk, refusal)?;
            members::page(ctx, &room, &Typed { email, role }, &wrong).await
        }
    }
}

/// `POST /organizations/{organization}/invitations/withdraw`.
pub async fn withdraw(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageMembers).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(WITHDRAW)?;
    let email = field(&fields, "email")?;
    invitations::withdraw(ctx, &room.desk.actor, organization, email).await?;
    Ok(room.done("/members", "withdrawn"))
}
