//! `/developer/apps/{client_id}`: how the app stands, and what is next.

use super::frame::{AppDesk, Tab};
use super::review::Step;
use super::scopes::titles;
use crate::context::Context;
use crate::model::app::{App, AppState, ClientType, Kind};
use crate::model::organization::Organization;
use crate::model::review::Detail;
use crate::model::user::User;
use crate::platform::apps::people::{self, Named};
use crate::platform::rights::Right;
use crate::portal::app_card;
use crate::portal::trouble::{Paged, Trouble};
use crate::store::keys;
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

/// What was just done, as the address says it, and the text for it.
const DONE: [(&str, &str); 8] = [
    ("done=saved", "developer_done_saved"),
    ("done=scopes", "developer_done_scopes"),
    ("done=submitted", "developer_done_submitted"),
    ("done=withdrawn", "developer_done_withdrawn"),
    ("done=disabled", "developer_done_disabled"),
    ("done=enabled", "developer_done_enabled"),
    ("done=transferred", "developer_done_transferred"),
    ("done=team", "developer_done_team"),
];

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::SeeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let done = DONE
        .into_iter()
        .find(|(query, _)| request.query.as_deref() == Some(query));
    let body = html! {
        @if let Some((_, text)) = done {
            p.notice.good role="status" { (page.desk.text(text)) }
        }
        (app_card::card(&page.desk.visit, page.app()).await?)
        p { (page.tags()) }
        (standing(&page).await?)
        (said(&page))
        h2 { (page.desk.text("developer_facts")) }
        (facts(&page).await?)
        (decisions(&page))
    };
    Ok(page.show(Tab::Overview, StatusCode::OK, body))
}

/// The state in plain words, and what is next.
async fn standing(page: &AppDesk<'_>) -> Result<Markup, Trouble> {
    let app = page.app();
    let text = |key| page.desk.text(key);
    let may_change = page.may(Right::ChangeApp);
    let credentials = page.address("/credentials");
    let lacks_user = app.state != AppState::Draft && !has_user(page).await?;
    let staged = page.staged();
    let step = page.step().await?;
    // A reviewer who asks for changes of what an active app would add leaves the app as it is.
    let staged_text = match step {
        Some(Step::Submit) => "developer_is_staged_back",
        _ => "developer_is_staged",
    };
    Ok(html! {
        @if app.disabled { p.notice.danger { (text("developer_is_disabled")) } }
        @if lacks_user { p.notice.danger { (text("developer_needs_user")) } }
        @match (app.state, app.kind) {
            (AppState::Draft, Kind::Public) if step == Some(Step::Submit) => {
                p.notice { (text("developer_is_draft_whole")) }
            },
            (AppState::Draft, _) => (missing(page)),
            (AppState::PendingReview, _) => p.notice { (text("developer_is_pending")) },
            (AppState::ChangesRequested, _) => p.notice.warning { (text("developer_is_sent_back")) },
            (AppState::Rejected, _) => p.notice.danger { (text("developer_is_rejected")) },
            (AppState::Suspended, _) => p.notice.danger { (text("developer_is_suspended")) },
            (AppState::Active, Kind::Public) => p.notice.good { (text("developer_is_active_public")) },
            (AppState::Active, Kind::Private) => p.notice.good { (text("developer_is_active_private")) },
            (AppState::Active, Kind::Native) => {}
            (AppState::Active, Kind::ResourceServer) => p.notice.good { (text("developer_is_active_server")) },
        }
        @if !staged.is_empty() {
            p.notice { (page.desk.fill(staged_text, &[("scopes", &titles(page, &staged))])) }
        }
        @if app.state == AppState::Active && page.may(Right::ManageCredentials) {
            p { a.button href=(credentials) { (text("developer_to_credentials")) } }
        }
        @if may_change { (review(page, step)) }
    })
}

/// The ways into review and out of it.
fn review(page: &AppDesk<'_>, step: Option<Step>) -> Markup {
    let link = |ending: &str, key| html! { li { a href=(page.address(ending)) { (page.desk.text(key)) } } };
    let sent_back = matches!(page.app().state, AppState::ChangesRequested | AppState::Rejected);
    html! {
        @if sent_back || step == Some(Step::Withdraw) {
            ul.links {
                @if sent_back {
                    (link("/details", "developer_tab_details"))
                    (link("/scopes", "developer_tab_scopes"))
                }
                @if step == Some(Step::Withdraw) { (link("/review", "developer_withdraw")) }
            }
        }
        @if step == Some(Step::Submit) {
            p { a.button href=(page.address("/review")) { (page.desk.text("developer_submit")) } }
        }
    }
}

