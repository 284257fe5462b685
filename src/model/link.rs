//! A one-time link, as it goes by mail: what it lets its holder do, once, until it expires.

use super::role::Role;
use crate::base::master::{KeyedDigest, Purpose};
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Removed by whatever it was used for, in the same batch: of two who use it at once, one finds it gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// Of the text in the link.
    pub digest: KeyedDigest,
    pub allows: Allows,
    pub expires_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Allows {
    /// A new password for this user, as long as nobody has set another: `epoch` is theirs when the link was made.
    PasswordReset { user: String, epoch: u64 },
    /// To join with this role, for whoever has this address; their account is made with it where there is none.
    /// Somebody removed since comes back by a new invitation alone: `epoch` is the member's when the link was made,
    /// 0 of none.
    Invitation {
        organization: String,
        email: String,
        role: Role,
        epoch: u64,
        /// Which member invites: it stands while they may still give that role. `None`: an administrator.
        #[serde(default)]
        by: Option<String>,
    },
    /// An account for this address.
    SignUp { email: String },
    /// To become an administrator, as long as nobody else has become one.
    Administrator,
    /// Nothing. Made where there is nobody to send a link to, so that as much is written as where there is.
    Nothing,
}

/// What a link is for: each kind has a digest, a path and a life of its own, and none passes for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkKind {
    PasswordReset,
    Invitation,
    SignUp,
    Administrator,
}

impl LinkKind {
    pub const fn lives(self) -> Duration {
        match self {
            Self::PasswordReset | Self::SignUp => HOUR,
            Self::Administrator => DAY,
            Self::Invitation => WEEK,
        }
    }

    pub const fn purpose(self) -> Purpose {
        match self {
            Self::PasswordReset => Purpose::PasswordReset,
            Self::Invitation => Purpose::Invitation,
            Self::SignUp => Purpose::SignUp,
            Self::Administrator => Purpose::Administrator,
        }
    }

    /// The page that the link opens.
    pub const fn path(self) -> &'static str {
        match self {
            Self::PasswordReset => "/password/reset",
            Self::Invitation => "/invitation",
            Self::SignUp => "/sign-up/confirm",
            Self::Administrator => "/administrator",
        }
    }

    /// Part of the text's prefix, for scanners and for people who find one.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PasswordReset => "reset",
            Self::Invitation => "invitation",
            Self::SignUp => "signup",
            Self::Administrator => "administrator",
        }
    }
}

impl Record for Link {
    fn key(&self) -> Key {
        keys::link(self.expires_at, &self.digest)
    }

    fn index_keys(&self) -> Vec<Key> {
        match &self.allows {
            Allows::Administrator => vec![keys::administrator_link()],
            Allows::Invitation { organization, .. } => {
                vec![keys::invitation_of_organization(organization, &self.digest)]
            }
            _ => Vec::new(),
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
