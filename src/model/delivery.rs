//! One event on its way to one endpoint, and what became of every attempt.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Delivered or not, a delivery is remembered for so long.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Deliveries of one endpoint that are over and remembered.
pub const FINISHED_MAX: usize = 1000;
/// Deliveries that wait for one endpoint; what is beyond is only noted down.
pub const WAITING_MAX: u32 = 5000;
pub const BODY_BYTES_MAX: usize = 6 * 1024;
/// Of what the receiver answered.
pub const ANSWER_BYTES_MAX: usize = 256;
pub const TROUBLE_BYTES_MAX: usize = 160;
const ATTEMPTS_REMEMBERED: usize = 12;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Pending,
    Delivered,
    /// Every attempt failed.
    Failed,
    /// The endpoint was disabled, or had too much waiting.
    Cancelled,
}

/// Why it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Event,
    Test,
    Resend,
}

/// Where it goes. Address and secret are looked up at every attempt.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// The endpoint of an app.
    #[default]
    Endpoint,
    /// The webhook subscription of whoever made what this is about.
    Subscription { organization: String, owner: String },
    /// An address that was given with what this is about, or by the organization for all of it.
    Address {
        organization: String,
        owner: String,
        url: String,
        /// Whose secret signs it: the owner of a [`CallbackSecret`](super::callback_secret::CallbackSecret).
        signer: String,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// `d_…`: the same at every attempt, so that receivers can drop repeats. It holds the time of the event.
    pub id: String,
    pub client_id: String,
    /// The queue it waits in: of an endpoint, of a subscription, of an address.
    pub endpoint: String,
    #[serde(default)]
    pub to: To,
    /// The same for the same event and receiver. With one, each attempt has an id of its own, in the body too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The event's id and type.
    pub event: String,
    pub kind: String,
    /// When the event happened.
    pub at: Timestamp,
    /// What is sent, byte for byte the same at every attempt.
    pub body: String,
    pub origin: Origin,
    pub state: State,
    /// The number of the commit that wrote the event, with those of the stores that this one was imported from before
    /// it: the order of an endpoint that wants one. 0 in records of a time before that.
    #[serde(default)]
    pub written: u64,
    /// It waits in the line of such an endpoint.
    #[serde(default)]
    pub in_line: bool,
    pub next_attempt_at: Timestamp,
    /// Since it was last asked for: how far the schedule has gone.
    pub tries: u32,
    /// Of all, the latest last; at most [`ATTEMPTS_REMEMBERED`].
    pub attempts: Vec<Attempt>,
    pub attempted: u32,
    /// What the latest attempt met, where no answer came; what was answered otherwise.
    pub trouble: Option<String>,
    pub answer: String,
}

/// When, the status that was answered or 0, and how many milliseconds it took. Unnamed, since there are many.
pub type Attempt = (Timestamp, u16, u32);

/// What one attempt came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempted {
    pub at: Timestamp,
    pub took_ms: u32,
    /// The status and the beginning of the body; or why there is none.
    pub result: Result<(u16, String), String>,
}

impl Attempted {
    pub fn delivered(&self) -> bool {
        matches!(self.result, Ok((200..=299, _)))
    }

    /// RFC 9110 section 15.5.11: there is nobody any more, and will not be.
    pub fn gone(&self) -> bool {
        matches!(self.result, Ok((410, _)))
    }
}

impl State {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Origin {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Test => "test",
            Self::Resend => "resend",
        }
    }
}

impl Delivery {
    /// Of an event of this id and type, to be sent at once, to an endpoint that is named apart.
    pub fn new(id: String, (event, kind): (&str, &str), at: Timestamp, body: String, now: Timestamp) -> Self {
        Self {
            id,
            client_id: String::new(),
            endpoint: String::new(),
            to: To::Endpoint,
            group: None,
            event: event.to_owned(),
            kind: kind.to_owned(),
            at,
            body,
            origin: Origin::Event,
            state: State::Pending,
            written: 0,
            in_line: false,
            next_attempt_at: now,
            tries: 0,
            attempts: Vec::new(),
            attempted: 0,
            trouble: None,
            answer: String::new(),
        }
    }

