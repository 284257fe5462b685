//! `grantd token verify`: what an API can judge with the issuer's public keys alone.

use super::arguments::tokens::TokenVerify;
use super::output::Output;
use super::{Failure, command, start};
use crate::base::jose::Jwk;
use crate::base::json::parse_strict_object;
use crate::base::time::{Clock as _, SystemClock};
use crate::config::Issuer;
use crate::oauth::offline::{Expected, Refused, Shown, verify};
use crate::web::client::Client;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

/// It could not be judged: its keys are not to be had.
const UNKNOWN: u8 = 3;
const NOT_SEEN: &str = "Whether it was revoked cannot be seen offline: until it expires, only introspection knows.";

pub fn run(asked: &TokenVerify, output: &Output) -> Result<(), Failure> {
    let token = match &asked.token_file {
        Some(file) => read(file)?,
        None => command::read_line("the token")?,
    };
    let proof = asked.proof_file.as_deref().map(read).transpose()?;
    let shown = match (&proof, &asked.method, &asked.url) {
        (Some(proof), Some(method), Some(url)) => Some(Shown { proof, method, url }),
        (None, None, None) => None,
        _ => return Err("--proof-file, --method and --url belong together".to_owned().into()),
    };
    let unknown = |error| Failure {
        error,
        reason: Some("unknown"),
        code: UNKNOWN,
    };
    let keys = keys(asked).map_err(unknown)?;
    let expected = Expected {
        issuer: &asked.issuer,
        audience: &asked.audience,
        scopes: &asked.scope,
        proof: shown,
        now: SystemClock.now(),
    };
    let claims = verify(&token, &keys, &expected).map_err(|Refused { reason, why }| Failure {
        error: format!("The token is no good. {why}"),
        reason: Some(reason),
        code: 1,
    })?;
    output.answer(&answer(&claims));
    Ok(())
}

fn answer(claims: &Map<String, Value>) -> Value {
    let bound = claims.contains_key("cnf");
    let mut notes = vec![NOT_SEEN];
    if bound {
        notes
            .push("Whether the proof was used before cannot be seen here: an API remembers each jti for five minutes.");
    }
    json!({ "valid": true, "token_type": if bound { "DPoP" } else { "Bearer" }, "claims": claims, "notes": notes })
}

fn read(file: &Path) -> Result<String, String> {
    let text = fs::read_to_string(file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
    Ok(text.trim().to_owned())
}

/// A JWK set (RFC 7517 §5). Keys of kinds that are not used here are passed over.
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

fn keys(asked: &TokenVerify) -> Result<Vec<Jwk>, String> {
    let bytes = match &asked.jwks {
        Some(file) if !file.contains("://") => {
            Bytes::from(fs::read(file).map_err(|e| format!("{file} cannot be read: {e}"))?)
        }
        address => fetch(asked, address.as_deref())?,
    };
    let set: Jwks = parse_strict_object(&bytes).map_err(|e| format!("the keys are no JWK set: {e}"))?;
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
    Ok(keys.collect())
}

/// From this address, or from the one in the issuer's metadata (RFC 8414 §3), which must be the issuer's own word.
fn fetch(asked: &TokenVerify, address: Option<&str>) -> Result<Bytes, String> {
    let client = match &asked.ca {
        Some(file) => Client::new(Some(file)),
        None => Client::of_system(None),
    }?;
    start::block_on(async {
        if let Some(address) = address {
            return get(&client, address).await;
        }
        let at = format!("{}/.well-known/oauth-authorization-server", asked.issuer);
        let metadata: Map<String, Value> = serde_json::from_slice(&get(&client, &at).await?)
            .map_err(|e| format!("the metadata of {} is no JSON object: {e}", asked.issuer))?;
        if metadata.get("issuer").and_then(Value::as_str) != Some(&asked.issuer) {
            return Err(format!("the metadata at {at} is of another issuer"));
        }
        let keys = metadata.get("jwks_uri").and_then(Value::as_str);
        get(
            &client,
            keys.ok_or_else(|| format!("the metadata at {at} names no keys"))?,
        )
        .await
    })
}

async fn get(client: &Client, address: &str) -> Result<Bytes, String> {
    let (scheme, rest) = address.split_once("://").unwrap_or_default();
    let origin = format!("{scheme}://{}", rest.split('/').next().unwrap_or_default());
    // Keys that came unprotected are anybody's.
    origin
        .parse::<Issuer>()
        .map_err(|why| format!("the origin of {address} {why}"))?;
    let request = Request::builder().method(Method::GET).uri(address).body(Bytes::new());
    let response = client.send(request.map_err(|e| format!("{address}: {e}"))?).await?;
    match response.status() {
        StatusCode::OK => Ok(response.into_body()),
        status => Err(format!("{address} answered {status}")),
    }
}
