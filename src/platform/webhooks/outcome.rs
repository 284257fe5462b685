//! What an attempt came to: for the delivery, for its endpoint, and for the developers when the endpoint is paused.

use crate::account::letters::{Form, compose, post};
use crate::base::random;
use crate::context::Context;
use crate::model::app::App;
use crate::model::counts::Delivered;
use crate::model::delivery::{Attempted, Delivery, FINISHED_MAX, State};
use crate::model::endpoint::{Endpoint, Standing};
use crate::model::event::{Event, EventKind};
use crate::model::mail::TRIED_FOR;
use crate::platform::ATTEMPTS_MAX;
use crate::platform::reviews::letters::concerned;
use crate::store::records::{Record as _, Versioned, list, load};
use crate::store::{Batch, Outcome, StoreError, keys};

const FAILING: Form = Form::new("mail_webhook_failing_subject", "mail_webhook_failing_text");
const GONE: Form = Form::new("mail_webhook_gone_subject", "mail_webhook_gone_text");
/// Deliveries read, and deleted, at once.
const PAGE: u32 = 100;
const DELETED_BY_BATCH_MAX: usize = 20;

/// Writes down what an attempt came to, whatever happened meanwhile to the delivery or to its endpoint.
pub async fn record(ctx: &Context, delivery: &Delivery, attempted: &Attempted) -> Result<(), StoreError> {
    let (delivery_key, endpoint_key) = (delivery.key(), keys::endpoint(&delivery.client_id, &delivery.endpoint));
    for _ in 0..ATTEMPTS_MAX {
        let delivery = load::<Delivery>(&*ctx.store, &delivery_key).await?;
        let Some(delivery) = delivery else {
            return Ok(());
        };
        let jitter = u32::from_be_bytes(random::bytes(&*ctx.random));
        let mut new = delivery.after(attempted, &ctx.profile().webhooks.retry_after, jitter);
        // Nobody looks after a subscription or an address: each delivery is tried to its end, and given up.
        if delivery.owner().is_some() {
            let mut batch = Batch::new();
            batch.replace(&delivery, &new)?;
            match ctx.store.commit(batch).await? {
                Outcome::Conflict => continue,
                Outcome::Committed(_) => {
                    counted(ctx, new.state);
                    return Ok(());
                }
            }
        }
        let Some(endpoint) = load::<Endpoint>(&*ctx.store, &endpoint_key).await? else {
            return Ok(());
        };
        let judged = if attempted.delivered() {
            endpoint.took()
        } else {
            endpoint.missed(attempted.gone(), attempted.at)
        };
        // Nothing is given up while nothing is tried.
        if new.state == State::Failed && judged.standing.is_paused() {
            new.state = State::Pending;
            new.next_attempt_at = attempted.at;
        }
        let mut batch = Batch::new();
        batch.replace(&delivery, &new)?;
        let paused = judged.standing != endpoint.standing;
        if paused || judged.failing_since != endpoint.failing_since {
            batch.replace(&endpoint, &judged)?;
        }
        if paused {
            tell(ctx, &mut batch, &judged).await?;
        }
        if ctx.store.commit(batch).await? != Outcome::Conflict {
            counted(ctx, new.state);
            if paused {
                ctx.mail_waiting.notify_one();
            }
            return Ok(());
        }
    }
    // As good as an answer that got lost: the same delivery goes out once more.
    Ok(())
}

fn counted(ctx: &Context, state: State) {
    let came_to = match state {
        State::Delivered => Delivered::Taken,
        State::Pending => Delivered::PutOff,
        State::Failed | State::Cancelled => Delivered::GivenUp,
    };
    ctx.counts.webhook(came_to).one();
}

/// The history, and a letter to those who work on the app.
async fn tell(ctx: &Context, batch: &mut Batch, endpoint: &Endpoint) -> Result<(), StoreError> {
    let Some(app) = ctx.load::<App>(&keys::app(&endpoint.client_id)).await? else {
        return Ok(());
    };
    batch.insert(&Event {
        organization: Some(app.organization.clone()),
        client_id: Some(app.client_id.clone()),
        subject: Some(endpoint.label.clone()),
        ..Event::new(EventKind::WebhookPaused, ctx.now(), &*ctx.random)
    })?;
    if ctx.config.mail.is_none() {
        return Ok(());
    }
    let form = if endpoint.standing == Standing::Gone {
        GONE
    } else {
        FAILING
    };
    let link = format!(
        "{}/developer/apps/{}/webhooks/{}",
        ctx.issuer(),
        app.client_id,
        endpoint.id
    );
    let values = [("app", app.name.as_str()), ("label", &endpoint.label), ("link", &link)];
    let texts = ctx.config.pages.texts([]);
    for to in concerned(ctx, &app).await? {
        let letter = compose(ctx, texts, &to, form, &values);
        post(ctx, batch, Some(&letter), ctx.now() + TRIED_FOR)?;
    }
    Ok(())
}

/// What waits for a receiver that is not there any more, or that is switched off.
pub async fn drop_waiting(ctx: &Context, deliveries: &[Versioned<Delivery>], is_there: bool) -> Result<(), StoreError> {
    for delivery in deliveries {
        let mut batch = Batch::new();
        if is_there {
            batch.replace(delivery, &delivery.cancelled())?;
        } else {
            batch.remove(delivery);
        }
        ctx.store.commit(batch).await?;
    }
    Ok(())
}

/// Forgets the oldest of what is over where there is more than is remembered.
pub async fn forget(ctx: &Context, endpoint: &str) -> Result<(), StoreError> {
    let prefix = keys::deliveries(endpoint);
    let (mut after, mut kept) = (None, 0);
    loop {
        let (page, next) = list::<Delivery>(&*ctx.store, &prefix, after.as_ref(), PAGE).await?;
        let mut finished: Vec<_> = page.into_iter().filter(|d| d.state != State::Pending).collect();
        let surplus = finished.split_off(finished.len().min(FINISHED_MAX - kept));
        kept += finished.len();
        for some in surplus.chunks(DELETED_BY_BATCH_MAX) {
            let mut batch = Batch::new();
            for delivery in some {
                batch.remove(delivery);
            }
            ctx.store.commit(batch).await?;
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
