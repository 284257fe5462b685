//! The id of the request a task works for: what is logged meanwhile bears it, wherever it is logged.

use http::HeaderValue;
use std::future::Future;

tokio::task_local! {
    static CURRENT: HeaderValue;
}

/// Does the work for the request of this id.
pub(super) async fn during<F: Future>(id: HeaderValue, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// `None` where no request is worked for.
pub fn current() -> Option<String> {
    CURRENT
        .try_with(|id| id.to_str().ok().map(str::to_owned))
        .ok()
        .flatten()
}
