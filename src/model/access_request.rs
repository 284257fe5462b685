//! Somebody without an account asks for access to the API: who, for what, and what became of it.

use super::role::Role;
use crate::base::master::{KeyedDigest, Sealed};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub const NAME_CHARS_MAX: usize = 100;
pub const DESCRIPTION_CHARS_MAX: usize = 600;
/// Of the scopes of an offer, with a byte between them.
pub const SCOPES_BYTES_MAX: usize = 2000;
/// An answered request is kept for so long.
pub const KEPT: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How long one waits for an answer.
const WAITS: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What kind of integration is planned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Integration {
    /// Software of a third party that acts for its users.
    ThirdPartySoftware,
    /// The asker's own system, without end users.
    DirectSystem,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessRequest {
    /// `q_…`.
    pub id: String,
    /// Of the text in the link to its status.
    pub digest: KeyedDigest,
    /// That text, sealed for this request: a letter about the answer has the link again.
    pub link: Sealed,
    pub name: String,
    /// As the asker calls it: no id.
    pub organization: String,
    pub email: String,
    pub integration: Integration,
    pub description: String,
    /// The tag of the language that letters are written in.
    pub language: String,
    pub at: Timestamp,
    pub answer: Option<Answer>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The administrator's user id.
    pub by: String,
    pub at: Timestamp,
    pub outcome: Outcome,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Declined { note: String },
    Accepted(Offer),
}

/// What the asker may make once they have joined.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Offer {
    /// The organization's id, and their role in it.
    pub organization: String,
    pub role: Role,
    pub kind: Offered,
    /// Of the app or the token.
    pub name: String,
    pub scopes: Vec<String>,
    /// The app, once it was made.
    pub client_id: Option<String>,
    /// Of a token: how many days it lives from when it is made. `None` has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// The token's id, once it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// One app or one token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offered {
    Private,
    Public,
    PersonalToken,
}

impl Offered {
    pub const ALL: [Self; 3] = [Self::Private, Self::Public, Self::PersonalToken];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
            Self::PersonalToken => "personal_token",
        }
    }
}

impl Offer {
    pub fn is_taken_up(&self) -> bool {
        self.client_id.is_some() || self.token.is_some()
    }
}

impl Integration {
    pub const ALL: [Self; 2] = [Self::ThirdPartySoftware, Self::DirectSystem];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ThirdPartySoftware => "third_party_software",
            Self::DirectSystem => "direct_system",
        }
    }
}

impl AccessRequest {
    pub fn offer(&self) -> Option<&Offer> {
        match &self.answer.as_ref()?.outcome {
            Outcome::Accepted(offer) => Some(offer),
            Outcome::Declined { .. } => None,
        }
    }

    /// With the app or the token of this id that was made of the offer; `None` where there is no offer, or where it was
    /// taken up before.
    pub fn taken_up(&self, id: &str) -> Option<Self> {
        let answer = self.answer.as_ref()?;
        let offer = self.offer().filter(|offer| !offer.is_taken_up())?;
        let is_token = offer.kind == Offered::PersonalToken;
        let outcome = Outcome::Accepted(Offer {
            client_id: (!is_token).then(|| id.to_owned()),
            token: is_token.then(|| id.to_owned()),
            ..offer.clone()
        });
        Some(Self {
            answer: Some(Answer {
                outcome,
                ..answer.clone()
            }),
            ..self.clone()
        })
    }
}

impl Record for AccessRequest {
    fn key(&self) -> Key {
        keys::access_request(&self.id)
    }

    fn index_keys(&self) -> Vec<Key> {
        match self.answer {
            None => vec![keys::waiting_access_request(self.at, &self.id)],
            Some(_) => Vec::new(),
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(match &self.answer {
            Some(answer) => answer.at + KEPT,
            // What nobody answered makes room.
            None => self.at + WAITS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::master::{MasterSecret, Purpose};
    use crate::base::random::SeededRandom;
    use crate::model::dossier::NOTE_CHARS_MAX;
    use crate::model::user::EMAIL_BYTES_MAX;
    use crate::store::Batch;

    #[test]
    fn the_longest_request_with_the_longest_answer_fits_into_one_record() {
        let random = SeededRandom::new(1);
        let secret = MasterSecret::generate(&random);
        let widest = |chars| "\u{1f600}".repeat(chars);
        let request = |outcome| AccessRequest {
            id: "q".repeat(40),
            digest: secret.digest(Purpose::AccessRequest, b"link"),
            link: secret.seal(Purpose::AccessRequest, b"", &[0; 300], &random),
            name: widest(NAME_CHARS_MAX),
            organization: widest(NAME_CHARS_MAX),
            email: "e".repeat(EMAIL_BYTES_MAX),
            integration: Integration::ThirdPartySoftware,
            description: widest(DESCRIPTION_CHARS_MAX),
            language: "en".into(),
            at: Timestamp::from_seconds(u64::from(u32::MAX)),
            answer: Some(Answer {
                by: "u".repeat(40),
                at: Timestamp::from_seconds(u64::from(u32::MAX)),
                outcome,
            }),
        };
        let note = widest(NOTE_CHARS_MAX);
        let offer = Offer {
            organization: "o".repeat(40),
            role: Role::Developer,
            kind: Offered::PersonalToken,
            name: widest(NAME_CHARS_MAX),
            // One character each: the most records for the bytes.
            scopes: vec!["s".into(); SCOPES_BYTES_MAX / 2],
            client_id: Some("a".repeat(40)),
            days: Some(u32::MAX),
            token: Some("a".repeat(40)),
        };
        for outcome in [Outcome::Declined { note }, Outcome::Accepted(offer)] {
            let mut batch = Batch::new();
            batch.insert(&request(outcome)).unwrap();
            assert_eq!(batch.validate(), Ok(()));
        }
    }

    #[test]
    fn an_offer_from_before_there_were_tokens_is_read_as_it_was() {
        let old = r#"{"organization":"o_1","role":"owner","kind":"public","name":"A","scopes":["a"],"client_id":"c"}"#;
        let offer: Offer = serde_json::from_str(old).unwrap();
        assert_eq!((offer.kind, offer.days, &offer.token), (Offered::Public, None, &None));
        assert!(offer.is_taken_up());
        assert_eq!(serde_json::to_string(&offer).unwrap(), old);
    }
}
