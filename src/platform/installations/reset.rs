//! `DELETE /oauth/native/installations`: a plugin disconnects its site.
//!
//! # The order of checks
//!
//! 1. An `Idempotency-Key`, an access token sent as DPoP, and a proof for both (RFC 9449 §7.1).
//! 2. The same request was answered before: its answer is repeated, though its token is dead by then.
//! 3. The access token stands, and is bound to the key of the proof.
//! 4. It is of the installation that the request names.

use super::{Reset, clear_behind, grant_of, put_reset};
use crate::base::digest::{base64url, equal, sha256};
use crate::base::master::Purpose;
use crate::base::random;
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::installation::{GrantPlace, RESET_IDS_MAX, RESET_KEPT, ResetIds, ResetReceipt};
use crate::oauth::access_token::{standing, verify};
use crate::oauth::delegated;
use crate::oauth::dpop::{self, Proof};
use crate::oauth::idempotency;
use crate::oauth::native::PATH;
use crate::oauth::native::error::{NativeError, Why};
use crate::oauth::used_once::was_used;
use crate::store::records::{list, load};
use crate::store::{Batch, Outcome, StoreError, keys};
use serde::Serialize;

/// Parts of an answer that are written with the reset itself; what is more goes ahead.
const CHUNKS_MAX: usize = 16;

/// A request to be reset.
pub struct Asked<'a> {
    pub client_id: Option<&'a str>,
    /// Every header of these names, as sent.
    pub authorization: Vec<&'a [u8]>,
    pub dpop: Vec<&'a [u8]>,
    pub idempotency_keys: Vec<&'a [u8]>,
}

#[derive(Debug, Serialize)]
pub struct Answer {
    client_id: String,
    reset: bool,
    #[serde(rename = "resetMutationId")]
    mutation: String,
    /// What was made before is still told where it was to be told, with the same secret.
    #[serde(rename = "historicalDeliveryPreserved")]
    historical_delivery_preserved: bool,
    #[serde(rename = "signingSecretChanged")]
    signing_secret_changed: bool,
    #[serde(rename = "preservedWebhookSubscriptionIds")]
    ids: Vec<String>,
    #[serde(skip)]
    pub replayed: bool,
}

/// What a request shows.
struct Shown<'a> {
    client_id: &'a str,
    /// Names the request, whenever it comes again.
    key: String,
    token: &'a str,
    proof: Proof,
}

pub async fn reset(ctx: &Context, asked: &Asked<'_>) -> Result<Answer, NativeError> {
    // 1.
    let shown = shown(ctx, asked)?;
    for _ in 0..delegated::ATTEMPTS_MAX {
        // 2.
        let place = keys::reset_receipt(shown.client_id, &shown.key);
        let (answer, ended, mut batch) = match load::<ResetReceipt>(&*ctx.store, &place).await? {
            Some(receipt) => {
                let answer = repeat(ctx, &shown, &receipt).await?;
                (answer, receipt.value.grant, Batch::new())
            }
            None => decide(ctx, &shown).await?,
        };
        batch.insert(&shown.proof.once)?;
        if let Outcome::Committed(_) = ctx.store.commit(batch).await? {
            clear_behind(ctx, ended.as_ref()).await;
            return Ok(answer);
        }
        if was_used(ctx, Some(&shown.proof.once)).await? {
            let what = "The DPoP proof has been used before: make a new one for every request.";
            return Err(Why::Proof(what).into());
        }
    }
    Err(delegated::busy().into())
}

fn shown<'a>(ctx: &Context, asked: &'a Asked<'_>) -> Result<Shown<'a>, NativeError> {
    let key = idempotency::key(&asked.idempotency_keys).ok().flatten();
    let key = key.ok_or(Why::IdempotencyKey)?;
    let token = match asked.authorization.as_slice() {
        [one] => std::str::from_utf8(one).ok().and_then(|header| header.split_once(' ')),
        _ => None,
    };
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("DPoP"));
    let (_, token) = token.ok_or(Why::Token)?;
    let proof = dpop::verify(
        ctx,
        &dpop::Asked {
            origins: &[ctx.issuer()],
            headers: &asked.dpop,
            method: "DELETE",
            path: PATH,
            access_token: Some(token),
            native: true,
        },
    );
    let proof = match proof {
        Ok(Some(proof)) => proof,
        Ok(None) => return Err(Why::Proof("The DPoP header with the proof is missing.").into()),
        Err(why) => {
            log::debug!("a proof for a reset is no good: {}", why.description);
            return Err(Why::Proof("The DPoP proof is no good for this request and its access token.").into());
        }
    };
    let client_id = asked.client_id.ok_or(Why::NotFound)?;
    Ok(Shown {
        client_id,
        key: base64url(sha256(&idempotency::bound(&[client_id.as_bytes()], key))),
        token,
        proof,
    })
}

