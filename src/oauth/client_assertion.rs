//! `private_key_jwt`: a client shows who it is with a JWT that it signed (RFC 7521 §4.2, RFC 7523 §3).

use super::dpop::is_jti;
use crate::base::jose::{Alg, Jwk, PublicKey, UnverifiedJws, numeric_date};
use crate::base::json::parse_strict_object;
use crate::base::master::Purpose;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{App, ClientRules};
use crate::model::used_once::UsedOnce;
use serde_json::{Map, Value};
use std::time::Duration;

/// The only `client_assertion_type` (RFC 7523 §2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// FAPI 2.0 §5.4.1: no RS256. `token_endpoint_auth_signing_alg_values_supported`.
pub const ALGS: [Alg; 4] = [Alg::Es256, Alg::EdDsa, Alg::Ed25519, Alg::Ps256];
const ASSERTION_BYTES_MAX: usize = 4 * 1024;
/// How far `exp` may be ahead: as long as every assertion is remembered.
const LIFETIME_MAX: Duration = Duration::from_secs(600);
/// For a client whose clock is ahead (FAPI 2.0 §5.3.2.1).
const AHEAD_MAX: Duration = Duration::from_secs(60);

type Claims = Map<String, Value>;

/// Whose assertion it says it is: where to look for the key, and nothing more.
pub fn claimed_client(assertion: &str) -> Option<String> {
    let jws = UnverifiedJws::parse_accepting(assertion, ASSERTION_BYTES_MAX, &ALGS).ok()?;
    let claims: Claims = parse_strict_object(jws.unproven_payload()).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

/// What is to be used up, when `assertion` is one of `app`; else why not, for the log.
pub fn verify(ctx: &Context, app: &App, assertion: &str) -> Result<UsedOnce, String> {
    let jws = UnverifiedJws::parse_accepting(assertion, ASSERTION_BYTES_MAX, &ALGS).map_err(|e| e.to_string())?;
    // A JWT that was made for something else is no assertion (RFC 8725 §3.11). Most clients name no type.
    if jws.typ().is_some() && !jws.has_typ("JWT") && !jws.has_typ("client-authentication+jwt") {
        return Err("its typ is another".into());
    }
    let rules = app.rules();
    let payload = rules
        .jwks
        .iter()
        .filter(|jwk| may_have_signed(jwk, &jws))
        .find_map(|jwk| jws.verify(&PublicKey::from_jwk(jwk).ok()?).ok())
        .ok_or("no key of the app has signed it")?;
    let claims: Claims = parse_strict_object(payload).map_err(|e| e.to_string())?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(app.client_id.as_str()) || text("sub") != Some(app.client_id.as_str()) {
        return Err("its iss and sub are not both the client_id".into());
    }
    if !claims.get("aud").is_some_and(|aud| is_for_us(ctx, &rules, aud)) {
        return Err("its aud is not the issuer".into());
    }
    let expires_at = times(ctx.now(), ctx.unused_since, &claims)?;
    let jti = text("jti").filter(|jti| is_jti(jti));
    let jti = jti.ok_or("its jti is missing, empty or too long")?;
    // A client_id holds no line break, so the parts are told apart.
    let used = format!("{}\n{jti}", app.client_id);
    let digest = ctx.secret.digest(Purpose::ClientAssertion, used.as_bytes());
    Ok(UsedOnce { digest, expires_at })
}

/// A `kid` narrows the choice (RFC 7515 §4.1.4); without one each key of the algorithm is tried, four at the most.
fn may_have_signed(jwk: &Jwk, jws: &UnverifiedJws<'_>) -> bool {
    jwk.has(jws.alg()) && jws.kid().is_none_or(|kid| jwk.kid.as_deref() == Some(kid))
}

/// The issuer and nothing else, as text: an assertion for several servers, or for an address that another server may
/// claim as its own, could be shown here by somebody it was sent to (draft-ietf-oauth-rfc7523bis §4).
fn is_for_us(ctx: &Context, rules: &ClientRules, aud: &Value) -> bool {
    let issuer = ctx.issuer();
    if !rules.legacy_audience {
        return aud == issuer;
    }
    // What RFC 7523 §3 and RFC 9126 §2 allowed. A list may still name nobody else.
    let old = |aud: &Value| {
        let path = aud.as_str().and_then(|aud| aud.strip_prefix(issuer));
        path.is_some_and(|path| matches!(path, "" | "/oauth/token" | "/oauth/par"))
    };
    match aud {
        Value::Array(all) => !all.is_empty() && all.iter().all(old),
        one => old(one),
    }
}

/// When it ends, if it is valid now.
fn times(now: Timestamp, unused_since: Timestamp, claims: &Claims) -> Result<Timestamp, &'static str> {
    let exp = claims.get("exp").and_then(numeric_date).ok_or("it has no exp")?;
    if exp <= now {
        return Err("it has expired");
    }
    if exp > now + LIFETIME_MAX {
        return Err("its exp is too far ahead");
    }
    for begin in ["iat", "nbf"] {
        let at = claims.get(begin).map(numeric_date);
        if at.is_some_and(|at| at.is_none_or(|at| at > now + AHEAD_MAX)) {
            return Err("its iat or nbf is in the future, or no date");
        }
    }
    // Before a restore it may have been used, and nothing here would know.
    let made_since = |iat: Timestamp| iat > unused_since + AHEAD_MAX;
    if exp <= unused_since + LIFETIME_MAX && !claims.get("iat").and_then(numeric_date).is_some_and(made_since) {
        return Err("it may have been used before the backup was restored");
    }
    Ok(exp)
}
