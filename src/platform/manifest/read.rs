//! Reads the file: TOML on disk, JSON in a call. Every mistake is told at once, an unknown key with the nearest one
//! that is known.

use super::{Manifest, Name};
use crate::config::reader::{Item, Problems, Table};
use crate::config::tree::{self, Node};
use crate::model::app::{ClientType, KEY_BYTES_MAX, Kind, REDIRECT_URIS_MAX};
use crate::model::dossier::STAKEHOLDERS_MAX;
use crate::platform::apps::DetailsChange;
use crate::platform::apps::scopes::Wish;

const SCOPES_MAX: usize = 256;

/// The file's own name for its app, and what it says of it. `label` is what sentences call the file.
pub fn toml(label: &str, text: &str) -> Result<(Name, Manifest), Vec<String>> {
    let node = tree::parse_toml(text).map_err(|errors| sentences(label, errors))?;
    let problems = Problems::default();
    let read = Table::root(label, &node, &problems).and_then(|table| {
        let name = name(&table);
        let manifest = manifest(table);
        Some((name?, manifest?))
    });
    finished(read, problems)
}

/// What a call says of the app that its address names.
pub fn json(text: &str) -> Result<Manifest, Vec<String>> {
    const LABEL: &str = "the manifest";
    let node: Node = tree::parse_json(text).map_err(|errors| sentences(LABEL, errors))?;
    let problems = Problems::default();
    let read = Table::root(LABEL, &node, &problems).and_then(manifest);
    finished(read, problems)
}

fn finished<T>(read: Option<T>, problems: Problems) -> Result<T, Vec<String>> {
    let sentences = problems.into_sentences();
    match read {
        Some(read) if sentences.is_empty() => Ok(read),
        _ => Err(sentences),
    }
}

fn sentences(label: &str, errors: Vec<tree::SyntaxError>) -> Vec<String> {
    let sentence = |(line, what): (Option<usize>, String)| match line {
        Some(line) => format!("{label} line {line} cannot be read: {what}"),
        None => format!("{label} cannot be read: {what}"),
    };
    errors.into_iter().map(sentence).collect()
}

fn name(table: &Table<'_>) -> Option<Name> {
    match (table.get("key"), table.get("client_id")) {
        (Some(key), None) => {
            let text = key.text()?;
            let name = Name::of(text).filter(|name| matches!(name, Name::Key(_)));
            let rule = format!("but must be 1 to {KEY_BYTES_MAX} of a-z, 0-9 and -, and not begin with -");
            name.or_else(|| key.refuse(text, rule))
        }
        (None, Some(id)) => {
            let text = id.text()?;
            let name = Name::of(text).filter(|name| matches!(name, Name::ClientId(_)));
            name.or_else(|| id.refuse(text, "which is no client_id"))
        }
        (Some(_), Some(id)) => {
            id.complain("stands beside `key`: the file names its app by one of them");
            None
        }
        (None, None) => {
            table.required("key");
            None
        }
    }
}

/// `None` where something cannot stand, which is told.
fn manifest(table: Table<'_>) -> Option<Manifest> {
    let kinds = [("private", Kind::Private), ("public", Kind::Public)];
    let kind = table.required("kind").and_then(|item| item.choice(&kinds));
    let types = [
        ("confidential", ClientType::Confidential),
        ("public", ClientType::Public),
    ];
    let client_type = table.choice("client_type", &types);
    let text = |key| table.get(key).and_then(|item| item.text()).map(str::to_owned);
    let list = |key, most| table.get(key).and_then(|item| texts(&item, most));
    let details = DetailsChange {
        name: text("name"),
        company: text("company"),
        website: text("website"),
        support: text("support"),
        privacy_policy: text("privacy_policy"),
        terms: text("terms"),
        redirect_uris: list("redirect_uris", REDIRECT_URIS_MAX),
        dedicated_user: text("dedicated_user"),
        stakeholders: list("stakeholders", STAKEHOLDERS_MAX),
    };
    let scopes = table.table("scopes").map(wishes);
    table.finish();
    Some(Manifest {
        kind: kind?,
        client_type,
        details,
        scopes,
    })
}

fn texts(item: &Item<'_>, most: usize) -> Option<Vec<String>> {
    item.set(most, |item| item.text().map(str::to_owned))
}

fn wishes(table: Table<'_>) -> Vec<Wish> {
    let wish = |(scope, item): (&str, Item<'_>)| {
        let why = item.text()?.to_owned();
        let scope = scope.to_owned();
        Some(Wish { scope, why })
    };
    table.members().take(SCOPES_MAX).filter_map(wish).collect()
}
