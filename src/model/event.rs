//! Something that happened, written in the batch that made it happen.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long events are kept.
pub const KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum EventKind {
    #[serde(rename = "grant.created")]
    GrantCreated,
    #[serde(rename = "grant.updated")]
    GrantUpdated,
    #[serde(rename = "grant.revoked")]
    GrantRevoked,
    #[serde(rename = "consent.asked")]
    ConsentAsked,
    #[serde(rename = "refresh.reuse_detected")]
    RefreshReuseDetected,
    #[serde(rename = "code.reuse_detected")]
    CodeReuseDetected,
    #[serde(rename = "user.signed_in")]
    SignedIn,
    #[serde(rename = "user.password_changed")]
    PasswordChanged,
    #[serde(rename = "user.totp_changed")]
    TotpChanged,
}

impl EventKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GrantCreated => "grant.created",
            Self::GrantUpdated => "grant.updated",
            Self::GrantRevoked => "grant.revoked",
            Self::ConsentAsked => "consent.asked",
            Self::RefreshReuseDetected => "refresh.reuse_detected",
            Self::CodeReuseDetected => "code.reuse_detected",
            Self::SignedIn => "user.signed_in",
            Self::PasswordChanged => "user.password_changed",
            Self::TotpChanged => "user.totp_changed",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// `e_…`.
    pub id: String,
    pub kind: EventKind,
    pub at: Timestamp,
    pub organization: Option<String>,
    pub user: Option<String>,
    pub client_id: Option<String>,
    pub grant: Option<String>,
}

impl Record for Event {
    fn key(&self) -> Key {
        keys::event(self.at, &self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.at + KEPT)
    }
}
