//! `/organizations/{organization}/apps`: which apps have access, and the organization's own private ones.

use super::{Confirm, Room, Tab, Wrong, asked, field, is_typed, said};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{App, AppState};
use crate::platform::connected_apps::{self, ConnectedApp, ConnectedApps};
use crate::platform::rights::Right;
use crate::portal::account::{day, titles};
use crate::portal::app_card::tile;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use maud::{Markup, html};

const SWITCH: &str = "org_app_switch";
/// People whom a row names.
const NAMED_MAX: usize = 3;

/// `GET /organizations/{organization}/apps`.
pub async fn get(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeConnectedApps).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let after = asked(request, "after");
    let actor = &room.desk.actor;
    let connected = connected_apps::list(ctx, actor, organization, after.as_deref(), connected_apps::PAGE).await?;
    let own = connected_apps::private_apps(ctx, actor, organization).await?;
    let done = [("disabled", "org_done_disabled"), ("enabled", "org_done_enabled")];
    let body = html! {
        (said(&room.desk, &done))
        p.quiet { (room.text("org_apps_text")) }
        (rows(&room, &connected, after.is_some()))
        h2 { (room.text("org_private_apps")) }
        @if own.is_empty() {
            p.quiet { (room.text("org_private_apps_none")) }
        } @else {
            ul.rows { @for app in &own { (own_row(&room, app)) } }
        }
    };
    Ok(room.show(Tab::Apps, &[], room.text("org_apps"), &Wrong::none(), body))
}

fn rows(room: &Room<'_>, connected: &ConnectedApps, is_later: bool) -> Markup {
    html! {
        @if !connected.apps.is_empty() {
            ul.rows { @for app in &connected.apps { (row(room, app)) } }
        } @else if connected.next.is_none() {
            p.quiet { (room.text(if is_later { "org_apps_no_more" } else { "org_apps_none" })) }
        }
        @if let Some(next) = &connected.next {
            p.after { a.button.secondary href={ (room.path("/apps")) "?after=" (next) } { (room.text("org_more")) } }
        }
    }
}

fn row(room: &Room<'_>, connected: &ConnectedApp) -> Markup {
    let app = &connected.app;
    let scopes: Vec<String> = connected.scopes().into_iter().map(str::to_owned).collect();
    html! {
        li {
            (tile(room.desk.ctx(), app))
            div.what {
                h2.plain { bdi { (app.name) } }
                @if !app.developer.company.is_empty() {
                    p { (room.text("made_by")) " " bdi { (app.developer.company) } }
                }
                @if let Some(installation) = &app.installation {
                    p { bdi { (installation.site_url) } }
                }
                p.quiet { (titles(&room.desk.visit, &scopes)) }
                p.quiet { (granted_by(room, connected)) }
                p.quiet { (times(room, connected.since(), connected.used_at())) }
            }
            (state(room, app))
            @if connected.grants.iter().any(|granted| granted.needs_approver) {
                span.tag.high { (room.text("native_needs_approver")) }
            }
            a href={ (room.path("/apps/")) (app.client_id) }
                aria-label=(room.desk.fill("org_manage_of", &[("name", &app.name)])) { (room.text("org_manage")) }
        }
    }
}

fn granted_by(room: &Room<'_>, connected: &ConnectedApp) -> Markup {
    let named = connected.grants.iter().take(NAMED_MAX);
    let others = connected.grants.len().saturating_sub(NAMED_MAX);
    html! {
        (room.text("org_granted_by")) " "
        @for (at, granted) in named.enumerate() {
            @if at > 0 { ", " }
            bdi { (granted.name) }
        }
        @if connected.more {
            " " (room.text("org_and_others"))
        } @else if others > 0 {
            " " (room.desk.fill("org_and_more", &[("number", &others.to_string())]))
        }
    }
}

