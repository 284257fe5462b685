//! `Idempotency-Key`: a call that is sent twice happens once (draft-ietf-httpapi-idempotency-key-header §2).
//!
//! The answer is written in the batch that does what it says: of many that come at once with one key, one happens and
//! the others are told what it came to. What was refused is judged anew.

use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::round::Round;
use crate::base::master::{KeyedDigest, Purpose};
use crate::model::document::{ANSWER_KEPT, AnswerPiece, CONTENT_BYTES_MAX};
use crate::oauth::idempotency::bound;
use crate::store::records::list;
use crate::store::{Batch, StoreError, keys};
use http::StatusCode;

/// More than the longest answer has.
const PIECES_MAX: u32 = 32;

/// The answer that was given to this call before.
pub async fn told_before(call: &Call<'_>) -> Result<Option<Reply>, Refusal> {
    let Some(key) = call.key else {
        return Ok(None);
    };
    let store = &*call.ctx.store;
    let prefix = keys::answer_pieces(call.organization(), &call.owner, &digest(call, key));
    let (pieces, _) = list::<AnswerPiece>(store, &prefix, None, PIECES_MAX).await?;
    let Some(first) = pieces.first() else {
        return Ok(None);
    };
    if first.expires_at <= call.now() {
        let mut batch = Batch::new();
        for piece in &pieces {
            batch.remove(piece);
        }
        store.commit(batch).await?;
        return Err(Refusal::Again);
    }
    if !call
        .ctx
        .secret
        .verify(Purpose::IdempotencyKey, &content(call), &first.request)
    {
        return Err(Refusal::KeyReused);
    }
    let corrupt = || StoreError::Corrupt("a kept answer cannot be read".into());
    let text: String = pieces.iter().map(|piece| piece.piece.as_str()).collect();
    let body = if text.is_empty() {
        None
    } else {
        Some(serde_json::from_str(&text).map_err(|_| corrupt())?)
    };
    let status = StatusCode::from_u16(first.status).map_err(|_| corrupt())?;
    Ok(Some(Reply {
        status,
        body,
        replayed: true,
    }))
}

/// Puts the answer into the round's batch, for a call with a key.
pub async fn keep(round: &mut Round<'_>, reply: &Reply) -> Result<(), Refusal> {
    let call = round.call;
    let Some(key) = call.key else {
        return Ok(());
    };
    let now = call.now();
    if !round.tally().await?.keep_answer(now) {
        return Err(Refusal::TooManyKeys);
    }
    let text = reply.body.as_ref().map(ToString::to_string).unwrap_or_default();
    for (number, piece) in pieces(&text).into_iter().enumerate() {
        let piece = AnswerPiece {
            organization: call.organization().to_owned(),
            owner: call.owner.clone(),
            key: digest(call, key),
            number: number as u64,
            request: call.ctx.secret.digest(Purpose::IdempotencyKey, &content(call)),
            status: reply.status.as_u16(),
            piece: piece.to_owned(),
            expires_at: now + ANSWER_KEPT,
        };
        round.batch.insert(&piece)?;
    }
    Ok(())
}

/// Each fits into a record; at least one.
fn pieces(text: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), text);
    while rest.len() > CONTENT_BYTES_MAX {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(CONTENT_BYTES_MAX));
        found.push(piece);
        rest = after;
    }
    found.push(rest);
    found
}

fn digest(call: &Call<'_>, key: &str) -> KeyedDigest {
    let place: [&[u8]; 3] = [b"sandbox", call.organization().as_bytes(), call.owner.as_bytes()];
    call.ctx.secret.digest(Purpose::IdempotencyKey, &bound(&place, key))
}

/// All that makes it the same call.
fn content(call: &Call<'_>) -> Vec<u8> {
    let request = call.request;
    let query = request.query.as_deref().unwrap_or_default();
    let parts: [&[u8]; 4] = [
        b"call",
        request.method.as_str().as_bytes(),
        request.path.as_bytes(),
        query.as_bytes(),
    ];
    [bound(&parts, ""), request.body.to_vec()].concat()
}
