//! The app platform: what developers, reviewers, organizations and administrators do with apps, tokens and members. No
//! HTTP: the pages, the JSON API and the command line all come here, and each operation is decided once.
//!
//! Every operation takes an [`Actor`](actor::Actor), asks [`rights`] whether it may, and is one conditional batch that
//! rests on all it was judged by: the member's record too, so that whoever loses a role loses it at once.

pub mod access_requests;
pub mod actor;
pub mod apps;
pub mod client_keys;
pub mod credentials;
pub mod failures;
pub mod founding;
pub mod issued_tokens;
pub mod logos;
pub mod people;
pub mod refusal;
pub mod reviews;
pub mod rights;

use crate::context::Context;
use crate::store::{Batch, Outcome, StoreError};

/// How often something is thought over that somebody else changed meanwhile.
const TRIES: u32 = 5;

/// `false`: something the batch rests on has changed, and it has to be thought over. Wakes whoever delivers mail.
pub async fn commit(ctx: &Context, batch: Batch) -> Result<bool, StoreError> {
    let done = ctx.store.commit(batch).await? != Outcome::Conflict;
    ctx.mail_waiting.notify_one();
    Ok(done)
}