async fn repeat(ctx: &Context, shown: &Shown<'_>, receipt: &ResetReceipt) -> Result<Answer, NativeError> {
    let same_token = ctx
        .secret
        .verify(Purpose::Installation, shown.token.as_bytes(), &receipt.token);
    if !same_token || !equal(receipt.jkt.as_bytes(), shown.proof.jkt.as_bytes()) {
        return Err(Why::ReceiptProof.into());
    }
    let prefix = keys::all_reset_ids(&receipt.client_id, &receipt.mutation);
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = list::<ResetIds>(&*ctx.store, &prefix, after.as_ref(), 100).await?;
        ids.extend(page.into_iter().flat_map(|chunk| chunk.value.ids));
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok(Answer {
        replayed: true,
        ..answer(shown, receipt.mutation.clone(), ids)
    })
}

fn answer(shown: &Shown<'_>, mutation: String, ids: Vec<String>) -> Answer {
    Answer {
        client_id: shown.client_id.to_owned(),
        reset: true,
        mutation,
        historical_delivery_preserved: true,
        signing_secret_changed: false,
        ids,
        replayed: false,
    }
}

async fn decide(ctx: &Context, shown: &Shown<'_>) -> Result<(Answer, Option<GrantPlace>, Batch), NativeError> {
    // 3. The installation is read first: should it be reset meanwhile, this reset rests on what is no more.
    let claims = verify(ctx, shown.token).map_err(dead)?;
    if claims.jkt.as_deref() != Some(&shown.proof.jkt) {
        return Err(Why::Token.into());
    }
    let app = load::<App>(&*ctx.store, &keys::app(&claims.client_id)).await?;
    standing(ctx, &claims).await?.map_err(dead)?;
    // 4.
    let app = app.filter(|app| app.kind == Kind::Native && app.client_id == shown.client_id);
    let app = app.ok_or(Why::NotFound)?;
    let mut batch = Batch::new();
    let by = Reset {
        user: Some(claims.sub),
        by: None,
        note: None,
    };
    let ids = put_reset(ctx, &mut batch, &app, &by).await?;
    let mutation = random::uuid(&*ctx.random);
    let ended = grant_of(&app).cloned();
    put_receipt(ctx, &mut batch, shown, (&mutation, &ended), &ids).await?;
    Ok((answer(shown, mutation, ids), ended, batch))
}

fn dead(why: &str) -> NativeError {
    log::debug!("the access token of a reset was refused: {why}");
    Why::Token.into()
}

async fn put_receipt(
    ctx: &Context,
    batch: &mut Batch,
    shown: &Shown<'_>,
    (mutation, ended): (&str, &Option<GrantPlace>),
    ids: &[String],
) -> Result<(), StoreError> {
    let expires_at = ctx.now() + RESET_KEPT;
    let parts: Vec<&[String]> = ids.chunks(RESET_IDS_MAX).collect();
    let (with, ahead) = parts.split_at(parts.len().min(CHUNKS_MAX));
    let part = |number: usize, ids: &[String]| ResetIds {
        client_id: shown.client_id.to_owned(),
        mutation: mutation.to_owned(),
        number: number as u64,
        ids: ids.to_vec(),
        expires_at,
    };
    for (number, ids) in with.iter().enumerate() {
        batch.insert(&part(number, ids))?;
    }
    // Nothing names these until the reset stands; without it they are swept.
    for (group, parts) in ahead.chunks(CHUNKS_MAX).enumerate() {
        let mut first = Batch::new();
        for (number, ids) in parts.iter().enumerate() {
            first.insert(&part((group + 1) * CHUNKS_MAX + number, ids))?;
        }
        ctx.store.commit(first).await?;
    }
    batch.insert(&ResetReceipt {
        client_id: shown.client_id.to_owned(),
        key: shown.key.clone(),
        token: ctx.secret.digest(Purpose::Installation, shown.token.as_bytes()),
        jkt: shown.proof.jkt.clone(),
        mutation: mutation.to_owned(),
        chunks: parts.len() as u64,
        grant: ended.clone(),
        expires_at,
    })?;
    Ok(())
}
