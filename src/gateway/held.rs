//! The body of an answer on its way to a client: it holds its place, and ends with the credential it was asked with.

use super::body::BodyStream;
use super::guard::Admitted;
use super::places::Place;
use crate::context::Context;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

type BoxError = Box<dyn Error + Send + Sync>;

struct Held {
    body: BodyStream,
    /// Returns once the credential has ended; made when the body first has to be waited for, which most never have.
    ends: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    judged: Option<(Arc<Context>, Admitted)>,
    _place: Place,
}

pub fn hold(ctx: &Arc<Context>, body: BodyStream, admitted: Admitted, place: Place) -> BodyStream {
    let held = Held {
        body,
        ends: None,
        judged: Some((Arc::clone(ctx), admitted)),
        _place: place,
    };
    held.boxed_unsync()
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

impl Body for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(ends) = &mut self.ends
            && ends.as_mut().poll(context).is_ready()
        {
            log::info!("an answer was broken off with its credential");
            return Poll::Ready(Some(Err("the credential has ended".into())));
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

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
