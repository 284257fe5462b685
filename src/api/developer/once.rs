//! `Idempotency-Key`: a call that is sent twice happens once (draft-ietf-httpapi-idempotency-key-header §2).
//!
//! The key is taken before the call is made, and the answer put beside it afterwards. A call that was refused gives its
//! key back. Where nobody knows how a call ended — it still goes on, or the program was stopped in it — its key is
//! answered 409: whoever calls looks at what is there, as they would have to anyway.

use super::call::Call;
use super::problem::Problem;
use super::{Answered, Reply};
use crate::base::master::Purpose;
use crate::model::kept_answer::{BODY_BYTES_MAX, KEPT, KeptAnswer};
use crate::oauth::idempotency::{bound, key};
use crate::platform::developer_api::kinds::{OTHER_BODY, UNKNOWN_END};
use crate::store::records::{Record as _, Versioned, load};
use crate::store::{Batch, Outcome, StoreError};
use http::{HeaderName, StatusCode};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The answer was given before, to the same call.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What `work` comes to, or came to when it was called with this key before.
pub async fn once(call: &Call<'_>, work: impl Future<Output = Answered>) -> Answered {
    let headers: Vec<&[u8]> = call.request.headers.get_all(KEY).iter().map(|v| v.as_bytes()).collect();
    let key = key(&headers).map_err(|error| Problem::malformed(error.description))?;
    let Some(key) = key else {
        return work.await;
    };
    let taken = taken(call, key);
    let store = &*call.ctx.store;
    let mut batch = Batch::new();
    match load::<KeptAnswer>(store, &taken.key()).await? {
        Some(kept) if call.ctx.now() < kept.expires_at => return told_again(call, &kept),
        Some(expired) => batch.replace(&expired, &taken)?,
        None => batch.insert(&taken)?,
    };
    let Outcome::Committed(version) = store.commit(batch).await? else {
        return Err(Problem::new(UNKNOWN_END));
    };
    let taken = Versioned { value: taken, version };
    let answered = work.await;
    if let Err(error) = keep(call, &taken, &answered).await {
        // The call is done all the same; only its answer is not repeated.
        log::warn!("request {}: its answer was not kept: {error}", call.request.id);
    }
    answered
}

/// The key, as it is remembered before the call is made.
fn taken(call: &Call<'_>, key: &str) -> KeptAnswer {
    let digest = |bytes: Vec<u8>| call.ctx.secret.digest(Purpose::IdempotencyKey, &bytes);
    KeptAnswer {
        user: call.actor().id().to_owned(),
        key: digest(bound(&place(call), key)),
        request: digest(content(call)),
        answer: None,
        expires_at: call.ctx.now() + KEPT,
    }
}

/// With another token, or at another route, the same key is another one.
fn place<'c>(call: &'c Call<'_>) -> [&'c [u8]; 3] {
    let Call { request, bearer, .. } = call;
    [
        request.method.as_str().as_bytes(),
        request.path.as_bytes(),
        bearer.token.id.as_bytes(),
    ]
}

/// Begins with a byte that no route does.
fn content(call: &Call<'_>) -> Vec<u8> {
    [&[0], &*call.request.body].concat()
}

fn told_again(call: &Call<'_>, kept: &KeptAnswer) -> Answered {
    let secret = &call.ctx.secret;
    if !secret.verify(Purpose::IdempotencyKey, &content(call), &kept.request) {
        return Err(Problem::new(OTHER_BODY));
    }
    let Some((status, sealed)) = &kept.answer else {
        return Err(Problem::new(UNKNOWN_END));
    };
    let corrupt = || StoreError::Corrupt("a kept answer cannot be read".into());
    let opened = secret
        .open(Purpose::Receipt, &kept.key().0, sealed)
        .ok_or_else(corrupt)?;
    let (location, body) = serde_json::from_slice(&opened).map_err(|_| corrupt())?;
    Ok(Reply {
        status: StatusCode::from_u16(*status).map_err(|_| corrupt())?,
        body,
        location,
        replayed: true,
    })
}

async fn keep(call: &Call<'_>, taken: &Versioned<KeptAnswer>, answered: &Answered) -> Result<(), StoreError> {
    let ctx = call.ctx;
    let mut batch = Batch::new();
    match answered {
        Err(_) => {
            batch.remove(taken);
        }
        Ok(reply) => {
            let body = serde_json::to_vec(&(&reply.location, &reply.body)).expect("answers are plain data");
            if body.len() > BODY_BYTES_MAX {
                return Ok(());
            }
            let sealed = ctx.secret.seal(Purpose::Receipt, &taken.key().0, &body, &*ctx.random);
            let kept = KeptAnswer {
                answer: Some((reply.status.as_u16(), sealed)),
                ..taken.value.clone()
            };
            batch.replace(taken, &kept)?;
        }
    }
    ctx.store.commit(batch).await.map(|_| ())
}
