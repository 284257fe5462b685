//! What happened to an app.

use crate::context::Context;
use crate::model::event::Event;
use crate::platform::actor::Actor;
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;
use crate::store::records::load;
use crate::store::{Key, keys};

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
    let found = ctx.store.scan(&prefix, after.as_ref(), limit).await?;
    let last = found.last().filter(|_| found.len() == limit as usize);
    let next = last.map(|(key, _)| keys::cursor_in(&prefix, key));
    let mut rows = Vec::new();
    for (_, stored) in &found {
        let event = load::<Event>(&*ctx.store, &Key(stored.value.to_vec())).await?;
        rows.extend(event.map(|event| event.value));
    }
    Ok(Listed { rows, next })
}
