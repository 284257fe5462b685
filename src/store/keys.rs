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
//! | `g`   | organization, grant       | grant                                   | never (revoked)               |
//! | `h`   | client_id, org., user     | index → grant                           | with the grant                |
//! | `i`   | user, organization, grant | index → grant                           | with the grant                |
//! | `f`   | organization, grant, fam. | refresh family                          | swept once it expired         |
//! | `q`   | org., grant, fam., number | receipt of a keyed token request        | with the use of its successor |
//! | `c`   | expiry hour, digest       | authorization code                      | swept                         |
//! | `p`   | expiry hour, digest       | pushed authorization request            | when approved, or swept       |
//! | `j`   | expiry hour, digest       | jti used once (DPoP, client assertion)  | swept once it is too old      |
//! | `w`   | session                   | session of a browser                    | signed out, or swept          |
//! | `x`   | user, session             | index → session                         | with the session              |
//! | `l`   | expiry hour, digest       | one-time link                           | used, or swept                |
//! | `t`   | digest                    | attempts at something guessable         | swept                         |
//! | `y`   | next attempt, mail        | mail on its way, its text sealed        | delivered or given up         |
//! | `v`   | time (number), event      | event                                   | swept after 400 days          |
//! | `*`   | number                    | block of the chain over events          | once its events were swept    |
//! | `@`   |                           | where that chain stands                 | never                         |
//! | `V`   | organization, age, event  | index → event, the newest first         | with the event                |
//! | `W`   | client_id, age, event     | index → event, the newest first         | with the event                |
//! | `d`   | client_id                 | dossier of an app: review, team         | never                         |
//! | `E`   | email, client_id          | index → dossier, of a stakeholder       | with the dossier              |
//! | `D`   | client_id, number         | submission of an app for review         | never                         |
//! | `Q`   | time (number), client_id  | index → submission that waits           | once it is decided            |
//! | `z`   | client_id, token          | access token made in the portal         | swept once the token expired  |
//! | `P`   | user, token               | personal access token                   | revoked, or swept             |
//! | `O`   | organization, token       | index → personal access token           | with the token                |
//! | `K`   | key id                    | API key of an organization              | never (revoked)               |
//! | `L`   | organization, key id      | index → API key                         | with the key                  |
//! | `I`   | organization, link        | index → invitation                      | with the link                 |
//! | `R`   | request                   | access request                          | swept a year after its answer |
//! | `S`   | time (number), request    | index → access request that waits       | once it is answered           |
//! | `F`   | client_id, age, failure   | failed call of an app                   | swept after 7 days            |
//! | `N`   | user, digest              | answer to a keyed call of the JSON API  | swept after a day             |
//! | `T`   | kind, name                | when something was last used            | swept after 400 days          |
//! | `U`   | user                      | index → user on duty                    | with the duty                 |
//! | `A`   |                           | index → the link of an administrator    | with the link                 |
//! | `H`   | client_id, endpoint       | endpoint of webhooks, its secret sealed | removed                       |
//! | `Y`   | endpoint, age, delivery   | delivery of one event to one endpoint   | swept after 30 days           |
//! | `X`   | endpoint, time, delivery  | index → delivery that waits             | delivered or given up         |
//! | `Z`   | time (number), event      | index → event apps have yet to be told  | once its deliveries are made  |
//! | `J`   | time (number), name       | something to look at when it is time    | once it was looked at         |
//! | `B`   | organization, key         | index → app, by what a file calls it    | with the app                  |
//! | `1`   | org., collection, doc.    | document of the sandbox                 | swept after 30 days untouched |
//! | `C`   | document                  | index → document that has a page        | with the document             |
//! | `G`   | organization              | how many documents there are            | never                         |
//! | `2`   | org., owner, digest, num. | answer to a keyed call of the sandbox   | swept after a day             |
//! | `M`   | org., collection, unique  | index → document                        | with the document             |
//! | `=`   | platform, identity        | index → app that is an installation     | with the app                  |
//! | `4`   | client_id, digest         | receipt of a reset                      | swept after 400 days          |
//! | `5`   | client_id, reset, number  | ids that the answer to a reset names    | with the receipt              |
//! | `6`   | kid, place of a receipt   | index → receipt with a token of the key | with the receipt              |
//! | `7`   | organization, owner       | webhook subscription, its secret sealed | never (disabled)              |
//! | `8`   | client_id, subscription   | index → webhook subscription            | with the subscription         |
//! | `9`   | org., owner, digest       | answer to a keyed change of one, sealed | swept after a day             |
//! | `0`   | organization, owner       | what signs callbacks, sealed            | never                         |
//! | `+`   | org., owner, age, deliv.  | index → delivery, the newest first      | with the delivery             |
//! | `-`   | organization, age, deliv. | index → delivery, the newest first      | with the delivery             |
//! | `3`   | organization, subject     | requests to the API in a day, a month   | swept once both are over      |

