//! What a payment link is, and how it is shown.

use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::document::{CONTENT_BYTES_MAX, Document};
use crate::sandbox::fields::text;
use crate::sandbox::refusal::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Of a timeline; the oldest give way.
const EVENTS_MAX: usize = 30;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long a link may be paid.
pub const EXPIRATION_TIMES: [(&str, Option<Duration>); 6] = [
    ("15m", Some(Duration::from_secs(15 * 60))),
    ("1h", Some(HOUR)),
    ("12h", Some(Duration::from_secs(12 * 60 * 60))),
    ("24h", Some(Duration::from_secs(24 * 60 * 60))),
    ("72h", Some(Duration::from_secs(72 * 60 * 60))),
    ("never", None),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    Active,
    Paused,
    Archived,
}

/// Of a session, as deliveries of webhooks will name them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    Quoted,
    AwaitingDeposit,
    Pending,
    DepositReceived,
    Swapping,
    Sending,
    Underpaid,
    Complete,
    Failed,
    Expired,
    Cancelled,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    pub status: SessionStatus,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Link {
    pub status: LinkStatus,
    /// As it was sent, and changed since.
    pub payload: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Map<String, Value>>,
    /// `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The webhook subscription that was active when it was made: told of it even when that is switched off since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    pub events: Vec<Value>,
}

/// What the address of a session begins with: none of any network.
const ADDRESS: &str = "SANDBOX-DO-NOT-SEND";

impl Session {
    /// Where nobody should send anything.
    pub fn address(&self) -> String {
        format!("{ADDRESS}-{}", self.id.to_uppercase())
    }
}

impl LinkStatus {
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Archived];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Archived => "archived",
        }
    }

    pub fn read(text: &str) -> Result<Self, Refusal> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        let bad = || Refusal::Invalid("invalid_status", "status must be active, paused or archived.".into());
        found.ok_or_else(bad)
    }
}

impl SessionStatus {
    pub const ALL: [Self; 11] = [
        Self::Quoted,
        Self::AwaitingDeposit,
        Self::Pending,
        Self::DepositReceived,
        Self::Swapping,
        Self::Sending,
        Self::Underpaid,
        Self::Complete,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::AwaitingDeposit => "awaiting_deposit",
            Self::Pending => "pending",
            Self::DepositReceived => "deposit_received",
            Self::Swapping => "swapping",
            Self::Sending => "sending",
            Self::Underpaid => "underpaid",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether another session may follow.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Failed | Self::Expired | Self::Cancelled)
    }
}

/// When a link that may be paid for so long ends.
pub fn expiry(name: &str, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let known = EXPIRATION_TIMES.iter().find(|(known, _)| *known == name);
    let (_, span) = known.ok_or_else(|| {
        let all = EXPIRATION_TIMES.map(|(name, _)| name).join(", ");
        Refusal::Invalid(
            "invalid_expiration_time",
            format!("expirationTime must be one of {all}."),
        )
    })?;
    Ok(span.map(|span| now + span))
}

impl Link {
    pub fn tell(&mut self, kind: &str, now: Timestamp, more: Value) {
        let mut event = json!({ "type": kind, "createdAt": now.to_string() });
        if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
            event.extend(more);
        }
        self.events.push(event);
        let beyond = self.events.len().saturating_sub(EVENTS_MAX);
        self.events.drain(..beyond);
    }

    /// What is told of older times gives way where there is no room for it.
    pub fn shorten(&mut self) {
        let bytes = |link: &Self| serde_json::to_string(link).map_or(0, |text| text.len());
        while !self.events.is_empty() && bytes(self) > CONTENT_BYTES_MAX {
            self.events.remove(0);
        }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    pub fn email(&self) -> Result<Option<&str>, Refusal> {
        text(&self.payload, "customerEmail")
    }

    pub fn latest_session(&self) -> Value {
        let session = self.session.as_ref();
        session.map_or(
            Value::Null,
            |session| json!({ "id": session.id, "status": session.status }),
        )
    }

    /// Whether it is what a list is asked for: its own status, or that of its session.
    pub fn has_status(&self, status: &str) -> bool {
        let session = self.session.as_ref().map(|session| session.status.as_str());
        self.status.as_str() == status || session == Some(status)
    }

    /// Its page.
    pub fn public_url(&self, ctx: &Context, document: &Document) -> String {
        format!("{}/payment/{}", ctx.issuer(), document.id)
    }

    /// The members that clients know. Whose it is and who made it stand nowhere among them.
    pub fn shown(&self, ctx: &Context, document: &Document) -> Value {
        let of = |name: &str| self.payload.get(name).cloned().unwrap_or(Value::Null);
        let currency = match (of("fiatCurrency"), of("currency")) {
            (Value::Null, Value::Null) => json!("USD"),
            (Value::Null, currency) => currency,
            (fiat, _) => fiat,
        };
        let (created, updated) = (document.created_at.to_string(), document.updated_at.to_string());
        json!({
            "id": document.id,
            "uid": document.id,
            "publicUrl": self.public_url(ctx, document),
            "status": self.status,
            "amount": of("amount"),
            "fiatAmount": of("amount"),
            "fiatCurrency": currency,
            "currency": of("currency"),
            "asset": of("asset"),
            "title": of("title"),
            "label": of("label"),
            "description": of("description"),
            "orderId": of("orderId"),
            "customerEmail": of("customerEmail"),
            "clientId": of("clientId"),
            "metadata": of("metadata"),
            "payload": self.payload,
            "source": self.source,
            "settlement": self.settlement,
            "latestSession": self.latest_session(),
            "timelineEvents": self.events,
            "link_type": "payment",
            "donation_slug": null,
            "createdAt": created,
            "updatedAt": updated,
            "created_at": created,
            "updated_at": updated,
            "expires_at": self.expires_at.map(|at| at.to_string()),
        })
    }
}
