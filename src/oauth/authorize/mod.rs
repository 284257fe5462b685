//! The authorization endpoint (RFC 6749 §3.1, OAuth 2.1 §4.1.1), without its pages: what a request asks, and what comes
//! of it.
//!
//! # The order of checks
//!
//! Until a redirect URI of the client's own is found, the user alone is told what is wrong ([`Refusal::Page`]): an
//! answer to anywhere else would make this server an open redirector (RFC 9700 §4.11.2).
//!
//! 1. The query is a well-formed form of at most 64 parameters.
//! 2. `client_id` stands once and names an app that is active, of an organization that is not disabled.
//! 3. `request_uri`, where there is one, is a live request of this very client; from here on only its parameters count
//!    (RFC 9126 §4).
//! 4. `redirect_uri` stands at most once and is registered; it may be left out where there is only one to mean.
//!
//! From here on the client is told ([`Refusal::Redirect`]), with `state` as it was sent and `iss`:
//!
//! 5. No known parameter stands twice; empty ones count as absent, unknown ones are ignored (OAuth 2.1 §3.1).
//! 6. `response_mode` is `query` or `form_post`; there is no `request` object.
//! 7. The app may use the authorization code grant, and has pushed the request if it must.
//! 8. `response_type` is `code`.
//! 9. What the profile requires is there; `state` is long enough.
//! 10. `code_challenge` is there where it must be, and S256 (RFC 7636).
//! 11. `scope` is within what the app registered; none means all of it.
//! 12. `resource` is one that this server issues for (RFC 8707); none means the first of the profile.
//! 13. `dpop_jkt` is a thumbprint (RFC 9449 §10).
//!     An installation sends one that it registered, and asks for all scopes of its platform.
//! 14. `prompt` and `max_age` are well-formed (OpenID Connect Core §3.1.2.1).
//!
//! What the user may grant is judged when the user does: [`approve`]. Whom to ask who may not: [`ask_admins`].

mod asking;
mod checks;
mod decision;
mod response;

pub use asking::{AdminsAsked, ask_admins};
pub use checks::{KNOWN, RESOURCE, Source, Wrong, judge};
pub use decision::{Approval, approve, deny, silently};
pub use response::{AuthorizationResponse, ResponseMode, ReturnAddress};

use super::error::{ErrorCode, OAuthError};
use super::params::Params;
use super::standing::is_answered_for;
use super::{posted, pushed};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::App;
use crate::model::failure::Rule;
use crate::model::pushed_request::PushedRequest;
use crate::store::keys;
use crate::store::records::Versioned;
use std::sync::Arc;
use std::time::Duration;

/// Longer than any client_id.
const CLIENT_ID_BYTES_MAX: usize = 128;

/// A request that may be shown to the user for a decision.
#[derive(Debug)]
pub struct AuthorizationRequest {
    pub app: Arc<Versioned<App>>,
    /// Where the answer goes.
    pub address: ReturnAddress,
    pub asked: Asked,
    /// Used up by the decision, not by looking at the page.
    pushed: Option<Versioned<PushedRequest>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    pub scopes: Vec<String>,
    /// The audience of the tokens.
    pub resource: String,
    pub challenge: Option<String>,
    /// The key the code is bound to (RFC 9449 §10).
    pub jkt: Option<String>,
    pub prompt: Prompt,
    pub max_age: Option<Duration>,
    pub login_hint: Option<String>,
    /// As sent: language tags in order of preference, separated by spaces.
    pub ui_locales: Option<String>,
}

/// OpenID Connect Core §3.1.2.1. `none` excludes the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Prompt {
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
}

/// The `prompt_values_supported`.
pub const PROMPTS: [&str; 4] = ["none", "login", "consent", "select_account"];

impl AuthorizationRequest {
    /// Whether a sign-in of that time is recent enough for `max_age`. For `prompt=login` none is but one made for this
    /// very request, which the session knows.
    pub fn recent_enough(&self, signed_in_at: Timestamp, now: Timestamp) -> bool {
        self.asked.max_age.is_none_or(|age| now.since(signed_in_at) <= age)
    }

