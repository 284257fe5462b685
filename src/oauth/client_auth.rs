//! Who is asking: client authentication at every endpoint that has it (RFC 6749 §2.3, OAuth 2.1 §2.4).

use super::client_assertion;
use super::error::{ErrorCode, OAuthError};
use super::params::{Params, decode};
use super::standing::is_answered_for;
use super::{last_use, used_once};
use crate::base::master::Purpose;
use crate::base::secret::Secret;
use crate::context::Context;
use crate::model::app::{App, AuthMethod, ClientType};
use crate::model::counts::Limit;
use crate::model::failure::Rule;
use crate::model::last_use::SECRET;
use crate::model::used_once::UsedOnce;
use crate::store::keys;
use crate::store::records::Versioned;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use std::sync::Arc;

const CLIENT_ID_BYTES_MAX: usize = 128;
const SECRET_BYTES_MAX: usize = 512;
/// What follows `<prefix>_app_` in a client_id.
const CLIENT_ID_RANDOM_CHARS: usize = 20;

/// What of a request may carry credentials. Never the URI (RFC 6749 §2.3.1).
pub struct Credentials<'a> {
    /// Every `Authorization` header, as sent.
    pub authorization: Vec<&'a [u8]>,
    pub params: &'a Params<'a>,
    /// Every `DPoP` header, as sent (RFC 9449 §4.1).
    pub dpop: Vec<&'a [u8]>,
    pub peer: IpAddr,
}

/// A client that is itself, as far as its type can show (RFC 6749 §2.1).
pub struct Client {
    pub app: Arc<Versioned<App>>,
    /// The assertion it showed: to be used up in the batch of the decision.
    pub once: Option<UsedOnce>,
}

struct Presented {
    client_id: String,
    method: AuthMethod,
    /// A client secret or a client assertion; empty where the method is none.
    secret: Secret,
}

/// A confidential client, known to be itself: usable, and with a matching live secret or an assertion, which is used up
/// here because what follows decides nothing in a batch of its own.
pub async fn confidential(ctx: &Context, credentials: &Credentials<'_>) -> Result<Arc<Versioned<App>>, OAuthError> {
    let client = client(ctx, credentials).await?;
    if client.app.client_type != ClientType::Confidential {
        let cause = format!("{} is a public client and cannot show who it is", client.app.client_id);
        return Err(OAuthError::invalid_client(cause));
    }
    used_once::commit(ctx, &client, None).await?;
    Ok(client.app)
}

/// The client of a request. One of type public says only who it is: what it shows besides is for the grant to judge.
pub async fn client(ctx: &Context, credentials: &Credentials<'_>) -> Result<Client, OAuthError> {
    let presented = present(credentials)?;
    let client_id = presented.client_id.as_str();
    if let Some(wait) = ctx.held_back(
        Limit::Failures,
        ctx.limiter.blocked(client_id, credentials.peer, ctx.now()),
    ) {
        let mut error = OAuthError::new(
            ErrorCode::TooManyAttempts,
            "Too many failed attempts: wait and try again.",
        );
        error.retry_after = Some(wait);
        return Err(error.because(format!("{} is held back", named(ctx, client_id))));
    }
    match verify(ctx, &presented).await? {
        Ok(client) => Ok(client),
        Err((rule, cause)) => {
            ctx.limiter.failed(client_id, credentials.peer, ctx.now());
            Err(OAuthError::invalid_client(cause).breaking(rule))
        }
    }
}

/// Which rule was broken, and how, for the log.
type NotProven = (Rule, String);

async fn verify(ctx: &Context, presented: &Presented) -> Result<Result<Client, NotProven>, OAuthError> {
    let client_id = &presented.client_id;
    let Some(app) = ctx.load::<App>(&keys::app(client_id)).await? else {
        // As much work as for a known client with a secret: the time must not tell which it was.
        let secret = presented.secret.expose().as_bytes();
        std::hint::black_box(ctx.secret.digest(Purpose::ClientSecret, secret));
        return Ok(Err((Rule::ClientAuthentication, "there is no such client".into())));
    };
    let once = match proven(ctx, &app, presented) {
        Ok(once) => once,
        Err(not_proven) => return Ok(Err(not_proven)),
    };
    if !app.usable() {
        let state = if app.disabled { "disabled" } else { app.state.as_str() };
        return Ok(Err((Rule::AppInactive, format!("{client_id} is {state}"))));
    }
    if !is_answered_for(ctx, &app).await? {
        let cause = format!("the organization or platform of {client_id} is disabled or unknown");
        return Ok(Err((Rule::AppInactive, cause)));
    }
    Ok(Ok(Client { app, once }))
}

/// What it showed is to be used up where it is good once only. Errors say why it is not good, for the log.
fn proven(ctx: &Context, app: &App, presented: &Presented) -> Result<Option<UsedOnce>, NotProven> {
    let (client_id, method) = (&app.client_id, presented.method);
    let mut matching = None;
    let shown = match method {
        AuthMethod::None => Ok(None),
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => {
            let (now, secret) = (ctx.now(), presented.secret.expose().as_bytes());
            for held in app.secrets.iter().filter(|s| s.live(now)) {
                if ctx.secret.verify(Purpose::ClientSecret, secret, &held.digest) {
                    matching = Some(held);
                }
            }
            if matching.is_some() {
                Ok(None)
            } else {
                Err((Rule::ClientSecret, format!("{client_id} showed a wrong secret")))
            }
        }
        AuthMethod::PrivateKeyJwt => client_assertion::verify(ctx, app, presented.secret.expose())
            .map(Some)
            .map_err(|why| {
                let cause = format!("{client_id} showed an assertion that is refused: {why}");
                (Rule::ClientAssertion, cause)
            }),
    }?;
    // The registered methods and the stored type count, never what a request offers.
    let confidential = app.client_type == ClientType::Confidential;
    if !app.rules().auth_methods.contains(&method) || confidential == (method == AuthMethod::None) {
        let cause = format!("{client_id} is not registered for the method {}", method.as_str());
        return Err((Rule::ClientMethod, cause));
    }
    if let Some(secret) = matching {
        last_use::note(ctx, SECRET, &secret.id);
    }
    Ok(shown)
}

