//! What the checklists promise: one test for each of their lines, which bears its code in its name.
//!
//! `docs/threat-model.md` has the table of past failures of other servers. Both directions are judged: what stands in
//! it is tested, and what is tested stands in it.

use crate::tree::Tree;
use std::collections::BTreeSet;

const DOCUMENT: &str = "docs/threat-model.md";

/// Letter of each section of the protocol checklist, and how many lines it has.
const SECTIONS: [(char, usize); 9] = [
    ('o', 33),
    ('b', 11),
    ('f', 9),
    ('d', 9),
    ('p', 4),
    ('r', 4),
    ('i', 2),
    ('v', 1),
    ('m', 8),
];

/// Lines that wait for a part of the server that is not there yet: see `tests/protocol/main.rs`.
const LATER: [&str; 1] = ["m6"];

pub fn lines(tree: &Tree) -> Vec<String> {
    let names = functions(tree);
    let codes: BTreeSet<&str> = names.iter().flat_map(|name| codes(name)).collect();
    let all = SECTIONS
        .iter()
        .flat_map(|(letter, count)| (1..=*count).map(move |at| format!("{letter}{at}")));
    all.filter(|code| codes.contains(code.as_str()) == LATER.contains(&code.as_str()))
        .map(|code| {
            if LATER.contains(&code.as_str()) {
                format!("line {code} of the checklist has a test: take it out of LATER")
            } else {
                format!("line {code} of the checklist has no test: no name begins with {code}_")
            }
        })
        .collect()
}

pub fn failures_elsewhere(tree: &Tree) -> Vec<String> {
    let names = functions(tree);
    let mut found = Vec::new();
    let mut listed = BTreeSet::new();
    for (failures, tests) in rows(tree.manifest_text(DOCUMENT)) {
        for test in &tests {
            if !names.contains(test) {
                found.push(format!("{DOCUMENT}: there is no test `{test}`"));
            }
            listed.insert(*test);
        }
        for failure in failures.split(", ") {
            let code = format!("_{}_", code_of(failure));
            if !tests.iter().any(|test| format!("_{test}_").contains(&code)) {
                found.push(format!("{DOCUMENT}: no test of {failure} has it in its name"));
            }
        }
    }
    if listed.is_empty() {
        found.push(format!("{DOCUMENT}: the table of past failures is gone"));
    }
    let tested = names.iter().filter(|name| without_codes(name).starts_with("past_"));
    let unlisted = tested.filter(|name| !listed.contains(*name));
    found.extend(unlisted.map(|name| format!("{DOCUMENT}: `{name}` is missing from the table")));
    found
}

/// The facts of the contract, section by section: how many each has.
const CONTRACT: &str = "docs/contract-makecrypto.md";
const FACTS: [usize; 8] = [13, 5, 8, 21, 7, 9, 10, 9];

/// Each fact of the contract has a test, and each test of installations a fact.
pub fn contract(tree: &Tree) -> Vec<String> {
    let names = functions(tree);
    let rows = rows(tree.manifest_text(CONTRACT));
    let mut found = Vec::new();
    let facts: Vec<&str> = rows.iter().map(|(fact, _)| *fact).collect();
    let expected = FACTS
        .iter()
        .enumerate()
        .flat_map(|(section, count)| (1..=*count).map(move |at| format!("{section}.{at}")));
    let expected: Vec<String> = expected.collect();
    if facts != expected {
        found.push(format!("{CONTRACT}: its facts are {facts:?} and not {expected:?}"));
    }
    let listed: BTreeSet<&str> = rows.iter().flat_map(|(_, tests)| tests.iter().copied()).collect();
    let gone = listed.iter().filter(|test| !names.contains(*test));
    found.extend(gone.map(|test| format!("{CONTRACT}: there is no test `{test}`")));
    let of_installations = functions_under(tree, "tests/")
        .into_iter()
        .filter(|name| without_codes(name).starts_with("native_"));
    let unlisted = of_installations.filter(|name| !listed.contains(name));
    found.extend(unlisted.map(|name| format!("{CONTRACT}: `{name}` is missing from the table")));
    found
}

/// The first cell of each row that ends with the names of tests, and the names.
fn rows(text: &str) -> Vec<(&str, Vec<&str>)> {
    let rows = text.lines().filter(|line| line.ends_with("` |"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0], cells[cells.len() - 1].split('`').skip(1).step_by(2).collect())
    })
    .collect()
}

/// As a name of a test has it: `CVE-2026-1035` is `2026_1035`.
fn code_of(failure: &str) -> String {
    let plain = failure
        .to_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    plain.strip_prefix("cve_").unwrap_or(&plain).to_owned()
}

/// The codes a name begins with.
fn codes(name: &str) -> impl Iterator<Item = &str> {
    name.split('_').take_while(|part| {
        let number = part.strip_prefix(|c: char| c.is_ascii_lowercase());
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn without_codes(name: &str) -> &str {
    let codes: usize = codes(name).map(|code| code.len() + 1).sum();
    name.get(codes..).unwrap_or_default()
}

/// Names of all functions.
fn functions(tree: &Tree) -> BTreeSet<&str> {
    functions_under(tree, "")
}

fn functions_under<'t>(tree: &'t Tree, folder: &str) -> BTreeSet<&'t str> {
    let mut names = BTreeSet::new();
    for file in tree.files.iter().filter(|file| file.path.starts_with(folder)) {
        let tokens = file.tokens();
        names.extend(
            tokens
                .windows(2)
                .filter(|pair| pair[0].text == "fn")
                .map(|pair| pair[1].text),
        );
    }
    names
}
