//! Signing keys: list, rotate, revoke.

use crate::base::jose::Algorithm;
use crate::context::Context;
use serde_json::{Value, json};

pub fn list(ctx: &Context) -> Result<Value, String> {
    let set = ctx.keyring.set();
    let rows = set.records.iter().map(|key| {
        json!({
            "kid": key.kid,
            "alg": key.algorithm.as_str(),
            "state": key.state,
            "created_at": key.created_at.to_string(),
            "activated_at": key.activated_at.map(|at| at.to_string()),
            "retired_at": key.retired_at.map(|at| at.to_string()),
            "needed_until": key.signed_until.to_string(),
        })
    });
    Ok(rows.collect())
}

/// A retired key stays published until all it signed has expired: with these many, somebody rotates in a loop.
const KEYS_MAX: usize = 100;

/// Rotates one algorithm, or every one in use.
pub async fn rotate(ctx: &Context, algorithm: Option<String>) -> Result<Value, String> {
    let set = ctx.keyring.set();
    let mut algorithms: Vec<Algorithm> = Vec::new();
    for record in &set.records {
        let wanted = algorithm
            .as_deref()
            .is_none_or(|name| name == record.algorithm.as_str());
        if wanted && !algorithms.contains(&record.algorithm) {
            algorithms.push(record.algorithm);
        }
    }
    if algorithms.is_empty() {
        let name = algorithm.unwrap_or_default();
        return Err(format!(
            "there is no key for `{name}`: `grantd key list` shows the algorithms in use"
        ));
    }
    if set.records.len() + algorithms.len() > KEYS_MAX {
        return Err(format!(
            "there are {} keys already, each needed by tokens that have not expired; `grantd key revoke` ends one with \
             its tokens",
            set.records.len()
        ));
    }
    for algorithm in algorithms {
        let rotated = ctx.keyring.rotate(&ctx.key_tools(), algorithm).await?;
        if rotated.is_none() {
            return Err("the keys were changed by somebody else at the same moment: try again".into());
        }
    }
    list(ctx)
}

pub async fn revoke(ctx: &Context, kid: &str) -> Result<Value, String> {
    let done = ctx.keyring.revoke(&ctx.key_tools(), kid).await?;
    if done {
        list(ctx)
    } else {
        Err(format!("there is no key {kid}: `grantd key list` shows them"))
    }
}
