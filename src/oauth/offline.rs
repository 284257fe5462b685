//! What an API can judge of a token with nothing but the issuer's public keys (RFC 9068 §4, RFC 9449 §7.1). It sees no
//! revocation, no changed scope and no member who left: those are for introspection and the gateway.

use super::access_token::{Flaw, in_time, proven};
use super::dpop;
use crate::base::jose::{Jwk, PublicKey, numeric_date};
use crate::base::time::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;

/// For a clock that is ahead of this one.
const AHEAD: Duration = Duration::from_secs(60);

/// What the token must be good for.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    /// All of them.
    pub scopes: &'a [String],
    pub proof: Option<Shown<'a>>,
    pub now: Timestamp,
}

/// The proof that came with the token, and the request both came with.
pub struct Shown<'a> {
    pub proof: &'a str,
    pub method: &'a str,
    pub url: &'a str,
}

/// Why it is no good: a word for programs, and a sentence.
#[derive(Debug)]
pub struct Refused {
    pub reason: &'static str,
    pub why: String,
}

fn no(reason: &'static str, why: impl Into<String>) -> Refused {
    let why = why.into();
    Refused { reason, why }
}

/// What the token says, when it is good.
pub fn verify(token: &str, keys: &[Jwk], expected: &Expected<'_>) -> Result<Map<String, Value>, Refused> {
    let usable: Vec<(&Jwk, PublicKey)> = keys
        .iter()
        .filter_map(|jwk| Some((jwk, PublicKey::from_jwk(jwk).ok()?)))
        .collect();
    let find = |kid: &str| {
        let mut named = usable.iter().filter(|(jwk, _)| jwk.kid.as_deref() == Some(kid));
        named.next().map(|(_, key)| key)
    };
    let (_, claims) = proven(token, find).map_err(of_flaw)?;
    issued(&claims, expected)?;
    in_time(&claims, expected.now).map_err(|flaw| at_the_wrong_time(flaw, &claims, expected.now))?;
    if claims
        .get("iat")
        .and_then(numeric_date)
        .is_some_and(|iat| iat > expected.now + AHEAD)
    {
        return Err(no(
            "not_yet",
            "It was made in the future (iat): one of the two clocks is wrong.",
        ));
    }
    let granted: Vec<&str> = claims
        .get("scope")
        .and_then(Value::as_str)
        .map_or_else(Vec::new, |scope| scope.split(' ').collect());
    let missing: Vec<&str> = expected
        .scopes
        .iter()
        .map(String::as_str)
        .filter(|scope| !granted.contains(scope))
        .collect();
    if !missing.is_empty() {
        return Err(no(
            "insufficient_scope",
            format!("It lacks the scope {}.", missing.join(" ")),
        ));
    }
    bound(token, &claims, expected)?;
    Ok(claims)
}

fn of_flaw(flaw: Flaw) -> Refused {
    let (reason, why) = match flaw {
        Flaw::NoJws => (
            "malformed",
            "It is no JWT signed with EdDSA, ES256 or RS256. Nor is a personal access token or a refresh token: only \
             introspection can judge those.",
        ),
        Flaw::Typ => (
            "wrong_type",
            "Its typ is not at+jwt: it is a JWT, but no access token (RFC 9068).",
        ),
        Flaw::Key => (
            "unknown_key",
            "Its key (kid) is not among the keys: another issuer signed it, its key was withdrawn, or these are old.",
        ),
        Flaw::Signature => (
            "wrong_signature",
            "Its signature is wrong: it was changed, or says another algorithm than its key has.",
        ),
        other => ("malformed", other.sentence()),
    };
    no(reason, why)
}

/// Who made it, for whom, and that it is whole (RFC 9068 §2.2).
fn issued(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Refused> {
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(no("wrong_issuer", "Its issuer (iss) is another."));
    }
    let ours = match claims.get("aud") {
        Some(Value::String(one)) => one == expected.audience,
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(expected.audience)),
        _ => false,
    };
    if !ours {
        return Err(no("wrong_audience", "It is for another API (aud)."));
    }
    for name in ["sub", "client_id", "jti"] {
        if claims.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(no("malformed", format!("Its claim {name} is missing.")));
        }
    }
    for name in ["iat", "exp"] {
        if claims.get(name).and_then(Value::as_u64).is_none() {
            return Err(no("malformed", format!("Its claim {name} is missing.")));
        }
    }
    Ok(())
}

fn at_the_wrong_time(flaw: Flaw, claims: &Map<String, Value>, now: Timestamp) -> Refused {
    let exp = claims.get("exp").and_then(numeric_date).unwrap_or(now);
    match flaw {
        Flaw::Expired => no("expired", format!("It expired at {exp} (exp); now it is {now}.")),
        _ => no("not_yet", "It is not good yet (nbf)."),
    }
}

/// A bound token is worth nothing without a proof of its key, and a proof says nothing of a token that is not bound
/// (RFC 9449 §7.1).
fn bound(token: &str, claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Refused> {
    let jkt = claims.get("cnf").map(|cnf| cnf.get("jkt").and_then(Value::as_str));
    match (jkt, &expected.proof) {
        (None, None) => Ok(()),
        (Some(None), _) => Err(no("malformed", "It is bound in a way that is not known here (cnf).")),
        (Some(Some(_)), None) => Err(no(
            "proof_needed",
            "It is bound to a key (cnf.jkt): without a DPoP proof for the request it is worth nothing.",
        )),
        (None, Some(_)) => Err(no(
            "not_bound",
            "It is bound to no key, so a DPoP proof says nothing of it.",
        )),
        (Some(Some(jkt)), Some(shown)) => {
            let address = std::iter::once(shown.url.to_owned());
            let proof = dpop::examine(shown.proof, shown.method, address, Some(token), expected.now)
                .map_err(|error| no("wrong_proof", error.description))?;
            if proof.jkt == jkt {
                Ok(())
            } else {
                Err(no(
                    "wrong_proof",
                    "The DPoP proof is of another key than the token is bound to.",
                ))
            }
        }
    }
}
