//! What becomes due by itself: secrets of apps that end soon.

use crate::context::Context;
use crate::model::app::App;
use crate::model::event::{Change, Event, EventKind};
use crate::model::reminder::{About, Reminder};
use crate::store::records::{Versioned, list};
use crate::store::{Batch, StoreError, keys};

const PAGE: u32 = 50;

/// Looks at everything that is due.
pub async fn turn(ctx: &Context) -> Result<(), StoreError> {
    loop {
        let (due, more) = list::<Reminder>(&*ctx.store, &keys::reminders(), None, PAGE).await?;
        for reminder in &due {
            if reminder.at > ctx.now() {
                return Ok(());
            }
            remind(ctx, reminder).await?;
        }
        if more.is_none() {
            return Ok(());
        }
    }
}

async fn remind(ctx: &Context, reminder: &Versioned<Reminder>) -> Result<(), StoreError> {
    let About::Secret { client_id, secret } = &reminder.about;
    let mut batch = Batch::new();
    batch.remove(reminder);
    let app = ctx.load::<App>(&keys::app(client_id)).await?;
    let secret = app
        .as_ref()
        .and_then(|app| app.secrets.iter().find(|held| held.id == *secret));
    if let (Some(app), Some(secret)) = (&app, secret.filter(|secret| secret.live(ctx.now()))) {
        batch.insert(&Event {
            organization: Some(app.organization.clone()),
            client_id: Some(app.client_id.clone()),
            subject: Some(secret.label.clone()),
            changes: vec![Change::new("expires_at", None::<&str>, secret.expires_at)],
            ..Event::new(EventKind::SecretExpiring, ctx.now(), &*ctx.random)
        })?;
    }
    // A conflict: another turn did it.
    ctx.store.commit(batch).await.map(|_| ())
}