/// Since when, and when it was last there.
pub fn times(room: &Room<'_>, since: Option<Timestamp>, used_at: Option<Timestamp>) -> Markup {
    html! {
        @if let Some(since) = since { (room.text("since")) " " (day(since)) " · " }
        @match used_at {
            Some(at) => { (room.text("last_used")) " " (day(at)) }
            None => { (room.text("never_used")) }
        }
    }
}

/// Whether the app works at all, wherever it is.
pub fn state(room: &Room<'_>, app: &App) -> Markup {
    let (key, warns) = match app.state {
        _ if app.disabled => ("org_state_disabled", true),
        AppState::Active => ("org_state_active", false),
        AppState::Suspended => ("org_state_suspended", true),
        _ => ("org_state_inactive", true),
    };
    html! { span.tag.high[warns] { (room.text(key)) } }
}

fn own_row(room: &Room<'_>, app: &App) -> Markup {
    html! {
        li {
            div.what {
                h3 { bdi { (app.name) } }
                p.quiet { (titles(&room.desk.visit, &app.scopes)) }
                @if app.dedicated_user.is_none() { p { (room.text("org_needs_user")) } }
            }
            (state(room, app))
            @if room.may(Right::DisableApp) {
                @if app.disabled {
                    form method="post" action=(room.path(&format!("/apps/{}/switch", app.client_id))) {
                        (room.desk.visit.csrf(SWITCH))
                        input type="hidden" name="to" value="enabled";
                        button.secondary aria-label=(room.desk.fill("org_enable_of", &[("name", &app.name)])) {
                            (room.text("org_enable"))
                        }
                    }
                } @else {
                    a href=(room.path(&format!("/apps/{}/switch", app.client_id)))
                        aria-label=(room.desk.fill("org_disable_of", &[("name", &app.name)])) {
                        (room.text("org_disable"))
                    }
                }
            }
        }
    }
}

/// `GET /organizations/{organization}/apps/{client_id}/switch`: asks before a private app is disabled.
pub async fn switch(ctx: &Context, request: &Request, organization: &str, client_id: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::DisableApp).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    switch_page(ctx, &room, client_id, &Wrong::none()).await
}

async fn switch_page(ctx: &Context, room: &Room<'_>, client_id: &str, wrong: &Wrong) -> Paged {
    let own = connected_apps::private_apps(ctx, &room.desk.actor, room.id()).await?;
    let app = own.iter().find(|app| app.client_id == client_id);
    let app = app.ok_or(Trouble::NotFound)?;
    let confirm = Confirm {
        action: &room.path(&format!("/apps/{}/switch", app.client_id)),
        form: SWITCH,
        title: room.text("org_disable"),
        text: html! { p { (room.desk.fill("org_disable_text", &[("app", &app.name)])) } },
        name: &app.name,
        button: room.text("org_disable"),
        back: &room.path("/apps"),
        hidden: &[("to", "disabled")],
        crumbs: &[room.crumb("/apps", room.text("org_apps"))],
    };
    Ok(room.confirm(Tab::Apps, &confirm, wrong))
}

/// `POST /organizations/{organization}/apps/{client_id}/switch`: on, or off.
pub async fn switched(ctx: &Context, request: &Request, organization: &str, client_id: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::DisableApp).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(SWITCH)?;
    let disabled = match field(&fields, "to")? {
        "disabled" => true,
        "enabled" => false,
        _ => return Err(Trouble::BadForm),
    };
    if disabled {
        let own = connected_apps::private_apps(ctx, &room.desk.actor, organization).await?;
        let app = own.iter().find(|app| app.client_id == client_id);
        if !is_typed(&fields, &app.ok_or(Trouble::NotFound)?.name)? {
            return switch_page(ctx, &room, client_id, &Wrong::not_typed()).await;
        }
    }
    connected_apps::set_disabled(ctx, &room.desk.actor, organization, client_id, disabled).await?;
    Ok(room.done("/apps", if disabled { "disabled" } else { "enabled" }))
}
