//! What the rules look at: the package on disk, or a small one made up by a sample.

use crate::files;
use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub struct Tree {
    /// `src`, `tests` and `benches`; folders with a Cargo.toml of their own are other packages.
    pub files: Vec<Source>,
    /// Paths of the shipped files under `data`.
    pub data: Vec<String>,
    /// Cargo.toml, Cargo.lock, deny.toml and the document that rules are held against.
    manifests: BTreeMap<String, String>,
}

const MANIFESTS: [&str; 5] = [
    "Cargo.toml",
    "Cargo.lock",
    "deny.toml",
    "docs/contract-makecrypto.md",
    "docs/threat-model.md",
];

impl Tree {
    pub fn read() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        for folder in ["src", "tests", "benches", "data"] {
            walk(&root, &root.join(folder), &mut all);
        }
        all.extend(MANIFESTS.map(str::to_owned));
        let read = |path: &String| {
            // Binary data files (images) have no text a rule could read.
            let bytes = std::fs::read(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
            String::from_utf8(bytes).unwrap_or_default()
        };
        let all: Vec<(String, String)> = all.iter().map(|path| (path.clone(), read(path))).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        Self::of(&all)
    }

    /// A tree of these (path, text).
    pub fn of(all: &[(&str, &str)]) -> Self {
        let mut tree = Self {
            files: Vec::new(),
            data: Vec::new(),
            manifests: BTreeMap::new(),
        };
        for (path, text) in all {
            if MANIFESTS.contains(path) {
                tree.manifests.insert((*path).into(), (*text).into());
            } else if path.starts_with("data/") {
                tree.data.push((*path).into());
            } else if path.ends_with(".rs") {
                tree.files.push(Source::new(path, text));
            }
        }
        tree
    }

    pub fn src(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|f| f.path.starts_with("src/"))
    }

    /// Sources that ship, with the test whether a place in them does.
    pub fn production(&self) -> impl Iterator<Item = (&Source, impl Fn(usize) -> bool)> {
        let test_only: BTreeSet<&str> = files::test_only(self);
        self.src()
            .filter(move |f| !test_only.contains(f.path.as_str()))
            .map(|f| (f, move |at: usize| !f.is_test_code(at)))
    }

    pub fn manifest_text(&self, name: &str) -> &str {
        self.manifests.get(name).map_or("", String::as_str)
    }

    pub fn manifest(&self, name: &str) -> toml::Table {
        self.manifest_text(name)
            .parse()
            .unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    // What a run leaves behind is ignored by git, not shipped.
    const LEFT_BY_RUNS: [&str; 5] = [
        "data/store",
        "data/backup",
        "data/secret",
        "tests/clients",
        "tests/browser",
    ];
    let relative = |path: &Path| {
        let path = path.strip_prefix(root).expect("everything walked lies in the package");
        path.to_string_lossy().replace('\\', "/")
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.map(|e| e.expect("the folder can be read").path()).collect();
    entries.sort();
    if entries
        .iter()
        .any(|e| e.file_name().is_some_and(|name| name == "Cargo.toml"))
    {
        return;
    }
    for entry in entries {
        let path = relative(&entry);
        if LEFT_BY_RUNS.contains(&path.as_str()) {
            continue;
        }
        if entry.is_dir() {
            walk(root, &entry, found);
        } else {
            found.push(path);
        }
    }
}
