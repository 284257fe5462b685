//! The keys of what people see of apps, organizations and tokens, beside those the protocol needs.

use super::*;
use crate::base::digest::from_base64url;
use crate::store::limits;

pub fn link(expires_at: Timestamp, digest: &KeyedDigest) -> Key {
    by_hour(LINK, expires_at, &base64url(digest.as_bytes()))
}

pub fn attempts(digest: &KeyedDigest) -> Key {
    key(ATTEMPTS, &[&base64url(digest.as_bytes())])
}

/// What is due first comes first.
pub fn mail(next_attempt_at: Timestamp, mail: &str) -> Key {
    numbered(MAIL, next_attempt_at.millis(), mail)
}

pub fn mails() -> Key {
    key(MAIL, &[])
}

pub fn event_of_organization(organization: &str, at: Timestamp, event: &str) -> Key {
    newest_first(EVENT_OF_ORGANIZATION, organization, at, event)
}

pub fn events_of_organization(organization: &str) -> Key {
    key(EVENT_OF_ORGANIZATION, &[organization])
}

pub fn event_of_app(client_id: &str, at: Timestamp, event: &str) -> Key {
    newest_first(EVENT_OF_APP, client_id, at, event)
}

pub fn events_of_app(client_id: &str) -> Key {
    key(EVENT_OF_APP, &[client_id])
}

/// What the members of an organization granted one app: the index of [`grant_of_app`].
pub fn grants_of_app(client_id: &str, organization: &str) -> Key {
    key(GRANT_OF_APP, &[client_id, organization])
}

/// `name` is the key that a file gives the app.
pub fn app_of_key(organization: &str, name: &str) -> Key {
    key(APP_OF_KEY, &[organization, name])
}

pub fn dossier(client_id: &str) -> Key {
    key(DOSSIER, &[client_id])
}

/// `email` is compared without regard to case, as in [`email`].
pub fn dossier_of_stakeholder(email: &str, client_id: &str) -> Key {
    key(DOSSIER_OF_STAKEHOLDER, &[&email.to_lowercase(), client_id])
}

pub fn dossiers_of_stakeholder(email: &str) -> Key {
    key(DOSSIER_OF_STAKEHOLDER, &[&email.to_lowercase()])
}

pub fn submission(client_id: &str, number: u64) -> Key {
    let mut key = key(SUBMISSION, &[client_id]);
    key.0.extend_from_slice(&number.to_be_bytes());
    key
}

/// Of every app.
pub fn all_submissions() -> Key {
    key(SUBMISSION, &[])
}

pub fn submissions(client_id: &str) -> Key {
    key(SUBMISSION, &[client_id])
}

/// What has waited longest comes first.
pub fn waiting_submission(at: Timestamp, client_id: &str) -> Key {
    numbered(WAITING_SUBMISSION, at.millis(), client_id)
}

pub fn waiting_submissions() -> Key {
    key(WAITING_SUBMISSION, &[])
}

pub fn issued_token(client_id: &str, token: &str) -> Key {
    key(ISSUED_TOKEN, &[client_id, token])
}

pub fn issued_tokens(client_id: &str) -> Key {
    key(ISSUED_TOKEN, &[client_id])
}

pub fn personal_token(user: &str, token: &str) -> Key {
    key(PERSONAL_TOKEN, &[user, token])
}

pub fn personal_tokens(user: &str) -> Key {
    key(PERSONAL_TOKEN, &[user])
}

pub fn personal_token_of_organization(organization: &str, token: &str) -> Key {
    key(PERSONAL_TOKEN_OF_ORGANIZATION, &[organization, token])
}

pub fn personal_tokens_of_organization(organization: &str) -> Key {
    key(PERSONAL_TOKEN_OF_ORGANIZATION, &[organization])
}

pub fn api_key(id: &str) -> Key {
    key(API_KEY, &[id])
}

pub fn api_key_of_organization(organization: &str, id: &str) -> Key {
    key(API_KEY_OF_ORGANIZATION, &[organization, id])
}

pub fn api_keys_of_organization(organization: &str) -> Key {
    key(API_KEY_OF_ORGANIZATION, &[organization])
}

pub fn invitation_of_organization(organization: &str, digest: &KeyedDigest) -> Key {
    key(
        INVITATION_OF_ORGANIZATION,
        &[organization, &base64url(digest.as_bytes())],
    )
}

pub fn invitations_of_organization(organization: &str) -> Key {
    key(INVITATION_OF_ORGANIZATION, &[organization])
}

pub fn access_request(request: &str) -> Key {
    key(ACCESS_REQUEST, &[request])
}

pub fn access_requests() -> Key {
    key(ACCESS_REQUEST, &[])
}

/// What has waited longest comes first.
pub fn waiting_access_request(at: Timestamp, request: &str) -> Key {
    numbered(WAITING_ACCESS_REQUEST, at.millis(), request)
}

pub fn waiting_access_requests() -> Key {
    key(WAITING_ACCESS_REQUEST, &[])
}

pub fn failure(client_id: &str, at: Timestamp, failure: &str) -> Key {
    newest_first(FAILURE, client_id, at, failure)
}

pub fn failures(client_id: &str) -> Key {
    key(FAILURE, &[client_id])
}

pub fn kept_answer(user: &str, digest: &KeyedDigest) -> Key {
    key(KEPT_ANSWER, &[user, &base64url(digest.as_bytes())])
}

/// `kind` says of what: a secret, a grant, a personal access token, an API key.
pub fn last_use(kind: &str, name: &str) -> Key {
    key(LAST_USE, &[kind, name])
}

/// `subject`: an app, or a person with their own tokens and keys.
pub fn usage(organization: &str, subject: &str) -> Key {
    key(USAGE, &[organization, subject])
}

/// Where a list under this prefix was left, for an address. It stands for nothing but a place in that list.
pub fn cursor_in(prefix: &Key, key: &Key) -> String {
    base64url(key.0.strip_prefix(prefix.0.as_slice()).unwrap_or_default())
}

/// The place that [`cursor_in`] named; `None` for what it never made.
pub fn after_in(prefix: &Key, cursor: &str) -> Option<Key> {
    let rest = from_base64url(cursor)?;
    let key = [prefix.0.as_slice(), &rest].concat();
    (!rest.is_empty() && key.len() <= limits::KEY_BYTES_MAX).then_some(Key(key))
}

pub fn user_on_duty(user: &str) -> Key {
    key(USER_ON_DUTY, &[user])
}

pub fn users_on_duty() -> Key {
    key(USER_ON_DUTY, &[])
}

/// One at a time.
pub fn administrator_link() -> Key {
    key(ADMINISTRATOR_LINK, &[])
}
