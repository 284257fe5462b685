//! `/developer/apps/{client_id}/history`: everything that was done to the app.

use super::frame::{AppDesk, Tab};
use crate::context::Context;
use crate::model::event::{Change, Event, EventKind};
use crate::model::organization::Organization;
use crate::model::user::User;
use crate::oauth::params::Params;
use crate::platform::apps::history;
use crate::platform::rights::Right;
use crate::portal::trouble::{Paged, Trouble};
use crate::portal::webhooks::order;
use crate::store::keys;
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

const PAGE: u32 = 30;

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::SeeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes()).unwrap_or_default();
    let after = params.get("after").ok().flatten();
    let listed = history::of_app(ctx, &page.desk.actor, client_id, after, PAGE).await?;
    let body = html! {
        @if listed.rows.is_empty() {
            p.notice { (page.desk.text("developer_history_none")) }
        } @else {
            ol.rows {
                @for event in &listed.rows { (row(&page, event).await?) }
            }
        }
        @if let Some(next) = &listed.next {
            p.after {
                a href=(format!("{}?after={next}", page.address("/history"))) {
                    (page.desk.text("developer_more"))
                }
            }
        }
    };
    Ok(page.show(Tab::History, StatusCode::OK, body))
}

async fn row(page: &AppDesk<'_>, event: &Event) -> Result<Markup, Trouble> {
    let by = match &event.by {
        Some(id) => name(page, id).await?,
        None => None,
    };
    let at = event.at.to_string();
    let shown = at.get(..16).map(|minute| format!("{} UTC", minute.replace('T', " ")));
    let what = said(event.kind).map_or(event.kind.as_str(), |key| page.desk.text(key));
    let mut changes = Vec::new();
    // Whether it is disabled, the event itself says.
    for change in event.changes.iter().filter(|change| change.what != "disabled") {
        changes.push(change_row(page, change).await?);
    }
    Ok(html! {
        li {
            div.what {
                h2 {
                    (what)
                    @if let Some(subject) = &event.subject { " " bdi { "(" (subject) ")" } }
                }
                p.quiet {
                    time datetime=(at) { (shown.as_deref().unwrap_or(&at)) }
                    @if let Some(by) = by { " · " bdi { (by) } }
                }
                @if let Some(note) = &event.note { p.note { bdi { (note) } } }
                @if !changes.is_empty() {
                    ul.changes { @for change in changes { li { (change) } } }
                }
            }
        }
    })
}

/// What happened, in words; `None` for what is nothing of an app.
const fn said(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::AppCreated => "developer_event_app_created",
        EventKind::AppChanged => "developer_event_app_changed",
        EventKind::AppScopesChanged => "developer_event_app_scopes_changed",
        EventKind::AppSubmitted => "developer_event_app_submitted",
        EventKind::AppWithdrawn => "developer_event_app_withdrawn",
        EventKind::AppApproved => "developer_event_app_approved",
        EventKind::AppRejected => "developer_event_app_rejected",
        EventKind::AppChangesRequested => "developer_event_app_changes_requested",
        EventKind::AppSuspended => "developer_event_app_suspended",
        EventKind::AppReinstated => "developer_event_app_reinstated",
        EventKind::AppDisabled => "developer_event_app_disabled",
        EventKind::AppEnabled => "developer_event_app_enabled",
        EventKind::AppTransferred => "developer_event_app_transferred",
        EventKind::AppTokensRevoked => "developer_event_app_tokens_revoked",
        EventKind::SecretCreated => "developer_event_secret_created",
        EventKind::SecretRevoked => "developer_event_secret_revoked",
        EventKind::TokenCreated => "developer_event_token_created",
        EventKind::TokenRevoked => "developer_event_token_revoked",
        EventKind::SecretExpiring => "developer_event_secret_expiring",
        EventKind::WebhookCreated => "developer_event_webhook_created",
        EventKind::WebhookChanged => "developer_event_webhook_changed",
        EventKind::WebhookSecretRotated => "developer_event_webhook_secret_rotated",
        EventKind::WebhookPaused => "developer_event_webhook_paused",
        EventKind::WebhookRemoved => "developer_event_webhook_removed",
        EventKind::WebhookResent => "developer_event_webhook_resent",
        _ => return None,
    })
}

async fn change_row(page: &AppDesk<'_>, change: &Change) -> Result<Markup, Trouble> {
    let label = match change.what.as_str() {
        "name" => "developer_name",
        "company" => "developer_company",
        "website" => "developer_website",
        "logo" => "developer_logo",
        "support" => "developer_support",
        "privacy_policy" => "privacy_policy",
        "terms" => "terms",
        "dedicated_user" => "developer_dedicated_user",
        "redirect_uris" => "developer_redirect_uris",
        "scopes" => "developer_tab_scopes",
        "stakeholders" => "developer_stakeholders",
        "team" => "developer_tab_team",
        "key" => "developer_key",
        "state" | "status" => "developer_change_state",
        "organization" => "developer_transfer_to",
        "reasons" => "developer_change_reasons",
        "label" => "hook_label",
        "url" => "hook_url",
        "events" => "hook_events",
        "in_order" => "hook_order",
        "deliveries" => "hook_log",
        "from" => "hook_from",
        "until" => "hook_until",
        "webhook_status" => "hook_state",
        "expires_at" => "hook_expires_at",
        other => other,
    };
    // The digest of a picture says nothing to anybody.
    let told = change.what != "logo";
    let before = side(page, change, change.before.as_deref()).await?;
    let after = side(page, change, change.after.as_deref()).await?;
    Ok(html! {
        (page.desk.visit.texts.get(label))
        @if told {
            ": "
            @if let Some(before) = before { del { bdi { (before) } } " " }
            @if let Some(after) = after { ins { bdi { (after) } } }
        }
    })
}

/// As people call it: users by name, states in words.
async fn side(page: &AppDesk<'_>, change: &Change, value: Option<&str>) -> Result<Option<String>, Trouble> {
    let Some(value) = value else { return Ok(None) };
    Ok(Some(match change.what.as_str() {
        "dedicated_user" | "team" => {
            let mut names = Vec::new();
            for id in value.split(' ') {
                names.push(name(page, id).await?.unwrap_or_else(|| id.to_owned()));
            }
            names.join(", ")
        }
        "organization" => {
            let organization = page.desk.ctx().load::<Organization>(&keys::organization(value)).await?;
            organization.map_or_else(|| value.to_owned(), |organization| organization.name.clone())
        }
        "in_order" => page.desk.text(order(value == "true")).to_owned(),
        "webhook_status" => {
            let key = match value {
                "enabled" => "hook_is_enabled",
                "disabled" => "hook_is_disabled",
                _ => "hook_is_paused",
            };
            page.desk.text(key).to_owned()
        }
        "state" | "status" => {
            let key = format!("developer_state_{value}");
            page.desk.visit.texts.find(&key).unwrap_or(value).to_owned()
        }
        _ => value.to_owned(),
    }))
}

async fn name(page: &AppDesk<'_>, id: &str) -> Result<Option<String>, Trouble> {
    let user = page.desk.ctx().load::<User>(&keys::user(id)).await?;
    Ok(user.map(|user| user.name.clone()))
}
