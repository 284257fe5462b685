//! What apps are told of: one table, of which the messages, the forms, the JSON API and the documentation are made.
//!
//! A message says which app, which organization, which user and which grant it is about, as the app's own tokens do,
//! and never a name, an address or a secret: what the app may know of those it asks the API with its token.

use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::delivery::BODY_BYTES_MAX;
use crate::model::event::EventKind;
use crate::oauth::access_token::TypedId;
use serde_json::{Map, Value, json};

/// What a developer sends to see whether their endpoint works.
pub const TEST: &str = "webhook.test";

pub struct Told {
    pub kind: EventKind,
    /// The text that says when.
    pub text: &'static str,
    /// What stands in `data`.
    pub data: &'static [Datum],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Datum {
    GrantId,
    UserId,
    Scopes,
    /// Why a grant ended.
    Reason,
    /// The app's state when the message was made.
    Status,
    /// What the reviewer says.
    Note,
    /// Of the secret or token.
    Label,
    ExpiresAt,
}

use Datum::{ExpiresAt, GrantId, Label, Note, Reason, Scopes, Status, UserId};

const fn told(kind: EventKind, text: &'static str, data: &'static [Datum]) -> Told {
    Told { kind, text, data }
}

pub static CATALOG: [Told; 20] = [
    told(
        EventKind::GrantCreated,
        "hook_grant_created",
        &[GrantId, UserId, Scopes],
    ),
    told(
        EventKind::GrantUpdated,
        "hook_grant_updated",
        &[GrantId, UserId, Scopes],
    ),
    told(
        EventKind::GrantRevoked,
        "hook_grant_revoked",
        &[GrantId, UserId, Reason],
    ),
    told(
        EventKind::RefreshReuseDetected,
        "hook_refresh_reuse",
        &[GrantId, UserId],
    ),
    told(EventKind::CodeReuseDetected, "hook_code_reuse", &[GrantId, UserId]),
    told(EventKind::AppApproved, "hook_app_approved", &[Status, Scopes, Note]),
    told(EventKind::AppRejected, "hook_app_rejected", &[Status, Note]),
    told(
        EventKind::AppChangesRequested,
        "hook_app_changes_requested",
        &[Status, Note],
    ),
    told(EventKind::AppSuspended, "hook_app_suspended", &[Status, Note]),
    told(EventKind::AppReinstated, "hook_app_reinstated", &[Status, Note]),
    told(
        EventKind::AppScopesChanged,
        "hook_app_scopes_changed",
        &[Status, Scopes],
    ),
    told(EventKind::AppWithdrawn, "hook_app_withdrawn", &[Status, Scopes]),
    told(EventKind::AppDisabled, "hook_app_disabled", &[Status]),
    told(EventKind::AppEnabled, "hook_app_enabled", &[Status]),
    told(EventKind::AppTokensRevoked, "hook_app_tokens_revoked", &[Status]),
    told(EventKind::SecretCreated, "hook_secret_created", &[Label]),
    told(EventKind::SecretRevoked, "hook_secret_revoked", &[Label]),
    told(EventKind::SecretExpiring, "hook_secret_expiring", &[Label, ExpiresAt]),
    told(EventKind::TokenCreated, "hook_token_created", &[Label]),
    told(EventKind::TokenRevoked, "hook_token_revoked", &[Label]),
];

/// The row of a type; `None` for what no app is told of.
pub fn of(kind: EventKind) -> Option<&'static Told> {
    CATALOG.iter().find(|told| told.kind == kind)
}

/// The kind that a type's name stands for.
pub fn named(name: &str) -> Option<EventKind> {
    let found = CATALOG.iter().find(|told| told.kind.as_str() == name)?;
    Some(found.kind)
}

impl Datum {
    pub const fn name(self) -> &'static str {
        match self {
            Self::GrantId => "grant_id",
            Self::UserId => "user_id",
            Self::Scopes => "scopes",
            Self::Reason => "reason",
            Self::Status => "status",
            Self::Note => "note",
            Self::Label => "label",
            Self::ExpiresAt => "expires_at",
        }
    }

    /// The text that says what it is.
    pub const fn text(self) -> &'static str {
        match self {
            Self::GrantId => "hook_data_grant_id",
            Self::UserId => "hook_data_user_id",
            Self::Scopes => "hook_data_scopes",
            Self::Reason => "hook_data_reason",
            Self::Status => "hook_data_status",
            Self::Note => "hook_data_note",
            Self::Label => "hook_data_label",
            Self::ExpiresAt => "hook_data_expires_at",
        }
    }
}

