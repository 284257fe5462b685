//! *Explain my failure*: the refused requests of an app, for its developers.

use super::actor::{Actor, AppAccess};
use super::refusal::Refusal;
use super::rights::Right;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::failure::{FAILURES_MAX, Failure, KEPT};
use crate::store::records::list as list_records;
use crate::store::{StoreError, keys};

/// The app, for whoever may see what of it was refused.
pub async fn open(ctx: &Context, actor: &Actor, client_id: &str) -> Result<AppAccess, Refusal> {
    actor.on_app(ctx, client_id, Right::SeeFailures).await
}

/// Those after the one that was refused at `after.0` and has the error id `after.1`, the newest first.
pub async fn list(
    ctx: &Context,
    access: &AppAccess,
    after: Option<(Timestamp, &str)>,
    limit: u32,
) -> Result<Vec<Failure>, StoreError> {
    let client_id = &access.app.client_id;
    let after = after.map(|(at, id)| keys::failure(client_id, at, id));
    let (found, _) = list_records::<Failure>(&*ctx.store, &keys::failures(client_id), after.as_ref(), limit).await?;
    let now = ctx.now();
    let kept = found.into_iter().map(|failure| failure.value);
    Ok(kept.filter(|failure| now < failure.at + KEPT).collect())
}

/// The one with this error id.
pub async fn find(ctx: &Context, access: &AppAccess, id: &str) -> Result<Option<Failure>, StoreError> {
    let all = list(ctx, access, None, 2 * FAILURES_MAX as u32).await?;
    Ok(all.into_iter().find(|failure| failure.id == id))
}
