//! `/organizations/{organization}/apps/{client_id}`: who granted an app what, and the end of it.

use super::apps::{state, times};
use super::{Confirm, Room, Tab, Wrong, asked, field, is_typed, said};
use crate::context::Context;
use crate::model::app::App;
use crate::model::grant::GrantStatus;
use crate::platform::connected_apps::{self, AppGrants, Granted};
use crate::platform::rights::Right;
use crate::portal::account::{day, titles};
use crate::portal::app_card::card;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use maud::{Markup, html};

const REVOKE: &str = "org_revoke";
const DONE: [(&str, &str); 3] = [
    ("revoked", "org_done_revoked"),
    ("all", "org_done_revoked_all"),
    ("more", "org_done_revoked_more"),
];

/// `GET /organizations/{organization}/apps/{client_id}`.
pub async fn get(ctx: &Context, request: &Request, organization: &str, client_id: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeConnectedApps).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let after = asked(request, "after");
    let (actor, after) = (&room.desk.actor, after.as_deref());
    let found = connected_apps::of_app(ctx, actor, organization, client_id, after, connected_apps::PAGE).await?;
    let here = format!("/apps/{}", found.app.client_id);
    let body = html! {
        (said(&room.desk, &DONE))
        (card(&room.desk.visit, &found.app).await?)
        p { (state(&room, &found.app)) }
        (installation(&room, &found.app))
        h2 { (room.text("org_who_granted")) }
        @if found.grants.is_empty() {
            p.quiet { (room.text("org_nobody_granted")) }
        } @else {
            ul.rows { @for granted in &found.grants { (row(&room, &found, granted)) } }
        }
        @if let Some(next) = &found.next {
            p.after { a.button.secondary href={ (room.path(&here)) "?after=" (next) } { (room.text("org_more")) } }
        }
        @if !found.grants.is_empty() && room.may(Right::RevokeConnectedApps) {
            h2 { (room.text("org_revoke_all")) }
            p { (room.text("org_revoke_all_hint")) }
            p { a.button.danger href=(room.path(&format!("{here}/revoke"))) { (room.text("org_revoke_all")) } }
        }
        @if room.may(Right::ChangeOrganization) {
            p { a href={ (room.path("/policy")) "?app=" (found.app.client_id) } { (room.text("org_deny_instead")) } }
        }
    };
    let crumbs = [room.crumb("/apps", room.text("org_apps"))];
    Ok(room.show(Tab::Apps, &crumbs, &found.app.name, &Wrong::none(), body))
}

/// What an installation said of itself.
fn installation(room: &Room<'_>, app: &App) -> Markup {
    let Some(installation) = &app.installation else {
        return html! {};
    };
    html! {
        dl {
            dt { (room.text("native_platform")) } dd { (installation.platform) }
            dt { (room.text("native_site_url")) } dd { bdi { (installation.site_url) } }
            @for (name, fact) in &installation.facts {
                dt { code { (name) } } dd { bdi { (fact) } }
            }
            dt { (room.text("native_registered")) } dd { (day(installation.registered_at)) }
        }
    }
}

fn row(room: &Room<'_>, found: &AppGrants, granted: &Granted) -> Markup {
    let grant = &granted.grant;
    let to = room.path(&format!("/apps/{}/revoke?grant={}", found.app.client_id, grant.id));
    html! {
        li {
            div.what {
                h3 { bdi { (granted.name) } }
                p.quiet { bdi { (granted.email) } }
                p.quiet { (titles(&room.desk.visit, &grant.scopes)) }
                p.quiet { (times(room, Some(grant.created_at), granted.used_at)) }
            }
            @if grant.status == GrantStatus::NeedsConsent {
                span.tag.high { (room.text("needs_consent")) }
            }
            @if granted.needs_approver {
                span.tag.high { (room.text("native_needs_approver")) }
            }
            @if room.may(Right::RevokeConnectedApps) {
                a href=(to) aria-label=(room.desk.fill("org_revoke_of", &[("name", &granted.name)])) {
                    (room.text("org_revoke"))
                }
            }
        }
    }
}

/// `GET /organizations/{organization}/apps/{client_id}/revoke`: asks before one grant ends, or all of them.
pub async fn revoke(ctx: &Context, request: &Request, organization: &str, client_id: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::RevokeConnectedApps).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let grant = asked(request, "grant").unwrap_or_default();
    revoke_page(ctx, &room, client_id, &grant, &Wrong::none()).await
}

async fn revoke_page(ctx: &Context, room: &Room<'_>, client_id: &str, grant: &str, wrong: &Wrong) -> Paged {
    let app = connected_apps::connected(ctx, room.id(), client_id).await?;
    let here = format!("/apps/{}", app.client_id);
    let (title, text) = if grant.is_empty() {
        let text = room.desk.fill("org_revoke_all_text", &[("app", &app.name)]);
        (room.text("org_revoke_all"), text)
    } else {
        let granted = connected_apps::one(ctx, &room.desk.actor, room.id(), client_id, grant).await?;
        let values = [("app", app.name.as_str()), ("name", granted.name.as_str())];
        (room.text("org_revoke"), room.desk.fill("org_revoke_text", &values))
    };
    let confirm = Confirm {
        action: &room.path(&format!("{here}/revoke")),
        form: REVOKE,
        title,
        text: html! { p { (text) } },
        name: &app.name,
        button: title,
        back: &room.path(&here),
        hidden: &[("grant", grant)],
        crumbs: &[room.crumb("/apps", room.text("org_apps")), room.crumb(&here, &app.name)],
    };
    Ok(room.confirm(Tab::Apps, &confirm, wrong))
}

/// `POST /organizations/{organization}/apps/{client_id}/revoke`: tokens die at once.
pub async fn revoked(ctx: &Context, request: &Request, organization: &str, client_id: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::RevokeConnectedApps).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(REVOKE)?;
    let grant = field(&fields, "grant")?;
    let app = connected_apps::connected(ctx, organization, client_id).await?;
    if !is_typed(&fields, &app.name)? {
        return revoke_page(ctx, &room, client_id, grant, &Wrong::not_typed()).await;
    }
    let actor = &room.desk.actor;
    let done = if grant.is_empty() {
        let ended = connected_apps::revoke_all(ctx, actor, organization, client_id).await;
        if ended.map_err(Trouble::from)?.more {
            "more"
        } else {
            "all"
        }
    } else {
        connected_apps::revoke(ctx, actor, organization, client_id, grant).await?;
        "revoked"
    };
    Ok(room.done(&format!("/apps/{}", app.client_id), done))
}
