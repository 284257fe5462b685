//! Which module may name which: from the left of LAYERS to its right, never back.

use crate::source::{Path, Source, end_of_item};
use crate::tree::Tree;

/// From left to right; those of one row never name each other.
const LAYERS: [&[&str]; 13] = [
    &["main"],
    &["cli"],
    &["app"],
    &["api", "portal", "gateway", "sandbox", "jobs", "control"],
    &["web"],
    &["platform"],
    &["oauth"],
    &["account"],
    &["context"],
    &["config"],
    &["model"],
    &["store"],
    &["base"],
];

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&layer))
}

/// `src/web/limiter.rs` → `["web", "limiter"]`.
fn module(path: &str) -> Vec<&str> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut segments: Vec<&str> = path.split('/').collect();
    if matches!(segments.last(), Some(&("mod" | "lib"))) {
        segments.pop();
    }
    segments
}

/// The path from the crate's root on; `None` for what lies outside the crate.
fn from_root<'a>(module: &[&'a str], path: &Path<'a>) -> Option<Vec<&'a str>> {
    let supers = path.segments.iter().take_while(|s| **s == "super").count();
    let (mut base, rest) = match path.segments[0] {
        "crate" | "grantd" => (Vec::new(), &path.segments[1..]),
        "self" => (module.to_vec(), &path.segments[1..]),
        "super" => (
            module[..module.len().saturating_sub(supers)].to_vec(),
            &path.segments[supers..],
        ),
        _ => return None,
    };
    base.extend(rest);
    Some(base)
}

pub fn imports(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in tree.src().filter(|f| f.path != "src/lib.rs") {
        let module = module(&file.path);
        let Some(own_rank) = rank(module[0]) else {
            found.push(format!(
                "{}: `{}` has no place in LAYERS of tests/tidy/layers.rs",
                file.path, module[0]
            ));
            continue;
        };
        for path in file.paths() {
            let Some(target) = from_root(&module, &path) else {
                continue;
            };
            let Some(target) = target.first() else {
                found.push(file.complaint(path.at, "names the whole crate: name the module that is meant"));
                continue;
            };
            if *target == "*" {
                found.push(file.complaint(path.at, "imports the whole crate: name the module that is meant"));
            }
            match rank(target) {
                Some(to) if to < own_rank => found.push(file.complaint(
                    path.at,
                    format!(
                        "`{}` names `{target}`, which stands to its left: move what both need rightwards",
                        module[0]
                    ),
                )),
                Some(to) if to == own_rank && *target != module[0] => found.push(file.complaint(
                    path.at,
                    format!("`{}` and `{target}` are siblings and never name each other", module[0]),
                )),
                _ => {}
            }
        }
    }
    found
}

/// `lib.rs` holds the map: documentation and `mod` declarations, nothing that could run.
pub fn declarations(tree: &Tree) -> Vec<String> {
    tree.files
        .iter()
        .filter(|f| f.path == "src/lib.rs")
        .flat_map(undeclared)
        .collect()
}

fn undeclared(lib: &Source) -> Vec<String> {
    let tokens = lib.tokens();
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let end = end_of_item(&tokens, i);
        let item: Vec<&str> = tokens[i..end].iter().map(|t| t.text).collect();
        // Attributes stand before their item and hold no `;`.
        let after_attributes = item.iter().rposition(|t| *t == "]").map_or(0, |n| n + 1);
        if !matches!(item[after_attributes..], ["pub", "mod", _, ";"] | ["mod", _, ";"]) {
            found.push(lib.complaint(tokens[i].at, "lib.rs only declares modules: move this into one"));
        }
        i = end;
    }
    found
}
