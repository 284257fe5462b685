//! What signs the deliveries to addresses that were given with what they are about: a payment link's own, or the one in
//! the organization's settings. Each belongs to whoever chose the address, so that no app signs in another's name.

use crate::base::master::Sealed;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

/// The owner of the organization's own.
pub const ORGANIZATION: &str = "organization";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallbackSecret {
    pub organization: String,
    /// As documents remember who made them; or [`ORGANIZATION`].
    pub owner: String,
    pub secret: Sealed,
    pub last4: String,
    pub updated_at: Timestamp,
}

impl Record for CallbackSecret {
    fn key(&self) -> Key {
        keys::callback_secret(&self.organization, &self.owner)
    }
}
