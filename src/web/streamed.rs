//! The body of an answer that is passed on frame by frame: never more of it in memory than the client takes.

use super::response::BodyStream;
use super::ticket::Slot;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Holds the request's place among those in flight until the last frame, and tells it whom the answer waits for: a
/// client that takes none of it is cut off like any other that stalls.
pub(super) struct Streamed {
    stream: BodyStream,
    slot: Slot,
}

impl Streamed {
    pub fn new(stream: BodyStream, slot: Slot) -> Self {
        Self { stream, slot }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.slot.asked();
        let polled = Pin::new(&mut self.stream).poll_frame(context);
        if matches!(polled, Poll::Ready(Some(Ok(_)))) {
            self.slot.gave();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}
