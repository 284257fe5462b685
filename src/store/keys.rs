//! The key space: all that is remembered, and under which key.
//!
//! A key is one byte that names the space, then its parts, each ended by a zero byte, except numbers, which are eight
//! bytes big-endian so that they sort. Secrets never stand in a key.
//!
//! | space | parts                     | value                                   | gone                          |
//! |-------|---------------------------|-----------------------------------------|-------------------------------|
//! | `s`   |                           | settings: format, global epoch, …       | never                         |
//! | `o`   | organization              | organization                            | never (disabled)              |
//! | `u`   | user                      | user                                    | never (disabled)              |
//! | `e`   | email, lower case         | index → user                            | with the address              |
//! | `m`   | organization, user        | member                                  | never (removed; epochs stay)  |
//! | `n`   | user, organization        | index → member                          | with the member               |
//! | `a`   | client_id                 | app                                     | never (disabled)              |
//! | `b`   | organization, client_id   | index → app                             | with the app                  |
//! | `k`   | kid                       | signing key, private half sealed        | when nothing needs it         |
//! | `r`   | expiry hour (number), jti | revoked access token                    | swept once the token expired  |

use super::Key;
use crate::base::time::Timestamp;

const SETTINGS: u8 = b's';
const ORGANIZATION: u8 = b'o';
const USER: u8 = b'u';
const EMAIL: u8 = b'e';
const MEMBER: u8 = b'm';
const MEMBER_OF_USER: u8 = b'n';
const APP: u8 = b'a';
const APP_OF_ORGANIZATION: u8 = b'b';
const SIGNING_KEY: u8 = b'k';
const REVOKED_TOKEN: u8 = b'r';

/// Every space, with the name it has in an export.
pub const SPACES: [(u8, &str); 10] = [
    (SETTINGS, "settings"),
    (ORGANIZATION, "organization"),
    (USER, "user"),
    (EMAIL, "email"),
    (MEMBER, "member"),
    (MEMBER_OF_USER, "member_of_user"),
    (APP, "app"),
    (APP_OF_ORGANIZATION, "app_of_organization"),
    (SIGNING_KEY, "signing_key"),
    (REVOKED_TOKEN, "revoked_token"),
];

fn key(space: u8, parts: &[&str]) -> Key {
    let mut bytes = Vec::with_capacity(1 + parts.iter().map(|p| p.len() + 1).sum::<usize>());
    bytes.push(space);
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0);
    }
    Key(bytes)
}

pub fn settings() -> Key {
    key(SETTINGS, &[])
}

pub fn organization(organization: &str) -> Key {
    key(ORGANIZATION, &[organization])
}

pub fn organizations() -> Key {
    key(ORGANIZATION, &[])
}

pub fn user(user: &str) -> Key {
    key(USER, &[user])
}

pub fn users() -> Key {
    key(USER, &[])
}

/// `email` as the user typed it: compared without regard to case.
pub fn email(email: &str) -> Key {
    key(EMAIL, &[&email.to_lowercase()])
}

pub fn member(organization: &str, user: &str) -> Key {
    key(MEMBER, &[organization, user])
}

pub fn members(organization: &str) -> Key {
    key(MEMBER, &[organization])
}

pub fn member_of_user(user: &str, organization: &str) -> Key {
    key(MEMBER_OF_USER, &[user, organization])
}

pub fn app(client_id: &str) -> Key {
    key(APP, &[client_id])
}

pub fn apps() -> Key {
    key(APP, &[])
}

pub fn app_of_organization(organization: &str, client_id: &str) -> Key {
    key(APP_OF_ORGANIZATION, &[organization, client_id])
}

pub fn apps_of_organization(organization: &str) -> Key {
    key(APP_OF_ORGANIZATION, &[organization])
}

pub fn signing_key(kid: &str) -> Key {
    key(SIGNING_KEY, &[kid])
}

pub fn signing_keys() -> Key {
    key(SIGNING_KEY, &[])
}

/// The hour first: tokens that expire together lie together, and looking one up stays local.
pub fn revoked_token(expires_at: Timestamp, jti: &str) -> Key {
    let mut bytes = vec![REVOKED_TOKEN];
    bytes.extend_from_slice(&(expires_at.seconds() / 3600).to_be_bytes());
    bytes.extend_from_slice(jti.as_bytes());
    bytes.push(0);
    Key(bytes)
}