/// What a draft still lacks, each with the way to its form.
fn missing(page: &AppDesk<'_>) -> Markup {
    let missing = page.desk.ctx().profile().review.missing(&page.access.case());
    let next = if page.app().kind == Kind::Public {
        "developer_is_draft_public"
    } else {
        "developer_is_draft_private"
    };
    html! {
        div.notice.warning {
            p { (page.desk.text(next)) }
            ul {
                @for detail in missing {
                    @let (label, ending) = place(detail);
                    li {
                        @if page.may(Right::ChangeApp) {
                            a href=(page.address(ending)) { (page.desk.text(label)) }
                        } @else { (page.desk.text(label)) }
                    }
                }
            }
        }
    }
}

/// The label of a detail, and the form it stands in.
const fn place(detail: Detail) -> (&'static str, &'static str) {
    match detail {
        Detail::Name => ("developer_name", "/details#name"),
        Detail::Scopes => ("developer_tab_scopes", "/scopes"),
        Detail::RedirectUri => ("developer_redirect_uris", "/details#redirect_uris"),
        Detail::DedicatedUser => ("developer_dedicated_user", "/details#dedicated_user"),
        Detail::Company => ("developer_company", "/details#company"),
        Detail::Website => ("developer_website", "/details#website"),
        Detail::Logo => ("developer_logo", "/logo"),
        Detail::Support => ("developer_support", "/details#support"),
        Detail::PrivacyPolicy => ("privacy_policy", "/details#privacy_policy"),
        Detail::Terms => ("terms", "/details#terms"),
    }
}

/// What the reviewer said last.
fn said(page: &AppDesk<'_>) -> Markup {
    let dossier = page.access.dossier();
    let Some(verdict) = dossier.verdict.filter(|verdict| !verdict.note.is_empty()) else {
        return html! {};
    };
    let at = verdict.at.to_string();
    html! {
        h2 { (page.desk.text("developer_note")) }
        blockquote {
            p.note { bdi { (verdict.note) } }
            p.quiet { time datetime=(at) { (at.get(..10).unwrap_or(&at)) } }
        }
    }
}

async fn has_user(page: &AppDesk<'_>) -> Result<bool, Trouble> {
    let app = page.app();
    if app.kind != Kind::Private {
        return Ok(true);
    }
    let user = app.dedicated_user.as_deref().unwrap_or_default();
    let named = people::find(page.desk.ctx(), &app.organization, user).await?;
    Ok(matches!(named, Named::Member(_)))
}

async fn facts(page: &AppDesk<'_>) -> Result<Markup, Trouble> {
    let (app, ctx) = (page.app(), page.desk.ctx());
    let dossier = page.access.dossier();
    let text = |key| page.desk.text(key);
    let organization = ctx.load::<Organization>(&keys::organization(&app.organization)).await?;
    let user = match &app.dedicated_user {
        Some(id) => ctx.load::<User>(&keys::user(id)).await?,
        None => None,
    };
    let created = app.created_at.to_string();
    Ok(html! {
        dl {
            dt { (text("developer_client_id")) } dd { code { (app.client_id) } }
            @if app.kind == Kind::Public {
                dt { (text("developer_client_type")) } dd { (text(client_type(app))) }
            }
            dt { (page.desk.visit.noun()) }
            dd { bdi { (organization.map_or(String::new(), |organization| organization.name.clone())) } }
            @if let Some(user) = user {
                dt { (text("developer_dedicated_user")) } dd { bdi { (user.name) } " (" (user.email) ")" }
            }
            @if !app.redirect_uris.is_empty() {
                dt { (text("developer_redirect_uris")) }
                dd { @for uri in &app.redirect_uris { code { (uri) } br; } }
            }
            @if !dossier.stakeholders.is_empty() {
                dt { (text("developer_stakeholders")) } dd { (dossier.stakeholders.join(", ")) }
            }
            dt { (text("developer_created")) }
            dd { time datetime=(created) { (created.get(..10).unwrap_or(&created)) } }
        }
        @if !dossier.wanted.is_empty() {
            h2 { (text("developer_tab_scopes")) }
            dl {
                @for scope in &dossier.wanted {
                    dt { code { (scope) } } dd { bdi { (dossier.reason(scope)) } }
                }
            }
        }
    })
}

const fn client_type(app: &App) -> &'static str {
    match app.client_type {
        ClientType::Confidential => "developer_confidential",
        ClientType::Public => "developer_public_client",
    }
}

/// What owners and admins decide about the whole app.
fn decisions(page: &AppDesk<'_>) -> Markup {
    let app = page.app();
    let may_disable = app.kind == Kind::Private && page.may(Right::DisableApp);
    let may_transfer = page.may(Right::TransferApp) && page.desk.memberships.len() > 1;
    html! {
        @if may_disable || may_transfer {
            h2 { (page.desk.text("developer_decisions")) }
            ul.links {
                @if may_disable {
                    li {
                        a href=(page.address("/status")) {
                            @if app.disabled { (page.desk.text("developer_enable")) }
                            @else { (page.desk.text("developer_disable")) }
                        }
                    }
                }
                @if may_transfer {
                    li { a href=(page.address("/transfer")) { (page.desk.text("developer_transfer")) } }
                }
            }
        }
    }
}
