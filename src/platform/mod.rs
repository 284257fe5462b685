//! The app platform: what developers, reviewers, organizations and administrators do with apps, tokens and members. No
//! HTTP: the pages, the JSON API and the command line all come here, and each operation is decided once.
//!
//! Every operation takes an [`Actor`](actor::Actor), asks [`rights`] whether it may, and is one conditional batch that
//! rests on all it was judged by: the member's record too, so that whoever loses a role loses it at once.

pub mod access_requests;
pub mod actor;
pub mod api_keys;
pub mod apps;
pub mod audit;
pub mod audit_chain;
pub mod audit_file;
pub mod caller;
pub mod client_keys;
pub mod connected_apps;
pub mod credentials;
pub mod developer_api;
pub mod failures;
pub mod founding;
pub mod granted;
pub mod installations;
pub mod invitations;
pub mod issued_tokens;
pub mod logos;
pub mod manifest;
pub mod members;
pub mod organizations;
pub mod people;
pub mod personal_tokens;
pub mod picture;
pub mod policy;
pub mod refusal;
pub mod reviews;
pub mod rights;
pub mod usage;
pub mod watching;
pub mod webhooks;

use crate::context::Context;
use crate::model::event::{Event, EventKind};
use crate::store::{Batch, Outcome, StoreError};
use actor::Actor;

/// Times an operation is thought over because something it rests on changed meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// `false`: something the batch rests on has changed, and it has to be thought over. Wakes whoever delivers mail.
pub async fn commit(ctx: &Context, batch: Batch) -> Result<bool, StoreError> {
    let done = ctx.store.commit(batch).await? != Outcome::Conflict;
    ctx.mail_waiting.notify_one();
    Ok(done)
}

/// What somebody does in an organization, for the batch that does it.
pub fn event(ctx: &Context, actor: &Actor, kind: EventKind, organization: &str) -> Event {
    Event {
        organization: Some(organization.to_owned()),
        by: Some(actor.id().to_owned()),
        token: actor.token_used(),
        ..Event::new(kind, ctx.now(), &*ctx.random)
    }
}

/// What whoever runs the server does in an organization, for the batch that does it.
pub fn event_of_command_line(ctx: &Context, kind: EventKind, organization: &str) -> Event {
    Event::by_command_line(kind, organization, ctx.now(), &*ctx.random)
}

/// A part of an address that names where a list goes on: shaped like an id of ours, or nothing.
pub fn cursor(text: Option<&str>) -> Option<&str> {
    let is_id = |text: &&str| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    text.filter(is_id)
}