    /// The id of the delivery of something that happened at `at`. `name` is unique to event, endpoint and grant.
    pub fn id_of(at: Timestamp, name: &str) -> String {
        format!("d_{:x}_{name}", at.millis())
    }

    /// The time that an id holds; `None` for what is none.
    pub fn time_of(id: &str) -> Option<Timestamp> {
        let (millis, _) = id.strip_prefix("d_")?.split_once('_')?;
        u64::from_str_radix(millis, 16).ok().map(Timestamp::from_millis)
    }

    /// After an attempt. `schedule` is how long after each failed one the next is made; `jitter` is any number, so that
    /// not everything that failed at the same moment comes back at the same moment.
    pub fn after(&self, attempted: &Attempted, schedule: &[Duration], jitter: u32) -> Self {
        let mut new = self.clone();
        let status = attempted.result.as_ref().map_or(0, |(status, _)| *status);
        new.attempts.push((attempted.at, status, attempted.took_ms));
        let forgotten = new.attempts.len().saturating_sub(ATTEMPTS_REMEMBERED);
        new.attempts.drain(..forgotten);
        new.attempted += 1;
        (new.trouble, new.answer) = match &attempted.result {
            Ok((_, answer)) => (None, beginning(answer, ANSWER_BYTES_MAX)),
            Err(why) => (Some(beginning(why, TROUBLE_BYTES_MAX)), String::new()),
        };
        if attempted.delivered() {
            new.state = State::Delivered;
            return new;
        }
        match schedule.get(self.tries as usize) {
            Some(pause) => new.next_attempt_at = attempted.at + spread(*pause, jitter),
            None => new.state = State::Failed,
        }
        new.tries += 1;
        new
    }

    /// From the beginning of the schedule, at once.
    pub fn again(&self, now: Timestamp) -> Self {
        Self {
            origin: Origin::Resend,
            state: State::Pending,
            next_attempt_at: now,
            tries: 0,
            ..self.clone()
        }
    }

    /// Whose it is, of what is no app's: organization and owner.
    pub fn owner(&self) -> Option<(&str, &str)> {
        match &self.to {
            To::Endpoint => None,
            To::Subscription { organization, owner }
            | To::Address {
                organization, owner, ..
            } => Some((organization, owner)),
        }
    }

    /// What receivers know repeats by.
    pub fn repeats_as(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.id)
    }

    /// Tried and not taken, by a receiver that no record of its own says this of.
    pub fn is_missing(&self) -> bool {
        self.attempted > 0 && self.owner().is_some()
    }

    /// The body of an attempt, for a receiver that wants to find the attempt's id in it.
    pub fn body_of(&self, attempt_id: &str) -> String {
        match (&self.group, self.body.strip_prefix('{')) {
            (Some(_), Some(rest)) => format!("{{\"deliveryId\":\"{attempt_id}\",{rest}"),
            _ => self.body.clone(),
        }
    }

    pub fn cancelled(&self) -> Self {
        Self {
            state: State::Cancelled,
            ..self.clone()
        }
    }
}

/// Nine to eleven tenths of the pause.
fn spread(pause: Duration, jitter: u32) -> Duration {
    let whole = pause.as_millis() as u64;
    Duration::from_millis(whole * 9 / 10 + u64::from(jitter) % (whole / 5).max(1))
}

fn beginning(text: &str, bytes_max: usize) -> String {
    text[..text.floor_char_boundary(bytes_max)].to_owned()
}

impl Record for Delivery {
    fn key(&self) -> Key {
        keys::delivery(&self.endpoint, self.at, &self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        let mut found = Vec::new();
        if self.state == State::Pending {
            found.push(if self.in_line {
                keys::delivery_in_line(&self.endpoint, self.written, self.at, &self.id)
            } else {
                keys::waiting_delivery(&self.endpoint, self.next_attempt_at, &self.id)
            });
        }
        if let Some((organization, owner)) = self.owner() {
            found.push(keys::delivery_of_owner(organization, owner, self.at, &self.id));
            found.push(keys::delivery_of_organization(organization, self.at, &self.id));
        }
        found
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.at + KEPT)
    }
}

#[cfg(test)]
mod tests;
