//! Reads `scopes.json`, the scope catalog of a profile.

use super::pages;
use super::reader::{Item, Problems, Table};
use super::tree::Node;
use super::{Risk, Role, Scope, ScopeCatalog};
use crate::model::scope::{SCOPE_TOKEN, is_scope_token};

const SCOPES_MAX: usize = 256;
/// What the scopes of `platform::rights` begin with.
const RESERVED: &str = "grantd:";

/// `None` when it cannot stand; `label` names the file.
pub(super) fn read(label: &str, tree: &Node, problems: &Problems) -> Option<ScopeCatalog> {
    let table = Table::root(label, tree, problems)?;
    let list = table.required("scopes");
    table.finish();
    let list = list?;
    let items = list.list(SCOPES_MAX)?;
    let count = items.len();
    let scopes: Vec<Scope> = items.iter().filter_map(Item::table).filter_map(scope).collect();
    if count == 0 {
        list.complain("is empty; an API without scopes has nothing to grant");
    }
    if scopes.len() < count || count == 0 {
        return None;
    }
    ScopeCatalog::new(scopes)
        .map_err(|faults| {
            faults
                .into_iter()
                .for_each(|fault| problems.add(format!("{label}: {fault}")))
        })
        .ok()
}

fn scope(table: Table<'_>) -> Option<Scope> {
    let text = |key| table.required(key).and_then(|item| item.sentence());
    let name = table.required("name").and_then(|item| scope_name(&item));
    let (title, sentence) = (text("title"), text("sentence"));
    let sentence_in = table.table("sentence_in").map_or_else(Vec::new, translations);
    let risks = [("low", Risk::Low), ("medium", Risk::Medium), ("high", Risk::High)];
    let risk = table.required("risk").and_then(|item| item.choice(&risks));
    let roles = table.required("roles").and_then(|item| {
        let choices = Role::ALL.map(|role| (role.as_str(), role));
        item.set(choices.len(), |item| item.choice(&choices))
    });
    let implies = table.get("implies").map(|item| item.set(SCOPES_MAX, scope_name));
    table.finish();
    Some(Scope {
        name: name?,
        title: title?,
        sentence: sentence?,
        sentence_in,
        risk: risk?,
        roles: roles?,
        implies: implies.unwrap_or(Some(Vec::new()))?,
    })
}

/// In languages that the pages have, besides the first, which `sentence` is in.
fn translations(table: Table<'_>) -> Vec<(String, String)> {
    let in_language = |language| Some((String::from(language), table.get(language)?.sentence()?));
    let found = pages::languages().skip(1).filter_map(in_language).collect();
    table.finish();
    found
}

fn scope_name(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    if !is_scope_token(text) {
        return item.refuse(text, format_args!("which is no {SCOPE_TOKEN}"));
    }
    if text.starts_with(RESERVED) {
        return item.refuse(
            text,
            format_args!("but `{RESERVED}…` are scopes of this server's own API"),
        );
    }
    Some(text.to_owned())
}
