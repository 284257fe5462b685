//! Taking back what was handed in, before a reviewer decides.

use super::saving::{self, ATTEMPTS, changes, waiting};
use crate::context::Context;
use crate::model::event::EventKind;
use crate::model::review::{self, Case};
use crate::platform::actor::Actor;
use crate::platform::commit;
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;
use crate::store::Batch;

/// Nothing waits any more, and the app is what it was before: a reviewer who decides at the same time is told to look
/// again, or whoever withdraws that there is nothing to withdraw.
pub async fn withdraw(ctx: &Context, actor: &Actor, client_id: &str) -> Result<Case, Refusal> {
    for _ in 0..ATTEMPTS {
        let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
        let old = access.case();
        let submission = waiting(ctx, &old).await?;
        let submission = submission.ok_or(Refusal::State("developer_nothing_to_withdraw"))?;
        let new = review::withdraw(old.clone());
        let mut batch = Batch::new();
        batch.remove(&submission).replace(&access.app, &new.app)?;
        access.put_dossier(&mut batch, &new.dossier)?;
        access.hold(&mut batch);
        let mut event = saving::event(ctx, actor, EventKind::AppWithdrawn, &new.app);
        event.subject = Some(submission.number.to_string());
        event.changes = changes(&old, &new);
        batch.insert(&event)?;
        if commit(ctx, batch).await? {
            return Ok(new);
        }
    }
    Err(Refusal::Conflict)
}
