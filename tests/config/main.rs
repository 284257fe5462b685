//! The configuration: what is accepted, and the sentence for everything that is not.

mod acme;
mod mail;
mod native_templates;
mod platform_rules;
mod profile_files;
mod profiles;
mod sandbox_files;
mod values;
mod watching;
mod webhooks;

use grantd::config::{Config, DEFAULT_FILE, LogLevel, Overrides};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What loading a `grantd.toml` of this text gives, and the directory it stood in.
fn load_with(text: &str, overrides: &Overrides) -> (Result<Config, String>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("grantd.toml");
    fs::write(&path, text).unwrap();
    let prefix = format!("{}/", directory.path().display());
    let loaded = Config::load(Some(&path), overrides).map_err(|errors| errors.to_string().replace(&prefix, ""));
    (loaded, directory)
}

fn load(text: &str) -> Result<Config, String> {
    load_with(text, &Overrides::default()).0
}

#[track_caller]
fn accepted(text: &str) -> Config {
    load(text).unwrap_or_else(|problems| panic!("{text}\nwas refused: {problems}"))
}

/// Every sentence, in order.
#[track_caller]
fn refused(text: &str, sentences: &[&str]) {
    let problems = load(text).err().unwrap_or_else(|| panic!("{text}\nwas accepted"));
    assert_eq!(problems.lines().collect::<Vec<_>>(), sentences, "for\n{text}");
}

#[track_caller]
fn overridden(overrides: Overrides) -> Result<Config, String> {
    load_with("", &overrides).0
}

/// Takes the hashes away: of the defaults (`# key = …`), and of the examples (`## key = …`) where asked.
fn uncommented(text: &str, examples: bool) -> String {
    let bare = |line: &str| {
        let is_toml = |rest: &str| {
            let word = rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            rest.starts_with('[') || (word.len() < rest.len() && word.starts_with(" = "))
        };
        match line.strip_prefix("## ") {
            Some(rest) if examples => rest.to_owned(),
            Some(_) => line.to_owned(),
            None => line
                .strip_prefix("# ")
                .filter(|rest| is_toml(rest))
                .unwrap_or(line)
                .to_owned(),
        }
    };
    text.lines().map(bare).collect::<Vec<_>>().join("\n")
}

/// Without one of its sections.
fn without(text: &str, section: &str) -> String {
    let (before, rest) = text.split_once(&format!("\n{section}\n")).expect("the section");
    let (_, after) = rest.split_once("\n[").expect("the next section");
    format!("{before}\n[{after}")
}

#[test]
fn nothing_said_is_a_working_default() {
    let config = Config::load(None, &Overrides::default()).unwrap();
    assert_eq!(config.issuer.as_str(), "https://localhost:8443");
    assert_eq!(
        config.listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["https://127.0.0.1:8443"]
    );
    assert_eq!(config.data_dir, Path::new("data"));
    assert_eq!(config.profile.name, "default");
    assert_eq!(config.tls, None);
    assert_eq!(
        (config.keys.rotate_after, config.keys.publish_before),
        (90 * DAY, 7 * DAY)
    );
    assert_eq!(config.log.level, LogLevel::Info);
    assert_eq!(
        config.profile.default_resource().identifier,
        "https://localhost:8443/api"
    );
}

#[test]
fn the_default_file_says_the_defaults() {
    let text = uncommented(DEFAULT_FILE, false);
    assert!(
        text.lines().any(|line| line.starts_with("issuer = ")),
        "nothing was uncommented:\n{text}"
    );
    let overrides = Overrides {
        data_dir: Some("data".into()),
        ..Overrides::default()
    };
    let said = load_with(&text, &overrides).0.unwrap();
    assert_eq!(said, load_with("", &overrides).0.unwrap());
    assert_eq!(
        said,
        load_with(DEFAULT_FILE, &overrides).0.unwrap(),
        "the file as it is written"
    );
    assert!(text.lines().any(|line| line == "data_dir = \"data\""));
}

