//! `Idempotency-Key`: with it the same token request gets the same answer, for as long as a lost answer may matter
//! (draft-ietf-httpapi-idempotency-key-header §2).

use super::error::OAuthError;
use super::standing::in_person;
use crate::base::master::{KeyedDigest, Purpose};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::App;
use crate::model::epoch::Epochs;
use crate::model::family::{Family, How, Rotation};
use crate::model::grant::Grant;
use crate::model::receipt::{BODY_BYTES_MAX, Receipt};
use crate::store::records::{Versioned, list_by_index, load};
use crate::store::{Batch, Key, Outcome, StoreError, Write, keys};

const KEY_CHARS_MIN: usize = 8;
const KEY_CHARS_MAX: usize = 200;
/// Receipts of one signing key that are looked at in one turn.
const RECEIPTS_PAGE: u32 = 100;

/// The key of a request, from every header of that name.
pub fn key<'a>(headers: &[&'a [u8]]) -> Result<Option<&'a str>, OAuthError> {
    let header = match headers {
        [] => return Ok(None),
        [one] => std::str::from_utf8(one).unwrap_or_default(),
        _ => return Err(OAuthError::invalid_request("There is more than one Idempotency-Key.")),
    };
    let well_formed = (KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&header.len())
        && header
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !well_formed {
        let what = "The Idempotency-Key must be 8 to 200 of the characters A-Z a-z 0-9 _ -.";
        return Err(OAuthError::invalid_request(what));
    }
    Ok(Some(header))
}

/// What a key is remembered as the digest of: the same key of another client, or for another credential, is another.
pub fn bound(credential: &[&[u8]], key: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in credential.iter().chain([&key.as_bytes()]) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// `key` as the refresh tokens of one family know it.
pub fn bound_to_family(family: &Family, key: &str) -> Vec<u8> {
    let Family {
        client_id,
        organization,
        grant,
        id,
        ..
    } = family;
    let credential = [client_id, organization, grant, id].map(|part| part.as_bytes());
    bound(&credential, key)
}

/// How long an answer may be repeated.
pub enum Lasts {
    Until(Timestamp),
    /// As long as its refresh token is unused, which may be for years: the signing key of its token waits for it.
    WithFamily {
        kid: String,
    },
}

/// The answer to be repeated; it holds the live token of `family`.
pub fn receipt(
    ctx: &Context,
    family: &Family,
    key: KeyedDigest,
    body: &[u8],
    lasts: Lasts,
) -> Result<Receipt, OAuthError> {
    let (expires_at, kid) = match lasts {
        Lasts::Until(at) => (at, None),
        Lasts::WithFamily { kid } => (family.expiry(), Some(kid)),
    };
    if body.len() > BODY_BYTES_MAX {
        let what = "The answer is too long to be repeated: ask for fewer scopes, or without an Idempotency-Key.";
        return Err(OAuthError::invalid_request(what));
    }
    let place = place(family);
    Ok(Receipt {
        organization: family.organization.clone(),
        grant: family.grant.clone(),
        family: family.id.clone(),
        counter: family.counter,
        key,
        body: ctx.secret.seal(Purpose::Receipt, &place.0, body, &*ctx.random),
        kid,
        expires_at,
    })
}

/// Where the receipt of the live token of `family` lies.
pub fn place(family: &Family) -> Key {
    keys::receipt(&family.organization, &family.grant, &family.id, family.counter)
}

/// The receipt of the live token of `family`, if there is one, goes with this batch.
pub fn forget(batch: &mut Batch, family: &Family) {
    let Some(Rotation {
        how: How::Keyed { kid, .. },
        ..
    }) = &family.rotation
    else {
        return;
    };
    let key = place(family);
    if let Some(kid) = kid {
        let key = keys::receipt_of_key(kid, &key);
        batch.writes.push(Write::Delete { key });
    }
    batch.writes.push(Write::Delete { key });
}

/// Whether a receipt that may still be repeated holds a token of this signing key. Those that nobody can have repeated
/// go: their family, or the chain before it, has ended.
pub async fn holds_token_of(ctx: &Context, kid: &str) -> Result<bool, StoreError> {
    let (receipts, _) = list_by_index::<Receipt>(&*ctx.store, &keys::receipts_of_key(kid), None, RECEIPTS_PAGE).await?;
    // Of more than one page the rest has yet to be looked at.
    let mut needed = receipts.len() == RECEIPTS_PAGE as usize;
    for receipt in receipts {
        let family = keys::family(&receipt.organization, &receipt.grant, &receipt.family);
        let family = load::<Family>(&*ctx.store, &family).await?;
        let Some(family) = family else {
            needed |= !let_go(ctx, &receipt, None).await?;
            continue;
        };
        let app = ctx.load::<App>(&keys::app(&family.client_id)).await?;
        let grant = ctx
            .load::<Grant>(&keys::grant(&family.organization, &family.grant))
            .await?;
        // What was switched off may come back; what a counter has passed never does.
        let stands = in_person(ctx, &family.organization, &family.user).await?;
        let counters = Epochs {
            app: app.map_or(u64::MAX, |app| app.epoch),
            grant: grant.map_or(u64::MAX, |grant| grant.epoch),
            ..stands.map_or_else(|_| Epochs::default(), |stands| stands.epochs)
        };
        let stands = family.alive(ctx.now()) && family.counter == receipt.counter && family.stamps.cover(&counters);
        needed |= stands || !let_go(ctx, &receipt, Some(&family)).await?;
    }
    Ok(needed)
}

/// `false`: it was used at this moment.
async fn let_go(
    ctx: &Context,
    receipt: &Versioned<Receipt>,
    family: Option<&Versioned<Family>>,
) -> Result<bool, StoreError> {
    let mut batch = Batch::new();
    batch.remove(receipt);
    if let Some(family) = family {
        batch.require(family);
    }
    Ok(matches!(ctx.store.commit(batch).await?, Outcome::Committed(_)))
}

/// The body that was answered to the request with this key; `None` when it is not kept any more.
pub async fn recall(ctx: &Context, place: &Key, bound: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(receipt) = load::<Receipt>(&*ctx.store, place).await? else {
        return Ok(None);
    };
    if receipt.expires_at <= ctx.now() || !ctx.secret.verify(Purpose::IdempotencyKey, bound, &receipt.key) {
        return Ok(None);
    }
    let body = ctx.secret.open(Purpose::Receipt, &place.0, &receipt.body);
    let body = body.ok_or_else(|| StoreError::Corrupt("a receipt cannot be opened".into()))?;
    Ok(Some(body.to_vec()))
}
