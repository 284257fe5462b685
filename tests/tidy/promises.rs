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
    for row in tree
        .manifest_text(DOCUMENT)
        .lines()
        .filter(|line| line.ends_with("` |"))
    {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let tests: Vec<&str> = cells[cells.len() - 1].split('`').skip(1).step_by(2).collect();
        for test in &tests {
            if !names.contains(test) {
                found.push(format!("{DOCUMENT}: there is no test `{test}`"));
            }
            listed.insert(*test);
        }
        for failure in cells[0].split(", ") {
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
    let mut names = BTreeSet::new();
    for file in &tree.files {
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
