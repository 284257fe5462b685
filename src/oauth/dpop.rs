//! Proof of possession (RFC 9449): a client shows with each request that it holds the key its tokens are bound to.

use super::client_auth::Credentials;
use super::error::{ErrorCode, OAuthError};
use crate::base::digest::{base64url, from_base64url, sha256};
use crate::base::jose::{Alg, PublicKey, UnverifiedJws, numeric_date};
use crate::base::json::parse_strict_object;
use crate::base::master::{KeyedDigest, Purpose};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::used_once::UsedOnce;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::time::Duration;

/// Asymmetric ones alone (§11.6); `dpop_signing_alg_values_supported`.
pub const ALGS: [Alg; 5] = [Alg::Es256, Alg::EdDsa, Alg::Ed25519, Alg::Ps256, Alg::Rs256];
/// More than a proof with the largest RSA key needs.
const PROOF_BYTES_MAX: usize = 4 * 1024;
/// RFC 9449 §4.2 asks for 96 random bits or a UUID; what is longer only fills the store.
const JTI_CHARS_MAX: usize = 128;
/// Long enough for a clock that is behind, short enough to remember every proof (§11.1).
const AGE_S_MAX: u64 = 300;
/// For a clock that is ahead (FAPI 2.0 §5.3.2.1).
const AHEAD_S_MAX: u64 = 60;
/// A nonce is good in the window it was made in and in the next.
const NONCE_WINDOW_S: u64 = 300;

/// A proof that was found good.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Thumbprint of the key (RFC 7638): what tokens are bound to.
    pub jkt: String,
    /// To be used up in the batch of the decision (§11.1).
    pub once: UsedOnce,
}

/// The proof of a request to an endpoint where clients get tokens: one must be there where the app is registered for
/// bound tokens (§5.2).
pub fn of_client(
    ctx: &Context,
    credentials: &Credentials<'_>,
    app: &App,
    path: &str,
) -> Result<Option<Proof>, OAuthError> {
    let asked = Asked {
        origins: &[ctx.issuer()],
        headers: &credentials.dpop,
        method: "POST",
        path,
        access_token: None,
        native: app.kind == Kind::Native,
    };
    let proof = verify(ctx, &asked)?;
    if proof.is_none() && app.rules().require_dpop {
        return Err(refused("This app must prove its key: the DPoP header is missing."));
    }
    Ok(proof)
}

/// The request that a proof must be for.
pub struct Asked<'a> {
    /// Those that the path is reached under.
    pub origins: &'a [&'a str],
    /// Every header with a proof, as sent.
    pub headers: &'a [&'a [u8]],
    pub method: &'a str,
    pub path: &'a str,
    pub access_token: Option<&'a str>,
    /// Of an installation: none of them knows nonces, so none is asked for.
    pub native: bool,
}

/// The proof in the headers of a request, or `None` where there is no such header. All of §4.3 is checked but the
/// `jti`, which is used up when the decision is committed.
pub fn verify(ctx: &Context, asked: &Asked<'_>) -> Result<Option<Proof>, OAuthError> {
    let text = match asked.headers {
        [] => return Ok(None),
        [one] => std::str::from_utf8(one).map_err(|_| refused("The DPoP header is no signed JWT."))?,
        _ => return Err(refused("There is more than one DPoP header.")),
    };
    let addresses = asked.origins.iter().map(|origin| format!("{origin}{}", asked.path));
    let shown = examine(text, asked.method, addresses, asked.access_token, ctx.now())?;
    judge_nonce(ctx, shown.nonce.as_ref(), asked.native)?;
    // Before a restore it may have been used, and nothing here would know.
    if shown.expires_at.seconds() <= ctx.unused_since.seconds() + AHEAD_S_MAX + AGE_S_MAX + 1 {
        return Err(refused(
            "The DPoP proof was made before the server was restored: make a new one.",
        ));
    }
    // A thumbprint and a URI hold no line break, so the parts are told apart.
    let used = format!("{}\n{}\n{}", shown.jkt, shown.uri, shown.jti);
    let digest = ctx.secret.digest(Purpose::DpopProof, used.as_bytes());
    Ok(Some(Proof {
        jkt: shown.jkt,
        once: UsedOnce {
            digest,
            expires_at: shown.expires_at,
        },
    }))
}

