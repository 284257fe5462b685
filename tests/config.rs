//! The configuration: what is accepted, and the sentence for everything that is not.

use grantd::config::{Algorithm, Config, DEFAULT_FILE, IdType, Overrides, Pkce, Role, Scheme, TlsFiles};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A directory with files, and what loading its `grantd.toml` gives.
struct Place(TempDir);

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn load_with(&self, overrides: &Overrides) -> Result<Config, String> {
        let prefix = format!("{}/", self.path().display());
        let loaded = Config::load(Some(&self.path().join("grantd.toml")), overrides);
        loaded.map_err(|errors| errors.to_string().replace(&prefix, ""))
    }

    fn load(&self) -> Result<Config, String> {
        self.load_with(&Overrides::default())
    }
}

fn load(text: &str) -> Result<Config, String> {
    Place::with(&[("grantd.toml", text)]).load()
}

/// A profile of its own named `p`.
fn load_profile(settings: &str, scopes: &str) -> Result<Config, String> {
    let files = [
        ("grantd.toml", "profile = \"p\""),
        ("data/profiles/p/profile.toml", settings),
        ("data/profiles/p/scopes.json", scopes),
    ];
    Place::with(&files).load()
}

const ONE_SCOPE: &str = r#"{"scopes":[{"name":"a","title":"A","sentence":"A.","risk":"low","roles":["owner"]}]}"#;

#[track_caller]
fn refused(text: &str, sentences: &str) {
    assert_eq!(load(text).expect_err("was accepted"), sentences, "for {text}");
}

#[test]
fn show() {
    for t in [
        "lisen = []",
        "issuer = 1\nlisten = \"x\"\nkeys = 3\nkeys.x=1",
        "issuer = 1\nlisten = \"x\"\nkeys = 3\n[tls]\n[log]\nlevl=1\n\n[[resources]]\nidentifer=1",
        "issuer = \"https://x.example/\"",
        "issuer = \"http://x.example\"",
        "issuer = \"https://x.example:443\"\nlisten=[\"http://0.0.0.0:80\", \"https://localhost:1\", \"https://127.0.0.1:8\", \"https://127.0.0.1:8\"]",
        "[keys]\nrotate_after=\"1d\"\npublish_before=\"1d\"\nzzzzzzz=1",
        "[keys]\nrotate_after=\"1w\"\npublish_before=90",
        "[keys]\nrotate_after=\"1h\"\npublish_before=\"+90d\"",
        "profile = \"../etc\"",
        "profile = \"mokapn\"",
        "resources = []",
        "x = [[[",
        "a = \"b\nc=",
        "\u{0}",
        "[[resources]]\nidentifier=\"{issuer}/api#x\"\nname=\"\"\nalgorithm=\"EDDSA\"\naccess_token=\"400d\"\nintrospection_clients=[\"a\",\"a\",3,\"\"]",
        "[[resources]]\nidentifier=\"{issuer}/api\"\nname=\"a\"\naccess_token=\"400d\"",
        "zzzzzzzzzzzz=1\n[log]\nzzzzzzzzzzzzzz=1\n[tls]\nzzzzzzzzzzzzz=1",
    ] {
        println!("--- {t}\n{}", load(t).map(|c| format!("{c:?}")).unwrap_or_else(|e| e));
    }
    let deep = format!("x = {}", "[".repeat(100_000));
    println!("{}", load(&deep).unwrap_err());
    for (a, b) in [
        ("nou = 3\nids=\"number\"\nprefix=\"Abc\"\npkce=true", ONE_SCOPE),
        ("noun={singular=\"client\",plural=\"X\"}", "{"),
        (
            "",
            r#"{"scopes":[{"name":"a b","title":"A","sentence":"A.","risk":"lo","role":["owner"]}]}"#,
        ),
        (
            "",
            r#"{"scopes":[{"name":"a","title":"A","title":"A","risk":"low","roles":["owner"]}]}"#,
        ),
        (
            "",
            r#"{"scopes":[{"name":"a","title":"A","sentence":"A.","risk":"low","roles":["admin"], "implies":["b"]},{"name":"a","title":"A","sentence":"A.","risk":"low","roles":["owner"],"implies":["a"]}]}"#,
        ),
        (
            "[lifetimes]\ncode=\"11m\"\nrefresh_idle=\"4d\"\nrefresh_absolute=\"3d\"\n[authorize]\nrequire=[\"scop\"]\nstate_chars_min=-1",
            r#"{"scopes":[]}"#,
        ),
        ("", "[]"),
        ("", "{\"scpes\":null}"),
    ] {
        println!(
            "--- {a} {b}\n{}",
            load_profile(a, b).map(|c| format!("{c:?}")).unwrap_or_else(|e| e)
        );
    }
}