#[test]
fn the_default_file_names_every_key() {
    let text = uncommented(DEFAULT_FILE, true);
    // One of both, and for [acme] a host that others reach.
    let of_acme = without(&text, "[tls]").replace("https://localhost:8443", "https://auth.example.com");
    assert!(accepted(&of_acme).acme.is_some(), "the examples are accepted as well");
    let config = accepted(&without(&text, "[acme]"));
    assert!(config.tls.is_some(), "the examples are accepted as well");
    for (table, probe) in [
        ("", ""),
        ("tls.", "[tls]"),
        ("acme.", "[acme]"),
        ("keys.", "[keys]"),
        ("limits.", "[limits]"),
        ("branding.", "[branding]"),
        ("log.", "[log]"),
        ("metrics.", "[metrics]"),
        ("resources[0].", "[[resources]]"),
    ] {
        let problems = load(&format!("{probe}\nxxxxxxxxxxxxxxxx = 1")).unwrap_err();
        let start = format!("unknown key `{table}xxxxxxxxxxxxxxxx` in grantd.toml line 2; known here: ");
        let known = problems
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .unwrap_or_else(|| panic!("{problems}"));
        for key in known.split(", ").map(|key| key.trim_matches('`')) {
            let stands = |line: &str| line.starts_with(&format!("{key} = ")) || line.contains(&format!("[{key}]"));
            assert!(
                text.lines().any(stands),
                "`{table}{key}` is missing in data/grantd.toml"
            );
        }
    }
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    refused(
        "\n\nlisen = []",
        &["unknown key `lisen` in grantd.toml line 3; did you mean `listen`?"],
    );
    refused(
        "[log]\nlevl = 1",
        &["unknown key `log.levl` in grantd.toml line 2; did you mean `log.level`?"],
    );
    refused(
        "Issuer = \"x\"",
        &["unknown key `Issuer` in grantd.toml line 1; did you mean `issuer`?"],
    );
    refused(
        "[keys]\nsomething = 1",
        &["unknown key `keys.something` in grantd.toml line 2; known here: `rotate_after`, `publish_before`"],
    );
    refused(
        "[[resources]]\nidentifier = \"{issuer}/a\"\nname = \"A\"\nalgoritm = \"EdDSA\"",
        &["unknown key `resources[0].algoritm` in grantd.toml line 4; did you mean `resources[0].algorithm`?"],
    );
}

#[test]
fn all_problems_are_told_at_once() {
    refused(
        "issuer = 1\nlisten = \"x\"\nprofile = \"mokapen\"\nkeys = 3\n[tls]\n\
         [[resources]]\nidentifer = 1\nname = \"A\"",
        &[
            "`issuer` in grantd.toml line 1 must be a string, not an integer",
            "`listen` in grantd.toml line 2 must be a list, not a string",
            "`tls.certificate` is missing in grantd.toml line 5",
            "`tls.key` is missing in grantd.toml line 5",
            "`keys` in grantd.toml line 4 must be a table, not an integer",
            "`resources[0].identifier` is missing in grantd.toml line 6",
            "unknown key `resources[0].identifer` in grantd.toml line 7; did you mean `resources[0].identifier`?",
        ],
    );
}

#[test]
fn syntax_errors_name_the_line() {
    refused(
        "\nissuer = \"x",
        &["grantd.toml line 2: invalid basic string, expected `\"`"],
    );
    refused("log = 1\nlog = 2", &["grantd.toml line 2: duplicate key"]);
    assert!(
        load(&format!("x = {}", "[".repeat(100_000))).unwrap_err().len() < 300,
        "a bracket, a sentence"
    );
}

#[test]
fn the_command_line_wins_and_is_judged_alike() {
    let overrides = Overrides {
        issuer: Some("http://127.0.0.1:9".into()),
        data_dir: Some("elsewhere".into()),
        listen: Some(vec!["http://127.0.0.1:9".into()]),
        tls: None,
        profile: Some("mokapen".into()),
    };
    let config = load_with("issuer = \"https://a.example\"\nprofile = \"makecrypto\"", &overrides)
        .0
        .unwrap();
    assert_eq!(config.issuer.as_str(), "http://127.0.0.1:9");
    assert_eq!(config.data_dir, Path::new("elsewhere"));
    assert_eq!(config.profile.name, "mokapen");
    assert_eq!(config.profile.default_resource().identifier, "http://127.0.0.1:9/api");
    let wrong = Overrides {
        issuer: Some("x".into()),
        listen: Some(vec!["y".into()]),
        profile: Some("../z".into()),
        ..Overrides::default()
    };
    assert_eq!(
        overridden(wrong).unwrap_err().lines().collect::<Vec<_>>(),
        [
            "the issuer is \"x\", which is no URL: relative URL without a base",
            "the address to listen on is \"y\", which is no `https://ADDRESS:PORT` with an IP address, such as \
             `https://0.0.0.0:8443` or `https://[::]:8443`",
            "the profile is \"../z\", but a profile's name is 1 to 32 of a-z, 0-9 and -",
        ]
    );
    assert!(
        overridden(Overrides {
            listen: Some(vec![]),
            ..Overrides::default()
        })
        .is_err()
    );
}