/// What a proof says that is good but for its nonce, and for whether it was used before.
pub struct Examined {
    pub jkt: String,
    /// In its normal form.
    uri: String,
    jti: String,
    nonce: Option<Value>,
    expires_at: Timestamp,
}

/// All of §4.3 that can be judged without knowing what else was shown. The request may be known by several addresses.
pub fn examine(
    text: &str,
    method: &str,
    mut addresses: impl Iterator<Item = String>,
    access_token: Option<&str>,
    now: Timestamp,
) -> Result<Examined, OAuthError> {
    let (jkt, mut claims) = signed_claims(text)?;
    if claims.get("htm").and_then(Value::as_str) != Some(method) {
        return Err(refused("The htm of the DPoP proof is not the method of the request."));
    }
    let htu = claims.get("htu").and_then(Value::as_str).and_then(normal_form);
    let Some(uri) = addresses.find_map(|uri| normal_form(&uri).filter(|uri| htu.as_ref() == Some(uri))) else {
        return Err(refused("The htu of the DPoP proof is not the address of the request."));
    };
    let expires_at = age(now, &claims)?;
    let ath = access_token.map(|token| base64url(sha256(token.as_bytes())));
    match (claims.get("ath"), &ath) {
        (None, None) => {}
        (Some(shown), Some(ath)) if shown.as_str() == Some(ath) => {}
        // A proof for a token is no proof for getting one.
        _ => return Err(refused("The ath of the DPoP proof does not fit the request.")),
    }
    let Some(jti) = claims.get("jti").and_then(Value::as_str).filter(|jti| is_jti(jti)) else {
        return Err(refused("The jti of the DPoP proof is missing, empty or too long."));
    };
    Ok(Examined {
        jkt,
        uri,
        jti: jti.to_owned(),
        nonce: claims.remove("nonce"),
        expires_at,
    })
}

/// Whether it may name what is used once.
pub fn is_jti(text: &str) -> bool {
    (1..=JTI_CHARS_MAX).contains(&text.chars().count())
}

/// The thumbprint of the key in the header, and what was signed with it.
fn signed_claims(text: &str) -> Result<(String, Map<String, Value>), OAuthError> {
    let no_proof = |why: String| refused("The DPoP proof is no JWT as RFC 9449 section 4.2 wants it.").because(why);
    let jws =
        UnverifiedJws::parse_accepting(text, PROOF_BYTES_MAX, &ALGS).map_err(|error| no_proof(error.to_string()))?;
    if !jws.has_typ("dpop+jwt") {
        return Err(refused("The typ of the DPoP proof is not dpop+jwt."));
    }
    let jwk = jws
        .jwk()
        .ok_or_else(|| refused("The DPoP proof holds no public key (jwk)."))?;
    let key = PublicKey::from_jwk(jwk).map_err(|error| no_proof(error.to_string()))?;
    let payload = jws
        .verify(&key)
        .map_err(|error| refused("The signature of the DPoP proof is wrong.").because(error.to_string()))?;
    let claims = parse_strict_object(payload).map_err(|error| no_proof(error.to_string()))?;
    Ok((jwk.thumbprint(), claims))
}

/// When the proof will be too old.
fn age(now: Timestamp, claims: &Map<String, Value>) -> Result<Timestamp, OAuthError> {
    let Some(iat) = claims.get("iat").and_then(numeric_date) else {
        return Err(refused("The iat of the DPoP proof is missing."));
    };
    let (now, iat) = (now.seconds(), iat.seconds());
    if now > iat.saturating_add(AGE_S_MAX) || iat > now + AHEAD_S_MAX {
        return Err(refused("The iat of the DPoP proof is too far from the server's time."));
    }
    Ok(Timestamp::from_seconds(iat + AGE_S_MAX + 1))
}

/// §8, §11.3. A nonce that this server never made is refused also where it asks for none.
fn judge_nonce(ctx: &Context, nonce: Option<&Value>, native: bool) -> Result<(), OAuthError> {
    let wanted = ctx.profile().dpop.nonces && !native;
    match nonce {
        None if !wanted => Ok(()),
        Some(nonce) if nonce.as_str().is_some_and(|nonce| is_ours(ctx, nonce)) => Ok(()),
        Some(_) if !wanted => Err(refused(
            "The nonce of the DPoP proof is not one of this server, which needs none.",
        )),
        _ => {
            let what = "The DPoP proof must hold the nonce of the DPoP-Nonce header.";
            let mut error = OAuthError::new(ErrorCode::UseDpopNonce, what);
            error.dpop_nonce = next_nonce(ctx);
            Err(error)
        }
    }
}

