//! Files that an operator writes, or whoever they copied them from.

use grantd::config::{Config, Overrides, tree};
use grantd::platform::manifest::read;
use std::path::Path;
use tempfile::TempDir;

thread_local! {
    static DIRECTORY: TempDir = tempfile::tempdir().expect("a temporary directory");
}

/// Both notations that files are written in.
pub fn tree(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for errors in [tree::parse_toml(text).err(), tree::parse_json(text).err()]
        .into_iter()
        .flatten()
    {
        told(errors.iter().map(|(_, what)| what.as_str()));
    }
}

/// The description of an app, as a file and as the body of a call.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for errors in [read::toml("app.toml", text).err(), read::json(text).err()]
        .into_iter()
        .flatten()
    {
        told(errors.iter().map(String::as_str));
    }
}

/// All of `grantd.toml`.
pub fn config(data: &[u8]) {
    DIRECTORY.with(|directory| {
        let file = directory.path().join("grantd.toml");
        std::fs::write(&file, data).expect("written");
        load(Some(&file), Path::new("/nonexistent/grantd"));
    });
}

/// The first byte says which file of the profile the rest is.
pub fn profile(data: &[u8]) {
    const FILES: [&str; 3] = ["profile.toml", "scopes.json", "routes.json"];
    let Some((which, text)) = data.split_first() else {
        return;
    };
    DIRECTORY.with(|directory| {
        let folder = directory.path().join("profiles/default");
        std::fs::create_dir_all(&folder).expect("made");
        let file = folder.join(FILES[usize::from(*which) % FILES.len()]);
        std::fs::write(&file, text).expect("written");
        load(None, directory.path());
        std::fs::remove_file(&file).expect("removed");
    });
}

fn load(file: Option<&Path>, data_dir: &Path) {
    let overrides = Overrides {
        data_dir: Some(data_dir.to_owned()),
        ..Overrides::default()
    };
    match Config::load(file, &overrides) {
        Ok(config) => {
            assert!(!config.listen.is_empty());
            let _ = config.warnings();
            let routes = config.read_routes();
            assert_eq!(
                routes.ok().as_ref(),
                Some(&config.routes),
                "the same file is the same routes"
            );
            assert!(serde_json::to_string(&config).is_ok(), "it can be shown");
        }
        Err(errors) => told(errors.0.iter().map(String::as_str)),
    }
}

/// Something is said, a line each.
fn told<'a>(sentences: impl Iterator<Item = &'a str>) {
    let sentences: Vec<_> = sentences.collect();
    assert!(
        !sentences.is_empty() && sentences.iter().all(|s| !s.is_empty()),
        "{sentences:?}"
    );
}