/// For the log: what is not shaped like a client_id may be a secret in the wrong place.
fn named<'a>(ctx: &Context, client_id: &'a str) -> &'a str {
    if is_ours(ctx, client_id) {
        client_id
    } else {
        "somebody without a client_id of ours"
    }
}

/// Whether it is shaped like a client_id of this server.
pub fn is_ours(ctx: &Context, client_id: &str) -> bool {
    let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    client_id
        .strip_prefix(ctx.profile().prefix.as_str())
        .and_then(|rest| rest.strip_prefix("_app_"))
        .is_some_and(|random| random.len() == CLIENT_ID_RANDOM_CHARS && random.bytes().all(base64url))
}

/// Who the request says it is from, and by which method it shows it; nothing of it is proven.
pub fn claimed(credentials: &Credentials<'_>) -> (Option<String>, Option<AuthMethod>) {
    match present(credentials) {
        Ok(presented) => (Some(presented.client_id), Some(presented.method)),
        Err(_) => (
            credentials.params.get("client_id").ok().flatten().map(str::to_owned),
            None,
        ),
    }
}

/// The one method used. Two in a request are refused (OAuth 2.1 §2.4).
fn present(credentials: &Credentials<'_>) -> Result<Presented, OAuthError> {
    let body_id = credentials.params.get("client_id")?;
    let body_secret = credentials.params.get("client_secret")?;
    let presented = match (credentials.authorization.as_slice(), assertion(credentials.params)?) {
        ([], Some(_)) if body_secret.is_some() => return Err(two_methods()),
        ([], Some(assertion)) => by_assertion(assertion, body_id)?,
        (_, Some(_)) => return Err(two_methods()),
        ([], None) => {
            let Some(client_id) = body_id else {
                return Err(OAuthError::invalid_client("no credentials"));
            };
            presented(client_id, body_secret, AuthMethod::ClientSecretPost)
        }
        ([header], None) => {
            let basic = parse_basic(header)
                .ok_or_else(|| OAuthError::invalid_client("the Authorization header is not well-formed Basic"))?;
            if body_secret.is_some() {
                return Err(two_methods());
            }
            if body_id.is_some_and(|id| id != basic.client_id) {
                let what = "client_id differs from the one in the Authorization header.";
                return Err(OAuthError::invalid_request(what));
            }
            basic
        }
        _ => {
            return Err(OAuthError::invalid_request(
                "There is more than one Authorization header.",
            ));
        }
    };
    let too_long = presented.method != AuthMethod::PrivateKeyJwt && presented.secret.expose().len() > SECRET_BYTES_MAX;
    let well_formed = presented.client_id.bytes().all(|b| b.is_ascii_graphic());
    if !well_formed || presented.client_id.len() > CLIENT_ID_BYTES_MAX || too_long {
        return Err(OAuthError::invalid_client(
            "the credentials are not shaped like any of ours",
        ));
    }
    Ok(presented)
}

/// `client_assertion` and `client_assertion_type`.
fn assertion<'a>(params: &'a Params<'_>) -> Result<Option<(&'a str, Option<&'a str>)>, OAuthError> {
    let kind = params.get("client_assertion_type")?;
    Ok(params.get("client_assertion")?.map(|assertion| (assertion, kind)))
}

/// The assertion says whose it is; a `client_id` beside it must say the same (RFC 7521 §4.2).
fn by_assertion((assertion, kind): (&str, Option<&str>), body_id: Option<&str>) -> Result<Presented, OAuthError> {
    if kind != Some(client_assertion::TYPE) {
        return Err(OAuthError::invalid_client("the client_assertion_type is another"));
    }
    let claimed = client_assertion::claimed_client(assertion);
    match claimed.filter(|claimed| body_id.is_none_or(|id| id == claimed)) {
        Some(client_id) => Ok(presented(&client_id, Some(assertion), AuthMethod::PrivateKeyJwt)),
        None => Err(OAuthError::invalid_client(
            "the client_assertion is no JWT, or one of another client than client_id",
        )),
    }
}

fn presented(client_id: &str, secret: Option<&str>, method: AuthMethod) -> Presented {
    Presented {
        client_id: client_id.to_owned(),
        method: if secret.is_some() { method } else { AuthMethod::None },
        secret: Secret::new(secret.unwrap_or_default().to_owned()),
    }
}

fn two_methods() -> OAuthError {
    OAuthError::invalid_request("Use one client authentication method, not two.")
}

/// RFC 7617, with both halves form-encoded as RFC 6749 §2.3.1 wants. Our own credentials read the same raw and encoded.
fn parse_basic(header: &[u8]) -> Option<Presented> {
    let space = header.iter().position(|b| *b == b' ')?;
    if !header[..space].eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let decoded = STANDARD.decode(&header[space + 1..]).ok()?;
    let colon = decoded.iter().position(|b| *b == b':')?;
    let client_id = decode(&decoded[..colon])?;
    let secret = decode(&decoded[colon + 1..])?;
    if client_id.is_empty() {
        return None;
    }
    let secret = (!secret.is_empty()).then_some(&*secret);
    Some(presented(&client_id, secret, AuthMethod::ClientSecretBasic))
}
