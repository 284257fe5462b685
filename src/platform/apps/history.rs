//! What happened to an app.

use crate::context::Context;
use crate::model::dossier::Submission;
use crate::model::event::Event;
use crate::platform::actor::Actor;
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;
use crate::store::keys;
use crate::store::records::{list_by_index, load};

/// A part of a list that may go on.
pub struct Listed<T> {
    pub rows: Vec<T>,
    /// What to ask for the next part with; `None` at the end.
    pub next: Option<String>,
}

/// At most `limit` events, the newest first; `after` is the `next` of the part before.
pub async fn of_app(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<Event>, Refusal> {
    actor.on_app(ctx, client_id, Right::SeeApp).await?;
    let prefix = keys::events_of_app(client_id);
    let after = after.and_then(|after| keys::after_in(&prefix, after));
    let (events, next) = list_by_index::<Event>(&*ctx.store, &prefix, after.as_ref(), limit).await?;
    Ok(Listed {
        rows: events.into_iter().map(|event| event.value).collect(),
        next: next.map(|next| keys::cursor_in(&prefix, &next)),
    })
}

/// The submissions of an app, the newest first, with what was decided; `after` is the number that was told last.
pub async fn submissions(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    after: Option<u64>,
    limit: u32,
) -> Result<Listed<Submission>, Refusal> {
    let access = actor.on_app(ctx, client_id, Right::SeeApp).await?;
    let newest = access
        .dossier()
        .submissions
        .min(after.map_or(u64::MAX, |after| after.saturating_sub(1)));
    let oldest = newest.saturating_sub(u64::from(limit));
    let mut rows = Vec::new();
    for number in (oldest + 1..=newest).rev() {
        let found = load::<Submission>(&*ctx.store, &keys::submission(client_id, number)).await?;
        rows.extend(found.map(|submission| submission.value));
    }
    Ok(Listed {
        rows,
        next: (oldest > 0).then(|| (oldest + 1).to_string()),
    })
}
