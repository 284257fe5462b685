//! A panic ends one request, never the server, and its text reaches no log that might then hold a secret.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Makes every panic one log line with its place in the source. For `main`, before anything can panic.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        log::error!("panic at {place}: {}", literal(info.payload()));
    }));
}

/// The message where it was written out in the source; one put together at run time may quote a secret
/// (`unwrap` prints the whole error).
fn literal(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .unwrap_or(&"(message withheld: it was put together at run time)")
}

/// What the future gives, or `None` when it panicked.
pub(super) async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    // The future is dropped and never looked at again after a panic, so nothing half-done is seen through it.
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_payload) => Poll::Ready(None),
        },
    )
    .await
}
