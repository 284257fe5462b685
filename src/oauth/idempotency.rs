//! `Idempotency-Key`: with it the same token request gets the same answer, for as long as a lost answer may matter
//! (draft-ietf-httpapi-idempotency-key-header §2).

use super::error::OAuthError;
use crate::base::master::{KeyedDigest, Purpose};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::family::Family;
use crate::model::receipt::{BODY_BYTES_MAX, Receipt};
use crate::store::records::load;
use crate::store::{Key, StoreError, keys};

const KEY_CHARS_MIN: usize = 8;
const KEY_CHARS_MAX: usize = 200;

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

/// The answer to be repeated; it holds the live token of `family`.
pub fn receipt(
    ctx: &Context,
    family: &Family,
    key: KeyedDigest,
    body: &[u8],
    expires_at: Timestamp,
) -> Result<Receipt, OAuthError> {
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
        expires_at,
    })
}

/// Where the receipt of the live token of `family` lies.
pub fn place(family: &Family) -> Key {
    keys::receipt(&family.organization, &family.grant, &family.id, family.counter)
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
