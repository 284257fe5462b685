//! Something that happened, written in the batch that made it happen. The audit log and an app's history are lists of
//! events, and apps are told of some by webhook.

use crate::base::random::{self, Random};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long events are kept.
pub const KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The note of what whoever runs the server did from the command line: there is nobody to name.
pub const COMMAND_LINE: &str = "command line";

macro_rules! kinds {
    ($($name:ident = $text:literal,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        pub enum EventKind { $(#[serde(rename = $text)] $name),* }

        impl EventKind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

kinds! {
    GrantCreated = "grant.created",
    GrantUpdated = "grant.updated",
    GrantRevoked = "grant.revoked",
    ConsentAsked = "consent.asked",
    RefreshReuseDetected = "refresh.reuse_detected",
    CodeReuseDetected = "code.reuse_detected",
    SignedIn = "user.signed_in",
    PasswordChanged = "user.password_changed",
    TotpChanged = "user.totp_changed",
    DutyChanged = "user.duty_changed",
    AppCreated = "app.created",
    AppChanged = "app.changed",
    AppScopesChanged = "app.scopes_changed",
    AppSubmitted = "app.submitted",
    AppWithdrawn = "app.withdrawn",
    AppApproved = "app.approved",
    AppRejected = "app.rejected",
    AppChangesRequested = "app.changes_requested",
    AppSuspended = "app.suspended",
    AppReinstated = "app.reinstated",
    AppDisabled = "app.disabled",
    AppEnabled = "app.enabled",
    AppTransferred = "app.transferred",
    AppTokensRevoked = "app.tokens_revoked",
    SecretCreated = "secret.created",
    SecretRevoked = "secret.revoked",
    SecretExpiring = "secret.expiring",
    TokenCreated = "token.created",
    TokenRevoked = "token.revoked",
    OrganizationCreated = "organization.created",
    OrganizationChanged = "organization.changed",
    MemberInvited = "member.invited",
    InvitationWithdrawn = "member.invitation_withdrawn",
    MemberAdded = "member.added",
    MemberChanged = "member.changed",
    MemberRemoved = "member.removed",
    ApiKeyCreated = "api_key.created",
    ApiKeyRevoked = "api_key.revoked",
    PersonalTokenCreated = "personal_token.created",
    PersonalTokenRevoked = "personal_token.revoked",
    AccessRequested = "access_request.created",
    AccessRequestAnswered = "access_request.answered",
    InstallationRegistered = "installation.registered",
    InstallationReset = "installation.reset",
    WebhookCreated = "webhook.created",
    WebhookChanged = "webhook.changed",
    WebhookSecretRotated = "webhook.secret_rotated",
    WebhookPaused = "webhook.paused",
    WebhookRemoved = "webhook.removed",
    WebhookResent = "webhook.resent",
}

impl EventKind {
    /// Of the kinds that an app's own history shows: what was done to it, not what was done with it.
    pub fn is_of_app(self) -> bool {
        ["app.", "secret.", "token.", "webhook."]
            .iter()
            .any(|about| self.as_str().starts_with(about))
    }

    /// Of the kinds that apps are told of by webhook. A member who is removed takes their grants along.
    pub const fn is_told(self) -> bool {
        matches!(
            self,
            Self::GrantCreated
                | Self::GrantUpdated
                | Self::GrantRevoked
                | Self::MemberRemoved
                | Self::RefreshReuseDetected
                | Self::CodeReuseDetected
                | Self::AppScopesChanged
                | Self::AppWithdrawn
                | Self::AppApproved
                | Self::AppRejected
                | Self::AppChangesRequested
                | Self::AppSuspended
                | Self::AppReinstated
                | Self::AppDisabled
                | Self::AppEnabled
                | Self::AppTokensRevoked
                | Self::SecretCreated
                | Self::SecretRevoked
                | Self::SecretExpiring
                | Self::TokenCreated
                | Self::TokenRevoked
        )
    }
}

/// One member of a thing that is another one now. Never a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The member's name, as the JSON API spells it.
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Change {
    pub fn new(what: &str, before: Option<impl ToString>, after: Option<impl ToString>) -> Self {
        Self {
            what: what.to_owned(),
            before: before.map(|text| text.to_string()),
            after: after.map(|text| text.to_string()),
        }
    }
}

/// A personal access token, as its maker called it: the record may be gone when somebody reads this.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TokenUsed {
    pub id: String,
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// `e_…`.
    pub id: String,
    pub kind: EventKind,
    pub at: Timestamp,
    pub organization: Option<String>,
    /// Whom it concerns.
    pub user: Option<String>,
    pub client_id: Option<String>,
    pub grant: Option<String>,
    /// Who did it, where that is somebody else than `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The personal access token it was done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenUsed>,
    /// What it was done to, as people call it: a label, an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What whoever did it said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Event {
    /// With everything unsaid that may be left unsaid.
    pub fn new(kind: EventKind, at: Timestamp, random: &dyn Random) -> Self {
        Self {
            id: format!("e_{}", random::token::<15>(random)),
            kind,
            at,
            organization: None,
            user: None,
            client_id: None,
            grant: None,
            by: None,
            token: None,
            subject: None,
            changes: Vec::new(),
            note: None,
        }
    }

    /// Of what whoever runs the server did, in or with an organization.
    pub fn by_command_line(kind: EventKind, organization: &str, at: Timestamp, random: &dyn Random) -> Self {
        Self {
            organization: Some(organization.to_owned()),
            note: Some(COMMAND_LINE.to_owned()),
            ..Self::new(kind, at, random)
        }
    }
}

impl Record for Event {
    fn key(&self) -> Key {
        keys::event(self.at, &self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        let mut found = Vec::new();
        if let Some(organization) = &self.organization {
            found.push(keys::event_of_organization(organization, self.at, &self.id));
        }
        if let Some(client_id) = self.client_id.as_ref().filter(|_| self.kind.is_of_app()) {
            found.push(keys::event_of_app(client_id, self.at, &self.id));
        }
        // The outbox of webhooks: this one index key goes once the deliveries are made, and the event stays.
        if self.kind.is_told() {
            found.push(keys::untold_event(self.at, &self.id));
        }
        found
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.at + KEPT)
    }
}
