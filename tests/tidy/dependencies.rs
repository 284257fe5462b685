//! Every crate has a reason and a use; unmaintained ones come only the way deny.toml allows.

use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// A comment above the line, or above the block of lines it stands in.
pub fn reasons(tree: &Tree) -> Vec<String> {
    let (mut section, mut has_reason) = (String::new(), false);
    let mut found = Vec::new();
    for (i, line) in tree.manifest_text("Cargo.toml").lines().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            has_reason = false;
        } else if line.trim().is_empty() {
            has_reason = false;
        } else if line.starts_with('#') {
            has_reason = true;
        } else if SECTIONS.iter().any(|s| section.ends_with(s)) && line.contains(" = ") && !has_reason {
            found.push(format!(
                "Cargo.toml:{}: say above it why this crate is needed: {line}",
                i + 1
            ));
        }
    }
    found
}

pub fn uses(tree: &Tree) -> Vec<String> {
    let everywhere: BTreeSet<&str> = tree
        .files
        .iter()
        .flat_map(|f| f.paths())
        .map(|p| p.segments[0])
        .collect();
    let mut shipped = BTreeSet::new();
    for (file, ships) in tree.production() {
        shipped.extend(file.paths().into_iter().filter(|p| ships(p.at)).map(|p| p.segments[0]));
    }
    let manifest = tree.manifest("Cargo.toml");
    let mut found = Vec::new();
    for (section, name) in SECTIONS
        .iter()
        .flat_map(|s| names(&manifest, s).into_iter().map(move |n| (*s, n)))
    {
        let path = name.replace('-', "_");
        if !everywhere.contains(path.as_str()) {
            found.push(format!("Cargo.toml: nothing names `{path}`: take the crate out"));
        } else if section == "dependencies" && !shipped.contains(path.as_str()) {
            found.push(format!(
                "Cargo.toml: only tests name `{path}`: it belongs under [dev-dependencies]"
            ));
        }
    }
    found
}

fn names(manifest: &toml::Table, section: &str) -> Vec<String> {
    let tables = manifest.get(section).and_then(|s| s.as_table());
    tables.into_iter().flat_map(|t| t.keys().cloned()).collect()
}

/// deny.toml bans a known unmaintained crate except under the parents it names (`wrappers`). cargo-deny checks the same
/// in the full run; this needs no tool, and also notices when an entry has outlived its crate.
pub fn unmaintained(tree: &Tree) -> Vec<String> {
    let deny = tree.manifest("deny.toml");
    let parents = parents(&tree.manifest("Cargo.lock"));
    let entries = |table: &str, list: &str| -> Vec<toml::Value> {
        let list = deny.get(table).and_then(|t| t.get(list)).and_then(|l| l.as_array());
        list.cloned().unwrap_or_default()
    };
    let text =
        |entry: &toml::Value, name: &str| entry.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let mut found = Vec::new();
    let mut wrapped = BTreeSet::new();
    for ban in entries("bans", "deny") {
        let name = text(&ban, "crate");
        if text(&ban, "reason").is_empty() {
            found.push(format!("deny.toml: the ban of `{name}` has no reason"));
        }
        let Some(wrappers) = ban.get("wrappers").and_then(|w| w.as_array()) else {
            continue;
        };
        match parents.get(&name) {
            None => found.push(format!(
                "deny.toml: `{name}` is no longer in Cargo.lock: take its entry out"
            )),
            Some(parents) => found.extend(
                parents
                    .iter()
                    .filter(|parent| !wrappers.iter().any(|w| w.as_str() == Some(parent)))
                    .map(|parent| format!("deny.toml: `{parent}` brings in `{name}`, which no reason allows")),
            ),
        }
        wrapped.insert(name);
    }
    for ignored in entries("advisories", "ignore") {
        let (id, reason) = (text(&ignored, "id"), text(&ignored, "reason"));
        let name = reason.split(':').next().unwrap_or_default();
        if id.is_empty() || !wrapped.contains(name) {
            found.push(format!(
                "deny.toml: advisory `{id}` is ignored, but its reason does not begin with `crate: ` for a crate whose \
                 parents are named under [bans]"
            ));
        }
    }
    found
}

/// Every package of Cargo.lock with those that depend on it.
fn parents(lock: &toml::Table) -> BTreeMap<String, BTreeSet<String>> {
    let mut parents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock.get("package").and_then(|p| p.as_array()).into_iter().flatten() {
        let name = package.get("name").and_then(|n| n.as_str()).unwrap_or_default();
        parents.entry(name.into()).or_default();
        for dependency in package
            .get("dependencies")
            .and_then(|d| d.as_array())
            .into_iter()
            .flatten()
        {
            // `name`, or `name version` where there are several.
            let child = dependency
                .as_str()
                .and_then(|d| d.split(' ').next())
                .unwrap_or_default();
            parents.entry(child.into()).or_default().insert(name.into());
        }
    }
    parents
}
