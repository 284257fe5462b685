//! The body of an answer on its way to a client: it holds its place, ends with the credential it was asked with, and
//! with the client's interest in it.

use super::body::BodyStream;
use super::guard::Admitted;
use super::places::Place;
use crate::context::Context;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

type BoxError = Box<dyn Error + Send + Sync>;

/// What the server holds. A client that asks for no more of it never has it polled, so somebody else looks after it.
struct Held {
    shared: Arc<Shared>,
    watch: AbortHandle,
}

struct Shared {
    /// `None`: it was broken off.
    inner: Mutex<Option<Inner>>,
    /// How often somebody asked for the next part, and whether it was the upstream that owed it.
    asked: AtomicU64,
    owed: AtomicBool,
}

struct Inner {
    /// What came before the rest.
    first: Bytes,
    body: BodyStream,
    /// Returns once the credential has ended; made when the body first has to be waited for, which most never have.
    ends: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    judged: Option<(Arc<Context>, Admitted)>,
    _place: Place,
}

/// `first` and then `body`.
pub fn hold(ctx: &Arc<Context>, first: Bytes, body: BodyStream, (admitted, place): (Admitted, Place)) -> BodyStream {
    let stall_max = Duration::from_millis(ctx.config.limits.write_stall_ms_max);
    let idle_max = admitted.found.route.time_max;
    let shared = Arc::new(Shared {
        inner: Mutex::new(Some(Inner {
            first,
            body,
            ends: None,
            judged: Some((Arc::clone(ctx), admitted)),
            _place: place,
        })),
        asked: AtomicU64::new(0),
        owed: AtomicBool::new(false),
    });
    let watched = Arc::clone(&shared);
    let watch = tokio::spawn(async move { watched.give_up(stall_max, idle_max).await }).abort_handle();
    Held { shared, watch }.boxed_unsync()
}

/// Returns once the credential has ended: it is judged anew every `tunnel_max`.
pub async fn credential_ends(ctx: &Context, admitted: &Admitted) {
    let every = Duration::from_millis(ctx.config.limits.tunnel_ms_max);
    let mut turn = interval(every);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first comes at once, and it was judged just now.
    turn.tick().await;
    loop {
        turn.tick().await;
        if !admitted.still_stands(ctx).await {
            return;
        }
    }
}

impl Shared {
    /// Lets go of the upstream and the place of a body whose client has taken nothing of it for so long: HTTP/2 lets it
    /// keep one window shut, and the rest of its connection alive. An upstream that owes the next part breaks off or is
    /// given up within `idle_max`, and that would be asked for.
    async fn give_up(&self, stall_max: Duration, idle_max: Duration) {
        let (mut asked, mut unasked) = (0, Duration::ZERO);
        loop {
            sleep(stall_max).await; // allowed: nothing else tells that a client asks for no more
            let now_asked = self.asked.load(Ordering::Relaxed);
            if now_asked != asked {
                (asked, unasked) = (now_asked, Duration::ZERO);
                continue;
            }
            unasked += stall_max;
            if !self.owed.load(Ordering::Relaxed) || unasked > idle_max {
                log::info!("an answer was broken off that its client did not take");
                self.inner().take();
                return;
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Option<Inner>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn poll(&mut self, context: &mut task::Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(ends) = &mut self.ends
            && ends.as_mut().poll(context).is_ready()
        {
            log::info!("an answer was broken off with its credential");
            return Poll::Ready(Some(Err("the credential has ended".into())));
        }
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending()
            && let Some((ctx, admitted)) = self.judged.take()
        {
            let mut ends: Pin<Box<dyn Future<Output = ()> + Send>> =
                Box::pin(async move { credential_ends(&ctx, &admitted).await });
            // Polled once, so that its timer wakes whoever waits.
            if ends.as_mut().poll(context).is_pending() {
                self.ends = Some(ends);
            }
        }
        polled
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.shared.asked.fetch_add(1, Ordering::Relaxed);
        let polled = match &mut *self.shared.inner() {
            Some(inner) => inner.poll(context),
            None => Poll::Ready(Some(Err("the client took too little of it".into()))),
        };
        self.shared.owed.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }

    fn is_end_stream(&self) -> bool {
        let inner = self.shared.inner();
        inner
            .as_ref()
            .is_some_and(|inner| inner.first.is_empty() && inner.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &*self.shared.inner() {
            Some(inner) => {
                let first = inner.first.len() as u64;
                let rest = inner.body.size_hint();
                match rest.exact() {
                    Some(rest) => SizeHint::with_exact(rest.saturating_add(first)),
                    None => SizeHint::default(),
                }
            }
            None => SizeHint::default(),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.watch.abort();
        self.shared.inner().take();
    }
}
