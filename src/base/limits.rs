//! Every limit of the server in one place. Units stand last in the names; the configuration overrides each one.

use super::limiter::FailureLimits;
use super::throttle::ThrottleLimits;

/// What one client may cost. The defaults suit a machine of one core and 512 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections, all listeners together (4096). When full, the ones that have waited longest without a
    /// request in hand are closed for newcomers.
    pub connections_max: usize,
    /// Open connections of one IPv4 address or one IPv6 /64 on https listeners (256). A plain listener's only peer
    /// is the proxy in front, so it has no such limit.
    pub connections_per_peer_max: usize,
    /// Requests being read or answered at once (1024); above it 503 with Retry-After.
    pub requests_in_flight_max: usize,
    /// From accept to the end of the TLS handshake (10 s).
    pub handshake_ms_max: u64,
    /// From the first byte of a request to the end of its header section (10 s). A new connection starts it at once.
    pub headers_ms_max: u64,
    /// From the end of the header section to the end of the body (10 s); then 408.
    pub body_ms_max: u64,
    /// A kept-alive connection without a request (60 s).
    pub idle_ms_max: u64,
    /// An answer of which the client takes not one byte (30 s).
    pub write_stall_ms_max: u64,
    /// How long a tunnel (WebSocket) goes on before its credential is judged again (10 s).
    pub tunnel_ms_max: u64,
    /// How long a drain waits for requests in flight (30 s); then they are cut off.
    pub drain_ms_max: u64,
    /// The request target (8 KiB); then 414.
    pub uri_bytes_max: usize,
    /// Header fields of one request (64, at most 100: hyper's own bound, which needs no allocation); then 431.
    pub header_fields_max: usize,
    /// Names and values of all header fields of one request (16 KiB); then 431.
    pub headers_bytes_max: usize,
    /// The body of a request to a route that takes one (64 KiB); then 413. The others read none.
    pub body_bytes_max: usize,
    /// What is read and thrown away of a body that is too large, so that the client gets to see the 413 instead of
    /// a reset connection (256 KiB).
    pub discard_bytes_max: usize,
    /// Concurrent streams of one HTTP/2 connection (100).
    pub http2_streams_max: u32,
    /// Streams the client opened and reset before they were looked at (20): rapid reset, CVE-2023-44487.
    pub http2_reset_streams_max: usize,
    /// Pause between HTTP/2 pings (20 s).
    pub http2_ping_every_ms: u64,
    /// An HTTP/2 ping without an answer (10 s).
    pub http2_ping_ms_max: u64,
    /// Failed credentials; then 429.
    pub failures: FailureLimits,
    /// Authorization requests that public clients push, which nobody authenticated; then 429.
    pub pushes: ThrottleLimits,
    /// Of native apps, by address and by the origin of the site.
    pub registrations: ThrottleLimits,
}

/// One place of so many is kept for requests that end something.
const REVOCATIONS_EACH: usize = 16;

impl Limits {
    /// Of [`Self::requests_in_flight_max`], those that only revocations take.
    pub fn revocations_reserved(&self) -> usize {
        self.requests_in_flight_max / REVOCATIONS_EACH
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            connections_per_peer_max: 256,
            requests_in_flight_max: 1024,
            handshake_ms_max: 10_000,
            headers_ms_max: 10_000,
            body_ms_max: 10_000,
            idle_ms_max: 60_000,
            write_stall_ms_max: 30_000,
            tunnel_ms_max: 10_000,
            drain_ms_max: 30_000,
            uri_bytes_max: 8 * 1024,
            header_fields_max: 64,
            headers_bytes_max: 16 * 1024,
            body_bytes_max: 64 * 1024,
            discard_bytes_max: 256 * 1024,
            http2_streams_max: 100,
            http2_reset_streams_max: 20,
            http2_ping_every_ms: 20_000,
            http2_ping_ms_max: 10_000,
            failures: FailureLimits::default(),
            pushes: ThrottleLimits::default(),
            registrations: ThrottleLimits::of_registrations(),
        }
    }
}
