//! An organization: the tenant whose data the API serves.

use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};

pub const NAME_CHARS_MAX: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Organization {
    /// Decimal digits in profiles with integer ids, else `o_…`.
    pub id: String,
    pub name: String,
    pub disabled: bool,
    pub epoch: u64,
    pub created_at: Timestamp,
}

impl Record for Organization {
    fn key(&self) -> Key {
        keys::organization(&self.id)
    }
}
