//! One-time links: made, found again, and used up by the batch of what they were for.

use crate::base::handle::Handle;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::link::{Allows, Link, LinkKind};
use crate::store::records::{Versioned, load};
use crate::store::{StoreError, keys};

/// A record for somebody's batch, and the address that opens it, which is shown or sent once.
pub struct NewLink {
    pub record: Link,
    pub url: String,
}

pub fn make(ctx: &Context, kind: LinkKind, allows: Allows) -> NewLink {
    let expires_at = ctx.now() + kind.lives();
    let handle = Handle::new(expires_at.millis().to_be_bytes().to_vec(), &*ctx.random);
    let text = handle.text(&ctx.secret, kind.purpose(), &prefix(ctx, kind));
    let record = Link {
        digest: ctx.secret.digest(kind.purpose(), text.as_bytes()),
        allows,
        expires_at,
    };
    let url = format!("{}{}?link={text}", ctx.issuer(), kind.path());
    NewLink { record, url }
}

/// The link with this text that still allows something. What this server did not make never reaches the store.
pub async fn find(ctx: &Context, kind: LinkKind, text: &str) -> Result<Option<Versioned<Link>>, StoreError> {
    let Some(handle) = Handle::read(&ctx.secret, kind.purpose(), &prefix(ctx, kind), text) else {
        return Ok(None);
    };
    let Ok(expires_at) = <[u8; 8]>::try_from(handle.locator.as_slice()) else {
        return Ok(None);
    };
    let expires_at = Timestamp::from_millis(u64::from_be_bytes(expires_at));
    if ctx.now() >= expires_at {
        return Ok(None);
    }
    let digest = ctx.secret.digest(kind.purpose(), text.as_bytes());
    load(&*ctx.store, &keys::link(expires_at, &digest)).await
}

fn prefix(ctx: &Context, kind: LinkKind) -> String {
    format!("{}_{}_", ctx.profile().prefix, kind.word())
}