/// For the header `DPoP-Nonce`, where proofs must hold one.
pub fn next_nonce(ctx: &Context) -> Option<String> {
    let wanted = ctx.profile().dpop.nonces;
    wanted.then(|| base64url(ctx.secret.digest(Purpose::DpopNonce, &window(ctx.now())).as_bytes()))
}

/// Made in this window or the one before. Nothing is remembered: the nonce is a digest of the time, which nobody
/// without the secret can make.
fn is_ours(ctx: &Context, nonce: &str) -> bool {
    let Some(nonce) = from_base64url(nonce).filter(|bytes| bytes.len() == KeyedDigest::BYTES) else {
        return false;
    };
    let now = ctx.now();
    [now, now - Duration::from_secs(NONCE_WINDOW_S)]
        .iter()
        .any(|at| ctx.secret.verify_short(Purpose::DpopNonce, &window(*at), &nonce))
}

fn window(at: Timestamp) -> [u8; 8] {
    (at.seconds() / NONCE_WINDOW_S).to_be_bytes()
}

fn refused(what: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidDpopProof, what)
}

/// An absolute URI as it is compared (§4.3): without query and fragment, in the normal form of RFC 3986 §6.2.2 and
/// §6.2.3. `None` for what is no such URI.
fn normal_form(uri: &str) -> Option<String> {
    if !uri.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let whole = uri.split(['?', '#']).next()?;
    let (scheme, rest) = whole.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    let authority = authority.strip_suffix(':').unwrap_or(authority);
    if authority.is_empty() || authority.contains(['@', '%', '\\']) {
        return None;
    }
    let path = if path.is_empty() { "/" } else { path };
    Some(format!("{scheme}://{authority}{}", normal_path(path)?))
}

/// Percent-encoding in its one spelling: unreserved characters bare, the others in upper case (RFC 3986 §6.2.2).
fn normal_path(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        let code = after
            .get(..2)
            .filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
        normal.push_str(before);
        let byte = percent_decode_str(&rest[before.len()..before.len() + 3]).next()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
        } else {
            write!(normal, "%{}", code.to_ascii_uppercase()).expect("writing to a String cannot fail");
        }
        rest = &after[2..];
    }
    normal.push_str(rest);
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::normal_form;

    #[test]
    fn uris_that_are_the_same_have_one_normal_form() {
        let normal = "https://server.example/a/~b%2F";
        for same in [
            "https://server.example/a/~b%2F",
            "HTTPS://Server.EXAMPLE:443/a/~b%2f",
            "https://server.example:/a/%7Eb%2F",
            "https://server.example/%61/~b%2f?query=1#fragment",
            "https://server.example/a/~b%2F#a?b",
        ] {
            assert_eq!(normal_form(same).as_deref(), Some(normal), "{same}");
        }
        for (empty, root) in [
            ("https://h", "https://h/"),
            ("http://h:80?q", "http://h/"),
            ("http://[::1]:8#f", "http://[::1]:8/"),
        ] {
            assert_eq!(normal_form(empty).as_deref(), Some(root), "{empty}");
        }
    }

    #[test]
    fn other_uris_have_another_form_or_none() {
        let normal = normal_form("https://server.example/a/b");
        for other in [
            "http://server.example/a/b",
            "https://server.example:444/a/b",
            "https://server.example:80/a/b",
            "https://server.example./a/b",
            "https://server.example/a/b/",
            "https://server.example/A/b",
            "https://server.example/a%2Fb",
            "https://server.example//a/b",
            "https://server.example/a/c/../b",
            "https://evil.example/https://server.example/a/b",
        ] {
            assert!(normal_form(other).is_some() && normal_form(other) != normal, "{other}");
        }
        for none in [
            "",
            "/a/b",
            "server.example/a/b",
            "//server.example/a/b",
            "https:/server.example/a/b",
            "https:///a/b",
            "https://user@server.example/a/b",
            "https://server%2Eexample/a/b",
            "https://server.example\\@evil/a/b",
            " https://server.example/a/b",
            "https://server.example/a/b%",
            "https://server.example/a/b%4",
            "https://server.example/a/b%zz",
            "https://server.example/a/é",
            "ftp://server.example/a/b",
        ] {
            assert_eq!(normal_form(none), None, "{none:?}");
        }
    }
}
