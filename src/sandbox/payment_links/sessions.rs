//! Sessions of payment links: begun and brought forward by hand, on the link's page.

use super::link::{Link, LinkStatus, Session, SessionStatus};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::document::{CONTENT_BYTES_MAX, Document};
use crate::platform::webhooks::payments::{self, Payment};
use crate::sandbox::collections::THE_ONE;
use crate::sandbox::ids;
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, Outcome, StoreError, keys};
use serde_json::{Value, json};

const ATTEMPTS_MAX: u32 = 100;
/// The document of what an organization set as a merchant.
const SETTINGS: &str = "merchant_settings";

/// Why a session does not begin or move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Halt {
    NoLink,
    /// Paused, archived, or not to be paid any more.
    Closed,
    /// Nobody began to pay.
    NoSession,
    /// There is no room in the document for what would be told.
    NoRoom,
}

/// The link with this page.
pub async fn find(ctx: &Context, uid: &str) -> Result<Option<(Versioned<Document>, Link)>, StoreError> {
    if !ids::is_one(uid) {
        return Ok(None);
    }
    let found = load_by_index::<Document>(&*ctx.store, &keys::document_with_page(uid)).await?;
    let Some(document) = found.filter(|document| document.live(ctx.now())) else {
        return Ok(None);
    };
    let link = serde_json::from_str(&document.content)
        .map_err(|why| StoreError::Corrupt(format!("a payment link cannot be read: {why}")))?;
    Ok(Some((document, link)))
}

/// Begins a session; one that goes on already is left as it is.
pub async fn start(ctx: &Context, uid: &str) -> Result<Result<(), Halt>, StoreError> {
    for _ in 0..ATTEMPTS_MAX {
        let Some((document, mut link)) = find(ctx, uid).await? else {
            return Ok(Err(Halt::NoLink));
        };
        if link.session.as_ref().is_some_and(|session| !session.status.has_ended()) {
            return Ok(Ok(()));
        }
        if link.status != LinkStatus::Active || link.is_expired(ctx.now()) {
            return Ok(Err(Halt::Closed));
        }
        let id = ids::made(ctx.now(), &*ctx.random);
        link.session = Some(Session {
            id,
            status: SessionStatus::Quoted,
        });
        match change_status(ctx, &document, link, SessionStatus::AwaitingDeposit).await? {
            Changed::Yes => return Ok(Ok(())),
            Changed::NoRoom => return Ok(Err(Halt::NoRoom)),
            Changed::Meanwhile => {}
        }
    }
    Err(StoreError::Unavailable("the payment link changes too often".into()))
}

/// Brings the session to any status: whoever tests webhooks wants them in every order.
pub async fn advance(ctx: &Context, uid: &str, to: SessionStatus) -> Result<Result<(), Halt>, StoreError> {
    for _ in 0..ATTEMPTS_MAX {
        let Some((document, link)) = find(ctx, uid).await? else {
            return Ok(Err(Halt::NoLink));
        };
        match &link.session {
            None => return Ok(Err(Halt::NoSession)),
            Some(session) if session.status == to => return Ok(Ok(())),
            Some(_) => {}
        }
        match change_status(ctx, &document, link, to).await? {
            Changed::Yes => return Ok(Ok(())),
            Changed::NoRoom => return Ok(Err(Halt::NoRoom)),
            Changed::Meanwhile => {}
        }
    }
    Err(StoreError::Unavailable("the payment link changes too often".into()))
}

enum Changed {
    Yes,
    /// Somebody else changed the link.
    Meanwhile,
    NoRoom,
}

/// The one place where a session's status changes: what has to happen with it belongs into this batch. `document` is
/// the link as it was read; its organization and `owner`, the grant or key that made it, say whose the change is.
async fn change_status(
    ctx: &Context,
    document: &Versioned<Document>,
    mut link: Link,
    to: SessionStatus,
) -> Result<Changed, StoreError> {
    let now = ctx.now();
    let Some(session) = &mut link.session else {
        return Ok(Changed::Meanwhile);
    };
    let before = std::mem::replace(&mut session.status, to);
    let told = json!({ "sessionId": session.id, "status": to, "previousStatus": before });
    link.tell("session_status_changed", now, told);
    let Some(new) = changed(document, &mut link, now) else {
        return Ok(Changed::NoRoom);
    };
    let mut batch = Batch::new();
    batch.replace(document, &new)?;
    tell(ctx, &mut batch, (document, &link), before).await?;
    Ok(match ctx.store.commit(batch).await? {
        Outcome::Committed(_) => {
            ctx.webhooks_waiting.notify_one();
            Changed::Yes
        }
        Outcome::Conflict => Changed::Meanwhile,
    })
}

/// Whoever wants to hear of the payment.
async fn tell(
    ctx: &Context,
    batch: &mut Batch,
    (document, link): (&Document, &Link),
    before: SessionStatus,
) -> Result<(), StoreError> {
    let Some(session) = &link.session else {
        return Ok(());
    };
    let callback_url = callback_url(ctx, &document.organization).await?;
    let payment = Payment {
        at: ctx.now(),
        organization: &document.organization,
        owner: &document.owner,
        subscription: link.subscription.as_deref(),
        link: &document.id,
        link_status: link.status.as_str(),
        public_url: &link.public_url(ctx, document),
        expires_at: link.expires_at,
        payload: &link.payload,
        callback_url: callback_url.as_deref(),
        session: &session.id,
        status: session.status.as_str(),
        previous: before.as_str(),
        deposit_address: &session.address(),
    };
    payments::put(ctx, batch, &payment).await
}

/// The organization's own, of its settings as a merchant.
async fn callback_url(ctx: &Context, organization: &str) -> Result<Option<String>, StoreError> {
    let key = keys::document(organization, SETTINGS, THE_ONE);
    let settings = load::<Document>(&*ctx.store, &key).await?;
    let settings = settings.filter(|settings| settings.live(ctx.now()));
    let settings: Option<Value> = settings.and_then(|settings| serde_json::from_str(&settings.content).ok());
    let url = settings.as_ref().and_then(|settings| settings.get("callbackUrl"));
    Ok(url.and_then(Value::as_str).map(str::to_owned))
}

fn changed(document: &Versioned<Document>, link: &mut Link, now: Timestamp) -> Option<Document> {
    link.shorten();
    let content = serde_json::to_string(link).expect("links are plain data");
    (content.len() <= CONTENT_BYTES_MAX).then(|| Document {
        content,
        updated_at: now,
        ..document.value.clone()
    })
}
