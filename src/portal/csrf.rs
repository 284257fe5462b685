//! Forms are answered only where they were shown: in the same browser, on a page of ours.

use super::visit::Visit;
use crate::base::digest::{base64url, from_base64url};
use crate::base::master::Purpose;
use crate::web::request::Request;
use http::header::ORIGIN;

/// The name of the hidden field.
pub const FIELD: &str = "csrf";

/// A MAC of this browser's session (or, before sign-in, of its cookie) and the form.
pub fn token(visit: &Visit<'_>, form: &str) -> String {
    let digest = visit.ctx.secret.digest(Purpose::Csrf, &bound(visit, form));
    base64url(digest.as_bytes())
}

/// Whether a form was sent by our own page in this browser.
pub fn holds(visit: &Visit<'_>, form: &str, shown: &str) -> bool {
    let Some(shown) = from_base64url(shown) else {
        return false;
    };
    visit
        .ctx
        .secret
        .verify_short(Purpose::Csrf, &bound(visit, form), &shown)
        && !is_foreign(visit)
}

fn bound(visit: &Visit<'_>, form: &str) -> Vec<u8> {
    [visit.binding().as_bytes(), b"\0", form.as_bytes()].concat()
}

/// What the browser itself says of where the form stood. `Origin: null` is what our own pages send, since they have the
/// referrer policy `no-referrer`; whoever else sends it is told by `Sec-Fetch-Site` or by the token.
fn is_foreign(visit: &Visit<'_>) -> bool {
    let header = |request: &Request, name: &str| request.header(name).map(str::to_owned);
    let site = header(visit.request, "sec-fetch-site");
    let origin = header(visit.request, ORIGIN.as_str());
    let other_site = site.is_some_and(|site| site != "same-origin" && site != "none");
    let other_origin = origin.is_some_and(|origin| origin != "null" && origin != visit.ctx.issuer());
    other_site || other_origin
}
