//! Authorization requests that came by POST (RFC 6749 §3.1): kept in memory until the browser asks for the page.
//!
//! Behind the redirect the page can be loaded again, and the parameters stand neither in its address nor in a history.
//! They are the browser's own: nobody has authenticated, so such a request never counts as pushed. Whoever floods the
//! memory pushes the oldest out and their users start again; a client that cannot have that pushes (RFC 9126).

use super::authorize::{KNOWN, RESOURCE};
use super::error::OAuthError;
use super::params::Params;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::pushed_request::FORM_BYTES_MAX;

/// Another name space than that of RFC 9126.
pub const PREFIX: &str = "urn:grantd:posted:";

/// The query of the GET that stands for this POST.
pub fn keep(ctx: &Context, params: &Params<'_>) -> Result<String, OAuthError> {
    let client_id = params.get("client_id")?;
    // What was pushed is named, not kept once more.
    if let Some(request_uri) = params.get("request_uri")? {
        return Ok(query(client_id, request_uri));
    }
    let form = params.encode(|name| KNOWN.contains(&name) || name == RESOURCE);
    if form.len() > FORM_BYTES_MAX {
        return Err(OAuthError::invalid_request("The authorization request is too long."));
    }
    let expires_at = ctx.now() + ctx.profile().lifetimes.pushed_request;
    let name = ctx.posted.put(form, expires_at, &*ctx.random);
    Ok(query(client_id, &format!("{PREFIX}{name}")))
}

pub fn find(ctx: &Context, request_uri: &str, now: Timestamp) -> Option<String> {
    ctx.posted.get(request_uri.strip_prefix(PREFIX)?, now)
}

fn query(client_id: Option<&str>, request_uri: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(client_id) = client_id {
        query.append_pair("client_id", client_id);
    }
    query.append_pair("request_uri", request_uri).finish()
}
