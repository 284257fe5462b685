//! What is due at one endpoint, sent in the order in which it became due.

use super::Courier;
use crate::base::random;
use crate::base::secret::Secret;
use crate::base::time::{Stopwatch, Timestamp};
use crate::context::Context;
use crate::model::delivery::{Attempted, Delivery};
use crate::model::endpoint::Standing;
use crate::platform::webhooks::address::{Target, may_connect, target};
use crate::platform::webhooks::destination::{self, Destination};
use crate::platform::webhooks::{line, outcome, signature};
use crate::store::records::list_by_index;
use crate::store::{StoreError, keys};
use crate::web::outbound::{Answer, Connection, Place};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// Read of a queue at once.
const PAGE: u32 = 16;
const LOOSE_PAGE: u32 = 64;

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
        missed: false,
        page: PAGE,
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
    /// What was sent last was not taken.
    missed: bool,
    /// Read of the queue at once.
    page: u32,
}

impl Lane<'_> {
    async fn run(&mut self, id: &str) -> Result<Next, StoreError> {
        let ctx = &*self.courier.ctx;
        let prefix = keys::waiting_deliveries(id);
        loop {
            let (waiting, _) = list_by_index::<Delivery>(&*ctx.store, &prefix, None, self.page).await?;
            let Some(first) = waiting.first() else {
                return Ok(Next::Nothing);
            };
            let destination = destination::of(ctx, first).await?;
            match destination.as_ref().map(|destination| destination.standing) {
                None | Some(Standing::Disabled) => {
                    outcome::drop_waiting(ctx, &waiting, destination.is_some()).await?;
                    continue;
                }
                Some(standing) if standing.is_paused() => return Ok(Next::Stopped),
                Some(_) => {}
            }
            let failing = destination.as_ref().is_some_and(|destination| destination.failing);
            if destination.is_some_and(|destination| destination.in_order) {
                match self.step_in_order(id, failing).await? {
                    Some(next) => return Ok(next),
                    None => continue,
                }
            }
            self.page = PAGE;
            if first.in_line {
                line::leave(ctx, &waiting).await?;
                continue;
            }
            let next = first.next_attempt_at;
            let due = waiting.iter().filter(|delivery| delivery.next_attempt_at <= ctx.now());
            let due: Vec<&Delivery> = due.map(|delivery| &delivery.value).collect();
            let failing = self.missed || failing || waiting.iter().any(|delivery| delivery.is_missing());
            let [one, two] = &mut self.connections;
            match due[..] {
                [] => return Ok(Next::At(next)),
                [first, second, ..] if !failing => {
                    let both = (
                        attempt(self.courier, first, failing, one),
                        attempt(self.courier, second, failing, two),
                    );
                    let (first, second) = tokio::join!(both.0, both.1);
                    self.sent += 2;
                    self.missed = !(first? && second?);
                }
                [first, ..] => {
                    self.sent += 1;
                    self.missed = !attempt(self.courier, first, failing, one).await?;
                }
            }
        }
    }
}

impl Lane<'_> {
    /// Of an endpoint that wants order: one delivery, or what has to come before it. `None`: there may be more.
    async fn step_in_order(&mut self, id: &str, failing: bool) -> Result<Option<Next>, StoreError> {
        let ctx = &*self.courier.ctx;
        self.page = 1;
        let prefix = keys::waiting_deliveries(id);
        // 1. What waits from before there was an order gets into line. Tests have no place in it, and are fewer than
        //    are read.
        let behind = keys::behind_line(id);
        let (loose, _) = list_by_index::<Delivery>(&*ctx.store, &prefix, Some(&behind), LOOSE_PAGE).await?;
        if line::enter(ctx, &loose).await? {
            return Ok(None);
        }
        let test = loose.first().filter(|test| test.next_attempt_at <= ctx.now());
        let mut next = loose.first().map(|test| test.next_attempt_at);
        // 2. The outbox is looked at before the line: what was written before the head and has yet to be told goes
        //    first. Of one commit with it, too: whoever tells of both gives them their order.
        let untold = line::first_untold(ctx).await?;
        let (line, _) = list_by_index::<Delivery>(&*ctx.store, &prefix, None, 1).await?;
        let head = line.first().filter(|head| head.in_line);
        let is_told = head.is_some_and(|head| untold.is_none_or(|untold| untold > head.written));
        if let Some(head) = head {
            let at = if is_told { head.next_attempt_at } else { ctx.now() };
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        let head = head.filter(|head| is_told && head.next_attempt_at <= ctx.now());
        // 3. One of the two; a head that fails holds back the rest of the line.
        let Some(delivery) = test.or(head) else {
            return Ok(Some(next.map_or(Next::Nothing, Next::At)));
        };
        self.sent += 1;
        let [connection, _] = &mut self.connections;
        let failing = failing || self.missed;
        self.missed = !attempt(self.courier, delivery, failing, connection).await?;
        Ok(None)
    }
}

/// A connection that may be used again, and whether by https and to which authority it leads.
type Kept = ((bool, String), Connection);

/// Sends one delivery and writes down what came of it: whether it was taken, if it was sent.
/// A crash between the two sends it once more.
async fn attempt(
    courier: &Courier,
    delivery: &Delivery,
    failing: bool,
    connection: &mut Option<Kept>,
) -> Result<bool, StoreError> {
    let ctx = &*courier.ctx;
    let slot = courier.slots(failing).acquire().await;
    // As it is now: a secret, an address or a switch may be another one since it began to wait.
    let destination = destination::of(ctx, delivery).await?;
    let Some(destination) = destination.filter(|to| to.standing == Standing::Enabled) else {
        return Ok(true);
    };
    let (at, watch) = (ctx.now(), Stopwatch::start());
    let result = sent(courier, &destination, delivery, connection).await;
    drop(slot);
    if result.is_err() {
        *connection = None;
    }
    let attempted = Attempted {
        at,
        took_ms: u32::try_from(watch.elapsed().as_millis()).unwrap_or(u32::MAX),
        result,
    };
    outcome::record(ctx, delivery, &attempted).await?;
    Ok(attempted.delivered())
}

async fn sent(
    courier: &Courier,
    destination: &Destination,
    delivery: &Delivery,
    kept: &mut Option<Kept>,
) -> Result<(u16, String), String> {
    let ctx = &*courier.ctx;
    let target = target(ctx, &destination.url)?;
    let secret = destination.secret.as_ref();
    let secret = secret.ok_or("The secret cannot be read any more: rotate it.")?;
    let attempt_id = random::uuid(&*ctx.random);
    let body = delivery.body_of(&attempt_id);
    let headers = headers(ctx, delivery, (&attempt_id, &body), secret);
    let body = Bytes::from(body);
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
                return Ok((answer.status, shown(&answer, secret)));
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

fn headers(ctx: &Context, delivery: &Delivery, (attempt_id, body): (&str, &str), secret: &Secret) -> HeaderMap {
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
    put(&rules.signature_headers, &signature::header(secret, ctx.now(), body));
    put(&rules.id_headers, delivery.repeats_as());
    put(&rules.attempt_id_headers, attempt_id);
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
