//! Something to look at when it is time, written in the batch that makes it necessary. What it was about may be gone by
//! then; whoever looks judges anew.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long before a secret ends its developers are told.
pub const SECRET_NOTICE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reminder {
    pub at: Timestamp,
    pub about: About,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A secret of an app ends soon.
    Secret { client_id: String, secret: String },
}

impl Reminder {
    /// `None` for a secret that never ends, or so soon that whoever made it knows.
    pub fn of_secret(client_id: &str, secret: &str, ends: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        let at = ends? - SECRET_NOTICE;
        (at > now).then(|| Self {
            at,
            about: About::Secret {
                client_id: client_id.to_owned(),
                secret: secret.to_owned(),
            },
        })
    }
}

impl Record for Reminder {
    fn key(&self) -> Key {
        let About::Secret { secret, .. } = &self.about;
        keys::reminder(self.at, secret)
    }
}
