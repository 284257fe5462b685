//! After a restore that lost commits: nothing that may have been revoked, rotated or used meanwhile comes alive again.
//!
//! What rests on a counter ends with the global one: access tokens, refresh tokens, codes, consents, sessions, personal
//! access tokens, API keys. What does not is taken away here: client secrets and the keys of assertions, passwords and
//! recovery codes, one-time links, signing keys, and what was about to be sent. `docs/operations.md` argues each.

use crate::base::time::Timestamp;
use crate::model::api_key::ApiKey;
use crate::model::app::App;
use crate::model::endpoint::{Endpoint, Standing};
use crate::model::epoch::Epochs;
use crate::model::personal_token::PersonalToken;
use crate::model::settings::Settings;
use crate::model::subscription::Subscription;
use crate::model::user::{Totp, User};
use crate::store::records::{Record, Versioned, list, load};
use crate::store::{Batch, Key, Outcome, Store, Write, keys};
use serde::Serialize;

/// Each may bring index keys, of which a batch has to hold all.
const PAGE: u32 = 20;
const DELETED_AT_ONCE: u32 = 60;
/// More organizations than these were not made, besides one in every second that was lost.
const ORGANIZATIONS_MORE: u64 = 1000;

/// Used once, or sent once, or made anew at the next start; with what finds them.
const TAKEN_AWAY: [&str; 11] = [
    "signing_key",
    "code",
    "pushed_request",
    "session",
    "session_of_user",
    "link",
    "administrator_link",
    "invitation_of_organization",
    "mail",
    "receipt",
    "receipt_of_key",
];

/// What the operator has to know: how much ended.
#[derive(Default, Debug, Serialize)]
pub struct Ended {
    pub apps_without_credentials: u64,
    pub users_without_password: u64,
    pub endpoints_paused: u64,
    pub records_removed: u64,
}

/// Ends everything in a store that nobody serves. `lost_since` is the moment of the last commit that is still there.
/// With `keep_credentials` the operator answers for it that no credential was revoked or changed since: client secrets,
/// passwords, API keys and personal access tokens stay good, and webhooks go on.
pub async fn end_everything(
    store: &dyn Store,
    now: Timestamp,
    lost_since: Timestamp,
    keep_credentials: bool,
) -> Result<Ended, String> {
    let settings = load::<Settings>(store, &keys::settings()).await?;
    let settings = settings.ok_or("the backup holds no settings record")?;
    // Past whatever it was set to meanwhile, by somebody who had all tokens revoked or restored a backup: one that is
    // moved by hand grows by one, one that a restore moves is the time.
    let epoch = (settings.epoch + 1).max(now.seconds());
    let new = Settings {
        epoch,
        restored_at: Some(now),
        next_organization: settings.next_organization + ORGANIZATIONS_MORE + now.since(lost_since).as_secs(),
        ..settings.value.clone()
    };
    let mut batch = Batch::new();
    batch.replace(&settings, &new)?;
    commit(store, batch).await?;
    let mut ended = Ended::default();
    for space in TAKEN_AWAY {
        ended.records_removed += take_away(store, space).await?;
    }
    if keep_credentials {
        each(store, "personal_token", |token: &PersonalToken| {
            restamped(token.stamps, settings.epoch, epoch).map(|stamps| PersonalToken {
                stamps,
                ..token.clone()
            })
        })
        .await?;
        each(store, "api_key", |key: &ApiKey| {
            restamped(key.stamps, settings.epoch, epoch).map(|stamps| ApiKey { stamps, ..key.clone() })
        })
        .await?;
        return Ok(ended);
    }
    ended.apps_without_credentials = each(store, "app", without_credentials).await?;
    ended.users_without_password = each(store, "user", without_password).await?;
    ended.endpoints_paused = each(store, "endpoint", |endpoint: &Endpoint| {
        (endpoint.standing != Standing::Disabled).then(|| endpoint.with_standing(Standing::Restored))
    })
    .await?;
    ended.endpoints_paused += each(store, "subscription", |subscription: &Subscription| {
        subscription.active.then(|| subscription.disabled(now))
    })
    .await?;
    Ok(ended)
}

/// With the new global counter, where the old one had not passed it.
fn restamped(stamps: Epochs, old: u64, new: u64) -> Option<Epochs> {
    (stamps.global >= old).then_some(Epochs { global: new, ..stamps })
}

fn without_credentials(app: &App) -> Option<App> {
    let mut rules = app.rules.clone();
    let jwks = rules.as_mut().map(|rules| std::mem::take(&mut rules.jwks));
    let had = !app.secrets.is_empty() || jwks.is_some_and(|jwks| !jwks.is_empty());
    had.then(|| App {
        secrets: Vec::new(),
        rules,
        ..app.clone()
    })
}

/// The seed of one-time codes stays: alone it opens nothing, and without it the next password would be all there is.
fn without_password(user: &User) -> Option<User> {
    let has_recovery = user.totp.as_ref().is_some_and(|totp| !totp.recovery.is_empty());
    (user.password.is_some() || has_recovery).then(|| User {
        password: None,
        totp: user.totp.as_ref().map(|totp| Totp {
            recovery: Vec::new(),
            ..totp.clone()
        }),
        ..user.clone()
    })
}

/// Puts what `becomes` makes of it in the place of each record; how many were changed.
async fn each<R: Record>(store: &dyn Store, space: &str, becomes: impl Fn(&R) -> Option<R>) -> Result<u64, String> {
    let (prefix, mut after, mut changed) = (keys::space(space), None, 0);
    loop {
        let (page, next): (Vec<Versioned<R>>, Option<Key>) = list(store, &prefix, after.as_ref(), PAGE).await?;
        let mut batch = Batch::new();
        for old in &page {
            if let Some(new) = becomes(old) {
                batch.replace(old, &new)?;
                changed += 1;
            }
        }
        commit(store, batch).await?;
        match next {
            None => return Ok(changed),
            next => after = next,
        }
    }
}

async fn take_away(store: &dyn Store, space: &str) -> Result<u64, String> {
    let (prefix, mut taken) = (keys::space(space), 0);
    loop {
        let rows = store.scan(&prefix, None, DELETED_AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(taken);
        }
        taken += rows.len() as u64;
        let writes = rows.into_iter().map(|(key, _)| Write::Delete { key }).collect();
        let batch = Batch {
            writes,
            ..Batch::default()
        };
        commit(store, batch).await?;
    }
}

async fn commit(store: &dyn Store, batch: Batch) -> Result<(), String> {
    match store.commit(batch).await? {
        Outcome::Committed(_) => Ok(()),
        Outcome::Conflict => Err("somebody else writes to the store that is being restored".into()),
    }
}
