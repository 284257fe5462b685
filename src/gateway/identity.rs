//! What an upstream is told of who asks: plain headers, or one with a signed token.

use crate::base::jose::{Algorithm, sign_jwt};
use crate::context::Context;
use crate::oauth::access_token::TypedId;
use crate::platform::caller::{Caller, Credential};
use crate::store::StoreError;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::OnceLock;
use std::time::Duration;

/// The `typ` of such a token (RFC 8725 §3.11): it is no access token.
const TYP: &str = "grantd-identity+jwt";
const LIFETIME: Duration = Duration::from_secs(60);

/// The names of the headers.
pub struct Names {
    identity: HeaderName,
    organization: HeaderName,
    user: HeaderName,
    app: HeaderName,
    grant: HeaderName,
    scopes: HeaderName,
    credential: HeaderName,
    credential_id: HeaderName,
}

impl Names {
    /// `prefix`: of a-z, 0-9 and -, as the configuration sees to.
    pub fn new(prefix: &str) -> Self {
        let name = |of: &str| {
            let whole = format!("{prefix}{of}");
            HeaderName::from_bytes(whole.as_bytes()).expect("the prefix can stand in a header's name")
        };
        Self {
            identity: name("identity"),
            organization: name("organization"),
            user: name("user"),
            app: name("app"),
            grant: name("grant"),
            scopes: name("scopes"),
            credential: name("credential"),
            credential_id: name("credential-id"),
        }
    }
}

/// Who sends a request, with the headers that say so: made when they are first needed.
pub struct Sender {
    caller: Caller,
    headers: OnceLock<Vec<(HeaderName, HeaderValue)>>,
}

impl Sender {
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            headers: OnceLock::new(),
        }
    }
}

impl Deref for Sender {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// Says in `headers` who asks, for the upstream at this origin; `request_id` finds the request in both logs.
pub async fn tell(
    ctx: &Context,
    names: &Names,
    sender: &Sender,
    (origin, request_id): (&str, &str),
    headers: &mut HeaderMap,
) -> Result<(), StoreError> {
    if ctx.config.gateway.identity_jwt {
        let token = token(ctx, sender, origin, request_id).await?;
        headers.extend(
            HeaderValue::try_from(token)
                .ok()
                .map(|token| (names.identity.clone(), token)),
        );
        return Ok(());
    }
    for (name, value) in sender.headers.get_or_init(|| plain(names, sender)) {
        headers.insert(name.clone(), value.clone());
    }
    Ok(())
}

fn plain(names: &Names, caller: &Caller) -> Vec<(HeaderName, HeaderValue)> {
    let (kind, id) = of_credential(&caller.credential);
    let scopes = caller.scopes.join(" ");
    let said = [
        (&names.organization, caller.organization.as_str()),
        (&names.user, &caller.user),
        (&names.app, caller.client_id.as_deref().unwrap_or_default()),
        (&names.grant, caller.grant.as_deref().unwrap_or_default()),
        (&names.scopes, &scopes),
        (&names.credential, kind),
        (&names.credential_id, id),
    ];
    let header = |(name, value): (&HeaderName, &str)| Some((name.clone(), HeaderValue::from_str(value).ok()?));
    said.into_iter().filter_map(header).collect()
}

fn of_credential(credential: &Credential) -> (&'static str, &str) {
    let id = match credential {
        Credential::AccessToken { jti: id } | Credential::PersonalToken { id } | Credential::ApiKey { id } => id,
    };
    (credential.kind(), id)
}

async fn token(ctx: &Context, caller: &Caller, origin: &str, request_id: &str) -> Result<String, StoreError> {
    let now = ctx.now();
    let exp = now + LIFETIME;
    let (kind, id) = of_credential(&caller.credential);
    let mut claims = json!({
        "iss": ctx.issuer(),
        "aud": origin,
        "sub": caller.user,
        "iat": now.seconds(),
        "exp": exp.seconds(),
        "jti": request_id,
        "scope": caller.scopes.join(" "),
        "credential": kind,
        "credential_id": id,
    });
    claims[ctx.profile().noun.id_claim()] = json!(TypedId::new(ctx, &caller.organization));
    for (name, value) in [("client_id", &caller.client_id), ("grant_id", &caller.grant)] {
        if let Some(value) = value {
            claims[name] = Value::from(value.as_str());
        }
    }
    let signer = ctx.keyring.signer(&ctx.key_tools(), Algorithm::EdDsa, exp).await?;
    let payload = serde_json::to_vec(&claims).expect("claims are plain data");
    Ok(sign_jwt(&signer.key, &signer.record.kid, TYP, &payload))
}
