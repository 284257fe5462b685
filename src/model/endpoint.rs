//! Where an app wants to be told what happened: an address, and the secret that signs what is sent there.

use super::event::EventKind;
use crate::base::master::Sealed;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Of one app.
pub const ENDPOINTS_MAX: usize = 10;
pub const LABEL_CHARS_MAX: usize = 60;
pub const URL_BYTES_MAX: usize = 1000;
/// An endpoint that took nothing for so long is sent nothing more until somebody looks after it.
pub const FAILING_MAX: Duration = Duration::from_secs(3 * 24 * 60 * 60);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Enabled,
    /// By its developers: nothing is sent or kept for it.
    Disabled,
    /// It took nothing for too long. What happens meanwhile waits.
    Failing,
    /// It answered 410. What happens meanwhile waits.
    Gone,
    /// The app has another owner, who has to look at it first. What happens meanwhile waits.
    Transferred,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// `we_…`.
    pub id: String,
    pub client_id: String,
    pub label: String,
    pub url: String,
    /// What it is told of; empty for everything, also of what there will be.
    pub kinds: Vec<EventKind>,
    /// Sealed, not digested: every attempt is signed with it.
    pub secret: Sealed,
    pub secret_at: Timestamp,
    pub standing: Standing,
    /// It is sent one event at a time, in the order in which they were written, and none before the one ahead of it
    /// was taken or given up.
    #[serde(default)]
    pub in_order: bool,
    /// Since when it has taken nothing of what was sent.
    pub failing_since: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl Standing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Failing => "paused_failing",
            Self::Gone => "paused_gone",
            Self::Transferred => "paused_transferred",
        }
    }

    /// Nothing is sent, and nothing is lost.
    pub const fn is_paused(self) -> bool {
        matches!(self, Self::Failing | Self::Gone | Self::Transferred)
    }
}

impl Endpoint {
    pub fn wants(&self, kind: EventKind) -> bool {
        self.standing != Standing::Disabled && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }

    /// Whatever was wrong is for its developers to have put right.
    pub fn with_standing(&self, standing: Standing) -> Self {
        Self {
            standing,
            failing_since: None,
            ..self.clone()
        }
    }

    /// After it took something.
    pub fn took(&self) -> Self {
        Self {
            failing_since: None,
            ..self.clone()
        }
    }

    /// After it did not take something, or said that it is gone.
    pub fn missed(&self, gone: bool, now: Timestamp) -> Self {
        let since = self.failing_since.unwrap_or(now);
        let standing = match self.standing {
            Standing::Enabled if gone => Standing::Gone,
            Standing::Enabled if now.since(since) >= FAILING_MAX => Standing::Failing,
            other => other,
        };
        Self {
            standing,
            failing_since: Some(since),
            ..self.clone()
        }
    }

    /// The address as whoever may not change it sees it: a query may hold what only its developers know.
    pub fn url_without_query(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }
}

impl Record for Endpoint {
    fn key(&self) -> Key {
        keys::endpoint(&self.client_id, &self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::master::{MasterSecret, Purpose};
    use crate::base::random::SeededRandom;
    use crate::store::codec;

    /// As it was before there was an order.
    #[derive(Serialize)]
    struct Before<'a> {
        id: &'a str,
        client_id: &'a str,
        label: &'a str,
        url: &'a str,
        kinds: &'a [EventKind],
        secret: &'a Sealed,
        secret_at: Timestamp,
        standing: Standing,
        failing_since: Option<Timestamp>,
        created_at: Timestamp,
    }

    #[test]
    fn one_of_a_time_before_there_was_an_order_is_read_and_wants_none() {
        let random = SeededRandom::new(1);
        let secret = MasterSecret::generate(&random);
        let at = Timestamp::from_seconds(1_767_225_600);
        let before = Before {
            id: "we_1",
            client_id: "app",
            label: "production",
            url: "https://hooks.example/",
            kinds: &[EventKind::GrantCreated],
            secret: &secret.seal(Purpose::WebhookSecret, b"we_1", b"secret", &random),
            secret_at: at,
            standing: Standing::Enabled,
            failing_since: Some(at),
            created_at: at,
        };
        let read: Endpoint = codec::decode(&codec::encode(&before).unwrap()).unwrap();
        assert!(!read.in_order && read.failing_since == Some(at) && read.label == "production");
    }
}
