//! Bodies on their way through: bounded, and never more of them in memory than one side takes from the other.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

pub use crate::web::response::BodyStream;

type BoxError = Box<dyn Error + Send + Sync>;

/// Why a body was broken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cut {
    Not = 0,
    TooLarge = 1,
    Slow = 2,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Not => "it goes on",
            Self::TooLarge => "the body is too large",
            Self::Slow => "the body stalled",
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
}

impl Outcome {
    fn new(over: bool) -> Self {
        Self(Arc::new(Ended {
            cut: AtomicU8::new(Cut::Not as u8),
            over: watch::Sender::new(over),
        }))
    }

    /// Of a body that needs no waiting for.
    pub fn already_over() -> Self {
        Self::new(true)
    }

    /// Returns once nothing more of the body will come.
    pub async fn over(&self) {
        // The sender is held by `self`, so waiting cannot fail.
        let _ = self.0.over.subscribe().wait_for(|over| *over).await;
    }

    pub fn cut(&self) -> Cut {
        match self.0.cut.load(Ordering::Relaxed) {
            1 => Cut::TooLarge,
            2 => Cut::Slow,
            _ => Cut::Not,
        }
    }
}

pub fn none() -> BodyStream {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub fn whole(bytes: Bytes) -> BodyStream {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// At most so many bytes; `idle`: the longest wait for the next part.
pub fn bounded(body: Incoming, bytes_max: u64, idle: Duration) -> (BodyStream, Outcome) {
    let outcome = Outcome::new(false);
    let bounded = Bounded {
        body,
        left: bytes_max,
        idle,
        deadline: None,
        outcome: outcome.clone(),
    };
    (bounded.boxed_unsync(), outcome)
}

struct Bounded {
    body: Incoming,
    left: u64,
    idle: Duration,
    /// Runs while a part is waited for.
    deadline: Option<Pin<Box<Sleep>>>,
    outcome: Outcome,
}

impl Bounded {
    fn cut(&self, why: Cut) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.outcome.0.cut.store(why as u8, Ordering::Relaxed);
        Poll::Ready(Some(Err(Box::new(why))))
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
        let frame = match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let idle = self.idle;
                let made = || Box::pin(sleep(idle)); // allowed: nothing else tells that no part comes
                let deadline = self.deadline.get_or_insert_with(made);
                ready!(deadline.as_mut().poll(context));
                return self.cut(Cut::Slow);
            }
        };
        self.deadline = None;
        match frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                match self.left.checked_sub(length) {
                    Some(left) => self.left = left,
                    None => return self.cut(Cut::TooLarge),
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error.into()))),
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
