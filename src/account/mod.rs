//! People's accounts: passwords, second factors, one-time links, and the mails that carry them. No HTTP: the pages and
//! the command line both come here.

pub mod attempts;
pub mod joining;
pub mod letters;
pub mod links;
pub mod passwords;
pub mod second_factor;

use crate::base::password_pool::Busy;
use crate::base::password_rules::Weak;
use crate::context::Context;
use crate::model::event::{Event, EventKind};
use crate::model::user::User;
use crate::store::{Batch, Outcome, StoreError};
use std::time::Duration;

/// Why something about an account was not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The link was never made, has expired, was used, or what it was for has changed.
    LinkGone,
    Weak(Weak),
    WrongPassword,
    WrongCode,
    /// Tried too often: how long until the next try.
    Wait(Duration),
    Busy(Busy),
    /// A name that is empty, too long or hides something.
    BadName,
    BadAddress,
    /// The invitation is for somebody else than who is signed in.
    OtherAccount,
    /// This server lets nobody make an account this way.
    Closed,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Weak> for Refusal {
    fn from(weak: Weak) -> Self {
        Self::Weak(weak)
    }
}

impl From<Busy> for Refusal {
    fn from(busy: Busy) -> Self {
        Self::Busy(busy)
    }
}

/// `false`: something the batch rests on has changed, and it has to be thought over. Wakes whoever delivers mail.
pub async fn commit(ctx: &Context, batch: Batch) -> Result<bool, StoreError> {
    let done = ctx.store.commit(batch).await? != Outcome::Conflict;
    ctx.mail_waiting.notify_one();
    Ok(done)
}

fn note(ctx: &Context, batch: &mut Batch, kind: EventKind, user: &User) -> Result<(), StoreError> {
    let event = Event {
        user: Some(user.id.clone()),
        ..Event::new(kind, ctx.now(), &*ctx.random)
    };
    batch.insert(&event).map(|_| ())
}
