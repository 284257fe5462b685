//! Files nothing reaches.

use crate::source::{Source, Token};
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

pub fn dead_sources(tree: &Tree) -> Vec<String> {
    let live = reached(tree, true);
    let dead = tree.files.iter().filter(|f| !live.contains(f.path.as_str()));
    dead.map(|f| format!("{}: no `mod` declaration reaches it: declare it, or delete it", f.path))
        .collect()
}

/// Sources that are reached through `#[cfg(test)]` alone.
pub fn test_only(tree: &Tree) -> BTreeSet<&str> {
    let ships = reached(tree, false);
    reached(tree, true)
        .into_iter()
        .filter(|path| !ships.contains(path))
        .collect()
}

/// Shipped files that no source embeds are found by nobody: the program has to run from an empty folder.
pub fn dead_data(tree: &Tree) -> Vec<String> {
    let unused = tree
        .data
        .iter()
        .filter(|path| !tree.src().any(|f| f.text.contains(path.as_str())));
    unused
        .map(|path| format!("{path}: no file in src embeds it: embed it, or delete it"))
        .collect()
}

fn reached(tree: &Tree, with_tests: bool) -> BTreeSet<&str> {
    let by_path: BTreeMap<&str, &Source> = tree.files.iter().map(|f| (f.path.as_str(), f)).collect();
    let roots = roots(tree);
    let mut open: Vec<&Source> = tree.files.iter().filter(|f| roots.contains(&f.path)).collect();
    let mut live = BTreeSet::new();
    while let Some(file) = open.pop() {
        if live.insert(file.path.as_str()) {
            let declared = children(file, roots.contains(&file.path), with_tests);
            open.extend(declared.iter().filter_map(|path| by_path.get(path.as_str()).copied()));
        }
    }
    live
}

/// What Cargo compiles by itself: library, binary, and every test and bench target.
fn roots(tree: &Tree) -> BTreeSet<String> {
    let manifest = tree.manifest("Cargo.toml");
    let mut roots: BTreeSet<String> = ["src/lib.rs".into(), "src/main.rs".into()].into();
    for (kind, folder, automatic) in [("test", "tests", "autotests"), ("bench", "benches", "autobenches")] {
        let package = manifest.get("package").and_then(|p| p.get(automatic));
        if package.and_then(|v| v.as_bool()).unwrap_or(true) {
            let top = |path: &&Source| {
                let inner = path.path.strip_prefix(folder).and_then(|p| p.strip_prefix('/'));
                inner.is_some_and(|p| !p.contains('/') || (p.ends_with("/main.rs") && p.matches('/').count() == 1))
            };
            roots.extend(tree.files.iter().filter(top).map(|f| f.path.clone()));
        }
        for target in manifest.get(kind).and_then(|t| t.as_array()).into_iter().flatten() {
            let text = |name| target.get(name).and_then(|v| v.as_str()).map(str::to_owned);
            roots.extend(text("path").or_else(|| Some(format!("{folder}/{}.rs", text("name")?))));
        }
    }
    roots
}

/// The files the `mod name;` declarations of `file` may mean.
fn children(file: &Source, is_root: bool, with_tests: bool) -> Vec<String> {
    let (folder, name) = file.path.rsplit_once('/').expect("sources lie in folders");
    let inner = match name {
        _ if is_root => folder.to_owned(),
        "mod.rs" => folder.to_owned(),
        name => format!("{folder}/{}", name.trim_end_matches(".rs")),
    };
    let tokens = file.tokens();
    let mut found = Vec::new();
    for (i, window) in tokens.windows(3).enumerate() {
        let is_declaration = window[0].text == "mod" && window[2].text == ";";
        if is_declaration && (with_tests || !file.is_test_code(window[0].at)) {
            match path_attribute(file, &tokens[..i]) {
                Some(path) => found.push(format!("{folder}/{path}")),
                None => found.extend(["", "/mod"].map(|end| format!("{inner}/{}{end}.rs", window[1].text))),
            }
        }
    }
    found
}

/// The file named by a `#[path = "…"]` that ends just before a `mod` or `pub mod`.
fn path_attribute<'a>(file: &'a Source, before: &[Token]) -> Option<&'a str> {
    let is_public = before.last().is_some_and(|t| t.text == "pub");
    let before = &before[..before.len() - usize::from(is_public)];
    let attribute = before
        .last_chunk::<5>()
        .filter(|a| a.map(|t| t.text) == ["#", "[", "path", "=", "]"])?;
    file.text[attribute[3].at..attribute[4].at].split('"').nth(1)
}