mod audit;
mod native;
mod platform;
mod sandbox;
mod webhooks;

pub use audit::*;
pub use native::*;
pub use platform::*;
pub use sandbox::*;
pub use webhooks::*;

use super::Key;
use crate::base::digest::base64url;
use crate::base::master::KeyedDigest;
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
const GRANT: u8 = b'g';
const GRANT_OF_APP: u8 = b'h';
const GRANT_OF_USER: u8 = b'i';
const FAMILY: u8 = b'f';
const RECEIPT: u8 = b'q';
const CODE: u8 = b'c';
const PUSHED_REQUEST: u8 = b'p';
const USED_ONCE: u8 = b'j';
const SESSION: u8 = b'w';
const SESSION_OF_USER: u8 = b'x';
const LINK: u8 = b'l';
const ATTEMPTS: u8 = b't';
const MAIL: u8 = b'y';
const EVENT: u8 = b'v';
const AUDIT_BLOCK: u8 = b'*';
const AUDIT_CHAIN: u8 = b'@';
const EVENT_OF_ORGANIZATION: u8 = b'V';
const EVENT_OF_APP: u8 = b'W';
const DOSSIER: u8 = b'd';
const DOSSIER_OF_STAKEHOLDER: u8 = b'E';
const SUBMISSION: u8 = b'D';
const WAITING_SUBMISSION: u8 = b'Q';
const ISSUED_TOKEN: u8 = b'z';
const PERSONAL_TOKEN: u8 = b'P';
const PERSONAL_TOKEN_OF_ORGANIZATION: u8 = b'O';
const API_KEY: u8 = b'K';
const API_KEY_OF_ORGANIZATION: u8 = b'L';
const INVITATION_OF_ORGANIZATION: u8 = b'I';
const ACCESS_REQUEST: u8 = b'R';
const WAITING_ACCESS_REQUEST: u8 = b'S';
const FAILURE: u8 = b'F';
const KEPT_ANSWER: u8 = b'N';
const LAST_USE: u8 = b'T';
const USER_ON_DUTY: u8 = b'U';
const ADMINISTRATOR_LINK: u8 = b'A';
const ENDPOINT: u8 = b'H';
const DELIVERY: u8 = b'Y';
const WAITING_DELIVERY: u8 = b'X';
const UNTOLD_EVENT: u8 = b'Z';
const REMINDER: u8 = b'J';
const APP_OF_KEY: u8 = b'B';
const DOCUMENT: u8 = b'1';
const DOCUMENT_WITH_PAGE: u8 = b'C';
const TALLY: u8 = b'G';
const ANSWER_PIECE: u8 = b'2';
const DOCUMENT_BY_UNIQUE: u8 = b'M';
const INSTALLATION: u8 = b'=';
const RESET_RECEIPT: u8 = b'4';
const RESET_IDS: u8 = b'5';
const RECEIPT_OF_KEY: u8 = b'6';
const SUBSCRIPTION: u8 = b'7';
const SUBSCRIPTION_OF_CLIENT: u8 = b'8';
const SUBSCRIPTION_RECEIPT: u8 = b'9';
const CALLBACK_SECRET: u8 = b'0';
const DELIVERY_OF_OWNER: u8 = b'+';
const DELIVERY_OF_ORGANIZATION: u8 = b'-';
const USAGE: u8 = b'3';

