//! How HTTP/1.1 and HTTP/2 are spoken: hyper's settings, and why each is what it is.

use crate::base::limits::Limits;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

/// The protocol settings, made once from the limits.
pub(super) struct Protocols {
    pub http1: hyper::server::conn::http1::Builder,
    pub http2: hyper::server::conn::http2::Builder<TokioExecutor>,
}

/// One HTTP/1.1 buffer; hyper's own maximum is six times as much.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
const HTTP2_FRAME_BYTES_MAX: u32 = 16 * 1024;
const HTTP2_STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

impl Protocols {
    pub fn new(limits: &Limits) -> Self {
        // Header sections past the limits are refused in `exchange` with an explanation. hyper's own maximum, twice as
        // high, keeps the buffer small and answers with the bare status.
        let head_bytes_max = (limits.headers_bytes_max + limits.uri_bytes_max) * 2;
        let mut http1 = hyper::server::conn::http1::Builder::new();
        http1
            // Time limits are kept by `connections`: hyper would set up a timer for every single request.
            .header_read_timeout(None)
            // A client that has sent its request may close its side and still reads the answer.
            .half_close(true)
            .max_header_size(head_bytes_max)
            .max_buf_size(BUFFER_BYTES_MAX.max(head_bytes_max));
        let mut http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http2
            // Without a timer the pings below would never be sent.
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_millis(limits.http2_ping_every_ms))
            .keep_alive_timeout(Duration::from_millis(limits.http2_ping_ms_max))
            .max_concurrent_streams(limits.http2_streams_max)
            .max_pending_accept_reset_streams(limits.http2_reset_streams_max)
            .max_header_list_size(u32::try_from(limits.headers_bytes_max).unwrap_or(u32::MAX))
            .max_frame_size(HTTP2_FRAME_BYTES_MAX)
            .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
            .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(BUFFER_BYTES_MAX);
        Self { http1, http2 }
    }
}
