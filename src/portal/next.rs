//! Where a page leads afterwards: never to another site (CVE-2024-39694).

use crate::context::Context;
use percent_encoding::{CONTROLS, utf8_percent_encode};
use std::borrow::Cow;
use url::Url;

const BYTES_MAX: usize = 16 * 1024;
pub const AUTHORIZE: &str = "/oauth/authorize";

/// `next` where it is a path of this server, and browsers read it as one too: `//host` and `/\host` are other hosts to
/// them, and they drop tabs and line ends before they look.
pub fn local<'a>(ctx: &Context, next: &'a str) -> Option<&'a str> {
    let plain = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= BYTES_MAX
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let base = Url::parse(ctx.issuer()).ok()?;
    let stays = base.join(next).is_ok_and(|url| url.origin() == base.origin());
    (plain && stays).then_some(next)
}

/// A query as it may stand in `Location` and in a hidden field: what is not ASCII in it becomes percent-encoded.
pub fn ascii(query: &str) -> Cow<'_, str> {
    utf8_percent_encode(query, CONTROLS).into()
}

/// The query of an authorization request, where `next` is one.
pub fn query_of_authorization(next: &str) -> Option<&str> {
    next.strip_prefix(AUTHORIZE)?.strip_prefix('?')
}
