//! The sandbox: what answers the API's routes where no API stands behind them. A development aid, and every answer says
//! so. `docs/sandbox.md` tells its users what it keeps, and for how long.
//!
//! ```text
//! Call (who, what) → answered before? → the collection reads and fills one batch → commit → answer
//!                         ▲                                                          │
//!                         └──────────── something else was written meanwhile ────────┘
//! ```

mod call;
pub mod checkout;
mod collections;
mod customers;
mod fields;
mod ids;
mod listed;
mod merge;
mod once;
mod organization;
mod payment_links;
mod refusal;
mod round;
mod subscriptions;

use crate::config::routes::Found;
use crate::context::Context;
use crate::platform::caller::Caller;
use crate::store::Outcome;
use crate::web::request::Request;
use crate::web::response::Response;
use call::{Call, Reply};
use http::HeaderName;
use refusal::Refusal;
use round::Round;

/// On every answer.
pub static SANDBOX: HeaderName = HeaderName::from_static("x-grantd-sandbox");
static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// At each of them somebody else's call got through: more than there are requests in flight.
const ROUNDS_MAX: usize = 2000;

/// What an admitted request comes to.
pub async fn answer(ctx: &Context, request: &Request, caller: &Caller, found: &Found) -> Response {
    let answered = match Call::of(ctx, request, caller, found) {
        Ok(call) => perform(&call).await,
        Err(refusal) => Err(refusal),
    };
    let response = match answered {
        Ok(reply) => told(reply),
        Err(refusal) => refusal.response(ctx, &request.id),
    };
    response.no_store().with(SANDBOX.clone(), "true")
}

fn told(reply: Reply) -> Response {
    let response = match &reply.body {
        Some(body) => Response::json(reply.status, body),
        None => Response::new(reply.status),
    };
    if reply.replayed {
        response.with(REPLAYED.clone(), "true")
    } else {
        response
    }
}

async fn perform(call: &Call<'_>) -> Result<Reply, Refusal> {
    for _ in 0..ROUNDS_MAX {
        match once(call).await {
            Err(Refusal::Again) => {}
            answered => return answered,
        }
    }
    Err(Refusal::Again)
}

async fn once(call: &Call<'_>) -> Result<Reply, Refusal> {
    if let Some(reply) = once::told_before(call).await? {
        return Ok(payment_links::told_again(call, reply));
    }
    let mut round = Round::new(call);
    let reply = act(&mut round).await?;
    once::keep(&mut round, &reply).await?;
    let batch = round.into_batch()?;
    if batch.writes.is_empty() {
        return Ok(reply);
    }
    match call.ctx.store.commit(batch).await? {
        Outcome::Committed(_) => Ok(reply),
        Outcome::Conflict => Err(Refusal::Again),
    }
}

/// Collections with a shape of their own; any other name is a collection of documents of any members, or one document.
async fn act(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let call = round.call;
    match call.collection {
        "profile" => organization::profile(call).await,
        "organization" => organization::organization(call).await,
        "merchant_settings" | "merchant_branding" => organization::settings(round).await,
        "payment_links" => payment_links::answer(round).await,
        "payment_customers" => customers::answer(round).await,
        "payment_subscriptions" => subscriptions::answer(round).await,
        _ if collections::is_single(call) => collections::answer_single(round).await,
        _ => collections::answer(round).await,
    }
}