#[test]
fn files_that_cannot_be_read_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = directory.path().join(name);
        let problems = Config::load(Some(&path), &Overrides::default())
            .unwrap_err()
            .to_string();
        problems.replace(&format!("{}/", directory.path().display()), "")
    };
    assert_eq!(
        at("grantd.toml"),
        "grantd.toml does not exist; `grantd init` writes one"
    );
    fs::create_dir(directory.path().join("folder")).unwrap();
    assert!(at("folder").starts_with("folder cannot be read: "), "{}", at("folder"));
    fs::write(directory.path().join("latin1"), b"# caf\xe9").unwrap();
    assert!(at("latin1").starts_with("latin1 cannot be read: "), "{}", at("latin1"));
    fs::write(directory.path().join("long"), "#".repeat(1024 * 1024 + 1)).unwrap();
    assert_eq!(at("long"), "long cannot be read: it is longer than 1048576 bytes");
}

#[test]
fn warnings_name_what_deserves_a_second_look() {
    let warned = |text: &str, wanted: &str| {
        let warnings = accepted(text).warnings();
        assert!(
            warnings.iter().any(|warning| warning.starts_with(wanted)),
            "{text}\n{warnings:#?}"
        );
    };
    warned("", "the issuer https://localhost:8443 is this machine");
    warned("", "`tls` is not set: a development certificate is made");
    warned(
        "profile = \"mokapen\"",
        "access tokens for https://localhost:8443/api live 365d",
    );
    warned(
        "listen = [\"http://127.0.0.1:1\"]",
        "no listener speaks https though the issuer is https://localhost:8443",
    );
    warned(
        "issuer = \"http://localhost\"",
        "the issuer is http://localhost but no listener speaks plain http",
    );
    warned(
        "[tls]\ncertificate = \"/no/c\"\nkey = \"/no/k\"",
        "`tls.certificate` names /no/c, which is no file",
    );
    let files = "password_file = \"/no/p\"\nusername = \"a\"\nca_file = \"/no/ca\"";
    let mail = format!("[mail]\nserver = \"smtp.example.com\"\nfrom = \"a@example.com\"\n{files}");
    warned(&mail, "`mail.password_file` names /no/p, which is no file");
    warned(&mail, "`mail.ca_file` names /no/ca, which is no file");
    let unused = "listen = [\"http://127.0.0.1:1\"]\n[tls]\ncertificate = \"c\"\nkey = \"k\"";
    warned(unused, "`tls` is set but no listener speaks https");
    let rs256 = "[[resources]]\nidentifier = \"{issuer}/a\"\nname = \"A\"\nalgorithm = \"RS256\"";
    warned(
        rs256,
        "access tokens for https://localhost:8443/a are signed with RS256",
    );
    let proxied = "issuer = \"https://example.com\"\nlisten = [\"http://127.0.0.1:1\"]";
    warned(proxied, "routes of the API lead to the sandbox");
    let routed = format!("{proxied}\n[gateway]\nupstream = \"http://127.0.0.1:2\"");
    assert_eq!(accepted(&routed).warnings().len(), 1, "only the proxy it needs");
}

proptest! {
    /// Whatever the file holds, the answer is a configuration or sentences of one bounded line each.
    #[test]
    fn no_file_is_too_strange(
        key in "issuer|listen|data_dir|profile|tls|keys|log|resources|\\PC{0,200}",
        value in "\\PC{0,99}|\"\\PC{0,400}\"|\\[\"[ -~]{0,40}\"\\]|\\{ [a-z]{1,9} = \"[ -~]{0,300}\" \\}|-?[0-9]{1,40}",
    ) {
        if let Err(problems) = load(&format!("{key} = {value}")) {
            prop_assert!(!problems.is_empty());
            for line in problems.lines() {
                prop_assert!(line.chars().count() < 700 && !line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