/// Every space, with the name it has in an export.
pub const SPACES: [(u8, &str); 67] = [
    (AUDIT_BLOCK, "audit_block"),
    (AUDIT_CHAIN, "audit_chain"),
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
    (GRANT, "grant"),
    (GRANT_OF_APP, "grant_of_app"),
    (GRANT_OF_USER, "grant_of_user"),
    (FAMILY, "family"),
    (RECEIPT, "receipt"),
    (CODE, "code"),
    (PUSHED_REQUEST, "pushed_request"),
    (USED_ONCE, "used_once"),
    (SESSION, "session"),
    (SESSION_OF_USER, "session_of_user"),
    (LINK, "link"),
    (ATTEMPTS, "attempts"),
    (MAIL, "mail"),
    (EVENT, "event"),
    (EVENT_OF_ORGANIZATION, "event_of_organization"),
    (EVENT_OF_APP, "event_of_app"),
    (DOSSIER, "dossier"),
    (DOSSIER_OF_STAKEHOLDER, "dossier_of_stakeholder"),
    (SUBMISSION, "submission"),
    (WAITING_SUBMISSION, "waiting_submission"),
    (ISSUED_TOKEN, "issued_token"),
    (PERSONAL_TOKEN, "personal_token"),
    (PERSONAL_TOKEN_OF_ORGANIZATION, "personal_token_of_organization"),
    (API_KEY, "api_key"),
    (API_KEY_OF_ORGANIZATION, "api_key_of_organization"),
    (INVITATION_OF_ORGANIZATION, "invitation_of_organization"),
    (ACCESS_REQUEST, "access_request"),
    (WAITING_ACCESS_REQUEST, "waiting_access_request"),
    (FAILURE, "failure"),
    (KEPT_ANSWER, "kept_answer"),
    (LAST_USE, "last_use"),
    (USER_ON_DUTY, "user_on_duty"),
    (ADMINISTRATOR_LINK, "administrator_link"),
    (ENDPOINT, "endpoint"),
    (DELIVERY, "delivery"),
    (WAITING_DELIVERY, "waiting_delivery"),
    (UNTOLD_EVENT, "untold_event"),
    (REMINDER, "reminder"),
    (APP_OF_KEY, "app_of_key"),
    (DOCUMENT, "document"),
    (DOCUMENT_WITH_PAGE, "document_with_page"),
    (TALLY, "tally"),
    (ANSWER_PIECE, "answer_piece"),
    (DOCUMENT_BY_UNIQUE, "document_by_unique"),
    (INSTALLATION, "installation"),
    (RESET_RECEIPT, "reset_receipt"),
    (RESET_IDS, "reset_ids"),
    (RECEIPT_OF_KEY, "receipt_of_key"),
    (SUBSCRIPTION, "subscription"),
    (SUBSCRIPTION_OF_CLIENT, "subscription_of_client"),
    (SUBSCRIPTION_RECEIPT, "subscription_receipt"),
    (CALLBACK_SECRET, "callback_secret"),
    (DELIVERY_OF_OWNER, "delivery_of_owner"),
    (DELIVERY_OF_ORGANIZATION, "delivery_of_organization"),
    (USAGE, "usage"),
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

pub fn members_of_user(user: &str) -> Key {
    key(MEMBER_OF_USER, &[user])
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
    by_hour(REVOKED_TOKEN, expires_at, jti)
}

pub fn grant(organization: &str, grant: &str) -> Key {
    key(GRANT, &[organization, grant])
}

pub fn grants_of_organization(organization: &str) -> Key {
    key(GRANT, &[organization])
}

pub fn grant_of_app(client_id: &str, organization: &str, user: &str) -> Key {
    key(GRANT_OF_APP, &[client_id, organization, user])
}

pub fn grant_of_user(user: &str, organization: &str, grant: &str) -> Key {
    key(GRANT_OF_USER, &[user, organization, grant])
}

pub fn grants_of_user_in(user: &str, organization: &str) -> Key {
    key(GRANT_OF_USER, &[user, organization])
}

pub fn grants_of_user(user: &str) -> Key {
    key(GRANT_OF_USER, &[user])
}

/// Beside its siblings of the same grant: what is refreshed together lies together.
pub fn family(organization: &str, grant: &str, family: &str) -> Key {
    key(FAMILY, &[organization, grant, family])
}

pub fn families(organization: &str, grant: &str) -> Key {
    key(FAMILY, &[organization, grant])
}

pub fn receipt(organization: &str, grant: &str, family: &str, counter: u64) -> Key {
    let mut key = key(RECEIPT, &[organization, grant, family]);
    key.0.extend_from_slice(&counter.to_be_bytes());
    key
}

pub fn code(expires_at: Timestamp, digest: &KeyedDigest) -> Key {
    by_hour(CODE, expires_at, &base64url(digest.as_bytes()))
}

pub fn pushed_request(expires_at: Timestamp, digest: &KeyedDigest) -> Key {
    by_hour(PUSHED_REQUEST, expires_at, &base64url(digest.as_bytes()))
}

pub fn used_once(expires_at: Timestamp, digest: &KeyedDigest) -> Key {
    by_hour(USED_ONCE, expires_at, &base64url(digest.as_bytes()))
}

pub fn session(session: &str) -> Key {
    key(SESSION, &[session])
}

pub fn session_of_user(user: &str, session: &str) -> Key {
    key(SESSION_OF_USER, &[user, session])
}

pub fn sessions_of_user(user: &str) -> Key {
    key(SESSION_OF_USER, &[user])
}

/// What is left of all time after `at`, so that the newest sorts first.
fn newest_first(space: u8, of: &str, at: Timestamp, name: &str) -> Key {
    behind_age(key(space, &[of]), at, name)
}

fn behind_age(mut key: Key, at: Timestamp, name: &str) -> Key {
    key.0.extend_from_slice(&(u64::MAX - at.millis()).to_be_bytes());
    key.0.extend_from_slice(name.as_bytes());
    key.0.push(0);
    key
}

fn by_hour(space: u8, expires_at: Timestamp, name: &str) -> Key {
    numbered(space, expires_at.seconds() / 3600, name)
}

fn numbered(space: u8, number: u64, name: &str) -> Key {
    let mut bytes = vec![space];
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    Key(bytes)
}
