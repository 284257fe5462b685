//! What is due at one endpoint, sent in the order in which it became due.

use super::Courier;
use crate::base::random;
use crate::base::secret::Secret;
use crate::base::time::{Stopwatch, Timestamp};
use crate::context::Context;
use crate::model::delivery::{Attempted, Delivery};
use crate::model::endpoint::{Endpoint, Standing};
use crate::platform::webhooks::address::{Target, may_connect, target};
use crate::platform::webhooks::{outcome, secret_of, signature};
use crate::store::records::{Versioned, list_by_index, load};
use crate::store::{StoreError, keys};
use crate::web::outbound::{Answer, Connection, Place};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// Read of a queue at once.
const PAGE: u32 = 16;

/// How a lane ended.
pub(super) struct Done {
    pub endpoint: String,
    pub next: Next,
    pub sent: usize,
}

/// When there is something to do again, as far as is known.
pub(super) enum Next {
    At(Timestamp),
    /// Unless something came meanwhile.
    Nothing,
    /// Not before somebody or something else is put right.
    Stopped,
}

pub(super) async fn run(courier: Arc<Courier>, endpoint: String) -> Done {
    let mut lane = Lane {
        courier: &courier,
        connections: [None, None],
        sent: 0,
    };
    let next = match lane.run(&endpoint).await {
        Ok(next) => next,
        Err(error) => {
            log::error!("what waits for the endpoint {endpoint} could not be sent: {error}");
            Next::Stopped
        }
    };
    let sent = lane.sent;
    Done { endpoint, next, sent }
}

struct Lane<'a> {
    courier: &'a Courier,
    /// Kept while the lane lasts.
    connections: [Option<Kept>; 2],
    sent: usize,
}

impl Lane<'_> {
    async fn run(&mut self, id: &str) -> Result<Next, StoreError> {
        let ctx = &*self.courier.ctx;
        let prefix = keys::waiting_deliveries(id);
        loop {
            let (waiting, _) = list_by_index::<Delivery>(&*ctx.store, &prefix, None, PAGE).await?;
            let Some(first) = waiting.first() else {
                return Ok(Next::Nothing);
            };
            let key = keys::endpoint(&first.client_id, id);
            let endpoint = load::<Endpoint>(&*ctx.store, &key).await?;
            match endpoint.as_ref().map(|endpoint| endpoint.standing) {
                None | Some(Standing::Disabled) => {
                    outcome::drop_waiting(ctx, &waiting, endpoint.as_deref()).await?;
                    continue;
                }
                Some(standing) if standing.is_paused() => return Ok(Next::Stopped),
                Some(_) => {}
            }
            let next = first.next_attempt_at;
            let due = waiting.iter().filter(|delivery| delivery.next_attempt_at <= ctx.now());
            let due: Vec<&Delivery> = due.map(|delivery| &delivery.value).collect();
            let failing = endpoint.is_some_and(|endpoint| endpoint.failing_since.is_some());
            let [one, two] = &mut self.connections;
            match due[..] {
                [] => return Ok(Next::At(next)),
                [first, second, ..] if !failing => {
                    let both = (attempt(self.courier, first, one), attempt(self.courier, second, two));
                    let (first, second) = tokio::join!(both.0, both.1);
                    self.sent += 2;
                    first.and(second)?;
                }
                [first, ..] => {
                    self.sent += 1;
                    attempt(self.courier, first, one).await?;
                }
            }
        }
    }
}

/// A connection that may be used again, and whether by https and to which authority it leads.
type Kept = ((bool, String), Connection);

/// Sends one delivery and writes down what came of it. A crash between the two sends it once more.
async fn attempt(courier: &Courier, delivery: &Delivery, connection: &mut Option<Kept>) -> Result<(), StoreError> {
    let ctx = &*courier.ctx;
    let key = keys::endpoint(&delivery.client_id, &delivery.endpoint);
    let failing = |endpoint: &Option<Arc<Versioned<Endpoint>>>| {
        endpoint
            .as_ref()
            .is_some_and(|endpoint| endpoint.failing_since.is_some())
    };
    let endpoint = ctx.load::<Endpoint>(&key).await?;
    let slot = courier.slots(failing(&endpoint)).acquire().await;
    // As it is now: a secret, an address or a switch may be another one since it began to wait.
    let Some(endpoint) = ctx.load::<Endpoint>(&key).await? else {
        return Ok(());
    };
    if endpoint.standing != Standing::Enabled {
        return Ok(());
    }
    let (at, watch) = (ctx.now(), Stopwatch::start());
    let result = sent(courier, &endpoint, delivery, connection).await;
    drop(slot);
    if result.is_err() {
        *connection = None;
    }
    let attempted = Attempted {
        at,
        took_ms: u32::try_from(watch.elapsed().as_millis()).unwrap_or(u32::MAX),
        result,
    };
    outcome::record(ctx, delivery, &attempted).await
}

async fn sent(
    courier: &Courier,
    endpoint: &Endpoint,
    delivery: &Delivery,
    kept: &mut Option<Kept>,
) -> Result<(u16, String), String> {
    let ctx = &*courier.ctx;
    let target = target(ctx, &endpoint.url)?;
    let secret = secret_of(ctx, endpoint).ok_or("The secret cannot be read any more: rotate it.")?;
    let headers = headers(ctx, delivery, &secret);
    let body = Bytes::from(delivery.body.clone());
    // One to where the address led before is not used: it may have been changed since.
    let place = (target.https, target.authority.clone());
    *kept = kept.take().filter(|(to, _)| *to == place);
    let mut used = kept.is_some();
    loop {
        let mut connection = match kept.take() {
            Some((_, connection)) => connection,
            None => connect(courier, &target).await?,
        };
        let sent = courier
            .outbound
            .send(&mut connection, &target.path, headers.clone(), body.clone());
        match sent.await {
            Ok(answer) => {
                *kept = answer.whole.then_some((place, connection));
                return Ok((answer.status, shown(&answer, &secret)));
            }
            // The other end may close what is not used at any time.
            Err(silence) if used && silence.hung_up => used = false,
            Err(silence) => return Err(silence.why),
        }
    }
}

async fn connect(courier: &Courier, target: &Target) -> Result<Connection, String> {
    let place = Place {
        https: target.https,
        host: &target.host,
        port: target.port,
        authority: &target.authority,
    };
    let ctx = &*courier.ctx;
    courier
        .outbound
        .connect(&place, |address| may_connect(ctx, address))
        .await
}

fn headers(ctx: &Context, delivery: &Delivery, secret: &Secret) -> HeaderMap {
    let rules = &ctx.profile().webhooks;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    let mut put = |names: &[String], value: &str| {
        let Ok(value) = HeaderValue::from_str(value) else {
            return;
        };
        for name in names
            .iter()
            .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        {
            headers.insert(name, value.clone());
        }
    };
    put(&[USER_AGENT.to_string()], &rules.user_agent);
    put(
        &rules.signature_headers,
        &signature::header(secret, ctx.now(), &delivery.body),
    );
    put(&rules.id_headers, &delivery.id);
    put(&rules.attempt_id_headers, &random::uuid(&*ctx.random));
    put(&rules.event_headers, &delivery.kind);
    put(&rules.attempt_headers, &(delivery.attempted + 1).to_string());
    put(&rules.origin_headers, delivery.origin.as_str());
    headers
}

/// The beginning of what was answered, without what would break a page, and without the secret, should a receiver that
/// is being debugged say it.
fn shown(answer: &Answer, secret: &Secret) -> String {
    let text = String::from_utf8_lossy(&answer.body).replace(secret.expose(), "***");
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .take(400)
        .collect()
}