/// Where a message goes and what it is about.
#[derive(Clone, Copy)]
pub struct Envelope<'a> {
    pub event: &'a str,
    pub kind: &'a str,
    pub at: Timestamp,
    pub client_id: &'a str,
    pub organization: Option<&'a str>,
}

/// What may stand in `data`.
#[derive(Clone, Default)]
pub struct Values {
    pub grant: Option<String>,
    pub user: Option<String>,
    pub scopes: Vec<String>,
    pub reason: Option<String>,
    pub status: Option<String>,
    pub note: Option<String>,
    pub label: Option<String>,
    pub expires_at: Option<String>,
}

impl Values {
    fn of(&self, datum: Datum) -> Value {
        match datum {
            Datum::GrantId => json!(self.grant),
            Datum::UserId => json!(self.user),
            Datum::Scopes => json!(self.scopes),
            Datum::Reason => json!(self.reason),
            Datum::Status => json!(self.status),
            Datum::Note => json!(self.note),
            Datum::Label => json!(self.label),
            Datum::ExpiresAt => json!(self.expires_at),
        }
    }
}

/// The body of a message. What would make it too long is left out, and `truncated` says so.
pub fn body(ctx: &Context, envelope: &Envelope<'_>, data: &[Datum], values: &Values) -> String {
    let whole = message(ctx, envelope, data, values, false).to_string();
    if whole.len() <= BODY_BYTES_MAX {
        return whole;
    }
    let kept: Vec<Datum> = data.iter().copied().filter(|datum| *datum != Datum::Scopes).collect();
    message(ctx, envelope, &kept, values, true).to_string()
}

fn message(ctx: &Context, envelope: &Envelope<'_>, data: &[Datum], values: &Values, truncated: bool) -> Value {
    let mut all = Map::new();
    for datum in data {
        all.insert(datum.name().to_owned(), values.of(*datum));
    }
    let mut message = json!({
        "id": envelope.event,
        "type": envelope.kind,
        "created_at": envelope.at.to_string(),
        "client_id": envelope.client_id,
        ctx.profile().noun.id_claim(): envelope.organization.map(|id| TypedId::new(ctx, id)),
        "data": all,
    });
    if truncated {
        message["truncated"] = true.into();
    }
    message
}

/// A message of this type as the documentation shows it.
pub fn example(ctx: &Context, told: &Told) -> String {
    let profile = ctx.profile();
    let at = Timestamp::from_seconds(1_767_225_600);
    let expires_at = Timestamp::from_seconds(1_767_830_400).to_string();
    let client_id = format!("{}_app_nvlwmUNEt1NCa4d2Wuxb", profile.prefix);
    let envelope = Envelope {
        event: "e_9s0mBXkqT3vJw7yRzLhU",
        kind: told.kind.as_str(),
        at,
        client_id: &client_id,
        organization: Some("849"),
    };
    let status = match told.kind {
        EventKind::AppRejected => "rejected",
        EventKind::AppChangesRequested => "changes_requested",
        EventKind::AppSuspended => "suspended",
        EventKind::AppScopesChanged => "pending_review",
        EventKind::AppDisabled => "disabled",
        _ => "active",
    };
    let text = |text: &str| Some(text.to_owned());
    let values = Values {
        grant: text("g_3kXq0cTzP5nWvYb8LrDa"),
        user: text("u_W-sivFHHkiRUbwz7"),
        scopes: profile.scopes.names().take(2).map(str::to_owned).collect(),
        reason: text("revoked"),
        status: text(status),
        note: text("Thank you."),
        label: text("production"),
        expires_at: Some(expires_at),
    };
    let message = message(ctx, &envelope, told.data, &values, false);
    serde_json::to_string_pretty(&message).expect("a message is plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A member who is removed is no type: their grants are revoked.
    #[test]
    fn every_kind_that_is_told_has_a_row_and_no_other() {
        let told = |kind: &&EventKind| kind.is_told() && **kind != EventKind::MemberRemoved;
        for kind in EventKind::ALL.iter().filter(told) {
            assert!(of(*kind).is_some(), "{kind:?}");
        }
        for row in &CATALOG {
            assert!(row.kind.is_told(), "{:?}", row.kind);
            assert_eq!(named(row.kind.as_str()), Some(row.kind));
        }
    }
}
