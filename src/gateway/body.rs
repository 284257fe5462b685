//! Bodies on their way through: bounded, and never more of them in memory than one side takes from the other.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep, timeout};

use crate::base::time::Stopwatch;
pub use crate::web::response::BodyStream;

/// As much as one reading of an upstream's connection may hold.
const AT_HAND_BYTES_MAX: u64 = 64 * 1024;

type BoxError = Box<dyn Error + Send + Sync>;

/// Why a body was broken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cut {
    Not = 0,
    TooLarge = 1,
    Slow = 2,
    /// The client sent what is no body, or went away.
    Broken = 3,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Not => "it goes on",
            Self::TooLarge => "the body is too large",
            Self::Slow => "the body stalled",
            Self::Broken => "the body is malformed or incomplete",
        })
    }
}

impl Error for Cut {}

/// Says how a body ended, to whoever sent it on.
#[derive(Clone)]
pub struct Outcome(Arc<Ended>);

struct Ended {
    cut: AtomicU8,
    over: watch::Sender<bool>,
    /// How often somebody asked for the next part, and whether the client owes it.
    asked: AtomicU64,
    owed: AtomicBool,
}

impl Outcome {
    fn new() -> Self {
        Self(Arc::new(Ended {
            cut: AtomicU8::new(Cut::Not as u8),
            over: watch::Sender::new(false),
            asked: AtomicU64::new(0),
            owed: AtomicBool::new(false),
        }))
    }

    /// Returns once nothing more of the body will come.
    pub async fn over(&self) {
        // The sender is held by `self`, so waiting cannot fail.
        let _ = self.0.over.subscribe().wait_for(|over| *over).await;
    }

    /// Returns once nobody has asked for more of the body for so long though there is more, or so long after its end:
    /// then whoever it is sent to is late, and not the client.
    pub async fn unasked(&self, span: Duration) {
        loop {
            let before = self.0.asked.load(Ordering::Relaxed);
            let over = timeout(span, self.over()).await.is_ok();
            if over {
                return sleep(span).await; // allowed: nothing else tells that no answer comes
            }
            if before == self.0.asked.load(Ordering::Relaxed) && !self.0.owed.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    pub fn cut(&self) -> Cut {
        match self.0.cut.load(Ordering::Relaxed) {
            1 => Cut::TooLarge,
            2 => Cut::Slow,
            3 => Cut::Broken,
            _ => Cut::Not,
        }
    }
}

pub fn whole(bytes: Bytes) -> BodyStream {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// What has to come before a client is given as long again: byte by byte it would have its place for ever.
const PROGRESS_BYTES: u64 = 1024;

/// At most so many bytes; `idle`: the longest wait for [`PROGRESS_BYTES`] more, or for the end.
pub fn of_request(body: Incoming, bytes_max: u64, idle: Duration) -> (BodyStream, Outcome) {
    bounded(body, bytes_max, idle, true)
}

/// What of an answer of known and moderate length is here already: most answers came in one piece with their head.
/// Nothing has been sent of it yet, so its break can still be told.
pub async fn at_hand(body: &mut Incoming) -> Result<Bytes, hyper::Error> {
    let small = body.size_hint().exact().is_some_and(|bytes| bytes <= AT_HAND_BYTES_MAX);
    if !small {
        return Ok(Bytes::new());
    }
    poll_fn(|context| {
        Poll::Ready(match Pin::new(&mut *body).poll_frame(context) {
            Poll::Ready(Some(frame)) => frame.map(|frame| frame.into_data().unwrap_or_default()),
            _ => Ok(Bytes::new()),
        })
    })
    .await
}

/// However long; `idle`: the longest wait for the next part.
pub fn of_answer(body: Incoming, idle: Duration) -> BodyStream {
    bounded(body, u64::MAX, idle, false).0
}

fn bounded(body: Incoming, bytes_max: u64, idle: Duration, is_request: bool) -> (BodyStream, Outcome) {
    let outcome = Outcome::new();
    let bounded = Bounded {
        body,
        left: bytes_max,
        idle,
        patience: idle,
        came: 0,
        is_request,
        waiting: None,
        outcome: outcome.clone(),
    };
    (bounded.boxed_unsync(), outcome)
}

struct Bounded {
    body: Incoming,
    left: u64,
    idle: Duration,
    /// What is left of it, and what came since all of it was there.
    patience: Duration,
    came: u64,
    is_request: bool,
    /// While a part is waited for.
    waiting: Option<Waiting>,
    outcome: Outcome,
}

struct Waiting {
    since: Stopwatch,
    deadline: Pin<Box<Sleep>>,
}

impl Waiting {
    fn at_most(span: Duration) -> Self {
        Self {
            since: Stopwatch::start(),
            deadline: Box::pin(sleep(span)), // allowed: nothing else tells that no part comes
        }
    }
}

impl Bounded {
    fn cut(&self, why: Cut) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.outcome.0.cut.store(why as u8, Ordering::Relaxed);
        Poll::Ready(Some(Err(Box::new(why))))
    }

    /// So much of a request came. Only the time in which it was waited for counts: an upstream may take it slowly.
    fn progressed(&mut self, length: u64) {
        if let Some(waiting) = self.waiting.take() {
            self.patience = self.patience.saturating_sub(waiting.since.elapsed());
        }
        self.came = self.came.saturating_add(length);
        if self.came >= PROGRESS_BYTES || !self.is_request {
            (self.came, self.patience) = (0, self.idle);
        }
    }
}

impl Drop for Bounded {
    /// Whoever sends it on lets go of it at its end, or where it goes no further.
    fn drop(&mut self) {
        self.outcome.0.over.send_replace(true);
    }
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.outcome.0.asked.fetch_add(1, Ordering::Relaxed);
        let frame = match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                self.outcome.0.owed.store(true, Ordering::Relaxed);
                let patience = self.patience;
                let waiting = self.waiting.get_or_insert_with(|| Waiting::at_most(patience));
                ready!(waiting.deadline.as_mut().poll(context));
                return self.cut(Cut::Slow);
            }
        };
        let length = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            _ => 0,
        };
        self.progressed(length);
        self.outcome.0.owed.store(false, Ordering::Relaxed);
        match frame {
            // What stands behind a body would go past the rules for headers.
            Some(Ok(frame)) if frame.is_trailers() && self.is_request => Poll::Ready(None),
            Some(Ok(frame)) => {
                match self.left.checked_sub(length) {
                    Some(left) => self.left = left,
                    None => return self.cut(Cut::TooLarge),
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(_)) => self.cut(Cut::Broken),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
