//! Reads `resources`, of a profile or of `grantd.toml`: the APIs that tokens are for.

use super::Issuer;
use super::issuer::judge_origin;
use super::profile::Resource;
use super::reader::{Item, Table};
use crate::base::jose::Algorithm;
use std::time::Duration;
use url::Url;

const RESOURCES_MAX: usize = 16;
const URI_BYTES_MAX: usize = 300;
const CLIENTS_MAX: usize = 100;
/// Of an access token.
const ACCESS_TOKEN: Duration = Duration::from_secs(10 * 60);
const LIVES_MIN: Duration = Duration::from_secs(10);
const LIVES_MAX: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// Of a profile that names none.
pub(super) fn default(issuer: &Issuer) -> Resource {
    Resource {
        identifier: format!("{issuer}/api"),
        name: "API".to_owned(),
        documentation: None,
        algorithm: Algorithm::EdDsa,
        access_token_lifetime: ACCESS_TOKEN,
        introspection_clients: Vec::new(),
    }
}

/// The list under `resources`, in a profile or in `grantd.toml`. `None` when it cannot stand.
pub(super) fn read(item: &Item<'_>, issuer: &Issuer) -> Option<Vec<Resource>> {
    let mut found: Vec<Resource> = Vec::new();
    for entry in item.list(RESOURCES_MAX)? {
        let Some(resource) = entry.table().and_then(|table| resource(table, issuer)) else {
            continue;
        };
        if found.iter().any(|other| other.identifier == resource.identifier) {
            entry.complain(format_args!("repeats the identifier {:?}", resource.identifier));
            continue;
        }
        found.push(resource);
    }
    if item.list(RESOURCES_MAX)?.is_empty() {
        item.complain("is empty; tokens need at least one resource to be for");
    }
    (!found.is_empty()).then_some(found)
}

fn resource(table: Table<'_>, issuer: &Issuer) -> Option<Resource> {
    let identifier = table.required("identifier").and_then(|item| {
        let text = item.text()?.replace("{issuer}", issuer.as_str());
        uri(&item, &text)
    });
    let name = table.required("name").and_then(|item| item.sentence());
    let documentation = table.get("documentation").and_then(|item| uri(&item, item.text()?));
    let algorithm = table.choice(
        "algorithm",
        &Algorithm::ALL.map(|algorithm| (algorithm.as_str(), algorithm)),
    );
    let lifetime = table.duration("access_token", LIVES_MIN..=LIVES_MAX);
    let clients = table
        .get("introspection_clients")
        .and_then(|item| item.set(CLIENTS_MAX, client_id));
    table.finish();
    Some(Resource {
        identifier: identifier?,
        name: name?,
        documentation,
        algorithm: algorithm.unwrap_or(Algorithm::EdDsa),
        access_token_lifetime: lifetime.unwrap_or(ACCESS_TOKEN),
        introspection_clients: clients.unwrap_or_default(),
    })
}

/// RFC 8707 §2: absolute and without fragment. A query or another spelling of the same URI would only be missed when
/// compared, so they are refused as well.
pub(super) fn uri(item: &Item<'_>, text: &str) -> Option<String> {
    match judge_uri(text) {
        Ok(()) => Some(text.to_owned()),
        Err(why) => item.refuse(text, format_args!("which {why}")),
    }
}

fn judge_uri(text: &str) -> Result<(), String> {
    if text.len() > URI_BYTES_MAX {
        return Err(format!("is longer than {URI_BYTES_MAX} bytes"));
    }
    let url = Url::parse(text).map_err(|why| format!("is no absolute URI: {why}"))?;
    judge_origin(&url)?;
    if url.fragment().is_some() || url.query().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("must have no query, no fragment and no credentials".to_owned());
    }
    let normal = url.as_str();
    if normal != text && normal.strip_suffix('/') != Some(text) {
        return Err(format!("is not in its normal form; write {normal:?}"));
    }
    Ok(())
}

/// RFC 6749 appendix A.1, one at least.
fn client_id(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    if !(1..=128).contains(&text.len()) || !text.bytes().all(|b| matches!(b, 0x21..=0x7e)) {
        return item.refuse(text, "which is no client id");
    }
    Some(text.to_owned())
}