    /// An answer without a decision, such as `login_required`.
    pub fn refuse(&self, ctx: &Context, code: ErrorCode, description: &'static str) -> AuthorizationResponse {
        self.address.error(ctx, &OAuthError::new(code, description))
    }
}

#[derive(Debug)]
pub enum Refusal {
    /// For the user's eyes only: never redirected. The description is a plain sentence.
    Page(OAuthError),
    Redirect(AuthorizationResponse),
}

impl<E: Into<OAuthError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Page(error.into())
    }
}

/// What the query of the endpoint asks. Changes nothing: a page may be loaded again.
pub async fn read(ctx: &Context, query: &str, now: Timestamp) -> Result<AuthorizationRequest, Refusal> {
    // 1. to 3.
    let sent = Params::parse(query.as_bytes())?;
    let app = client(ctx, &sent).await?;
    let (form, pushed) = sent_ahead(ctx, &app, &sent, now).await?;
    let params = match &form {
        Some(form) => Params::parse(form.as_bytes())?,
        None => sent,
    };
    let source = if pushed.is_some() {
        Source::Pushed
    } else {
        Source::Browser
    };
    // 4. to 14.
    match judge(ctx, &app, &params, source) {
        Ok(mut request) => {
            // A proof that came with the pushed request binds as dpop_jkt does; both were found equal (RFC 9449 §10.1).
            let proven = pushed.as_ref().and_then(|pushed| pushed.jkt.clone());
            request.asked.jkt = proven.or(request.asked.jkt);
            request.pushed = pushed;
            Ok(request)
        }
        Err(wrong) => Err(match wrong.address {
            Some(address) => Refusal::Redirect(address.error(ctx, &wrong.error)),
            None => Refusal::Page(wrong.error),
        }),
    }
}

async fn client(ctx: &Context, params: &Params<'_>) -> Result<Arc<Versioned<App>>, Refusal> {
    let Some(client_id) = params.get("client_id")? else {
        return Err(OAuthError::invalid_request(
            "The request does not say which app it is from: client_id is missing.",
        )
        .into());
    };
    // One sentence for all: whoever guesses at client_ids learns nothing of what is disabled or under review.
    let refused = |cause: &str| {
        let what = "The app that sent you here is not known or not active. Please tell its developer.";
        Refusal::Page(
            OAuthError::invalid_request(what)
                .because(cause)
                .breaking(Rule::AppInactive),
        )
    };
    if client_id.len() > CLIENT_ID_BYTES_MAX || !client_id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(refused("the client_id is not shaped like any of ours"));
    }
    let Some(app) = ctx.load::<App>(&keys::app(client_id)).await? else {
        return Err(refused("there is no such app"));
    };
    if !app.usable() {
        return Err(refused(&format!("{client_id} is not active")));
    }
    if !is_answered_for(ctx, &app).await? {
        return Err(refused(&format!(
            "the organization or platform of {client_id} is disabled or unknown"
        )));
    }
    Ok(app)
}

/// The form that `request_uri` names: pushed by the client, or posted by the browser a moment ago.
async fn sent_ahead(
    ctx: &Context,
    app: &App,
    params: &Params<'_>,
    now: Timestamp,
) -> Result<(Option<String>, Option<Versioned<PushedRequest>>), Refusal> {
    let Some(request_uri) = params.get("request_uri")? else {
        return Ok((None, None));
    };
    let gone = |cause: &str| {
        let what = "This request has expired or was answered already. Go back to the app and start again.";
        Refusal::Page(OAuthError::new(ErrorCode::InvalidRequestUri, what).because(cause))
    };
    if request_uri.starts_with(posted::PREFIX) {
        let form = posted::find(ctx, request_uri, now).ok_or_else(|| gone("no such posted request"))?;
        let same = Params::parse(form.as_bytes())?.get("client_id")? == Some(&app.client_id);
        return if same {
            Ok((Some(form), None))
        } else {
            Err(gone("posted for another client"))
        };
    }
    let Some(pushed) = pushed::find(ctx, request_uri, now).await? else {
        return Err(gone("no such pushed request"));
    };
    // RFC 9126 §2.2: bound to the client that pushed it.
    if pushed.client_id != app.client_id {
        return Err(gone("pushed by another client"));
    }
    Ok((Some(pushed.form.clone()), Some(pushed)))
}
